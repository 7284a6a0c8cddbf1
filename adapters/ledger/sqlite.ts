/**
 * The embedded ledger: one SQLite file in the data directory, through Node's own `node:sqlite`. It is written by a
 * thread of its own, so that no sync holds up the event loop and one group's sync overlaps with the next group's
 * work; it is read here, through a second connection.
 *   A1 R3 R4 as in `sqlite-store.ts`.
 */
import type { Ledger } from "../../actors/ports.ts";
import { makeFact } from "./chain.ts";
import type { FactReader } from "./fact-store.ts";
import { createGroupedLedger } from "./grouped-ledger.ts";
import { openSqliteReader } from "./sqlite-reader.ts";
import { asLedgerFailure } from "./sqlite-verification.ts";
import { openThread } from "./thread-writer.ts";

export interface SqliteLedgerOptions {
  /** Data directory; made when missing. Holds `ledger.db` (with `-wal`, `-shm`), `ledger.lock`, `ledger.head`. */
  readonly dir: string;
  /** Milliseconds since 1970, from the Clock port: when each epoch was opened. */
  readonly now: () => number;
  /** A fresh UUID v4, from the Ids port. */
  readonly uuid: () => string;
  /**
   * Open although facts that were once durable are missing at the end (R4). Default: refuse. What is missing
   * stays missing; the services may know tickets that this ledger does not.
   */
  readonly acceptShortened?: boolean;
  /** Largest size of `ledger.db` in pages of 4 KiB, as a full disk would set it. Default: none. For tests of R3. */
  readonly pagesMax?: number;
}

/**
 * Opens the ledger for writing and checks every fact after the newest snapshot of the fold; for those before it
 * run `verifyLedger` beside. Rejects with FailureError:
 * LEDGER_LOCKED another engine has it open · LEDGER_DAMAGED · LEDGER_SHORTENED · LEDGER_VERSION written by another
 * version, or no ledger at all · LEDGER_SYNC_FAILED the directory or file cannot be written.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  const { dir, now, uuid, acceptShortened = false, pagesMax = null } = options;
  const [identity, epoch] = [uuid(), uuid()];
  const opening = { dir, identity, epoch, openedAt: now(), acceptShortened, pagesMax };
  const { writer, ledger, restored, position } = await openThread(opening);
  let reader: FactReader;
  try {
    reader = openSqliteReader(dir);
  } catch (error) {
    await writer.close();
    throw asLedgerFailure(error, `open the ledger in ${dir}`);
  }
  return createGroupedLedger({
    head: { ledger, epoch, position, restored },
    reader,
    writer,
    // The caller's own bodies: nothing comes back from the thread but positions.
    written: (facts, after) =>
      facts.map(({ stream, fact: { type, at, body } }, index) =>
        makeFact(type, at, body, after + 1 + index, epoch, stream),
      ),
  });
}
