/**
 * `npm run kills`: kill -9 of the engine at random moments while the shipped alarms are replayed; see `--help`.
 *   A1 A2 T1 R2.
 */
import { setTimeout as wait } from "node:timers/promises";
import {
  closeHouse,
  figures,
  openHouse,
  replayArgs,
  stats,
  truth,
  untilSettled,
} from "../acceptance/house.ts";
import type { House } from "../acceptance/house.ts";
import { run as runJob, startJob } from "../acceptance/processes.ts";
import { recordingOf } from "../acceptance/recording.ts";
import { Report } from "../acceptance/report.ts";
import { checkEnd } from "../acceptance/scenario.ts";
import { isSoonEnough, readyMsMax, startOf, type Start } from "../acceptance/starts.ts";
import { Random } from "../simulation/random.ts";
import { createProgress, numberOf, runCommand, say, textOf, type Result, type Values } from "./command.ts";

const killsDefault = 30;

const help = `npm run kills -- [--kills N] [--rows N] [--seed S] [--json]

The shipped alarms are replayed, as fast as they are acknowledged, to the real engine with a real desk behind it; at
random moments the engine is killed with SIGKILL and started again, while the sender goes on. One kill in five comes
before the engine is ready again (R2). When all is settled:

  A1 A2   every alarm is settled once, the outcomes are those of the same alarms without a kill
  T1      the desk's own files have no key with two open tickets, no request that made two
          the chain of the ledger is whole; ready again within ${readyMsMax} ms each time (of CPU time on a loaded machine)

  --kills N   (default: ${killsDefault})
  --rows N    of the recording, two alarms each, for a round; the next round begins with new files (default: 150 a kill,
              at most all)
  --seed S    of the moments (default: a new one, printed)
  --json      the figures as the last line

Exit codes: 0 all held, 1 not so, 2 wrong use.
`;

/** An early kill comes so long after the process was started. */
const earlyAfterMs = { least: 30, most: 700 };
const earlyShare = 0.2;
const rowsPerKill = 150;
/** Of the load of one kill, at most so much is done before it: on the mean half, so that most kills fall into a load. */
const loadMost = 1.6;
const lookMs = 10;
const rowsMost = 30_691;
/** So many unanswered alarms that sending lasts as long as the flows. */
const inFlight = 4;

interface Tally {
  kills: number;
  early: number;
  whileSending: number;
  rounds: number;
  accepted: number;
  acknowledgedTwice: number;
  lost: number;
  unsettled: number;
  duplicateTickets: number;
  readonly starts: Start[];
  readonly wrong: string[];
}

async function playAll(values: Values, scratch: string): Promise<Result> {
  const wanted = numberOf(values, "kills") ?? killsDefault;
  const rows = Math.min(rowsMost, numberOf(values, "rows") ?? wanted * rowsPerKill);
  const seed = textOf(values, "seed") ?? String(Date.now() % 1_000_000);
  say(`moments from seed ${seed}`);
  const random = new Random(seed);
  const tally: Tally = {
    kills: 0,
    early: 0,
    whileSending: 0,
    rounds: 0,
    accepted: 0,
    acknowledgedTwice: 0,
    lost: 0,
    unsettled: 0,
    duplicateTickets: 0,
    starts: [],
    wrong: [],
  };
  const began = performance.now();
  while (tally.kills < wanted) await playRound(tally, { scratch, rows, wanted, random });
  return conclude(tally, seed, (performance.now() - began) / 1_000);
}

interface Round {
  readonly scratch: string;
  readonly rows: number;
  readonly wanted: number;
  readonly random: Random;
}

async function playRound(tally: Tally, { scratch, rows, wanted, random }: Round): Promise<void> {
  tally.rounds += 1;
  const report = new Report(`round ${tally.rounds}`);
  const progress = createProgress();
  const recording = recordingOf(scratch, rows);
  const whole = recording.expected.accepted;
  const house = await openHouse({ scratch, clients: 4 });
  const sender = startJob(replayArgs(house, recording.file, { inFlight }));
  let openings = 1;
  // What is done by the next kill, in alarms acknowledged and alarms settled: as far on a slow machine as on a fast one.
  const stepMost = Math.ceil((loadMost * 2 * whole) / wanted);
  while (tally.kills < wanted) {
    let seen = await figures(house);
    const aim = seen.accepted + seen.settled + random.int(1, stepMost);
    while (seen.accepted + seen.settled < Math.min(aim, 2 * whole)) {
      progress(
        () =>
          `${tally.kills} of ${wanted} kills, ${seen.accepted} acknowledged, ${seen.settled} of ${whole} settled`,
      );
      await wait(lookMs);
      seen = await figures(house);
    }
    if (sender.ended() && seen.settled >= whole) break;
    await killOnce(house, random, tally, !sender.ended());
    openings += 1;
  }
  const { code, json } = await sender.finished;
  report.check("the sender's exit code, accepted", [code, json["accepted"]], [0, whole]);
  await untilSettled(house, report, 60);
  await checkEnd("kill -9", house, recording, report);
  const verified = await runJob(["ledger", "verify", "--json", "--data-dir", house.dataDir]);
  report.check("the ledger's chain is whole: exit code", verified.code, 0);
  // A life that was killed early may not have come to open the ledger.
  report.must(
    "its openings",
    Number(verified.json["epochs"]) <= openings + tally.early,
    String(verified.json["epochs"]),
    `at most ${openings + tally.early}`,
  );
  const seen = await stats(house);
  tally.accepted += seen.accepted;
  tally.acknowledgedTwice += Number(json["duplicates"]);
  tally.lost += Number(json["accepted"]) - seen.accepted;
  tally.unsettled += seen.accepted - seen.settled;
  tally.duplicateTickets += (await truth(house)).duplicateOpen;
  tally.wrong.push(...report.summary().wrong);
  await closeHouse(house);
}

/** Killed, started again; now and then killed once more before it is ready (R2). */
async function killOnce(house: House, random: Random, tally: Tally, isSending: boolean): Promise<void> {
  await house.engine.kill("SIGKILL");
  tally.kills += 1;
  if (isSending) tally.whileSending += 1;
  while (random.chance(earlyShare)) {
    const life = house.launchEngine();
    const gone = life.ended.then(() => true);
    const isGone = await Promise.race([
      gone,
      wait(random.int(earlyAfterMs.least, earlyAfterMs.most)).then(() => false),
    ]);
    if (isGone) tally.wrong.push(`a start ended by itself: ${(await life.ended).said}`);
    life.child.kill("SIGKILL");
    await life.ended;
    tally.kills += 1;
    tally.early += 1;
  }
  house.engine = await house.startEngine();
  tally.starts.push(await startOf(house, house.engine.readyMs));
}

function conclude(tally: Tally, seed: string, seconds: number): Result {
  const { starts, wrong, ...counts } = tally;
  const late = starts.filter((start) => !isSoonEnough(start));
  const times = starts.map(({ ms }) => ms).sort((a, b) => a - b);
  const figuresOf = {
    ...counts,
    readyMs: { p50: times[Math.floor(times.length / 2)] ?? 0, max: times.at(-1) ?? 0 },
    readyCpuMsMax: Math.max(0, ...starts.map(({ cpuMs }) => cpuMs)),
    loadMax: Math.max(0, ...starts.map(({ load }) => load)),
    late: late.length,
    wrong: wrong.length,
    seed,
    seconds: Math.round(seconds),
  };
  for (const { ms, cpuMs, load } of late)
    say(`FAIL ready only after ${ms} ms (CPU ${cpuMs} ms, load ${load.toFixed(1)})`);
  say(
    `${counts.kills} kills (${counts.early} before it was ready, ${counts.whileSending} while alarms came in), ` +
      `${counts.accepted} alarms acknowledged, ${counts.lost} lost, ${counts.unsettled} unsettled, ` +
      `${counts.duplicateTickets} tickets twice, ready again in ${figuresOf.readyMs.p50} ms (p50), ` +
      `${figuresOf.readyMs.max} ms at most (CPU ${figuresOf.readyCpuMsMax} ms), ${figuresOf.seconds} s`,
  );
  return { part: "kills", ok: wrong.length === 0 && late.length === 0, figures: figuresOf };
}

await runCommand({
  name: "kills",
  help,
  options: { kills: { type: "string" }, rows: { type: "string" }, seed: { type: "string" } },
  play: playAll,
});
