/**
 * One engine on a ledger at a time: a second small database, held in an exclusive transaction for the engine's
 * life. The kernel lets go of it when the process ends, however it ends; `ledger.db` itself stays readable.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FailureError } from "../../machines/failure.ts";
import { isDamage, sqliteCode, sqliteCodes } from "./sqlite-verification.ts";

/** Holds the directory until the returned database is closed. Throws FailureError LEDGER_LOCKED. */
export function lockLedger(dir: string): DatabaseSync {
  const lock = new DatabaseSync(join(dir, "ledger.lock"));
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if (isDamage(error))
      throw new FailureError(
        "LEDGER_LOCKED",
        `The file ledger.lock in ${dir} is not what an engine makes of it, so that none can hold it. It keeps no facts: ` +
          "remove it while no engine runs on this directory, and start again.",
        { cause: error },
      );
    if (sqliteCode(error) !== sqliteCodes.busy) throw error;
    throw new FailureError(
      "LEDGER_LOCKED",
      `The ledger in ${dir} is in use by another engine. Stop that engine first, or give this one another data ` +
        "directory. Reading beside it (`ledger verify`, `ledger stats`, `sqlite3 ledger.db`) is always possible.",
      { cause: error },
    );
  }
}
