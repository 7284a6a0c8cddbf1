/** What the ledger holds of a storm, from its file: against what the senders were told. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { SourceReport } from "./paced-source.ts";

/**
 * A1, A4, A6: acknowledged is accepted, once, at the position that was told, in the order of its source; and nothing
 * else is accepted. Sentences about every event where that is not so.
 */
export function differences(dataDir: string, reports: readonly SourceReport[]): string[] {
  const wrong: string[] = [];
  const bySource = new Map(reports.map((report) => [report.source, { report, seen: 0, last: -1 }]));
  const db = new DatabaseSync(join(dataDir, "ledger.db"), { readOnly: true });
  try {
    const accepted = db.prepare(
      `SELECT position, body ->> '$.notification.source' AS source, body ->> '$.notification.id' AS id
       FROM facts WHERE type = 'alarm.accepted' ORDER BY position`,
    );
    for (const { position, source, id } of accepted.iterate()) {
      const known = bySource.get(String(source));
      const at = Number(id);
      if (known === undefined) {
        wrong.push(`${String(source)} ${at} is in the ledger and was not sent`);
        continue;
      }
      known.seen += 1;
      const told = known.report.positions[at];
      if (told !== position)
        wrong.push(`${String(source)} ${at} is at ${String(position)}, its sender was told ${told}`);
      if (at <= known.last) wrong.push(`${String(source)} ${at} was accepted after ${known.last}`);
      known.last = at;
    }
    for (const { report, seen } of bySource.values()) {
      const told = report.positions.filter((position) => position > 0).length;
      if (told !== seen) wrong.push(`${report.source}: ${told} acknowledged, ${seen} in the ledger`);
    }
  } finally {
    db.close();
  }
  return wrong;
}
