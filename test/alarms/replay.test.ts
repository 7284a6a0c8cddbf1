import { afterEach, expect, test } from "vitest";

import type { Acceptance, Clock, Ids } from "../../actors/ports.ts";
import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import type { RecordedEvent } from "../../adapters/alarms/recorded.ts";
import { readCloudEvents } from "../../adapters/alarms/recorded.ts";
import type { ReplayOptions } from "../../adapters/alarms/replay.ts";
import { replay } from "../../adapters/alarms/replay.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "./manual-clock.ts";
import type { Rig } from "./rig.ts";
import { countingIds, startIntake, textOf } from "./rig.ts";

const ids: Ids = countingIds();
let rig: Rig;
afterEach(() => rig.close());

function eventsOf(count: number, secondsApart = 0): readonly RecordedEvent[] {
  const lines = Array.from({ length: count }, (_, index) =>
    textOf({ id: `${index}`, event: { time: new Date(index * secondsApart * 1_000).toISOString() } }),
  );
  const read = readCloudEvents(lines.join("\n"), "test");
  if (!read.ok) throw new Error(read.failure.detail);
  return read.value;
}

/** Fires each timer as soon as the event loop comes round: waiting costs no time. */
function impatient(): Clock & { readonly waits: readonly number[] } {
  const waits: number[] = [];
  const pending = new Set<number>();
  let count = 0;
  let elapsed = 0;
  return {
    waits,
    now: () => elapsed,
    monotonicMs: () => elapsed,
    setTimeout(fn, ms) {
      const id = ++count;
      waits.push(ms);
      // The watch for silence must not fire: the peer is not silent, time is.
      if (ms >= limits.replayHelloMsMax || ms === limits.closeGraceMs) return null;
      pending.add(id);
      setImmediate(() => {
        if (!pending.delete(id)) return;
        elapsed += ms;
        fn();
      });
      return id;
    },
    clearTimeout: (id) => void (typeof id === "number" && pending.delete(id)),
  };
}

function run(events: readonly RecordedEvent[], options: Partial<ReplayOptions> = {}) {
  return replay({ events, url: rig.url, speed: "max", clock: impatient(), ids, ...options });
}

const nothing = (): void => undefined;
/** So many rounds of the event loop. */
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const inOrder = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);

test("A4: a replay cut off many times delivers each event once, and every event is answered", async () => {
  const sink = new MemoryAlarmSink();
  const accept = sink.accept.bind(sink);
  let calls = 0;
  rig = await startIntake({
    accept(notification, digest) {
      // Kept, but the acknowledgement is lost.
      if (++calls % 797 === 0) for (const socket of rig.sockets) socket.destroy();
      return accept(notification, digest);
    },
  });
  // More than one read of the socket holds, so that a cut also loses events that nobody took.
  const summary = await run(eventsOf(8_000), { inFlight: 500 });
  expect(summary.gaveUp).toBeNull();
  expect(summary.accepted).toBe(8_000);
  expect(summary.reconnects).toBeGreaterThan(5);
  expect(summary.duplicates).toBeGreaterThan(0);
  expect(sink.kept.map(({ id }) => id)).toEqual(inOrder(8_000));
});

test("A6: after refusals for now it goes on from the refused event, in order, after the wait it was told", async () => {
  const sink = new MemoryAlarmSink();
  let refusals = 0;
  sink.overloadedFor = ({ id }) => (Number(id) % 100 === 99 && refusals++ % 3 !== 2 ? 777 : null);
  rig = await startIntake(sink);
  const clock = impatient();
  const summary = await run(eventsOf(500), { inFlight: 16, clock });
  expect(summary).toMatchObject({ accepted: 500, reconnects: 0, gaveUp: null, rejected: [] });
  expect(sink.kept.map(({ id }) => id)).toEqual(inOrder(500));
  expect(refusals).toBe(15);
  expect(clock.waits).toContain(777);
});

test("A4: an id that a file has twice is answered twice: as a duplicate, or as a conflict", async () => {
  const sink = new MemoryAlarmSink();
  rig = await startIntake(sink);
  const lines = [
    textOf({ id: "1" }),
    textOf({ id: "1" }),
    textOf({ id: "1", alarm: { state: "cleared" } }),
    textOf({ id: "2" }),
  ];
  const read = readCloudEvents(lines.join("\n"), "test");
  if (!read.ok) throw new Error(read.failure.detail);
  const summary = await run(read.value);
  expect(summary).toMatchObject({ sent: 4, accepted: 3, duplicates: 1, gaveUp: null });
  expect(summary.rejected).toMatchObject([{ id: "1", code: "CONFLICT" }]);
});

test("A6: it does not go on while an answer is out that may be a refusal too", async () => {
  const held: { readonly id: string; readonly answer: (acceptance: Acceptance) => void }[] = [];
  const sink = new MemoryAlarmSink();
  let isHolding = true;
  rig = await startIntake({
    accept(notification, digest) {
      if (!isHolding) return sink.accept(notification, digest);
      return new Promise((answer) => held.push({ id: notification.id, answer }));
    },
  });
  const summary = run(eventsOf(6), { inFlight: 3 });
  while (held.length < 3) await turns(1);
  held[0]?.answer({ kind: "overloaded", retryAfterMs: 1 });
  // Far more turns than a refusal and a wait take here.
  await turns(200);
  expect(held.map(({ id }) => id)).toEqual(["0", "1", "2"]);
  isHolding = false;
  for (const { answer } of held.slice(1)) answer({ kind: "overloaded", retryAfterMs: 1 });
  // The three go again once: in any other order the intake would refuse again what is not its turn.
  expect(await summary).toMatchObject({ sent: 9, accepted: 6, gaveUp: null });
  expect(sink.kept.map(({ id }) => id)).toEqual(inOrder(6));
});

test("refusals for good are reported and do not stop the rest", async () => {
  rig = await startIntake(new MemoryAlarmSink());
  const good = eventsOf(3);
  const bad = { at: 0, source: "urn:test", id: "bad", text: textOf({ id: "bad", alarm: { state: "x" } }) };
  const summary = await run([...good.slice(0, 1), bad, ...good.slice(1)]);
  expect(summary).toMatchObject({ sent: 4, accepted: 3, gaveUp: null });
  expect(summary.rejected).toMatchObject([{ id: "bad", code: "INVALID", field: "/data/state" }]);
});

test("speed 10: an event leaves when a tenth of its recorded time has passed, not before", async () => {
  const sink = new MemoryAlarmSink();
  let arrived = nothing;
  const accept = sink.accept.bind(sink);
  rig = await startIntake({
    accept(notification, digest) {
      arrived();
      return accept(notification, digest);
    },
  });
  const clock = new ManualClock();
  const first = new Promise<void>((resolve) => (arrived = resolve));
  const summary = run(eventsOf(3, 10), { speed: 10, clock });
  await first;
  for (const count of [2, 3]) {
    // Waits for the replay to set its timer for the next event: one second of ours.
    while (clock.nextInMs !== 1_000) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(999);
    expect(sink.kept.length).toBe(count - 1);
    const next = new Promise<void>((resolve) => (arrived = resolve));
    clock.advance(1);
    await next;
  }
  expect(await summary).toMatchObject({ accepted: 3, seconds: 2 });
});

test("an intake that stops is waited for; one that refuses the token is not", async () => {
  rig = await startIntake(new MemoryAlarmSink(), { authorize: (token) => token === "Bearer good" });
  expect(await run(eventsOf(1), { token: "bad" })).toMatchObject({
    accepted: 0,
    gaveUp: expect.stringContaining("401"),
  });
  expect(await run(eventsOf(1), { token: "good" })).toMatchObject({ accepted: 1, gaveUp: null });
  await rig.intake.stop();
  const clock = impatient();
  const summary = await run(eventsOf(1), { token: "good", clock });
  expect(summary.gaveUp).toContain(`${limits.replayConnectsMax} tries`);
  expect(Math.max(...clock.waits.filter((ms) => ms < limits.replayHelloMsMax))).toBe(
    limits.replayBackOffMsMax / 2,
  );
});

test("an event that closes the connection for good ends the replay with the reason", async () => {
  rig = await startIntake(new MemoryAlarmSink());
  const poison = { at: 0, source: "s", id: "1", text: '{"id":1}' };
  expect((await run([poison])).gaveUp).toContain("4400");
});

test("an aborted replay ends at once and says so", async () => {
  rig = await startIntake({ accept: () => new Promise(() => undefined) });
  const controller = new AbortController();
  const summary = run(eventsOf(2), { signal: controller.signal });
  controller.abort();
  expect(await summary).toMatchObject({ accepted: 0, gaveUp: "stopped by the caller" });
});
