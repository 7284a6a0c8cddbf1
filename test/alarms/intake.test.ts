import { afterEach, expect, test } from "vitest";

import type { Acceptance, AlarmSink } from "../../actors/ports.ts";
import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import { limits } from "../../machines/limits.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import type { Rig } from "./rig.ts";
import { Sender, startIntake, textOf } from "./rig.ts";

/** Answers only when the test says so. */
class HeldSink implements AlarmSink {
  readonly held: {
    readonly notification: Notification;
    readonly answer: (acceptance: Acceptance) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  #wanted: { readonly count: number; readonly resolve: () => void } | null = null;

  accept(notification: Notification): Promise<Acceptance> {
    return new Promise((answer, fail) => {
      this.held.push({ notification, answer, fail });
      if (this.#wanted !== null && this.held.length >= this.#wanted.count) this.#wanted.resolve();
    });
  }

  /** Resolves when so many events have arrived. */
  arrived(count: number): Promise<void> {
    if (this.held.length >= count) return Promise.resolve();
    return new Promise((resolve) => (this.#wanted = { count, resolve }));
  }
}

const kept = (position: number): Acceptance => ({ kind: "accepted", position, duplicate: false });

let rig: Rig;
afterEach(() => rig.close());

test("A1: nothing is acknowledged before the sink says it is durable", async () => {
  const sink = new HeldSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  sender.send(textOf({ id: "1" }), textOf({ id: "2" }), textOf({ id: "bad", alarm: { state: "x" } }));
  // The refusal of the third overtakes the two that are not durable yet.
  expect(await sender.next()).toMatchObject({ kind: "rejected", id: "bad" });
  sink.held[1]?.answer(kept(8));
  expect(await sender.next()).toMatchObject({ kind: "accepted", id: "2", position: 8 });
  sink.held[0]?.answer(kept(7));
  expect(await sender.next()).toMatchObject({ kind: "accepted", id: "1", position: 7 });
});

test("A4: the same alarm five times is kept once and acknowledged five times", async () => {
  const sink = new MemoryAlarmSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  // Transport noise and the order of members do not make it another event.
  sender.send(textOf(), textOf({ sequence: 4 }), textOf({ event: { traceparent: "00-1" } }), textOf());
  const again = await Sender.open(rig.url);
  again.send(textOf());
  const answers = [...(await sender.take(4)), await again.next()];
  expect(answers).toMatchObject(
    [false, true, true, true, true].map((duplicate) => ({ position: 1, duplicate })),
  );
  expect(sink.kept.length).toBe(1);
});

test("A6: events after a refused one are refused until it comes again; other sources go on", async () => {
  const sink = new MemoryAlarmSink();
  sink.overloadedFor = ({ id }) => (id === "2" ? 250 : null);
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  sender.send(...["1", "2"].map((id) => textOf({ id })));
  expect(await sender.take(2)).toMatchObject([
    { kind: "accepted", id: "1" },
    { kind: "rejected", id: "2", code: "OVERLOADED", retryAfterMs: 250 },
  ]);
  sink.overloadedFor = () => null;
  sender.send(
    textOf({ id: "3" }),
    textOf({ id: "other", source: "urn:other" }),
    textOf({ id: "bad", alarm: { state: 1 } }),
  );
  const refused = await sender.take(3);
  expect(refused).toContainEqual(expect.objectContaining({ kind: "accepted", id: "other" }));
  expect(refused).toContainEqual(expect.objectContaining({ kind: "rejected", id: "bad", code: "INVALID" }));
  expect(refused).toContainEqual(
    expect.objectContaining({
      kind: "rejected",
      id: "3",
      code: "OVERLOADED",
      retryAfterMs: limits.overloadedRetryAfterMs,
    }),
  );
  sender.send(textOf({ id: "2" }), textOf({ id: "3" }));
  expect(await sender.take(2)).toMatchObject([
    { kind: "accepted", id: "2" },
    { kind: "accepted", id: "3" },
  ]);
  expect(sink.kept.map(({ id }) => id)).toEqual(["1", "other", "2", "3"]);
});

test("A6: a late refusal of a later event does not let it pass the earlier one that is refused again", async () => {
  const sink = new HeldSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  const overloaded: Acceptance = { kind: "overloaded", retryAfterMs: 1 };
  sender.send(textOf({ id: "1" }), textOf({ id: "2" }));
  await sink.arrived(2);
  sink.held[0]?.answer(overloaded);
  await sender.next();
  sender.send(textOf({ id: "1" }));
  await sink.arrived(3);
  sink.held[1]?.answer(overloaded);
  await sender.next();
  sink.held[2]?.answer(overloaded);
  await sender.next();
  sender.send(textOf({ id: "2" }), textOf({ id: "1" }));
  expect(await sender.next()).toMatchObject({ kind: "rejected", id: "2", code: "OVERLOADED" });
  await sink.arrived(4);
  expect(sink.held[3]?.notification.id).toBe("1");
});

test("A6: an event that was refused for now and then for good is waited for no longer", async () => {
  const sink = new MemoryAlarmSink();
  sink.overloadedFor = ({ id }) => (id === "1" ? 250 : null);
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  sender.send(textOf({ id: "1" }));
  expect(await sender.next()).toMatchObject({ kind: "rejected", id: "1", code: "OVERLOADED" });
  const bad = { alarm: { state: "wrong" } };
  sender.send(
    textOf({ id: "0", ...bad }),
    textOf({ id: "1", source: "urn:other", ...bad }),
    textOf({ id: "2" }),
  );
  expect(await sender.take(3)).toMatchObject([
    { id: "0", code: "INVALID" },
    { id: "1", code: "INVALID" },
    { id: "2", code: "OVERLOADED" },
  ]);
  sender.send(textOf({ id: "1", ...bad }), textOf({ id: "2" }));
  expect(await sender.take(2)).toMatchObject([
    { kind: "rejected", id: "1", code: "INVALID" },
    { kind: "accepted", id: "2" },
  ]);
});

test("S3: unanswered events at the bound are taken, one more is refused for now", async () => {
  const sink = new HeldSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  const max = limits.inFlightPerConnectionMax;
  for (let id = 1; id <= max + 1; id++) sender.send(textOf({ id: `${id}` }));
  expect(await sender.next()).toMatchObject({ kind: "rejected", id: `${max + 1}`, code: "OVERLOADED" });
  expect(sink.held.length).toBe(max);
  sink.held[0]?.answer(kept(1));
  expect(await sender.next()).toMatchObject({ kind: "accepted", id: "1" });
  sender.send(textOf({ id: `${max + 1}` }));
  await sink.arrived(max + 1);
});

test("a gap in a source's sequence is reported; repeats and other sources are none", async () => {
  rig = await startIntake(new MemoryAlarmSink());
  const sender = await Sender.open(rig.url);
  const send = (sequence: number, source = "urn:a", alarm = {}) =>
    sender.send(textOf({ id: `${source} ${sequence}`, source, sequence, alarm }));
  send(7);
  send(8, "urn:a", { state: "wrong" });
  send(9);
  send(8);
  send(20, "urn:b");
  send(12);
  const answers = await sender.take(7);
  expect(answers.filter(({ kind }) => kind === "gap")).toEqual([
    { kind: "gap", expected: "00000000000000000010", got: "00000000000000000012" },
  ]);
});

test("S3: of a source whose name is too long no sequence is kept", async () => {
  rig = await startIntake(new MemoryAlarmSink());
  const sender = await Sender.open(rig.url);
  for (const more of [0, 1]) {
    const source = "s".repeat(limits.alarmIdCharsMax + more);
    sender.send(textOf({ id: "1", source, sequence: 1 }), textOf({ id: "3", source, sequence: 3 }));
  }
  const answers = (await sender.take(5)).map(({ kind }) => kind);
  expect(answers.toSorted()).toEqual(["accepted", "accepted", "gap", "rejected", "rejected"]);
});

test("stop: what is in flight is answered, what comes is refused STOPPING, then 1001", async () => {
  const sink = new HeldSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  const idle = await Sender.open(rig.url);
  sender.send(textOf({ id: "1" }));
  await sink.arrived(1);
  const stopped = rig.intake.stop();
  expect((await idle.closed).code).toBe(1001);
  sender.send(textOf({ id: "2" }));
  expect(await sender.next()).toMatchObject({
    kind: "rejected",
    id: "2",
    code: "STOPPING",
    retryAfterMs: expect.any(Number),
  });
  sink.held[0]?.answer(kept(1));
  expect(await sender.next()).toMatchObject({ kind: "accepted", id: "1" });
  expect((await sender.closed).code).toBe(1001);
  await stopped;
  expect(rig.intake.connections).toBe(0);
});

test("stop does not wait longer than the drain for a sink that never answers", async () => {
  const sink = new HeldSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  sender.send(textOf());
  await sink.arrived(1);
  const stopped = rig.intake.stop();
  rig.clock.advance(limits.drainSecondsDefault * 1_000);
  expect((await sender.closed).code).toBe(1001);
  await stopped;
});

test("R3: when the ledger fails nothing is answered and the connection closes", async () => {
  const sink = new HeldSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  sender.send(textOf({ id: "1" }), textOf({ id: "2" }));
  await sink.arrived(2);
  sink.held[0]?.fail(new Error("sync"));
  sink.held[1]?.answer(kept(2));
  const first = await Promise.race([sender.next(), sender.closed]);
  expect(first).toMatchObject({ code: 1001 });
});

test("S3: a sender that never reads its answers is cut off, and memory stays bounded", async () => {
  rig = await startIntake(new MemoryAlarmSink());
  const sender = await Sender.open(rig.url);
  sender.webSocket.pause();
  const closed = new Promise((resolve) => rig.sockets.forEach((socket) => socket.once("close", resolve)));
  // Each answer repeats an id of 60,000 characters: 1,000 of them are 60 MB.
  for (let count = 0; count < 1_000; count++) sender.send(textOf({ id: `${count}`.padEnd(60_000, "x") }));
  // The peer reads nothing, so it cannot answer the close frame either: the grace ends it.
  while (rig.clock.nextInMs === null || rig.clock.nextInMs > limits.closeGraceMs) {
    for (const { writableLength } of rig.sockets)
      expect(writableLength).toBeLessThan(limits.acksQueuedBytesMax + 100_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  rig.clock.advance(limits.closeGraceMs);
  await closed;
  expect(rig.intake.connections).toBe(0);
});

test("S3: a sender that sends faster than it reads is told so once it reads on", async () => {
  rig = await startIntake(new MemoryAlarmSink());
  const sender = await Sender.open(rig.url);
  sender.webSocket.pause();
  for (let count = 0; count < 1_000; count++) sender.send(textOf({ id: `${count}`.padEnd(60_000, "x") }));
  while (rig.clock.nextInMs === null || rig.clock.nextInMs > limits.closeGraceMs)
    await new Promise((resolve) => setImmediate(resolve));
  sender.webSocket.resume();
  expect(await sender.closed).toEqual({
    code: 1013,
    reason: "too many answers wait to be read: read them faster, or send more slowly",
  });
});

test("S3, A6: a sender that reads, and whose events are refused for more sources than are watched, is told that", async () => {
  rig = await startIntake({ accept: async () => ({ kind: "overloaded", retryAfterMs: 1_000 }) });
  const sender = await Sender.open(rig.url);
  for (let count = 0; count <= limits.sourcesPerConnectionMax; count++)
    sender.send(textOf({ source: `urn:flood:${count}` }));
  expect(await sender.closed).toEqual({
    code: 1013,
    reason: "events of too many sources were refused for now: come again later",
  });
});

test("A7: a lost connection leaves no trace in the sink", async () => {
  const sink = new MemoryAlarmSink();
  rig = await startIntake(sink);
  const sender = await Sender.open(rig.url);
  sender.send(textOf());
  await sender.next();
  sender.webSocket.terminate();
  await sender.closed;
  const next = await Sender.open(rig.url);
  next.send(textOf());
  await next.next();
  expect(sink.kept.map(({ kind }) => kind)).toEqual(["raise"]);
});
