/** What lies over an alarmed element: parents' tickets (D5), planned maintenance (D2), and what happens when they end. */
import { describe, expect, test } from "vitest";
import { decide } from "../../machines/decision.ts";
import { limits } from "../../machines/limits.ts";
import type { RequestPayload, Ticket } from "../../machines/vocabulary.ts";
import { World, type EngineUnderTest, type WorldOptions } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";
import { brokenTopology, network, silent } from "./network.ts";

/** A hub with two nodes, each with modems. */
const parents = {
  "node-a": "hub",
  "node-b": "hub",
  "modem-1": "node-a",
  "modem-2": "node-a",
  "modem-3": "node-b",
};

async function opened(options: WorldOptions = {}): Promise<{ world: World; engine: EngineUnderTest }> {
  const world = new World(options);
  const topology = await network(world.clock, parents);
  return { world, engine: await world.open({ more: { ...options.more, topology } }) };
}

/** What decides, changed as a test goes. */
const original = decide;
const deciding = { decide: original };

const on = (key: string, more = {}) => notification(`${key} up`, { key, ...more });
const off = (key: string, more = {}) => clear(`${key} down`, { key, ...more });

/** A ticket that somebody else keeps at the service, by hand through the engine. */
async function create(
  engine: EngineUnderTest,
  payload: Partial<RequestPayload> & { networkElements: string[] },
) {
  const client = await engine.supervisor.lock();
  const made = await client.forward("elsewhere", {
    command: "create",
    kind: "PLM",
    clientReference: "elsewhere",
    severity: "minor",
    summary: "splicing",
    startAt: 0,
    alarmRefs: [],
    ...payload,
  } as RequestPayload);
  await client.close();
  if (!made.ok || made.value.ticketId === null) throw new Error(JSON.stringify(made));
  return made.value.ticketId;
}

describe("D5: a Major Outage upstream", () => {
  test("a storm below one element gives one MO there and `adopted` for what lies beneath, naming the parent", async () => {
    const { world, engine } = await opened();
    await oneByOne(engine, on("node-a"));
    const beneath = Array.from({ length: 200 }, (_, index) =>
      notification(`m${index}`, {
        key: `modem-${1 + (index % 2)}/${index}`,
        alarmedObject: `modem-${1 + (index % 2)}`,
      }),
    );
    await acceptAll(engine, ...beneath);
    await engine.settled();
    expect(engine.supervisor.counters().outcomes).toEqual({ created: 1, adopted: 200 });
    expect(world.service.truth()).toMatchObject({ creates: 1, open: 1 });
    const told = await engine.supervisor.explain({ source: "urn:test", id: "m7" });
    expect(told).toMatchObject({ outcome: "adopted", ticketId: "MEM-1" });
    expect(told?.because).toBe("Ticket MEM-1 on node-a, one hop upstream of modem-2, covers it.");
    expect(told?.decisions.at(-1)).toMatchObject({
      rule: "D5",
      decision: "adopt",
      path: ["modem-2", "node-a", "hub"],
    });
    expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({ covered: 200 });
    expect(await engine.broken()).toEqual([]);
  });

  test("what lies beside it, and what lies over it, gets tickets of its own", async () => {
    const { world, engine } = await opened();
    await oneByOne(engine, on("node-a"), on("node-b"), on("modem-3"), on("hub"));
    expect(await engine.outcomes()).toEqual({
      "node-a up": "created",
      "node-b up": "created",
      "modem-3 up": "adopted",
      "hub up": "created",
    });
    expect(world.service.truth().open).toBe(3);
  });

  test("D5: our own facts count while the search's index lags", async () => {
    const { world, engine } = await opened();
    await oneByOne(engine, on("hub"));
    world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
    world.clock.advance(59_000);
    await oneByOne(engine, on("modem-1"));
    // After the settling time (60 s) the search wins (T2).
    world.clock.advance(1_000);
    await oneByOne(engine, on("modem-2"));
    expect(await engine.outcomes()).toMatchObject({ "modem-1 up": "adopted", "modem-2 up": "created" });
  });

  test.each([
    { what: "closed there by somebody: it covers nothing", status: "closed", outcome: "created" },
    { what: "removed there by somebody: it covers nothing", status: null, outcome: "created" },
    { what: "open there", status: "inProgress", outcome: "adopted" },
  ] as const)(
    "A8: a parent's ticket at the service that was selected before, $what",
    async ({ status, outcome }) => {
      const { row } = new World();
      const { world, engine } = await opened({ more: { services: [row, { ...row, name: "NORTH" }] } });
      await oneByOne(engine, on("node-a"));
      await engine.supervisor.selectService("NORTH", { by: "ann" });
      await engine.pass(3_600);
      const parent = { ticketId: "MEM-1", kind: "MO", clientReference: "node-a" } as const;
      const atOsb = status === null ? [] : [{ ...parent, status, networkElements: ["node-a"] }];
      world.onSearch = ({ service }) => ({
        answer: { kind: "found", tickets: service.name === "OSB" ? atOsb : [], truncated: false },
      });
      await oneByOne(engine, on("modem-1"));
      expect(await engine.outcomes()).toMatchObject({ "modem-1 up": outcome });
      expect(await engine.broken()).toEqual([]);
    },
  );

  test("A8: a parent's ticket at a service that cannot be asked any more covers, and the reason says so", async () => {
    const { row } = new World();
    const { world, engine } = await opened({ more: { services: [row, { ...row, name: "NORTH" }] } });
    await oneByOne(engine, on("node-a"));
    await engine.supervisor.selectService("NORTH", { by: "ann" });
    await engine.pass(3_600);
    const error = { kind: "error", code: "UNREACHABLE", cause: "ECONNREFUSED", permanent: false } as const;
    world.onSearch = ({ service }) =>
      service.name === "OSB"
        ? { answer: error }
        : { answer: { kind: "found", tickets: [], truncated: false } };
    await oneByOne(engine, on("modem-1"));
    expect(await engine.outcomes()).toMatchObject({ "modem-1 up": "adopted" });
    expect(await engine.because("modem-1 up")).toContain(
      "Ticket MEM-1 could not be looked up at OSB (UNREACHABLE): ECONNREFUSED.",
    );
  });

  test("A8: when the parent's ticket closes, alarms still active are decided again, and A2: keep their outcome", async () => {
    const { world, engine } = await opened();
    await oneByOne(engine, on("node-a"), on("modem-1"), on("modem-2"), off("modem-2"));
    expect(world.service.truth().open).toBe(1);
    // The search's index lags: it goes on showing the parent's ticket open.
    const parent: Ticket = {
      ticketId: "MEM-1",
      kind: "MO",
      status: "acknowledged",
      clientReference: "node-a",
      networkElements: ["node-a"],
    };
    world.onSearch = ({ criteria }) =>
      criteria.networkElements?.includes("node-a") === true
        ? { answer: { kind: "found", tickets: [parent], truncated: false } }
        : undefined;
    await oneByOne(engine, off("node-a"));
    expect(await engine.outcomes()).toMatchObject({
      "modem-1 up": "adopted",
      "modem-2 down": "stopped",
      "node-a down": "closed",
    });
    // Still active: a ticket of its own by now.
    expect(engine.supervisor.state.keys.get("modem-1")?.open.size).toBe(1);
    expect(world.service.truth()).toMatchObject({ creates: 2, open: 1 });
    const told = await engine.supervisor.explain({ source: "urn:test", id: "modem-1 up" });
    expect(told?.decisions.map(({ rule, decision }) => `${rule} ${decision}`)).toEqual([
      "D5 adopt",
      "D8 create",
    ]);
    expect(told?.requests.map((one) => one.result)).toEqual(["ok"]);
    expect(engine.supervisor.snapshot().queue.parked).toBe(0);
    await oneByOne(engine, off("modem-1"));
    expect(world.service.truth().open).toBe(0);
    expect(await engine.broken()).toEqual([]);
  });

  test("A8: a parent's ticket that somebody else closed is noticed when the cover is looked at again", async () => {
    const { world, engine } = await opened();
    await oneByOne(engine, on("hub"), on("modem-1"));
    world.onSearch = ({ criteria }) =>
      criteria.networkElements === undefined
        ? undefined
        : { answer: { kind: "found", tickets: [], truncated: false } };
    await engine.pass(limits.coverRecheckSeconds - 1);
    expect(world.service.truth().creates).toBe(1);
    await engine.pass(2);
    expect(engine.supervisor.state.keys.get("modem-1")?.open.size).toBe(1);
    expect(await engine.broken()).toEqual([]);
  });

  test("a cover that stands is looked at again less and less often, and writes no new outcome", async () => {
    const { engine } = await opened();
    await oneByOne(engine, on("hub"), on("modem-1"));
    await engine.pass(300 + 600 + 1_200 + 10);
    const parked = await engine.facts("key.parked");
    expect(parked.map(({ body }) => (body.parking.until ?? 0) - body.parking.since)).toEqual([
      300_000, 600_000, 1_200_000, 2_400_000,
    ]);
    expect((await engine.facts("alarm.settled")).filter(({ body }) => body.key === "modem-1")).toHaveLength(
      1,
    );
    expect(await engine.broken()).toEqual([]);
  });

  test("R1: a restart keeps the cover; the parent closes afterwards", async () => {
    const world = new World();
    const topology = await network(world.clock, parents);
    const first = await world.open({ more: { topology } });
    await oneByOne(first, on("node-a"), on("modem-1"));
    first.kill();
    const second = await world.open({ more: { topology } });
    await second.quiet();
    expect(second.supervisor.snapshot().queue.parkedFor).toEqual({ covered: 1 });
    await oneByOne(second, off("node-a"));
    expect(second.supervisor.state.keys.get("modem-1")?.open.size).toBe(1);
    expect(await second.broken()).toEqual([]);
  });

  test("S3, A8: a cover of more alarms than a flow decides is looked at by one flow; when it ends one ticket is for all", async () => {
    const { world, engine } = await opened();
    await oneByOne(engine, on("node-a"));
    const many = 2 * limits.coalescedAlarmsMax + 2;
    const beneath = Array.from({ length: many }, (_, index) =>
      notification(`m${index}`, {
        key: "modem-1",
        alarm: `m${index}`,
        severity: index === limits.coalescedAlarmsMax - 1 ? "critical" : "minor",
      }),
    );
    await acceptAll(engine, ...beneath);
    await engine.settled();
    expect(engine.supervisor.state.keys.get("modem-1")?.cover?.alarms).toHaveLength(many);
    const started = async () =>
      (await engine.facts("flow.started")).flatMap(({ body }) =>
        body.key === "modem-1" ? [body.alarms.length] : [],
      );
    const before = (await started()).length;
    await engine.pass(limits.coverRecheckSeconds);
    expect((await started()).slice(before)).toEqual([limits.coalescedAlarmsMax]);
    // The ticket that the first of them get is that of all, so the most severe is among them.
    await oneByOne(engine, off("node-a"));
    expect((await started()).slice(before + 1)).toEqual([limits.coalescedAlarmsMax]);
    const { open, cover } = engine.supervisor.state.keys.get("modem-1") ?? {};
    expect([...(open?.values() ?? [])]).toMatchObject([{ severity: "critical" }]);
    expect(cover).toBeNull();
    expect(world.service.truth()).toMatchObject({ creates: 2, open: 1 });
    expect(await engine.broken()).toEqual([]);
  });

  test("R6: alarms that were covered do not crash for ever when they are decided again", async () => {
    const { world, engine } = await opened({ decide: (input) => deciding.decide(input) });
    await oneByOne(engine, on("node-a"), on("modem-1"));
    deciding.decide = (input) => {
      if (input.key.key === "modem-1") throw new Error("poisonous");
      return original(input);
    };
    try {
      await acceptAll(engine, off("node-a"));
      await engine.settled();
      await engine.pass(4_000);
    } finally {
      deciding.decide = original;
    }
    const crashed = (await engine.facts("flow.ended")).filter(({ body }) => body.result === "crashed");
    expect(crashed).toHaveLength(limits.flowCrashesMax);
    expect(world.service.truth().open).toBe(0);
    const told = await engine.supervisor.explain({ source: "urn:test", id: "modem-1 up" });
    expect(told?.decisions.at(-1)?.because).toContain("set aside");
    expect(await engine.broken()).toEqual([]);
  });
});

describe("D2: planned maintenance by ticket", () => {
  const eight = Date.UTC(2026, 10, 23);

  test.each([
    { where: "on the element", networkElements: ["modem-1"] },
    { where: "upstream", networkElements: ["hub"] },
  ])(
    "an open PLM ticket $where, whose window covers now, stops a raise; at its end the alarm is decided again",
    async ({ networkElements }) => {
      const { world, engine } = await opened();
      const ticketId = await create(engine, { networkElements, startAt: eight, endAt: eight + 100_000 });
      await oneByOne(engine, on("modem-1"));
      expect(await engine.outcomes()).toEqual({ "modem-1 up": "stopped" });
      expect(await engine.because("modem-1 up")).toContain(`${ticketId} on ${networkElements[0]}`);
      await engine.pass(99);
      expect(world.service.truth().creates).toBe(1);
      await engine.pass(2);
      expect(world.service.truth().creates).toBe(2);
      expect(await engine.outcomes()).toEqual({ "modem-1 up": "stopped" });
      expect(await engine.broken()).toEqual([]);
    },
  );

  test.each([true, false])(
    "A8: maintenance of one element keeps no other of the same key from its ticket (coalesce %s)",
    async (coalesce) => {
      const { engine } = await opened({ config: { coalesce } });
      await create(engine, { networkElements: ["modem-1"], startAt: eight, endAt: eight + 100_000 });
      await acceptAll(
        engine,
        on("1", { key: "city", alarm: "1", alarmedObject: "modem-1", severity: "critical" }),
        on("2", { key: "city", alarm: "2", alarmedObject: "modem-2" }),
      );
      await engine.settled();
      expect(await engine.outcomes()).toEqual({ "1 up": "stopped", "2 up": "created" });
      expect(await engine.broken()).toEqual([]);
    },
  );

  test("A8: what maintenance of one element had stopped is decided again at its end, though another's goes on", async () => {
    const { world, engine } = await opened();
    await create(engine, { networkElements: ["modem-1"], startAt: eight, endAt: eight + 10_000_000 });
    await create(engine, { networkElements: ["modem-2"], startAt: eight, endAt: eight + 1_000_000 });
    await oneByOne(
      engine,
      on("1", { key: "city", alarm: "1", alarmedObject: "modem-1", severity: "critical" }),
      on("2", { key: "city", alarm: "2", alarmedObject: "modem-2" }),
    );
    await engine.pass(999);
    expect(await engine.outcomes()).toEqual({ "1 up": "stopped", "2 up": "stopped" });
    expect(await engine.because("2 up")).toContain("on modem-2");
    await engine.pass(2);
    expect(await engine.outcomes()).toEqual({ "1 up": "stopped", "2 up": "created" });
    expect(world.service.truth().creates).toBe(3);
    await oneByOne(
      engine,
      off("1", { key: "city", alarm: "1", alarmedObject: "modem-1" }),
      off("2", { key: "city", alarm: "2", alarmedObject: "modem-2" }),
    );
    expect(await engine.outcomes()).toMatchObject({ "1 down": "stopped", "2 down": "closed" });
    expect(await engine.broken()).toEqual([]);
  });

  /** The create of modem-1 was lost and nobody found it; a change of the same alarm rests on maintenance until 1,000 s. */
  async function unknownAndCovered() {
    const { world, engine } = await opened({ idempotency: "none" });
    await create(engine, { networkElements: ["modem-1"], startAt: eight, endAt: eight + 1_000_000 });
    world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
    world.onSend = () => ({
      applied: false,
      answer: { kind: "inDoubt", code: "RESET", cause: "connection reset" },
    });
    await oneByOne(engine, on("modem-1"));
    const [requestId = ""] = engine.supervisor.state.unknown.keys();
    world.onSend = () => undefined;
    world.onSearch = () => undefined;
    await oneByOne(
      engine,
      notification("worse", { key: "modem-1", alarm: "modem-1/link", kind: "change", severity: "critical" }),
    );
    expect(await engine.outcomes()).toEqual({ "modem-1 up": "unknown", worse: "stopped" });
    const decideAgain = () =>
      engine.supervisor.resolve(requestId, {
        verdict: "notApplied",
        ticketId: null,
        by: "ann",
        reason: "not there",
      });
    return { world, engine, decideAgain };
  }

  test("A8: an alarm that rests on it does so too when what it had said before is decided again, and refused", async () => {
    const { world, engine, decideAgain } = await unknownAndCovered();
    world.onSearch = () => ({
      answer: { kind: "error", code: "BAD_CONFIGURATION", cause: "403", permanent: true },
    });
    await decideAgain();
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ "modem-1 up": "failed", worse: "stopped" });
    world.onSearch = () => undefined;
    await engine.pass(1_000);
    expect(engine.supervisor.state.keys.get("modem-1")?.open.size).toBe(1);
    expect(await engine.broken()).toEqual([]);
  });

  test("A8: both rest on it when what an alarm had said before is decided again, and rests on it too", async () => {
    const { engine, decideAgain } = await unknownAndCovered();
    await decideAgain();
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ "modem-1 up": "stopped", worse: "stopped" });
    const { cover } = engine.supervisor.state.keys.get("modem-1") ?? {};
    expect(cover?.alarms.map(({ ref }) => ref.id)).toEqual(["modem-1 up", "worse"]);
    await engine.pass(1_000);
    expect(engine.supervisor.state.keys.get("modem-1")?.open.size).toBe(1);
    expect(await engine.broken()).toEqual([]);
  });

  test("A8: a ticket that a late OK tells of, of alarms that had kept their outcome and are cleared, is closed", async () => {
    const { world, engine } = await opened({ idempotency: "none", row: { asyncSeconds: 30 } });
    const covers = {
      ticketId: "P1",
      kind: "PLM",
      status: "acknowledged",
      networkElements: ["modem-1"],
    } as const;
    const theirs = { ...covers, ticketId: "T7", kind: "MO", clientReference: "modem-1" } as const;
    let shown: readonly Ticket[] = [{ ...covers, startAt: eight, endAt: eight + 100_000 }];
    world.onSearch = ({ criteria }) => ({
      answer: { kind: "found", tickets: criteria.requestedBy === undefined ? shown : [], truncated: false },
    });
    await oneByOne(engine, on("modem-1"));
    expect(await engine.outcomes()).toEqual({ "modem-1 up": "stopped" });
    // The window is over: a create, of which nothing is heard; by its key somebody else's ticket is found.
    shown = [];
    const sent: string[] = [];
    world.onSend = ({ request }) => {
      sent.push(request.requestId);
      shown = [theirs];
      return { applied: false, answer: { kind: "inDoubt", code: "RESET", cause: "cut" } };
    };
    await engine.pass(300);
    expect([...(engine.supervisor.state.keys.get("modem-1")?.open.keys() ?? [])]).toEqual(["T7"]);
    const closed: unknown[] = [];
    world.onSend = ({ request: { payload } }) => {
      closed.push([payload.command, "ticketId" in payload ? payload.ticketId : null]);
      return { applied: false, answer: { kind: "ack", ticketId: null } };
    };
    await acceptAll(engine, off("modem-1"));
    await engine.quiet();
    const [closing = ""] = engine.supervisor.state.requests.keys();
    const told = { result: "OK", code: null, cause: null, text: "" } as const;
    await engine.supervisor.deliverAsync({ ...told, requestId: closing, ticketId: "T7" });
    await engine.settled();
    expect(closed).toEqual([["close", "T7"]]);
    await engine.supervisor.deliverAsync({ ...told, requestId: sent[0] ?? "", ticketId: "T9" });
    await engine.quiet();
    expect(closed.at(-1)).toEqual(["close", "T9"]);
  });

  test("a window that has not begun, or lies beside the path, stops nothing", async () => {
    const { engine } = await opened();
    await create(engine, { networkElements: ["node-a"], startAt: eight + 1, endAt: eight + 100_000 });
    await oneByOne(engine, on("modem-1"));
    const other = await opened();
    await create(other.engine, { networkElements: ["node-b"], startAt: eight, endAt: eight + 100_000 });
    await oneByOne(other.engine, on("modem-1"));
    expect(await engine.outcomes()).toEqual({ "modem-1 up": "created" });
    expect(await other.engine.outcomes()).toEqual({ "modem-1 up": "created" });
  });
});

describe("a topology that is of no help: the decision goes by rule, and says so", () => {
  const cases = [
    { what: "is silent", answer: silent, says: `no answer in ${limits.topologyTimeoutMs} ms` },
    {
      what: "is down",
      answer: () =>
        Promise.resolve({ kind: "error", code: "TOPOLOGY_UNAVAILABLE", cause: "ECONNREFUSED" } as const),
      says: "ECONNREFUSED",
    },
    { what: "throws", answer: () => Promise.reject(new Error("bug")), says: "bug" },
    {
      what: "lacks the element",
      answer: () => Promise.resolve({ kind: "absent", loadedAt: 0 } as const),
      says: "node-1 is not in the topology",
    },
  ];
  test.each(cases)("one that $what", async ({ answer, says }) => {
    const world = new World({ more: { topology: brokenTopology(answer) } });
    const engine = await world.open();
    await acceptAll(engine, notification("up"));
    await engine.settled(limits.topologyTimeoutMs / 1000 + 1);
    expect(await engine.outcomes()).toEqual({ up: "created" });
    const told = await engine.supervisor.explain({ source: "urn:test", id: "up" });
    expect(told?.decisions[0]).toMatchObject({ rule: "D8", path: [] });
    expect(told?.decisions[0]?.because).toContain(says);
    expect(await engine.broken()).toEqual([]);
  });

  test("one that was never loaded costs no search and is not mentioned", async () => {
    const world = new World({
      more: { topology: brokenTopology(() => Promise.resolve({ kind: "absent", loadedAt: null })) },
    });
    const engine = await world.open();
    await oneByOne(engine, notification("up"));
    expect(world.searches).toBe(1);
    const told = await engine.supervisor.explain({ source: "urn:test", id: "up" });
    expect(told?.decisions[0]?.because).toBe("No open ticket covers node-1.");
  });

  test("a path in a circle: each covers the other, neither itself, and the record says so", async () => {
    const world = new World();
    const loop = (elementId: string, next: string) => ({
      kind: "found" as const,
      path: {
        elementId,
        hops: [elementId, next, elementId].map((id, hopNo) => ({
          hopNo,
          elementId: id,
          name: null,
          type: null,
          interface: null,
          networkService: null,
        })),
        end: "loop" as const,
        loadedAt: 0,
      },
    });
    const topology = {
      path: ({ elementId }: { elementId: string }) =>
        Promise.resolve(loop(elementId, elementId === "x" ? "y" : "x")),
      close: () => Promise.resolve(),
    };
    const engine = await world.open({ more: { topology } });
    await oneByOne(engine, on("x"), on("y"));
    expect(await engine.outcomes()).toEqual({ "x up": "created", "y up": "adopted" });
    const told = await engine.supervisor.explain({ source: "urn:test", id: "x up" });
    expect(told?.decisions[0]?.because).toContain("runs in a circle");
  });
});

test("Search Results: the client keeps the tickets of all searches and the path of its flow until the next one takes it", async () => {
  const { engine } = await opened({ config: { clients: 1 } });
  await oneByOne(engine, on("hub"), on("modem-1"));
  const [client] = engine.supervisor.snapshot().clients;
  const results = engine.supervisor.reader.searchResults(client?.clientId ?? "")?.results;
  expect(results?.tickets.map((one) => one.ticketId)).toEqual(["MEM-1"]);
  expect(results?.path).toMatchObject({
    elementId: "modem-1",
    failure: null,
    path: { loadedAt: Date.UTC(2026, 10, 23) },
  });
  expect(results?.path?.path?.hops.map((hop) => hop.elementId)).toEqual(["modem-1", "node-a", "hub"]);
  const flows = await engine.facts("flow.started");
  expect(results?.lockGuid).toBe(flows.at(-1)?.body.lockGuid);
  await oneByOne(engine, off("modem-1"));
  expect(engine.supervisor.reader.searchResults(client?.clientId ?? "")?.results?.path).toBeNull();
});

test("a flow by hand asks for tickets and a path, and learns how old the data is", async () => {
  const { world, engine } = await opened({ config: { clients: 1 } });
  await oneByOne(engine, on("hub"), on("modem-1"));
  const client = await engine.supervisor.lock();
  const found = await client.search({ clientReference: "hub" }, { path: "modem-3" });
  expect(found.ok && found.value.path?.path?.hops.map((hop) => hop.elementId)).toEqual([
    "modem-3",
    "node-b",
    "hub",
  ]);
  expect(found.ok && found.value.path?.path?.loadedAt).toBe(Date.UTC(2026, 10, 23));
  expect(found.ok && found.value.tickets.map((one) => one.ticketId)).toEqual(["MEM-1"]);
  await client.close();
  expect(await engine.broken()).toEqual([]);
  expect(world.broken).toEqual([]);
});
