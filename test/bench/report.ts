/** What a run of the benchmarks found: one line a figure, as a table for people or as JSON. */

export interface Line {
  readonly figure: string;
  readonly unit: string;
  readonly engine: number;
  /** The same in the same run without the product; null where there is none. */
  readonly ceiling: number | null;
  /** Engine against ceiling, as a share of its speed; null without a ceiling. */
  readonly ratio: number | null;
  readonly target: string | null;
  readonly met: boolean | null;
}

export interface Section {
  readonly title: string;
  /** What is measured, and what the ceiling does. */
  readonly notes: readonly string[];
  readonly lines: readonly Line[];
}

/** A line without a target. */
export function plain(line: {
  readonly figure: string;
  readonly unit: string;
  readonly engine: number;
  readonly ceiling?: number;
}): Line {
  return { ceiling: null, ratio: null, target: null, met: null, ...line };
}

export function sectionText({ title, notes, lines }: Section): string {
  const rows = [["", "engine", "ceiling", "ratio", "target", ""], ...lines.map(rowOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const table = rows.map((row) =>
    row
      .map((cell, column) =>
        column >= 1 && column <= 3 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  return `${[title, ...notes.map((note) => `  ${note}`), "", ...table].join("\n")}\n`;
}

function rowOf({ figure, unit, engine, ceiling, ratio, target, met }: Line): string[] {
  return [
    `${figure} (${unit})`,
    number(engine),
    ceiling === null ? "" : number(ceiling),
    ratio === null ? "" : ratio.toFixed(2),
    target ?? "",
    met === null ? "" : met ? "target met" : "target missed",
  ];
}

function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en-GB", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
