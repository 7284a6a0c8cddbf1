/**
 * Writes the fixture of an older version: `node test/process/write-old-ledger.ts CHECKOUT FOLDER`, where CHECKOUT is a
 * working tree of a commit of that version. Its own engine and desk do all the writing; see version-1/README.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { startProxy } from "../acceptance/cuttable-proxy.ts";
import { calm, deskWords, engineWords } from "../acceptance/house.ts";
import { endAll, launch, portOf } from "../acceptance/processes.ts";
import { canonicalAlarms } from "./canonical-alarms.ts";
import { oldDesk } from "./old-ledger.ts";
import { raise, reach, untilInLedger } from "./rig.ts";

const [, , checkout, target] = process.argv;
if (checkout === undefined || target === undefined)
  throw new Error("usage: write-old-ledger.ts <checkout> <folder>");
process.once("exit", endAll);
const how = { program: join(resolve(checkout), "adapters/cli/main.ts") };
const folder = mkdtempSync(join(tmpdir(), "old-ledger-"));
const [deskDir, dataDir] = [join(folder, "desk"), join(folder, "data")];

// The last create gets no answer: it is in doubt when the engine is killed, and an alarm waits behind it.
const faults = [{ match: { command: "create", key: "NE-1" }, fault: "silent" }];
const desk = launch(deskWords({ folder, deskDir, promise: calm, faults }, 0), how);
const deskReady = await desk.ready;
if (deskReady === null) throw new Error((await desk.ended).said);
const config = { clients: 2, coalesce: false, allowedServiceHosts: [oldDesk.host] };
const proxy = await startProxy(portOf(deskReady), oldDesk);
const files = { folder, dataDir, deskHost: oldDesk.host, deskPort: oldDesk.port, promise: calm, config };
const words = engineWords(files, 0);

const first = launch(words, how);
const { sender } = await reach(first);
for (const [index, alarm] of canonicalAlarms("old").alarms.entries()) {
  await sender.send(alarm);
  const settled = "SELECT count(*) AS n FROM facts WHERE type = 'alarm.settled'";
  await untilInLedger(dataDir, `SELECT 1 FROM (${settled}) WHERE n = ${index + 1}`);
}
first.child.kill("SIGTERM"); // leaves a snapshot of the fold
await first.ended;

const second = launch(words, how);
const { sender: again } = await reach(second);
await again.send(raise(1));
await again.send(raise(1, "urn:process:other"));
await untilInLedger(dataDir, "SELECT 1 FROM facts WHERE type = 'request.sending' AND key = 'NE-1'");
second.child.kill("SIGKILL");
await second.ended;
desk.child.kill("SIGTERM");
await desk.ended;
await proxy.close();

mkdirSync(target, { recursive: true });
for (const file of ["ledger.db", "ledger.db-wal", "ledger.head"].map((name) => join(dataDir, name)))
  writeFileSync(join(target, `${basename(file)}.gz`), gzipSync(readFileSync(file), { level: 9 }));
writeFileSync(join(target, "desk.db.gz"), gzipSync(readFileSync(join(deskDir, "desk.db")), { level: 9 }));
rmSync(folder, { recursive: true });
