/** The machine's own clock, where Node's timers end: they count 24.8 days. */
import { onTestFinished, expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/clock/system.ts";
import { limits } from "../../machines/limits.ts";

test.each([
  ["the longest that Node counts", limits.timerMsMax],
  ["a millisecond more", limits.timerMsMax + 1],
  ["thirty days", 30 * 86_400_000],
  ["for ever", Infinity],
])("a wait of %s is not over before 24.8 days", (_what, ms) => {
  // As Node does, these take what is too long for a millisecond.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  let isOver = false;
  systemClock.setTimeout(() => (isOver = true), ms);
  vi.advanceTimersByTime(limits.timerMsMax - 1);
  expect(isOver).toBe(false);
  vi.advanceTimersByTime(1);
  expect(isOver).toBe(true);
});
