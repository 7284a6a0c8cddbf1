/**
 * What a grouped ledger needs from the place where the facts lie: small, synchronous, one writer.
 */
import type { FoldSnapshot } from "../../actors/ports.ts";
import type { Fact, NewFact, Stream } from "../../machines/facts.ts";
import type { Position } from "../../machines/vocabulary.ts";

/** A fact of a batch, ready to be written: its body already JSON text. */
export interface RowToWrite {
  readonly stream: Stream;
  readonly fact: NewFact;
  readonly key: string | null;
  readonly flow: string | null;
  readonly body: string;
}

/** A throw from `begin`, `insert`, `commit` or `saveSnapshot` means that nothing may be written any more (R3). */
export interface FactStore {
  readonly ledger: string;
  readonly epoch: string;
  readonly restored: boolean;
  /** Position of the last fact written, also inside a transaction. */
  position(): Position;
  /** Position of the stream's last fact, also inside a transaction; 0 = none. */
  streamHead(stream: Stream): Position;
  begin(): void;
  /** Writes the row at `position() + 1` and returns the fact as it now stands. */
  insert(row: RowToWrite): Fact;
  /** Durable when it returns. */
  commit(): void;
  /** After a throw: what was not committed is no longer read. Never throws. */
  abandon(): void;
  /** Facts after a position, in order. */
  page(after: Position, limit: number): Fact[];
  ofStream(stream: Stream): Fact[];
  /** The newest `limit` of a key, in order. */
  ofKey(key: string, limit: number): Fact[];
  loadSnapshot(): FoldSnapshot | null;
  saveSnapshot(snapshot: FoldSnapshot): void;
  close(): void;
}
