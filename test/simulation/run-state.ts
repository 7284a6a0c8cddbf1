/** What a run has done so far, in a file that outlives it: the same command goes on where the last one was cut off. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Broken, Modes, SeedReport } from "./seed-run.ts";
import { Counters } from "./situations.ts";

/** As JSON in the file. */
export interface RunState {
  readonly from: number;
  readonly modes: Modes;
  /** The first seed that is not simulated yet. */
  next: number;
  facts: number;
  /** Of simulating, all runs together. */
  seconds: number;
  counters: Readonly<Record<string, number>>;
  readonly broken: Broken[];
}

export function emptyRun(from: number, modes: Modes): RunState {
  return { from, modes, next: from, facts: 0, seconds: 0, counters: {}, broken: [] };
}

/** Seeds follow those before, none left out. */
export function addReport(state: RunState, report: SeedReport): void {
  if (report.from !== state.next) throw new Error(`Seed ${report.from} does not follow ${state.next - 1}.`);
  state.next += report.seeds;
  state.facts += report.facts;
  const counters = Counters.read(state.counters);
  counters.add(Counters.read(report.counters));
  state.counters = counters.written();
  state.broken.push(...report.broken);
}

/** null: there is no such file. Throws when it is of another run. */
export function readRun(file: string, from: number, modes: Modes): RunState | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by writeRun
  const read = JSON.parse(text) as RunState;
  if (read.from !== from || read.modes !== modes)
    throw new Error(
      `${file} is of a run from ${read.from}, mode ${read.modes}; take another file for this one.`,
    );
  return read;
}

/** All of it or nothing. */
export function writeRun(file: string, state: RunState): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(state)}\n`);
  renameSync(`${file}.new`, file);
}
