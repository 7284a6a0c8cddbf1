/** A process that stood still (SIGSTOP): when it goes on, answers may be handled before the deadline's timer. */
import { expect, test } from "vitest";
import type { Batch } from "../../actors/ports.ts";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { LockDeadlines } from "../../actors/lock-deadlines.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { turn, World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, createOf, notification } from "./notifications.ts";
import { slowToTell } from "./slow-ledger.ts";

const lockSecondsMax = 10;
const pastMs = lockSecondsMax * 1_000 + 1;

/** L3: what began to be sent under a lock whose deadline was past. */
async function sentTooLate(engine: EngineUnderTest): Promise<unknown[]> {
  const deadlines = new Map(
    (await engine.facts("client.locked")).map(({ body }) => [body.lockGuid, body.deadlineAt]),
  );
  const sendings = await engine.facts("request.sending");
  return sendings.filter(({ at, body }) => at >= (deadlines.get(body.lockGuid) ?? 0));
}

/** How the first lock ended. */
async function firstEnd(engine: EngineUnderTest): Promise<string | undefined> {
  return (await engine.history()).find(({ type }) => /^client\.(unlocked|lockExpired|lockForced)$/.test(type))
    ?.type;
}

test("L3 L5: a lock ends when it was granted to end, however late its deadline is armed: the process stood still between", () => {
  const clock = new ManualClock();
  const deadlines = new LockDeadlines(clock);
  let expired = 0;
  clock.pause(4_000);
  deadlines.arm("client-01", "guid-1", 3_000, () => (expired += 1));
  expect(deadlines.endIfOver("client-01", "guid-1")).toBe(true);
  expect(expired).toBe(1);
  deadlines.arm("client-01", "guid-2", 4_500, () => (expired += 1));
  clock.advance(499);
  expect(deadlines.endIfOver("client-01", "guid-2")).toBe(false);
  clock.advance(1);
  expect(expired).toBe(2);
});

test("L3 T1: a search answered after the deadline, before its timer, is not used: the lock ends, the alarm is decided anew", async () => {
  const world = new World({ config: { clients: 1, lockSecondsMax } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSearch = () => ({ hold: gate.promise });
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  expect(engine.supervisor.snapshot().clients[0]?.state).toBe("searching");
  world.clock.pause(pastMs);
  gate.resolve();
  await engine.settled();
  expect(await firstEnd(engine)).toBe("client.lockExpired");
  expect(await sentTooLate(engine)).toEqual([]);
  expect(await engine.facts("client.locked")).toHaveLength(2);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("L3 A2: a create answered after the deadline settles its request, and the lock has ended all the same", async () => {
  const world = new World({ config: { clients: 1, lockSecondsMax } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSend = () => ({ hold: gate.promise });
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  expect(engine.supervisor.snapshot().clients[0]?.state).toBe("forwarding");
  world.clock.pause(pastMs);
  gate.resolve();
  await engine.settled();
  expect(await firstEnd(engine)).toBe("client.lockExpired");
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("L3 L4: a request that waits in line past its lock's deadline is cancelled, not sent when its turn comes", async () => {
  const world = new World({ config: { clients: 2, lockSecondsMax } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSend = () => ({ hold: gate.promise });
  await acceptAll(engine, notification("1", { key: "node-1" }), notification("2", { key: "node-2" }));
  await engine.quiet();
  expect(engine.supervisor.snapshot().clients.map(({ state }) => state)).toEqual([
    "forwarding",
    "forwarding",
  ]);
  expect(world.sends).toBe(1);
  world.clock.pause(pastMs);
  gate.resolve();
  await engine.settled();
  expect(await engine.facts("client.lockExpired")).toHaveLength(2);
  expect(await sentTooLate(engine)).toEqual([]);
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
  expect(world.service.truth()).toMatchObject({ creates: 2, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("L3: a holder by hand that was paused past its deadline is refused, before the timer fires", async () => {
  const world = new World({ config: { clients: 1, lockSecondsMax } });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  world.clock.pause(pastMs);
  expect((await held.forward("node-1", createOf("node-1"))).ok).toBe(false);
  await engine.settled();
  expect(await engine.facts("request.planned")).toEqual([]);
  expect(await firstEnd(engine)).toBe("client.lockExpired");
  expect(await engine.broken()).toEqual([]);
});

test("L5 R5: the deadline counts from when the lock was made, however long its commit took", async () => {
  const gate = Promise.withResolvers<void>();
  const world = new World({ config: { clients: 1, lockSecondsMax } });
  const engine = await world.open({
    openLedger: () => {
      const ledger = createMemoryLedger(world.storage);
      const isLock = ({ facts }: Batch) => facts.some(({ fact }) => fact.type === "client.locked");
      return Promise.resolve(slowToTell(ledger, (batch) => (isLock(batch) ? gate.promise : null)));
    },
  });
  const locking = engine.supervisor.lock();
  await turn();
  world.clock.advance(4_000);
  gate.resolve();
  await locking;
  await engine.pass(5.999);
  expect(await engine.facts("client.lockExpired")).toEqual([]);
  await engine.pass(0.001);
  expect(await engine.facts("client.lockExpired")).toHaveLength(1);
});
