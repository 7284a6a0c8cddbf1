/**
 * `npm run system-calls`: the engine is killed at each call that changes a file of its data directory, starts again
 * and finishes; see `--help`.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { calm, deskWords } from "../acceptance/house.ts";
import { portOf, startServer } from "../acceptance/processes.ts";
import { readyMsMax, type Start } from "../acceptance/starts.ts";
import { aimsOf, hitOf, hitTable, kindOf, sampleOf } from "./call-plan.ts";
import {
  createProgress,
  numberOf,
  runCommand,
  say,
  textOf,
  WrongUse,
  type Result,
  type Values,
} from "./command.ts";
import { KilledRun, type Place } from "./killed-run.ts";
import { canTrace, type Call, type CallNumber } from "./tracing.ts";

/** A later run groups its writes otherwise and may shift one kind's few calls; so often it is aimed at them anew. */
const againMost = 20;
/** A call that the counted run made and its repeat did not, as when two commits shared a sync, is aimed at anew so often. */
const aimAgainMost = 12;

const help = `npm run system-calls -- [--recovery] [--only N..M] [--sample N] [--state FILE] [--json]

Six alarms of two keys through the real engine to a real desk, once under strace to count the calls that change a file
of the data directory (mkdir, openat with O_CREAT, write, pwrite64, ftruncate, fsync, fdatasync, rename, unlink …).
Then, for each of them, a run in which the engine is killed with SIGKILL before it is carried out; the engine starts
again, what was not acknowledged is sent again, and when all is settled:

  A1   every acknowledged alarm is in the ledger, at the position it was acknowledged with
  A2   every alarm has one outcome, the same as without a kill
  A4   sent once more, each is known
  T1   the desk's own files have one ticket a key, in its right state
       the chain of the ledger is whole; ready again within ${readyMsMax} ms (of CPU time on a loaded machine)

  --recovery    R2: kills at each call of the second start instead: after a kill with a create on its way (in doubt),
                and after one in the middle of a checkpoint
  --only N..M   these calls of the list only, counted from 1
  --sample N    about N of them: of each kind of call and file at least one, the others evenly
  --state FILE  remembers in FILE what is done: the same command again goes on where the last one was cut off
  --json        the figures as the last line

"Every" means: each number of each call on each file that the counted run made, counted for each of them by itself. A later run
may make a call more or less: one that made fewer and was not killed is run again, at most ${aimAgainMost} times, and counted as
"not reached" if none of them was killed there. A kind of call on a file that was aimed at and never hit is tried again,
at its other calls first, at most ${againMost} times in all.

Exit codes: 0 all held and each kind of call on each file was hit, 1 not so, 2 wrong use.
`;

/** A kill that comes before the one under test. */
interface Base {
  readonly name: string;
  /** Null: none. */
  readonly kill: CallNumber | null;
}

interface Task extends CallNumber {
  readonly base: Base;
}

interface Done extends Task {
  /** Null: it was not killed there. */
  readonly hit: CallNumber | null;
  readonly start: Start | null;
  readonly wrong: readonly string[];
}

interface State {
  readonly words: string;
  readonly tasks: readonly Task[];
  readonly chosen: Task[];
  readonly done: Done[];
  seconds: number;
}

/** Enough of a page of the log to find a fact in it. */
const pageBytes = 4_096;
const nothing: Base = { name: "", kill: null };

class SystemCalls {
  readonly #scratch: string;
  readonly #desk: Place["desk"];
  #runs = 0;

  constructor(scratch: string, desk: Place["desk"]) {
    this.#scratch = scratch;
    this.#desk = desk;
  }

  /** All there is to do. */
  async plan(recovery: boolean): Promise<Task[]> {
    const whole = await this.#in(async (run) => run.trace(null, "stopped", pageBytes));
    if (!recovery) return aimsOf(whole).map((aim) => ({ ...aim, base: nothing }));
    const tasks: Task[] = [];
    for (const base of basesOf(whole)) {
      const calls = await this.#in(async (run) => {
        await run.trace(base.kill, "stopped");
        return run.trace(null, "recovered");
      });
      tasks.push(...aimsOf(calls).map((aim) => ({ ...aim, base })));
    }
    return tasks;
  }

  do(task: Task): Promise<Done> {
    const { base, name, number, file } = task;
    return this.#in(async (run) => {
      if (base.kill !== null) await run.trace(base.kill, "stopped");
      const calls = await run.trace({ name, number, file }, base.kill === null ? "stopped" : "recovered");
      const hit = hitOf(calls, task);
      const start = await run.conclude();
      return { ...task, hit: hit && aimOf(hit), start, wrong: run.wrong };
    });
  }

  /** With a folder and alarms of its own. */
  async #in<T>(play: (run: KilledRun) => Promise<T>): Promise<T> {
    this.#runs += 1;
    const folder = join(this.#scratch, `run-${this.#runs}`);
    mkdirSync(folder);
    const env = { NODE_COMPILE_CACHE: join(this.#scratch, "compile-cache") };
    const name = `${process.pid}-${this.#runs}`;
    const dataDir = join(folder, "data");
    const result = await play(new KilledRun({ folder, dataDir, run: name, desk: this.#desk, env }));
    rmSync(folder, { recursive: true, force: true });
    return result;
  }
}

function basesOf(calls: readonly Call[]): Base[] {
  // Its commit is durable, its first byte may not have left: in doubt.
  const sending = calls.findIndex(
    ({ file, line }) => file === "ledger.db-wal" && line.includes("request.sending"),
  );
  const noted = calls.find(({ file }, index) => index > sending && file === "ledger.head");
  const pages = calls.filter(({ name, file }) => name === "pwrite64" && file === "ledger.db");
  const half = pages[Math.floor(pages.length / 2)];
  if (sending < 0 || noted === undefined || half === undefined)
    throw new Error("The counted run has no request on its way, or no checkpoint.");
  return [
    { name: "a create in doubt", kill: aimOf(noted) },
    { name: "half a checkpoint", kill: aimOf(half) },
  ];
}

function aimOf({ name, number, file }: CallNumber): CallNumber {
  return { name, number, file };
}

async function playAll(values: Values, scratch: string): Promise<Result> {
  if (!canTrace()) throw new WrongUse("strace is not installed (apt install strace), or may not trace here.");
  const recovery = values["recovery"] === true;
  const only = rangeOf(textOf(values, "only"));
  const sample = numberOf(values, "sample");
  const file = textOf(values, "state");
  const words = JSON.stringify({ recovery, only, sample });

  const deskDir = join(scratch, "desk");
  const desk = await startServer(deskWords({ folder: scratch, deskDir, promise: calm, faults: [] }, 0));
  const runs = new SystemCalls(scratch, { port: portOf(desk), dir: deskDir });
  const state = readState(file, words) ?? (await begin(runs, words, recovery, only, sample));
  writeState(file, state);
  say(`${state.tasks.length} calls that change a file, ${state.chosen.length} of them to be killed at`);
  if (state.done.length > 0) say(`${state.done.length} were done before`);
  await doAll(runs, state, file);
  for (let again = 0; again < againMost; again += 1) {
    const next = nextMissed(state);
    if (next === null) break;
    state.chosen.push(next);
    await doAll(runs, state, file);
  }
  for (let next = nextNotReached(state); next !== null; next = nextNotReached(state)) {
    state.chosen.push(next);
    await doAll(runs, state, file);
  }
  await desk.kill("SIGTERM");
  return conclude(state, recovery ? "system-calls-recovery" : "system-calls");
}

async function begin(
  runs: SystemCalls,
  words: string,
  recovery: boolean,
  only: readonly [number, number] | null,
  sample: number | null,
): Promise<State> {
  const tasks = await runs.plan(recovery);
  let chosen = only === null ? [...tasks] : tasks.slice(only[0] - 1, only[1]);
  if (sample !== null) {
    const bases = [...new Set(chosen.map(({ base }) => base))];
    chosen = bases.flatMap((base) => {
      const share = chosen.filter((task) => task.base === base);
      return sampleOf(share, Math.round((sample * share.length) / chosen.length)).map((aim) => ({
        ...aim,
        base,
      }));
    });
  }
  return { words, tasks, chosen, done: [], seconds: 0 };
}

async function doAll(runs: SystemCalls, state: State, file: string | null): Promise<void> {
  const progress = createProgress();
  const earlier = state.seconds;
  const began = performance.now();
  for (const task of state.chosen.slice(state.done.length)) {
    const done = await runs.do(task);
    state.done.push(done);
    state.seconds = earlier + (performance.now() - began) / 1_000;
    writeState(file, state);
    for (const sentence of done.wrong) say(`FAIL ${nameOf(task)}: ${sentence}`);
    progress(() => `${state.done.length} of ${state.chosen.length} kills, ${wrongOf(state).length} wrong`);
  }
}

/** Of the kinds that were aimed at and never hit, a call not tried yet where there is one; null: there is no such kind. */
function nextMissed({ tasks, done }: State): Task | null {
  const kind = (one: Task, of: Pick<CallNumber, "name" | "file"> = one): string =>
    `${one.base.name}: ${kindOf(of)}`;
  const hit = new Set(done.flatMap((one) => (one.hit === null ? [] : [kind(one, one.hit)])));
  const missed = done.findLast((one) => !hit.has(kind(one)));
  if (missed === undefined) return null;
  const tried = new Set(done.map((one) => nameOf(one)));
  const { base, name, number, file } = missed;
  const untried = tasks.find((task) => kind(task) === kind(missed) && !tried.has(nameOf(task)));
  return untried ?? { base, name, number, file };
}

/** Null: each was reached, or tried often enough. */
function nextNotReached({ done }: State): Task | null {
  const tries = Map.groupBy(notReached(done), (task) => nameOf(task));
  const [next] = [...tries.values()].find((all) => all.length <= aimAgainMost) ?? [];
  if (next === undefined) return null;
  const { base, name, number, file } = next;
  return { base, name, number, file };
}

/** Runs that were not killed, at calls at which none was. */
function notReached(done: readonly Done[]): readonly Done[] {
  const reached = new Set(done.flatMap((one) => (one.hit === null ? [] : [nameOf(one)])));
  return done.filter((one) => !reached.has(nameOf(one)));
}

function nameOf({ base, name, number, file }: Task): string {
  return `${base.kill === null ? "" : `after ${base.name}, `}${name} ${number} (${file})`;
}

function wrongOf({ done }: State): readonly Done[] {
  return done.filter(({ wrong }) => wrong.length > 0);
}

function conclude(state: State, part: string): Result {
  const { tasks, chosen, done, seconds } = state;
  let missed: string[] = [];
  for (const base of new Set(tasks.map((task) => task.base.name))) {
    const counted = new Map<string, { aimed: number; hit: number }>();
    const at = (kind: string) => {
      const found = counted.get(kind) ?? { aimed: 0, hit: 0 };
      counted.set(kind, found);
      return found;
    };
    for (const one of done.filter((task) => task.base.name === base)) {
      at(kindOf(one)).aimed += 1;
      if (one.hit !== null) at(kindOf(one.hit)).hit += 1;
    }
    say("");
    if (base !== "") say(`after ${base}:`);
    for (const line of hitTable(
      tasks.filter((task) => task.base.name === base),
      counted,
    ))
      say(line);
    missed = missed.concat([...counted].flatMap(([kind, { hit }]) => (hit === 0 ? [kind] : [])));
  }
  const starts = done.flatMap(({ start }) => start ?? []);
  const highest = (of: (start: Start) => number): number => Math.max(0, ...starts.map(of));
  const wrong = wrongOf(state);
  const missing = notReached(done).map((task) => nameOf(task));
  const figures = {
    calls: tasks.length,
    kills: done.length,
    hit: done.filter(({ hit }) => hit !== null).length,
    notReached: new Set(missing).size,
    kindsMissed: missed,
    wrong: wrong.length,
    readyMsMax: highest(({ ms }) => ms),
    readyCpuMsMax: highest(({ cpuMs }) => cpuMs),
    loadMax: highest(({ load }) => load),
    seconds: Math.round(seconds),
  };
  const ok = wrong.length === 0 && missed.length === 0 && done.length === chosen.length && done.length > 0;
  say("");
  say(
    `${figures.hit} kills, ${figures.notReached} not reached, ${figures.wrong} wrong, ready again in at most ` +
      `${figures.readyMsMax} ms (CPU ${figures.readyCpuMsMax} ms), ${figures.seconds} s`,
  );
  for (const call of new Set(missing)) say(`not reached: ${call}`);
  for (const kind of missed) say(`FAIL never killed at: ${kind}`);
  return { part, ok, figures };
}

function rangeOf(text: string | null): readonly [number, number] | null {
  if (text === null) return null;
  const [, from, to] = /^([1-9]\d{0,5})\.\.([1-9]\d{0,5})$/.exec(text) ?? [];
  if (from === undefined || to === undefined || Number(to) < Number(from))
    throw new WrongUse(`--only is ${JSON.stringify(text)}; expected N..M, counted from 1.`);
  return [Number(from), Number(to)];
}

function readState(file: string | null, words: string): State | null {
  if (file === null) return null;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  const state = JSON.parse(text) as State;
  if (state.words !== words)
    throw new WrongUse(`${file} is of ${state.words}; take another file for ${words}.`);
  return state;
}

/** All of it or nothing. */
function writeState(file: string | null, state: State): void {
  if (file === null) return;
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

await runCommand({
  name: "system-calls",
  help,
  options: {
    recovery: { type: "boolean" },
    only: { type: "string" },
    sample: { type: "string" },
    state: { type: "string" },
  },
  play: playAll,
});
