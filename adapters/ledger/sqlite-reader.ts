/**
 * Reads the ledger beside its writing thread, through a connection of its own: with a write-ahead log a reader
 * sees what is committed, and SQLite shows a commit after its sync only. Every read is one statement run to its
 * end, so that no reader holds back a checkpoint.
 */
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Fact } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import { storedRows, toFact } from "./chain.ts";
import type { FactReader } from "./fact-store.ts";
import { positionsOf, rowColumns } from "./sqlite-schema.ts";
import { newestTrustedSnapshot } from "./sqlite-snapshots.ts";
import { asLedgerFailure } from "./sqlite-verification.ts";

/** The ledger must be open for writing. */
export function openSqliteReader(dir: string): FactReader {
  const db = new DatabaseSync(join(dir, "ledger.db"), { readOnly: true, timeout: limits.ledgerBusyMs });
  const rows = `SELECT ${rowColumns} FROM facts f`;
  try {
    const page = db.prepare(`${rows} WHERE f.position > ? ORDER BY f.position LIMIT ?`);
    const ofStream = db.prepare(`${rows} WHERE f.position IN (${positionsOf("stream")}) ORDER BY f.position`);
    const ofKey = db.prepare(
      `${rows} WHERE f.position IN (${positionsOf("key")} ORDER BY 1 DESC LIMIT ?3) ORDER BY f.position`,
    );
    return {
      page: (after, limit) => facts(page, after, limit),
      ofStream: (stream, last) => facts(ofStream, stream, last),
      ofKey: (key, limit, last) => facts(ofKey, key, last, limit),
      loadSnapshot() {
        const snapshot = reading(() => newestTrustedSnapshot(db));
        return snapshot && { position: snapshot.link.position, state: snapshot.state };
      },
      close: () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function facts(statement: StatementSync, ...parameters: (string | number)[]): Fact[] {
  return reading(() => storedRows(statement.all(...parameters)).map(toFact));
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asLedgerFailure(error, "read the ledger");
  }
}
