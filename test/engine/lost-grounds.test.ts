/** Flows written by hand, and doubts, where what they rest on fails. */
import { describe, expect, test } from "vitest";
import { csvCodec } from "../../adapters/service-table/csv.ts";
import type { Ticket } from "../../machines/vocabulary.ts";
import { result } from "./async-world.ts";
import { World, type EngineUnderTest, type SearchHook, type WorldOptions } from "./engine-under-test.ts";
import { acceptAll, clear, createOf, maintenanceOf, notification } from "./notifications.ts";

/** A row OSB, selected at first, and a row NORTH beside it; that the other is asked tells its name. */
function twoServices(options: WorldOptions = {}): World {
  const world = new World({ idempotency: "none", ...options });
  const north = { ...world.row, name: "NORTH", path: "/north" };
  return new World({
    idempotency: "none",
    ...options,
    more: { services: [world.row, north], ...options.more },
  });
}

const found = (...tickets: Ticket[]) => ({ answer: { kind: "found", tickets, truncated: false } }) as const;
const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;

test("R6: a hand whose gateway crashes while it is sending is told at once", async () => {
  let isPoison = true;
  const world = new World({
    wrap: (service) => ({
      ...service,
      send: (call) => {
        if (!isPoison) return service.send(call);
        isPoison = false;
        throw new Error("crash of the gateway");
      },
      search: (call) => service.search(call),
      close: () => service.close(),
    }),
  });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  let answer: unknown = "nothing yet";
  void held.forward("node-1", createOf("node-1")).then((given) => (answer = given));
  await engine.quiet();
  await engine.pass(10);
  expect(answer).toMatchObject({ ok: true });
});

test("R6: a hand whose plan waits in line when the gateway crashes is told at once", async () => {
  let isPoison = true;
  const world = new World({
    wrap: (service) => ({
      ...service,
      send: async (call) => {
        if (!isPoison) return service.send(call);
        isPoison = false;
        await gate.promise;
        throw null; // caught
      },
    }),
  });
  const gate = Promise.withResolvers<void>();
  const engine = await world.open();
  const a = await engine.supervisor.lock();
  const b = await engine.supervisor.lock();
  const told: unknown[] = [];
  void a.forward("node-1", createOf("node-1")).then((one) => told.push(["a", one]));
  await engine.quiet();
  void b.forward("node-2", createOf("node-2")).then((one) => told.push(["b", one]));
  await engine.quiet();
  const children = engine.supervisor.root.getSnapshot().children as Record<
    string,
    { send(e: unknown): void }
  >;
  children["gateway:OSB"]?.send({ type: "gateway.enqueue", item: null });
  await engine.quiet();
  await engine.pass(20);
  expect(told).toHaveLength(2);
});

test("G4: two attempts lost, every search refused for good: the same request goes again, and the doubt ends", async () => {
  const world = new World({ idempotency: "requestId" });
  const engine = await world.open();
  world.onSearch = () => ({
    answer: { kind: "error", code: "BAD_CONFIGURATION", cause: "403", permanent: true },
  });
  let sends = 0;
  world.onSend = () => {
    sends += 1;
    return sends <= 2 ? { answer: reset, applied: false } : undefined;
  };
  const held = await engine.supervisor.lock();
  await held.forward("node-1", createOf("node-1"));
  await held.close();
  await engine.pass(3_600);
  expect(engine.supervisor.state.requests.size).toBe(0);
});

test("G4: two attempts lost, the search by request id refused for good: the same request goes again", async () => {
  const world = new World({ idempotency: "requestId" });
  const engine = await world.open();
  world.onSearch = ({ criteria }) =>
    criteria.requestedBy === undefined
      ? undefined
      : { answer: { kind: "error", code: "FAULT_INVALID", cause: "no such criterion", permanent: true } };
  let sends = 0;
  world.onSend = () => ((sends += 1) <= 2 ? { answer: reset, applied: false } : undefined);
  await acceptAll(engine, notification("1"));
  await engine.pass(7_200);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
});

test("planned maintenance by hand stands beside the major outage of its key: it is none", async () => {
  const world = new World();
  const engine = await world.open();
  await acceptAll(engine, notification("1"));
  await engine.settled();
  const held = await engine.supervisor.lock();
  expect(await held.forward("node-1", maintenanceOf("node-1"))).toMatchObject({ ok: true });
  await held.close();
  expect(await engine.broken()).toEqual([]);
});

test("A8: a planned maintenance of unknown fate keeps no alarm of its key from its ticket, nor a hand from making one", async () => {
  const world = new World({ idempotency: "none" });
  const engine = await world.open();
  world.onSend = () => ({ answer: reset, applied: false });
  const held = await engine.supervisor.lock();
  for (const key of ["node-1", "node-2"]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await held.forward(key, maintenanceOf(key));
  }
  await held.close();
  await engine.until(() => engine.supervisor.state.unknown.size === 2);
  world.onSend = () => undefined;
  await acceptAll(engine, notification("1"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  const hand = await engine.supervisor.lock();
  expect(await hand.forward("node-2", createOf("node-2"))).toMatchObject({ ok: true });
  expect(await engine.broken()).toEqual([]);
});

test("G4: a planned maintenance in doubt is sent again beside a major outage of its key, which says nothing of it", async () => {
  const world = new World({ idempotency: "settles" });
  const engine = await world.open();
  const outage = {
    ticketId: "MO-7",
    kind: "MO",
    status: "acknowledged",
    networkElements: ["node-1"],
  } as const;
  world.onSearch = ({ criteria: { kind } }) =>
    kind === "MO"
      ? { answer: { kind: "found", tickets: [{ ...outage, clientReference: "node-1" }], truncated: false } }
      : undefined;
  world.onSend = () => (world.sends === 1 ? { answer: reset, applied: false } : undefined);
  const held = await engine.supervisor.lock();
  await held.forward("node-1", maintenanceOf("node-1"));
  await held.close();
  await engine.until(() => engine.supervisor.state.requests.size === 0);
  expect(await engine.facts("request.settled")).toMatchObject([
    { body: { result: "ok", ticketId: "MEM-1" } },
  ]);
  expect(await engine.facts("ticket.linked"), "somebody else's is not adopted").toEqual([]);
  expect(await engine.broken()).toEqual([]);
});

describe("an unknown create at a service that cannot be asked any more", () => {
  const strangers: Ticket = {
    ticketId: "N-7",
    kind: "MO",
    status: "acknowledged",
    severity: "major",
    clientReference: "node-1",
    networkElements: ["node-1"],
  };
  const gone = { code: "UNREACHABLE", cause: "connect ECONNREFUSED", permanent: false };
  const forbidden = { code: "BAD_CONFIGURATION", cause: "not among allowedServiceHosts", permanent: true };

  /** At OSB; NORTH, selected since, shows these for the key. */
  async function unknownElsewhere(failure: typeof gone, ...tickets: Ticket[]) {
    const world = twoServices();
    const engine = await world.open();
    world.onSearch = () => found();
    world.onSend = () => ({ answer: reset, applied: false });
    await acceptAll(engine, notification("1"));
    await engine.settled();
    expect(engine.supervisor.state.unknown.size).toBe(1);
    await engine.supervisor.selectService("NORTH", { by: "ann" });
    world.onSend = () => ({ answer: { kind: "ack", ticketId: null }, applied: false });
    world.onSearch = ({ service, criteria }) =>
      service.name === "OSB"
        ? { answer: { kind: "error", ...failure } }
        : found(...(criteria.clientReference === "node-1" ? tickets : []));
    return { world, engine };
  }

  test.each([gone, forbidden])(
    "A8: $code: updates and closes go on at the selected one, and say that it was not asked",
    async (failure) => {
      const { engine } = await unknownElsewhere(failure, strangers);
      await acceptAll(engine, notification("2", { alarm: "node-1/fan", severity: "critical" }));
      await engine.until(() => engine.supervisor.counters().unsettled === 0, 60);
      await acceptAll(engine, clear("3"), clear("4", { alarm: "node-1/fan" }));
      await engine.pass(60);
      const sent = (await engine.facts("request.planned")).map(({ body }) => body.payload.command);
      expect(sent).toEqual(["create", "update", "close"]);
      const [requestId] = engine.supervisor.state.unknown.keys();
      const decided = (await engine.facts("flow.decided")).at(-1);
      expect(decided?.body.because).toBe(
        `The last active alarm of node-1 is cleared. Create ${requestId} could not be looked up at OSB (${failure.code}): ${failure.cause}.`,
      );
      expect(await engine.broken()).toEqual([]);
    },
  );

  test.each([gone, forbidden])("T1: $code: no other create is made beside it", async (failure) => {
    const { engine } = await unknownElsewhere(failure);
    await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 1: "unknown", 2: "unknown" });
    expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({});
    expect(await engine.broken()).toEqual([]);
  });
});

describe("T2: a ticket at the service that was selected before", () => {
  /** MEM-1 at OSB, made for alarm 1; NORTH has been selected for an hour, and knows of no ticket. */
  async function leftBehind(atOsb: SearchHook) {
    const world = twoServices({ config: { maxOpenTickets: 1 } });
    const engine = await world.open();
    await acceptAll(engine, notification("1"));
    await engine.settled();
    await engine.supervisor.selectService("NORTH", { by: "ann" });
    await engine.pass(3_600);
    world.onSearch = (call) => (call.service.name === "OSB" ? atOsb(call) : found());
    await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
    await engine.settled();
    return { world, engine };
  }
  const openOf = (engine: EngineUnderTest) =>
    [...(engine.supervisor.state.keys.get("node-1")?.open.values() ?? [])].map(
      ({ ticketId, service }) => `${ticketId} at ${service}`,
    );
  const made = { ticketId: "MEM-1", kind: "MO", clientReference: "node-1", networkElements: [] } as const;

  test("closed there by somebody: the next alarm gets another, and it counts towards the bound no longer", async () => {
    const { engine } = await leftBehind(() => found({ ...made, status: "closed" }));
    await engine.settled();
    expect(await engine.outcomes()).toMatchObject({ 2: "created" });
    expect(openOf(engine)).toEqual(["MEM-2 at NORTH"]);
    expect(engine.supervisor.counters().openTickets).toBe(1);
    expect(await engine.facts("ticket.lost")).toMatchObject([
      { body: { ticketId: "MEM-1", status: "closed" } },
    ]);
    expect(await engine.broken()).toEqual([]);
  });

  test("open there: it is adopted where it lives", async () => {
    const { engine } = await leftBehind(() => found({ ...made, status: "inProgress" }));
    expect(await engine.outcomes()).toMatchObject({ 2: "adopted" });
    expect(openOf(engine)).toEqual(["MEM-1 at OSB"]);
    expect(await engine.broken()).toEqual([]);
  });

  test("which cannot be asked: it counts as it is known, is not waited for, and the reason says that nobody could look", async () => {
    let asked = 0;
    const { engine } = await leftBehind(() => {
      asked += 1;
      return {
        answer: { kind: "error", code: "UNREACHABLE", cause: "connect ECONNREFUSED", permanent: false },
      };
    });
    expect(asked).toBe(1);
    expect(await engine.outcomes()).toMatchObject({ 2: "adopted" });
    expect(await engine.because("2")).toContain(
      "Ticket MEM-1 could not be looked up at OSB (UNREACHABLE): connect ECONNREFUSED.",
    );
    expect(openOf(engine)).toEqual(["MEM-1 at OSB"]);
    expect(await engine.broken()).toEqual([]);
  });
});

describe("a request by hand about a ticket at the service that was selected before", () => {
  const close = {
    command: "close",
    ticketId: "MEM-1",
    endAt: 0,
    closeCode: "DONE",
    closeReason: "Mended on site.",
    alarmRefs: [],
  } as const;

  async function heldAfterSelecting() {
    const world = twoServices({ more: { serviceTableCodec: csvCodec } });
    const engine = await world.open();
    const sent: string[] = [];
    world.onSend = ({ request, service }) => {
      sent.push(`${request.payload.command} at ${service.name}`);
      return undefined;
    };
    await acceptAll(engine, notification("1"));
    await engine.settled();
    await engine.supervisor.selectService("NORTH", { by: "ann" });
    return { engine, sent, held: await engine.supervisor.lock() };
  }

  test("goes there", async () => {
    const { engine, sent, held } = await heldAfterSelecting();
    expect(await held.forward("node-1", close)).toMatchObject({ ok: true, value: { outcome: "ok" } });
    await held.close();
    expect(sent).toEqual(["create at OSB", "close at OSB"]);
    expect(engine.supervisor.counters().openTickets).toBe(0);
    expect(await engine.broken()).toEqual([]);
  });

  test("is refused where the row of that service is gone", async () => {
    const { engine, sent, held } = await heldAfterSelecting();
    await held.forward("node-1", close);
    await held.close();
    const without = engine.supervisor.exportServices().replace(/^OSB,.*\n/mu, "");
    expect(await engine.supervisor.importServices(without, { by: "ann" })).toMatchObject({ ok: true });
    const reopen = { command: "update", ticketId: "MEM-1", status: "inProgress", alarmRefs: [] } as const;
    const again = await engine.supervisor.lock();
    expect(await again.forward("node-1", reopen)).toEqual({
      ok: false,
      failure: {
        code: "BAD_CONFIGURATION",
        detail:
          "Ticket MEM-1 of node-1 is at OSB, whose row is not in the Service Info Table any more; import the row again, or update the ticket at its own desk.",
      },
    });
    await again.close();
    expect(sent).toEqual(["create at OSB", "close at OSB"]);
    expect(await engine.broken()).toEqual([]);
  });
});

test("a ticket that a late OK tells of, at a service whose row is gone by now, is closed at no other one", async () => {
  const world = twoServices({ row: { asyncSeconds: 30 }, more: { serviceTableCodec: csvCodec } });
  const engine = await world.open();
  const sent: string[] = [];
  world.onSend = ({ request, service }) => {
    sent.push(`${request.payload.command} at ${service.name}`);
    return { answer: { kind: "ack", ticketId: null }, applied: false };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const [requestId = ""] = engine.supervisor.state.requests.keys();
  for (const code of ["E1", "E2"]) {
    const [last = ""] = engine.supervisor.state.requests.keys();
    // oxlint-disable-next-line no-await-in-loop -- it is decided once more in between
    await engine.supervisor.deliverAsync(result(last, { result: "ERROR", ticketId: null, code }));
    // oxlint-disable-next-line no-await-in-loop
    await engine.quiet();
  }
  expect(await engine.outcomes()).toEqual({ 1: "failed" });
  await engine.supervisor.selectService("NORTH", { by: "ann" });
  const without = engine.supervisor.exportServices().replace(/^OSB,.*\n/mu, "");
  expect(await engine.supervisor.importServices(without, { by: "ann" })).toMatchObject({ ok: true });
  await engine.supervisor.deliverAsync(result(requestId, { ticketId: "4711" }));
  await acceptAll(engine, clear("2"));
  await engine.settled();
  expect(sent).toEqual(["create at OSB", "create at OSB"]);
  expect(await engine.outcomes()).toMatchObject({ 2: "failed" });
  expect(await engine.because("2")).toBe(
    "The last active alarm of node-1 is cleared. Its ticket 4711 is at OSB, whose row is not in the Service Info Table any more: the close goes nowhere else. Import the row again, or close the ticket there by hand.",
  );
  expect(await engine.broken()).toEqual([]);
});

describe("lists of tickets that the service cuts off, whatever it is asked for", () => {
  const cut = { answer: { kind: "found", tickets: [], truncated: true } } as const;

  test("T1: a create in doubt is not sent again on them: in the end nobody can say, until a search finds it", async () => {
    const world = new World({ idempotency: "settles" });
    const engine = await world.open();
    world.onSearch = () => cut;
    world.onSend = () => ({ answer: reset });
    await acceptAll(engine, notification("1"));
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 1: "unknown" });
    expect(world.service.truth()).toMatchObject({ creates: 1 });
    expect(world.sends).toBe(1);
    world.onSearch = () => undefined;
    await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
    expect(await engine.broken()).toEqual([]);
  });

  test("A8: a raise gets its ticket all the same, and the reason says so; our own is not lost on them", async () => {
    const world = new World();
    const engine = await world.open();
    world.onSearch = () => cut;
    await acceptAll(engine, notification("1"));
    await engine.settled();
    expect((await engine.facts("flow.decided")).map(({ body }) => body.because)).toEqual([
      "No open ticket covers node-1. OSB cut off its list of tickets of node-1: more may be open.",
    ]);
    await engine.pass(3_600);
    await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
    expect(await engine.facts("ticket.lost")).toEqual([]);
    expect(await engine.broken()).toEqual([]);
  });
});
