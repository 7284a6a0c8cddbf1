/**
 * A process that appends and prints the position of each acknowledged batch, until its parent kills it or it has
 * made as many as it was told.
 */
import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { openSqliteLedger } from "../../adapters/ledger/sqlite.ts";
import { notes } from "./sample-facts.ts";

const [, , dir, batches = "Infinity"] = process.argv;
if (dir === undefined) throw new Error("usage: append-until-killed.ts <dir> [batches]");
const ledger = await openSqliteLedger({ dir, now: Date.now, uuid: randomUUID });
for (let made = 0; made < Number(batches); made += 1) {
  // oxlint-disable-next-line no-await-in-loop -- one acknowledgement after the other
  const result = await ledger.append(notes(randomUUID(), "audit", ["a", "b", "c"]));
  if (result.kind === "committed") writeSync(1, `${result.position}\n`);
}
await ledger.close();
