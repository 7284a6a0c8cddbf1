import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createFeed } from "../../actors/feed.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { CollectingReader, everything } from "./rig.ts";
import { scripted, ScriptedSource, viewOf } from "./scripted-source.ts";

describe("F3: a reader that has had what was there when it came, and falls behind the ring", () => {
  function fallen(behind: "read" | "reset") {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.clients = [viewOf("client-01", "idle", "before")];
    const feed = createFeed({ supervisor: source, clock, factsKept: 10 });
    const reader = new CollectingReader();
    const reading = feed.read(reader, { ...everything, behind });
    source.emit(2);
    clock.advance(0);
    reader.buffered = limits.feedQueuedBytesMax;
    return { source, clock, reader, reading };
  }

  async function drain({ clock, reader, reading }: ReturnType<typeof fallen>): Promise<void> {
    reader.buffered = 0;
    reading.drained();
    for (let turn = 0; turn < 5; turn++) {
      clock.advance(0);
      await nextTurn();
    }
  }

  test("reset: a snapshot says how it is now, and the facts after it follow without a gap", async () => {
    const scene = fallen("reset");
    const { source, reader } = scene;
    source.emit(11);
    source.show(viewOf("client-01", "locked", "between"));
    scene.clock.advance(limits.feedStateIntervalMs);
    source.clients = [viewOf("client-01", "idle", "after")];
    await drain(scene);
    expect(reader.positions).toEqual([1, 2]);
    expect(reader.snapshots.map(({ data }) => [data.reset, data.position])).toEqual([
      [false, 0],
      [true, 13],
    ]);
    expect(reader.snapshots[1]?.data.clients[0]?.processingData).toBe("after");
    expect(reader.ofType("ticketclient.client.state")).toEqual([]);
    source.emit(2);
    await drain(scene);
    expect(reader.facts.slice(2).map(({ data }) => [data.previous, data.position])).toEqual([
      [13, 14],
      [14, 15],
    ]);
    expect(source.pagesRead).toBe(0);
  });

  test("one fact less is still there: nothing is left out", async () => {
    const scene = fallen("reset");
    scene.source.emit(10);
    await drain(scene);
    expect(scene.reader.snapshots).toHaveLength(1);
    expect(scene.reader.positions).toEqual(scene.source.durable.map(({ position }) => position));
  });

  test("read: all of it comes, from the ledger", async () => {
    const scene = fallen("read");
    scene.source.emit(40);
    await drain(scene);
    expect(scene.reader.snapshots).toHaveLength(1);
    expect(scene.reader.positions).toEqual(scene.source.durable.map(({ position }) => position));
    expect(scene.source.pagesRead).toBeGreaterThan(0);
  });

  test("reset is not for who resumes: what it missed is read for it", async () => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.emit(40);
    const feed = createFeed({ supervisor: source, clock, factsKept: 10 });
    const reader = new CollectingReader();
    const after = { ledger: "ledger-1", position: 1 };
    const reading = feed.read(reader, { ...everything, after, behind: "reset" });
    await drain({ source, clock, reader, reading });
    expect(reader.snapshots.map(({ data }) => data.reset)).toEqual([false]);
    expect(reader.positions).toHaveLength(39);
  });
});

describe("F3: a reader that wants the present is told so much in a second and no more", () => {
  const ofSecond = limits.feedFactsPerSecond;
  function paced(behind: "read" | "reset", factsKept: number = ofSecond * 4) {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    const feed = createFeed({ supervisor: source, clock, factsKept });
    const reader = new CollectingReader();
    feed.read(reader, { ...everything, behind });
    source.emit(1);
    turns(clock);
    return { source, clock, reader };
  }
  function turns(clock: ManualClock): void {
    for (let turn = 0; turn < 40; turn++) clock.advance(0);
  }

  test("a burst comes late, and whole", () => {
    const { source, clock, reader } = paced("reset");
    source.emit(ofSecond * 3 - 1);
    turns(clock);
    expect(reader.positions).toHaveLength(ofSecond);
    clock.advance(999);
    turns(clock);
    expect(reader.positions).toHaveLength(ofSecond);
    clock.advance(1);
    turns(clock);
    expect(reader.positions).toHaveLength(2 * ofSecond);
    clock.advance(1_000);
    turns(clock);
    expect(reader.positions).toEqual(source.durable.map(({ position }) => position));
    expect(reader.snapshots).toHaveLength(1);
  });

  test("states come meanwhile", () => {
    const { source, clock, reader } = paced("reset");
    source.emit(ofSecond * 2);
    turns(clock);
    source.show(viewOf("client-01", "locked", "now"));
    clock.advance(limits.feedStateIntervalMs);
    turns(clock);
    expect(reader.positions).toHaveLength(ofSecond);
    expect(reader.ofType("ticketclient.client.state")).toHaveLength(1);
  });

  test("what goes on for longer sets it to the present", () => {
    const { source, clock, reader } = paced("reset", ofSecond);
    for (let part = 0; part < 10; part++) {
      source.emit(ofSecond / 2);
      turns(clock);
    }
    expect(reader.snapshots).toHaveLength(1);
    expect(reader.positions).toHaveLength(ofSecond);
    clock.advance(1_000);
    turns(clock);
    expect(reader.snapshots.map(({ data }) => [data.reset, data.position])).toEqual([
      [false, 0],
      [true, ofSecond * 5 + 1],
    ]);
    expect(reader.positions).toHaveLength(ofSecond);
  });

  test("who came later waits no longer than who came first", () => {
    const { source, clock, feed } = scripted(ofSecond * 4);
    const [first, second] = [new CollectingReader(), new CollectingReader()];
    feed.read(first, { ...everything, behind: "reset" });
    source.emit(1);
    turns(clock);
    clock.advance(600);
    feed.read(second, { ...everything, behind: "reset" });
    source.emit(ofSecond + 10);
    turns(clock);
    clock.advance(400);
    turns(clock);
    for (const { positions } of [first, second]) expect(positions.at(-1)).toBe(ofSecond + 11);
  });

  test("who wants all of it gets all of it at once", () => {
    const { source, clock, reader } = paced("read");
    source.emit(ofSecond * 3);
    turns(clock);
    expect(reader.positions).toHaveLength(ofSecond * 3 + 1);
  });

  test("who resumes gets at once what was there when it came", async () => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.emit(ofSecond * 3);
    const feed = createFeed({ supervisor: source, clock });
    const reader = new CollectingReader();
    feed.read(reader, { ...everything, after: { ledger: "ledger-1", position: 1 }, behind: "reset" });
    for (let turn = 0; turn < 60; turn++) {
      clock.advance(0);
      await nextTurn();
    }
    expect(reader.positions).toHaveLength(ofSecond * 3 - 1);
  });
});
