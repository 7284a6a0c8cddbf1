/**
 * A load into SQLite: one transaction from the first row to the swap. Killed anywhere before its commit it never was;
 * SQLite drops what it finds of it in the write-ahead log.
 */
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { makeFolder } from "../folder.ts";
import { forms } from "./forms.ts";
import { loadRow } from "./look-up.ts";
import { attempt, unreadable, waitMs } from "./sqlite-attempt.ts";
import { columnsOf, indexColumns, type Staging, type TableName, tableNames } from "./store.ts";

/** Rejects with FailureError TOPOLOGY_BUSY or TOPOLOGY_UNAVAILABLE. */
export async function stageInSqlite(file: string, clock: Clock): Promise<Staging> {
  const db = await openForLoad(file, clock);
  try {
    for (const name of tableNames) db.exec(`DROP TABLE IF EXISTS new_${name}; ${tableStatement(name)}`);
    return createStaging(db, file);
  } catch (error) {
    db.close();
    throw asUnavailable(file, error);
  }
}

/** In its transaction, which keeps other loads out. */
async function openForLoad(file: string, clock: Clock): Promise<DatabaseSync> {
  const until = clock.monotonicMs() + limits.topologyLoadWaitMs;
  for (;;) {
    let db: DatabaseSync | null = null;
    try {
      const tried = attempt(() => {
        makeFolder(dirname(file), 0o700);
        db = new DatabaseSync(file, { timeout: 0 });
        // Checkpoints only at the end: one in the middle could not go past what readers still see.
        db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
          PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -131072; PRAGMA temp_store = MEMORY;
          BEGIN IMMEDIATE`);
        return db;
      });
      if (tried.kind === "done") return tried.value;
      (db as DatabaseSync | null)?.close();
      if (tried.kind === "failed")
        throw new FailureError("TOPOLOGY_UNAVAILABLE", unreadable(file, tried.error));
    } catch (error) {
      throw asUnavailable(file, error);
    }
    if (clock.monotonicMs() >= until)
      throw new FailureError(
        "TOPOLOGY_BUSY",
        `Another load of ${file} is under way. Wait for its end and load again.`,
      );
    await waitMs(clock, limits.topologyRetryMs);
  }
}

function createStaging(db: DatabaseSync, file: string): Staging {
  const inserts = new Map<TableName, StatementSync>();
  for (const name of tableNames) {
    const values = columnsOf(name).map(() => "?");
    inserts.set(name, db.prepare(`INSERT INTO new_${name} VALUES (${values.join(", ")})`));
  }
  return {
    add(table, cells) {
      try {
        inserts.get(table)?.run(...cells);
      } catch (error) {
        throw asUnavailable(file, error);
      }
    },
    drained: () => null,
    async commit(summary) {
      try {
        db.exec(swap);
        db.prepare("INSERT INTO topology_load VALUES (1, ?, ?, ?, ?, ?, ?)").run(...loadRow(summary));
        db.exec("COMMIT");
      } catch (error) {
        throw asUnavailable(file, error);
      }
      // From here on it is loaded. What a reader still looks at stays in the log; the next load moves it.
      attempt(() => db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get());
      db.close();
    },
    async abandon() {
      if (db.isOpen) db.close(); // rolls back
    },
  };
}

function tableStatement(name: TableName): string {
  const columns = forms[name].map((column) => {
    const needed = column.kind === "id" || column.kind === "hop" ? " NOT NULL" : "";
    return `${column.name} ${column.kind === "hop" ? "INTEGER" : "TEXT"}${needed}`;
  });
  return `CREATE TABLE new_${name} (${columns.join(", ")}) STRICT`;
}

/** Indexes come last: built over sorted rows they cost a third. */
const swap = [
  ...tableNames.flatMap((name) => [
    `DROP TABLE IF EXISTS ${name}`,
    `ALTER TABLE new_${name} RENAME TO ${name}`,
    `CREATE ${name === "network_element" ? "UNIQUE " : ""}INDEX ${name}_index ON ${name} (${indexColumns[name].join(", ")})`,
  ]),
  `CREATE TABLE IF NOT EXISTS topology_load (
    one INTEGER PRIMARY KEY CHECK (one = 1), loaded_at INTEGER NOT NULL, elements INTEGER NOT NULL,
    roots INTEGER NOT NULL, addresses INTEGER NOT NULL, hops INTEGER NOT NULL, files TEXT NOT NULL) STRICT`,
  "DELETE FROM topology_load",
].join(";\n");

function asUnavailable(file: string, error: unknown): unknown {
  if (error instanceof FailureError || !(error instanceof Error) || !("code" in error)) return error;
  return new FailureError("TOPOLOGY_UNAVAILABLE", unreadable(file, error), { cause: error });
}
