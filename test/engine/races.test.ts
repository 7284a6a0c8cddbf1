/** What happens in the same turn of the event loop: forces, async results, crashes and flows by hand that race. */
import { expect, test } from "vitest";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import { ack, asyncWorld, result } from "./async-world.ts";
import { turn, World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, notification, oneByOne } from "./notifications.ts";

const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;
const operator = { by: "operator", reason: "test" };
async function rowsOf(engine: EngineUnderTest, requestId: string) {
  const rows = await engine.facts("response.row");
  return rows
    .map(({ body }) => body.row)
    .filter((row) => row.requestId === requestId && "asyncStatus" in row && row.asyncStatus !== null)
    .map((row) => row.asyncStatus);
}
function createOf(key: string): RequestPayload {
  return {
    command: "create",
    kind: "MO",
    clientReference: key,
    networkElements: [key],
    severity: "major",
    summary: "by hand",
    startAt: 0,
    alarmRefs: [],
  };
}

test("A5, L4: a hand's request that races with an automatic flow of its key stays the hand's, or is refused KEY_BUSY", async () => {
  const world = new World({ config: { clients: 3 }, idempotency: "settles" });
  const engine = await world.open();
  const [other, held] = await Promise.all([engine.supervisor.lock(), engine.supervisor.lock()]);
  const gate = Promise.withResolvers<void>();
  world.onSend = ({ request }) => (request.key === "node-0" ? { hold: gate.promise } : undefined);
  void other.forward("node-0", createOf("node-0"));
  await engine.quiet();
  const accepting = acceptAll(engine, notification("1"));
  await turn(); // the alarm is durable and its flow's start on the way to the disk
  let told: unknown = null;
  void held.forward("node-1", createOf("node-1")).then((answer) => (told = answer));
  await accepting;
  await engine.quiet();
  gate.resolve();
  await engine.until(() => engine.supervisor.counters().unsettled === 0);
  expect(told).not.toBeNull();
  expect(await engine.facts("request.planned")).toHaveLength(2);
  expect((await engine.facts("flow.decided")).map(({ body }) => body.decision)).not.toContain("resend");
  expect(await engine.broken()).toEqual([]);
});

test("L4: a hand's request still queued when its lock expires is cancelled, and its key goes on", async () => {
  const world = new World({ config: { clients: 3, lockSecondsMax: 10 }, row: { timeoutSeconds: 60 } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSend = ({ request }) => (request.key === "node-0" ? { hold: gate.promise } : undefined);
  const [first, second] = await Promise.all([engine.supervisor.lock(), engine.supervisor.lock()]);
  void first.forward("node-0", createOf("node-0"));
  await engine.quiet();
  const queued = second.forward("node-1", createOf("node-1"));
  await engine.pass(10);
  expect(await queued).toMatchObject({ ok: false, failure: { code: "LOCK_EXPIRED" } });
  gate.resolve();
  await engine.quiet();
  expect((await engine.facts("request.settled")).map(({ body }) => [body.key, body.result])).toEqual([
    ["node-1", "cancelled"],
    ["node-0", "ok"],
  ]);
  await acceptAll(engine, notification("1"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await engine.broken()).toEqual([]);
});

test.each(["forceUnlock", "forceNotBusy"] as const)(
  "L4: %s cancels a hand's request still queued, and its key goes on",
  async (force) => {
    const world = new World({ config: { clients: 3 } });
    const engine = await world.open();
    const gate = Promise.withResolvers<void>();
    world.onSend = ({ request }) => (request.key === "node-0" ? { hold: gate.promise } : undefined);
    const [first, second] = await Promise.all([engine.supervisor.lock(), engine.supervisor.lock()]);
    void first.forward("node-0", createOf("node-0"));
    await engine.quiet();
    void second.forward("node-1", createOf("node-1"));
    await engine.quiet();
    await engine.supervisor[force](second.clientId, { lockGuid: second.lockGuid, ...operator });
    gate.resolve();
    await engine.quiet();
    await acceptAll(engine, notification("1"));
    await engine.until(() => engine.supervisor.counters().unsettled === 0);
    expect(await engine.outcomes()).toEqual({ 1: "created" });
    expect(world.service.truth()).toMatchObject({ creates: 2 });
    expect(await engine.broken()).toEqual([]);
  },
);

test("R1: a lock that was not granted leaves no trace in the live state", async () => {
  const world = new World({ config: { clients: 3 } });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "down", permanent: false },
  });
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.snapshot().queue.parked === 1);
  // A row of the hand's search moves node-1 on, in the very turn in which its flow asks for client-03.
  await held.search({ clientReference: "node-1" });
  world.onSearch = () => undefined;
  world.clock.advance(1_000);
  await engine.until(() => engine.supervisor.counters().unsettled === 0);
  expect(await engine.broken()).toEqual([]);
});
test("A2, G5: OK after the alarm was settled as unknown supersedes it by a fact that names the old outcome", async () => {
  const { world, engine, sent } = await asyncWorld({ idempotency: "none" });
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { applied: false, answer: ack };
  };
  await oneByOne(engine, notification("1"));
  expect(await engine.outcomes()).toEqual({ 1: "unknown" });
  await engine.supervisor.deliverAsync(result(sent[0] ?? "", { ticketId: "OSB-9" }));
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(engine.supervisor.counters()).toMatchObject({ settled: 1, outcomes: { unknown: 0, created: 1 } });
  expect(await engine.supervisor.explain({ source: "urn:test", id: "1" })).toMatchObject({
    outcome: "created",
    ticketId: "OSB-9",
  });
  expect(await rowsOf(engine, sent[0] ?? "")).toContain("late");
  expect(await engine.broken()).toEqual([]);
});

test("A2, G5: a result that arrives in the turn in which its request is given up leads to one outcome", async () => {
  const { world, engine, sent } = await asyncWorld({ idempotency: "none" });
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { applied: false, answer: reset };
  };
  await acceptAll(engine, notification("1"));
  await engine.pass(119);
  // The second look-up is the last: its search by key finds nothing, in the very turn in which the result comes.
  const gate = Promise.withResolvers<void>();
  world.onSearch = ({ criteria }) =>
    criteria.requestedBy === undefined ? { hold: gate.promise } : undefined;
  await engine.pass(1);
  expect(engine.supervisor.snapshot().clients.filter((one) => one.state === "searching")).toHaveLength(1);
  const delivered = engine.supervisor.deliverAsync(result(sent[0] ?? "", { ticketId: "OSB-9" }));
  gate.resolve();
  await delivered;
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(engine.supervisor.counters()).toMatchObject({ accepted: 1, settled: 1, unsettled: 0 });
  expect(await engine.broken()).toEqual([]);
});
test("R6, G2: a send that throws instead of answering is a FAULT: that request is in doubt, the queued ones go on, and no client hangs", async () => {
  let poison = true;
  const world = new World({
    config: { clients: 4 },
    wrap: (service) => ({
      ...service,
      async send(call) {
        const answer = await service.send(call);
        if (poison) throw new Error("the send threw");
        return answer;
      },
    }),
  });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSend = () => ({ hold: gate.promise });
  const keys = ["node-1", "node-2", "node-3"];
  await acceptAll(engine, ...keys.map((key) => notification(key, { key })));
  await engine.quiet();
  world.onSend = () => {
    poison = false;
    return undefined;
  };
  gate.resolve();
  await engine.settled(60);
  const rows = (await engine.facts("response.row")).map(({ body }) => body.row);
  expect(rows.filter(({ code }) => code === "FAULT")).toMatchObject([{ status: "inDoubt" }]);
  expect(engine.supervisor.counters().outcomes).toEqual({ created: 3 });
  expect(world.service.truth()).toMatchObject({ creates: 3, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});
test("explain: an alarm behind one that is parked says what its key waits for", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "connection refused", permanent: false },
  });
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.snapshot().queue.parked === 1);
  await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
  expect(await engine.because("2")).toContain("connection refused");
});

test.each([0, 2, 4, 8, 12, 16, 24])(
  "G1: a request that comes while a crashed gateway is being restarted (%i microtasks on) does not get a gateway of its own",
  async (later) => {
    let poison = true;
    const world = new World({
      config: { clients: 4 },
      wrap: (service) => ({
        ...service,
        async send(call) {
          const answer = await service.send(call);
          if (poison) throw new Error("the send threw");
          return answer;
        },
      }),
    });
    const engine = await world.open();
    const crash = Promise.withResolvers<void>();
    const slow = Promise.withResolvers<void>();
    const after = async () => {
      await crash.promise;
      // oxlint-disable-next-line no-await-in-loop
      for (let passed = 0; passed < later; passed += 1) await Promise.resolve();
    };
    world.onSend = () => ({ hold: crash.promise });
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    world.onSearch = ({ criteria }) =>
      criteria.clientReference === "node-2" ? { hold: after() } : undefined;
    await acceptAll(engine, notification("2", { key: "node-2" }));
    await engine.quiet();
    world.onSend = () => {
      poison = false;
      return { hold: slow.promise };
    };
    // The gateway crashes and, in the same turn, node-2's search ends and its create is forwarded.
    crash.resolve();
    await engine.quiet();
    await acceptAll(engine, notification("3", { key: "node-3" }));
    await engine.quiet();
    slow.resolve();
    await engine.quiet();
    expect(world.broken).toEqual([]);
  },
);

test.each(["forceUnlock", "forceNotBusy"] as const)(
  "L4: %s of a repeat still queued at the gateway cancels it; it is not sent again behind the operator's back",
  async (force) => {
    const world = new World({ config: { clients: 3, coalesce: false } });
    const engine = await world.open();
    const gate = Promise.withResolvers<void>();
    let busy = true;
    world.onSend = ({ request }) => {
      if (request.key === "node-0") return { hold: gate.promise };
      if (!busy) return undefined;
      busy = false;
      return { applied: false, answer: { kind: "nack", code: "BUSY", cause: "later", ticketId: null } };
    };
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    await acceptAll(engine, notification("0", { key: "node-0" }));
    await engine.pass(1);
    const view = engine.supervisor
      .snapshot()
      .clients.find(
        (one) =>
          one.processingData.includes("forwarding") &&
          one.lockGuid !== null &&
          engine.supervisor.state.clients.get(one.clientId)?.key === "node-1",
      );
    expect(view?.state).toBe("forwarding");
    expect(
      await engine.supervisor[force](view?.clientId ?? "", { lockGuid: view?.lockGuid ?? "", ...operator }),
    ).toEqual({ ok: true, value: null });
    gate.resolve();
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 0: "created", 1: "aborted" });
    expect(world.service.truth().creates).toBe(1);
    expect(await engine.broken()).toEqual([]);
  },
);

test("A2: a late OK in the turn in which a search finds the unknown ticket supersedes once", async () => {
  const { world, engine, sent } = await asyncWorld({ idempotency: "none" });
  const late = Promise.withResolvers<void>();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { applied: late.promise, answer: reset };
  };
  await oneByOne(engine, notification("1"));
  expect(await engine.outcomes()).toEqual({ 1: "unknown" });
  late.resolve();
  const gate = Promise.withResolvers<void>();
  world.onSearch = ({ criteria }) =>
    criteria.requestedBy === undefined ? { hold: gate.promise } : undefined;
  await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
  await engine.quiet();
  const delivered = engine.supervisor.deliverAsync(result(sent[0] ?? ""));
  gate.resolve();
  await delivered;
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
  expect(engine.supervisor.counters().outcomes).toMatchObject({ created: 1, unknown: 0, adopted: 1 });
  expect(await engine.broken()).toEqual([]);
});
