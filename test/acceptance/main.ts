/**
 * Acceptance runs of real processes over real sockets: see `--help`. Prints what it saw, exits 1 when a figure is not
 * what it must be, 2 when it is asked for what it does not have. Minutes, not seconds: not part of `npm test`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { counts } from "./counts.ts";
import { cut } from "./cut.ts";
import { faults } from "./faults.ts";
import { kill } from "./kill.ts";
import { outage } from "./outage.ts";
import { endAll } from "./processes.ts";
import { Report, summaryText, type Summary } from "./report.ts";
import type { Scenario, Settings } from "./scenario.ts";

const scenarios: Readonly<Record<string, Scenario>> = { counts, cut, kill, faults, outage };

const help = `npm run acceptance -- [scenario …] [options]

Runs the engine, the desk and the sender as processes over the shipped recording and checks what must hold.
Without a scenario: all of them, one after the other.

  counts   everything at full speed with 1, 4 and 64 clients comes to the same figures
  cut      the replay is cut and resumed while it sends: connection and sender in turn
  kill     the engine is killed with -9, while it acknowledges and afterwards
  faults   every tenth create loses its answer, the search index lags; each promise, each fault
  outage   the desk is away for a minute in the middle

  --rows N            of the recording (default: all; faults 800, outage 3000): blocks, evenly from its whole time
  --moments N         cuts of cut, kills of kill (default: 10)
  --clients N[,N…]    Ticket Clients (default: counts 1,4,64; faults 32; else 4)
  --in-flight N       unanswered alarms of the sender at most (default: kill 4, else the sender's own)
  --outage-seconds N  (default: 60)
  --keep              leaves ledgers and desks where they are, and says where
  --help

Exit codes: 0 all as expected, 1 a figure was not, 2 wrong use.
`;

class WrongUse extends Error {}

interface Asked {
  readonly names: readonly string[];
  readonly settings: Omit<Settings, "scratch">;
  readonly keeps: boolean;
}

/** Null = only help was asked for. Throws WrongUse. */
function read(words: readonly string[]): Asked | null {
  const { values, positionals } = parse(words);
  if (values.help) return null;
  const names = positionals.length === 0 ? Object.keys(scenarios) : positionals;
  for (const name of names)
    if (!Object.hasOwn(scenarios, name))
      throw new WrongUse(`There is no scenario ${name}; there are ${Object.keys(scenarios).join(", ")}.`);
  return {
    names,
    settings: {
      rows: numberOf("rows", values.rows),
      moments: numberOf("moments", values.moments) ?? 10,
      clients: values.clients?.split(",").map((one) => numberOf("clients", one) ?? 1) ?? null,
      inFlight: numberOf("in-flight", values["in-flight"]),
      outageSeconds: numberOf("outage-seconds", values["outage-seconds"]) ?? 60,
    },
    keeps: values.keep,
  };
}

function parse(words: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        rows: text,
        moments: text,
        clients: text,
        "in-flight": text,
        "outage-seconds": text,
        keep: flag,
        help: { ...flag, short: "h" },
      },
    });
  } catch (error) {
    // What follows is about positional arguments, of which there are none with a dash.
    throw new WrongUse(
      (error instanceof Error ? error.message : String(error)).replace(/\. To specify.*/s, "."),
    );
  }
}

function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new WrongUse(`--${name} is ${JSON.stringify(text)}; expected a whole number from 1.`);
  return Number(text);
}

async function runAll({ names, settings, keeps }: Asked): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), "ticket-client-acceptance-"));
  const done: Summary[] = [];
  try {
    for (const name of names) {
      const report = new Report(name);
      await scenarios[name]?.({ ...settings, scratch }, report).catch((error: unknown) =>
        report.failed(error),
      );
      endAll();
      done.push(report.summary());
    }
  } finally {
    if (!keeps) rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
  process.stdout.write(`== summary\n${done.map((one) => `${summaryText(one)}\n`).join("")}`);
  if (keeps) process.stdout.write(`files are in ${scratch}\n`);
  return done.every(({ wrong }) => wrong.length === 0) ? 0 : 1;
}

process.once("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  const asked = read(process.argv.slice(2));
  if (asked === null) process.stdout.write(help);
  else process.exitCode = await runAll(asked);
} catch (error) {
  if (!(error instanceof WrongUse)) throw error;
  process.stderr.write(`acceptance: ${error.message}\nAdd --help for what is possible.\n`);
  process.exitCode = 2;
}
