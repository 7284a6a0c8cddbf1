/** The contract of the HeartbeatReceiver port: one text, run against every adapter. */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import type { Beat, HeartbeatReceiver } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { manualClock, type ManualClock } from "../service/manual-clock.ts";

export interface Subject {
  readonly receiver: HeartbeatReceiver;
  /** What reached the other side, in order. */
  beats(): readonly Pick<Beat, "kind" | "rid" | "text">[];
  /** The next beat is refused, or never answered. */
  trouble(what: "refusal" | "silence"): void;
  /** When so many beats have reached the other side, those in trouble included. */
  came(beats: number): Promise<void>;
  stop(): Promise<void>;
}

const quiet = new AbortController().signal;

export function describeHeartbeatReceiver(
  name: string,
  start: (clock: ManualClock) => Promise<Subject>,
): void {
  describe(`HeartbeatReceiver: ${name}`, () => {
    const running: Subject[] = [];
    const begin = async () => {
      const clock = manualClock();
      const subject = await start(clock);
      running.push(subject);
      const beat = (kind: Beat["kind"], text = "", rid: string = randomUUID(), signal = quiet) =>
        subject.receiver.beat({ kind, rid, text }, signal);
      return { clock, subject, beat };
    };
    afterEach(async () => {
      for (const subject of running.splice(0)) await subject.stop();
    });

    test("start, success and fail arrive in order with their run and what they say", async () => {
      const { subject, beat } = await begin();
      const rid = randomUUID();
      const text = "client-01: no answer < 30 s & ü \u{1F525}";
      expect(await beat("start", "", rid)).toEqual({ ok: true, value: null });
      expect(await beat("success", "it worked", rid)).toEqual({ ok: true, value: null });
      expect(await beat("fail", text, rid)).toEqual({ ok: true, value: null });
      expect(subject.beats()).toMatchObject([
        { kind: "start", rid, text: "" },
        { kind: "success", rid, text: "it worked" },
        { kind: "fail", rid, text },
      ]);
    });

    test.each([
      { given: "x".repeat(1_024), bytes: 1_024 },
      { given: "x".repeat(1_025), bytes: 1_024 },
      { given: `x${"\u{1F525}".repeat(300)}`, bytes: 1_021 },
    ])("S3: a text is cut to 1 kB, never within a character ($bytes bytes)", async ({ given, bytes }) => {
      const { subject, beat } = await begin();
      await beat("fail", given);
      const text = subject.beats()[0]?.text ?? "";
      expect(given.startsWith(text)).toBe(true);
      expect(Buffer.byteLength(text)).toBe(bytes);
    });

    test("S4: user and password of an address that a reason names do not leave", async () => {
      const { subject, beat } = await begin();
      await beat("fail", "cannot reach http://desk:hunter2@10.0.0.1:8650/T and mysql://u:p@db/x");
      expect(subject.beats()[0]?.text).toBe("cannot reach http://10.0.0.1:8650/T and mysql://db/x");
    });

    test("S3, R5: of six in a minute the last is dropped and counted; when the first is a minute old one more goes", async () => {
      const { clock, subject, beat } = await begin();
      for (let sent = 0; sent < limits.heartbeatsPerMinuteMax; sent += 1) {
        expect((await beat("success")).ok).toBe(true);
        clock.advance(1_000);
      }
      expect(await beat("success")).toMatchObject({ failure: { code: "BEAT_DROPPED" } });
      clock.advance(60_000 - limits.heartbeatsPerMinuteMax * 1_000 - 1);
      expect(await beat("success")).toMatchObject({ failure: { code: "BEAT_DROPPED" } });
      expect(subject.receiver.dropped()).toBe(2);
      clock.advance(1);
      expect((await beat("success")).ok).toBe(true);
      expect(await beat("success")).toMatchObject({ failure: { code: "BEAT_DROPPED" } });
      expect(subject.beats()).toHaveLength(limits.heartbeatsPerMinuteMax + 1);
    });

    test("what is refused says so, and the next is taken", async () => {
      const { subject, beat } = await begin();
      subject.trouble("refusal");
      expect(await beat("success")).toMatchObject({ ok: false, failure: { code: "BEAT_REFUSED" } });
      expect((await beat("success")).ok).toBe(true);
    });

    test("a receiver that never answers is given up after five seconds", async () => {
      const { clock, subject, beat } = await begin();
      subject.trouble("silence");
      let over = false;
      const beating = beat("success").finally(() => (over = true));
      await subject.came(1);
      clock.advance(limits.heartbeatTimeoutMs - 1);
      await new Promise((resolve) => setImmediate(resolve));
      expect(over).toBe(false);
      clock.advance(1);
      expect(await beating).toMatchObject({ failure: { code: "BEAT_UNANSWERED" } });
      expect(clock.pending()).toBe(0);
    });

    test("the signal ends a beat at once, and a beat whose signal has ended is not sent", async () => {
      const { subject, beat } = await begin();
      const stop = new AbortController();
      subject.trouble("silence");
      const beating = beat("success", "", randomUUID(), stop.signal);
      await subject.came(1);
      stop.abort();
      expect(await beating).toMatchObject({ failure: { code: "BEAT_UNANSWERED" } });
      expect((await beat("success", "late", randomUUID(), stop.signal)).ok).toBe(false);
      expect((await beat("success", "next")).ok).toBe(true);
      expect(subject.beats().map(({ text }) => text)).not.toContain("late");
    });
  });
}
