/** The table of the room's page: which flow was gone through with how many faults at once, when, at which commit. */
import type { UnitFigures } from "./enumeration.ts";

export const pageFile = "test/combinations/README.md";

const begin = "<!-- done -->";
const end = "<!-- /done -->";

interface Row {
  readonly upTo: number;
  readonly cells: readonly string[];
}

/** By {@link nameOf}. */
type Rows = ReadonlyMap<string, Row>;

export function nameOf(flow: string, promise: string): string {
  return `${flow} ${promise}`;
}

/** The page with the row of this unit made anew; the others stay. */
export function inPage(page: string, unit: UnitFigures, upTo: number, measured: string): string {
  const sum = (numbers: readonly number[]): number => numbers.reduce((so, one) => so + one, 0);
  const figures = [upTo, sum(unit.combinations), sum(unit.runs), unit.breaches.length].map(String);
  const cells = [unit.flow, unit.promise, ...figures, measured];
  const rows = new Map(rowsOf(page)).set(nameOf(unit.flow, unit.promise), { upTo, cells });
  const { units, combinations, runs, broken } = sumOf(rows);
  const total = [`all ${units}`, "", "", combinations, runs, broken, ""].map(String);
  const lines = [
    "| flow | promise | faults at once | combinations | run | broken | measured |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...[...[...rows.values()].map((row) => row.cells), total].map((one) => `| ${one.join(" | ")} |`),
  ];
  const [before = ""] = page.split(begin);
  const [, after = ""] = page.split(end);
  return `${before}${begin}\n\n${lines.join("\n")}\n\n${end}${after}`;
}

export interface PageSum {
  /** Flows × promises. */
  readonly units: number;
  readonly combinations: number;
  readonly runs: number;
  readonly broken: number;
  /** ISO dates; null: there is no row. */
  readonly from: string | null;
  readonly to: string | null;
}

export function sumOf(rows: Rows): PageSum {
  const of = (column: number): number =>
    [...rows.values()].reduce((so, row) => so + Number(row.cells[column] ?? 0), 0);
  const days = [...rows.values()].map(({ cells }) => (cells[6] ?? "").split(",")[0] ?? "").toSorted();
  const [from = null, to = null] = [days[0], days.at(-1)];
  return { units: rows.size, combinations: of(3), runs: of(4), broken: of(5), from, to };
}

export function rowsOf(page: string): Rows {
  const [, table = ""] = page.split(begin);
  const rows = new Map<string, Row>();
  for (const line of (table.split(end)[0] ?? "").split("\n")) {
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [flow = "", promise = "", upTo = ""] = cells;
    if (/^[123]$/.test(upTo)) rows.set(nameOf(flow, promise), { upTo: Number(upTo), cells });
  }
  return rows;
}
