/**
 * The fold's state as text and back, for snapshots and for comparing two states.
 *   R1 equal states give equal texts.
 * Source: laws.md.
 */
import { shape, StateCapture } from "./state-capture.ts";
import { emptyState, type KeyState, type State } from "./state.ts";
import { emptyTicketIndex } from "./state.ts";
import { indexTickets } from "./ticket-index.ts";

/** JSON text of the whole state: equal states give equal texts (R1). */
export function stateText(state: State): string {
  const capture = new StateCapture(state);
  let text = "";
  for (let part = capture.next(Infinity); part !== null; part = capture.next(Infinity)) text += part;
  return text;
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
    capture: null,
  };
  indexTickets(state);
  return state;
}

/** As JSON has it: each Map an array of its entries. */
type Written<T> = {
  [Name in keyof T]: T[Name] extends Map<infer Key, infer Value> ? [Key, Value][] : T[Name];
};
