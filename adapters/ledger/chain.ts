/**
 * The hash chain over the facts: every row carries the SHA-256 of the row before it and of itself, so that
 * damage in the middle of the history is found and its position named.
 *   R4 damage is refused, with the position.  S11 the audit is hash-chained (it is made of facts).
 */
import { hash } from "node:crypto";
import type { SQLOutputValue } from "node:sqlite";
import type { Fact } from "../../machines/facts.ts";
import { FailureError } from "../../machines/failure.ts";
import type { Position } from "../../machines/vocabulary.ts";

/** A fact as it is stored. `body` is JSON text; `epoch` the UUID of the opening that wrote it. */
export interface StoredRow {
  readonly position: Position;
  readonly epoch: string;
  readonly at: number;
  readonly stream: string;
  readonly type: string;
  readonly key: string | null;
  readonly flow: string | null;
  readonly body: string;
  /** Hex, 64 characters. */
  readonly hash: string;
}

/** A place in the chain. */
export interface ChainLink {
  readonly position: Position;
  readonly hash: string;
}

/** Before the first fact. */
export const chainStart: ChainLink = { position: 0, hash: "0".repeat(64) };

/**
 * Hash of one row. The lengths stand before the free texts, so that no two rows have the same content to
 * hash. Positional parameters, no object: this runs once a fact.
 */
export function hashRow(
  previous: string,
  position: Position,
  epoch: string,
  at: number,
  stream: string,
  type: string,
  key: string | null,
  flow: string | null,
  body: string,
): string {
  const lengths = `${stream.length} ${key === null ? -1 : key.length} ${flow === null ? -1 : flow.length}`;
  return hash(
    "sha256",
    `${previous} ${position} ${epoch} ${at} ${type} ${lengths}\n${stream}${key ?? ""}${flow ?? ""}${body}`,
  );
}

/**
 * Checks rows that should directly follow `after`: no gap in the positions, every hash right. What hashes right
 * is what was written, so the JSON is not parsed again. Returns the last link.
 * Throws FailureError LEDGER_DAMAGED at the first row that does not fit.
 */
export function checkRows(rows: readonly StoredRow[], after: ChainLink): ChainLink {
  let { position, hash: previous } = after;
  for (const row of rows) {
    position += 1;
    if (row.position !== position) throw damaged(position, "the fact is missing");
    // NULL in a column that is NOT NULL: its row was cut off.
    if (typeof row.stream !== "string") throw damaged(position, "the fact is not what was written");
    const expected = hashRow(
      previous,
      position,
      row.epoch,
      row.at,
      row.stream,
      row.type,
      row.key,
      row.flow,
      row.body,
    );
    if (row.hash !== expected) throw damaged(position, "the fact is not what was written");
    previous = expected;
  }
  return { position, hash: previous };
}

/** What SQLite gives for the columns of a StoredRow. What they hold is proven by the chain, not by a parser. */
export function storedRows(rows: readonly Record<string, SQLOutputValue>[]): readonly StoredRow[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the only place where rows get their type
  return rows as unknown as readonly StoredRow[];
}

/** The row as everyone above the ledger knows it. */
export function toFact(row: StoredRow): Fact {
  return makeFact(row.type, row.at, JSON.parse(row.body), row.position, row.epoch, row.stream);
}

/** One literal for all facts, written or read back: one hidden class for everyone who folds them. */
export function makeFact(
  type: string,
  at: number,
  body: unknown,
  position: Position,
  epoch: string,
  stream: string,
): Fact {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- type and body came in as one NewFact
  return { type, at, body, position, epoch, stream } as Fact;
}

/** R4: the refusal, naming the position and what to do. */
export function damaged(position: Position, what: string, cause?: unknown): FailureError {
  return new FailureError(
    "LEDGER_DAMAGED",
    `The ledger is damaged at position ${position}: ${what}. Nothing was changed. ` +
      "Keep the files for examination and bring back a backup with `ledger restore` into an empty directory.",
    { cause },
  );
}
