/**
 * Where open tickets lie and what rests on them: indexes over the keys, kept by the fold and made anew from a
 * snapshot, so that a decision finds the tickets upstream, and a closed ticket the keys it covered, without a
 * walk over all keys.
 *   D5 a parent's ticket covers what lies beneath.  R1 never part of the state's text: it follows from the keys.
 * Source: domain.md, "The default decision".
 */
import type { CoverState, KeyState, LinkedTicket, State } from "./state.ts";
import type { Instant } from "./vocabulary.ts";

/** Two services may use one ticket id. */
export function ticketName(service: string, ticketId: string): string {
  return `${service} ${ticketId}`;
}

/** From the keys alone, after a snapshot was read. */
export function indexTickets(state: State): void {
  for (const key of state.keys.values()) {
    for (const ticket of key.open.values()) place(state, key.key, ticket);
    if (key.cover !== null) rest(state, key.key, key.cover);
  }
}

/** The ticket is open and linked from now on; what the key's alarms rested on before no longer matters (A8). */
export function linkTicket(state: State, key: KeyState, ticket: LinkedTicket): void {
  const before = key.open.get(ticket.ticketId);
  if (before !== undefined) displace(state, before);
  key.open.set(ticket.ticketId, ticket);
  place(state, key.key, ticket);
  dropCover(state, key);
}

/** The ticket is closed, or the service does not know it: what rested on it is decided again. */
export function unlinkTicket(
  state: State,
  key: KeyState,
  ticketId: string,
  service: string | null,
  at: Instant,
): void {
  const linked = key.open.get(ticketId);
  if (linked !== undefined) displace(state, linked);
  key.open.delete(ticketId);
  const home = linked?.service ?? service;
  if (home === null) return;
  for (const name of state.index.covered.get(ticketName(home, ticketId)) ?? []) {
    const covered = state.keys.get(name);
    if (covered?.cover?.endedAt !== null) continue; // ended already
    state.capture?.before(covered);
    covered.cover = { ...covered.cover, endedAt: at };
  }
}

export function setCover(state: State, key: KeyState, cover: CoverState): void {
  dropCover(state, key);
  key.cover = cover;
  rest(state, key.key, cover);
}

export function dropCover(state: State, key: KeyState): void {
  if (key.cover === null) return;
  for (const name of key.cover.tickets) {
    const keys = state.index.covered.get(name);
    keys?.delete(key.key);
    if (keys?.size === 0) state.index.covered.delete(name);
  }
  key.cover = null;
}

function rest(state: State, key: string, cover: CoverState): void {
  for (const name of cover.tickets) {
    const keys = state.index.covered.get(name);
    if (keys === undefined) state.index.covered.set(name, new Set([key]));
    else keys.add(key);
  }
}

function place(state: State, key: string, { elements, service, ticketId }: LinkedTicket): void {
  for (const element of elements) {
    const tickets = state.index.onElement.get(element);
    if (tickets === undefined)
      state.index.onElement.set(element, new Map([[ticketName(service, ticketId), key]]));
    else tickets.set(ticketName(service, ticketId), key);
  }
}

function displace(state: State, { elements, service, ticketId }: LinkedTicket): void {
  for (const element of elements) {
    const tickets = state.index.onElement.get(element);
    tickets?.delete(ticketName(service, ticketId));
    if (tickets?.size === 0) state.index.onElement.delete(element);
  }
}
