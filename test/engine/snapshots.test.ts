/** When the fold is saved, and how often: a start reads back little, and saving never becomes the work. */
import { expect, test } from "vitest";
import { Journal } from "../../actors/journal.ts";
import type { Ledger } from "../../actors/ports.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { entry } from "../../machines/entry.ts";
import { alarmStream } from "../../machines/facts.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { limits } from "../../machines/limits.ts";
import { notification } from "./notifications.ts";

function accepted(id: number) {
  const one = notification(`n${id}`, { key: `node-${id % 500}` });
  return [entry(alarmStream(one.source, one.id), 0, "alarm.accepted", { notification: one, digest: "" })];
}

/** A journal over a ledger whose snapshots are counted and can be made to take their time. */
async function counted(hold?: Promise<void>) {
  const storage = createMemoryStorage();
  const ledger = createMemoryLedger(storage);
  const saved: number[] = [];
  const watched: Ledger = {
    ...ledger,
    async saveSnapshot(position, parts) {
      saved.push(position);
      await hold;
      await ledger.saveSnapshot(position, parts);
    },
  };
  const journal = await Journal.open(watched, (error) => {
    throw error;
  });
  return { journal, ledger, storage, saved };
}

test("a burst of many appends in one turn is saved once, as the state that the ledger gives", async () => {
  const { journal, ledger, storage, saved } = await counted();
  const many = limits.snapshotEveryFacts + 2_000;
  await Promise.all(Array.from({ length: many }, (_, id) => journal.append(accepted(id))));
  await journal.saveSnapshot();
  expect(saved).toHaveLength(2);
  expect(saved[0]).toBeLessThanOrEqual(many);
  const snapshot = await ledger.loadSnapshot();
  expect(stateText(stateFromText(snapshot?.state ?? ""))).toBe(stateText(journal.state));
  expect(storage.snapshots.length).toBeLessThanOrEqual(limits.ledgerSnapshotsKept);
});

test("while a snapshot takes its time facts go on; it shows the moment it was begun, and the next one waits for its facts", async () => {
  const gate = Promise.withResolvers<void>();
  const { journal, ledger, saved } = await counted(gate.promise);
  for (let id = 0; id < 100; id += 1) await journal.append(accepted(id)); // oxlint-disable-line no-await-in-loop -- in order
  const before = stateText(journal.state);
  const saving = journal.saveSnapshot();
  await Promise.all(Array.from({ length: 200 }, (_, id) => journal.append(accepted(100 + id))));
  gate.resolve();
  await saving;
  expect(saved).toEqual([100]);
  const snapshot = await ledger.loadSnapshot();
  expect(snapshot?.position).toBe(100);
  expect(stateText(stateFromText(snapshot?.state ?? ""))).toBe(before);
});
