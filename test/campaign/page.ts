/** The figures of a campaign as they stand in RELIABILITY.md. */
import type { Part } from "./parts.ts";
import { recordOf, verdictOf, type CampaignRecord } from "./record.ts";

const begin = "<!-- campaign -->";
const end = "<!-- /campaign -->";

const columns = ["part", "command", "figures", "verdict", "product", "run"] as const;

/** Rows by part: of this product, else as they stand in `earlier`, which name another; what was never run says so. */
export function campaignTable(
  parts: readonly Part[],
  product: string,
  record: CampaignRecord,
  earlier: ReadonlyMap<string, string> = new Map(),
): string {
  const rows = parts.map((part) => {
    const done = recordOf(record, part);
    if (done.results.length === 0 && earlier.has(part.name)) return earlier.get(part.name);
    const verdict = verdictOf(part, done);
    const told =
      done.results.length === 0 ? "not run" : part.tell(done.results.map(({ figures }) => figures));
    const command = `\`npm run ${part.script}\``;
    const more = part.runs > 1 ? `${done.results.length} of ${part.runs} runs; ` : "";
    const of = part.product ?? product;
    return rowOf([part.name, command, more + told, verdict, of, done.endedAt?.slice(0, 10) ?? "–"]);
  });
  return [rowOf(columns), rowOf(columns.map(() => "---")), ...rows].join("\n");
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function cellsOf(row: string): readonly string[] {
  return row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Of a page, by part: its rows as they stand there. */
export function rowsIn(page: string): ReadonlyMap<string, string> {
  const { inner } = cut(page);
  const rows = inner
    .split("\n")
    .map(cellsOf)
    .filter((cells) => cells.length === columns.length && cells[2] !== "not run");
  return new Map(rows.slice(2).map((cells) => [cells[0] ?? "", rowOf(cells)]));
}

/** The page with the table between its marks. Throws when it has no marks. */
export function withTable(page: string, table: string): string {
  const { before, after } = cut(page);
  return `${before}\n\n${table}\n\n${after}`;
}

function cut(page: string): { readonly before: string; readonly inner: string; readonly after: string } {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The page has no ${begin} … ${end}.`);
  const inside = from + begin.length;
  return { before: page.slice(0, inside), inner: page.slice(inside, to), after: page.slice(to) };
}
