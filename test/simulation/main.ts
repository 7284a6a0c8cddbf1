/**
 * Simulates seed after seed: `npm run simulate -- --seeds N --from S`. A seed that breaks a law prints the command that
 * repeats it; a run of many seeds fails as well when a situation of the table never occurred.
 */
import { parseArgs } from "node:util";
import { lawOf, minimise } from "./minimise.ts";
import { simulate, type Mode } from "./simulation.ts";
import { Counters } from "./situations.ts";

const help = `Usage: npm run simulate -- [--seeds N] [--from S] [--mode safety|liveness|both] [--verbose] [--minimise]

A whole engine in a simulated world, one scenario a seed; the laws are looked at after every step.

  --seeds N     how many seeds (1000)
  --from S      the first one (1)
  --mode M      safety: faults to the very end; liveness: then they stop and everything must settle;
                both (default): odd seeds safety, even seeds liveness
  --verbose     every act and every fact; for one seed
  --minimise    leaves out of a failing scenario what it does not need, and prints the rest

Exit codes: 0 all laws held and, from 1000 seeds on, every situation occurred; 1 otherwise; 2 wrong use.
`;

/** From so many seeds on a situation that never occurred is a failure. */
const seedsToTryAll = 1_000;
const progressSeconds = 10;

interface Wanted {
  readonly seeds: number;
  readonly from: number;
  readonly mode: Mode | "both";
  readonly verbose: boolean;
  readonly minimise: boolean;
}

class WrongUse extends Error {}

function read(words: readonly string[]): Wanted | null {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      mode: { type: "string", default: "both" },
      verbose: { type: "boolean", default: false },
      minimise: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { mode, verbose } = values;
  if (mode !== "safety" && mode !== "liveness" && mode !== "both")
    throw new WrongUse(`--mode ${mode}: expected safety, liveness or both.`);
  return {
    seeds: wholeNumber("seeds", values.seeds, 1),
    from: wholeNumber("from", values.from, 0),
    mode,
    verbose,
    minimise: values.minimise,
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
  const counters = new Counters();
  const began = performance.now();
  let saidAt = began;
  let failures = 0;
  let facts = 0;
  for (let done = 0; done < wanted.seeds; done += 1) {
    const seed = wanted.from + done;
    const mode = wanted.mode === "both" ? (seed % 2 === 0 ? "liveness" : "safety") : wanted.mode;
    const result = await simulate({ seed, mode, ...(wanted.verbose ? { tell: say } : {}) });
    counters.add(result.counters);
    facts += result.facts;
    if (result.broken.length > 0) {
      failures += 1;
      await tell(seed, mode, result.broken, wanted.minimise);
    }
    if (performance.now() - saidAt > progressSeconds * 1_000) {
      saidAt = performance.now();
      say(`… ${done + 1} of ${wanted.seeds} seeds, ${rate(done + 1, began)}, ${failures} broken`);
    }
  }
  say("");
  for (const line of counters.lines()) say(line);
  say("");
  say(
    `${wanted.seeds} seeds from ${wanted.from}, ${facts} facts, ${rate(wanted.seeds, began)}, ${failures} broken`,
  );
  const missing = wanted.seeds >= seedsToTryAll ? counters.missing() : [];
  for (const what of missing)
    say(`Never occurred: ${what}. A run that did not try it proves nothing about it.`);
  return failures > 0 || missing.length > 0 ? 1 : 0;
}

async function tell(seed: number, mode: Mode, broken: readonly string[], shorten: boolean): Promise<void> {
  for (const sentence of broken) say(`seed ${seed}: ${sentence}`);
  say(`  again: npm run simulate -- --seeds 1 --from ${seed} --mode ${mode} --verbose`);
  if (!shorten) return;
  const scenario = await minimise(seed, mode, lawOf(broken[0] ?? ""));
  say(`  the same law breaks with these ${scenario.steps.length} steps:`);
  for (const { atMs, act } of scenario.steps) say(`    ${atMs} ms ${JSON.stringify(act)}`);
}

function rate(seeds: number, began: number): string {
  const seconds = (performance.now() - began) / 1_000;
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
