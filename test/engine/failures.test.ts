/** What breaks inside the engine: a ledger that fails (R3), decisions, clients and gateways that throw (R6, L5). */
import { expect, test } from "vitest";
import type { TicketingService } from "../../actors/ports.ts";
import { decide } from "../../machines/decision.ts";
import type { Entry } from "../../machines/entry.ts";
import { limits } from "../../machines/limits.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { turn, World, type EngineUnderTest, type WorldOptions } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";
import { slowToTell } from "./slow-ledger.ts";

function poisonous(id: string): NonNullable<WorldOptions["decide"]> {
  return (input) => {
    if (input.group.some((one) => one.notification.id === id)) throw new Error(`cannot decide ${id}`);
    return decide(input);
  };
}

/** A service that throws at the searches for these keys, before any promise is made. */
function throwing(isPoison: (key: string) => boolean) {
  return (service: TicketingService): TicketingService => ({
    ...service,
    search(call) {
      if (isPoison(call.criteria.clientReference ?? "")) throw new Error("the search threw");
      return service.search(call);
    },
  });
}

function states(engine: EngineUnderTest): string[] {
  return engine.supervisor.snapshot().clients.map((one) => one.state);
}

test("every search leaves a row: one that fails with its code and cause, one that works with what it found", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  const told = [
    { answer: { kind: "error", code: "UNREACHABLE", cause: "down", permanent: false } },
    { answer: { kind: "error", code: "TIMEOUT", cause: "no answer in 30 s", permanent: false } },
    { answer: { kind: "found", tickets: [], truncated: false } },
  ] as const;
  for (const one of told) {
    world.onSearch = () => one;
    // oxlint-disable-next-line no-await-in-loop -- one client, one search after the other
    await held.search({ clientReference: "node-1" });
  }
  await held.close();
  const rows = (await engine.facts("response.row")).map(({ body }) => body.row);
  expect(rows).toMatchObject([
    { command: "search", status: "error", code: "UNREACHABLE", cause: "down" },
    { command: "search", status: "timeout", code: "TIMEOUT", cause: "no answer in 30 s" },
    { command: "search", status: "ok", code: null, cause: null, ticketIds: [] },
  ]);
  expect(engine.supervisor.state.counters.searches).toEqual({ error: 1, timeout: 1, ok: 1 });
  expect(await engine.broken()).toEqual([]);
});

test("R3: after the first failed write nothing more is acknowledged, and onBroken is called once", async () => {
  const world = new World();
  const engine = await world.open();
  await acceptAll(engine, notification("1"));
  await engine.settled();
  world.storage.factsMax = world.storage.facts.length + 2;
  const told = await Promise.allSettled(
    ["2", "3", "4", "5"].map((id) => engine.supervisor.raise(notification(id, { key: `node-${id}` }))),
  );
  expect(told.map((one) => one.status)).toEqual(["rejected", "rejected", "rejected", "rejected"]);
  world.storage.factsMax = Infinity;
  await expect(engine.supervisor.raise(notification("6"))).rejects.toMatchObject({
    failure: { code: "LEDGER_SYNC_FAILED" },
  });
  await engine.pass(600);
  expect(engine.failures).toHaveLength(1);
  engine.kill();
  const next = await world.open();
  await next.settled();
  expect(await next.outcomes()).toEqual({ 1: "created" });
  expect(await next.broken()).toEqual([]);
});

test.each([1, 2, 3, 5, 8, 10, 13])(
  "R3: a ledger that is full %i facts into a flow stops the engine and sends nothing more",
  async (room) => {
    const world = new World({ config: { clients: 2 } });
    const engine = await world.open();
    const before = world.storage.facts.length;
    world.storage.factsMax = before + room;
    await Promise.allSettled([engine.supervisor.raise(notification("1"))]);
    await engine.pass(600);
    expect(engine.failures).toHaveLength(1);
    expect(world.sends).toBeLessThanOrEqual(1);
    expect(world.storage.facts.length).toBeLessThanOrEqual(before + room);
    expect(world.broken).toEqual([]);
  },
);

test("R6: a decision that throws for one alarm sets it aside after three crashes and disturbs nobody else", async () => {
  const world = new World({ config: { clients: 2, coalesce: false }, decide: poisonous("bad") });
  const engine = await world.open();
  const keys = Array.from({ length: 12 }, (_, index) => `node-${index}`);
  await acceptAll(
    engine,
    notification("bad", { key: "node-bad" }),
    notification("behind", { key: "node-bad", alarm: "node-bad/fan" }),
    ...keys.map((key) => notification(key, { key })),
  );
  await engine.settled();
  const outcomes = await engine.outcomes();
  expect(outcomes["bad"]).toBe("unknown");
  expect(outcomes["behind"]).toBe("created");
  for (const key of keys) expect(outcomes[key]).toBe("created");
  expect(await engine.because("bad")).toContain("cannot decide bad");
  const settled = (await engine.facts("alarm.settled")).find(({ body }) => body.alarm.id === "bad");
  expect(settled?.body.failure?.code).toBe("FLOW_CRASHED");
  const crashes = (await engine.facts("flow.ended")).filter(({ body }) => body.result === "crashed");
  expect(crashes).toHaveLength(3);
  expect(states(engine)).toEqual(["idle", "idle"]);
  expect(engine.logged).toEqual([]); // a flow that crashes takes no client with it
  expect(await engine.broken()).toEqual([]);
});

test("R6: the death of the process is not counted against an alarm", async () => {
  const world = new World({ config: { clients: 1 } });
  let fatal = Infinity;
  const fussy: NonNullable<WorldOptions["decide"]> = (input) => {
    fatal -= 1;
    if (fatal >= 0) throw new Error("not now");
    return decide(input);
  };
  world.onSearch = () => ({ hold: new Promise(() => undefined) });
  let engine = await world.open({ decide: fussy });
  await acceptAll(engine, notification("1"));
  for (let deaths = 0; deaths < 5; deaths += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await engine.quiet();
    engine.kill();
    // oxlint-disable-next-line no-await-in-loop
    engine = await world.open({ decide: fussy });
  }
  await engine.quiet();
  expect(await engine.facts("flow.started")).toHaveLength(6);
  engine.kill();
  fatal = limits.flowCrashesMax - 1; // as many as an alarm may cause
  world.onSearch = () => undefined;
  engine = await world.open({ decide: fussy });
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
});

test("R6 L5: a client that crashed lives again only when its crash is durable", async () => {
  const told = Promise.withResolvers<void>();
  const storage = createMemoryStorage();
  const world = new World({
    config: { clients: 1 },
    wrap: throwing((key) => key === "bad"),
    openLedger: () =>
      Promise.resolve(
        slowToTell(createMemoryLedger(storage), ({ facts }) =>
          facts.some(({ fact }) => fact.type === "flow.ended" && fact.body.result === "crashed")
            ? told.promise
            : null,
        ),
      ),
  });
  const engine = await world.open();
  await acceptAll(engine, notification("bad", { key: "bad" }), notification("good", { key: "good" }));
  // oxlint-disable-next-line no-await-in-loop
  for (let passed = 0; passed < 30; passed += 1) await turn();
  expect(states(engine)).toEqual(["restarting"]);
  expect(await engine.facts("client.locked")).toHaveLength(1);
  told.resolve();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ bad: "unknown", good: "created" });
  expect(states(engine)).toEqual(["idle"]);
  expect(await engine.broken()).toEqual([]);
});

test("R6: a client that crashes is restarted, its alarm set aside after three crashes, and the pool goes on", async () => {
  const world = new World({ config: { clients: 2 }, wrap: throwing((key) => key === "node-bad") });
  const engine = await world.open();
  const keys = Array.from({ length: 10 }, (_, index) => `node-${index}`);
  await acceptAll(
    engine,
    notification("bad", { key: "node-bad" }),
    ...keys.map((key) => notification(key, { key })),
  );
  await engine.settled();
  const outcomes = await engine.outcomes();
  expect(outcomes["bad"]).toBe("unknown");
  for (const key of keys) expect(outcomes[key]).toBe("created");
  expect(engine.logged).toEqual(["child.crashed", "child.crashed", "child.crashed"]);
  expect(states(engine)).toEqual(["idle", "idle"]);
  expect(await engine.broken()).toEqual([]);
});

test("R6: a flow written by hand whose client crashes under its search is told so, and not left waiting", async () => {
  const world = new World();
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  world.onSearch = () => {
    throw new Error("a defect in the search");
  };
  const found = await held.search({ clientReference: "node-1" });
  expect(found).toMatchObject({ ok: false, failure: { code: "NOT_LOCKED" } });
  expect(await engine.broken()).toEqual([]);
});

test("L5, R6: a client that crashes more than five times in 30 s is quarantined, the others work, and it comes back after a minute", async () => {
  let poison = true;
  const world = new World({
    config: { clients: 2 },
    wrap: throwing((key) => poison && key.startsWith("bad")),
  });
  const engine = await world.open();
  const other = await engine.supervisor.lock(); // client-01 stays out of it: every crash falls on client-02
  const keys = ["bad-1", "bad-2"];
  await acceptAll(engine, ...keys.map((key) => notification(key, { key })));
  await engine.until(() => engine.supervisor.counters().unsettled === 0);
  expect(states(engine)).toEqual(["locked", "quarantined"]);
  const quarantined = await engine.facts("client.quarantined");
  expect(quarantined).toMatchObject([{ body: { clientId: "client-02", cause: "the search threw" } }]);
  poison = false;
  await other.close();
  await acceptAll(engine, notification("good", { key: "good" }));
  await engine.until(() => engine.supervisor.counters().unsettled === 0, 1);
  expect(await engine.outcomes()).toEqual({ "bad-1": "unknown", "bad-2": "unknown", good: "created" });
  await engine.pass(59);
  expect(states(engine)).toEqual(["idle", "quarantined"]);
  await engine.pass(1);
  expect(states(engine)).toEqual(["idle", "idle"]);
  const both = await Promise.all([engine.supervisor.lock(), engine.supervisor.lock()]);
  expect(both.map((one) => one.clientId).toSorted()).toEqual(["client-01", "client-02"]);
  expect(await engine.broken()).toEqual([]);
});

test.each([2, -2])(
  "R5: crashes count together though the clock was set by %i days in between",
  async (days) => {
    const world = new World({ config: { clients: 1 }, wrap: throwing((key) => key.startsWith("bad")) });
    const engine = await world.open();
    await acceptAll(engine, notification("1", { key: "bad-1" }));
    await engine.settled();
    world.clock.jump(days * 86_400_000);
    await acceptAll(engine, notification("2", { key: "bad-2" }));
    await engine.until(() => engine.supervisor.counters().unsettled === 0);
    expect(await engine.facts("client.quarantined")).toMatchObject([{ body: { clientId: "client-01" } }]);
    expect(states(engine)).toEqual(["quarantined"]);
  },
);

test("R6: crashes further apart than the period do not quarantine", async () => {
  const world = new World({ config: { clients: 1 }, wrap: throwing((key) => key.startsWith("bad")) });
  const engine = await world.open();
  for (let count = 0; count < 4; count += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await acceptAll(engine, notification(`${count}`, { key: `bad-${count}` }));
    // oxlint-disable-next-line no-await-in-loop
    await engine.settled();
    // oxlint-disable-next-line no-await-in-loop
    await engine.pass(31);
  }
  expect(engine.logged.filter((event) => event === "child.crashed")).toHaveLength(12);
  expect(await engine.facts("client.quarantined")).toEqual([]);
  expect(states(engine)).toEqual(["idle"]);
});

test("G2: the row of what a crashed gateway was sending says in doubt, from the commit that says so of its request", async () => {
  let isPoison = true;
  const world = new World({
    config: { clients: 1 },
    wrap: (service) => ({
      ...service,
      send(call) {
        if (!isPoison) return service.send(call);
        isPoison = false;
        throw new Error("the send threw");
      },
    }),
  });
  const engine = await world.open();
  await acceptAll(engine, notification("1"));
  await engine.settled();
  const [doubted] = (await engine.facts("request.answered")).filter(({ body }) => body.answer === "inDoubt");
  const changes = (await engine.facts("response.row")).filter(({ body }) => body.change);
  expect(changes[0]).toMatchObject({
    position: (doubted?.position ?? 0) + 1,
    body: { row: { attempt: 1, status: "inDoubt", code: "RESET", answeredAt: doubted?.at } },
  });
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await engine.broken()).toEqual([]);
});

/** A gateway that crashes at its first send, and `others` whose plans are told `ticks` promises after that claim. */
async function crashBesidePlan(
  ticks: number | null,
  { others = ["node-2"], ...options }: WorldOptions & { readonly others?: readonly string[] } = {},
): Promise<EngineUnderTest> {
  const claimed = Promise.withResolvers<void>();
  const planned = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  let isPoison = true;
  const storage = createMemoryStorage();
  const world = new World({
    ...options,
    config: { clients: 1 + others.length },
    openLedger: () =>
      Promise.resolve(
        slowToTell(createMemoryLedger(storage), ({ facts }) => {
          if (facts.some(isCancelOf(others.at(-1) ?? ""))) {
            void turns(3).then(free.resolve);
            return turns(12);
          }
          // What the crash leaves behind is told late: a new gateway may have claimed what it can by then.
          if (facts.some(({ fact }) => fact.type === "request.answered" && fact.body.code === "RESET"))
            return turns(6);
          if (facts.some(({ stream }) => stream === "key/node-2") && facts.some(isPlan))
            return planned.promise;
          if (!facts.some(({ fact }) => fact.type === "request.sending")) return null;
          second.resolve(); // the first claim is on its way to the disk, and behind it comes the other's plan
          return claimed.promise;
        }),
      ),
    wrap: (service) => ({
      ...service,
      send(call) {
        if (!isPoison) return service.send(call);
        isPoison = false;
        throw new Error("the send threw");
      },
    }),
  });
  const engine = await world.open();
  world.onSearch = ({ criteria }) =>
    criteria.clientReference === "node-1" ? undefined : { hold: second.promise };
  if (others.length > 1)
    world.onSend = ({ request }) => (request.key === others[0] ? { hold: free.promise } : undefined);
  await acceptAll(
    engine,
    notification("1"),
    ...others.map((key, index) => notification(String(index + 2), { key })),
  );
  while (states(engine).some((one) => one !== "forwarding")) await turn();
  await turn();
  claimed.resolve();
  if (ticks === null) while (!engine.logged.includes("child.crashed")) await turn();
  else for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
  planned.resolve();
  await turns(40);
  free.resolve();
  await engine.settled();
  return engine;
}

test("L4 A2: a gateway that crashes while a plan is on its way to the disk loses no key", async () => {
  const engine = await crashBesidePlan(null);
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
  expect(await engine.broken()).toEqual([]);
});

test.each(Array.from({ length: 24 }, (_, ticks) => ticks))(
  "L4 T1: what a new gateway has taken up is not cancelled for the crash of the old one, %i promises apart",
  async (ticks) => {
    // Before a service with async results a plan is waited for.
    const engine = await crashBesidePlan(ticks, { row: { asyncSeconds: 30 } });
    const { open, duplicateOpen } = engine.world.service.truth();
    expect({ open, duplicateOpen }).toEqual({ open: 2, duplicateOpen: 0 });
    const cancelled = (await engine.facts("request.settled")).filter(
      ({ body }) => body.result === "cancelled",
    );
    const sent = new Set((await engine.facts("request.sending")).map(({ body }) => body.requestId));
    expect(cancelled.filter(({ body }) => sent.has(body.requestId))).toEqual([]);
    expect(await engine.broken()).toEqual([]);
  },
);

test.each(Array.from({ length: 24 }, (_, ticks) => ticks))(
  "T1 L4: what was cancelled for a crash does not leave from the new gateway's line, %i promises apart",
  async (ticks) => {
    const others = ["node-2", "node-3", "node-4", "node-5"];
    const engine = await crashBesidePlan(ticks, { row: { asyncSeconds: 30 }, others });
    const { open, duplicateOpen } = engine.world.service.truth();
    expect({ open, duplicateOpen }).toEqual({ open: 5, duplicateOpen: 0 });
    const settled = (await engine.facts("request.settled")).map(({ body, position }) => ({
      ...body,
      position,
    }));
    const sentAfter = (await engine.facts("request.sending")).filter(({ body, position }) =>
      settled.some((one) => one.requestId === body.requestId && one.position < position),
    );
    expect(sentAfter).toEqual([]);
    expect(await engine.broken()).toEqual([]);
  },
);

test.each(["none", "requestId"] as const)(
  "G2 A2: a gateway that crashes while its claim is on its way to the disk leaves a doubt, and no request (%s)",
  async (idempotency) => {
    const claimed = Promise.withResolvers<void>();
    const storage = createMemoryStorage();
    const world = new World({
      idempotency,
      config: { clients: 1 },
      openLedger: () =>
        Promise.resolve(
          slowToTell(createMemoryLedger(storage), ({ facts }) =>
            facts.some(({ fact }) => fact.type === "request.sending") ? claimed.promise : null,
          ),
        ),
    });
    const engine = await world.open();
    await acceptAll(engine, notification("1"));
    while (states(engine).some((one) => one !== "forwarding")) await turn();
    await turns(5);
    gatewayOf(engine).send({ type: "gateway.enqueue", item: null });
    await turns(5);
    claimed.resolve();
    await engine.settled();
    expect(engine.logged).toContain("child.crashed");
    // Where the service promises nothing a doubt that no search ends is a person's to decide.
    expect(await engine.outcomes()).toEqual({ 1: idempotency === "none" ? "unknown" : "created" });
    expect(world.service.truth()).toMatchObject({ duplicateOpen: 0 });
    expect(await engine.broken()).toEqual([]);
  },
);

function gatewayOf(engine: EngineUnderTest): { send(event: unknown): void } {
  const { children } = engine.supervisor.root.getSnapshot();
  return (children as Record<string, { send(event: unknown): void }>)["gateway:OSB"] as {
    send(event: unknown): void;
  };
}

async function turns(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed += 1) await turn();
}

function isPlan({ fact }: { readonly fact: { readonly type: string } }): boolean {
  return fact.type === "request.planned";
}

function isCancelOf(key: string) {
  return ({ stream, fact }: Entry): boolean =>
    stream === `key/${key}` && fact.type === "request.settled" && fact.body.result === "cancelled";
}
