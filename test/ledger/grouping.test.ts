/** What is handed to the writer of a ledger as one group. */
import { expect, test } from "vitest";
import type { GroupWriter } from "../../adapters/ledger/fact-store.ts";
import { createGroupedLedger } from "../../adapters/ledger/grouped-ledger.ts";
import { limits } from "../../machines/limits.ts";
import { notes } from "./sample-facts.ts";

/** Tells what it was given; nothing becomes durable. */
function writerThatTells(groups: string[][]): GroupWriter {
  return {
    listen() {},
    write: (batches) => void groups.push(batches.map(({ id }) => id)),
    addToSnapshot: async () => undefined,
    endSnapshot: async () => undefined,
    close: async () => undefined,
  };
}

test("R3: what comes in one turn goes as it came, in groups that one message can hold", async () => {
  const groups: string[][] = [];
  const ledger = createGroupedLedger({
    head: { ledger: "l", epoch: "e", position: 0, restored: false },
    writer: writerThatTells(groups),
    reader: { page: () => [], ofStream: () => [], ofKey: () => [], loadSnapshot: () => null, close() {} },
    written: () => [],
  });
  const half = "y".repeat(limits.ledgerGroupChars / 2 - 1_000);
  const whole = "y".repeat(limits.ledgerGroupChars + 1);
  for (const [id, text] of Object.entries({ a: half, b: half, c: half, d: whole, e: "z", f: "z" }))
    void ledger.append(notes(id, "audit", [text]));
  await new Promise(setImmediate);
  expect(groups).toEqual([["a", "b"], ["c"], ["d"], ["e", "f"]]);
});
