/** The list of mutants that survived, each with why: `survivors.csv`. */
import { parse } from "csv-parse/sync";

export const survivorsFile = "test/mutation/survivors.csv";

/** What the room's page says of each kind. */
export const kinds = ["impossible", "chart", "shortcut", "equals", "arithmetic", "larger", "words"] as const;

export interface Survivor {
  readonly file: string;
  /** The line it is in, without what is before and after. */
  readonly code: string;
  readonly was: string;
  readonly became: string;
}

export interface Explained extends Survivor {
  /** One of {@link kinds}; empty: nobody has looked yet. */
  readonly kind: string;
  readonly why: string;
}

const columns = ["file", "code", "was", "became", "kind", "why"] as const;

export function survivorsIn(csv: string): Explained[] {
  return parse(csv, { columns: [...columns], from_line: 2 });
}

/** Those of `files` are `survivors` now, with the explanation that each had; those of other files stay. */
export function withSurvivors(
  csv: string,
  files: readonly string[],
  survivors: readonly Survivor[],
): Explained[] {
  const earlier = survivorsIn(csv);
  const known = new Map(earlier.map((one) => [nameOf(one), one]));
  const now = survivors.map((one) => known.get(nameOf(one)) ?? { ...one, kind: "", why: "" });
  const all = [...earlier.filter(({ file }) => !files.includes(file)), ...now];
  return all.toSorted((one, other) => (one.file < other.file ? -1 : Number(one.file > other.file)));
}

export function csvOf(survivors: readonly Explained[]): string {
  const rows = survivors.map((one) => columns.map((column) => one[column]));
  return `${[columns, ...rows].map((cells) => cells.map(quoted).join(",")).join("\n")}\n`;
}

function nameOf({ file, code, was, became }: Survivor): string {
  return JSON.stringify([file, code, was, became]);
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
