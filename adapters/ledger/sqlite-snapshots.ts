/** Which snapshot of the fold can be trusted, for the thread that opens the ledger and for those who read it. */
import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { type ChainLink, chainStart } from "./chain.ts";

/** Newest snapshot that is what was saved and belongs to this chain; a damaged one is passed over for the older. */
export function newestTrustedSnapshot(db: DatabaseSync): { link: ChainLink; state: string } | null {
  const statement = db.prepare(`
    SELECT s.position, s.fact_hash, s.state_hash, s.state FROM snapshots s
    WHERE s.fact_hash = CASE s.position WHEN 0 THEN ? ELSE (SELECT hash FROM facts WHERE position = s.position) END
    ORDER BY s.position DESC`);
  for (const row of statement.iterate(chainStart.hash)) {
    const { position, fact_hash, state_hash, state } = row;
    if (typeof state !== "string" || hash("sha256", state) !== state_hash) continue;
    return { link: { position: Number(position), hash: String(fact_hash) }, state };
  }
  return null;
}
