/**
 * What a flow may know beyond its own key: open tickets elsewhere, and how many there are in all. Read from the
 * fold at the moment of the question, as the search lags behind our own facts.
 *   D5 tickets upstream.  D7 the bound of open tickets is never overshot by flows that decide at the same time.
 */
import type { ClosedForMs, SinceMs } from "./decision.ts";
import { limits } from "./limits.ts";
import type { KeyState, State } from "./state.ts";
import type { LinkedElsewhere } from "./upstream.ts";

export interface Surroundings {
  /** Open tickets that the ledger links to keys, on these elements. */
  linkedOn(elements: readonly string[]): LinkedElsewhere[];
  /** How long ago a ticket of that key was closed by us, if lately. */
  closedSinceMs(key: string, ticketId: string): number | null;
  readonly sinceMs: SinceMs;
  readonly closedForMs: ClosedForMs;
  /** Open tickets and those that other keys may be making now. */
  openTicketsTotal(): number;
}

export function surroundings(
  state: State,
  key: string,
  sinceMs: SinceMs,
  closedForMs: ClosedForMs = sinceMs,
): Surroundings {
  return {
    linkedOn: (elements) => linkedOn(state, elements),
    closedSinceMs: (name, ticketId) => {
      const closed = state.keys.get(name)?.closed.get(ticketId);
      return closed === undefined ? null : sinceMs(closed);
    },
    sinceMs,
    closedForMs,
    openTicketsTotal: () => ticketsOpenOrComing(state, key),
  };
}

function linkedOn(state: State, elements: readonly string[]): LinkedElsewhere[] {
  const found: LinkedElsewhere[] = [];
  for (const elementId of elements) {
    const keys = new Set(state.index.onElement.get(elementId)?.values());
    for (const key of keys)
      for (const ticket of state.keys.get(key)?.open.values() ?? [])
        if (ticket.elements.includes(elementId)) found.push({ key, elementId, ticket });
  }
  return found;
}

/**
 * Open tickets, creates that are not settled, and flows that may yet make one, except those of `self`. A flow that
 * may make one counts as if it did: whoever is parked because of it is woken when it did not.
 */
export function ticketsOpenOrComing(state: State, self: string | null): number {
  const open = state.counters.openTickets;
  const most = open + state.requests.size + state.clients.size;
  if (most < maxOpenTicketsOf(state)) return open; // below the bound whatever comes
  const coming = new Set<string>();
  for (const name of state.requests.values()) {
    const key = state.keys.get(name);
    if (key?.request?.payload.command === "create") coming.add(name);
  }
  for (const { key: name } of state.clients.values()) {
    const key = name === null ? undefined : state.keys.get(name);
    if (key !== undefined && mayCreate(key)) coming.add(key.key);
  }
  if (self !== null) coming.delete(self);
  return open + coming.size;
}

function mayCreate(key: KeyState): boolean {
  if (key.flow === null || key.request !== null || key.open.size > 0) return false;
  return key.flow.again || key.waiting[0]?.notification.kind !== "clear";
}

export function maxOpenTicketsOf({ settings }: State): number {
  return settings.maxOpenTickets ?? limits.maxOpenTicketsDefault;
}

/** How many keys parked as `storm` may be woken now; at most what there is room for. */
export function roomForTickets(state: State): number {
  return Math.max(0, maxOpenTicketsOf(state) - ticketsOpenOrComing(state, null));
}
