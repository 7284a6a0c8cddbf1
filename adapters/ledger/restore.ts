/**
 * `ledger restore`: the only way to go on from a backup.
 *   L2 a restored ledger has a new identity.  R4 its first opening is told, so that every unsettled request is put
 *   in doubt: what was planned in the backup may have been sent since.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { makeFolder } from "../folder.ts";
import type { ChainLink } from "./chain.ts";
import { chainStart } from "./chain.ts";
import { lockLedger } from "./ledger-lock.ts";
import { asLedgerFailure, checkSchema, refuseLogAlone, verifyFacts } from "./sqlite-verification.ts";

export interface RestoreOptions {
  /** The backup: an SQLite file, or a directory with a `ledger.db`. It is only read; a running engine may own it. */
  readonly from: string;
  /** Where the restored ledger goes: a directory without a ledger, or with an empty one. Made when missing. */
  readonly dir: string;
  /** A fresh UUID v4, from the Ids port: the new identity. */
  readonly uuid: () => string;
}

/**
 * Copies, checks the whole chain, gives it a new identity, and puts it in place in one rename: cut off at any point
 * it leaves the target as it was or restored, and can be repeated (R2); where it rejects, there is no ledger. Resolves with the head and the new identity.
 * Rejects with FailureError INVALID (no backup there, or a ledger in the way), LEDGER_LOCKED, LEDGER_DAMAGED,
 * LEDGER_VERSION, LEDGER_SYNC_FAILED.
 */
export async function restoreLedger(options: RestoreOptions): Promise<{ ledger: string; head: ChainLink }> {
  const { dir, uuid } = options;
  const from = sourceFile(options.from);
  const target = join(dir, "ledger.db");
  const copy = join(dir, "ledger.db.restoring");
  refuseOwnCopy(from, copy);
  let lock: DatabaseSync | undefined;
  let ours = copy;
  try {
    makeFolder(dir, 0o700);
    lock = lockLedger(dir);
    refuseToReplace(target, dir);
    removeDatabase(copy);
    const ledger = uuid();
    const head = await copyAs(ledger, from, copy);
    removeDatabase(target);
    rmSync(join(dir, "ledger.head"), { force: true });
    renameSync(copy, target);
    ours = target;
    syncPath(dir);
    writeFileSync(join(dir, "ledger.head"), `${String(head.position).padStart(16, "0")} ${head.hash}\n`);
    return { ledger, head };
  } catch (error) {
    if (lock !== undefined) removeDatabase(ours); // else it is another restore's
    throw asLedgerFailure(error, `restore ${from} into ${dir}`);
  } finally {
    lock?.close();
  }
}

function sourceFile(from: string): string {
  const find = (path: string) => statSync(path, { throwIfNoEntry: false });
  try {
    const file = find(from)?.isDirectory() === true ? join(from, "ledger.db") : from;
    if (find(file) !== undefined) return file;
    throw new FailureError("INVALID", `There is no backup at ${file}: expected a copy of ledger.db.`);
  } catch (error) {
    throw asLedgerFailure(error, `read ${from}`);
  }
}

/** What lies there is taken for the copy of a restore that was cut off, and removed. */
function refuseOwnCopy(from: string, copy: string): void {
  if (!existsSync(copy) || realpathSync(copy) !== realpathSync(from)) return;
  throw new FailureError(
    "INVALID",
    `${from} is where a restore makes its copy, and would be removed first. If it is a whole backup, move it ` +
      "elsewhere and restore it from there; one that a restore left when it was cut off is none.",
  );
}

function refuseToReplace(target: string, dir: string): void {
  refuseLogAlone(target);
  if (!existsSync(target)) return;
  const db = new DatabaseSync(target, { readOnly: true });
  try {
    if (checkSchema(db) === "empty" || db.prepare("SELECT 1 FROM facts LIMIT 1").get() === undefined) return;
  } finally {
    db.close();
  }
  throw new FailureError(
    "INVALID",
    `There is a ledger with facts in ${dir} already; a restore never replaces one. Restore into an empty directory, ` +
      "or move the old ledger away first.",
  );
}

/** What is wrong with the backup is told of the backup: the ledger in place may be whole. */
async function copyAs(ledger: string, from: string, copy: string): Promise<ChainLink> {
  try {
    await copyDatabase(from, copy);
    return giveIdentity(copy, ledger, from);
  } catch (error) {
    const { code, detail } = asLedgerFailure(error, `copy ${from}`).failure;
    if (code !== "LEDGER_DAMAGED" && code !== "LEDGER_VERSION") throw error;
    throw new FailureError(code, `The backup ${from} cannot be restored. ${detail}`, { cause: error });
  }
}

async function copyDatabase(from: string, copy: string): Promise<void> {
  refuseLogAlone(from);
  const source = openBackup(from);
  try {
    // One moment of it: beside a commit of somebody else's SQLite would begin again, and beside many never end.
    source.exec("BEGIN");
    source.prepare("SELECT count(*) FROM sqlite_master").get();
    await backup(source, copy);
  } finally {
    source.close();
  }
}

/** A log beside it may be a running engine's; a file that stands alone is nobody's, and may lie where nothing can be written. */
function openBackup(from: string): DatabaseSync {
  const isAlone = ["-wal", "-journal"].every((suffix) => !existsSync(from + suffix));
  const url = pathToFileURL(from);
  if (isAlone) url.searchParams.set("immutable", "1");
  return new DatabaseSync(url, { readOnly: true, timeout: limits.ledgerBusyMs });
}

/** Durable, of this program's version, and one file again (no write-ahead log beside it), when it returns. */
function giveIdentity(copy: string, ledger: string, from: string): ChainLink {
  const db = new DatabaseSync(copy);
  try {
    // A copy: its end is what was copied.
    if (checkSchema(db, () => {}) === "empty") throw new FailureError("INVALID", `${from} is empty.`);
    const head = verifyFacts(db, chainStart);
    db.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
    db.prepare("UPDATE meta SET value = ? WHERE name = 'ledger'").run(ledger);
    // As the engine keeps it: the change of mode needs the file for itself, which the first start may not have.
    db.exec("UPDATE meta SET value = '1' WHERE name = 'restored'; COMMIT; PRAGMA journal_mode = WAL");
    return head;
  } finally {
    db.close();
    syncPath(copy);
  }
}

function removeDatabase(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
}

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
