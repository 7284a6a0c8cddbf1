/**
 * Simulates seed after seed: `npm run simulate -- --seeds N --from S`. A seed that breaks a law prints the command that
 * repeats it; a run of many seeds fails as well when a situation of the table never occurred.
 */
import { parseArgs } from "node:util";
import { lawOf, minimise } from "./minimise.ts";
import { addReport, emptyRun, readRun, writeRun, type RunState } from "./run-state.ts";
import type { Broken, Modes } from "./seed-run.ts";
import { Counters } from "./situations.ts";
import { reports } from "./workers.ts";

const help = `Usage: npm run simulate -- [--seeds N] [--from S] [--mode safety|liveness|both] [--workers N] [--state FILE]
                           [--verbose] [--minimise] [--json]

A whole engine in a simulated world, one scenario a seed; the laws are looked at after every step.

  --seeds N     how many seeds (1000)
  --from S      the first one (1)
  --mode M      safety: faults to the very end; liveness: then they stop and everything must settle;
                both (default): odd seeds safety, even seeds liveness
  --workers N   so many processes (1: this one)
  --state FILE  remembers in FILE what is done: the same command again goes on where the last one was cut off,
                until N seeds are done in all
  --verbose     every act and every fact; for one seed
  --minimise    leaves out of a failing scenario what it does not need, and prints the rest
  --json        the figures as the last line

Exit codes: 0 all laws held and, from 1000 seeds on, every situation occurred 10 times; 1 otherwise; 2 wrong use.
`;

/** From so many seeds on a situation that occurred less often than `timesMin` is a failure. */
const seedsToTryAll = 1_000;
const timesMin = 10;
const progressSeconds = 10;
const workersMax = 64;

interface Wanted {
  readonly seeds: number;
  readonly from: number;
  readonly mode: Modes;
  readonly workers: number;
  readonly state: string | null;
  readonly verbose: boolean;
  readonly minimise: boolean;
  readonly json: boolean;
}

class WrongUse extends Error {}

function read(words: readonly string[]): Wanted | null {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      mode: { type: "string", default: "both" },
      workers: { type: "string", default: "1" },
      state: { type: "string" },
      verbose: { type: "boolean", default: false },
      minimise: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { mode, verbose } = values;
  if (mode !== "safety" && mode !== "liveness" && mode !== "both")
    throw new WrongUse(`--mode ${mode}: expected safety, liveness or both.`);
  const workers = wholeNumber("workers", values.workers, 1);
  if (workers > workersMax) throw new WrongUse(`--workers ${workers}: expected at most ${workersMax}.`);
  if (workers > 1 && verbose) throw new WrongUse("--verbose: what happens can be told by one worker only.");
  return {
    seeds: wholeNumber("seeds", values.seeds, 1),
    from: wholeNumber("from", values.from, 0),
    mode,
    workers,
    state: values.state ?? null,
    verbose,
    minimise: values.minimise,
    json: values.json,
  };
}

function wholeNumber(name: string, text: string, lowest: number): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < lowest)
    throw new WrongUse(`--${name} ${text}: expected a whole number from ${lowest}.`);
  return number;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(wanted: Wanted): Promise<number> {
  const { seeds, from, mode, workers, verbose } = wanted;
  const state = (wanted.state === null ? null : readRun(wanted.state, from, mode)) ?? emptyRun(from, mode);
  const end = from + seeds;
  const [earlier, first] = [state.seconds, state.next];
  if (first > from) say(`${first - from} of ${seeds} seeds were done before`);
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  let saidAt = 0;
  const left = { from: first, seeds: Math.max(0, end - first), modes: mode, workers };
  for await (const report of reports({ ...left, ...(verbose ? { tell: say } : {}) })) {
    addReport(state, report);
    state.seconds = earlier + seconds();
    if (wanted.state !== null) writeRun(wanted.state, state);
    for (const one of report.broken) await tell(one, wanted.minimise);
    if (seconds() - saidAt > progressSeconds) {
      saidAt = seconds();
      say(
        `… ${state.next - from} of ${seeds} seeds, ${rate(state.next - first, saidAt)}, ${state.broken.length} broken`,
      );
    }
  }
  return conclude(state, wanted.json);
}

function conclude(state: RunState, json: boolean): number {
  const counters = Counters.read(state.counters);
  const seeds = state.next - state.from;
  say("");
  for (const line of counters.lines()) say(line);
  say("");
  say(
    `${seeds} seeds from ${state.from}, ${state.facts} facts, ${rate(seeds, state.seconds)}, ${state.broken.length} broken`,
  );
  const rare = seeds >= seedsToTryAll ? counters.rarerThan(timesMin) : [];
  for (const what of rare)
    say(
      `Occurred ${counters.of(what)} times, less than ${timesMin}: ${what}. A run that did not try it proves nothing about it.`,
    );
  const ok = state.broken.length === 0 && rare.length === 0;
  if (json) say(JSON.stringify({ part: "simulation", ok, figures: figuresOf(state, counters) }));
  return ok ? 0 : 1;
}

function figuresOf({ from, next, facts, seconds, broken }: RunState, counters: Counters) {
  const rounded = Math.round(seconds);
  return {
    seeds: next - from,
    from,
    facts,
    seconds: rounded,
    rarest: counters.rarest(),
    broken: broken.length,
  };
}

async function tell({ seed, mode, sentences }: Broken, shorten: boolean): Promise<void> {
  for (const sentence of sentences) say(`seed ${seed}: ${sentence}`);
  say(`  again: npm run simulate -- --seeds 1 --from ${seed} --mode ${mode} --verbose`);
  if (!shorten) return;
  const scenario = await minimise(seed, mode, lawOf(sentences[0] ?? ""));
  say(`  the same law breaks with these ${scenario.steps.length} steps:`);
  for (const { atMs, act } of scenario.steps) say(`    ${atMs} ms ${JSON.stringify(act)}`);
}

function rate(seeds: number, seconds: number): string {
  return `${seconds.toFixed(1)} s, ${(seeds / seconds).toFixed(1)} seeds a second`;
}

try {
  const wanted = read(process.argv.slice(2));
  if (wanted === null) process.stdout.write(help);
  else process.exitCode = await run(wanted);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  process.exitCode = 2;
}
