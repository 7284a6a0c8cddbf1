/**
 * Plants one defect after the other in a copy of the checkout and runs the tests over it: each must be caught.
 * `npm run planted`; see `--help`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { copyCheckout, type Checkout } from "./checkout.ts";
import type { Defect } from "./defect.ts";
import { defects } from "./defects.ts";
import { inPage, pageFile } from "./page.ts";
import { tryTests, unsound, type Verdict } from "./trial.ts";

const help = `Usage: npm run planted -- [--only NAME …] [--state FILE] [--list] [--page] [--json]

Plants each defect of test/planted/ in a copy of the checkout and runs over it the tests that are named with it: one of
them must fail.

  --only NAME   this defect; may be repeated
  --state FILE  results so far: not tried again while the defect, its file and its tests are the same
  --list        names the defects and ends
  --page        writes what caught them into test/planted/README.md
  --json        the last line is one JSON object: {"part","ok","figures"}

Exit codes: 0 all caught; 1 some were not; 2 wrong use.
`;

class WrongUse extends Error {}

interface Result {
  readonly key: string;
  readonly verdict: Verdict;
}

function read(words: readonly string[]) {
  const values = parse(words);
  const named = values.only ?? [];
  for (const name of named)
    if (!defects.some((one) => one.name === name))
      throw new WrongUse(`There is no defect ${JSON.stringify(name)}; --list names them.`);
  const wanted = named.length === 0 ? defects : defects.filter((one) => named.includes(one.name));
  return { ...values, wanted };
}

function parse(words: readonly string[]) {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...words],
      options: {
        only: { type: "string", multiple: true },
        state: { type: "string" },
        list: flag,
        page: flag,
        json: flag,
        help: { ...flag, short: "h" },
      },
    }).values;
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error));
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What was found in the state file; nothing when there is none. */
function readState(file: string | undefined): Map<string, Result> {
  if (file === undefined || !existsSync(file)) return new Map();
  return new Map(Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, Result>));
}

async function run({ wanted, state, page, json }: ReturnType<typeof read>): Promise<number> {
  const known = readState(state);
  const checkout = copyCheckout(process.cwd());
  const end = (): void => checkout.remove();
  process.once("exit", end);
  const verdicts = new Map<Defect, Verdict>();
  for (const defect of wanted) {
    const key = keyOf(checkout.dir, defect);
    const before = known.get(defect.name);
    const verdict = before?.key === key ? before.verdict : await tryDefect(checkout, defect);
    verdicts.set(defect, verdict);
    say(lineOf(defect, verdict));
    known.set(defect.name, { key, verdict });
    if (state === undefined) continue;
    mkdirSync(dirname(state), { recursive: true });
    writeFileSync(state, JSON.stringify(Object.fromEntries(known), null, 1));
  }
  const found = [...verdicts.values()].filter((verdict) => verdict.kind === "caught");
  const bad = await unsound(checkout.dir, found);
  for (const [defect, verdict] of verdicts) {
    if (verdict.kind !== "caught" || !bad.has(verdict)) continue;
    const failing: Verdict = { kind: "broken", because: `${textOf(verdict)} fails without it too` };
    verdicts.set(defect, failing);
    say(lineOf(defect, failing));
  }
  const caught = [...verdicts.values()].filter(({ kind }) => kind === "caught").length;
  say(`${caught} of ${wanted.length} planted defects caught`);
  if (page) writeFileSync(pageFile, inPage(readFileSync(pageFile, "utf8"), verdicts));
  const ok = caught === wanted.length;
  if (json) {
    const caughtBy = Object.fromEntries([...verdicts].map(([{ name }, verdict]) => [name, textOf(verdict)]));
    say(JSON.stringify({ part: "planted", ok, figures: { planted: wanted.length, caught, caughtBy } }));
  }
  return ok ? 0 : 1;
}

/** One file of tests after the other, the closest first. */
async function tryDefect(checkout: Checkout, defect: Defect): Promise<Verdict> {
  const remove = checkout.plant(defect);
  try {
    for (const tests of defect.tests) {
      const verdict = await tryTests(checkout.dir, tests);
      if (verdict.kind !== "missed") return verdict;
    }
    return { kind: "missed" };
  } finally {
    remove();
  }
}

/** A result counts as long as the defect, its file and the tests close to it are the same. */
function keyOf(dir: string, defect: Defect): string {
  const sum = createHash("sha256").update(JSON.stringify(defect));
  const close = defect.tests.map((tests) => tests.replace(/#.*/, ""));
  for (const file of [defect.file, ...close]) sum.update(readFileSync(join(dir, file)));
  return sum.digest("hex");
}

function textOf(verdict: Verdict): string {
  if (verdict.kind === "caught") return `${verdict.file} > ${verdict.test}`;
  return verdict.kind === "missed" ? "NOT CAUGHT" : `DOES NOT RUN: ${verdict.because}`;
}

function lineOf({ name, law }: Defect, verdict: Verdict): string {
  return `${verdict.kind === "caught" ? "✓" : "✗"} ${name} (${law}): ${textOf(verdict)}`;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  const asked = read(process.argv.slice(2));
  if (asked.help) process.stdout.write(help);
  else if (asked.list) for (const { name, law } of defects) say(`${name} (${law})`);
  else process.exitCode = await run(asked);
} catch (error) {
  if (!(error instanceof WrongUse)) throw error;
  process.stderr.write(`planted: ${error.message}\nAdd --help for what is possible.\n`);
  process.exitCode = 2;
}
