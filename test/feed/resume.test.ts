import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { createFeed, feedDrainMsMax, type FeedReading, type FeedRequest } from "../../actors/feed.ts";
import type { FeedType } from "../../actors/feed-messages.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { CollectingReader, everything, startEngine } from "./rig.ts";
import { ScriptedSource } from "./scripted-source.ts";

/** Lets pages be read and turns be taken. */
async function settle(clock: ManualClock): Promise<void> {
  for (let i = 0; i < 12; i++) {
    clock.advance(0);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

describe("F2: resuming gives exactly what followed", () => {
  test.each(["from the ring", "from the ledger", "from both"])(
    "at every position of a run, %s",
    async (from) => {
      const engine = await startEngine({
        factsKept: { "from the ring": 10_000, "from the ledger": 1, "from both": 20 }[from] ?? 0,
      });
      await engine.run(3);
      const facts = await engine.facts();
      // The ring holds what came after the feed was made.
      const first = from === "from the ring" ? 4 : 0;
      for (let position = first; position <= facts.length; position++) {
        const reader = new CollectingReader();
        const reading = engine.feed.read(reader, { ...everything, after: { ledger: "memory", position } });
        await engine.settle();
        reading.end();
        expect(reader.positions).toEqual(facts.slice(position).map((fact) => fact.position));
        expect(reader.snapshots[0]?.data).toMatchObject({ position, reset: false });
        expect(reader.messages[0]).toBe(reader.snapshots[0]);
      }
    },
  );

  test("a fact is the same message whether it came from the ring, from the ledger, live or filtered", async () => {
    const engine = await startEngine();
    const live = new CollectingReader();
    engine.feed.read(live, everything);
    await engine.run(2);
    const late = createFeed({ supervisor: engine.supervisor, clock: engine.clock, factsKept: 1 });
    const [fromRing, fromLedger, filtered] = [
      new CollectingReader(),
      new CollectingReader(),
      new CollectingReader(),
    ];
    const after = { ledger: "memory", position: 4 };
    engine.feed.read(fromRing, { ...everything, after });
    late.read(fromLedger, { ...everything, after });
    engine.feed.read(filtered, { ...everything, after, types: new Set<FeedType>(["flow.ended"]) });
    await engine.settle();
    expect(fromRing.facts).toEqual(live.facts);
    expect(fromLedger.facts).toEqual(live.facts);
    const unlinked = ({ data, ...rest }: (typeof live.facts)[number]) => ({
      ...rest,
      data: { ...data, previous: 0 },
    });
    expect(filtered.facts.map(unlinked)).toEqual(
      live.facts.filter(({ type }) => type === "ticketclient.flow.ended").map(unlinked),
    );
    expect(live.facts.every((fact) => fact.id === `memory:${fact.data.position}`)).toBe(true);
  });

  test("more than one page of the ledger, and facts that come in between", async () => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.emit(1_000);
    const feed = createFeed({ supervisor: source, clock, factsKept: 10 });
    const reader = new CollectingReader();
    feed.read(reader, { ...everything, after: { ledger: "ledger-1", position: 0 } });
    for (let i = 0; i < 20; i++) {
      source.emit(7);
      await settle(clock);
    }
    expect(source.pagesRead).toBeGreaterThan(3);
    expect(reader.positions).toEqual(source.durable.map(({ position }) => position));
  });

  test("a page that is on its way while facts come in, cross the ring and leave it: no gap, no double", async () => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.emit(5);
    const feed = createFeed({ supervisor: source, clock, factsKept: 3 });
    const reader = new CollectingReader();
    source.hold();
    feed.read(reader, { ...everything, after: { ledger: "ledger-1", position: 2 } });
    await settle(clock);
    expect(reader.positions).toEqual([]);
    source.emit(9);
    source.write(2);
    await settle(clock);
    source.release();
    await settle(clock);
    expect(reader.positions).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    source.tell();
    await settle(clock);
    expect(reader.positions.slice(-2)).toEqual([15, 16]);
  });

  type Op =
    | { readonly op: "write" | "emit"; readonly count: number }
    | { readonly op: "tell" | "hold" | "release" | "turn" | "clock" }
    | { readonly op: "cut" | "fill" | "drain"; readonly who: number };
  const op: fc.Arbitrary<Op> = fc.oneof(
    fc.record({
      op: fc.constantFrom("write" as const, "emit" as const),
      count: fc.integer({ min: 1, max: 6 }),
    }),
    fc.record({
      op: fc.constantFrom(
        "tell" as const,
        "hold" as const,
        "release" as const,
        "turn" as const,
        "clock" as const,
      ),
    }),
    fc.record({
      op: fc.constantFrom("cut" as const, "fill" as const, "drain" as const),
      who: fc.nat({ max: 3 }),
    }),
  );
  const filters: readonly Pick<FeedRequest, "only" | "types">[] = [
    { only: null, types: null },
    { only: "client-02", types: null },
    { only: null, types: new Set<FeedType>(["client.unlocked"]) },
    { only: "client-01", types: new Set<FeedType>(["client.lockForced", "counters"]) },
  ];

  test("F1 F2: cut and resumed at random points, with any ring, each reader has every fact of its filter once", async () => {
    const seen = { fromLedger: 0, cut: 0, full: 0, slow: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(op, { minLength: 10, maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat({ max: 12 }),
        async (ops, factsKept, before) => {
          const source = new ScriptedSource();
          const clock = new ManualClock();
          source.emit(before);
          const feed = createFeed({ supervisor: source, clock, factsKept });
          const rows = filters.map((filter) => ({
            filter,
            reader: new CollectingReader(),
            reading: null as FeedReading | null,
            chain: [] as number[],
          }));
          const open = (row: (typeof rows)[number], position: number): void => {
            row.reader = new CollectingReader();
            row.reading = feed.read(row.reader, {
              ...everything,
              ...row.filter,
              after: { ledger: "ledger-1", position },
            });
          };
          const resume = (row: (typeof rows)[number]): void => {
            row.reading?.end();
            row.chain.push(...row.reader.positions);
            // F1: the chain of `previous` has no hole.
            row.reader.facts.reduce((previous, { data }) => {
              expect(data.previous).toBe(previous);
              expect(data.position).toBeGreaterThan(previous);
              return data.position;
            }, row.reader.snapshots[0]?.data.position ?? -1);
            open(row, row.reader.last);
          };
          for (const row of rows) open(row, 0);
          for (const step of ops) {
            if (step.op === "write") source.write(step.count);
            else if (step.op === "emit") source.emit(step.count);
            else if (step.op === "tell") source.tell();
            else if (step.op === "hold") source.hold();
            else if (step.op === "release") source.release();
            else if (step.op === "clock") clock.advance(feedDrainMsMax);
            else if (step.op === "turn") {
              clock.advance(0);
              await new Promise<void>((resolve) => setImmediate(resolve));
            } else if ("who" in step) {
              const row = rows[step.who];
              if (row === undefined) continue;
              if (step.op === "cut") resume(row);
              else {
                row.reader.buffered = step.op === "fill" ? limits.feedQueuedBytesMax : 0;
                row.reading?.drained();
              }
              seen[step.op === "cut" ? "cut" : "full"]++;
            }
            for (const row of rows) {
              // F1: nothing that was not told.
              expect(row.reader.last).toBeLessThanOrEqual(source.snapshot().position);
              if (row.reader.closed !== null) {
                expect(row.reader.closed.code).toBe(1013);
                seen.slow++;
                resume(row);
              }
            }
          }
          source.release();
          source.tell();
          for (const row of rows) resume(row);
          await settle(clock);
          for (const row of rows) {
            resume(row);
            const { only, types } = row.filter;
            const wanted = source.durable.filter(
              (fact) =>
                (types?.has(fact.type) ?? true) && (only === null || fact.stream === `client/${only}`),
            );
            expect(row.chain).toEqual(wanted.map(({ position }) => position));
          }
          seen.fromLedger += source.pagesRead;
          feed.close();
        },
      ),
      { numRuns: 300 },
    );
    // A run that tried nothing proves nothing.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
  });
});

describe("F2: where the facts cannot be given, an explicit reset", () => {
  test.each([
    ["another ledger", { ledger: "other", position: 3 }],
    ["a position ahead of the head", { ledger: "ledger-1", position: 11 }],
  ])("%s", async (_title, after) => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    const feed = createFeed({ supervisor: source, clock });
    source.emit(10);
    const reader = new CollectingReader();
    feed.read(reader, { ...everything, after });
    source.emit(2);
    await settle(clock);
    expect(reader.snapshots.map(({ data }) => data)).toMatchObject([
      { ledger: "ledger-1", position: 10, reset: true },
    ]);
    expect(reader.facts.map(({ data }) => [data.previous, data.position])).toEqual([
      [10, 11],
      [11, 12],
    ]);
  });

  test("a position at the head is resumed, one after it is not", () => {
    const source = new ScriptedSource();
    source.emit(10);
    const feed = createFeed({ supervisor: source, clock: new ManualClock() });
    const resets = [9, 10, 11].map((position) => {
      const reader = new CollectingReader();
      feed.read(reader, { ...everything, after: { ledger: "ledger-1", position } });
      return reader.snapshots[0]?.data.reset;
    });
    expect(resets).toEqual([false, false, true]);
  });

  test("facts that retention has taken", async () => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.emit(10);
    source.oldest = 6;
    const feed = createFeed({ supervisor: source, clock });
    const reader = new CollectingReader();
    feed.read(reader, { ...everything, after: { ledger: "ledger-1", position: 2 } });
    await settle(clock);
    source.emit(1);
    await settle(clock);
    expect(reader.snapshots.map(({ data }) => [data.position, data.reset])).toEqual([
      [2, false],
      [10, true],
    ]);
    expect(reader.positions).toEqual([11]);
  });

  test("a ledger that cannot be read closes 1011, and other readers stay", async () => {
    const source = new ScriptedSource();
    const clock = new ManualClock();
    source.emit(10);
    source.readFails = true;
    const feed = createFeed({ supervisor: source, clock });
    const [live, back] = [new CollectingReader(), new CollectingReader()];
    feed.read(live, everything);
    feed.read(back, { ...everything, after: { ledger: "ledger-1", position: 2 } });
    await settle(clock);
    source.emit(1);
    await settle(clock);
    expect(back.closed?.code).toBe(1011);
    expect(live.positions).toEqual([11]);
  });
});
