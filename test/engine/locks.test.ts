/** Clients held by hand: laws L1 to L5 without automatic flows. */
import { expect, test } from "vitest";
import { turn, World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, createOf, notification } from "./notifications.ts";

const operator = { by: "operator", reason: "test" };

/** L5: how many clients are in each state. */
function pool(engine: EngineUnderTest) {
  const sum = { idle: 0, locked: 0, restarting: 0, quarantined: 0 };
  for (const { state, lockStatus } of engine.supervisor.snapshot().clients) {
    if (lockStatus === "locked") sum.locked += 1;
    else if (state === "idle" || state === "restarting" || state === "quarantined") sum[state] += 1;
  }
  return sum;
}

test("L1, A3: a flow written by hand locks, searches, forwards and closes, each durable, and the client is idle again", async () => {
  const world = new World({ config: { clients: 2 } });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  expect(engine.supervisor.snapshot().clients[0]).toMatchObject({
    clientId: held.clientId,
    state: "locked",
    lockStatus: "locked",
    lockGuid: held.lockGuid,
    busyStatus: "notBusy",
  });
  expect(pool(engine)).toEqual({ idle: 1, locked: 1, restarting: 0, quarantined: 0 });
  expect(await held.search({ clientReference: "node-1" })).toEqual({
    ok: true,
    value: { tickets: [], truncated: false },
  });
  const made = await held.forward("node-1", createOf("node-1"));
  expect(made).toMatchObject({ ok: true, value: { result: "settled", ticketId: "MEM-1" } });
  expect(await held.search({ clientReference: "node-1" })).toMatchObject({
    value: { tickets: [{ ticketId: "MEM-1" }] },
  });
  expect(await held.close()).toEqual({ ok: true, value: null });
  expect(pool(engine)).toEqual({ idle: 2, locked: 0, restarting: 0, quarantined: 0 });
  const [planned] = await engine.facts("request.planned");
  expect(planned?.body).toMatchObject({ lockGuid: held.lockGuid, rule: "hand", alarms: [] });
  expect(await held.search({})).toMatchObject({ ok: false, failure: { code: "NOT_LOCKED" } });
  expect(await engine.broken()).toEqual([]);
});

test("L1: hands get clients in the order asked, each its own, and one too many waits until LOCK_TIMEOUT", async () => {
  const engine = await new World({ config: { clients: 2 } }).open();
  const [first, second] = await Promise.all([engine.supervisor.lock(), engine.supervisor.lock()]);
  expect([first.clientId, second.clientId]).toEqual(["client-01", "client-02"]);
  const third = engine.supervisor.lock({ timeoutSeconds: 30 });
  const refused = expect(third).rejects.toMatchObject({ failure: { code: "LOCK_TIMEOUT" } });
  await engine.pass(30);
  await refused;
  const fourth = engine.supervisor.lock({ timeoutSeconds: 30 });
  await first.close();
  const got = await fourth;
  expect([got.clientId, got.lockGuid === first.lockGuid]).toEqual(["client-01", false]);
  expect(await engine.broken()).toEqual([]);
});

test("L1: a hand that waits goes before automatic flows that wait", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const first = await engine.supervisor.lock();
  await acceptAll(engine, notification("1"));
  const waiting = engine.supervisor.lock();
  await engine.quiet();
  await first.close();
  const second = await waiting;
  expect(await engine.facts("flow.started")).toHaveLength(0);
  await second.close();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await engine.broken()).toEqual([]);
});

test("L2, L3: after a force unlock the old holder is refused on every command, and the new holder's search stands", async () => {
  const engine = await new World({ config: { clients: 1 } }).open();
  const old = await engine.supervisor.lock();
  const forced = await engine.supervisor.forceUnlock("client-01", { lockGuid: old.lockGuid, ...operator });
  expect(forced).toEqual({ ok: true, value: null });
  const holder = await engine.supervisor.lock();
  const searching = holder.search({ clientReference: "node-1" });
  const code = "STALE_GUID";
  expect(await old.search({ clientReference: "node-1" })).toMatchObject({ ok: false, failure: { code } });
  expect(await old.forward("node-1", createOf("node-1"))).toMatchObject({ ok: false, failure: { code } });
  expect(await old.close()).toMatchObject({ ok: false, failure: { code } });
  expect((await searching).ok).toBe(true);
  expect((await holder.close()).ok).toBe(true);
  const [before, after] = await engine.facts("client.locked");
  expect((after?.body.fence ?? 0) > (before?.body.fence ?? 0)).toBe(true);
  expect(await engine.facts("request.planned")).toEqual([]);
  expect(await engine.broken()).toEqual([]);
});

test("L2: a lock granted after a restart has a higher fence in a new epoch, and the restart ended the old one", async () => {
  const world = new World({ config: { clients: 1 } });
  const first = await world.open();
  await first.supervisor.lock();
  first.kill();
  const second = await world.open();
  expect(second.supervisor.snapshot().clients).toMatchObject([{ state: "idle", lockStatus: "unlocked" }]);
  await second.supervisor.lock();
  const [before, after] = await second.facts("client.locked");
  expect(after?.epoch).not.toBe(before?.epoch);
  expect(await second.broken()).toEqual([]);
});

test("L3: a second command while the first is executed is refused as BUSY_CLIENT and does not disturb it", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSearch = () => ({ hold: gate.promise });
  const held = await engine.supervisor.lock();
  const searching = held.search({ clientReference: "node-1" });
  for (const asked of [held.search({}), held.forward("node-1", createOf("node-1")), held.close()]) {
    // oxlint-disable-next-line no-await-in-loop
    expect(await asked).toMatchObject({ ok: false, failure: { code: "BUSY_CLIENT" } });
  }
  gate.resolve();
  expect((await searching).ok).toBe(true);
  expect((await held.close()).ok).toBe(true);
});

test("L5: a holder that stays silent loses the lock at its deadline, and the next holder works", async () => {
  const engine = await new World({ config: { clients: 1, lockSecondsMax: 300 } }).open();
  const silent = await engine.supervisor.lock();
  await engine.pass(299.999);
  expect(engine.supervisor.snapshot().clients[0]?.lockGuid).toBe(silent.lockGuid);
  await engine.pass(0.001);
  expect(pool(engine)).toEqual({ idle: 1, locked: 0, restarting: 0, quarantined: 0 });
  expect(await engine.facts("client.lockExpired")).toMatchObject([{ body: { lockGuid: silent.lockGuid } }]);
  expect(await silent.search({})).toMatchObject({ ok: false, failure: { code: "NOT_LOCKED" } });
  const next = await engine.supervisor.lock();
  expect((await next.search({ clientReference: "node-1" })).ok).toBe(true);
  await engine.pass(200);
  expect((await next.close()).ok).toBe(true); // the first holder's deadline is not the second's
  await engine.pass(400);
  expect(await engine.facts("client.lockExpired")).toHaveLength(1);
  expect(await engine.broken()).toEqual([]);
});

test("L5: a search under way at the deadline is answered LOCK_EXPIRED, and its late answer touches nobody", async () => {
  const world = new World({ config: { clients: 1, lockSecondsMax: 10 } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSearch = () => ({ hold: gate.promise });
  const held = await engine.supervisor.lock();
  const searching = held.search({ clientReference: "node-1" });
  await engine.pass(10);
  expect(await searching).toMatchObject({ ok: false, failure: { code: "LOCK_EXPIRED" } });
  const next = await engine.supervisor.lock();
  gate.resolve();
  await engine.quiet();
  expect(engine.supervisor.snapshot().clients[0]).toMatchObject({ state: "locked", lockGuid: next.lockGuid });
  expect(await engine.broken()).toEqual([]);
});

test.each([0, 1, 2, 3])(
  "T1: a hand and an automatic flow that want the same key create once, %i turns apart",
  async (apart) => {
    const world = new World({ config: { clients: 2 }, idempotency: "settles" });
    const engine = await world.open();
    const held = await engine.supervisor.lock();
    const accepting = acceptAll(engine, notification("1"));
    // oxlint-disable-next-line no-await-in-loop
    for (let passed = 0; passed < apart; passed += 1) await turn();
    const forwarding = held.forward("node-1", createOf("node-1"));
    await accepting;
    await engine.until(() => engine.supervisor.counters().unsettled === 0);
    await forwarding;
    expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
    expect(await engine.broken()).toEqual([]);
  },
);
