/**
 * Acceptance runs of real processes over real sockets: `npm run acceptance -- counts|cut|kill|faults|outage [--rows N]`.
 * Prints what it saw, exits 1 when a figure is not what it must be. Minutes, not seconds: not part of `npm test`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { portOf, run, startJob, startServer, truthOf, type Running } from "./processes.ts";
import { expectedOutcomes } from "./sequential-model.ts";

const alarmFile = fileURLToPath(
  new URL("../../adapters/alarms/huawei-neurips2023/alarm.csv", import.meta.url),
);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string" }, moments: { type: "string", default: "10" } },
});
const moments = Number(values.moments);
const scratch = mkdtempSync(join(tmpdir(), "ticket-client-acceptance-"));
let failures = 0;

/** The first rows of the shipped alarms, in a file of their own with the same name. */
function alarms(rows: number | null): {
  readonly file: string;
  readonly expected: ReturnType<typeof expectedOutcomes>;
} {
  const lines = readFileSync(alarmFile, "utf8").trimEnd().split("\n");
  const kept = rows === null ? lines : lines.slice(0, rows + 1);
  const file = join(mkdtempSync(join(scratch, "alarms-")), "alarm.csv");
  writeFileSync(file, `${kept.join("\n")}\n`);
  return { file, expected: expectedOutcomes(kept.slice(1)) };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function check(what: string, seen: unknown, expected: unknown): void {
  const same = JSON.stringify(seen) === JSON.stringify(expected);
  if (!same) failures += 1;
  say(
    `${same ? "ok  " : "FAIL"} ${what}: ${JSON.stringify(seen)}${same ? "" : ` – expected ${JSON.stringify(expected)}`}`,
  );
}

function configFile(extra: Record<string, unknown>): string {
  const file = join(mkdtempSync(join(scratch, "config-")), "config.json");
  writeFileSync(file, JSON.stringify({ coalesce: false, ...extra }));
  return file;
}

interface ServicePromise {
  readonly idempotency: "requestId" | "settles" | "none";
  readonly settleSeconds: number;
  readonly timeoutSeconds: number;
}
const calm: ServicePromise = { idempotency: "requestId", settleSeconds: 60, timeoutSeconds: 30 };

function servicesFile(port: number, { idempotency, settleSeconds, timeoutSeconds }: ServicePromise): string {
  const file = join(mkdtempSync(join(scratch, "services-")), "services.csv");
  writeFileSync(
    file,
    "name,host,port,path,protocol,idempotency,settleSeconds,timeoutSeconds,asyncSeconds,user,passwordFile,notes\n" +
      `OSB,127.0.0.1,${port},/TicketService,osb,${idempotency},${settleSeconds},${timeoutSeconds},0,,,\n`,
  );
  return file;
}

function picked(outcomes: unknown): Record<string, number> {
  const all = outcomes as Record<string, number>;
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, count]) => count > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function counts(rows: number | null): Promise<void> {
  const { file, expected } = alarms(rows);
  for (const clients of [1, 4, 64]) {
    const config = configFile({});
    const { code, json } = await run([
      "demo",
      "--once",
      "--json",
      "--speed",
      "max",
      "--clients",
      String(clients),
      "--alarms",
      file,
      "--config",
      config,
      "--port",
      "0",
      "--desk-port",
      "0",
    ]);
    check(`${clients} clients: exit code`, code, 0);
    check(
      `${clients} clients: accepted, settled`,
      [json["accepted"], json["settled"]],
      [expected.accepted, expected.accepted],
    );
    check(`${clients} clients: outcomes`, picked(json["outcomes"]), expected.outcomes);
    const desk = json["desk"] as Record<string, number>;
    check(
      `${clients} clients: desk`,
      { tickets: desk["tickets"], open: desk["open"], duplicateOpen: desk["duplicateOpen"] },
      { tickets: expected.outcomes["created"], open: expected.open, duplicateOpen: 0 },
    );
    say(
      `     ${String(json["seconds"])} s, ${String(json["flowsPerSecond"])} flows/s, ack ${JSON.stringify(json["ackMs"])}`,
    );
  }
}

interface House {
  readonly desk: Running;
  readonly dataDir: string;
  readonly config: string;
  readonly port: number;
  engine: Running;
}

async function openHouse(promise: ServicePromise, script: unknown): Promise<House> {
  const deskArgs = [
    "desk",
    "--json",
    "--port",
    "0",
    "--idempotency",
    promise.idempotency,
    "--settle-seconds",
    String(promise.settleSeconds),
  ];
  if (script !== null) {
    const scriptFile = join(mkdtempSync(join(scratch, "faults-")), "faults.json");
    writeFileSync(scriptFile, JSON.stringify(script));
    deskArgs.push("--faults", scriptFile);
  }
  const desk = await startServer(deskArgs);
  const config = configFile({ services: { file: servicesFile(portOf(desk), promise) } });
  const dataDir = mkdtempSync(join(scratch, "data-"));
  const engine = await startServer([
    "serve",
    "--json",
    "--config",
    config,
    "--data-dir",
    dataDir,
    "--port",
    "0",
  ]);
  return { desk, dataDir, config, engine, port: portOf(engine) };
}

function restartEngine(house: House): Promise<Running> {
  return startServer([
    "serve",
    "--json",
    "--config",
    house.config,
    "--data-dir",
    house.dataDir,
    "--port",
    String(house.port),
  ]);
}

function replayArgs(house: House, file: string): string[] {
  return [
    "replay",
    file,
    "--json",
    "--url",
    `ws://127.0.0.1:${house.port}/v1/alarms`,
    "--format",
    "huawei",
    "--speed",
    "max",
  ];
}

type Stats = Record<string, unknown> & {
  accepted: number;
  settled: number;
  outcomes: Record<string, number>;
};

async function stats(house: House): Promise<Stats> {
  return (await run(["ledger", "stats", "--json", "--data-dir", house.dataDir])).json as Stats;
}

/** Looks every second until all that was accepted is settled; gives up when nothing moves for `patienceSeconds`. */
async function untilSettled(house: House, patienceSeconds: number): Promise<Stats> {
  let last = -1;
  let since = performance.now();
  for (;;) {
    const now = await stats(house);
    if (now.settled === now.accepted) return now;
    if (now.settled !== last) {
      last = now.settled;
      since = performance.now();
    } else if (performance.now() - since > patienceSeconds * 1000) return now;
    await wait(1_000);
  }
}

async function closeHouse(house: House): Promise<void> {
  await house.engine.kill("SIGTERM");
  await house.desk.kill("SIGTERM");
}

/** Waits for so many acknowledged alarms in the ledger. */
async function untilAccepted(house: House, count: number): Promise<void> {
  while ((await stats(house)).accepted < count) await wait(200);
}

async function cut(rows: number | null): Promise<void> {
  const { file, expected } = alarms(rows);
  const house = await openHouse(calm, null);
  for (let moment = 1; moment <= moments; moment += 1) {
    const sender = startJob(replayArgs(house, file));
    await untilAccepted(house, Math.floor((expected.accepted * moment) / (moments + 1)));
    sender.child.kill("SIGKILL");
    await sender.finished.catch(() => {});
  }
  const sent = await run(replayArgs(house, file));
  say(`     last replay: ${JSON.stringify(sent.json)}`);
  const seen = await untilSettled(house, 60);
  check("cut: accepted, settled", [seen.accepted, seen.settled], [expected.accepted, expected.accepted]);
  check("cut: outcomes", picked(seen.outcomes), expected.outcomes);
  const truth = await truthOf(house.desk);
  check(
    "cut: desk",
    { tickets: truth["tickets"], open: truth["open"], duplicateOpen: truth["duplicateOpen"] },
    { tickets: expected.outcomes["created"], open: expected.open, duplicateOpen: 0 },
  );
  await closeHouse(house);
}

async function kill(rows: number | null): Promise<void> {
  const { file, expected } = alarms(rows);
  const house = await openHouse(calm, null);
  const sender = startJob(replayArgs(house, file));
  const readyMs: number[] = [];
  let senderDone = false;
  void sender.finished
    .finally(() => {
      senderDone = true;
    })
    .catch(() => {});
  for (let moment = 1; moment <= moments; moment += 1) {
    const aim = (expected.accepted * moment) / (moments + 1);
    // Settled, not accepted, says how far the flows are: acknowledgements run ahead of them.
    for (let seen = await stats(house); seen.settled < aim; seen = await stats(house)) {
      if (senderDone && seen.accepted < expected.accepted) {
        throw new Error(
          `The sender ended with ${seen.accepted} accepted: ${JSON.stringify(await sender.finished)}`,
        );
      }
      await wait(100);
    }
    await wait(Math.random() * 300);
    await house.engine.kill("SIGKILL");
    house.engine = await restartEngine(house);
    readyMs.push(Math.round(house.engine.readyMs));
    say(
      `     killed at about ${Math.round(aim)} settled; ready again after ${readyMs.at(-1)} ms${senderDone ? " (all sent)" : ""}`,
    );
  }
  const sent = await sender.finished;
  say(`     sender: ${JSON.stringify(sent.json)}`);
  const seen = await untilSettled(house, 120);
  check("kill -9: accepted, settled", [seen.accepted, seen.settled], [expected.accepted, expected.accepted]);
  check("kill -9: outcomes", picked(seen.outcomes), expected.outcomes);
  const truth = await truthOf(house.desk);
  check(
    "kill -9: desk",
    { tickets: truth["tickets"], open: truth["open"], duplicateOpen: truth["duplicateOpen"] },
    { tickets: expected.outcomes["created"], open: expected.open, duplicateOpen: 0 },
  );
  check(
    "kill -9: ready again within 2 s",
    readyMs.every((ms) => ms <= 2_000),
    true,
  );
  say(`     ready again after ${readyMs.join(", ")} ms`);
  await closeHouse(house);
}

async function faults(rows: number | null): Promise<void> {
  const { file, expected } = alarms(rows ?? 400);
  const lag = { match: {}, fault: "search-lag", seconds: 3 };
  for (const idempotency of ["requestId", "settles", "none"] as const) {
    for (const fault of ["reset-after", "silent"] as const) {
      const house = await openHouse({ idempotency, settleSeconds: 5, timeoutSeconds: 1 }, [
        { match: { command: "create" }, fault, every: 10 },
        ...(idempotency === "none"
          ? [{ match: { command: "create" }, fault: "reset-before", every: 17 }]
          : []),
        lag,
      ]);
      await run(replayArgs(house, file));
      const seen = await untilSettled(house, 120);
      const truth = await truthOf(house.desk);
      const what = `${idempotency}, ${fault} on every tenth create`;
      check(
        `${what}: accepted, settled`,
        [seen.accepted, seen.settled],
        [expected.accepted, expected.accepted],
      );
      check(`${what}: duplicate open tickets`, truth["duplicateOpen"], 0);
      if (idempotency !== "none") check(`${what}: open tickets`, truth["open"], expected.open);
      say(`     outcomes ${JSON.stringify(picked(seen.outcomes))}, desk ${JSON.stringify(truth)}`);
      if (idempotency === "none")
        check(`${what}: some not found end unknown`, (seen.outcomes["unknown"] ?? 0) > 0, true);
      await closeHouse(house);
    }
  }
}

async function outage(rows: number | null): Promise<void> {
  const { file, expected } = alarms(rows ?? 3_000);
  const house = await openHouse(calm, null);
  const port = portOf(house.desk);
  const deskDir = mkdtempSync(join(scratch, "desk-"));
  await house.desk.kill("SIGTERM");
  let desk = await startServer(["desk", "--json", "--port", String(port), "--data-dir", deskDir]);
  const sender = startJob(replayArgs(house, file));
  while ((await stats(house)).settled < expected.accepted / 2) await wait(50);
  await desk.kill("SIGKILL");
  const before = await stats(house);
  say(`     desk stopped at ${before.settled} of ${before.accepted} settled`);
  await wait(60_000);
  desk = await startServer(["desk", "--json", "--port", String(port), "--data-dir", deskDir]);
  await sender.finished;
  const seen = await untilSettled(house, 120);
  check("outage: accepted, settled", [seen.accepted, seen.settled], [expected.accepted, expected.accepted]);
  check("outage: outcomes", picked(seen.outcomes), expected.outcomes);
  const truth = await truthOf(desk);
  check("outage: desk open, duplicates", [truth["open"], truth["duplicateOpen"]], [expected.open, 0]);
  await house.engine.kill("SIGTERM");
  await desk.kill("SIGTERM");
}

const runs = { counts, cut, kill, faults, outage } as const;
const rows = values.rows === undefined ? null : Number(values.rows);
for (const name of positionals.length === 0 ? Object.keys(runs) : positionals) {
  const acceptance = runs[name as keyof typeof runs];
  if (acceptance === undefined)
    throw new Error(`There is no acceptance run ${name}; there are ${Object.keys(runs).join(", ")}.`);
  say(`== ${name}`);
  await acceptance(rows);
}
rmSync(scratch, { recursive: true, force: true });
say(failures === 0 ? "all as expected" : `${failures} figures not as expected`);
process.exitCode = failures === 0 ? 0 : 1;
