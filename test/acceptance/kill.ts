/**
 * `kill`: kill -9 of the engine, the first half of the kills while alarms are acknowledged, the others while flows run
 * after the last acknowledgement (A1 A2 T1; ready again within two seconds).
 */
import { setTimeout as wait } from "node:timers/promises";
import { closeHouse, figures, openHouse, progressText, replayArgs, untilSettled } from "./house.ts";
import type { Figures, House } from "./house.ts";
import { run, startJob, type Job } from "./processes.ts";
import { recordingOf } from "./recording.ts";
import { count, type Report } from "./report.ts";
import { checkStarts, startOf, type Start } from "./starts.ts";
import { checkEnd, momentOf, percent, type Scenario } from "./scenario.ts";

const lookMs = 25;
/** Slower than at its best, so that sending is a good part of the run, and faster than the flows, so that some remain. */
const inFlightDefault = 4;

export const kill: Scenario = async ({ scratch, rows, moments, clients, inFlight }, report) => {
  const recording = recordingOf(scratch, rows);
  const whole = recording.expected.accepted;
  const house = await openHouse({ scratch, clients: clients?.[0] ?? 4 });
  const sender = startJob(replayArgs(house, recording.file, { inFlight: inFlight ?? inFlightDefault }));
  const { readyMs } = house.engine;
  report.say(`     the first start, with nothing in the ledger: ready after ${Math.round(readyMs)} ms`);
  const starts: Start[] = [];
  const whileSending = Math.ceil(moments / 2);
  for (let moment = 1; moment <= whileSending; moment += 1) {
    const aim = momentOf(moment, whileSending, whole);
    const seen = await until(house, sender, report, ({ accepted }) => accepted >= aim || sender.ended());
    const isSending = !sender.ended() && seen.accepted < whole;
    starts.push(await killOnce(house, report, { moment, seen, whole, isRight: isSending }));
  }
  const sent = await until(house, sender, report, () => sender.ended());
  const left = whole - sent.settled;
  const afterwards = moments - whileSending;
  for (let moment = 1; moment <= afterwards; moment += 1) {
    const aim = sent.settled + momentOf(moment, afterwards, left);
    const seen = await until(house, sender, report, ({ settled }) => settled >= aim);
    const isRight = sender.ended() && seen.settled < whole;
    starts.push(await killOnce(house, report, { moment: whileSending + moment, seen, whole, isRight }));
  }
  const { code, json } = await sender.finished;
  report.check("the sender's exit code, accepted", [code, json["accepted"]], [0, whole]);
  report.say(
    `     the sender: ${count(Number(json["duplicates"]))} acknowledged as known, ${String(json["reconnects"])} reconnects`,
  );
  await untilSettled(house, report, 60);
  const { truth } = await checkEnd("kill -9", house, recording, report);
  report.say(`     desk: ${JSON.stringify(truth)}`);
  const verified = await run(["ledger", "verify", "--json", "--data-dir", house.dataDir]);
  report.check(
    "the ledger's chain is whole: exit code, openings",
    [verified.code, verified.json["epochs"]],
    [0, moments + 1],
  );
  checkStarts(starts, report);
  await closeHouse(house);
};

interface Moment {
  readonly moment: number;
  readonly seen: Figures;
  readonly whole: number;
  /** It falls into the part of the run that it was meant for. */
  readonly isRight: boolean;
}

async function killOnce(
  house: House,
  report: Report,
  { moment, seen, whole, isRight }: Moment,
): Promise<Start> {
  await house.engine.kill("SIGKILL");
  house.engine = await house.startEngine();
  const start = await startOf(house, house.engine.readyMs);
  const { accepted, settled } = seen;
  const where = `${count(accepted)} acknowledged (${percent(accepted, whole)}), ${count(settled)} settled (${percent(settled, whole)})`;
  report.must(
    `kill ${moment}`,
    isRight,
    `${where}; ready after ${start.ms} ms (CPU ${start.cpuMs})`,
    accepted < whole ? "the sender to be sending" : "everything sent and flows left; try another --in-flight",
  );
  return start;
}

async function until(
  house: House,
  sender: Job,
  report: Report,
  holds: (seen: Figures) => boolean,
): Promise<Figures> {
  for (;;) {
    const seen = await figures(house);
    if (holds(seen)) return seen;
    // A sender that gave up says why; it ends with an error of its own.
    if (sender.ended() && (await sender.finished).code !== 0)
      throw new Error(`The sender gave up: ${JSON.stringify((await sender.finished).json)}`);
    report.progress(progressText(seen));
    await wait(lookMs);
  }
}
