/** Timers of the world outside the engine: like the clock's own, and known by name, so that two worlds can be compared. */
import type { Life, SimulatedClock } from "../simulation/simulated-clock.ts";

export interface WorldTimer {
  readonly atMs: number;
  readonly name: string;
  /** It fires whether or not the process lives on. */
  readonly isOut: boolean;
}

export class WorldTimers {
  readonly #clock: SimulatedClock;
  readonly #names = new Map<unknown, WorldTimer>();

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  later(ms: number, name: string, fn: () => void, isOut = true): unknown {
    const timer = this.#clock.setTimeout(() => {
      this.#names.delete(timer);
      fn();
    }, ms);
    this.#names.set(timer, { atMs: this.#clock.monotonicMs() + ms, name, isOut });
    return timer;
  }

  /** Something comes in at a process, if it still lives then. */
  reach(life: Life, ms: number, name: string, fn: () => void): void {
    this.later(ms, name, () => life.reach(fn), false);
  }

  forget(timer: unknown): void {
    this.#names.delete(timer);
    this.#clock.clearTimeout(timer);
  }

  /** What is still to come, in the order in which it comes. */
  pending(): WorldTimer[] {
    return [...this.#names.values()].sort((a, b) => a.atMs - b.atMs);
  }
}
