/** A real desk, and real engines on one data directory, for the tests of this room. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { calm, deskWords, engineWords, figures } from "../acceptance/house.ts";
import { launch, portOf, startServer, type How, type Launched } from "../acceptance/processes.ts";
import { openSender, type Answer, type AlarmSender, type SentAlarm } from "./alarm-sender.ts";

export interface RigOptions {
  /** Default: in a folder of the rig's own. */
  readonly dataDir?: string;
  readonly faults?: readonly Readonly<Record<string, unknown>>[];
  /** Puts files where the desk and the engine will find them. */
  readonly prepare?: (dirs: { readonly dataDir: string; readonly deskDir: string }) => void;
  /** Besides two clients and no coalescing. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface Rig {
  readonly folder: string;
  readonly dataDir: string;
  readonly deskPort: number;
  /** Does not wait until it is ready. */
  launch(how?: How): Launched;
  /** Rows of the desk's own files. */
  atDesk(sql: string, ...values: readonly string[]): Record<string, unknown>[];
  dispose(): Promise<void>;
}

const lookMs = 5;

export async function openRig({
  dataDir,
  faults = [],
  config = {},
  prepare = () => {},
}: RigOptions = {}): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "process-"));
  const deskDir = join(folder, "desk");
  mkdirSync(deskDir);
  prepare({ dataDir: dataDir ?? join(folder, "data"), deskDir });
  const desk = await startServer(deskWords({ folder, deskDir, promise: calm, faults }, 0));
  const files = {
    folder,
    dataDir: dataDir ?? join(folder, "data"),
    deskPort: portOf(desk),
    promise: calm,
    config: { clients: 2, coalesce: false, ...config },
  };
  const launched: Launched[] = [];
  return {
    folder,
    dataDir: files.dataDir,
    deskPort: files.deskPort,
    launch(how = {}) {
      const engine = launch(engineWords(files, 0), how);
      launched.push(engine);
      return engine;
    },
    atDesk: (sql, ...values) => rowsOf(join(deskDir, "desk.db"), sql, values),
    async dispose() {
      for (const { child, ended } of launched) {
        child.kill("SIGCONT");
        child.kill("SIGKILL");
        await ended;
      }
      await desk.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export interface Reached {
  readonly port: number;
  readonly sender: AlarmSender;
}

/** A connection to an engine that gets ready. Throws with what it said when it does not. */
export async function reach({ ready, ended }: Launched): Promise<Reached> {
  const line = await ready;
  if (line === null) throw new Error(`It ended before it was ready: ${(await ended).said}`);
  const port = portOf(line);
  const sender = await openSender(port);
  if (sender === null) throw new Error("It is ready and takes no connection.");
  return { port, sender };
}

/** Raise number `n` of an element of its own. */
export function raise(n: number, source = "urn:process"): SentAlarm {
  const event = {
    specversion: "1.0",
    id: String(n),
    source,
    type: "org.tmforum.alarm.AlarmCreateEvent",
    time: "2026-11-23T08:00:00Z",
    data: {
      externalAlarmId: String(n),
      alarmedObject: { id: `NE-${n}` },
      alarmType: "communicationsAlarm",
      probableCause: "lossOfSignal",
      sourceSystemId: source,
      perceivedSeverity: "major",
      state: "raised",
      alarmRaisedTime: "2026-11-23T08:00:00Z",
    },
  };
  return { source, id: String(n), text: JSON.stringify(event) };
}

/** Positions by number of raise. */
export type Acknowledged = Map<number, number>;

/** Raises from `first` on, each after the answer to the one before, until there is none or `most` were sent. */
export async function raiseUntilGone(
  sender: AlarmSender,
  first: number,
  most: number,
): Promise<Acknowledged> {
  const acknowledged: Acknowledged = new Map();
  for (let n = first; n < first + most; n += 1) {
    const answer: Answer | null = await sender.send(raise(n));
    if (answer?.kind !== "accepted") break;
    acknowledged.set(n, answer.position);
  }
  return acknowledged;
}

export async function untilAllSettled(port: number): Promise<void> {
  for (;;) {
    const { accepted, settled } = await figures({ port });
    if (accepted === settled) return;
    await wait(lookMs);
  }
}

/** Looks beside the running engine until its ledger has such rows. */
export async function untilInLedger(dataDir: string, sql: string): Promise<Record<string, unknown>[]> {
  for (;;) {
    const rows = inLedger(dataDir, sql);
    if (rows.length > 0) return rows;
    await wait(lookMs);
  }
}

export function inLedger(dataDir: string, sql: string): Record<string, unknown>[] {
  return rowsOf(join(dataDir, "ledger.db"), sql, []);
}

function rowsOf(file: string, sql: string, values: readonly string[]): Record<string, unknown>[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare(sql).all(...values);
  } finally {
    db.close();
  }
}
