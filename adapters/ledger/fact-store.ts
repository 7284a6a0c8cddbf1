/**
 * What a grouped ledger is made of: a place where facts are written, small, synchronous, with one writer
 * (FactStore); what stands between it and the ledger, in the same thread or in another (GroupWriter); and what
 * reads (FactReader).
 */
import type { Expectation, FoldSnapshot } from "../../actors/ports.ts";
import type { Fact, NewFact, Stream } from "../../machines/facts.ts";
import { FailureError } from "../../machines/failure.ts";
import type { Position } from "../../machines/vocabulary.ts";

/** A fact of a batch, ready to be written: its body already JSON text. */
export interface RowToWrite {
  readonly stream: Stream;
  readonly type: NewFact["type"];
  readonly at: number;
  readonly key: string | null;
  readonly flow: string | null;
  readonly body: string;
}

export interface BatchToWrite {
  readonly id: string;
  readonly expect: readonly Expectation[];
  readonly rows: readonly RowToWrite[];
}

/** What became of a batch. Its facts are those with `after` < position ≤ `position`. */
export type Judgement =
  | { readonly kind: "written"; readonly after: Position; readonly position: Position }
  /** Written before, under the same batch id. */
  | { readonly kind: "repeated"; readonly after: Position; readonly position: Position }
  | { readonly kind: "conflict"; readonly streams: readonly Stream[] };

/** A throw from any but `abandon` and `close` means that nothing may be written any more (R3). */
export interface FactStore {
  /** Position of the last fact written, also inside a transaction. */
  position(): Position;
  /** Position of the stream's last fact, also inside a transaction; 0 = none. */
  streamHead(stream: Stream): Position;
  begin(): void;
  /** Writes the row at `position() + 1`. */
  insert(row: RowToWrite): void;
  /** Durable when it returns. */
  commit(): void;
  /** Between groups, after what was committed has been answered. */
  tidy(): void;
  /** After a throw: what was not committed is no longer read. Never throws. */
  abandon(): void;
  /** The next part of the snapshot that is being taken. */
  addToSnapshot(text: string): void;
  /** The parts added so far are the state at `position`. */
  endSnapshot(position: Position): void;
  close(): void;
}

/** Hears, in the order of the writes, what became of them. */
export interface WriterListener {
  /** Of the oldest batches not yet judged; all of them are durable. */
  judged(judgements: readonly Judgement[]): void;
  /** R3: nothing that was not judged will be. `isDamage`: what is in the file could not be read (R4). */
  failed(error: unknown, isDamage?: boolean): void;
}

export interface GroupWriter {
  /** To be called once, before anything is written. */
  listen(listener: WriterListener): void;
  /** One transaction, or part of one. */
  write(batches: readonly BatchToWrite[]): void;
  /** Both reject when nothing may be written any more (R3). */
  addToSnapshot(text: string): Promise<void>;
  endSnapshot(position: Position): Promise<void>;
  /** To be called once, when everything was judged or has failed. */
  close(): Promise<void>;
}

/** Reads what is committed. `last` bounds it to what the ledger has answered for. */
export interface FactReader {
  /** Facts after a position, in order. */
  page(after: Position, limit: number): Fact[];
  ofStream(stream: Stream, last: Position): Fact[];
  /** The newest `limit` of a key, in order. */
  ofKey(key: string, limit: number, last: Position): Fact[];
  loadSnapshot(): FoldSnapshot | null;
  close(): void;
}

export function closedFailure(): FailureError {
  return new FailureError("STOPPING", "The ledger is closed; open it again to read or write.");
}
