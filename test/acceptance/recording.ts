/** The shipped recording, or a part of it in a file of its own, with what it must come to. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expectedOutcomes, type Expected } from "./sequential-model.ts";

const shipped = fileURLToPath(new URL("../../adapters/alarms/huawei-neurips2023/alarm.csv", import.meta.url));

export interface Recording {
  readonly file: string;
  readonly rows: number;
  readonly devices: number;
  /** From the first notification to the last. */
  readonly seconds: number;
  readonly expected: Expected;
}

/** The whole recording, counted once by hand: the model must come to these as well. */
export const wholeRows = 30_691;
export const wholeExpected: Expected = {
  accepted: 61_382,
  outcomes: { adopted: 7_435, closed: 23_251, created: 23_251, stopped: 7_445 },
  open: 0,
};

/** Alarms overlap within a block; blocks lie far apart. */
const blockRows = 100;

/**
 * The whole file (null), or about so many rows: blocks of neighbours in the order of time, evenly from the whole. The
 * file itself is sorted by device: its first rows are all of one key, which is one flow at a time.
 */
export function recordingOf(scratch: string, rows: number | null): Recording {
  const lines = shippedLines();
  if (rows === null || rows >= lines.length) return write(scratch, lines);
  const byTime = lines.toSorted((a, b) => startOf(a) - startOf(b));
  const blocks = Math.ceil(rows / blockRows);
  const step = Math.floor(byTime.length / blocks);
  return write(
    scratch,
    byTime.filter((_, index) => index % step < blockRows && index < blocks * step).slice(0, rows),
  );
}

function shippedLines(): readonly string[] {
  // Its lines end in CR LF; joined again with LF they would be a file with two kinds of ends, which is refused.
  return readFileSync(shipped, "utf8").trimEnd().split(/\r?\n/).slice(1);
}

function startOf(line: string): number {
  return Number(line.split(",")[2]);
}

function write(scratch: string, lines: readonly string[]): Recording {
  const folder = join(scratch, `alarms-${lines.length}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "alarm.csv");
  writeFileSync(file, `${["alarm_id,device_id,start_timestamp,end_timestamp", ...lines].join("\n")}\n`);
  const times = lines.flatMap((line) => line.split(",").slice(2).map(Number));
  return {
    file,
    rows: lines.length,
    devices: new Set(lines.map((line) => line.split(",")[1])).size,
    seconds: times.reduce((a, b) => Math.max(a, b), 0) - times.reduce((a, b) => Math.min(a, b), Infinity),
    expected: expectedOutcomes(lines),
  };
}
