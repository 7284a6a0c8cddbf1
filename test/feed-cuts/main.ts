/** Readers of the feed that are cut off at random bytes: see `--help`. Exit code 0 when everything held, 1 when not, 2 wrong use. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endAll } from "../acceptance/processes.ts";
import { Findings } from "../storm/findings.ts";
import { feedCuts } from "./cuts.ts";

const help = `npm run feed-cuts -- [options]

An engine under load; eight readers of its feed, each with a filter of its own, through a proxy that resets them at
random bytes. Each resumes, and everything it gets is held against the ledger.

  --cuts N        of all readers together (default: 1000)
  --kills N       of the engine, with -9, in between (default: 2)
  --per-second N  alarms (default: 100)
  --seed TEXT     of where it is cut; what the load does meanwhile no seed repeats (default: 1)
  --json          one JSON object as the last line
`;

const text = (value: string) => ({ type: "string", default: value }) as const;
const { values } = parseArgs({
  options: {
    cuts: text("1000"),
    kills: text("2"),
    "per-second": text("100"),
    seed: text("1"),
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}

function whole(name: "cuts" | "kills" | "per-second"): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  process.stderr.write(`--${name}: expected a whole number, got ${values[name]}\n`);
  process.exit(2);
}
const settings = {
  seed: values.seed,
  cuts: whole("cuts"),
  kills: whole("kills"),
  perSecond: whole("per-second"),
  onProgress: (line: string) => process.stderr.write(`… ${line}\n`),
};

const scratch = mkdtempSync(join(tmpdir(), "ticket-client-cuts-"));
const tell = values.json ? process.stderr : process.stdout;
const findings = new Findings("feed-cuts", (line) => tell.write(`${line}\n`));
await feedCuts({ scratch, ...settings }, findings).catch((error: unknown) => findings.failed(error));
endAll();
rmSync(scratch, { recursive: true, force: true });
const { part, ok, figures } = findings.result();
if (values.json) process.stdout.write(`${JSON.stringify({ part, ok, figures })}\n`);
process.exit(ok ? 0 : 1);
