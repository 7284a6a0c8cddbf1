/** What readers are told of a whole engine in memory, on a clock of the test. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { ActorEvent } from "../../actors/actor-system.ts";
import { feedDrainMsMax } from "../../actors/feed.ts";
import { createInspection, type Inspection } from "../../actors/inspection.ts";
import type { Clock } from "../../actors/ports.ts";
import { decide as byTheRules } from "../../machines/decision.ts";
import { limits } from "../../machines/limits.ts";
import { startEngine, type Engine } from "../feed/rig.ts";
import { idsOf, statesOf, untimely, WatchingReader } from "./watcher.ts";

interface Watched extends Engine {
  readonly inspection: Inspection;
  /** Observers that XState has now. */
  readonly observers: () => number;
  watch(actor?: string | null): WatchingReader;
  /** Turns of the inspection until nothing is left to tell. */
  tell(): void;
}

async function watched(clients = 2, decide = byTheRules): Promise<Watched> {
  const engine = await startEngine({ clients, decide });
  let observers = 0;
  const supervisor = {
    get root() {
      return engine.supervisor.root;
    },
    inspect(observer: (event: ActorEvent) => void) {
      observers += 1;
      const end = engine.supervisor.inspect(observer);
      return () => {
        observers -= 1;
        end();
      };
    },
  };
  const inspection = createInspection({ supervisor, clock: engine.clock });
  onTestFinished(() => {
    inspection.close();
    return engine.supervisor.stop();
  });
  return {
    ...engine,
    inspection,
    observers: () => observers,
    watch(actor = null) {
      const reader = new WatchingReader();
      inspection.read(reader, { actor });
      return reader;
    },
    tell() {
      for (let turns = 0; turns < 1_000; turns += 1) engine.clock.advance(limits.inspectIntervalMs);
    },
  };
}

describe("what is told", () => {
  test("a client goes idle, locked, searching, forwarding, closing, idle, each step in its order", async () => {
    const engine = await watched(1);
    const reader = engine.watch("client-01");
    engine.tell();
    await engine.run(1);
    engine.tell();
    expect(statesOf(reader.frames, "client-01")).toEqual(
      "idle locked searching locked forwarding locked closing idle".split(" "),
    );
    expect(untimely(reader.frames)).toEqual([]);
    expect(new Set(reader.frames.map((frame) => frame["_version"]))).toEqual(new Set(["0.7.2"]));
  });

  test("definitions come first for whoever joins late, of parents before those of children", async () => {
    const engine = await watched(3);
    await engine.run(2);
    const held = await engine.supervisor.lock();
    const reader = engine.watch();
    engine.tell();
    expect(new Set(idsOf(reader.frames))).toEqual(
      new Set(["supervisor", "gateway:OSB", "client-01", "client-02", "client-03"]),
    );
    expect(reader.frames.every(({ type }) => type === "@xstate.actor")).toBe(true);
    expect(untimely(reader.frames)).toEqual([]);
    const client = reader.frames.find(({ sessionId }) => sessionId === held.clientId);
    expect(client).toMatchObject({ parentId: "supervisor", snapshot: { value: "locked" } });
    const chart = JSON.parse(client?.definition ?? "") as { id: string; states: object };
    expect(chart.id).toBe("ticketClient");
    expect(Object.keys(chart.states)).toEqual(["idle", "locked", "searching", "forwarding", "closing"]);
    await held.close();
  });

  test("who moves while a late comer is still being told of all is told at once, every step", async () => {
    const engine = await watched(250);
    const reader = engine.watch();
    await engine.run(1); // before the first turn
    engine.tell();
    const { sessionId = "" } = reader.frames.find(({ event }) => event?.type === "client.lock") ?? {};
    expect(statesOf(reader.frames, sessionId).slice(1)).toEqual(
      "locked searching locked forwarding locked closing idle".split(" "),
    );
    expect(new Set(idsOf(reader.frames)).size).toBe(253); // with supervisor, gateway and flow
    expect(untimely(reader.frames)).toEqual([]);
  });

  test("?actor: only that one and what is below it, what it has begun included; everybody else only machines", async () => {
    const engine = await watched(1);
    const [one, all, gateway] = [engine.watch("client-01"), engine.watch(), engine.watch("gateway:OSB")];
    engine.tell();
    await engine.run(1);
    engine.tell();
    const flow = one.frames.find(({ name, parentId }) => parentId === "client-01" && name?.startsWith("id-"));
    expect(new Set(idsOf(one.frames))).toEqual(new Set(["client-01", flow?.name]));
    expect(one.frames.find(({ sessionId }) => sessionId === "client-01")?.parentId).toBeUndefined();
    expect(new Set(idsOf(all.frames))).toEqual(
      new Set(["supervisor", "client-01", flow?.name, "gateway:OSB"]),
    );
    expect(new Set(idsOf(gateway.frames))).toEqual(
      new Set(["gateway:OSB", "gateway:OSB/claim", "gateway:OSB/send"]),
    );
    expect(JSON.stringify(one.frames)).not.toMatch(/"x:\d+"/); // XState's own session ids
  });

  test("an actor that does not exist says nothing, and speaks once it does", async () => {
    const engine = await watched(1);
    const [none, gateway] = [engine.watch("client-99"), engine.watch("gateway:OSB")];
    engine.tell();
    expect(gateway.frames).toEqual([]);
    await engine.run(1);
    engine.tell();
    expect(none.frames).toEqual([]);
    expect(statesOf(gateway.frames, "gateway:OSB")).toEqual(["idle", "claiming", "sending", "idle"]);
  });

  test("S4: replies and other functions do not leave", async () => {
    const engine = await watched(1);
    const reader = engine.watch("client-01");
    engine.tell();
    await engine.run(1);
    engine.tell();
    const search = reader.frames.find(({ event }) => event?.type === "client.search");
    expect(search?.event).toMatchObject({ reply: "[function]", criteria: { clientReference: "node-1" } });
  });
});

describe("F4: who watches costs the engine nothing", () => {
  test("XState is observed only while somebody reads, once for all", async () => {
    const engine = await watched();
    expect(engine.observers()).toBe(0);
    const [first, second] = [new WatchingReader(), new WatchingReader()];
    const readings = [first, second].map((reader) => engine.inspection.read(reader, { actor: null }));
    expect(engine.observers()).toBe(1);
    readings[0]?.end();
    expect(engine.observers()).toBe(1);
    readings[1]?.end();
    expect(engine.observers()).toBe(0);
    expect(engine.clock.nextInMs).toBeNull();
    expect(engine.inspection.readers).toBe(0);
  });

  test("no frame is made while the engine works, and only so many in a turn", async () => {
    const engine = await watched(250);
    const reader = engine.watch();
    expect(reader.frames).toEqual([]);
    engine.clock.advance(limits.inspectIntervalMs - 1);
    expect(reader.frames).toEqual([]);
    engine.clock.advance(1);
    expect(reader.frames).toHaveLength(limits.inspectFramesPerTurnMax);
    engine.clock.advance(2 * limits.inspectIntervalMs);
    expect(idsOf(reader.frames)).toHaveLength(251);
  });

  test("several readers share the frames of a turn", async () => {
    const engine = await watched(250);
    const readers = [engine.watch(), engine.watch(), engine.watch(), engine.watch()];
    engine.clock.advance(limits.inspectIntervalMs);
    expect(readers.map(({ frames }) => frames.length)).toEqual([25, 25, 25, 25]);
  });

  test("a reader that throws is dropped; the other one and the flows go on", async () => {
    const engine = await watched(1);
    const [bad, good] = [engine.watch(), engine.watch()];
    bad.send = () => {
      throw new Error("broken pipe");
    };
    engine.tell();
    await engine.run(2);
    engine.tell();
    expect(bad.closed?.code).toBe(1011);
    expect(engine.inspection.readers).toBe(1);
    expect(statesOf(good.frames, "client-01")).toContain("forwarding");
    expect(engine.supervisor.counters().openTickets).toBe(2);
  });

  test("a poisonous member of an event and of a context disturbs nobody, and the rest is told", async () => {
    const engine = await watched(1);
    const reader = engine.watch();
    engine.tell();
    const held = await engine.supervisor.lock();
    let touched = 0;
    const bite = (): never => {
      touched += 1;
      throw new Error("poison");
    };
    const poison = new Proxy({}, { ownKeys: bite, getPrototypeOf: bite, get: bite });
    const late = {
      get poison() {
        return bite();
      },
    };
    const criteria = { clientReference: "node-1", poison, late };
    const found = await held.search(criteria);
    expect(found).toMatchObject({ ok: true });
    expect(touched).toBe(0); // not while the engine works
    engine.tell();
    expect(statesOf(reader.frames, "client-01").slice(-3)).toEqual(["locked", "searching", "locked"]);
    const search = reader.frames.find(({ event }) => event?.type === "client.search");
    expect(search?.event?.["criteria"]).toEqual({
      clientReference: "node-1",
      poison: "[unreadable]",
      late: { poison: "[getter]" },
    });
    await held.close();
    await engine.run(2);
    expect(engine.supervisor.counters().openTickets).toBe(2);
  });

  test("an observer that fails leaves no actor deaf", async () => {
    const engine = await watched(1);
    const { clock, supervisor } = engine;
    const broken: Clock = {
      now() {
        throw new Error("no time");
      },
      monotonicMs: () => clock.monotonicMs(),
      setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
      clearTimeout: (id) => clock.clearTimeout(id),
    };
    const inspection = createInspection({ supervisor, clock: broken });
    inspection.read(new WatchingReader(), { actor: null });
    await engine.run(3);
    expect(engine.supervisor.counters().openTickets).toBe(3);
    inspection.close();
  });

  test("a flow that crashes is told with its error, and its client goes on", async () => {
    const engine = await watched(1, () => {
      throw new Error("poisonous alarm");
    });
    const reader = engine.watch();
    engine.tell();
    await engine.run(1);
    engine.tell();
    const crashed = reader.frames.find(({ snapshot }) => snapshot?.status === "error");
    expect(crashed).toMatchObject({ snapshot: { error: { message: "poisonous alarm" } } });
    expect(statesOf(reader.frames, "client-01").at(-1)).toBe("idle");
  });
});

describe("F3: who reads slowly", () => {
  test("is owed the newest state of each actor, in bounded memory, and gets it", async () => {
    const engine = await watched(4);
    const reader = engine.watch();
    engine.tell();
    const before = reader.frames.length;
    reader.buffered = limits.feedQueuedBytesMax;
    await engine.run(200); // some 5,000 steps
    reader.buffered = 0;
    engine.tell();
    const after = reader.frames.slice(before);
    expect(after.length).toBeLessThan(limits.inspectQueuedMax + 20);
    expect(untimely(reader.frames)).toEqual([]);
    for (const id of ["client-01", "client-02", "client-03", "client-04", "gateway:OSB"])
      expect(statesOf(reader.frames, id).at(-1)).toBe("idle");
    expect(engine.supervisor.counters().openTickets).toBe(200);
    await engine.run(1);
    engine.tell();
    expect(reader.frames.at(-1)).toMatchObject({ type: "@xstate.snapshot", snapshot: { value: "idle" } });
  });

  test.each([1, 2, 3, 4, 5])(
    "forgets who ended meanwhile: commands of the next flow are new (%i)",
    async (more) => {
      const engine = await watched(1);
      const reader = engine.watch("gateway:OSB");
      engine.tell();
      // Another number of frames each time, so that the queue is full at another moment of a flow.
      for (let extra = 0; extra < more; extra += 1) await (await engine.supervisor.lock()).close();
      await engine.run(50);
      engine.tell();
      const before = reader.frames.length;
      await engine.run(1);
      engine.tell();
      const next = idsOf(reader.frames.slice(before)).filter((id) => id.startsWith("gateway:OSB/"));
      expect(next).toEqual(["gateway:OSB/claim", "gateway:OSB/send"]);
    },
  );

  test("is told what is owed though more happens in every turn than can be told", async () => {
    const engine = await watched(2);
    const reader = engine.watch();
    engine.tell();
    await engine.run(50); // more than the queue takes
    const held = await engine.supervisor.lock();
    for (let turns = 0; turns < 20; turns += 1) {
      await engine.run(10);
      engine.clock.advance(limits.inspectIntervalMs);
    }
    expect(statesOf(reader.frames, held.clientId).at(-1)).toBe("locked");
    expect(untimely(reader.frames)).toEqual([]);
    await held.close();
  });

  test("is cut with 1013 when nothing was taken for 5 s, and no sooner", async () => {
    const engine = await watched();
    const reader = engine.watch();
    reader.buffered = limits.feedQueuedBytesMax;
    engine.clock.advance(limits.inspectIntervalMs);
    engine.clock.advance(feedDrainMsMax - 1);
    expect(reader.closed).toBeNull();
    engine.clock.advance(1);
    expect(reader.closed).toMatchObject({ code: 1013 });
    expect(reader.frames).toEqual([]);
    expect(engine.observers()).toBe(0);
  });

  test("stays when its buffer has emptied in time", async () => {
    const engine = await watched();
    const reader = engine.watch();
    reader.buffered = limits.feedQueuedBytesMax;
    engine.clock.advance(limits.inspectIntervalMs);
    reader.buffered = 0;
    engine.clock.advance(feedDrainMsMax);
    expect(reader.closed).toBeNull();
    expect(idsOf(reader.frames)).toEqual(["supervisor", "client-01", "client-02"]);
  });
});
