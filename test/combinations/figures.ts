/** The figures of an enumeration for people, and their sum. */
import type { UnitFigures } from "./enumeration.ts";

export interface Total {
  readonly units: number;
  readonly points: number;
  readonly faults: number;
  /** By how many faults: none, one, two, three. */
  readonly canonical: readonly number[];
  readonly combinations: readonly number[];
  readonly runs: readonly number[];
  readonly unreached: readonly number[];
  readonly merged: number;
  readonly broken: number;
  readonly seconds: number;
}

export function totalOf(all: readonly UnitFigures[]): Total {
  const sum = (of: (one: UnitFigures) => number): number => all.reduce((so, one) => so + of(one), 0);
  const each = (of: (one: UnitFigures) => readonly number[], sizes: number): number[] =>
    Array.from({ length: sizes }, (_, size) => sum((one) => of(one)[size] ?? 0));
  return {
    units: all.length,
    points: sum((one) => one.points),
    faults: sum((one) => one.faults),
    canonical: each((one) => one.canonical, 3),
    combinations: each((one) => one.combinations, 4),
    runs: each((one) => one.runs, 4),
    unreached: each((one) => one.unreached, 4),
    merged: sum((one) => one.merged),
    broken: sum((one) => one.breaches.length),
    seconds: Math.round(sum((one) => one.seconds)),
  };
}

const columns = [20, 10, 7, 7, 13, 13, 10, 9, 7, 7] as const;

export function heading(): string {
  return row([
    "flow",
    "promise",
    "points",
    "faults",
    "canonical",
    "combinations",
    "run",
    "unreached",
    "s",
    "broken",
  ]);
}

export function line(one: UnitFigures): string {
  const add = (numbers: readonly number[]): string =>
    numbers.reduce((sum, n) => sum + n, 0).toLocaleString("en");
  return row([
    one.flow,
    one.promise,
    `${one.points}`,
    `${one.faults}`,
    add(one.canonical),
    add(one.combinations),
    add(one.runs),
    add(one.unreached),
    one.seconds.toFixed(0),
    `${one.breaches.length}`,
  ]);
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, at) => (at < 2 ? cell.padEnd(columns[at] ?? 0) : cell.padStart(columns[at] ?? 0)))
    .join(" ");
}
