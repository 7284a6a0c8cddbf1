/**
 * Every combination of up to three faults for each kind of flow: `npm run combinations`. A combination that breaks a
 * law prints the command that repeats it.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measuredNow } from "../measured-now.ts";
import { Enumeration, planFrom, unitsOf, type Breach, type Unit, type UnitFigures } from "./enumeration.ts";
import { heading, line, totalOf } from "./figures.ts";
import { flowKinds, promises } from "./flow-kinds.ts";
import { inPage, nameOf, pageFile, rowsOf, sumOf } from "./page.ts";
import { sample } from "./sample.ts";
import { shareStateNodes } from "./shared-nodes.ts";
import { World } from "./world.ts";

const help = `Usage: npm run combinations -- [--up-to N] [--flow KIND] [--promise P] [--part I/K] [--state FILE]
                                  [--page] [--missing] [--sample N [--from S]] [--faults LIST] [--json]

Each kind of flow under each promise of the service, with every combination of up to N faults at every point at which
they fit; all laws after every step, and everything must settle once the faults stop.

  --up-to N     how many faults at once: 1, 2 or 3 (3)
  --flow KIND   one kind of flow; --flow list names them
  --promise P   requestId, settles or none; all by default
  --part I/K    the I-th of K parts of the work, for several processes
  --state FILE  what is done is kept there, and not done again
  --page        writes each unit, once it is done, into test/combinations/README.md
  --missing     only what has no row there, with as many faults at once
  --sample N    instead: N walks drawn from seed S (1), each a combination of one, two and three faults
  --faults LIST one combination, told step by step, as in 12:kill,20:unlock; with --flow and --promise
  --json        the last line is one JSON object

Exit codes: 0 all laws held; 1 otherwise; 2 wrong use.
`;

class WrongUse extends Error {}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function read(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      "up-to": { type: "string", default: "3" },
      flow: { type: "string" },
      promise: { type: "string" },
      part: { type: "string", default: "1/1" },
      state: { type: "string" },
      sample: { type: "string" },
      from: { type: "string", default: "1" },
      faults: { type: "string" },
      page: { type: "boolean", default: false },
      missing: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { flow, promise } = values;
  if (flow !== undefined && flow !== "list" && !flowKinds.some((one) => one.name === flow))
    throw new WrongUse(`--flow ${flow}: expected one of ${flowKinds.map((one) => one.name).join(", ")}.`);
  if (promise !== undefined && !promises.some((one) => one === promise))
    throw new WrongUse(`--promise ${promise}: expected ${promises.join(", ")}.`);
  const [part = 0, parts = 0] = values.part.split("/").map(Number);
  if (!(Number.isInteger(part) && Number.isInteger(parts) && part >= 1 && part <= parts))
    throw new WrongUse(`--part ${values.part}: expected I/K with 1 ≤ I ≤ K.`);
  return {
    ...values,
    upTo: wholeNumber("up-to", values["up-to"], 1, 3),
    sample: values.sample === undefined ? null : wholeNumber("sample", values.sample, 1),
    from: wholeNumber("from", values.from, 0),
    part,
    parts,
  };
}

function wholeNumber(name: string, text: string, lowest: number, highest = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < lowest || number > highest)
    throw new WrongUse(`--${name} ${text}: expected a whole number from ${lowest}.`);
  return number;
}

function unitsAsked({ flow, promise, part, parts, missing, upTo }: ReturnType<typeof read>): Unit[] {
  const flows = flowKinds.filter((one) => flow === undefined || one.name === flow);
  const units = unitsOf(
    flows,
    promises.filter((one) => promise === undefined || one === promise),
  );
  const done = missing ? rowsOf(readFileSync(pageFile, "utf8")) : new Map<string, never>();
  return units
    .filter((_, index) => index % parts === part - 1)
    .filter((unit) => (done.get(nameOf(unit.flow.name, unit.promise))?.upTo ?? 0) < upTo);
}

function tell({ flow, promise, faults, broken, done }: Breach): void {
  for (const sentence of broken) say(`${flow}, ${promise}: ${sentence}`);
  for (const sentence of done) say(`  ${sentence}`);
  say(`  again: npm run combinations -- --flow ${flow} --promise ${promise} --faults ${faults}`);
}

/** What an earlier run has done. */
interface Kept {
  readonly upTo: number;
  readonly units: Record<string, UnitFigures>;
}

function load(file: string | undefined, upTo: number): Kept {
  if (file === undefined || !existsSync(file)) return { upTo, units: {} };
  const kept = JSON.parse(readFileSync(file, "utf8")) as Kept;
  if (kept.upTo !== upTo)
    throw new WrongUse(`--state ${file}: it is of a run with --up-to ${kept.upTo}; take another file.`);
  return kept;
}

function save(file: string | undefined, kept: Kept): void {
  if (file === undefined) return;
  writeFileSync(`${file}.new`, JSON.stringify(kept));
  renameSync(`${file}.new`, file);
}

async function enumerate(wanted: ReturnType<typeof read>): Promise<boolean> {
  const { upTo, state, json, page } = wanted;
  const kept = load(state, upTo);
  const all: UnitFigures[] = [];
  say(heading());
  for (const unit of unitsAsked(wanted)) {
    const name = nameOf(unit.flow.name, unit.promise);
    const onProgress = (runs: number, waiting: number): void =>
      void process.stderr.write(`… ${name}: ${runs} run, ${waiting} of this size to go\n`);
    const figures =
      kept.units[name] ?? (await new Enumeration(unit, { upTo, onBreach: tell, onProgress }).run());
    kept.units[name] = figures;
    save(state, kept);
    if (page) writeFileSync(pageFile, inPage(readFileSync(pageFile, "utf8"), figures, upTo, measuredNow()));
    all.push(figures);
    say(line(figures));
  }
  const total = totalOf(all);
  const { combinations, runs, canonical, unreached } = total;
  const numbers = (list: readonly number[]): string =>
    list.map((one) => one.toLocaleString("en")).join(" + ");
  say("");
  say(`${total.units} flows × promises, ${total.points} points, ${total.faults} faults that fit them`);
  say(`combinations of none, one, two, three faults: ${numbers(combinations)}`);
  say(
    `run: ${numbers(runs)}; the rest is equal to one that was run, ${total.merged} of those to another's end`,
  );
  say(`sets of the faults that fit the runs without any: ${numbers(canonical)}`);
  say(`of those tried and not reached any more after the faults before: ${numbers(unreached)}`);
  say(`${total.broken} broken, ${total.seconds} s`);
  const onPage = page ? sumOf(rowsOf(readFileSync(pageFile, "utf8"))) : null;
  const ok = total.broken === 0 && (onPage?.broken ?? 0) === 0;
  if (json) say(JSON.stringify({ part: "combinations", ok, figures: { upTo, ...total, onPage } }));
  return ok;
}

async function draw(wanted: ReturnType<typeof read>, walks: number): Promise<boolean> {
  const { from, json } = wanted;
  const { breaches, ...figures } = await sample(unitsAsked(wanted), { walks, from, onBreach: tell });
  const broken = breaches.length;
  say(
    `${walks} walks from ${from}: ${figures.runs} combinations, ${figures.seconds.toFixed(1)} s, ${broken} broken`,
  );
  if (json) say(JSON.stringify({ part: "combinations", ok: broken === 0, figures: { ...figures, broken } }));
  return broken === 0;
}

async function repeat(wanted: ReturnType<typeof read>, faults: string): Promise<boolean> {
  const [unit, ...others] = unitsAsked(wanted);
  if (unit === undefined || others.length > 0) throw new WrongUse("--faults needs --flow and --promise.");
  const { broken, outcomes } = await new World({ ...unit, faults: planFrom(faults), tell: say }).run();
  say("");
  say(`outcomes: ${outcomes.join(", ")}`);
  for (const sentence of broken) say(sentence);
  return broken.length === 0;
}

async function run(wanted: ReturnType<typeof read>): Promise<boolean> {
  if (wanted.flow === "list") for (const { name, what } of flowKinds) say(`${name.padEnd(20)} ${what}`);
  if (wanted.flow === "list") return true;
  if (wanted.faults !== undefined) return repeat(wanted, wanted.faults);
  return wanted.sample === null ? enumerate(wanted) : draw(wanted, wanted.sample);
}

try {
  const wanted = read(process.argv.slice(2));
  shareStateNodes();
  if (wanted.help) process.stdout.write(help);
  else process.exitCode = (await run(wanted)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  process.exitCode = 2;
}
