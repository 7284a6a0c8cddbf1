/** Operators who force a client in every state of an automatic flow: laws L4 and L6. */
import { expect, test } from "vitest";
import type { ClientView } from "../../actors/supervisor.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import type { ClientStateName } from "../../machines/vocabulary.ts";
import { turn, World, type EngineUnderTest, type WorldOptions } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";
import { slowToTell } from "./slow-ledger.ts";

const operator = { by: "operator", reason: "it hangs" };

function clientOf(engine: EngineUnderTest, clientId = "client-01"): ClientView {
  const view = engine.supervisor.snapshot().clients.find((one) => one.clientId === clientId);
  if (view === undefined) throw new Error(`no ${clientId}`);
  return view;
}

/** A flow of node-1 on client-01 that stands in `searching` until `gate` is resolved. */
async function searching(options: WorldOptions = {}) {
  const world = new World({ ...options, config: { clients: 1, ...options.config } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSearch = ({ clientId }) => (clientId === "client-01" ? { hold: gate.promise } : undefined);
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const view = clientOf(engine);
  expect(view.state).toBe("searching");
  return { world, engine, gate, view, lockGuid: view.lockGuid ?? "" };
}

/** A flow of node-1 on client-01 that stands in `forwarding` while its create is being sent. */
async function sending(options: WorldOptions = {}) {
  const world = new World({ ...options, config: { clients: 2, ...options.config } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSend = () => ({ hold: gate.promise });
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const view = clientOf(engine);
  expect([view.state, engine.supervisor.snapshot().gateway.inFlight.length]).toEqual(["forwarding", 1]);
  return { world, engine, gate, view, lockGuid: view.lockGuid ?? "" };
}

/** As `sending` for node-0, and behind it node-1 on client-02 with its create queued at the gateway. */
async function queued(options: WorldOptions = {}) {
  const world = new World({ ...options, config: { clients: 2, ...options.config } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSend = ({ request }) => (request.key === "node-0" ? { hold: gate.promise } : undefined);
  await acceptAll(engine, notification("0", { key: "node-0" }), notification("1"));
  await engine.quiet();
  const view = clientOf(engine, "client-02");
  expect(view.state).toBe("forwarding");
  return { world, engine, gate, view, lockGuid: view.lockGuid ?? "" };
}

test("L6: forcing an idle client or an unknown one is refused and leaves no fact", async () => {
  const engine = await new World({ config: { clients: 1 } }).open();
  const { position } = engine.supervisor.state;
  for (const force of ["forceUnlock", "forceNotBusy"] as const) {
    // oxlint-disable-next-line no-await-in-loop
    const idle = await engine.supervisor[force]("client-01", { lockGuid: "id-0", ...operator });
    expect(idle).toMatchObject({ ok: false, failure: { code: "NOT_LOCKED" } });
    // oxlint-disable-next-line no-await-in-loop
    const unknown = await engine.supervisor[force]("client-99", { lockGuid: "id-0", ...operator });
    expect(unknown).toMatchObject({ ok: false, failure: { code: "UNKNOWN_CLIENT" } });
  }
  expect(engine.supervisor.state.position).toBe(position);
});

test("L6: a force that names an old GUID never releases the newer lock", async () => {
  const engine = await new World({ config: { clients: 1 } }).open();
  const first = await engine.supervisor.lock();
  await first.close();
  const second = await engine.supervisor.lock();
  for (const force of ["forceUnlock", "forceNotBusy"] as const) {
    // oxlint-disable-next-line no-await-in-loop
    const told = await engine.supervisor[force]("client-01", { lockGuid: first.lockGuid, ...operator });
    expect(told).toMatchObject({ ok: false, failure: { code: "STALE_GUID" } });
  }
  expect(await first.search({})).toMatchObject({ ok: false, failure: { code: "STALE_GUID" } });
  expect(engine.supervisor.counters().commandsRefused, "L3: refused, counted").toBe(3);
  expect(clientOf(engine).lockGuid).toBe(second.lockGuid);
});

test("L6: a lock that ends while the force is on its way to the disk is not forced, nor is the next one", async () => {
  const engine = await new World({ config: { clients: 1 } }).open();
  const first = await engine.supervisor.lock();
  const next = engine.supervisor.lock();
  const closing = first.close();
  const forced = await engine.supervisor.forceUnlock("client-01", { lockGuid: first.lockGuid, ...operator });
  expect(forced.ok).toBe(false);
  expect((await closing).ok).toBe(true);
  const second = await next;
  expect(clientOf(engine).lockGuid).toBe(second.lockGuid);
  expect((await second.search({})).ok).toBe(true);
  expect(await engine.broken()).toEqual([]);
});

test("L3: a close that comes while a force of its lock is on its way to the disk records nothing", async () => {
  const told = Promise.withResolvers<void>();
  const storage = createMemoryStorage();
  const world = new World({
    config: { clients: 1 },
    openLedger: () =>
      Promise.resolve(
        slowToTell(createMemoryLedger(storage), ({ facts }) =>
          facts.some(({ fact }) => fact.type === "client.lockForced") ? told.promise : null,
        ),
      ),
  });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  const forced = engine.supervisor.forceUnlock("client-01", { lockGuid: held.lockGuid, ...operator });
  await turn();
  const closing = held.close();
  await turn();
  told.resolve();
  expect(await forced).toMatchObject({ ok: true });
  expect((await closing).ok).toBe(false);
  await engine.quiet();
  expect(await engine.facts("client.unlocked")).toEqual([]);
  expect(clientOf(engine)).toMatchObject({ state: "idle", lockStatus: "unlocked" });
  expect(await engine.broken()).toEqual([]);
});

test("L6: a client locked by hand is freed by force, once; the second time there is nothing to force", async () => {
  const engine = await new World({ config: { clients: 1 } }).open();
  const held = await engine.supervisor.lock();
  const force = { lockGuid: held.lockGuid, ...operator };
  expect(await engine.supervisor.forceNotBusy("client-01", force)).toMatchObject({
    failure: { code: "NOT_BUSY" },
  });
  const both = await Promise.all([
    engine.supervisor.forceUnlock("client-01", force),
    engine.supervisor.forceUnlock("client-01", force),
  ]);
  expect(both.map((one) => one.ok)).toEqual([true, false]);
  expect(clientOf(engine)).toMatchObject({ state: "idle", lockStatus: "unlocked" });
  expect(await engine.supervisor.forceUnlock("client-01", force)).toMatchObject({
    failure: { code: "NOT_LOCKED" },
  });
  expect(await engine.facts("client.lockForced")).toMatchObject([
    { body: { lockGuid: held.lockGuid, ...operator } },
  ]);
  expect(await engine.broken()).toEqual([]);
});

test("L4: force unlock while searching frees the client, aborts the alarm, and the late answer is ignored", async () => {
  const { world, engine, gate, lockGuid } = await searching();
  expect(await engine.supervisor.forceUnlock("client-01", { lockGuid, ...operator })).toEqual({
    ok: true,
    value: null,
  });
  expect(clientOf(engine).state).toBe("idle");
  world.onSearch = () => undefined;
  gate.resolve();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "aborted" });
  expect(await engine.because("1")).toContain("it hangs");
  await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "aborted", 2: "created" });
  expect(await engine.broken()).toEqual([]);
});

test("L4: force not busy while searching counts the search as failed; the flow keeps its lock and tries again", async () => {
  const { world, engine, gate, lockGuid } = await searching();
  expect(await engine.supervisor.forceNotBusy("client-01", { lockGuid, ...operator })).toEqual({
    ok: true,
    value: null,
  });
  expect(clientOf(engine)).toMatchObject({ state: "locked", busyStatus: "notBusy", lockGuid });
  world.onSearch = () => undefined;
  gate.resolve();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await engine.facts("client.notBusyForced")).toMatchObject([{ body: { lockGuid, ...operator } }]);
  expect(await engine.broken()).toEqual([]);
});

test.each(["forceUnlock", "forceNotBusy"] as const)(
  "L4: %s of a request still queued cancels it in one commit; nothing is sent",
  async (force) => {
    const { world, engine, gate, lockGuid } = await queued();
    expect(await engine.supervisor[force]("client-02", { lockGuid, ...operator })).toEqual({
      ok: true,
      value: null,
    });
    expect(clientOf(engine, "client-02").busyStatus).toBe("notBusy");
    const commit = world.storage.facts.slice(-6).map(({ type }) => type);
    expect(commit).toContain("request.settled");
    gate.resolve();
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 0: "created", 1: "aborted" });
    expect((await engine.facts("request.sending")).map(({ body }) => body.key)).toEqual(["node-0"]);
    expect(world.service.truth().creates).toBe(1);
    expect(await engine.broken()).toEqual([]);
  },
);

test.each(["forceUnlock", "forceNotBusy"] as const)(
  "L4: %s while a request is being sent frees the client, not the key; its answer settles the alarm",
  async (force) => {
    const { world, engine, gate, lockGuid } = await sending();
    expect(await engine.supervisor[force]("client-01", { lockGuid, ...operator })).toEqual({
      ok: true,
      value: null,
    });
    await engine.quiet();
    expect(clientOf(engine)).toMatchObject({ state: "idle", lockStatus: "unlocked" });
    // Nothing else of the key starts meanwhile, though both clients are free; another key does.
    await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
    await engine.pass(20);
    expect(await engine.facts("flow.started")).toHaveLength(1);
    expect(engine.supervisor.counters().settled).toBe(0);
    world.onSend = () => undefined;
    gate.resolve();
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
    expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
    expect(await engine.broken()).toEqual([]);
  },
);

test("L4: the lock deadline while a request is being sent frees the client; the answer that comes later settles the alarm", async () => {
  const { engine, gate } = await sending({ config: { lockSecondsMax: 10 } });
  await engine.pass(10);
  expect(clientOf(engine).state).toBe("idle");
  expect(await engine.facts("client.lockExpired")).toHaveLength(1);
  const next = await engine.supervisor.lock();
  expect((await next.search({ clientReference: "node-1" })).ok).toBe(true);
  await next.close();
  gate.resolve();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await engine.broken()).toEqual([]);
});

test("L4: the lock deadline of a queued request cancels it, and its alarm is decided again", async () => {
  const { world, engine, gate } = await queued({ config: { lockSecondsMax: 10 } });
  await engine.pass(10);
  world.onSend = () => undefined;
  gate.resolve();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 0: "created", 1: "created" });
  const results = (await engine.facts("request.settled")).map(({ body }) => body.result);
  expect(results.toSorted()).toEqual(["cancelled", "ok", "ok"]);
  expect(world.service.truth()).toMatchObject({ creates: 2, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("L4: the lock deadline while searching ends the flow, and its alarm is decided again by a new one", async () => {
  const { world, engine } = await searching({ config: { lockSecondsMax: 10 } });
  await engine.pass(9);
  world.onSearch = () => undefined;
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect((await engine.facts("flow.ended")).map(({ body }) => body.result)).toEqual(["expired", "settled"]);
  expect(await engine.broken()).toEqual([]);
});

/** Runs one flow turn by turn and forces its client when it is in `state` for the `nth` turn. */
async function forceIn(state: ClientStateName, nth: number, force: "forceUnlock" | "forceNotBusy") {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  let left = nth;
  const forcing: Promise<unknown>[] = [];
  engine.supervisor.onClient((view) => {
    if (view.state !== state || forcing.length > 0) return;
    left -= 1;
    if (left > 0) return;
    forcing.push(engine.supervisor[force]("client-01", { lockGuid: view.lockGuid ?? "", ...operator }));
  });
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.counters().unsettled === 0);
  await Promise.all(forcing);
  await engine.quiet();
  return { world, engine, hit: forcing.length > 0 };
}

test.each(
  (["locked", "searching", "forwarding", "closing"] as const).flatMap((state) =>
    (["forceUnlock", "forceNotBusy"] as const).flatMap((force) =>
      [1, 2, 3].map((nth) => ({ state, force, nth })),
    ),
  ),
)(
  "L4, L6: $force at entry $nth of $state leaves one outcome, a free client and a truth that fits",
  async ({ state, nth, force }) => {
    const { world, engine, hit } = await forceIn(state, nth, force);
    const outcome = (await engine.outcomes())["1"];
    expect(["created", "aborted"]).toContain(outcome);
    expect(world.service.truth()).toMatchObject(
      outcome === "created" ? { creates: 1, open: 1 } : { creates: 0 },
    );
    expect(clientOf(engine)).toMatchObject({ state: "idle", lockStatus: "unlocked" });
    if (nth === 1) expect(hit).toBe(true);
    expect(await engine.broken()).toEqual([]);
  },
);

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  "L4, L6: force unlock %i turns after the acceptance leaves one outcome and a truth that fits",
  async (turns) => {
    const world = new World({ config: { clients: 1 } });
    const engine = await world.open();
    await acceptAll(engine, notification("1"));
    // oxlint-disable-next-line no-await-in-loop
    for (let passed = 0; passed < turns; passed += 1) await turn();
    const { lockGuid } = clientOf(engine);
    const force = { lockGuid: lockGuid ?? "none", ...operator };
    await Promise.all([
      engine.supervisor.forceUnlock("client-01", force),
      engine.supervisor.forceUnlock("client-01", force),
    ]);
    await engine.settled();
    const outcome = (await engine.outcomes())["1"];
    expect(world.service.truth()).toMatchObject(
      outcome === "aborted" ? { creates: 0 } : { creates: 1, open: 1 },
    );
    expect((await engine.facts("client.lockForced")).length).toBeLessThan(2);
    expect(await engine.broken()).toEqual([]);
  },
);

test("L1 A2: forced not busy while its answer comes in: the lock ends with the flow, and the key goes on", async () => {
  const told = Promise.withResolvers<void>();
  const storage = createMemoryStorage();
  const { world, engine, gate, lockGuid } = await sending({
    openLedger: () =>
      Promise.resolve(
        slowToTell(createMemoryLedger(storage), ({ facts }) =>
          facts.some(({ fact }) => fact.type === "client.notBusyForced") ? told.promise : null,
        ),
      ),
  });
  const forced = engine.supervisor.forceNotBusy("client-01", { lockGuid, ...operator });
  await turn();
  gate.resolve();
  while (clientOf(engine).state !== "closing") await turn();
  told.resolve();
  expect(await forced).toMatchObject({ ok: true });
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect([...engine.supervisor.state.clients.values()].map((one) => one.lock)).toEqual([null]);
  expect(engine.supervisor.state.keys.get("node-1")?.flow).toBeNull();
  world.onSend = () => undefined;
  await acceptAll(engine, notification("2", { severity: "critical", kind: "change" }));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "updated" });
  expect(await engine.broken()).toEqual([]);
});

test("L6: forced not busy together with a force unlock: nothing is recorded under the lock that has ended", async () => {
  const { engine, gate, lockGuid } = await sending();
  const [unlocked, notBusy] = await Promise.all([
    engine.supervisor.forceUnlock("client-01", { lockGuid, ...operator }),
    engine.supervisor.forceNotBusy("client-01", { lockGuid, ...operator }),
  ]);
  expect(unlocked).toMatchObject({ ok: true });
  expect(notBusy).toMatchObject({ ok: false, failure: { code: "STALE_GUID" } });
  expect(await engine.facts("client.notBusyForced")).toEqual([]);
  gate.resolve();
  await engine.settled();
  expect(await engine.broken()).toEqual([]);
});
