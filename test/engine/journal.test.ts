/** The ledger and its live fold: in which order facts become durable, known and told. */
import { expect, test } from "vitest";
import { Journal } from "../../actors/journal.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { entry } from "../../machines/entry.ts";
import { FailureError } from "../../machines/failure.ts";
import { clientStream } from "../../machines/state.ts";

const noon = Date.UTC(2026, 10, 23, 12);

function locked(clientId: string, fence: number) {
  const lock = { clientId, lockGuid: `guid-${fence}`, fence, lockTime: noon, deadlineAt: noon + 1 };
  return entry(clientStream(clientId), noon, "client.locked", { ...lock, by: "hand" });
}

test("R1 F1: whoever is told of facts finds them in the ledger and in the state, each told once and in order", async () => {
  const storage = createMemoryStorage();
  const journal = await Journal.open(createMemoryLedger(storage), () => undefined);
  const told: number[] = [];
  journal.listen((facts) => {
    told.push(...facts.map(({ position }) => position));
    expect(journal.state.position).toBe(told.at(-1));
    expect(storage.facts.length).toBeGreaterThanOrEqual(journal.state.position);
    for (const fact of facts)
      if (fact.type === "client.locked")
        expect(journal.state.clients.get(fact.body.clientId)?.fence).toBe(fact.body.fence);
  });
  const appended = [1, 2, 3].map((fence) =>
    journal.append([locked("client-01", fence), locked("client-02", fence)]),
  );
  expect((await Promise.all(appended)).map(({ kind }) => kind)).toEqual([
    "committed",
    "committed",
    "committed",
  ]);
  expect(told).toEqual([1, 2, 3, 4, 5, 6]);
});

test("R1: an append that its streams refuse is told to nobody and leaves the state alone", async () => {
  const journal = await Journal.open(createMemoryLedger(createMemoryStorage()), () => undefined);
  await journal.append([locked("client-01", 1)]);
  let told = 0;
  journal.listen(() => (told += 1));
  const late = await journal.append([locked("client-01", 2)], [{ stream: "client/client-01", revision: 0 }]);
  expect([late.kind, told, journal.state.position]).toEqual(["conflict", 0, 1]);
});

test("R4: from the moment that damage is known nothing is acknowledged, folded or told, though the disk still takes it", async () => {
  const told: unknown[] = [];
  const journal = await Journal.open(createMemoryLedger(createMemoryStorage()), (error) => told.push(error));
  await journal.append([locked("client-01", 1)]);
  journal.listen(() => told.push("facts"));
  const damage = new FailureError("LEDGER_DAMAGED", "The ledger is damaged at position 1.");
  const underWay = journal.append([locked("client-01", 2)]);
  journal.fall(damage);
  journal.fall(new Error("another"));
  await expect(underWay).rejects.toBe(damage);
  await expect(journal.append([locked("client-01", 3)])).rejects.toBe(damage);
  await expect(journal.saveSnapshot()).rejects.toBe(damage);
  await journal.settled();
  expect([told, journal.state.position]).toEqual([[damage], 1]);
});

test("R1: a snapshot that waits behind another is not taken once the engine has fallen", async () => {
  const ledger = createMemoryLedger(createMemoryStorage());
  const gate = Promise.withResolvers<void>();
  const saved: number[] = [];
  const journal = await Journal.open(
    {
      ...ledger,
      async saveSnapshot(position) {
        saved.push(position);
        await gate.promise;
      },
    },
    () => undefined,
  );
  await journal.append([locked("client-01", 1)]);
  const first = journal.saveSnapshot();
  await journal.append([locked("client-01", 2)]);
  const second = journal.saveSnapshot();
  const defect = new FailureError("ENGINE_DEFECT", "A fact cannot be folded.");
  journal.fall(defect);
  gate.resolve();
  await first;
  await expect(second).rejects.toBe(defect);
  expect(saved).toEqual([1]);
});
