/**
 * `ledger restore`: the only way to go on from a backup.
 *   L2 a restored ledger has a new identity.  R4 its first opening is told, so that every unsettled request is put
 *   in doubt: what was planned in the backup may have been sent since.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
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
 * it leaves the target as it was, and can be repeated (R2). Resolves with the head and the new identity.
 * Rejects with FailureError INVALID (no backup there, or a ledger in the way), LEDGER_LOCKED, LEDGER_DAMAGED,
 * LEDGER_VERSION, LEDGER_SYNC_FAILED.
 */
export async function restoreLedger(options: RestoreOptions): Promise<{ ledger: string; head: ChainLink }> {
  const { dir, uuid } = options;
  const from = sourceFile(options.from);
  const target = join(dir, "ledger.db");
  const copy = join(dir, "ledger.db.restoring");
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    lock = lockLedger(dir);
    refuseToReplace(target, dir);
    removeDatabase(copy);
    await copyDatabase(from, copy);
    const ledger = uuid();
    const head = giveIdentity(copy, ledger, from);
    removeDatabase(target);
    rmSync(join(dir, "ledger.head"), { force: true });
    renameSync(copy, target);
    syncPath(dir);
    writeFileSync(join(dir, "ledger.head"), `${String(head.position).padStart(16, "0")} ${head.hash}\n`);
    return { ledger, head };
  } catch (error) {
    removeDatabase(copy);
    throw asLedgerFailure(error, `restore ${from} into ${dir}`);
  } finally {
    lock?.close();
  }
}

function sourceFile(from: string): string {
  const file = existsSync(from) && statSync(from).isDirectory() ? join(from, "ledger.db") : from;
  if (existsSync(file)) return file;
  throw new FailureError("INVALID", `There is no backup at ${file}: expected a copy of ledger.db.`);
}

function refuseToReplace(target: string, dir: string): void {
  if (!existsSync(target)) return;
  refuseLogAlone(target);
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

async function copyDatabase(from: string, copy: string): Promise<void> {
  refuseLogAlone(from);
  const source = new DatabaseSync(from, { readOnly: true, timeout: limits.ledgerBusyMs });
  try {
    await backup(source, copy);
  } finally {
    source.close();
  }
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
    db.exec("UPDATE meta SET value = '1' WHERE name = 'restored'; COMMIT");
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
