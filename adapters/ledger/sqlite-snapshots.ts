/**
 * Snapshots of the fold in the ledger's file: written in parts between the groups of facts, and which of them can
 * be trusted, for the thread that opens the ledger and for those who read it.
 */
import { createHash, type Hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { limits } from "../../machines/limits.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { type ChainLink, chainStart } from "./chain.ts";

/** Newest snapshot that is what was saved and belongs to this chain; a damaged one, and one that no text can hold, is passed over for the older. */
export function newestTrustedSnapshot(db: DatabaseSync): { link: ChainLink; state: string } | null {
  const snapshots = db.prepare(`
    SELECT s.id, s.position, s.fact_hash, s.state_hash FROM snapshots s
    WHERE s.fact_hash = CASE s.position WHEN 0 THEN ? ELSE (SELECT hash FROM facts WHERE position = s.position) END
    ORDER BY s.position DESC, s.id DESC`);
  const charsOf = db.prepare("SELECT sum(length(text)) AS chars FROM snapshot_parts WHERE snapshot = ?");
  const partsOf = db.prepare("SELECT text FROM snapshot_parts WHERE snapshot = ? ORDER BY part");
  for (const { id, position, fact_hash, state_hash } of snapshots.all(chainStart.hash)) {
    if (typeof position !== "number") continue; // damaged: it was written as one
    if (Number(charsOf.get(Number(id))?.["chars"] ?? 0) > limits.snapshotCharsMax) continue;
    const parts = partsOf.all(Number(id)).map(({ text }) => (typeof text === "string" ? text : ""));
    const sum = createHash("sha256");
    for (const part of parts) sum.update(part);
    if (sum.digest("hex") !== state_hash) continue;
    return { link: { position, hash: String(fact_hash) }, state: parts.join("") };
  }
  return null;
}

/** One snapshot at a time; each call is a transaction of its own. A throw means that nothing may be written any more. */
export class SnapshotWriter {
  readonly #db: DatabaseSync;
  #under: { readonly id: number; readonly sum: Hash; parts: number } | null = null;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(text: string): void {
    const under = (this.#under ??= { id: this.#nextId(), sum: createHash("sha256"), parts: 0 });
    this.#db.prepare("INSERT INTO snapshot_parts VALUES (?, ?, ?)").run(under.id, under.parts, text);
    under.sum.update(text);
    under.parts += 1;
  }

  /** It counts now; older ones than `ledgerSnapshotsKept` leave, and so does what was never ended. */
  end(position: Position): void {
    const db = this.#db;
    const { id, sum } = this.#under ?? { id: this.#nextId(), sum: createHash("sha256") };
    this.#under = null;
    const fact = db.prepare("SELECT hash FROM facts WHERE position = ?").get(position);
    const factHash = String(fact?.["hash"] ?? chainStart.hash);
    db.exec("BEGIN IMMEDIATE");
    db.prepare("INSERT INTO snapshots VALUES (?, ?, ?, ?)").run(id, position, factHash, sum.digest("hex"));
    db.prepare(`DELETE FROM snapshots WHERE id NOT IN
      (SELECT id FROM snapshots ORDER BY position DESC, id DESC LIMIT ?)`).run(limits.ledgerSnapshotsKept);
    db.exec("DELETE FROM snapshot_parts WHERE snapshot NOT IN (SELECT id FROM snapshots); COMMIT");
  }

  #nextId(): number {
    const highest = this.#db
      .prepare(
        "SELECT max((SELECT coalesce(max(id), 0) FROM snapshots), (SELECT coalesce(max(snapshot), 0) FROM snapshot_parts)) AS id",
      )
      .get();
    return Number(highest?.["id"] ?? 0) + 1;
  }
}
