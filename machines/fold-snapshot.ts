/**
 * The fold's state as text and back, for snapshots and for comparing two states.
 *   R1 equal states give equal texts.
 * Source: laws.md.
 */
import { emptyState, type KeyState, type State } from "./state.ts";
import { emptyTicketIndex, indexTickets } from "./ticket-index.ts";

/** Raised when the state gains or loses a member. */
const shape = 4;

/**
 * JSON text of the whole state, for snapshots and for R1's comparison: equal states give equal texts. Maps are
 * named one by one: a replacer would be called for every member of a hundred thousand waiting notifications.
 */
export function stateText(state: State): string {
  return JSON.stringify({
    shape,
    ...state,
    // Follows from the keys.
    index: undefined,
    keys: [...state.keys.values()].map((key) => ({
      ...key,
      active: [...key.active],
      cleared: [...key.cleared],
      open: [...key.open],
      closed: [...key.closed],
    })),
    clients: [...state.clients],
    tables: [...state.tables],
    requests: [...state.requests],
    settledRequests: [...state.settledRequests],
    unknown: [...state.unknown],
  });
}

/** The state that `stateText` wrote. Of another shape: the empty state, so that the ledger is folded from its start. */
export function stateFromText(text: string): State {
  const { shape: was, ...read } = JSON.parse(text) as Omit<Written<State>, "keys"> & {
    shape?: number;
    keys: readonly Written<KeyState>[];
  };
  if (was !== shape) return emptyState();
  const keys = read.keys.map((key): [string, KeyState] => [
    key.key,
    {
      ...key,
      active: new Map(key.active),
      cleared: new Map(key.cleared),
      open: new Map(key.open),
      closed: new Map(key.closed),
    },
  ]);
  const state: State = {
    ...read,
    keys: new Map(keys),
    clients: new Map(read.clients),
    tables: new Map(read.tables),
    requests: new Map(read.requests),
    settledRequests: new Map(read.settledRequests),
    unknown: new Map(read.unknown),
    index: emptyTicketIndex(),
  };
  indexTickets(state);
  return state;
}

/** As JSON has it: each Map an array of its entries. */
type Written<T> = {
  [Name in keyof T]: T[Name] extends Map<infer Key, infer Value> ? [Key, Value][] : T[Name];
};
