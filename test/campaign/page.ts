/** The figures of a campaign as they stand in RELIABILITY.md. */
import type { Part } from "./parts.ts";
import { recordOf, verdictOf, type CampaignRecord } from "./record.ts";

const begin = "<!-- campaign -->";
const end = "<!-- /campaign -->";

/** Rows by part; what was not run says so. */
export function campaignTable(parts: readonly Part[], record: CampaignRecord): string {
  const rows = parts.map((part) => {
    const done = recordOf(record, part);
    const verdict = verdictOf(part, done);
    const told =
      done.results.length === 0 ? "not run" : part.tell(done.results.map(({ figures }) => figures));
    const command = `\`npm run ${part.script}\``;
    const more = part.runs > 1 ? `${done.results.length} of ${part.runs} runs; ` : "";
    return `| ${part.name} | ${command} | ${more}${told} | ${verdict} | ${done.endedAt?.slice(0, 10) ?? "–"} |`;
  });
  return ["| part | command | figures | verdict | run |", "| --- | --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

/** The page with the table between its marks. Throws when it has no marks. */
export function withTable(page: string, product: string, table: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The page has no ${begin} … ${end}.`);
  const head = page.slice(0, from + begin.length);
  return `${head}\n\nOf the product ${product} (\`git rev-parse\` of its three folders):\n\n${table}\n\n${page.slice(to)}`;
}
