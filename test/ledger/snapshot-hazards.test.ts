/** Snapshots of the fold that cannot be used, and what came too late for one. */
import { setTimeout as later } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Journal } from "../../actors/journal.ts";
import type { Ledger } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { notes } from "./sample-facts.ts";

let place: LedgerDirectory;
beforeEach(async () => {
  place = await makeLedgerDirectory();
});
afterEach(async () => place.dispose());

const texts = (count: number) => Array.from({ length: count }, () => "y");

test("R2: one that is longer than a text may be is passed over for the one before", async () => {
  const ledger = await place.open();
  await ledger.append(notes("b1", "audit", ["1", "2"]));
  await ledger.saveSnapshot(1, ['{"n":1}']);
  const part = "y".repeat(limits.snapshotCharsMax / 16);
  const long = Array.from({ length: 17 }, () => part);
  await ledger.saveSnapshot(2, long);
  expect(await ledger.loadSnapshot()).toEqual({ position: 1, state: '{"n":1}' });
  await ledger.close();
});

test("R2: after one of another shape the next comes with the next fact", async () => {
  const ledger = await place.open();
  const count = limits.snapshotEveryFacts;
  // oxlint-disable-next-line no-await-in-loop -- in order
  for (let n = 0; n < count; n += 1_000) await ledger.append(notes(`b${n}`, "audit", texts(1_000)));
  await ledger.saveSnapshot(count, ['{"shape":5}']);
  await ledger.close();
  const again = await place.open();
  const asked: number[] = [];
  const watched: Ledger = {
    ...again,
    async saveSnapshot(position, parts) {
      asked.push(position);
      await again.saveSnapshot(position, parts);
    },
  };
  const journal = await Journal.open(watched, () => undefined); // folds all
  await journal.append(notes("one", "audit", ["more"]).facts);
  await later(0);
  expect(asked).toEqual([again.head().position]);
  await again.close();
});

test("STOPPING: one that is under way when its ledger is closed ends, and the ledger is whole", async () => {
  const ledger = await place.open();
  await ledger.append(notes("b1", "audit", ["1"]));
  const gate = Promise.withResolvers<void>();
  async function* parts() {
    yield "a";
    await gate.promise;
    yield "b";
  }
  const saving = ledger.saveSnapshot(1, parts()).then(
    () => "saved",
    (error: unknown) => String(error),
  );
  await later(0);
  await ledger.close();
  gate.resolve();
  expect(await saving).toContain("STOPPING");
  const again = await place.open();
  expect(again.head().position).toBe(1);
  await again.close();
});
