/** A desk and an engine, each a process with files of its own, and the ways to look at them from outside. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { launch, portOf, run, startServer, type How, type Launched, type Running } from "./processes.ts";
import { count, type Report } from "./report.ts";

export interface ServicePromise {
  readonly idempotency: "requestId" | "settles" | "none";
  readonly settleSeconds: number;
  readonly timeoutSeconds: number;
}
export const calm: ServicePromise = { idempotency: "requestId", settleSeconds: 60, timeoutSeconds: 30 };

export interface House {
  readonly dataDir: string;
  readonly deskDir: string;
  readonly port: number;
  readonly deskPort: number;
  engine: Running;
  desk: Running;
  startEngine(): Promise<Running>;
  /** As `startEngine`, without waiting until it is ready. */
  launchEngine(): Launched;
  startDesk(): Promise<Running>;
}

export interface HouseOptions {
  readonly scratch: string;
  readonly clients: number;
  /** Default: a service that never fails. */
  readonly promise?: ServicePromise;
  /** A fault script of the desk. */
  readonly faults?: readonly Readonly<Record<string, unknown>>[];
  /** Members of the engine's configuration beside `clients` and `services`. Default: every notification a flow of its own. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** How the engine is started. */
  readonly how?: How;
}

export async function openHouse(options: HouseOptions): Promise<House> {
  const { scratch, clients, promise = calm, faults = [], config: more = { coalesce: false }, how } = options;
  const folder = mkdtempSync(join(scratch, "house-"));
  const [deskDir, dataDir] = [join(folder, "desk"), join(folder, "data")];
  const deskOn = (port: number) => startServer(deskWords({ folder, deskDir, promise, faults }, port));
  const desk = await deskOn(0);
  const deskPort = portOf(desk);
  const config = { ...more, clients };
  const words = (at: number) => engineWords({ folder, dataDir, deskPort, promise, config }, at);
  const engine = await startServer(words(0), how);
  const port = portOf(engine);
  return {
    dataDir,
    deskDir,
    port,
    deskPort,
    engine,
    desk,
    startEngine: () => startServer(words(port), how),
    launchEngine: () => launch(words(port), how),
    startDesk: () => deskOn(deskPort),
  };
}

export interface DeskFiles {
  /** Where its fault script is written. */
  readonly folder: string;
  readonly deskDir: string;
  readonly promise: ServicePromise;
  readonly faults: readonly Readonly<Record<string, unknown>>[];
}

/** Words of a `desk`. */
export function deskWords({ folder, deskDir, promise, faults }: DeskFiles, port: number): string[] {
  const script = write(folder, "faults.json", JSON.stringify(faults));
  const { idempotency, settleSeconds } = promise;
  return [
    "desk",
    "--json",
    "--port",
    String(port),
    "--data-dir",
    deskDir,
    "--faults",
    script,
    "--idempotency",
    idempotency,
    "--settle-seconds",
    String(settleSeconds),
  ];
}

export interface EngineFiles {
  /** Where its configuration is written. */
  readonly folder: string;
  readonly dataDir: string;
  readonly deskPort: number;
  readonly promise: ServicePromise;
  /** Of the desk in the Service Info Table. Default: 127.0.0.1. */
  readonly deskHost?: string;
  /** Settings besides the Service Info Table. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Words of a `serve`. */
export function engineWords(
  { folder, dataDir, deskPort, deskHost = "127.0.0.1", promise, config }: EngineFiles,
  port: number,
): string[] {
  const services = write(folder, "services.csv", servicesText(deskHost, deskPort, promise));
  const file = write(folder, "config.json", JSON.stringify({ ...config, services: { file: services } }));
  return [
    "serve",
    "--json",
    "--config",
    file,
    "--data-dir",
    dataDir,
    "--port",
    String(port),
    "--log-level",
    "error",
  ];
}

function write(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function servicesText(
  host: string,
  port: number,
  { idempotency, settleSeconds, timeoutSeconds }: ServicePromise,
): string {
  return (
    "name,host,port,path,protocol,idempotency,settleSeconds,timeoutSeconds,asyncSeconds,user,passwordFile,notes\n" +
    `OSB,${host},${port},/TicketService,osb,${idempotency},${settleSeconds},${timeoutSeconds},0,,,\n`
  );
}

export async function closeHouse(house: House): Promise<void> {
  await house.engine.kill("SIGTERM");
  await house.desk.kill("SIGTERM");
}

/** Words of a `replay` as fast as the engine acknowledges; `port` where it is not the engine's own. */
export function replayArgs(
  { port }: { readonly port: number },
  file: string,
  { inFlight, speed = "max" }: { readonly inFlight?: number; readonly speed?: number | "max" } = {},
): string[] {
  return [
    "replay",
    file,
    "--json",
    "--url",
    `ws://127.0.0.1:${port}/v1/alarms`,
    "--format",
    "huawei",
    "--speed",
    String(speed),
    ...(inFlight === undefined ? [] : ["--in-flight", String(inFlight)]),
  ];
}

export interface Figures {
  readonly accepted: number;
  readonly settled: number;
  /** Keys that wait without a client, by reason. */
  readonly parked: Readonly<Record<string, number>>;
  /** Requests nobody can say anything about. */
  readonly unknown: number;
  /** CPU time of the engine's process since its start. */
  readonly cpuMs: number;
  /** JavaScript objects of its main thread, garbage included. */
  readonly heapMb: number;
}

/** Of the running engine, from its metrics: cheap enough to ask a hundred times a second. */
export async function figures(house: Pick<House, "port">): Promise<Figures> {
  const text = await read(`http://127.0.0.1:${house.port}/metrics`);
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^(?:ticket_client_)?([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) values.set(name, Number(value));
  }
  const value = (name: string): number => {
    const found = values.get(name);
    if (found === undefined) throw new Error(`The engine's metrics have no ${name}.`);
    return found;
  };
  const accepted = value("alarms_accepted_total");
  const parked = [...values].flatMap(([name, n]) => {
    const reason = /^parked_keys\{reason="(\w+)"\}$/.exec(name)?.[1];
    return reason === undefined || n === 0 ? [] : [[reason, n] as const];
  });
  return {
    accepted,
    settled: accepted - value("alarms_unsettled"),
    parked: Object.fromEntries(parked),
    unknown: value('requests{status="unknown"}'),
    cpuMs: Math.round(value("process_cpu_seconds_total") * 1_000),
    heapMb: value("nodejs_heap_size_used_bytes") / 1_048_576,
  };
}

/** A connection of its own each time: one kept from before a kill would be dead. */
function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        // Request time-out: one of the two was paused in the middle.
        else if (response.statusCode === 408) resolve(read(url));
        else reject(new Error(`${url} answered ${response.statusCode}.`));
      });
      response.on("error", reject);
    }).on("error", reject);
  });
}

/** Looks until all that was accepted is settled, or nothing moved for `patienceSeconds`. */
export async function untilSettled(house: House, report: Report, patienceSeconds: number): Promise<Figures> {
  let last = -1;
  let since = performance.now();
  for (;;) {
    const now = await figures(house);
    if (now.settled === now.accepted) return now;
    if (now.settled !== last) {
      last = now.settled;
      since = performance.now();
    } else if (performance.now() - since > patienceSeconds * 1_000) return now;
    report.progress(`${progressText(now)}, parked ${JSON.stringify(now.parked)}`);
    await wait(500);
  }
}

export function progressText({ accepted, settled }: Figures): string {
  return `${count(accepted)} acknowledged, ${count(settled)} settled`;
}

export interface Stats {
  readonly accepted: number;
  readonly settled: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly flowsPerSecond: number;
}

/** From the ledger's files, by a process of its own. */
export async function stats(house: House): Promise<Stats> {
  return (await run(["ledger", "stats", "--json", "--data-dir", house.dataDir])).json as unknown as Stats;
}

export interface Truth {
  readonly requests: number;
  readonly creates: number;
  readonly tickets: number;
  readonly open: number;
  readonly duplicateOpen: number;
}

/** The desk's own account. */
export async function truth(house: House): Promise<Truth> {
  return JSON.parse(await read(`http://127.0.0.1:${house.deskPort}/truth`)) as Truth;
}

/** How often each fault of the script happened at the desk. */
export async function faultsHappened(house: House): Promise<Readonly<Record<string, number>>> {
  return JSON.parse(await read(`http://127.0.0.1:${house.deskPort}/faults`)) as Record<string, number>;
}

/**
 * T1 over the whole run, from the desk's files: tickets opened while another of their key was open. At the end the
 * desk may look well in spite of one, when the earlier of the two was closed.
 */
export function openedBeside({ deskDir }: House): number {
  const earlier = `max(coalesce(body ->> '$.closedAt', 9e15))
    OVER (PARTITION BY client_reference ORDER BY opened_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;
  return countAt(deskDir, `SELECT opened_at, ${earlier} AS earlier FROM ticket`, "earlier > opened_at");
}

/** Requests that made more than one ticket, from the desk's files. */
export function createdTwice({ deskDir }: House): number {
  const made = `SELECT count(*) AS times FROM request WHERE command = 'create' AND applied = 1 GROUP BY request_id`;
  return countAt(deskDir, made, "times > 1");
}

function countAt(deskDir: string, rows: string, where: string): number {
  const db = new DatabaseSync(join(deskDir, "desk.db"), { readOnly: true });
  try {
    return Number(db.prepare(`SELECT count(*) AS n FROM (${rows}) WHERE ${where}`).get()?.["n"]);
  } finally {
    db.close();
  }
}
