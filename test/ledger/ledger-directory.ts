/** A directory of its own for each test of the SQLite ledger, and openings of it. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Ledger } from "../../actors/ports.ts";
import { createDirectWriter } from "../../adapters/ledger/direct-writer.ts";
import { createGroupedLedger } from "../../adapters/ledger/grouped-ledger.ts";
import { openSqliteReader } from "../../adapters/ledger/sqlite-reader.ts";
import type { FactReader } from "../../adapters/ledger/fact-store.ts";
import { openSqliteStore, type SqliteStore } from "../../adapters/ledger/sqlite-store.ts";
import { asLedgerFailure } from "../../adapters/ledger/sqlite-verification.ts";
import { openSqliteLedger, type SqliteLedgerOptions } from "../../adapters/ledger/sqlite.ts";
import { noon } from "./sample-facts.ts";

export interface LedgerDirectory {
  readonly dir: string;
  readonly file: string;
  readonly open: (options?: Partial<SqliteLedgerOptions>) => Promise<Ledger>;
  /** As `open`, without a thread: for tests that open it a thousand times, or that count turns of the event loop. */
  readonly openHere: (options?: Partial<SqliteLedgerOptions>) => Promise<Ledger>;
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
    openHere: async (options) => openHere(dir, options),
    tamper(sql) {
      const db = new DatabaseSync(file);
      db.exec(sql);
      db.close();
    },
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}

/** As `openSqliteLedger` does. */
function openReader(dir: string, store: SqliteStore): FactReader {
  try {
    return openSqliteReader(dir);
  } catch (error) {
    store.close();
    throw asLedgerFailure(error, `open the ledger in ${dir}`);
  }
}

export function openHere(dir: string, options: Partial<SqliteLedgerOptions> = {}): Ledger {
  const [identity, epoch] = [randomUUID(), randomUUID()];
  const { acceptShortened = false, pagesMax = null } = options;
  const opening = { dir, identity, epoch, openedAt: noon, acceptShortened, pagesMax };
  const store = openSqliteStore(opening);
  const { ledger, restored } = store;
  const reader = openReader(dir, store);
  return createGroupedLedger({
    head: { ledger, epoch, restored, position: store.position() },
    reader,
    writer: createDirectWriter(store),
    written: (facts, after) => reader.page(after, facts.length),
  });
}
