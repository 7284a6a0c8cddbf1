/** The table of the room's page: which test caught what. */
import type { Defect } from "./defect.ts";
import type { Verdict } from "./trial.ts";

export const pageFile = "test/planted/README.md";

const begin = "<!-- caught -->";
const end = "<!-- /caught -->";

/** The page with its table made anew; what was not tried now keeps its row. */
export function inPage(page: string, verdicts: ReadonlyMap<Defect, Verdict>): string {
  const rows = rowsOf(page);
  for (const [{ name, law }, verdict] of verdicts) {
    if (verdict.kind === "caught")
      rows.set(name, `| ${name} | ${law} | \`${verdict.file}\` | ${escaped(verdict.test)} |`);
    else rows.delete(name);
  }
  const table = [
    "| defect | law | file | the test that caught it |",
    "| --- | --- | --- | --- |",
    ...rows.values(),
  ];
  const [before = ""] = page.split(begin);
  const [, after = ""] = page.split(end);
  return `${before}${begin}\n\n${table.join("\n")}\n\n${end}${after}`;
}

/** Rows of the table by the name of the defect. */
export function rowsOf(page: string): Map<string, string> {
  const [, table = ""] = page.split(begin);
  const rows = new Map<string, string>();
  for (const row of (table.split(end)[0] ?? "").split("\n").slice(0)) {
    const name = /^\| ([^|]+?) +\|/.exec(row)?.[1];
    if (name !== undefined && name !== "defect" && !/^-+$/.test(name)) rows.set(name, row);
  }
  return rows;
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/[*_`<>]/g, "\\$&");
}
