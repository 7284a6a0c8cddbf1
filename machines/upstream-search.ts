/**
 * What a flow asks about the elements upstream of an alarmed one, and what it makes of the answers.
 *   D2 and D5 need it; a clear, and an alarm that is planned itself, do not.
 * Source: domain.md, "The default decision".
 */
import { leader } from "./decision.ts";
import type { FlowFindings, FlowInput } from "./flow-input.ts";
import { limits } from "./limits.ts";
import { isClearedEarly } from "./state.ts";
import { elementsUpstream, ticketsAbove, type PathReading, type TicketAbove } from "./upstream.ts";
import { openStatuses, type SearchCriteria, type Ticket } from "./vocabulary.ts";

export function byElements(element: string, reading: PathReading | null): SearchCriteria {
  const networkElements = [element, ...elementsUpstream(reading?.path ?? null)].slice(0, limits.pathHopsMax);
  return { networkElements, status: openStatuses, maxResults: limits.searchResultsMax };
}

/** The element to look up: where there is a topology, and what lies over it can matter (D2, D5). */
export function looksUpstream({ hasTopology, group, key, settings }: FlowInput): string | null {
  if (!hasTopology) return null;
  const { notification } = leader(group);
  if (notification.kind === "clear" || notification.plannedOutage) return null;
  return isClearedEarly(key, notification, settings.clockSkewSeconds) ? null : notification.alarmedObject;
}

/** What lies over the element: by the searches of the flow, and by our own facts where the search's index lags. */
export function aboveOf(input: FlowInput, elementId: string, found: FlowFindings): TicketAbove[] {
  const path = found.path?.path ?? null;
  const shown = found.elements ?? [];
  return ticketsAbove({
    key: input.key.key,
    elementId,
    path,
    found: shown,
    complete: shown.length < limits.searchResultsMax && !found.cut.has("elements"),
    linked: input.around.linkedOn(elementsUpstream(path)),
    closedSinceMs: (key, ticketId) => input.around.closedSinceMs(key, ticketId),
    sinceMs: input.around.sinceMs,
    service: input.service,
  });
}

/** A ticket that both searches found once. */
export function ticketsOfBoth(tickets: readonly Ticket[], more: readonly Ticket[] | null): readonly Ticket[] {
  if (more === null) return tickets;
  const known = new Set(tickets.map((one) => one.ticketId));
  return [...tickets, ...more.filter((one) => !known.has(one.ticketId))];
}
