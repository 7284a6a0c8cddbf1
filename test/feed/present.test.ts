/** One snapshot for all who come, or are set to the present, at one time. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Feed, FeedReader, FeedReading, FeedRequest } from "../../actors/feed.ts";
import { limits } from "../../machines/limits.ts";
import type { ManualClock } from "../alarms/manual-clock.ts";
import { CollectingReader, everything } from "./rig.ts";
import { scripted, type ScriptedSource, viewOf } from "./scripted-source.ts";

const factsKept = 10;
let source: ScriptedSource;
let clock: ManualClock;
let feed: Feed;
beforeEach(() => {
  ({ source, clock, feed } = scripted(factsKept));
  source.clients = [viewOf("client-01", "idle", "before"), viewOf("client-02")];
  source.emit(20);
  source.snapshotsTaken = 0;
});

function come(request: Partial<FeedRequest> = {}) {
  const reader = new CollectingReader();
  const reading = feed.read(reader, { ...everything, ...request });
  return Object.assign(reader, { reading });
}
function settle(): void {
  for (let turn = 0; turn < 5; turn++) clock.advance(0);
}
/** What a reader sees in the end, of client-01. */
function shown(reader: CollectingReader): string | undefined {
  const snapshot = reader.snapshots.at(-1);
  const states = reader.messages.slice(snapshot === undefined ? 0 : reader.messages.indexOf(snapshot));
  const last = states.findLast((message) => message.type === "ticketclient.client.state");
  return (last?.data ?? snapshot?.data.clients.find(({ clientId }) => clientId === "client-01"))
    ?.processingData;
}
/** Each fact follows the one before, the first the snapshot. */
function expectNoGap(reader: CollectingReader, upTo: number): void {
  const from = reader.snapshots.at(-1)?.data.position ?? Number.NaN;
  const following = reader.facts.filter(({ data }) => data.position > from);
  expect(following.map(({ data }) => data.position)).toEqual(
    Array.from({ length: upTo - from }, (_, index) => from + 1 + index),
  );
  expect(following.map(({ data }) => data.previous)).toEqual(following.map((_, index) => from + index));
}

describe("F4: what readers cost who want a snapshot at one time", () => {
  test("those who come are told one", () => {
    const readers = Array.from({ length: 50 }, () => come());
    expect(source.snapshotsTaken).toBe(1);
    for (const { snapshots } of readers) expect(snapshots).toEqual(readers[0]?.snapshots);
  });

  test("those who are reset are told one", () => {
    const readers = Array.from({ length: 50 }, () => come({ behind: "reset" }));
    settle();
    for (const reader of readers) reader.buffered = limits.feedQueuedBytesMax;
    source.emit(factsKept + 1);
    clock.advance(limits.feedStateIntervalMs);
    source.snapshotsTaken = 0;
    for (const reader of readers) reader.buffered = 0;
    for (const { reading } of readers) reading.drained();
    settle();
    expect(source.snapshotsTaken).toBe(1);
    for (const { snapshots } of readers)
      expect(snapshots.map(({ data }) => [data.reset, data.position])).toEqual([
        [false, 20],
        [true, 31],
      ]);
  });

  test("those who resume, from wherever, are told the same of now, each with its own position", () => {
    const readers = [3, 7, 20].map((position) => come({ after: { ledger: "ledger-1", position } }));
    expect(source.snapshotsTaken).toBe(1);
    expect(readers.map(({ snapshots }) => snapshots[0]?.data.position)).toEqual([3, 7, 20]);
    const ids = readers.map(({ snapshots }) => snapshots[0]?.id);
    expect(new Set(ids).size).toBe(3);
  });

  test("those who ask for what is not there yet are told one", () => {
    const readers = [21, 99].map((position) => come({ after: { ledger: "ledger-1", position } }));
    expect(source.snapshotsTaken).toBe(1);
    expect(readers.map(({ snapshots }) => snapshots[0]?.data.reset)).toEqual([true, true]);
  });

  test("each has the clients that it asked for", () => {
    const clientsOf = ({ snapshots }: CollectingReader) =>
      snapshots[0]?.data.clients.map(({ clientId }) => clientId);
    expect(clientsOf(come())).toEqual(["client-01", "client-02"]);
    expect(clientsOf(come({ only: "client-02" }))).toEqual(["client-02"]);
    expect(clientsOf(come({ only: "client-99" }))).toEqual([]);
    expect(clientsOf(come())).toEqual(["client-01", "client-02"]);
    expect(source.snapshotsTaken).toBe(1);
  });
});

describe("F2: who is told a snapshot of a moment ago", () => {
  test("gets the facts and the states since", () => {
    const first = come();
    source.emit(3);
    source.show(viewOf("client-01", "locked", "after"));
    const second = come();
    expect(second.snapshots).toEqual(first.snapshots);
    clock.advance(limits.feedStateIntervalMs);
    settle();
    for (const reader of [first, second]) {
      expectNoGap(reader, 23);
      expect(shown(reader)).toBe("after");
    }
  });

  test("gets them where they were told to others before it came", () => {
    const half = limits.feedStateIntervalMs / 2;
    const first = come();
    clock.advance(2 * half);
    source.show(viewOf("client-01", "locked", "between"));
    clock.advance(half);
    come();
    expect(source.snapshotsTaken).toBe(2);
    source.show(viewOf("client-01", "locked", "after"));
    clock.advance(half);
    settle();
    expect(shown(first)).toBe("after");
    const second = come();
    expect(second.snapshots[0]?.data.clients.at(-1)?.processingData).toBe("between");
    settle();
    expect(shown(second)).toBe("after");
    expect(source.snapshotsTaken).toBe(2);
  });

  test("after feedStateIntervalMs it is no more", () => {
    come();
    source.show(viewOf("client-01", "locked", "after"));
    clock.advance(limits.feedStateIntervalMs - 1);
    expect(come().snapshots[0]?.data.clients).toHaveLength(2);
    expect(source.snapshotsTaken).toBe(1);
    clock.advance(1);
    expect(shown(come())).toBe("after");
    expect(source.snapshotsTaken).toBe(2);
  });

  test("who resumes is told none that is older than what it has", () => {
    come();
    source.emit(3);
    const { snapshots } = come({ after: { ledger: "ledger-1", position: 22 } });
    expect(snapshots.map(({ data }) => [data.reset, data.position])).toEqual([[false, 22]]);
    expect(source.snapshotsTaken).toBe(2);
  });

  test("half of what is kept in memory may have followed it, and no more", () => {
    come();
    source.emit(factsKept / 2);
    expect(come().snapshots[0]?.data.position).toBe(20);
    source.emit(1);
    expect(come().snapshots[0]?.data.position).toBe(26);
  });

  test("nobody reads for a while: the next one is told of now", () => {
    const { reading } = come();
    reading.end();
    source.show(viewOf("client-01", "locked", "after"));
    expect(shown(come())).toBe("after");
  });
});

test("F4: a reader that throws does not spoil the snapshot of the others", () => {
  come();
  const bad: FeedReader = {
    send() {
      throw new Error("gone");
    },
    bufferedBytes: () => 0,
    close: () => undefined,
  };
  const reading: FeedReading = feed.read(bad, everything);
  reading.end();
  expect(come().snapshots).toHaveLength(1);
  expect(source.snapshotsTaken).toBe(1);
});
