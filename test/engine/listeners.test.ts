/** Listeners of the program around the engine that throw, and what of the engine itself throws at a durable fact. */
import { expect, test } from "vitest";
import { CrashRecovery } from "../../actors/crash-recovery.ts";
import { Journal } from "../../actors/journal.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import type { Entry } from "../../machines/entry.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

function throwing(): never {
  throw new Error("the listener threw");
}

test("F4 R6: listeners that throw stop nothing, the others are told, and the log says so once for each", async () => {
  const engine = await new World().open();
  const { supervisor } = engine;
  supervisor.onFacts(throwing);
  supervisor.onClient(throwing);
  supervisor.inspect(throwing);
  const told = new Set<string>();
  supervisor.onFacts((facts) => {
    for (const fact of facts) told.add(fact.type);
  });
  supervisor.onClient((view) => void told.add(view.state));
  await acceptAll(engine, notification("1"), notification("2", { key: "node-2" }));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
  expect([...told]).toEqual(
    expect.arrayContaining(["alarm.settled", "client.unlocked", "forwarding", "idle"]),
  );
  expect(engine.logged).toEqual(["listener.failed", "listener.failed", "listener.failed"]);
  expect(engine.failures).toEqual([]);
  const threw = "A listener threw: Error: the listener threw";
  expect(await engine.broken()).toEqual([threw, threw, threw]);
});

test("R6: a client that crashes lives again though a listener throws at it", async () => {
  let isPoison = true;
  const world = new World({
    config: { clients: 1 },
    wrap: (service) => ({
      ...service,
      search(call) {
        if (!isPoison) return service.search(call);
        isPoison = false;
        throw new Error("the search threw");
      },
    }),
  });
  const engine = await world.open();
  engine.supervisor.onClient((view) => {
    if (view.state === "restarting") throwing();
  });
  await acceptAll(engine, notification("1"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
});

test("R6: a client that crashed lives again though it cannot be shown", async () => {
  const journal = await Journal.open(createMemoryLedger(createMemoryStorage()), throwing);
  const logged: string[] = [];
  const revived: string[] = [];
  const crashes = new CrashRecovery({
    journal,
    clock: new ManualClock(),
    log: { info: () => {}, warn: () => {}, error: (event) => void logged.push(event) },
    views: new Map(),
    client: () => undefined,
    show: throwing,
    gone: () => {},
    landed: () => {},
    revive: (child) => void revived.push(child),
  });
  await crashes.crashed({ child: "client-01", cause: "a defect", crashes: 1 }, false);
  expect([revived, logged]).toEqual([["client-01"], ["child.crashed", "crash.unshown"]]);
});

test("R3: an `onBroken` that throws keeps no asker from the reason, and no stop from its end", async () => {
  const world = new World({ more: { onBroken: throwing } });
  const engine = await world.open();
  world.storage.factsMax = world.storage.facts.length;
  await expect(engine.supervisor.raise(notification("1"))).rejects.toMatchObject({
    failure: { code: "LEDGER_SYNC_FAILED" },
  });
  await engine.supervisor.stop();
  expect(engine.logged).toContain("listener.failed");
});

test("R1: a durable fact that cannot be folded breaks the engine loudly, and nothing after it is told", async () => {
  const broken: unknown[] = [];
  const journal = await Journal.open(createMemoryLedger(createMemoryStorage()), (error) =>
    broken.push(error),
  );
  const strange = { stream: "audit", fact: { type: "of.tomorrow", at: 1, body: {} } } as unknown as Entry;
  const failure = { failure: { code: "ENGINE_DEFECT", detail: expect.stringContaining("position 1") } };
  await expect(journal.append([strange])).rejects.toMatchObject(failure);
  await expect(journal.append([])).rejects.toMatchObject(failure);
  await expect(journal.saveSnapshot()).rejects.toMatchObject(failure);
  expect(broken).toMatchObject([failure]);
});

test("R1: so does a part of the engine that throws at one", async () => {
  const broken: unknown[] = [];
  const journal = await Journal.open(createMemoryLedger(createMemoryStorage()), (error) =>
    broken.push(error),
  );
  journal.listen(throwing);
  const failure = {
    failure: { code: "ENGINE_DEFECT", detail: expect.stringContaining("the listener threw") },
  };
  await expect(journal.append([])).rejects.toMatchObject(failure);
  expect(broken).toMatchObject([failure]);
});
