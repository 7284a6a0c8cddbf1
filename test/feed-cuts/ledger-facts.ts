/** The facts of a running engine's ledger, from its file: what every reader of the feed is compared with. */
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Fact } from "../../machines/facts.ts";
import { applyFact } from "../../machines/fold.ts";
import { stateText } from "../../machines/fold-snapshot.ts";
import { emptyState } from "../../machines/state.ts";

export class LedgerFacts {
  readonly #db: DatabaseSync;
  readonly #after: StatementSync;
  /** The one at position p has index p − 1. */
  readonly #facts: Fact[] = [];

  constructor(dataDir: string) {
    this.#db = new DatabaseSync(join(dataDir, "ledger.db"), { readOnly: true });
    this.#after = this.#db.prepare(
      `SELECT f.position, e.epoch, f.at, f.stream, f.type, f.body
       FROM facts f JOIN epochs e ON e.number = f.epoch WHERE f.position > ? ORDER BY f.position`,
    );
  }

  /** Position of the newest. */
  head(): number {
    for (const { body, ...row } of this.#after.iterate(this.#facts.length))
      this.#facts.push({ ...row, body: JSON.parse(String(body)) } as Fact);
    return this.#facts.length;
  }

  /** Undefined: there is none yet. */
  at(position: number): Fact | undefined {
    return this.#facts[position - 1] ?? (position <= this.head() ? this.#facts[position - 1] : undefined);
  }

  /** R1: the whole state there, as text. */
  stateAt(position: number): string {
    const state = emptyState();
    for (const fact of this.#facts.slice(0, position)) applyFact(state, fact);
    return stateText(state);
  }

  close(): void {
    this.#db.close();
  }
}
