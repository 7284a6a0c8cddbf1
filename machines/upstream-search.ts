/**
 * What a flow asks about the elements upstream of an alarmed one, and what it makes of the answers.
 *   D2 and D5 need it; a clear, and an alarm that is planned itself, do not.
 * Source: domain.md, "The default decision".
 */
import { leader } from "./decision.ts";
import type { FlowFindings, FlowInput } from "./flow-input.ts";
import { limits } from "./limits.ts";
import { isClearedEarly } from "./state.ts";
import { ticketName } from "./ticket-index.ts";
import {
  elementsUpstream,
  parentTicket,
  ticketsAbove,
  type PathReading,
  type TicketAbove,
} from "./upstream.ts";
import { openStatuses, type SearchCriteria, type ServiceInfo, type Ticket } from "./vocabulary.ts";

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

/**
 * A8: the parent's ticket that would cover the alarm and lives where no search of this flow looks, to be read by its id
 * before it does; null: there is none. Where that service's row is gone, nobody can.
 */
export function parentToRead(
  input: FlowInput,
  elementId: string,
  found: FlowFindings,
): { readonly ticketId: string; readonly service: ServiceInfo } | null {
  const { service, serviceNamed, around } = input;
  const parent = parentTicket(aboveOf(input, elementId, found));
  if (parent === null || parent.service === service.name) return null;
  const home = serviceNamed(parent.service);
  const name = ticketName(parent.service, parent.ticketId);
  if (home === null || found.parents.has(name)) return null;
  const linked = around.linkedOn([parent.elementId]).map(({ ticket }) => ticket);
  const known = linked.find((one) => ticketName(one.service, one.ticketId) === name);
  if (known === undefined || around.sinceMs(known) < home.settleSeconds * 1000) return null;
  return { ticketId: parent.ticketId, service: home };
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
    linked: input.around
      .linkedOn(elementsUpstream(path))
      .filter(({ ticket }) => found.parents.get(ticketName(ticket.service, ticket.ticketId)) !== false),
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
