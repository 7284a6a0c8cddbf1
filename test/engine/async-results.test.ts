/** Services that answer twice: law G5. */
import { expect, test } from "vitest";
import { isAwaited } from "../../actors/async-delivery.ts";
import { ack, asyncWorld, result } from "./async-world.ts";
import type { EngineUnderTest, WorldOptions } from "./engine-under-test.ts";
import type { FactOf } from "../../machines/facts.ts";
import { acceptAll, clear, notification } from "./notifications.ts";

const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;

const error = { result: "ERROR", ticketId: null, code: "E42", cause: "no such element" } as const;

/** As `asyncWorld`, with alarm 1 acknowledged and its result awaited. */
async function awaited(options: WorldOptions = {}) {
  const started = await asyncWorld(options);
  await acceptAll(started.engine, notification("1"));
  await started.engine.quiet();
  expect(started.engine.supervisor.snapshot()).toMatchObject({
    queue: { parked: 1 },
    counters: { settled: 0 },
  });
  return started;
}

async function settlements(engine: EngineUnderTest) {
  return (await engine.facts("request.settled")).map(({ body }) => body.result);
}

/** G5: every result has a row: one of its own or the change of its request's. */
async function rowsOf(engine: EngineUnderTest, requestId: string) {
  const rows = await engine.facts("response.row");
  return rows
    .map(({ body }) => body.row)
    .filter((row) => row.requestId === requestId && "asyncStatus" in row && row.asyncStatus !== null)
    .map((row) => row.asyncStatus);
}

test("G5: a result in time settles the alarm, which the ACK did not, and no client was held meanwhile", async () => {
  const { world, engine, last } = await awaited();
  expect(engine.supervisor.snapshot().clients.every((one) => one.state === "idle")).toBe(true);
  await engine.pass(20);
  expect(isAwaited(engine.supervisor.state, last())).toBe(true);
  await engine.supervisor.deliverAsync(result(last()));
  expect(isAwaited(engine.supervisor.state, last())).toBe(false);
  expect(isAwaited(engine.supervisor.state, "nobody-knows-it")).toBe(false);
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect((await engine.supervisor.explain({ source: "urn:test", id: "1" }))?.ticketId).toBe("MEM-1");
  expect(await rowsOf(engine, last())).toEqual(["awaited", "ok"]);
  expect(world.service.truth().creates).toBe(1);
  expect(await engine.broken()).toEqual([]);
});

test("G5: a result that is durable before the ACK settles the alarm at the ACK", async () => {
  const { world, engine } = await asyncWorld();
  const gate = Promise.withResolvers<void>();
  let requestId = "";
  world.onSend = ({ request }) => {
    requestId = request.requestId;
    return { answer: ack, hold: gate.promise };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(requestId));
  expect(engine.supervisor.counters().settled).toBe(0);
  gate.resolve();
  await engine.settled(1);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await settlements(engine)).toEqual(["ok"]);
  expect(await engine.broken()).toEqual([]);
});

test("G5: a result that arrives in the same turn as the ACK settles the alarm once", async () => {
  const { world, engine } = await asyncWorld();
  world.onSend = ({ request }) => {
    void engine.supervisor.deliverAsync(result(request.requestId));
    return { answer: ack };
  };
  await acceptAll(engine, notification("1"));
  await engine.settled(1);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await settlements(engine)).toEqual(["ok"]);
  expect(await engine.broken()).toEqual([]);
});

test("G5: a lost ACK and an early OK are a success", async () => {
  const { world, engine } = await asyncWorld();
  const gate = Promise.withResolvers<void>();
  let requestId = "";
  world.onSend = ({ request }) => {
    requestId = request.requestId;
    return { answer: reset, hold: gate.promise };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(requestId));
  gate.resolve();
  await engine.settled(1);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ requests: 1, creates: 1 });
  expect(await engine.broken()).toEqual([]);
});

test.each([
  { kind: "unreachable", code: "UNREACHABLE", cause: "connection refused" },
  { kind: "failed", code: "BAD_CONFIGURATION", cause: "no password" },
] as const)(
  "T1 G5: an OK to an earlier attempt that comes while the next one is $kind: one ticket, though the index lags",
  async (answer) => {
    const { world, engine, sent, last } = await asyncWorld();
    const gate = Promise.withResolvers<void>();
    // Refused, and done all the same.
    const busy = { kind: "refused", code: "UNAVAILABLE", cause: "503", retryAfterMs: null } as const;
    world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
    world.onSend = ({ request }) => {
      sent.push(request.requestId);
      if (sent.length === 1) return { answer: busy };
      return sent.length === 2 ? { applied: false, hold: gate.promise, answer } : {};
    };
    await acceptAll(engine, notification("1"));
    await engine.until(() => sent.length === 2);
    await engine.supervisor.deliverAsync(result(last()));
    gate.resolve();
    await engine.pass(120);
    expect(world.service.truth()).toMatchObject({ requests: 2, creates: 1, duplicateOpen: 0 });
    expect(await engine.outcomes()).toEqual({ 1: "created" });
    expect([...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])]).toEqual(["MEM-1"]);
    expect(await engine.broken()).toEqual([]);
  },
);

test("G5: a result that never comes is looked up when its time is over, and found", async () => {
  const { world, engine } = await awaited();
  await engine.pass(29);
  expect(engine.supervisor.counters().settled).toBe(0);
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("G5: the same result twice settles once; the second has a row and changes nothing", async () => {
  const { engine, last } = await awaited();
  await Promise.all([
    engine.supervisor.deliverAsync(result(last())),
    engine.supervisor.deliverAsync(result(last())),
  ]);
  await engine.supervisor.deliverAsync(result(last()));
  await engine.settled();
  expect(await settlements(engine)).toEqual(["ok"]);
  expect(await engine.facts("request.async")).toHaveLength(3);
  expect(await rowsOf(engine, last())).toEqual(["awaited", "ok", "late", "late"]);
  expect(await engine.broken()).toEqual([]);
});

test("G5: ERROR once is decided once more, ahead of newer notifications, by a request of its own", async () => {
  const { world, engine, sent, last } = await asyncWorld({ config: { coalesce: false } });
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return sent.length === 1 ? { applied: false, answer: ack } : { answer: ack };
  };
  await acceptAll(engine, notification("1"), notification("2", { alarm: "node-1/fan" }));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.quiet();
  expect(new Set(sent).size).toBe(2);
  await engine.supervisor.deliverAsync(result(last()));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
  expect(await settlements(engine)).toEqual(["notApplied", "ok"]);
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("G5: ERROR twice is failed, with what the service said", async () => {
  const { world, engine, sent, last } = await asyncWorld();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { applied: false, answer: ack };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.settled();
  expect(sent).toHaveLength(2);
  expect(await engine.outcomes()).toEqual({ 1: "failed" });
  expect(await engine.because("1")).toContain("no such element");
  expect(await engine.broken()).toEqual([]);
});

test("G5: ERROR after several attempts is in doubt, because one of them may have worked; the look-up finds it", async () => {
  const { world, engine, sent, last } = await asyncWorld();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return sent.length === 1 ? { answer: reset } : { answer: ack };
  };
  await acceptAll(engine, notification("1"));
  await engine.until(() => sent.length === 2);
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("G5: OK that contradicts an ERROR supersedes failed; ERROR that contradicts an OK only leaves a row", async () => {
  const { world, engine, sent, last } = await asyncWorld();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { applied: false, answer: ack };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.settled();
  await engine.supervisor.deliverAsync(result(last(), { ticketId: "OSB-1" }));
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  await engine.supervisor.deliverAsync(result(last(), error));
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect((await rowsOf(engine, last())).filter((status) => status === "late")).toHaveLength(2);
  expect(await engine.broken()).toEqual([]);
});

test("A8 G5: a ticket that only a late OK tells of is closed when its alarm has gone meanwhile", async () => {
  const { world, engine, sent, last } = await asyncWorld();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { applied: false, answer: ack };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), error));
  await engine.settled();
  const create = last();
  await acceptAll(engine, notification("2", { kind: "clear" }));
  await engine.settled(2);
  expect(await engine.outcomes()).toEqual({ 1: "failed", 2: "stopped" });
  await engine.supervisor.deliverAsync(result(create, { ticketId: "OSB-1" }));
  await engine.quiet();
  expect(last()).not.toBe(create);
  await engine.supervisor.deliverAsync(result(last(), { ticketId: "OSB-1" }));
  await engine.settled(2);
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  expect(await engine.broken()).toEqual([]);
});

test("G5: a result for nobody is a row of its own and changes no key", async () => {
  const { engine } = await asyncWorld();
  await engine.supervisor.deliverAsync(result("nobody-knows-it"));
  expect(await engine.facts("request.async")).toMatchObject([
    { stream: "gateway/async", body: { key: null } },
  ]);
  expect((await engine.facts("response.row")).map(({ body }) => body.row)).toMatchObject([
    { requestId: "nobody-knows-it", clientId: "gateway", code: "UNKNOWN_REQUEST", asyncStatus: "late" },
  ]);
  expect(engine.supervisor.state.keys.size).toBe(0);
  expect(await engine.broken()).toEqual([]);
});

test("G5, R2: a result that comes after a restart settles the alarm that waited for it", async () => {
  const { world, engine, last } = await awaited();
  await engine.pass(10);
  engine.kill();
  const next = await world.open();
  await next.quiet();
  expect(next.supervisor.counters().settled).toBe(0);
  await next.supervisor.deliverAsync(result(last()));
  await next.settled(1);
  expect(await next.outcomes()).toEqual({ 1: "created" });
  expect(await next.broken()).toEqual([]);
});

test("A8: a close that turns out to have worked under an alarm that came meanwhile: the alarm is decided again", async () => {
  const { world, engine, sent, last } = await awaited({ idempotency: "none" });
  await engine.supervisor.deliverAsync(result(last()));
  await engine.settled();
  // Acknowledged, no result in time, and the ticket shows no sign of it: nobody knows.
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { answer: ack, applied: false };
  };
  await acceptAll(engine, clear("2"));
  await engine.until(() => engine.supervisor.state.unknown.size === 1);
  const closing = last();
  await acceptAll(engine, notification("3", { alarm: "node-1/fan" }));
  await engine.settled();
  expect(await engine.outcomes()).toMatchObject({ 2: "unknown", 3: "adopted" });
  world.onSend = () => undefined;
  await world.service.send({
    service: world.row,
    signal: new AbortController().signal,
    attempt: 1,
    request: requestOf(await engine.facts("request.planned"), closing),
  });
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { answer: ack };
  };
  await engine.supervisor.deliverAsync(result(closing));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), { ticketId: "MEM-2" }));
  await engine.settled();
  expect(await engine.outcomes()).toMatchObject({ 2: "closed", 3: "created" });
  expect([...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])]).toEqual(["MEM-2"]);
  expect(await engine.broken()).toEqual([]);
});

function requestOf(
  planned: readonly FactOf<"request.planned">[],
  requestId: string,
): FactOf<"request.planned">["body"] {
  const found = planned.find(({ body }) => body.requestId === requestId);
  if (found === undefined) throw new Error(`${requestId} was never planned`);
  return found.body;
}
