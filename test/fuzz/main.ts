/** `npm run fuzz`: every decoder, in one process. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Coverage } from "./coverage.ts";
import type { Edge } from "./edge.ts";
import { edges } from "./edges.ts";
import { fuzz, type FuzzReport, heapGrowthBytesMax } from "./loop.ts";
import { FuzzState } from "./state.ts";
import { Watchdog } from "./watchdog.ts";

const help = `npm run fuzz -- [--edge NAME …] [--executions N] [--seed S] [--state FILE] [--blind] [--json]
npm run fuzz -- --edge NAME --input BASE64

Feeds every decoder with broken, odd and hostile input; what holds of each is in test/fuzz/README.md.

  --edge NAME      this one; may be repeated. There are:
                   ${edges.map(({ name }) => name).join(", ")}
  --executions N   of each (10000)
  --seed S         of the mutators (1)
  --state FILE     goes on where an earlier run was cut off
  --blind          without a look at the code that ran: most of the time of a short run is spent on that
  --input BASE64   one input, as a failure prints it; or @FILE
  --json           the figures as the last line

Exit codes: 0 nothing was found, 1 something was, 2 wrong use.
`;

const options = {
  edge: { type: "string", multiple: true },
  executions: { type: "string", default: "10000" },
  seed: { type: "string", default: "1" },
  state: { type: "string" },
  input: { type: "string" },
  blind: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

function read() {
  try {
    const { values: given } = parseArgs({ options });
    const unknown = given.edge?.find((name) => !edges.some((one) => one.name === name));
    if (unknown !== undefined) throw new TypeError(`--edge ${unknown}: there is none of that name.`);
    if (!/^[1-9]\d*$/.test(given.executions))
      throw new TypeError(`--executions ${given.executions}: expected a whole number from 1.`);
    return given;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`fuzz: ${error.message}\nAdd --help for what is possible.\n`);
    process.exit(2);
  }
}

const values = read();
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const root = fileURLToPath(new URL("../..", import.meta.url));
const state = new FuzzState(values.state);
/** Executions between two writes of the state. */
const stateEvery = 25_600;

function say(line: string): void {
  if (!values.json) process.stdout.write(`${line}\n`);
}

function chosen(): readonly Edge[] {
  if (values.edge === undefined) return edges;
  return values.edge.flatMap((name) => edges.filter((one) => one.name === name));
}

const commandFor = (edge: Edge) => `npm run fuzz -- --edge ${edge.name}`;

async function runOne(edge: Edge, text: string): Promise<number> {
  const input = text.startsWith("@") ? readFileSync(text.slice(1)) : Buffer.from(text, "base64");
  const watchdog = new Watchdog(commandFor(edge));
  watchdog.begin(1, input);
  const life = await edge.open();
  try {
    say(`${edge.name}: ${await life.run(input)}`);
    return 0;
  } finally {
    await life.close?.();
    await watchdog.close();
  }
}

interface EdgeReport {
  readonly edge: string;
  readonly executions: number;
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  readonly kept: number;
  /** Of the code of its functions, in characters; null: blind, nobody looked. */
  readonly reachedPercent: number | null;
  readonly heapGrowthBytes: number;
  readonly failed: { readonly message: string; readonly repeat: string } | null;
}

async function runEdge(edge: Edge): Promise<EdgeReport> {
  const coverage = values.blind ? null : new Coverage(edge.sources.map((one) => root + one));
  const watchdog = new Watchdog(commandFor(edge));
  const done = state.done(edge.name);
  let written = done?.executions ?? 0;
  const report = await fuzz({
    edge,
    executions: Number(values.executions),
    seed: values.seed,
    coverage,
    watchdog,
    ...(done === undefined ? undefined : { done }),
    onProgress(now) {
      if (now.executions < written + stateEvery) return;
      written = now.executions;
      state.write(edge.name, now);
    },
  });
  if (report.failed === null) state.write(edge.name, report);
  const { characters, of } = coverage?.reached() ?? { characters: 0, of: 0 };
  coverage?.close();
  await watchdog.close();
  return told(edge, report, of === 0 ? null : (characters / of) * 100);
}

function told(edge: Edge, report: FuzzReport, percent: number | null): EdgeReport {
  const { executions, accepted, refused, seconds, kept, failed, heapBytes } = report;
  const heapGrowthBytes = heapBytes[1] - heapBytes[0];
  const memory = `memory: ${heapGrowthBytes} bytes more than before, at most ${heapGrowthBytesMax} are allowed`;
  return {
    edge: edge.name,
    executions,
    accepted,
    refused,
    seconds: Math.round(seconds * 10) / 10,
    kept: kept.length,
    reachedPercent: percent === null ? null : Math.round(percent * 10) / 10,
    heapGrowthBytes,
    failed:
      failed === null
        ? heapGrowthBytes > heapGrowthBytesMax
          ? {
              message: memory,
              repeat: `${commandFor(edge)} --executions ${executions} --seed ${values.seed}`,
            }
          : null
        : {
            message: failed.message,
            repeat: `${commandFor(edge)} --input ${failed.input.toString("base64")}`,
          },
  };
}

async function runAll(): Promise<number> {
  const reports: EdgeReport[] = [];
  for (const edge of chosen()) {
    const report = await runEdge(edge); // oxlint-disable-line no-await-in-loop -- one after the other
    reports.push(report);
    const { executions, accepted, refused, seconds, kept, reachedPercent, heapGrowthBytes, failed } = report;
    say(
      `${edge.name.padEnd(18)} ${String(executions).padStart(8)} executions in ${seconds.toFixed(1).padStart(7)} s: ` +
        `${accepted} accepted, ${refused} refused; ${reachedPercent === null ? "" : `reached ${reachedPercent} % of its code, ${kept} inputs kept; `}` +
        `memory ${heapGrowthBytes >= 0 ? "+" : ""}${(heapGrowthBytes / 1_048_576).toFixed(1)} MiB`,
    );
    if (failed !== null) say(`  FAILED: ${failed.message}\n  repeat it with: ${failed.repeat}`);
  }
  const failures = reports.filter(({ failed }) => failed !== null).length;
  if (values.json) {
    const figures = { seed: values.seed, edges: reports };
    process.stdout.write(`${JSON.stringify({ part: "fuzz", ok: failures === 0, figures })}\n`);
  }
  say(failures === 0 ? "Nothing was found." : `${failures} of ${reports.length} edges failed.`);
  return failures === 0 ? 0 : 1;
}

const [edge] = chosen();
process.exit(
  values.input !== undefined && edge !== undefined ? await runOne(edge, values.input) : await runAll(),
);
