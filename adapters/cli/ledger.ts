/** `ledger verify | stats | export | restore`. All but restore only read, beside a running engine too. */
import { foldRead } from "../../actors/journal.ts";
import { limits } from "../../machines/limits.ts";
import { stateFromText } from "../../machines/fold-snapshot.ts";
import { emptyState, type State } from "../../machines/state.ts";
import { systemIds } from "../clock/system.ts";
import { exportLedger, ledgerStats, refuseUnreadable, verifyLedger } from "../ledger/inspection.ts";
import { restoreLedger } from "../ledger/restore.ts";
import { openSqliteReader } from "../ledger/sqlite-reader.ts";
import { writeNewFile } from "./new-file.ts";
import { count, type Output } from "./output.ts";
import { type DataOptions, readSettings } from "./settings.ts";
import { outcomeTable, tallyOf } from "./tally.ts";

export async function runVerify(options: DataOptions, output: Output): Promise<number> {
  const { dataDir } = readSettings(options);
  const verified = await verifyLedger(dataDir);
  output.data(verified);
  output.line(
    `The ledger in ${dataDir} is whole: ${count(verified.facts)} facts of ${count(verified.epochs)} openings.`,
  );
  output.line(`ledger ${verified.ledger}, last hash ${verified.head.hash}`);
  return 0;
}

export async function runStats(options: DataOptions, output: Output): Promise<number> {
  const { dataDir } = readSettings(options);
  const { ledger, facts, epochs, firstAt, lastAt, factsByType } = await ledgerStats(dataDir);
  const tally = tallyOf(foldLedger(dataDir), {
    duplicates: null,
    ackMs: null,
    flows: factsByType["flow.ended"] ?? 0,
    seconds: firstAt === null || lastAt === null ? 0 : (lastAt - firstAt) / 1_000,
  });
  output.data({ ...tally, ledger, facts, epochs });
  output.line(
    `${dataDir}: ${count(facts)} facts of ${count(epochs)} openings in ${count(Math.round(tally.seconds))} s`,
  );
  output.line();
  for (const line of outcomeTable(tally)) output.line(line);
  return 0;
}

/** R1: what the engine knows is the fold; so are these counts. */
export function foldLedger(dir: string): State {
  const reader = openLedgerReader(dir);
  try {
    const snapshot = reader.loadSnapshot();
    const state = snapshot === null ? emptyState() : stateFromText(snapshot.state);
    for (;;) {
      const page = reader.page(state.position, limits.ledgerReadRows);
      for (const fact of page) foldRead(state, fact);
      if (page.length === 0) return state;
    }
  } finally {
    reader.close();
  }
}

/** Throws as `refuseUnreadable`. */
export function openLedgerReader(dir: string): ReturnType<typeof openSqliteReader> {
  refuseUnreadable(dir);
  return openSqliteReader(dir);
}

export async function runExport(file: string, options: DataOptions, output: Output): Promise<number> {
  const { dataDir } = readSettings(options);
  if (file === "-") {
    await exportLedger(dataDir, process.stdout);
    return 0;
  }
  const facts = await writeNewFile(file, { mode: 0o600 }, (stream) => exportLedger(dataDir, stream));
  output.data({ file, facts });
  output.line(`${count(facts)} facts written to ${file}.`);
  return 0;
}

export async function runRestore(from: string, options: DataOptions, output: Output): Promise<number> {
  const { dataDir } = readSettings(options);
  const { ledger, head } = await restoreLedger({ from, dir: dataDir, uuid: () => systemIds.uuid() });
  output.data({ ledger, facts: head.position, dataDir });
  output.line(`${count(head.position)} facts restored into ${dataDir}, as ledger ${ledger}.`);
  output.line("At its first start every request that was not settled counts as in doubt.");
  return 0;
}
