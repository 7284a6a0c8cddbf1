/** Durable flows a second of the engine: from the first flow until every alarm is settled. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Ids } from "../../actors/ports.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import { systemIds } from "../../adapters/clock/system.ts";
import { unsettledAlarms } from "../../machines/state.ts";
import { alarmNotifications } from "./alarms.ts";
import { instantService, silentService, startEngineRig } from "./engine-rig.ts";

export interface FlowLoad {
  /** Where the ledger goes: a directory on the disk to measure. */
  readonly parent: string;
  readonly clients: number;
  /** Every key gets a raise and a clear: two flows, a create and a close. */
  readonly keys: number;
  /** The measurement is cut off then; what is settled by then counts. */
  readonly secondsMax: number;
}

export interface FlowFigures {
  /** Settled in `seconds`; all of the load unless the measurement was cut off. */
  readonly flows: number;
  readonly seconds: number;
  /** Processor seconds of the whole process, threads included, over the same time. */
  readonly cpuSeconds: number;
}

export interface EngineFlowFigures extends FlowFigures {
  /** How fast the alarms were accepted before, not part of `seconds`. */
  readonly acceptsPerSecond: number;
}

/** Of engine and ceiling alike: after so many flows a further one costs what those after it do. */
export const warmUp = { clients: 64, keys: 2_000 };

const acceptedTogether = 1_000;

/** Attaches something to an engine whose flows have just begun; what it returns ends that before the engine stops. */
export type Attach = (supervisor: Supervisor) => Promise<() => Promise<void>>;

const nothing: Attach = async () => async () => {};

export async function engineFlows(load: FlowLoad, attach: Attach = nothing): Promise<EngineFlowFigures> {
  // So that what is measured is compiled: a process that has just started is not what runs for months.
  await run({ ...load, ...warmUp });
  return run(load, attach);
}

async function run({ parent, keys, ...load }: FlowLoad, attach = nothing): Promise<EngineFlowFigures> {
  const dir = mkdtempSync(join(parent, "bench-flows-"));
  try {
    const acceptsPerSecond = await acceptAll(dir, keys);
    return { acceptsPerSecond, ...(await settleAll({ dir, keys, ...load }, attach)) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Through a supervisor whose only client never gets an answer: all alarms are accepted and none is settled. */
async function acceptAll(dir: string, keys: number): Promise<number> {
  const supervisor = await startEngineRig({ dir, clients: 1, service: silentService(), coalesce: false });
  const alarms = alarmNotifications({ name: "flows", count: keys * 2, keys });
  const from = performance.now();
  for (let at = 0; at < alarms.length; at += acceptedTogether) {
    const some = alarms.slice(at, at + acceptedTogether);
    const told = await Promise.all(
      some.map(({ notification, digest }) => supervisor.accept(notification, digest)),
    );
    if (told.some(({ kind }) => kind !== "accepted")) throw new Error("An alarm was not accepted.");
  }
  const seconds = (performance.now() - from) / 1_000;
  await supervisor.stop({ drainSeconds: 0 });
  return alarms.length / seconds;
}

async function settleAll(
  load: Omit<FlowLoad, "parent"> & { readonly dir: string },
  attach: Attach,
): Promise<FlowFigures> {
  const { dir, clients, keys, secondsMax } = load;
  const service = instantService();
  const began: { readonly at: number; readonly cpu: NodeJS.CpuUsage }[] = [];
  const ids: Ids = {
    random: () => systemIds.random(),
    /** The first id that is asked for is the lock GUID of the first flow: recovery is over, the flows begin. */
    uuid() {
      if (began.length === 0) began.push({ at: performance.now(), cpu: process.cpuUsage() });
      return systemIds.uuid();
    },
  };
  const supervisor = await startEngineRig({ dir, clients, service, coalesce: false, ids });
  const all = unsettledAlarms(supervisor.state);
  const attached = attach(supervisor);
  await settledWithin(supervisor, secondsMax);
  const left = unsettledAlarms(supervisor.state);
  const [first] = began;
  if (first === undefined) throw new Error("No flow has begun.");
  const { at, cpu: cpuBefore } = first;
  const seconds = (performance.now() - at) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const detach = await attached;
  await detach();
  await supervisor.stop({ drainSeconds: left === 0 ? 10 : 0 });
  const { creates, closes, duplicateOpen } = service.truth();
  if (duplicateOpen > 0 || (left === 0 && (creates !== keys || closes !== keys))) {
    throw new Error(
      `Expected ${keys} creates and closes; the service saw ${JSON.stringify(service.truth())}.`,
    );
  }
  return { flows: all - left, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}

function settledWithin(supervisor: Supervisor, secondsMax: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, secondsMax * 1_000);
    const end = supervisor.onFacts(() => {
      if (unsettledAlarms(supervisor.state) === 0) finish();
    });
    function finish(): void {
      clearTimeout(timer);
      end();
      resolve();
    }
  });
}
