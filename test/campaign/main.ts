/**
 * `npm run campaign`: everything that takes hours, one part after the other. Cut off, it goes on where it was, as long as
 * the product is the same; another product begins anew.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { campaignTable, rowsIn, withTable } from "./page.ts";
import { parts, type Part } from "./parts.ts";
import { RecordFolder, recordOf, verdictOf } from "./record.ts";
import { runPart } from "./run-part.ts";

const help = `npm run campaign -- [--only NAME,…] [--hours N] [--data-dir DIR] [--page FILE]

Runs what is too long for every day, a part after the other, and prints what came of it: ${parts.map(({ name }) => name).join(", ")}.
A part that was cut off goes on where it was; one that came to its end is not run again. Two
campaigns of different parts may run side by side. Results belong to what is committed of machines/, actors/ and
adapters/, the product, which is named by a hash of their trees: when that changes, all begins anew. But for
combinations, of which all take days: there a flow without a row in test/combinations/README.md is run.

  --only NAME,…   these parts only
  --hours N       ends what is under way then (default: no end)
  --data-dir DIR  where results are kept (default: data/campaign)
  --page FILE     no run: writes the figures that there are into FILE, between its marks (then npm run format); a part
                  without any keeps its row, which names the product it was of

Exit codes: 0 all parts asked for held, 1 something broke or is unfinished, 2 wrong use.
`;

class WrongUse extends Error {}

const product = ["machines", "actors", "adapters"];

function git(...words: string[]): string {
  return execFileSync("git", words, { encoding: "utf8" }).trim();
}

/** Short name of the product as it is committed. */
function productName(): string {
  const changed = git("status", "--porcelain", "--", ...product);
  if (changed !== "")
    throw new WrongUse(
      `The product has changes that are not committed; commit them, so that the figures say of what they are:\n${changed}`,
    );
  const trees = git("rev-parse", ...product.map((folder) => `HEAD:${folder}`));
  return createHash("sha256").update(trees).digest("hex").slice(0, 12);
}

function read() {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      hours: { type: "string" },
      "data-dir": { type: "string", default: "data/campaign" },
      page: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { only, hours } = values;
  const names = only?.split(",");
  const unknown = names?.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined)
    throw new WrongUse(`--only ${unknown}: the parts are ${parts.map(({ name }) => name).join(", ")}.`);
  if (hours !== undefined && !(Number(hours) > 0))
    throw new WrongUse(`--hours ${hours}: expected a number above 0.`);
  return {
    ...values,
    hours: hours === undefined ? null : Number(hours),
    chosen: parts.filter(({ name }) => names?.includes(name) ?? true),
  };
}

async function play(part: Part, file: RecordFolder, signal: AbortSignal): Promise<void> {
  let done = recordOf(file.read(), part);
  for (let index = done.results.length; index < part.runs && !signal.aborted; index += 1) {
    say(`== ${part.name}, run ${index + 1} of ${part.runs}`);
    const began = performance.now();
    const result = await runPart({
      command: ["npm", "run", "-s", part.script, "--", ...part.words(index, file.folder), "--json"],
      signal,
      onLine: say,
    });
    const seconds = done.seconds + Math.round((performance.now() - began) / 1_000);
    done =
      result === null
        ? { ...done, seconds }
        : { results: [...done.results, result], seconds, endedAt: new Date().toISOString() };
    file.write(part.name, done);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(): Promise<number> {
  const wanted = read();
  if (wanted.help) {
    process.stdout.write(help);
    return 0;
  }
  const name = productName();
  const file = new RecordFolder(wanted["data-dir"], name);
  if (wanted.page !== undefined) {
    const page = readFileSync(wanted.page, "utf8");
    writeFileSync(wanted.page, withTable(page, campaignTable(parts, name, file.read(), rowsIn(page))));
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  if (wanted.hours !== null) setTimeout(() => stop.abort(), wanted.hours * 3_600_000).unref();
  for (const part of wanted.chosen) if (!stop.signal.aborted) await play(part, file, stop.signal);
  say("");
  say(campaignTable(wanted.chosen, name, file.read()));
  return wanted.chosen.every((part) => verdictOf(part, recordOf(file.read(), part)) === "held") ? 0 : 1;
}

try {
  process.exitCode = await run();
} catch (error) {
  const isWrongUse =
    error instanceof WrongUse ||
    (error instanceof TypeError && "code" in error && /PARSE_ARGS/.test(String(error.code)));
  if (!isWrongUse) throw error;
  process.stderr.write(`campaign: ${error.message}\nAdd --help for what is possible.\n`);
  process.exitCode = 2;
}
