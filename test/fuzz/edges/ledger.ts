/** A backup that `ledger restore` is given, and what `ledger export` makes of what was restored. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Writable } from "node:stream";
import { chainStart, hashRow } from "../../../adapters/ledger/chain.ts";
import { exportLedger } from "../../../adapters/ledger/inspection.ts";
import { restoreLedger } from "../../../adapters/ledger/restore.ts";
import { openSqliteStore } from "../../../adapters/ledger/sqlite-store.ts";
import { FailureError } from "../../../machines/failure.ts";
import { acceptance, noon, notes } from "../../ledger/sample-facts.ts";
import { demand, demandEqual, type Edge } from "../edge.ts";
import { scratchFolder } from "../scratch.ts";

const folder = () => scratchFolder("ledger");
const codes = ["INVALID", "LEDGER_LOCKED", "LEDGER_DAMAGED", "LEDGER_VERSION", "LEDGER_SYNC_FAILED"];
const uuid = () => "0f8fad5b-d9cb-469f-a165-70867728950e";

/** A small ledger in one file, as `.backup` makes it. */
function backup(): Buffer {
  const dir = folder();
  const store = openSqliteStore({
    dir,
    identity: uuid(),
    epoch: "epoch-1",
    openedAt: noon,
    acceptShortened: false,
    pagesMax: null,
  });
  const batches = [
    acceptance("b1", "1"),
    acceptance("b2", "2", "NE-2"),
    notes("b3", "settings", ["ä 🙂", "b"]),
  ];
  for (const { facts } of batches) {
    store.begin();
    for (const { stream, fact } of facts)
      store.insert({
        stream,
        type: fact.type,
        at: fact.at,
        body: JSON.stringify(fact.body),
        key: null,
        flow: null,
      });
    store.commit();
  }
  store.close();
  const file = join(dir, "ledger.db");
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = DELETE; VACUUM");
  db.close();
  const bytes = readFileSync(file);
  rmSync(dir, { recursive: true });
  return bytes;
}

export const ledgerBackup: Edge = {
  name: "ledger-backup",
  reads: "a backup of the ledger, and exports what was restored",
  sources: [
    "adapters/ledger/restore.ts",
    "adapters/ledger/sqlite-verification.ts",
    "adapters/ledger/chain.ts",
    "adapters/ledger/inspection.ts",
  ],
  seeds: [backup()],
  bytesMax: 262_144,
  lifeExecutions: 1_000,
  open() {
    const dir = folder();
    const from = join(dir, "backup.db");
    let original: readonly string[] | null = null;
    return {
      async run(input) {
        const target = join(dir, "data");
        rmSync(target, { recursive: true, force: true });
        writeFileSync(from, input);
        try {
          await restoreLedger({ from, dir: target, uuid });
        } catch (error) {
          if (!(error instanceof FailureError)) throw error;
          demand(codes.includes(error.failure.code), error.message);
          demand(!existsSync(join(target, "ledger.db")), "R4: refused, and something is in its place");
          return "refused";
        }
        const lines = await exported(target);
        original ??= await exportedOf(ledgerBackup.seeds[0] as Buffer, join(dir, "original"));
        // R4: what is taken is what was written, from the first fact on.
        demandEqual(
          lines,
          original.slice(0, lines.length),
          "R4: restored facts are not those that were written",
        );
        demandChained(lines);
        return "accepted";
      },
      close: () => rmSync(dir, { recursive: true, force: true }),
    };
  },
};

async function exportedOf(bytes: Buffer, dir: string): Promise<readonly string[]> {
  const file = `${dir}.db`;
  writeFileSync(file, bytes);
  await restoreLedger({ from: file, dir, uuid });
  return exported(dir);
}

async function exported(dir: string): Promise<readonly string[]> {
  const written: string[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  await exportLedger(dir, writable);
  return written.join("").split("\n").slice(0, -1);
}

/** S11: the chain can be checked from the export alone. */
function demandChained(lines: readonly string[]): void {
  let { hash } = chainStart;
  for (const [index, line] of lines.entries()) {
    const fact = JSON.parse(line) as Parameters<typeof chained>[1];
    hash = chained(hash, fact);
    demand(fact.position === index + 1 && fact.hash === hash, `S11: line ${index + 1} does not follow`);
  }
}

function chained(
  previous: string,
  fact: {
    readonly position: number;
    readonly epoch: string;
    readonly at: number;
    readonly stream: string;
    readonly type: string;
    readonly key: string | null;
    readonly flow: string | null;
    readonly body: unknown;
    readonly hash: string;
  },
): string {
  const { position, epoch, at, stream, type, key, flow, body } = fact;
  return hashRow(previous, position, epoch, at, stream, type, key, flow, JSON.stringify(body));
}
