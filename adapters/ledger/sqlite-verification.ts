/**
 * Is this file a ledger of ours, and is it what was written? Also turns SQLite's errors into the ledger's codes.
 *   R4 damage is refused, with the position.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { type ChainLink, chainStart, checkRows, damaged, storedRows } from "./chain.ts";
import { indexFacts, rowColumns, schemaVersion, unindexedFact, upgrades } from "./sqlite-schema.ts";

/** Primary result codes of SQLite that mean something to us: https://www.sqlite.org/rescode.html */
export const sqliteCodes = { error: 1, busy: 5, corrupt: 11, constraint: 19, notADatabase: 26 } as const;

/** Primary result code of an error thrown by `node:sqlite`; null for other errors. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return null;
  return error.errcode & 0xff;
}

const ofDamage: readonly (number | null)[] = [
  sqliteCodes.corrupt,
  sqliteCodes.notADatabase,
  // Our statements are fixed: one that does not fit has met a damaged schema, one that breaks a rule damaged rows.
  sqliteCodes.error,
  sqliteCodes.constraint,
];

/** A number too large for JavaScript and a text that is no JSON too: neither was ever written. */
export function isDamage(error: unknown): boolean {
  if (error instanceof SyntaxError) return true;
  if (error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE") return true;
  return ofDamage.includes(sqliteCode(error));
}

/** `doing` completes "could not …". A FailureError comes back as it is. */
export function asLedgerFailure(error: unknown, doing: string): FailureError {
  if (error instanceof FailureError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (isDamage(error)) {
    return damaged(0, `SQLite cannot read the file (${message})`, error);
  }
  if (sqliteCode(error) === sqliteCodes.busy)
    return new FailureError(
      "LEDGER_SYNC_FAILED",
      `Could not ${doing}: another program holds the file (${message}). End it, a reader or a backup program, and try again.`,
      { cause: error },
    );
  return new FailureError(
    "LEDGER_SYNC_FAILED",
    `Could not ${doing}: ${message}. Check that the directory exists, can be written by this user and has space.`,
    { cause: error },
  );
}

/** Without content, as SQLite sees it: one byte counts as none. */
export function isEmpty(file: string): boolean {
  return sizeOf(file) <= 1;
}

/** R4: SQLite takes an empty or missing file for a new one, and drops the log beside it, even where it only reads. */
export function refuseLogAlone(file: string): void {
  if (isEmpty(file) && sizeOf(`${file}-wal`) > 0)
    throw damaged(0, "ledger.db is empty or missing, and its log ledger.db-wal is not");
}

/** R4: SQLite takes a format that it does not know for one that it may not write. */
export function refuseOtherFormat(file: string): void {
  if (isEmpty(file)) return;
  const header = Buffer.alloc(20);
  const fd = openSync(file, "r");
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  for (const version of header.subarray(18))
    if (version > 2) throw damaged(0, "the header of ledger.db names a format that SQLite does not have");
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Where a row of the schema contradicts itself SQLite may read on, and not find it when it is to be made anew. */
const tornSchema = `SELECT coalesce(name, 'one of its rows') AS name FROM sqlite_master
  WHERE name IS NULL OR tbl_name IS NULL OR type IS NULL OR type NOT IN ('table', 'view', 'index', 'trigger')
    OR (type IN ('table', 'view') AND tbl_name <> name)`;

/**
 * Throws FailureError LEDGER_DAMAGED for a ledger without a version, LEDGER_VERSION for a file that says a newer one or
 * is another program's, and for an older one unless
 * `upgrade`: then its whole chain is checked (LEDGER_DAMAGED), `upgrade` may refuse its last link by throwing, and it is
 * brought up to date, in one transaction. Until then nothing is written (R4).
 */
export function checkSchema(db: DatabaseSync, upgrade?: (head: ChainLink) => void): "empty" | "current" {
  const names = db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
    .all()
    .map(({ name }) => name);
  const torn = db.prepare(tornSchema).get()?.["name"];
  if (torn !== undefined) throw damaged(0, `the schema does not say what ${String(torn)} is`);
  // Where rows of the schema stand out of order, the next that is made or dropped may be made or dropped for another.
  const said = db.prepare("PRAGMA quick_check(sqlite_schema)").get()?.["quick_check"];
  if (said !== "ok") throw damaged(0, `the schema is not in order (${String(said).replaceAll(/\s+/g, " ")})`);
  if (names.length === 0) return "empty";
  const found = names.includes("meta")
    ? db.prepare("SELECT value FROM meta WHERE name = 'schema'").get()?.["value"]
    : undefined;
  if (found === String(schemaVersion)) return "current";
  if (typeof found === "string" && Object.hasOwn(upgrades, found)) {
    if (upgrade !== undefined) {
      upgrade(lastOf(verifyPages(db, chainStart, { indexed: false })));
      return upgradeSchema(db, found);
    }
    throw new FailureError(
      "LEDGER_VERSION",
      `The ledger has schema version ${found}, older than this program's ${schemaVersion}. ` +
        "Start the engine on it once: that brings it up to date.",
    );
  }
  // Its number is lost, or none that was ever given; the facts say whose file it is.
  if (typeof found !== "string" || !/^[1-9]\d{0,3}$/.test(found)) {
    if (found !== undefined || names.includes("facts") || names.includes("epochs"))
      throw damaged(0, "the schema version in its table meta is lost");
    throw new FailureError(
      "LEDGER_VERSION",
      "ledger.db is an SQLite file, but not a ledger. Choose another data directory.",
    );
  }
  throw new FailureError(
    "LEDGER_VERSION",
    `The ledger says schema version ${found}; this program knows version ${schemaVersion}. Use the version of the ` +
      "program that wrote it; if none newer than this one did, the number is damaged: restore a backup.",
  );
}

function upgradeSchema(db: DatabaseSync, from: string): "current" {
  db.exec("BEGIN IMMEDIATE");
  for (let version = from; version !== String(schemaVersion); version = String(Number(version) + 1))
    db.exec(upgrades[version] ?? "");
  db.exec(`UPDATE meta SET value = '${schemaVersion}' WHERE name = 'schema'; ${indexFacts} COMMIT`);
  return "current";
}

/** Checks all facts after a link in one go; returns the last. Throws FailureError LEDGER_DAMAGED. */
export function verifyFacts(db: DatabaseSync, after: ChainLink): ChainLink {
  return lastOf(verifyPages(db, after), after);
}

function lastOf(links: Iterable<ChainLink>, before: ChainLink = chainStart): ChainLink {
  let last = before;
  for (const link of links) last = link;
  return last;
}

/**
 * Checks page by page, yielding the last good link after each: chain, positions, and that every indexed fact is found
 * through its stream and key (a lost entry would let a duplicate in: A4), unless not `indexed`: a ledger of version 1
 * has no tables for that. Throws FailureError LEDGER_DAMAGED.
 */
export function* verifyPages(
  db: DatabaseSync,
  after: ChainLink = chainStart,
  { indexed = true } = {},
): Generator<ChainLink> {
  let link = after;
  try {
    const page = db.prepare(
      `SELECT ${rowColumns} FROM facts f WHERE f.position > ? ORDER BY f.position LIMIT ?`,
    );
    const unindexed = indexed ? db.prepare(unindexedFact) : null;
    for (;;) {
      const rows = storedRows(page.all(link.position, limits.ledgerReadRows));
      if (rows.length === 0) return;
      const next = checkRows(rows, link);
      const lost = unindexed?.get(link.position, next.position)?.["position"];
      if (typeof lost === "number") throw damaged(lost, "an index does not lead to the fact");
      link = next;
      yield link;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw damaged(link.position + 1, `SQLite cannot read on (${String(error)})`, error);
  }
}
