/** `demo`: an engine, a desk and the shipped real alarms, replayed over a real WebSocket. */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../../actors/config.ts";
import { FailureError, orThrow } from "../../machines/failure.ts";
import { unsettledAlarms } from "../../machines/state.ts";
import { readHuaweiAlarms } from "../alarms/huawei.ts";
import { alarmPath } from "../alarms/intake.ts";
import { replay, type ReplaySummary } from "../alarms/replay.ts";
import type { RecordedEvent } from "../alarms/recorded.ts";
import { systemClock, systemIds } from "../clock/system.ts";
import { type Engine, startEngine } from "../engine.ts";
import type { Truth } from "../service/ticket-rules.ts";
import { defaultServices } from "../service-table/file.ts";
import { type DemoDesk, startDemoDesk } from "./demo-desk.ts";
import { createLog, type LogLevel } from "./log.ts";
import { count, type Output, tell } from "./output.ts";
import { recordingText } from "./replay.ts";
import { type EngineFlags, readSettings } from "./settings.ts";
import type { StopSignals } from "./signals.ts";
import { outcomeTable, type Tally, tallyOf } from "./tally.ts";

export interface DemoOptions extends EngineFlags {
  readonly once: boolean;
  readonly speed?: number | "max";
  readonly alarms?: string;
  readonly deskPort: number;
  readonly logLevel: LogLevel;
}

export interface DemoTally extends Tally {
  readonly desk: Pick<Truth, "tickets" | "open" | "duplicateOpen">;
}

const speedDefault = 60;
const progressMs = 250;
const [defaultService] = defaultServices;

/** Resolves with the exit code. */
export async function runDemo(options: DemoOptions, output: Output, stop: StopSignals): Promise<number> {
  const ownDir = options.dataDir ?? process.env["TICKET_CLIENT_DATA_DIR"];
  const dataDir = ownDir ?? mkdtempSync(join(tmpdir(), "ticket-client-demo-"));
  const speed = options.speed ?? (options.once ? "max" : speedDefault);
  // A week of alarms within a minute: raises and clears would all meet in line and cancel each other out.
  const config = readSettings({
    ...options,
    dataDir,
    ...(speed === "max" ? { coalesceDefault: false } : {}),
  });
  const file = options.alarms ?? shippedAlarms();
  const events = readAlarms(file);

  const { settleSeconds } = defaultService;
  const desk = await startDemoDesk({ port: options.deskPort, dataDir: join(dataDir, "desk"), settleSeconds });
  try {
    const engine = await startDemoEngine(config, desk, options.logLevel);
    output.line(`engine   ${engine.url}  (${count(config.clients)} ticket clients)`);
    output.line(`desk     ${desk.url}  (the embedded ticketing service)`);
    output.line(`ledger   ${dataDir}`);
    output.line(
      `alarms   ${basename(file)}: ${count(events.length)} notifications, ${speed === "max" ? "as fast as they are taken" : `${speed} times as fast as recorded`}`,
    );
    output.line();
    if (!options.once) output.data({ ready: true, url: engine.url });
    return await play({ engine, desk, events, speed, once: options.once }, output, stop);
  } finally {
    await desk.close();
  }
}

interface Stage {
  readonly engine: Engine;
  readonly desk: DemoDesk;
  readonly events: readonly RecordedEvent[];
  readonly speed: number | "max";
  readonly once: boolean;
}

async function play(
  { engine, desk, events, speed, once }: Stage,
  output: Output,
  stop: StopSignals,
): Promise<number> {
  const { supervisor } = engine;
  const settledBefore = supervisor.state.counters.settled;
  const startedAt = systemClock.monotonicMs();
  let flows = 0;
  let settledAt = startedAt;
  let replayed = false;
  const settled = Promise.withResolvers<"settled">();
  const bar = output.progress(events.length, "alarms");
  let shownAt = startedAt;

  function look(): void {
    const now = systemClock.monotonicMs();
    if (now - shownAt >= progressMs) {
      shownAt = now;
      bar.reach(supervisor.state.counters.settled - settledBefore, progressText(supervisor));
    }
    if (replayed && unsettledAlarms(supervisor.state) === 0) settled.resolve("settled");
  }
  supervisor.onFacts((facts) => {
    for (const { type } of facts) {
      if (type === "flow.ended") flows += 1;
      if (type === "alarm.settled") settledAt = systemClock.monotonicMs();
    }
    look();
  });

  const url = `${engine.url.replace(/^http/, "ws")}${alarmPath}`;
  const sending = replay({ events, url, speed, clock: systemClock, ids: systemIds, signal: stop.signal });
  /** Why not all was sent; null: it was, or a person ended it. */
  const cutOff = sending.then(({ gaveUp }) => (stop.signal.aborted ? null : gaveUp));
  const ended = sending.then(async (summary) => {
    replayed = true;
    if (unsettledAlarms(supervisor.state) === 0) settled.resolve("settled");
    return Promise.race([settled.promise, stop.asked.then(() => summary)]);
  });
  const how = await Promise.race([ended, stop.asked, engine.broken, desk.died]);
  bar.end(progressText(supervisor));
  const broken = typeof how === "object" && "code" in how ? how : null;
  if (broken !== null) throw new FailureError(broken.code, broken.detail);

  const because = await cutOff;
  if (because !== null) tell(`ticket-client: the replay ended early: ${because}.`);
  const seconds = (settledAt - startedAt) / 1_000;
  if (!once && !stop.signal.aborted) {
    output.line();
    output.line(
      `${because === null ? "All alarms have their outcome; the" : "The"} engine goes on at ${engine.url}. Ctrl-C ends it.`,
    );
    const after = await Promise.race([stop.asked, engine.broken, desk.died]);
    if (after !== undefined) throw new FailureError(after.code, after.detail);
  }
  const summary = await sending;
  await engine.stop();
  const truth = await desk.truth();
  const code = report(supervisor, { summary, truth, seconds, flows }, output);
  return because === null ? code : 1;
}

function progressText({ state: { counters } }: Engine["supervisor"]): string {
  return `${count(counters.accepted)} accepted, ${count(counters.settled)} settled`;
}

interface Measured {
  readonly summary: ReplaySummary;
  readonly truth: Truth;
  readonly seconds: number;
  readonly flows: number;
}

function report(
  { state }: Engine["supervisor"],
  { summary, truth, seconds, flows }: Measured,
  output: Output,
): number {
  const tally: DemoTally = {
    ...tallyOf(state, { duplicates: summary.duplicates, ackMs: summary.ackMs, seconds, flows }),
    desk: { tickets: truth.tickets, open: truth.open, duplicateOpen: truth.duplicateOpen },
  };
  output.data(tally);
  output.line();
  for (const line of outcomeTable(tally)) output.line(line);
  const { ackMs } = summary;
  output.line(
    `  at the desk   ${count(truth.tickets)} tickets, ${count(truth.open)} open, ${count(truth.duplicateOpen)} twice`,
  );
  output.line(
    `  speed         ${count(Math.round(tally.flowsPerSecond))} flows a second for ${seconds.toFixed(1)} s; acknowledged in ${ackMs.p50.toFixed(1)} ms (p50), ${ackMs.p99.toFixed(1)} ms (p99)`,
  );
  const isGood =
    tally.settled === tally.accepted && truth.duplicateOpen === 0 && summary.rejected.length === 0;
  const [first] = summary.rejected;
  if (first !== undefined)
    tell(`${summary.rejected.length} alarms were refused, the first with ${first.code}: ${first.detail}`);
  return isGood ? 0 : 1;
}

async function startDemoEngine(config: Config, desk: DemoDesk, logLevel: LogLevel): Promise<Engine> {
  const service = { ...defaultService, port: desk.port };
  const engine = await startEngine({
    config,
    clock: systemClock,
    ids: systemIds,
    log: createLog(logLevel),
    services: [service],
  });
  const { services, selectedService } = engine.supervisor.state;
  const selected = services.find(({ name }) => name === selectedService);
  if (selected?.port === desk.port) return engine;
  await engine.stop({ drainSeconds: 0 });
  throw new FailureError(
    "INVALID",
    `The ledger in ${config.dataDir} knows its ticketing service at port ${selected?.port ?? "?"}. Start with --desk-port ${selected?.port ?? "?"}, or with another --data-dir.`,
  );
}

/** Beside the sources in a checkout; the compiled code lies in `dist/` and looks above it. */
function shippedAlarms(): string {
  const relative = "alarms/huawei-neurips2023/alarm.csv";
  const beside = fileURLToPath(new URL(`../${relative}`, import.meta.url));
  return existsSync(beside)
    ? beside
    : fileURLToPath(new URL(`../../../adapters/${relative}`, import.meta.url));
}

function readAlarms(file: string): readonly RecordedEvent[] {
  return orThrow(readHuaweiAlarms(recordingText(file), basename(file)));
}
