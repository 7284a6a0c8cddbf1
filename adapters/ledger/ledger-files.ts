/** The ledger's own files, which no setting may name for something else. */
import { basename, dirname, resolve } from "node:path";
import { FailureError } from "../../machines/failure.ts";

/** Where a file that a setting names lies: a relative one in the data directory. Throws FailureError CONFIGURATION_INVALID for one of the ledger's. */
export function placeBesideLedger(dataDir: string, file: string, setting: string): string {
  const path = resolve(dataDir, file);
  if (dirname(path) !== resolve(dataDir) || !basename(path).startsWith("ledger.")) return path;
  throw new FailureError(
    "CONFIGURATION_INVALID",
    `${setting}: ${file} is the ledger's, as is every file of dataDir whose name begins with "ledger."; name another.`,
  );
}
