/** A clock that stands still until the test moves it; timers fire in their order. */
import type { Clock } from "../../actors/ports.ts";

export interface ManualClock extends Clock {
  /** Moves on and fires what is due, timers set on the way included. */
  advance(ms: number): void;
  /** How many timers wait. */
  pending(): number;
  /** Milliseconds until the next timer; null = none waits. */
  nextInMs(): number | null;
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let lastId = 0;
  const timers = new Map<number, { readonly at: number; readonly fn: () => void }>();
  return {
    now: () => now,
    monotonicMs: () => now - start,
    setTimeout(fn, ms) {
      lastId += 1;
      timers.set(lastId, { at: now + ms, fn });
      return lastId;
    },
    clearTimeout(id) {
      timers.delete(Number(id));
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.at <= end)
          .toSorted((a, b) => a[1].at - b[1].at)[0];
        if (due === undefined) break;
        timers.delete(due[0]);
        now = due[1].at;
        due[1].fn();
      }
      now = end;
    },
    pending: () => timers.size,
    nextInMs: () => (timers.size === 0 ? null : Math.min(...[...timers.values()].map(({ at }) => at)) - now),
  };
}
