/** The table of the room's page: what was noticed in which file, when, and of which commit. */
export const pageFile = "test/mutation/README.md";

const begin = "<!-- scores -->";
const end = "<!-- /scores -->";

export interface Score {
  /** That compile. */
  readonly mutants: number;
  readonly noticed: number;
  readonly survived: number;
  /** In percent. */
  readonly score: number;
}

export function scoreOf(noticed: number, survived: number): Score {
  const mutants = noticed + survived;
  const percent = mutants === 0 ? 100 : (100 * noticed) / mutants;
  return { mutants, noticed, survived, score: Math.round(percent * 100) / 100 };
}

/** The page with the rows of these files made anew; what was not measured now keeps its row. */
export function inPage(page: string, scores: ReadonlyMap<string, Score>, measured: string): string {
  const rows = new Map(rowsOf(page));
  for (const [file, { mutants, noticed, survived, score }] of scores)
    if (mutants > 0)
      rows.set(file, [file, mutants, noticed, survived, score.toFixed(2), measured].map(String));
  const sorted = [...rows.values()].sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  const sum = (column: number): number =>
    sorted.reduce((total, cells) => total + Number(cells[column] ?? 0), 0);
  const all = scoreOf(sum(2), sum(3));
  const total = ["all", all.mutants, all.noticed, all.survived, all.score.toFixed(2), ""].map(String);
  const lines = [
    "| file | mutants | noticed | survived | score, % | measured |",
    "| --- | --- | --- | --- | --- | --- |",
    ...[...sorted, total].map((cells) => `| ${cells.join(" | ")} |`),
  ];
  const [before = ""] = page.split(begin);
  const [, after = ""] = page.split(end);
  return `${before}${begin}\n\n${lines.join("\n")}\n\n${end}${after}`;
}

/** Cells of the table's rows by the file they are of. */
function rowsOf(page: string): [string, string[]][] {
  const [, table = ""] = page.split(begin);
  return (table.split(end)[0] ?? "").split("\n").flatMap((line): [string, string[]][] => {
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [file = ""] = cells;
    return file.startsWith("machines/") ? [[file, cells]] : [];
  });
}
