/**
 * The fold's state as text and back, for snapshots and for comparing two states.
 *   R1 equal states give equal texts.
 * Source: laws.md.
 */
import type { KeyState, State } from "./state.ts";

/**
 * JSON text of the whole state, for snapshots and for R1's comparison: equal states give equal texts. Maps are
 * named one by one: a replacer would be called for every member of a hundred thousand waiting notifications.
 */
export function stateText(state: State): string {
  return JSON.stringify({
    ...state,
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
  });
}

/** The state that `stateText` wrote. */
export function stateFromText(text: string): State {
  const read = JSON.parse(text) as Omit<Written<State>, "keys"> & { keys: readonly Written<KeyState>[] };
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
  return {
    ...read,
    keys: new Map(keys),
    clients: new Map(read.clients),
    tables: new Map(read.tables),
    requests: new Map(read.requests),
    settledRequests: new Map(read.settledRequests),
  };
}

/** As JSON has it: each Map an array of its entries. */
type Written<T> = {
  [Name in keyof T]: T[Name] extends Map<infer Key, infer Value> ? [Key, Value][] : T[Name];
};
