/** What the service does to requests and what becomes of them: laws G1 to G4, T1, T2. */
import { expect, test } from "vitest";
import type { RequestFault } from "../../adapters/service/memory.ts";
import type { Idempotency } from "../../machines/vocabulary.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";

const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;
const refused = { kind: "refused", code: "UNAVAILABLE", cause: "503", retryAfterMs: null } as const;

function nack(code: string): RequestFault {
  return { applied: false, answer: { kind: "nack", code, cause: "said so", ticketId: null } };
}

/** When each attempt became durable, in seconds since the first, and the request ids that took part. */
async function attemptsOf(engine: EngineUnderTest) {
  const sending = await engine.facts("request.sending");
  const first = sending[0]?.at ?? 0;
  return {
    seconds: sending.map(({ at }) => (at - first) / 1000),
    numbers: sending.map(({ body }) => body.attempt),
    requests: new Set(sending.map(({ body }) => body.requestId)).size,
  };
}

test("G1: creates go first, and every fourth turn goes to the oldest, so that a close does not starve", async () => {
  const world = new World({ config: { clients: 12 } });
  const engine = await world.open();
  await oneByOne(engine, notification("old", { key: "node-old" }));
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  world.onSend = ({ request }) => {
    order.push(request.payload.command);
    return { hold: gate.promise };
  };
  await acceptAll(engine, notification("first", { key: "node-first" }));
  await engine.quiet();
  await acceptAll(engine, clear("over", { key: "node-old" }));
  const keys = Array.from({ length: 8 }, (_, index) => `node-${index}`);
  await acceptAll(engine, ...keys.map((key) => notification(key, { key })));
  await engine.quiet();
  gate.resolve();
  await engine.settled();
  expect(order).toHaveLength(10);
  expect(order.indexOf("close")).toBeGreaterThan(1);
  expect(order.indexOf("close")).toBeLessThanOrEqual(4);
  expect(await engine.broken()).toEqual([]);
});

test("G3: a service that refuses for now gets one original and three retries at growing distances, then failed", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSend = () => ({ applied: false, answer: refused });
  await oneByOne(engine, notification("1"));
  expect(await attemptsOf(engine)).toEqual({
    seconds: [0, 0.25, 0.75, 1.75],
    numbers: [1, 2, 3, 4],
    requests: 1,
  });
  expect(await engine.outcomes()).toEqual({ 1: "failed" });
  expect(world.service.truth()).toMatchObject({ requests: 4, creates: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("G3: a refusal that names a time is not tried again before it", async () => {
  const world = new World();
  const engine = await world.open();
  let first = true;
  world.onSend = () => {
    if (!first) return undefined;
    first = false;
    return { applied: false, answer: { ...refused, retryAfterMs: 7_000 } };
  };
  await oneByOne(engine, notification("1"));
  expect((await attemptsOf(engine)).seconds).toEqual([0, 7]);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
});

test("G3: BUSY is retried with the same request id; a service that stays BUSY ends as rejected after four attempts", async () => {
  const world = new World();
  const engine = await world.open();
  let busy = 2;
  world.onSend = () => (busy-- > 0 ? nack("BUSY") : undefined);
  await oneByOne(engine, notification("1"));
  expect(await attemptsOf(engine)).toMatchObject({ numbers: [1, 2, 3], requests: 1 });
  world.onSend = () => nack("BUSY");
  await oneByOne(engine, notification("2", { key: "node-2" }));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "rejected" });
  expect(world.service.truth()).toMatchObject({ requests: 7, creates: 1 });
  expect(await engine.broken()).toEqual([]);
});

test("G3: NOT_OWNER waits its own delay, without a client, and closes once the ticket is ours again", async () => {
  const world = new World({ config: { gateway: { notOwnerRetrySeconds: 60 } } });
  const engine = await world.open();
  await oneByOne(engine, notification("1"));
  world.service.assign("MEM-1", "somebody");
  await acceptAll(engine, clear("2"));
  await engine.pass(59);
  expect(engine.supervisor.snapshot()).toMatchObject({ queue: { parked: 1 } });
  expect(engine.supervisor.snapshot().clients.every((one) => one.state === "idle")).toBe(true);
  world.service.assign("MEM-1", "ticket-client");
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  expect((await attemptsOf(engine)).seconds.slice(1)).toEqual([0, 60]);
  expect(await engine.broken()).toEqual([]);
});

test.each(["INVALID", "FORBIDDEN", "DUPLICATE"])(
  "G3: a NACK %s is final: one attempt, rejected, with its code",
  async (code) => {
    const world = new World();
    const engine = await world.open();
    world.onSend = () => nack(code);
    await oneByOne(engine, notification("1"));
    expect(await attemptsOf(engine)).toMatchObject({ numbers: [1] });
    expect(await engine.outcomes()).toEqual({ 1: "rejected" });
    expect(await engine.because("1")).toContain(code);
    expect(await engine.broken()).toEqual([]);
  },
);

test("G3: a permanent error is final: one attempt, failed", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSend = () => ({
    applied: false,
    answer: { kind: "failed", code: "BAD_CONFIGURATION", cause: "404" },
  });
  await oneByOne(engine, notification("1"));
  expect(await attemptsOf(engine)).toMatchObject({ numbers: [1] });
  expect(await engine.outcomes()).toEqual({ 1: "failed" });
});

test("A8: an update of a ticket that somebody closed is decided once more and becomes a create", async () => {
  const world = new World();
  const engine = await world.open();
  await oneByOne(engine, notification("1"));
  let first = true;
  world.onSend = () => {
    if (!first) return undefined;
    first = false;
    return nack("ALREADY_CLOSED");
  };
  world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
  await oneByOne(engine, notification("2", { kind: "change", severity: "critical" }));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
  expect(await engine.broken()).toEqual([]);
});

test("G3: ALREADY_CLOSED is what a close asked for", async () => {
  const world = new World();
  const engine = await world.open();
  await oneByOne(engine, notification("1"));
  world.onSend = () => nack("ALREADY_CLOSED");
  await oneByOne(engine, clear("2"));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
});

/** What befalls the first attempt of a create. Late ones take effect 30 s later, within the settling time. */
const faults = {
  "reset after it was applied": () => ({ answer: reset }),
  "reset before it was applied": () => ({ applied: false, answer: reset }),
  "silence after it was applied": (world) => ({
    hold: after(world, 30),
    answer: { ...reset, code: "TIMEOUT" },
  }),
  "silence, never applied": (world) => ({
    applied: false,
    hold: after(world, 30),
    answer: { ...reset, code: "TIMEOUT" },
  }),
  "reset, applied 30 s later": (world) => ({ applied: after(world, 30), answer: reset }),
  "an unreadable answer, applied": () => ({ answer: { ...reset, code: "UNREADABLE" } }),
  "ACK without a ticket id": () => ({ answer: { kind: "ack", ticketId: null } }),
} as const satisfies Record<string, (world: World) => RequestFault>;

function after(world: World, seconds: number): Promise<void> {
  return new Promise((resolve) => world.clock.setTimeout(resolve, seconds * 1000));
}

const never = ["reset before it was applied", "silence, never applied"];

test.each(
  (["requestId", "settles", "none"] as const).flatMap((idempotency) =>
    (Object.keys(faults) as (keyof typeof faults)[]).map((fault) => ({ idempotency, fault })),
  ),
)(
  "G4, T1: with promise $idempotency, $fault never leaves two open tickets, and the alarm gets its outcome",
  async ({ idempotency, fault }) => {
    const world = new World({ idempotency });
    const engine = await world.open();
    let first = true;
    world.onSend = () => {
      if (!first) return undefined;
      first = false;
      return faults[fault](world);
    };
    await acceptAll(engine, notification("1"));
    await engine.settled();
    await engine.pass(120);
    const lost = idempotency === "none" && never.includes(fault);
    expect(await engine.outcomes()).toEqual({ 1: lost ? "unknown" : "created" });
    expect(world.service.truth()).toMatchObject({
      creates: lost ? 0 : 1,
      open: lost ? 0 : 1,
      duplicateOpen: 0,
    });
    const { numbers } = await attemptsOf(engine);
    if (idempotency === "none") expect(numbers).toEqual([1]);
    expect(await engine.broken()).toEqual([]);
  },
);

test.each(["requestId", "settles", "none"] as const)(
  "G3, G4: with promise %s a service that never answers gets four attempts at most",
  async (idempotency) => {
    const world = new World({ idempotency });
    const engine = await world.open();
    world.onSend = () => ({ applied: false, answer: reset });
    await acceptAll(engine, notification("1"));
    await engine.settled(7_200);
    const { numbers, requests } = await attemptsOf(engine);
    expect([numbers, requests]).toEqual([idempotency === "none" ? [1] : [1, 2, 3, 4], 1]);
    expect(await engine.outcomes()).toEqual({ 1: idempotency === "settles" ? "failed" : "unknown" });
    expect(await engine.broken()).toEqual([]);
  },
);

test("G4: while a create is unknown no other is made of this key; found later it is corrected, and who waited for it adopts its ticket", async () => {
  const world = new World({ idempotency: "none" });
  const engine = await world.open();
  const late = Promise.withResolvers<void>();
  world.onSend = () => ({ applied: late.promise, answer: reset });
  await oneByOne(engine, notification("1"));
  world.onSend = () => undefined;
  await oneByOne(engine, notification("2", { alarm: "node-1/fan" }));
  expect(await engine.outcomes()).toEqual({ 1: "unknown", 2: "unknown" });
  expect(world.service.truth().creates).toBe(0);
  late.resolve();
  await oneByOne(engine, notification("3", { alarm: "node-1/psu" }));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted", 3: "adopted" });
  const superseding = (await engine.facts("alarm.settled")).filter(({ body }) => body.supersedes !== null);
  expect(superseding.map(({ body }) => [body.alarm.id, body.supersedes?.outcome])).toEqual([
    ["1", "unknown"],
    ["2", "unknown"],
  ]);
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test.each(["requestId", "settles", "none"] as Idempotency[])(
  "G4: with promise %s an update and a close in doubt are read back from the ticket",
  async (idempotency) => {
    const world = new World({ idempotency, config: { coalesce: false } });
    const engine = await world.open();
    await oneByOne(engine, notification("1"));
    const lost = new Set<string>();
    world.onSend = ({ request }) => {
      if (lost.has(request.requestId)) return undefined;
      lost.add(request.requestId);
      return { answer: reset };
    };
    await acceptAll(engine, notification("2", { kind: "change", severity: "critical" }), clear("3"));
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "updated", 3: "closed" });
    expect(world.service.truth()).toMatchObject({ updates: 1, closes: 1, open: 0 });
    expect(await engine.broken()).toEqual([]);
  },
);

test("T2: a ticket the service confirmed and does not know later is reported as a claim not kept, and made anew", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSend = () => ({ applied: false, answer: { kind: "ack", ticketId: "MEM-77" } });
  await oneByOne(engine, notification("1"));
  world.onSend = () => undefined;
  await engine.pass(61);
  await oneByOne(engine, notification("2", { alarm: "node-1/fan" }));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
  expect(engine.supervisor.counters().claimsNotKept).toBe(1);
  expect(world.service.truth()).toMatchObject({ open: 1 });
});

test.each(["ALREADY_CLOSED", "UNKNOWN_TICKET"])(
  "A8: %s to an update, while the index still shows the ticket: its alarms get another, and no outage is left without",
  async (code) => {
    const world = new World();
    const engine = await world.open();
    await oneByOne(engine, notification("1"));
    await engine.pass(300);
    // Somebody has closed it at the service; the index lags.
    const shown = { ticketId: "MEM-1", kind: "MO", status: "acknowledged", severity: "major" } as const;
    const tickets = [{ ...shown, clientReference: "node-1", networkElements: ["node-1"] }];
    world.onSearch = ({ criteria }) =>
      criteria.clientReference === "node-1"
        ? { answer: { kind: "found", tickets, truncated: false } }
        : undefined;
    world.onSend = ({ request }) =>
      request.payload.command === "update" ? { ...nack(code), applied: false } : undefined;
    await acceptAll(engine, notification("2", { kind: "change", severity: "critical" }));
    await engine.pass(20);
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
    const sent = (await engine.facts("request.planned")).map(({ body }) => body.payload.command);
    expect(sent).toEqual(["create", "update", "create"]);
    expect([...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])]).toEqual(["MEM-2"]);
    expect(engine.supervisor.counters().openTickets).toBe(1);
    expect(await engine.broken()).toEqual([]);
  },
);

test("T1: a search index that lags behind our own create does not lead to a second ticket", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
  await oneByOne(engine, notification("1"), notification("2", { alarm: "node-1/fan" }));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
});
