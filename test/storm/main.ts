/**
 * What the engine does under more than it can take, with real processes: see `--help`. Exit code 0 when everything
 * held, 1 when not, 2 when it is asked for what it does not have.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endAll } from "../acceptance/processes.ts";
import { Findings, type PartResult } from "./findings.ts";
import { storm } from "./storm.ts";

const parts = {
  storm: (scratch: string, findings: Findings) =>
    storm(
      {
        scratch,
        clients: numberOf("clients", values.clients),
        plan: {
          name: "storm",
          sources: 4,
          objects: 10_000,
          burstSeconds: 1,
          perSecond: 2_000,
          seconds: numberOf("seconds", values.seconds),
        },
        onProgress,
      },
      findings,
    ),
} as const;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    seconds: { type: "string", default: "60" },
    clients: { type: "string", default: "4" },
    json: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0) return number;
  process.stderr.write(`--${name}: expected a number\n`);
  process.exit(2);
}
function onProgress(line: string): void {
  process.stderr.write(`… ${line}\n`);
}
const scratch = mkdtempSync(join(tmpdir(), "ticket-client-storm-"));
const results: PartResult[] = [];
for (const [name, run] of Object.entries(parts)) {
  const findings = new Findings(name, (line) =>
    (values.json ? process.stderr : process.stdout).write(`${line}\n`),
  );
  await run(scratch, findings).catch((error: unknown) => findings.failed(error));
  endAll();
  results.push(findings.result());
}
rmSync(scratch, { recursive: true, force: true });
const ok = results.every((one) => one.ok);
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ part: "storm", ok, figures: Object.fromEntries(results.map(({ part, figures }) => [part, figures])) })}\n`,
  );
process.exitCode = ok ? 0 : 1;
