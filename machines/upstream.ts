/**
 * Open tickets that lie over an alarmed element: on the element itself or upstream of it in the topology.
 *   D2 planned maintenance whose window covers now.  D5 a Major Outage upstream covers what lies beneath.
 *   T2 a ticket that the ledger links counts while the search's index may lag; then the search wins.
 * Source: domain.md, "The default decision".
 */
import type { LinkedTicket } from "./state.ts";
import { isOpen, type Instant, type NetworkPath, type ServiceInfo, type Ticket } from "./vocabulary.ts";

/** What a look-up in the topology brought: a path, or why there is none. */
export interface PathReading {
  readonly elementId: string;
  readonly path: NetworkPath | null;
  /** A sentence; null with a path. */
  readonly failure: string | null;
  readonly at: Instant;
}

/** An open ticket over the alarmed element. */
export interface TicketAbove {
  readonly ticketId: string;
  readonly service: string;
  readonly kind: Ticket["kind"];
  /** Key or reference it was made for; null: none known. */
  readonly key: string | null;
  /** Where it lies; `hopNo` 0 = on the alarmed element itself. */
  readonly elementId: string;
  readonly hopNo: number;
  readonly openedAt: Instant | null;
  /** The window; null: open on that side. */
  readonly startAt: Instant | null;
  readonly endAt: Instant | null;
}

/** An open ticket of another key, as the ledger links it. */
export interface LinkedElsewhere {
  readonly key: string;
  readonly elementId: string;
  readonly ticket: LinkedTicket;
}

export interface AboveInput {
  /** The key that decides: its own Major Outages are no parents. */
  readonly key: string;
  readonly elementId: string;
  readonly path: NetworkPath | null;
  /** What the searches of the flow brought, at `service`. */
  readonly found: readonly Ticket[];
  /** Whether the search for the elements was asked and gave all there are: only then does its silence count. */
  readonly complete: boolean;
  readonly linked: readonly LinkedElsewhere[];
  /** How long ago we closed a ticket ourselves, if lately: the search may still show it open. */
  readonly closedSinceMs: (key: string, ticketId: string) => number | null;
  /** How long ago we knew of a linked ticket for certain. */
  readonly sinceMs: (ticket: LinkedTicket) => number;
  readonly service: ServiceInfo;
}

/** Ids of the elements upstream, nearest first; each once, never the element itself (a path may run in a circle). */
export function elementsUpstream(path: NetworkPath | null): string[] {
  if (path === null) return [];
  const hops = [...path.hops].sort((a, b) => a.hopNo - b.hopNo);
  const ids = new Set(hops.map((hop) => hop.elementId));
  ids.delete(path.elementId);
  return [...ids];
}

/** What a decision record must say about the path it was made with; null: nothing, the path is whole. */
export function pathNote(reading: PathReading | null): string | null {
  if (reading === null) return null;
  if (reading.failure !== null) return `Decided without the path: ${reading.failure}`;
  switch (reading.path?.end) {
    case "loop":
      return "The path runs in a circle; what lies beyond is not known.";
    case "dangling":
      return "The path ends at an element whose parent is not in the topology.";
    case "limit":
      return `Only the nearest ${reading.path.hops.length} elements of the path were looked at.`;
    case "root":
    case undefined:
      return null;
  }
}

/** Open tickets over the element, nearest first, the oldest of equals. */
export function ticketsAbove(input: AboveInput): TicketAbove[] {
  const { service } = input;
  const hops = new Map<string, number>([[input.elementId, 0]]);
  for (const elementId of elementsUpstream(input.path))
    if (!hops.has(elementId)) hops.set(elementId, hops.size);
  const settleMs = service.settleSeconds * 1000;
  const above = new Map<string, TicketAbove>();

  for (const ticket of input.found) {
    if (!isOpen(ticket)) continue;
    const reference = ticket.clientReference ?? null;
    const closedMs = reference === null ? null : input.closedSinceMs(reference, ticket.ticketId);
    if (closedMs !== null && closedMs < settleMs) continue;
    const place = nearest(ticket, hops, reference === input.key ? input.elementId : null);
    if (place === null || (ticket.kind === "MO" && (place.hopNo === 0 || reference === input.key))) continue;
    above.set(ticket.ticketId, {
      ticketId: ticket.ticketId,
      service: service.name,
      kind: ticket.kind,
      key: reference,
      ...place,
      openedAt: ticket.openedAt ?? null,
      startAt: ticket.startAt ?? null,
      endAt: ticket.endAt ?? null,
    });
  }
  for (const { key, elementId, ticket } of input.linked) {
    const hopNo = hops.get(elementId) ?? 0;
    if (key === input.key || hopNo === 0 || above.has(ticket.ticketId)) continue;
    const searched = input.complete && ticket.service === service.name;
    if (searched && input.sinceMs(ticket) >= settleMs) continue; // T2
    above.set(ticket.ticketId, {
      ticketId: ticket.ticketId,
      service: ticket.service,
      kind: "MO",
      key,
      elementId,
      hopNo,
      openedAt: ticket.openedAt,
      startAt: null,
      endAt: null,
    });
  }
  return [...above.values()].sort(
    (a, b) =>
      a.hopNo - b.hopNo || (a.openedAt ?? 0) - (b.openedAt ?? 0) || (a.ticketId < b.ticketId ? -1 : 1),
  );
}

function nearest(
  ticket: Ticket,
  hops: ReadonlyMap<string, number>,
  own: string | null,
): { readonly elementId: string; readonly hopNo: number } | null {
  let place: { readonly elementId: string; readonly hopNo: number } | null =
    own === null ? null : { elementId: own, hopNo: 0 };
  for (const elementId of ticket.networkElements) {
    const hopNo = hops.get(elementId);
    if (hopNo !== undefined && (place === null || hopNo < place.hopNo)) place = { elementId, hopNo };
  }
  return place;
}

/** D2: the planned maintenance whose window covers `now`, the one that lasts longest; null: none. */
export function maintenanceNow(above: readonly TicketAbove[], now: Instant): TicketAbove | null {
  let longest: TicketAbove | null = null;
  for (const one of above) {
    if (one.kind !== "PLM" || (one.startAt ?? now) > now || (one.endAt ?? Infinity) <= now) continue;
    if (longest === null || (one.endAt ?? Infinity) > (longest.endAt ?? Infinity)) longest = one;
  }
  return longest;
}

/** D5: the nearest Major Outage upstream; null: none. */
export function parentTicket(above: readonly TicketAbove[]): TicketAbove | null {
  return above.find((one) => one.kind === "MO") ?? null;
}
