/**
 * The storm: alarms come when they come, not when they are answered. A1 A2 A4 A5 A6 T1 hold, and the figures are what
 * an operator was promised.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { closeHouse, createdTwice, openedBeside, openHouse, truth } from "../acceptance/house.ts";
import { differences } from "./accepted-alarms.ts";
import { EngineWatch } from "./engine-watch.ts";
import type { Findings } from "./findings.ts";
import type { SourceReport } from "./paced-source.ts";
import type { StormPlan } from "./storm-alarms.ts";

export interface StormSettings {
  /** Folder of everything the run writes. */
  readonly scratch: string;
  readonly plan: StormPlan;
  readonly clients: number;
  readonly onProgress: (line: string) => void;
}

/** As it is installed: types are stripped when the package is built, and not by every process that starts. */
const program = fileURLToPath(new URL("../../dist/adapters/cli/main.js", import.meta.url));
const ackMsMax = 250;
const memoryMbMax = 300;

export async function storm(settings: StormSettings, findings: Findings): Promise<void> {
  const { scratch, plan, clients, onProgress } = settings;
  const house = await openHouse({ scratch, clients, config: {}, how: { program } });
  const watch = new EngineWatch(house, onProgress);
  const reports = await send(`ws://127.0.0.1:${house.port}/v1/alarms`, plan);
  const peakOfSending = watch.peakMb();
  const end = await watch.untilSettled(60);
  const peakMb = watch.peakMb();
  await watch.stop();
  const desk = await truth(house);
  await closeHouse(house);

  const total = plan.objects + plan.perSecond * plan.seconds;
  const acknowledged = reports.flatMap(({ positions }) => [...positions]).filter((at) => at > 0).length;
  findings.figure("alarms sent", total);
  findings.figure("acknowledged", acknowledged, { exactly: total });
  findings.none("acknowledged and accepted differ (A1 A4 A6)", differences(house.dataDir, reports));
  findings.none(
    "what the intake may not say (A6)",
    reports.flatMap(({ wrong }) => wrong),
  );
  findings.figure(
    "refused for now, before any acknowledgement",
    sum(reports.map(({ refusals }) => refusals)),
  );
  const burst = latencies(reports, (dueMs) => dueMs < plan.burstSeconds * 1_000);
  const after = latencies(reports, (dueMs) => dueMs >= plan.burstSeconds * 1_000);
  const all = latencies(reports, () => true);
  findings.figure("acknowledged after, p50, ms", percentile(all, 0.5));
  findings.figure("acknowledged after, p99, ms", percentile(all, 0.99), { most: ackMsMax });
  findings.figure("… of the burst, p99, ms", percentile(burst, 0.99));
  findings.figure("… of the rest, p99, ms", percentile(after, 0.99));
  findings.figure("… of all, the longest, ms", all.at(-1) ?? 0);
  findings.figure("resident memory at most, sending, MB", peakOfSending);
  findings.figure("resident memory at most, MB", peakMb, { most: memoryMbMax });
  findings.figure("heap of the main thread at most, MB", watch.heapPeakMb());
  findings.figure("unsettled at most", watch.unsettledMost);
  findings.figure("settled", end.settled, { exactly: total });
  findings.figure("tickets at the desk", desk.tickets);
  findings.figure("open at the desk", desk.open, { exactly: 0 });
  findings.figure(
    "twice open, opened beside another, made twice (T1)",
    desk.duplicateOpen + openedBeside(house) + createdTwice(house),
    { exactly: 0 },
  );
}

/** By a process of its own: its work is not the engine's. */
async function send(url: string, plan: StormPlan): Promise<SourceReport[]> {
  const sender = fork(new URL("storm-sender.ts", import.meta.url), [url, JSON.stringify(plan)], {
    execArgv: [],
    serialization: "advanced",
  });
  const told = Promise.race([
    once(sender, "message").then(([reports]) => reports as SourceReport[]),
    once(sender, "exit").then(([code]) => {
      throw new Error(`The sender ended with code ${String(code)} and no report.`);
    }),
  ]);
  const reports = await told;
  if (sender.exitCode === null) await once(sender, "exit");
  return reports;
}

/** Of the events that were due then: from when they were due to their first answer, the shortest first. */
function latencies(reports: readonly SourceReport[], isDue: (dueMs: number) => boolean): Float64Array {
  const all = reports.flatMap(({ due, answeredMs }) =>
    [...answeredMs].filter((_, at) => isDue(due[at] as number)),
  );
  return Float64Array.from(all).sort();
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
