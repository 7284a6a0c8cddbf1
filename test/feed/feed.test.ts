import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";

import { createFeed, feedDrainMsMax } from "../../actors/feed.ts";
import { feedTypes, type FeedMessage, type FeedType } from "../../actors/feed-messages.ts";
import type { Ledger } from "../../actors/ports.ts";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { CollectingReader, everything, raiseOf, startEngine } from "./rig.ts";
import { scripted, ScriptedSource, viewOf } from "./scripted-source.ts";

/** A reader whose buffer nobody empties, unless told. */
class StuckReader extends CollectingReader {
  override send(text: string): void {
    super.send(text);
    this.buffered += Buffer.byteLength(text);
  }
}

describe("F1: order", () => {
  test.each<[string, Pick<typeof everything, "only" | "types">]>([
    ["everything", { only: null, types: null }],
    ["one client", { only: "client-02", types: null }],
    ["two types", { only: null, types: new Set<FeedType>(["response.row", "alarm.settled"]) }],
    ["a client and a type", { only: "client-01", types: new Set<FeedType>(["response.row"]) }],
  ])("positions rise and each names the one before, filtered by %s", async (_title, filter) => {
    const engine = await startEngine();
    await engine.run(1);
    const reader = new CollectingReader();
    engine.feed.read(reader, { ...everything, ...filter });
    await engine.run(6);
    expect(reader.facts.length).toBeGreaterThan(5);
    let previous = reader.snapshots[0]?.data.position ?? -1;
    for (const { data } of reader.facts) {
      expect(data.previous).toBe(previous);
      expect(data.position).toBeGreaterThan(previous);
      previous = data.position;
    }
  });

  test("no fact is published before it is durable", async () => {
    const inner = createMemoryLedger();
    let gate: Promise<void> | null = null;
    const ledger: Ledger = { ...inner, append: async (batch) => (await gate, inner.append(batch)) };
    const engine = await startEngine({ ledger });
    const reader = new CollectingReader();
    engine.feed.read(reader, everything);
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const raising = engine.supervisor.raise(raiseOf(1, 0));
    await engine.settle();
    expect(reader.facts).toEqual([]);
    resolve();
    const { position } = await raising;
    await engine.settle();
    expect(reader.positions[0]).toBe(position);
  });

  test("the snapshot comes first and is of the moment that the facts go on from", async () => {
    const engine = await startEngine();
    await engine.run(2);
    const reader = new CollectingReader();
    engine.feed.read(reader, everything);
    await engine.run(1);
    const [snapshot] = reader.snapshots;
    expect(reader.messages[0]).toBe(snapshot);
    expect(snapshot?.data).toMatchObject({
      ledger: "memory",
      reset: false,
      counters: { accepted: 2, settled: 2 },
    });
    expect(reader.positions).toEqual(
      (await engine.facts(snapshot?.data.position)).map(({ position }) => position),
    );
  });

  test("every message is a CloudEvents object and no id comes twice", async () => {
    const engine = await startEngine();
    const reader = new CollectingReader();
    engine.feed.read(reader, everything);
    await engine.run(3);
    engine.clock.advance(limits.feedStateIntervalMs);
    await engine.settle();
    const ids = new Set(reader.messages.map(({ id }) => id));
    expect(ids.size).toBe(reader.messages.length);
    const types = new Set<string>(["feed.snapshot", ...feedTypes].map((type) => `ticketclient.${type}`));
    for (const message of reader.messages) {
      expect(message).toMatchObject({ specversion: "1.0", source: "/v1/feed" });
      expect(types.has(message.type)).toBe(true);
      expect(new Date(message.time).toISOString()).toBe(message.time);
    }
    expect(new Set(reader.messages.map(({ type }) => type)).size).toBeGreaterThan(12);
  });
});

describe("filters", () => {
  test("only: facts that name the client and its states, no counters", async () => {
    const engine = await startEngine({ clients: 3 });
    const [all, one] = [new CollectingReader(), new CollectingReader()];
    engine.feed.read(all, everything);
    engine.feed.read(one, { ...everything, only: "client-02" });
    await engine.run(7);
    engine.clock.advance(limits.feedStateIntervalMs);
    await engine.settle();
    const names = (message: FeedMessage): boolean =>
      message.type === "ticketclient.response.row"
        ? message.data.row.clientId === "client-02"
        : "clientId" in message.data && message.data.clientId === "client-02";
    const positionsOf = (messages: readonly FeedMessage[]) =>
      messages.map(({ data }) => ("previous" in data ? data.position : data));
    expect(one.snapshots[0]?.data.clients.map(({ clientId }) => clientId)).toEqual(["client-02"]);
    expect(positionsOf(one.messages.slice(1))).toEqual(positionsOf(all.messages.filter(names)));
    expect(one.ofType("ticketclient.client.state").length).toBeGreaterThan(0);
    expect(one.ofType("ticketclient.response.row").length).toBeGreaterThan(1);
  });

  test("types: these and no others", async () => {
    const engine = await startEngine();
    const reader = new CollectingReader();
    engine.feed.read(reader, { ...everything, types: new Set<FeedType>(["alarm.settled", "counters"]) });
    await engine.run(2);
    engine.clock.advance(limits.feedStateIntervalMs);
    await engine.settle();
    expect(reader.messages.map(({ type }) => type)).toEqual([
      "ticketclient.feed.snapshot",
      "ticketclient.alarm.settled",
      "ticketclient.alarm.settled",
      "ticketclient.counters",
    ]);
  });
});

describe("states", () => {
  test("are coalesced: the latest, at most once an interval", () => {
    const { source, clock, feed } = scripted();
    const reader = new CollectingReader();
    feed.read(reader, everything);
    const states = () =>
      reader.ofType("ticketclient.client.state").map(({ data }) => `${data.clientId} ${data.processingData}`);
    for (let i = 1; i <= 50; i++) source.show(viewOf(`client-0${(i % 2) + 1}`, "locked", `${i}`));
    clock.advance(limits.feedStateIntervalMs - 1);
    expect(states()).toEqual([]);
    clock.advance(1);
    expect(states()).toEqual(["client-02 49", "client-01 50"]);
    source.show(viewOf("client-01", "locked", "51"));
    clock.advance(limits.feedStateIntervalMs - 1);
    expect(states()).toHaveLength(2);
    clock.advance(1);
    expect(states().slice(2)).toEqual(["client-01 51"]);
  });

  test("counters come when they changed, and are not counted for readers that do not want them", () => {
    const { source, clock, feed } = scripted();
    const reader = new CollectingReader();
    const reading = feed.read(reader, everything);
    for (let i = 0; i < 3; i++) {
      source.emit(5);
      clock.advance(limits.feedStateIntervalMs);
      source.show(viewOf("client-01"));
      clock.advance(limits.feedStateIntervalMs);
    }
    expect(reader.ofType("ticketclient.counters").map(({ data }) => data.accepted)).toEqual([5, 10, 15]);
    reading.end();
    feed.read(new CollectingReader(), { ...everything, only: "client-01" });
    const { counted } = source;
    source.emit(5);
    clock.advance(limits.feedStateIntervalMs);
    expect(source.counted).toBe(counted);
  });

  test("a reader that was full gets each client's latest once, and all of them", () => {
    const { source, clock, feed } = scripted();
    const reader = new CollectingReader();
    const reading = feed.read(reader, everything);
    reader.buffered = limits.feedQueuedBytesMax;
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 1_000; i++)
        if (round < 2 || i % 3 === round) source.show(viewOf(`client-${i}`, "idle", `${round}`));
      clock.advance(limits.feedStateIntervalMs);
    }
    expect(reader.messages).toHaveLength(1);
    reader.buffered = 0;
    reading.drained();
    clock.advance(0);
    const latest = new Map(
      reader.ofType("ticketclient.client.state").map(({ data }) => [data.clientId, data.processingData]),
    );
    expect(reader.ofType("ticketclient.client.state")).toHaveLength(1_000);
    for (const view of source.clients) expect(latest.get(view.clientId)).toBe(view.processingData);
  });

  test("nobody reads: nothing is kept, no timer runs", () => {
    const { source, clock, feed } = scripted();
    source.emit(3);
    source.show(viewOf("client-01"));
    expect(clock.nextInMs).toBeNull();
    feed.read(new CollectingReader(), everything).end();
    source.emit(3);
    expect(clock.nextInMs).toBeNull();
  });
});

describe("F3: a slow reader", () => {
  test("holds at most the bound and one message, is cut with 1013, and resumes without a gap", async () => {
    const engine = await startEngine();
    const [slow, quick] = [new StuckReader(), new CollectingReader()];
    engine.feed.read(slow, everything);
    engine.feed.read(quick, everything);
    await engine.run(300);
    const longest = Math.max(...slow.messages.map((message) => JSON.stringify(message).length));
    expect(slow.buffered).toBeGreaterThanOrEqual(limits.feedQueuedBytesMax);
    expect(slow.buffered).toBeLessThan(limits.feedQueuedBytesMax + longest);
    engine.clock.advance(feedDrainMsMax - 1);
    expect(slow.closed).toBeNull();
    engine.clock.advance(1);
    expect(slow.closed).toMatchObject({ code: 1013 });
    expect(quick.closed).toBeNull();
    expect(engine.feed.readers).toBe(1);

    const again = new CollectingReader();
    engine.feed.read(again, { ...everything, after: { ledger: "memory", position: slow.last } });
    await engine.settle();
    expect([...slow.positions, ...again.positions]).toEqual(quick.positions);
  });

  test("one byte below the bound is not full", () => {
    const { source, clock, feed } = scripted();
    const reader = new CollectingReader();
    feed.read(reader, everything);
    reader.buffered = limits.feedQueuedBytesMax - 1;
    source.emit(2);
    clock.advance(0);
    expect(reader.positions).toEqual([1, 2]);
    reader.buffered = limits.feedQueuedBytesMax;
    source.emit(2);
    clock.advance(0);
    expect(reader.positions).toEqual([1, 2]);
  });

  test("a burst larger than the bound does not cut a reader that takes it", () => {
    const { source, clock, feed } = scripted(3_000);
    const reader = new StuckReader();
    const reading = feed.read(reader, everything);
    source.emit(3_000, 2_000);
    for (let i = 0; i < 10; i++) {
      clock.advance(feedDrainMsMax - 1);
      reader.buffered = 0;
      reading.drained();
    }
    clock.advance(0);
    expect(reader.closed).toBeNull();
    expect(reader.positions).toHaveLength(3_000);
  });

  test("a buffer that has shrunk in time is served again, even if nobody said that it drained", () => {
    const { source, clock, feed } = scripted();
    const reader = new CollectingReader();
    feed.read(reader, everything);
    reader.buffered = limits.feedQueuedBytesMax;
    source.emit(2);
    // Past the states of those facts: nothing else is going to wake the feed.
    clock.advance(feedDrainMsMax - 1);
    expect(reader.positions).toEqual([]);
    reader.buffered = limits.feedQueuedBytesMax - 1;
    clock.advance(1);
    expect(reader.closed).toBeNull();
    expect(reader.positions).toEqual([1, 2]);
  });

  test("the same bound holds while it catches up from the ledger", async () => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.emit(3_000, 2_000);
    const feed = createFeed({ supervisor: source, clock });
    const reader = new StuckReader();
    feed.read(reader, { ...everything, after: { ledger: "ledger-1", position: 0 } });
    for (let i = 0; i < 30; i++) {
      clock.advance(0);
      await nextTurn();
    }
    expect(reader.buffered).toBeGreaterThanOrEqual(limits.feedQueuedBytesMax);
    expect(reader.buffered).toBeLessThan(limits.feedQueuedBytesMax + 3_000);
    clock.advance(feedDrainMsMax);
    expect(reader.closed).toMatchObject({ code: 1013 });
  });
});

describe("F4: a reader that breaks", () => {
  test.each(["send", "bufferedBytes", "close"] as const)(
    "whose %s throws is dropped; flows and other readers go on",
    async (method) => {
      const engine = await startEngine();
      const [good, bad] = [new CollectingReader(), new CollectingReader()];
      let broken = false;
      const breakable = bad[method].bind(bad) as (...given: unknown[]) => unknown;
      const breaking = (...given: unknown[]): unknown => {
        if (broken) throw new Error("broken reader");
        return breakable(...given);
      };
      Object.assign(bad, { [method]: breaking });
      engine.feed.read(bad, everything);
      engine.feed.read(good, everything);
      broken = true;
      if (method === "close") bad.send = () => breaking();
      await engine.run(5);
      expect(engine.supervisor.counters()).toMatchObject({ accepted: 5, settled: 5 });
      expect(good.positions).toEqual((await engine.facts(4)).map(({ position }) => position));
      expect(engine.feed.readers).toBe(1);
    },
  );

  test("whose first message already throws never becomes a reader", async () => {
    const engine = await startEngine();
    const bad = new CollectingReader();
    bad.send = () => {
      throw new Error("broken reader");
    };
    expect(() => engine.feed.read(bad, everything)).not.toThrow();
    expect(bad.closed?.code).toBe(1011);
    expect(engine.feed.readers).toBe(0);
  });

  test("no reader is called while the engine tells its facts", async () => {
    const engine = await startEngine();
    const reader = new CollectingReader();
    engine.feed.read(reader, everything);
    const during: number[] = [];
    engine.supervisor.onFacts(([first]) => during.push((first?.position ?? 0) - reader.last));
    engine.supervisor.onClient(() => during.push(1));
    await engine.run(3);
    expect(during.length).toBeGreaterThan(3);
    expect(Math.min(...during)).toBeGreaterThan(0);
  });

  test("a turn of the feed ends in time however many facts wait", () => {
    const { source, clock, feed } = scripted(5_000);
    const costly = {
      sent: 0,
      send: () => void costly.sent++,
      bufferedBytes: () => 0,
      close: () => undefined,
    };
    // A clock on which every message takes 0.1 ms.
    Object.assign(clock, { monotonicMs: () => costly.sent / 10 });
    for (let i = 0; i < 20; i++) feed.read(costly, everything);
    source.emit(5_000);
    const turns: number[] = [];
    while (costly.sent < 20 * 5_001) {
      if (clock.nextInMs === null) throw new Error("it went to sleep with facts to send");
      const before = costly.sent;
      fireOne(clock);
      turns.push(costly.sent - before);
    }
    expect(Math.max(...turns)).toBeLessThan(400);
  });
});

/** Fires what is due now, once: a timer set meanwhile waits. */
function fireOne(clock: ManualClock): void {
  const set = clock.setTimeout.bind(clock);
  const later: (() => void)[] = [];
  clock.setTimeout = (fn) => later.push(fn);
  clock.advance(0);
  clock.setTimeout = set;
  for (const fn of later) set(fn, 0);
}

test("close: 1001 to every reader, and the engine is heard no more", async () => {
  const engine = await startEngine();
  const readers = [new CollectingReader(), new CollectingReader()];
  for (const reader of readers) engine.feed.read(reader, everything);
  engine.feed.close();
  expect(readers.map(({ closed }) => closed?.code)).toEqual([1001, 1001]);
  await engine.run(1);
  expect(readers.flatMap(({ facts }) => facts)).toEqual([]);
});
