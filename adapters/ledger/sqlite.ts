/**
 * The embedded ledger: one SQLite file in the data directory, through Node's own `node:sqlite`.
 *   A1 a commit returns after its sync (WAL, synchronous=FULL).  L2 every opening writes a new epoch.
 *   R3 the first failed write ends the opening for writers.  R4 damage and a shortened tail are refused.
 */
import { hash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { FoldSnapshot, Ledger } from "../../actors/ports.ts";
import type { Fact, Stream } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { setBounded } from "./bounded-map.ts";
import { type ChainLink, chainStart, hashRow, makeFact, storedRows, toFact } from "./chain.ts";
import type { FactStore, RowToWrite } from "./fact-store.ts";
import { createGroupedLedger } from "./grouped-ledger.ts";
import { HeadFile } from "./head-file.ts";
import { lockLedger } from "./ledger-lock.ts";
import { rowColumns, schemaVersion, tables, views } from "./sqlite-schema.ts";
import { asLedgerFailure, checkSchema, verifyFacts } from "./sqlite-verification.ts";

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
  const { dir } = options;
  let lock: DatabaseSync | undefined;
  let db: DatabaseSync | undefined;
  let headFile: HeadFile | undefined;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    lock = lockLedger(dir);
    db = new DatabaseSync(join(dir, "ledger.db"), { timeout: limits.ledgerBusyMs });
    prepareFile(db, options);
    headFile = new HeadFile(dir);
    const head = verifyFacts(db, newestTrustedSnapshot(db)?.link ?? chainStart);
    headFile.check(db, head, options.acceptShortened ?? false); // R4
    return createGroupedLedger(openStore({ db, lock, headFile, head, options }));
  } catch (error) {
    headFile?.close();
    db?.close();
    lock?.close();
    throw asLedgerFailure(error, `open the ledger in ${dir}`);
  }
}

function prepareFile(db: DatabaseSync, { pagesMax, uuid }: SqliteLedgerOptions): void {
  // Checkpoints are made by hand: SQLite's automatic ones swallow a failed sync, and R3 must see it.
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;`);
  if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count = ${Math.trunc(pagesMax)}`);
  if (checkSchema(db) === "empty") {
    db.exec(`BEGIN IMMEDIATE; ${tables}`);
    db.prepare("INSERT INTO meta VALUES ('ledger', ?), ('schema', ?), ('restored', '0')").run(
      uuid(),
      String(schemaVersion),
    );
    db.exec("COMMIT");
  }
}

/** Newest snapshot that is what was saved and belongs to this chain; a damaged one is passed over for the older. */
function newestTrustedSnapshot(db: DatabaseSync): { link: ChainLink; state: string } | null {
  const statement = db.prepare(`
    SELECT s.position, s.fact_hash, s.state_hash, s.state FROM snapshots s
    WHERE s.fact_hash = CASE s.position WHEN 0 THEN ? ELSE (SELECT hash FROM facts WHERE position = s.position) END
    ORDER BY s.position DESC`);
  for (const row of statement.iterate(chainStart.hash)) {
    const { position, fact_hash, state_hash, state } = row;
    if (typeof state !== "string" || hash("sha256", state) !== state_hash) continue;
    return { link: { position: Number(position), hash: String(fact_hash) }, state };
  }
  return null;
}

interface OpenParts {
  readonly db: DatabaseSync;
  readonly lock: DatabaseSync;
  readonly headFile: HeadFile;
  readonly head: ChainLink;
  readonly options: SqliteLedgerOptions;
}

function openStore({ db, lock, headFile, head, options }: OpenParts): FactStore {
  const meta = new Map(
    db
      .prepare("SELECT name, value FROM meta")
      .all()
      .map(({ name, value }) => [name, value]),
  );
  const ledger = String(meta.get("ledger"));
  const restored = meta.get("restored") === "1";
  const epoch = options.uuid();
  db.exec(`BEGIN IMMEDIATE; ${views}`);
  const { lastInsertRowid } = db // L2: UNIQUE refuses an epoch that was used before
    .prepare("INSERT INTO epochs (epoch, opened_at) VALUES (?, ?)")
    .run(epoch, options.now());
  db.exec("COMMIT");
  const epochNumber = Number(lastInsertRowid);

  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insert = db.prepare("INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const lastOfStream = db.prepare("SELECT max(position) AS position FROM facts WHERE stream = ?");
  const page = db.prepare(
    `SELECT ${rowColumns} FROM facts f WHERE f.position > ? ORDER BY f.position LIMIT ?`,
  );
  const ofStream = db.prepare(`SELECT ${rowColumns} FROM facts f WHERE f.stream = ? ORDER BY f.position`);
  const ofKey = db.prepare(
    `SELECT ${rowColumns} FROM facts f WHERE f.key = ? ORDER BY f.position DESC LIMIT ?`,
  );
  const checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");

  let { position, hash: link } = head;
  let clearRestored = restored;
  let commits = 0;
  let failed = false;
  let checkpointedAt = position;
  const heads = new Map<string, Position>();

  function streamHead(stream: Stream): Position {
    const known = heads.get(stream);
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
    epoch,
    restored,
    position: () => position,
    streamHead,
    begin: () => begin.run(),
    insert({ stream, fact, key, flow, body }: RowToWrite): Fact {
      const { type, at } = fact;
      const next = position + 1;
      const linked = hashRow(link, next, epoch, at, stream, type, key, flow, body);
      insert.run(next, epochNumber, at, stream, type, key, flow, body, linked);
      position = next;
      link = linked;
      keepHead(stream, next);
      return makeFact(type, at, fact.body, next, epoch, stream);
    },
    commit() {
      // R2: not at the opening itself, which may be cut off before anybody acted on it.
      if (clearRestored) db.exec("UPDATE meta SET value = '0' WHERE name = 'restored'");
      commit.run();
      clearRestored = false;
      headFile.write(position, link);
      commits += 1;
      if (
        commits >= limits.ledgerCheckpointCommits ||
        position - checkpointedAt >= limits.ledgerCheckpointFacts
      ) {
        // R3: a failed sync here rejects a group that is durable: it was not acknowledged, and that is allowed.
        checkpoint.get();
        commits = 0;
        checkpointedAt = position;
      }
    },
    abandon() {
      try {
        failed = true;
        if (db.isTransaction) db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself; the first failure is the one to report.
      }
    },
    page: (after, limit) => facts(page, after, limit),
    ofStream: (stream) => facts(ofStream, stream),
    ofKey: (key, limit) => facts(ofKey, key, limit).toReversed(),
    loadSnapshot(): FoldSnapshot | null {
      const snapshot = newestTrustedSnapshot(db);
      return snapshot && { position: snapshot.link.position, state: snapshot.state };
    },
    saveSnapshot(snapshot) {
      begin.run();
      const at = db.prepare("SELECT hash FROM facts WHERE position = ?").get(snapshot.position);
      db.prepare("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)").run(
        snapshot.position,
        at?.["hash"] ?? chainStart.hash,
        hash("sha256", snapshot.state),
        snapshot.state,
      );
      db.prepare(`DELETE FROM snapshots WHERE position NOT IN
        (SELECT position FROM snapshots ORDER BY position DESC LIMIT ?)`).run(limits.ledgerSnapshotsKept);
      commit.run();
    },
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

function facts(statement: StatementSync, ...parameters: (string | number)[]): Fact[] {
  try {
    return storedRows(statement.all(...parameters)).map(toFact);
  } catch (error) {
    throw asLedgerFailure(error, "read the ledger");
  }
}
