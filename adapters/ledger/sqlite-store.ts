/**
 * The writing side of the ledger in SQLite: opens the file, checks it, holds its lock and writes to it.
 * Synchronous; it lives in a thread of its own (`sqlite-thread.ts`).
 *   A1 a commit returns after its sync (WAL, synchronous=FULL).  L2 every opening writes a new epoch.
 *   R3 the first failed write ends the opening for writers.  R4 damage and a shortened tail are refused.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Stream } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { makeFolder } from "../folder.ts";
import { setBounded } from "./bounded-map.ts";
import { type ChainLink, chainStart, hashRow } from "./chain.ts";
import type { FactStore } from "./fact-store.ts";
import { HeadFile, notedPosition, shortened } from "./head-file.ts";
import { lockLedger } from "./ledger-lock.ts";
import { forgetMissing, indexFacts, schemaVersion, tables, views } from "./sqlite-schema.ts";
import { newestTrustedSnapshot, SnapshotWriter } from "./sqlite-snapshots.ts";
import {
  asLedgerFailure,
  checkSchema,
  isEmpty,
  refuseLogAlone,
  refuseOtherFormat,
  verifyFacts,
} from "./sqlite-verification.ts";
import type { ThreadOpening } from "./thread-messages.ts";

export interface SqliteStore extends FactStore {
  readonly ledger: string;
  readonly restored: boolean;
}

/** Throws the FailureErrors of `openSqliteLedger`. */
export function openSqliteStore(opening: ThreadOpening): SqliteStore {
  const { dir } = opening;
  let lock: DatabaseSync | undefined;
  let witness: DatabaseSync | undefined;
  let db: DatabaseSync | undefined;
  let headFile: HeadFile | undefined;
  try {
    makeFolder(dir, 0o700);
    lock = lockLedger(dir);
    refuseEmptied(opening);
    refuseOtherFormat(join(dir, "ledger.db"));
    witness = openWitness(dir);
    db = new DatabaseSync(join(dir, "ledger.db"), { timeout: limits.ledgerBusyMs });
    prepareFile(db, opening);
    const head = verifyFacts(db, newestTrustedSnapshot(db)?.link ?? chainStart);
    headFile = new HeadFile(dir); // made where it is missing, but not beside a ledger that is refused
    const isShortened = headFile.check(db, head, opening.acceptShortened); // R4
    const store = openStore({ db, lock, headFile, head, isShortened, opening });
    witness?.close();
    return store;
  } catch (error) {
    headFile?.close();
    db?.close();
    witness?.close(); // after the one that could have changed something
    lock?.close();
    throw asLedgerFailure(error, `open the ledger in ${dir}`);
  }
}

/** R4: SQLite takes an empty or missing file for a new one. */
function refuseEmptied({ dir, acceptShortened }: ThreadOpening): void {
  const file = join(dir, "ledger.db");
  if (acceptShortened || !isEmpty(file)) return;
  const noted = notedPosition(dir);
  if (noted > 0) throw shortened(dir, 0, noted);
  refuseLogAlone(file);
}

/**
 * R4: the last connection to close moves what it can read of the log into the file and drops the rest, which may be all
 * there is of acknowledged facts behind a damaged one. While this one is open, which cannot write, no other is the last:
 * a refused ledger stays as it was found.
 */
function openWitness(dir: string): DatabaseSync | undefined {
  const file = join(dir, "ledger.db");
  if (isEmpty(file)) return undefined;
  const witness = new DatabaseSync(file, { readOnly: true, timeout: limits.ledgerBusyMs });
  try {
    witness.prepare("SELECT count(*) FROM sqlite_master").get(); // it takes part from its first read on
  } catch {
    // Damaged; the writing connection says how.
  }
  return witness;
}

function prepareFile(db: DatabaseSync, opening: ThreadOpening): void {
  const { dir, pagesMax, identity, acceptShortened } = opening;
  // Checkpoints are made by hand: SQLite's automatic ones swallow a failed sync, and R3 must see it.
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${limits.ledgerCacheKib};`);
  if (pagesMax !== null) db.exec(`PRAGMA max_page_count = ${Math.trunc(pagesMax)}`);
  if (checkSchema(db, (head) => judgeEnd(db, head, opening)) === "empty") {
    const noted = notedPosition(dir);
    if (noted > 0 && !acceptShortened) throw shortened(dir, 0, noted); // R4: before anything is made in it
    db.exec(`BEGIN IMMEDIATE; ${tables}`);
    db.prepare("INSERT INTO meta VALUES ('ledger', ?), ('schema', ?), ('restored', '0')").run(
      identity,
      String(schemaVersion),
    );
    db.exec("COMMIT");
  }
}

/** R4: of a ledger that is about to be upgraded. */
function judgeEnd(db: DatabaseSync, head: ChainLink, { dir, acceptShortened }: ThreadOpening): void {
  const headFile = new HeadFile(dir);
  try {
    headFile.check(db, head, acceptShortened);
  } finally {
    headFile.close();
  }
}

interface OpenParts {
  readonly db: DatabaseSync;
  readonly lock: DatabaseSync;
  readonly headFile: HeadFile;
  readonly head: ChainLink;
  readonly isShortened: boolean;
  readonly opening: ThreadOpening;
}

function openStore({ db, lock, headFile, head, isShortened, opening }: OpenParts): SqliteStore {
  const { epoch, openedAt, identity } = opening;
  db.exec(`BEGIN IMMEDIATE; ${views}`);
  // F2, T1: as a restored backup: its readers may know, and the services may have been sent, what is lost.
  if (isShortened)
    db.prepare(
      "UPDATE meta SET value = CASE name WHEN 'ledger' THEN ? ELSE '1' END WHERE name IN ('ledger', 'restored')",
    ).run(identity);
  const meta = new Map(
    db
      .prepare("SELECT name, value FROM meta")
      .all()
      .map(({ name, value }) => [name, value]),
  );
  const ledger = String(meta.get("ledger"));
  const restored = meta.get("restored") === "1";
  const { lastInsertRowid } = db // L2: UNIQUE refuses an epoch that was used before
    .prepare("INSERT INTO epochs (epoch, opened_at) VALUES (?, ?)")
    .run(epoch, openedAt);
  db.exec(`${forgetMissing} ${indexFacts} COMMIT`);
  headFile.begin(head);
  const epochNumber = Number(lastInsertRowid);

  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insert = db.prepare("INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const lastOfStream = db.prepare("SELECT max(position) AS position FROM facts_of_stream WHERE stream = ?");
  const checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");

  let { position, hash: link } = head;
  let clearRestored = restored;
  let commits = 0;
  let failed = false;
  let checkpointedAt = position;
  const heads = new Map<string, Position>();
  const snapshots = new SnapshotWriter(db);
  /** Of the streams with facts that are not indexed yet. */
  const unindexed = new Map<string, Position>();
  let indexedAt = position;

  function streamHead(stream: Stream): Position {
    const known = heads.get(stream) ?? unindexed.get(stream);
    if (known !== undefined) return known;
    const last = Number(lastOfStream.get(stream)?.["position"] ?? 0);
    keepHead(stream, last);
    return last;
  }

  /** Every alarm has a stream of its own, asked for once: keeping those would push out the heads that are used. */
  function keepHead(stream: Stream, last: Position): void {
    if (!stream.startsWith("alarm/")) setBounded(heads, stream, last, limits.ledgerStreamHeadsKept);
  }

  return {
    ledger,
    restored,
    position: () => position,
    streamHead,
    begin: () => begin.run(),
    insert({ stream, type, at, key, flow, body }) {
      const next = position + 1;
      const linked = hashRow(link, next, epoch, at, stream, type, key, flow, body);
      insert.run(next, epochNumber, at, stream, type, key, flow, body, linked);
      position = next;
      link = linked;
      keepHead(stream, next);
      unindexed.set(stream, next);
    },
    commit() {
      // R2: not at the opening itself, which may be cut off before anybody acted on it.
      if (clearRestored) db.exec("UPDATE meta SET value = '0' WHERE name = 'restored'");
      commit.run();
      clearRestored = false;
      headFile.write(position, link);
      commits += 1;
    },
    tidy() {
      if (position - indexedAt >= limits.ledgerIndexFacts) {
        db.exec(`BEGIN IMMEDIATE; ${indexFacts} COMMIT`);
        unindexed.clear();
        indexedAt = position;
        commits += 1;
      }
      const due =
        commits >= limits.ledgerCheckpointCommits ||
        position - checkpointedAt >= limits.ledgerCheckpointFacts;
      if (!due) return;
      checkpoint.get(); // R3: its failed sync is the last one
      commits = 0;
      checkpointedAt = position;
    },
    abandon() {
      try {
        failed = true;
        if (db.isTransaction) db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself; the first failure is the one to report.
      }
    },
    addToSnapshot: (text) => snapshots.add(text),
    endSnapshot: (at) => snapshots.end(at),
    close() {
      try {
        if (!failed) db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
      } finally {
        headFile.close();
        db.close();
        lock.close();
      }
    },
  };
}
