/**
 * Mutation testing of `machines/`: `npm run mutation`. Changes one thing in one file at a time and runs the tests that
 * reach it; a change that no test notices survives.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { parseArgs } from "node:util";
import { csvOf, survivorsFile, withSurvivors, type Survivor } from "./survivors.ts";
import { measuredNow } from "../measured-now.ts";
import { mutate, type Mutant } from "./mutate.ts";
import { inPage, pageFile, scoreOf, type Score } from "./page.ts";
import { mutatedFiles } from "./rooms.ts";

const help = `Usage: npm run mutation -- [FILE …] [--state DIR] [--workers N] [--survivors] [--page] [--json]

Mutates the files of machines/ (all of them, or those named), each on its own, and counts what its tests notice.

  --state DIR   results of each file; what has not changed since is not tried again (data/mutation)
  --workers N   mutants at a time (1)
  --survivors   prints each mutant that no test noticed
  --page        writes the scores into test/mutation/README.md, and each survivor into survivors.csv beside it, where
                why it survives is written by hand
  --json        the last line is one JSON object: {"part","ok","figures"}

The score is Stryker's: noticed by a failing test or by running out of time, of all mutants that compile.
Exit codes: 0 the score of all files together is at least ${scoreMin()} %; 1 it is less; 2 wrong use.
`;

function scoreMin(): number {
  return 90;
}

class WrongUse extends Error {}

const noticed = new Set<string>(["Killed", "Timeout"]);
const survived = new Set<string>(["Survived", "NoCoverage"]);

function count(mutants: readonly Mutant[]): Score {
  const among = (statuses: ReadonlySet<string>): number =>
    mutants.filter(({ status }) => statuses.has(status)).length;
  return scoreOf(among(noticed), among(survived));
}

function read(words: readonly string[]) {
  const { values, positionals } = parse(words);
  const known = mutatedFiles();
  const files = positionals.map((name) => (isAbsolute(name) ? relative(process.cwd(), name) : name));
  for (const file of files)
    if (!known.includes(file)) throw new WrongUse(`${file}: expected a file of machines/.`);
  const workers = Number(values.workers);
  if (!Number.isSafeInteger(workers) || workers < 1)
    throw new WrongUse(`--workers ${values.workers}: expected a whole number from 1.`);
  return { ...values, workers, files: files.length === 0 ? known : files };
}

function parse(words: readonly string[]) {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        state: { type: "string", default: "data/mutation" },
        workers: { type: "string", default: "1" },
        survivors: flag,
        page: flag,
        json: flag,
        help: { ...flag, short: "h" },
      },
    });
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error));
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function lineOf(name: string, { score, noticed: killed, survived: left }: Score): string {
  const percent = `${score.toFixed(2)} %`.padStart(9);
  return `${name.padEnd(34)}${percent}  ${String(killed).padStart(5)} noticed  ${String(left).padStart(4)} survived`;
}

async function run({
  files,
  state,
  workers,
  survivors,
  page,
  json,
}: ReturnType<typeof read>): Promise<number> {
  const all: Mutant[] = [];
  const left: Survivor[] = [];
  const scores = new Map<string, Score>();
  for (const file of files) {
    const mutants = await mutate(file, state, workers);
    all.push(...mutants);
    const score = count(mutants);
    scores.set(file, score);
    if (score.mutants > 0) say(lineOf(file, score));
    for (const mutant of mutants.filter(({ status }) => survived.has(status))) {
      const { status, line: at, column, code } = mutant;
      const [was, became] = [oneLine(mutant.was), oneLine(mutant.became)];
      left.push({ file, code, was, became });
      if (survivors) say(`  ${file}:${at}:${column} ${status} ${was} → ${became}`);
    }
  }
  const total = count(all);
  const ok = total.score >= scoreMin();
  say(lineOf("all", total));
  if (page) {
    writeFileSync(pageFile, inPage(readFileSync(pageFile, "utf8"), scores, measuredNow()));
    const explained = withSurvivors(readFileSync(survivorsFile, "utf8"), files, left);
    writeFileSync(survivorsFile, csvOf(explained));
    say(`${survivorsFile}: ${explained.filter(({ kind }) => kind === "").length} to be explained`);
  }
  const byFile = Object.fromEntries([...scores].map(([file, { score }]) => [file, score]));
  if (json) say(JSON.stringify({ part: "mutation", ok, figures: { ...total, files: byFile } }));
  return ok ? 0 : 1;
}

function oneLine(text: string): string {
  const short = text.replaceAll(/\s+/g, " ");
  return short.length <= 100 ? short : `${short.slice(0, 99)}…`;
}

try {
  const asked = read(process.argv.slice(2));
  if (asked.help) process.stdout.write(help);
  else process.exitCode = await run(asked);
} catch (error) {
  if (!(error instanceof WrongUse)) throw error;
  process.stderr.write(`mutation: ${error.message}\nAdd --help for what is possible.\n`);
  process.exitCode = 2;
}
