/** A directory of its own for each test of the SQLite ledger, and openings of it. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Ledger } from "../../actors/ports.ts";
import { openSqliteLedger, type SqliteLedgerOptions } from "../../adapters/ledger/sqlite.ts";
import { noon } from "./sample-facts.ts";

export interface LedgerDirectory {
  readonly dir: string;
  readonly file: string;
  readonly open: (options?: Partial<SqliteLedgerOptions>) => Promise<Ledger>;
  /** Changes a closed ledger as no program of ours would. */
  readonly tamper: (sql: string) => void;
  readonly dispose: () => Promise<void>;
}

export async function makeLedgerDirectory(): Promise<LedgerDirectory> {
  const dir = await mkdtemp(join(tmpdir(), "ledger-"));
  const file = join(dir, "ledger.db");
  return {
    dir,
    file,
    open: (options) => openSqliteLedger({ dir, now: () => noon, uuid: randomUUID, ...options }),
    tamper(sql) {
      const db = new DatabaseSync(file);
      db.exec(sql);
      db.close();
    },
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}
