/**
 * Reading a ledger beside the running engine, or without one: verify, count, export. Read-only, page by page,
 * so that no reader holds the write-ahead log back for long.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FactType } from "../../machines/facts.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { Instant, Outcome, Position } from "../../machines/vocabulary.ts";
import { type ChainLink, chainStart, type StoredRow, storedRows } from "./chain.ts";
import { rowColumns } from "./sqlite-schema.ts";
import {
  asLedgerFailure,
  checkSchema,
  isDamage,
  refuseLogAlone,
  sqliteCode,
  verifyPages,
} from "./sqlite-verification.ts";

export interface VerifiedLedger {
  readonly ledger: string;
  readonly facts: number;
  /** The last fact. */
  readonly head: ChainLink;
  /** Openings so far. */
  readonly epochs: number;
}

/**
 * Checks every fact from the first on: chain, positions, indexes; also what `openSqliteLedger` leaves out because
 * a snapshot covers it (R4). Gives the event loop a turn after each page of `ledgerReadRows`, some 5 ms.
 * Rejects with FailureError LEDGER_DAMAGED naming the position, LEDGER_VERSION, or with an AbortError.
 */
export async function verifyLedger(dir: string, signal?: AbortSignal): Promise<VerifiedLedger> {
  return reading(dir, async (db) => {
    let head = chainStart;
    for (const link of verifyPages(db)) {
      head = link;
      // oxlint-disable-next-line no-await-in-loop -- that is the purpose: others get their turn
      await nextTurn(undefined, { signal });
    }
    return {
      ledger: ledgerOf(db),
      facts: head.position,
      head,
      epochs: number(db, "SELECT count(*) FROM epochs"),
    };
  });
}

export interface LedgerStats {
  readonly ledger: string;
  readonly facts: number;
  readonly epochs: number;
  /** Time of the first and of the last fact; null in an empty ledger. */
  readonly firstAt: Instant | null;
  readonly lastAt: Instant | null;
  readonly factsByType: Readonly<Partial<Record<FactType, number>>>;
  /** Notifications accepted. Repeats leave no fact and are not counted. */
  readonly accepted: number;
  /** Notifications that have an outcome; the rest is waiting. */
  readonly settled: number;
  /** Current outcomes only: superseded ones are not counted (A2). */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Response rows ever inserted. */
  readonly rowsInserted: number;
}

/** Counts over the whole ledger; one read of it. Rejects with FailureError LEDGER_DAMAGED, LEDGER_VERSION. */
export async function ledgerStats(dir: string): Promise<LedgerStats> {
  return reading(dir, async (db) => {
    const factsByType = counts<FactType>(db, "SELECT type AS name, count(*) AS n FROM facts GROUP BY type");
    const outcomes = counts<Outcome>(
      db,
      "SELECT outcome AS name, count(*) AS n FROM alarms WHERE outcome IS NOT NULL GROUP BY outcome",
    );
    const times = db.prepare("SELECT min(at) AS first, max(at) AS last FROM facts").get();
    return {
      ledger: ledgerOf(db),
      facts: number(db, "SELECT coalesce(max(position), 0) FROM facts"),
      epochs: number(db, "SELECT count(*) FROM epochs"),
      firstAt: instant(times?.["first"]),
      lastAt: instant(times?.["last"]),
      factsByType,
      accepted: factsByType["alarm.accepted"] ?? 0,
      settled: Object.values(outcomes).reduce((sum, n) => sum + n, 0),
      outcomes,
      rowsInserted: number(
        db,
        "SELECT count(*) FROM facts WHERE type = 'response.row' AND NOT json_extract(body, '$.change')",
      ),
    };
  });
}

/**
 * Writes every fact as one line of JSON, in order, with its hash; waits for a slow writer. Leaves the writable
 * open. Resolves with the position of the last fact written.
 */
export async function exportLedger(dir: string, writable: Writable): Promise<Position> {
  return reading(dir, async (db) => {
    let last: Position = 0;
    const page = db.prepare(
      `SELECT ${rowColumns} FROM facts f WHERE f.position > ? ORDER BY f.position LIMIT ?`,
    );
    function* pages(): Generator<string> {
      for (;;) {
        const rows = storedRows(page.all(last, limits.ledgerReadRows));
        const end = rows.at(-1);
        if (end === undefined) return;
        last = end.position;
        yield rows.map(exportLine).join("");
      }
    }
    await pipeline(Readable.from(pages(), { highWaterMark: 1 }), writable, { end: false });
    return last;
  });
}

/** The body is JSON text already: it goes in as it is. */
function exportLine(row: StoredRow): string {
  const { position, epoch, at, stream, type, key, flow } = row;
  const head = JSON.stringify({ position, epoch, at, stream, type, key, flow });
  return `${head.slice(0, -1)},"body":${row.body},"hash":"${row.hash}"}\n`;
}

/** Throws FailureError INVALID where there is no ledger, LEDGER_DAMAGED, LEDGER_VERSION, LEDGER_SYNC_FAILED where it may not be read. */
export function refuseUnreadable(dir: string): void {
  openToRead(dir).close();
}

async function reading<T>(dir: string, work: (db: DatabaseSync) => Promise<T>): Promise<T> {
  const db = openToRead(dir);
  try {
    return await work(db);
  } catch (error) {
    throw readingFailure(error, dir);
  } finally {
    db.close();
  }
}

function openToRead(dir: string): DatabaseSync {
  const file = join(dir, "ledger.db");
  let db: DatabaseSync | undefined;
  try {
    if (statSync(file, { throwIfNoEntry: false }) === undefined)
      throw new FailureError(
        "INVALID",
        `There is no ledger in ${dir}: expected the file ledger.db. Name the engine's data directory with --data-dir, or start an engine there once.`,
      );
    refuseLogAlone(file);
    db = new DatabaseSync(file, { readOnly: true, timeout: limits.ledgerBusyMs });
    if (checkSchema(db) === "empty")
      throw new FailureError("INVALID", `The ledger in ${dir} was never opened.`);
    return db;
  } catch (error) {
    db?.close();
    throw asLedgerFailure(error, `read the ledger in ${dir}`);
  }
}

/** Only what SQLite says, or what it holds, is about the ledger; an aborted signal or a broken pipe stays what it is. */
function readingFailure(error: unknown, dir: string): unknown {
  const ofLedger = isDamage(error) || sqliteCode(error) !== null;
  return ofLedger ? asLedgerFailure(error, `read the ledger in ${dir}`) : error;
}

function ledgerOf(db: DatabaseSync): string {
  return String(db.prepare("SELECT value FROM meta WHERE name = 'ledger'").get()?.["value"]);
}

function number(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0]);
}

function instant(value: unknown): Instant | null {
  return typeof value === "number" ? value : null;
}

function counts<Name extends string>(db: DatabaseSync, sql: string): Partial<Record<Name, number>> {
  const rows = db.prepare(sql).all();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names come from facts, which are typed where written
  return Object.fromEntries(rows.map(({ name, n }) => [name, n])) as Partial<Record<Name, number>>;
}
