/**
 * `ledger.head`: position and hash of the last fact, written after each commit without a sync of its own. The
 * database alone cannot tell that its tail was cut off or that an older copy was put in its place; this can.
 *   R4 a shortened tail is noticed.
 */
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { FailureError } from "../../machines/failure.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { type ChainLink, damaged } from "./chain.ts";

/** 16 digits, a space, 64 hex digits, a newline: always the same length, so that one write replaces it all. */
const line = /^(\d{16}) ([0-9a-f]{64})\n$/;

/** The last position written down; 0: nothing is known. Makes no file. */
export function notedPosition(dir: string): Position {
  try {
    return Number(line.exec(readFileSync(join(dir, "ledger.head"), "latin1"))?.[1] ?? 0);
  } catch {
    return 0; // missing, as before the first opening
  }
}

/** R4: the refusal. */
export function shortened(dir: string, position: Position, noted: Position): FailureError {
  return new FailureError(
    "LEDGER_SHORTENED",
    `The ledger in ${dir} ends at position ${position}, but position ${noted} was durable before: ` +
      "its end was lost, or an older copy was put in its place. Put the newest file back, or restore a backup with " +
      "`ledger restore`; to go on without the missing facts, start once with `serve --accept-shortened`.",
  );
}

export class HeadFile {
  readonly #dir: string;
  readonly #fd: number;

  constructor(dir: string) {
    this.#dir = dir;
    this.#fd = openSync(join(dir, "ledger.head"), constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /**
   * Compares the database's head with the last one written down. A head file that is missing or unreadable (it is never
   * synced) says nothing. True: the end is lost, and that is accepted.
   * Throws FailureError LEDGER_SHORTENED unless `acceptShortened`, LEDGER_DAMAGED for another history.
   */
  check(db: DatabaseSync, head: ChainLink, acceptShortened: boolean): boolean {
    const [, digits, hash] = line.exec(readFileSync(this.#fd, "latin1")) ?? [];
    const position = Number(digits ?? 0);
    if (position > head.position && !acceptShortened) throw shortened(this.#dir, head.position, position);
    if (position > 0 && position <= head.position) {
      const row = db.prepare("SELECT hash FROM facts WHERE position = ?").get(position);
      if (row?.["hash"] !== hash) throw damaged(position, "the history differs from the one in ledger.head");
    }
    return position > head.position;
  }

  /** The database's head counts from now on, whatever was written down. */
  begin({ position, hash }: ChainLink): void {
    ftruncateSync(this.#fd, 0);
    this.write(position, hash);
  }

  write(position: Position, hash: string): void {
    writeSync(this.#fd, `${String(position).padStart(16, "0")} ${hash}\n`, 0, "latin1");
  }

  close(): void {
    closeSync(this.#fd);
  }
}
