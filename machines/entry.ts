/** A fact with the stream it goes to: what a batch of the ledger is made of. */
import type { FactBodies, FactType, NewFact, Stream } from "./facts.ts";
import type { Instant, Position } from "./vocabulary.ts";

export interface Entry {
  readonly stream: Stream;
  readonly fact: NewFact;
}

export function entry<T extends FactType>(stream: Stream, at: Instant, type: T, body: FactBodies[T]): Entry {
  return { stream, fact: { type, at, body } as NewFact };
}

/** Condition of an append: nothing of the stream lies behind `revision`; 0 = the stream is empty. */
export interface Expectation {
  readonly stream: Stream;
  readonly revision: Position;
}
