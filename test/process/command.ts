/** What the commands of this room share: their words, their progress, their last line, their exit codes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { endAll } from "../acceptance/processes.ts";

export class WrongUse extends Error {}

/** What a command came to; `--json` prints it as the last line on stdout. */
export interface Result {
  readonly part: string;
  readonly ok: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;

export interface Command {
  readonly name: string;
  readonly help: string;
  readonly options: ParseArgsConfig["options"];
  /** `scratch`: a folder that is gone afterwards. */
  readonly play: (values: Values, scratch: string) => Promise<Result>;
}

/** Runs it and sets the exit code: 0 all held, 1 something did not, 2 wrong use. */
export async function runCommand({ name, help, options, play }: Command): Promise<void> {
  process.once("exit", endAll);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const scratch = mkdtempSync(join(tmpdir(), `ticket-client-${name}-`));
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
  try {
    const values = read(options);
    if (values["help"] === true) return void process.stdout.write(help);
    const result = await play(values, scratch);
    if (values["json"] === true) say(JSON.stringify(result));
    process.exitCode = result.ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error;
    process.stderr.write(`${name}: ${error.message}\nAdd --help for what is possible.\n`);
    process.exitCode = 2;
  }
}

function read(options: ParseArgsConfig["options"]): Values {
  try {
    const common = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
    return parseArgs({ options: { ...options, ...common } }).values;
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error));
  }
}

/** A whole number from 1 on; null where it is not given. */
export function numberOf(values: Values, name: string): number | null {
  const text = values[name];
  if (text === undefined) return null;
  if (typeof text !== "string" || !/^[1-9]\d{0,6}$/.test(text))
    throw new WrongUse(`--${name} is ${JSON.stringify(text)}; expected a whole number from 1.`);
  return Number(text);
}

export function textOf(values: Values, name: string): string | null {
  const text = values[name];
  return typeof text === "string" ? text : null;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const progressMs = 10_000;

/** Says on stderr how far it is, at most every ten seconds. */
export function createProgress(): (line: () => string) => void {
  let saidAt = performance.now();
  return (line) => {
    if (performance.now() - saidAt < progressMs) return;
    saidAt = performance.now();
    process.stderr.write(`… ${line()}\n`);
  };
}

/** Right-aligned numbers under a head; the first columns are names. */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string[] {
  const all = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isNumber = (column: number): boolean => rows.every((row) => typeof row[column] === "number");
  return all.map((row) =>
    row
      .map((cell, column) =>
        isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
