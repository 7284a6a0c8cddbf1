/** The chain's check on a real supervisor: what is probed, what is said, what is left behind. */
import { expect, test } from "vitest";
import { heartbeatReference } from "../../actors/heartbeat.ts";
import { limits } from "../../machines/limits.ts";
import { acceptAll, notification } from "../engine/notifications.ts";
import { beating, unproven } from "./rig.ts";

const states = (rig: Awaited<ReturnType<typeof beating>>) =>
  rig.engine.supervisor.snapshot().clients.map(({ state }) => state);

test("H1: a beat follows a lock, a search that was answered and an unlock, all in the ledger, with one run id", async () => {
  const rig = await beating();
  expect(rig.chain.beats).toMatchObject([
    { kind: "start", text: "" },
    { kind: "success", text: "client-01 locked, searched and unlocked in 0 ms" },
  ]);
  expect(rig.chain.beats[0]?.rid).toBe(rig.chain.beats[1]?.rid);
  const [beat] = await rig.facts("chain");
  const { lockGuid, rid } = beat?.body ?? {};
  expect(beat).toMatchObject({ type: "heartbeat.sent", body: { beat: "success", durationMs: 0 } });
  expect(rid).toBe(rig.chain.beats[0]?.rid);
  const ofProbe = (await rig.engine.history()).filter(
    ({ body, type }) => type !== "heartbeat.sent" && JSON.stringify(body).includes(String(lockGuid)),
  );
  expect(ofProbe.map(({ type }) => type)).toEqual(["client.locked", "response.row", "client.unlocked"]);
  expect(ofProbe[0]?.body).toMatchObject({ by: "hand" });
  expect(ofProbe[1]?.body).toMatchObject({
    row: { key: heartbeatReference, command: "search", status: "ok" },
  });
  expect(states(rig)).toEqual(["idle", "idle"]);
  expect(await rig.broken()).toEqual([]);
});

test("H1: each period one probe and one beat, whatever else goes on", async () => {
  const rig = await beating();
  await acceptAll(rig.engine, notification("1"));
  await rig.engine.pass(3_600);
  expect(rig.kinds("chain").filter((kind) => kind === "success")).toHaveLength(13);
  expect(rig.chain.beats.filter(({ kind }) => kind === "start").map(({ atMs }) => atMs)).toEqual(
    Array.from({ length: 13 }, (_, run) => run * 300_000),
  );
  expect(rig.engine.supervisor.snapshot().heartbeat).toMatchObject({
    chain: { success: 13, fail: 0, notTaken: 0, dropped: 0, lastOkAt: rig.world.clock.now() },
    engine: null,
  });
  expect(await rig.broken()).toEqual([]);
});

test("the search of a service that is down fails: the beat says why, the client is unlocked, the last success stays", async () => {
  const rig = await beating();
  const okAt = rig.world.clock.now();
  rig.world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "connect ECONNREFUSED", permanent: false },
  });
  await rig.engine.pass(300);
  expect(rig.chain.beats.slice(2)).toMatchObject([
    { kind: "start" },
    { kind: "fail", text: "The search through client-02 failed: connect ECONNREFUSED (UNREACHABLE)" },
  ]);
  expect(states(rig)).toEqual(["idle", "idle"]);
  expect(rig.engine.supervisor.snapshot().heartbeat.chain).toMatchObject({
    lastOkAt: okAt,
    lastSentAt: rig.world.clock.now(),
    lastFailure: { beat: "fail", failure: null },
  });
  rig.world.onSearch = () => undefined;
  await rig.engine.pass(300);
  expect(rig.kinds("chain").at(-1)).toBe("success");
  expect(await rig.broken()).toEqual([]);
});

test("a pool held by hand: the probe waits half a minute, says so, and takes nothing from the holders", async () => {
  const rig = await beating();
  await rig.engine.pass(200);
  const held = await Promise.all([rig.engine.supervisor.lock(), rig.engine.supervisor.lock()]);
  await rig.engine.pass(100 + limits.heartbeatLockWaitSeconds - 0.001);
  expect(rig.kinds("chain")).toEqual(["start", "success", "start"]);
  await rig.engine.pass(0.001);
  expect(rig.chain.beats.at(-1)).toMatchObject({
    kind: "fail",
    text: "No client could be locked: No Ticket Client became idle within 30 s; raise `clients` or wait longer. (LOCK_TIMEOUT)",
  });
  expect((await rig.facts("chain")).at(-1)?.body).toMatchObject({ lockGuid: null, durationMs: 30_000 });
  expect(await Promise.all(held.map((one) => one.close()))).toMatchObject([{ ok: true }, { ok: true }]);
  expect(await rig.broken()).toEqual([]);
});

test("a probe goes before waiting automatic flows, and they go on after it", async () => {
  const rig = await beating(["chain"], { config: { clients: 1 } });
  await rig.engine.pass(299);
  const held = await rig.engine.supervisor.lock();
  await acceptAll(rig.engine, notification("1"));
  await rig.engine.pass(1);
  await held.close();
  await rig.engine.quiet();
  expect(rig.kinds("chain").at(-1)).toBe("success");
  await rig.engine.settled();
  const order = (await rig.engine.history()).map(({ type }) => type);
  expect(order.lastIndexOf("heartbeat.sent")).toBeGreaterThan(0);
  expect(order.indexOf("flow.started")).toBeGreaterThan(order.lastIndexOf("client.locked") - 2);
  expect(await rig.engine.outcomes()).toEqual({ 1: "created" });
  expect(await rig.broken()).toEqual([]);
});

test("L6: a search without end is given up after two minutes and its client taken back, by name and reason", async () => {
  const rig = await beating();
  rig.world.onSearch = () => ({ hold: new Promise(() => {}) });
  await rig.engine.pass(300 + limits.heartbeatProbeSecondsMax - 0.001);
  expect(rig.kinds("chain")).toEqual(["start", "success", "start"]);
  await rig.engine.pass(0.001);
  expect(rig.chain.beats.at(-1)).toMatchObject({
    kind: "fail",
    text: "The search through client-02 was not over: no end within 120 s",
  });
  expect(await rig.engine.facts("client.lockForced")).toMatchObject([
    {
      body: {
        clientId: "client-02",
        by: "heartbeat",
        reason: "The probe was given up: no end within 120 s.",
      },
    },
  ]);
  expect(states(rig)).toEqual(["idle", "idle"]);
  rig.world.onSearch = () => undefined;
  await rig.engine.pass(300);
  expect(rig.kinds("chain").at(-1)).toBe("success");
  expect(await rig.broken()).toEqual([]);
});

test("R6: a client that crashes under the probe is a failed probe, not a silent one", async () => {
  let poison = false;
  const rig = await beating(["chain"], {
    wrap: (service) => ({
      ...service,
      search(call) {
        if (poison) throw new Error("the search threw");
        return service.search(call);
      },
    }),
  });
  poison = true;
  await rig.engine.pass(300);
  poison = false;
  await rig.engine.pass(limits.heartbeatProbeSecondsMax);
  expect(rig.kinds("chain").at(-1)).toBe("fail");
  expect(states(rig)).toEqual(["idle", "idle"]);
  await rig.engine.pass(300);
  expect(rig.kinds("chain").at(-1)).toBe("success");
  expect(await rig.broken()).toEqual([]);
});

test("H1: an operator who takes the client from the probe makes it a failure", async () => {
  const rig = await beating();
  const gate = Promise.withResolvers<void>();
  rig.world.onSearch = () => ({ hold: gate.promise });
  await rig.engine.pass(300);
  const view = rig.engine.supervisor.snapshot().clients.find(({ state }) => state === "searching");
  const force = { lockGuid: view?.lockGuid ?? "", by: "ann", reason: "test" };
  expect(await rig.engine.supervisor.forceUnlock(view?.clientId ?? "", force)).toMatchObject({ ok: true });
  gate.resolve();
  await rig.engine.quiet();
  expect(rig.chain.beats.at(-1)).toMatchObject({ kind: "fail" });
  expect(rig.chain.beats.at(-1)?.text).toContain("(LOCK_EXPIRED)");
  expect(await rig.broken()).toEqual([]);
});

test("H1: a search that worked is no success while the unlock is not the probe's own", async () => {
  const rig = await beating();
  const { supervisor } = rig.engine;
  const forced: unknown[] = [];
  supervisor.onClient(({ state, clientId, lockGuid }) => {
    if (state !== "closing" || lockGuid === null || forced.length > 0) return;
    forced.push(null);
    void supervisor
      .forceUnlock(clientId, { lockGuid, by: "ann", reason: "test" })
      .then((told) => (forced[0] = told));
  });
  await rig.engine.pass(300);
  expect(forced).toMatchObject([{ ok: true }]);
  expect(rig.chain.beats.at(-1)?.kind).toBe("fail");
  expect(rig.chain.beats.at(-1)?.text).toMatch(/^client-0\d could not be unlocked: /);
  expect(await rig.broken()).toEqual([]);
});

test("R2: after a death in the midst of a probe the engine beats again, and remembers what was sent", async () => {
  const rig = await beating();
  rig.world.onSearch = () => ({ hold: new Promise(() => {}) });
  await rig.engine.pass(300);
  rig.engine.kill();
  rig.world.onSearch = () => undefined;
  const second = await rig.reopen();
  await second.quiet();
  expect(second.supervisor.snapshot().heartbeat.chain).toMatchObject({ success: 2, fail: 0 });
  expect(await second.broken()).toEqual([]);
  expect(unproven(await second.history())).toEqual([]);
});

test("the reader of H1 tells a beat that speaks for nothing", async () => {
  const rig = await beating();
  const history = await rig.engine.history();
  for (const missing of ["client.locked", "response.row", "client.unlocked"]) {
    expect(unproven(history.filter(({ type }) => type !== missing))).toHaveLength(1);
  }
  const beat = history.find(({ type }) => type === "heartbeat.sent");
  expect(unproven([...history, ...(beat === undefined ? [] : [beat])])).toHaveLength(1);
});
