/**
 * The time of a simulated world. One timer fires at a time, the earliest first, those of one moment in the order they
 * were set; so everything that happens between two steps can be looked at. Processes see it through a `Life`.
 */
import type { Clock } from "../../actors/ports.ts";
import type { Instant } from "../../machines/vocabulary.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

const midnight = Date.UTC(2026, 10, 23);

export class SimulatedClock implements Clock {
  #elapsed = 0;
  #jumped = 0;
  /** How often it was set. */
  jumps = 0;
  #order = 0;
  #steps = 0;
  #reads = 0;
  /** Sorted, the next one last. */
  readonly #timers: Timer[] = [];

  now(): Instant {
    this.#reads += 1;
    return midnight + this.#elapsed + this.#jumped;
  }

  monotonicMs(): number {
    return this.#elapsed;
  }

  /** What has been done to it: two moments between which none of these rises cannot be told apart by it. */
  get uses(): { readonly steps: number; readonly set: number; readonly reads: number } {
    return { steps: this.#steps, set: this.#order, reads: this.#reads };
  }

  setTimeout(fn: () => void, ms: number): Timer {
    this.#order += 1;
    const timer = { at: this.#elapsed + Math.max(0, ms), order: this.#order, fn };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle] as Timer).at > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    const at = this.#timers.indexOf(timer as Timer);
    if (at >= 0) this.#timers.splice(at, 1);
  }

  /** The clock on the wall is set; no time passes. */
  jump(ms: number): void {
    this.#jumped += ms;
    this.jumps += 1;
  }

  /** When the next timer fires; null without any. */
  get nextMs(): number | null {
    return this.#timers.at(-1)?.at ?? null;
  }

  /** When each of the timers fires, the earliest first. */
  dueMs(): number[] {
    return this.#timers.map(({ at }) => at).reverse();
  }

  /** Fires the next timer. */
  step(): void {
    const timer = this.#timers.pop();
    if (timer === undefined) return;
    this.#steps += 1;
    this.#elapsed = timer.at;
    timer.fn();
  }
}

/**
 * One process, from its start to its end: the time it sees, and what reaches it. Dead, nothing reaches it any more and
 * none of its timers fires; paused, everything waits until it goes on.
 */
export class Life implements Clock {
  readonly #world: SimulatedClock;
  readonly #timers = new Set<unknown>();
  readonly #atEnd = new Set<() => void>();
  #alive = true;
  #pausedUntilMs = 0;
  /** What came in meanwhile. */
  readonly #held: (() => void)[] = [];
  #isGoingOn = false;

  constructor(world: SimulatedClock) {
    this.#world = world;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get isPaused(): boolean {
    return this.#pausedUntilMs > this.#world.monotonicMs();
  }

  /** Something came in during a pause and has not been let in. */
  get hasHeld(): boolean {
    return this.#held.length > 0;
  }

  now(): Instant {
    return this.#world.now();
  }

  monotonicMs(): number {
    return this.#world.monotonicMs();
  }

  setTimeout(fn: () => void, ms: number): unknown {
    if (!this.#alive) return null;
    const timer = this.#world.setTimeout(() => {
      this.#timers.delete(timer);
      this.reach(fn);
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer);
    this.#world.clearTimeout(timer);
  }

  /** Something comes in: now, when the process goes on (in the order it came, one a step), or never. */
  reach(fn: () => void): void {
    if (!this.#alive) return;
    if (!this.isPaused && this.#held.length === 0) fn();
    else {
      this.#held.push(fn);
      this.#goOn();
    }
  }

  /** As SIGSTOP. */
  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#world.monotonicMs() + ms);
  }

  #goOn(): void {
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    // Past it by all means, also where time is no whole number.
    const leftMs = this.isPaused ? Math.floor(this.#pausedUntilMs - this.#world.monotonicMs()) + 1 : 0;
    this.#world.setTimeout(() => {
      this.#isGoingOn = false;
      if (!this.#alive) return;
      if (!this.isPaused) this.#held.shift()?.();
      if (this.#held.length > 0) this.#goOn();
    }, leftMs);
  }

  /** What ends with the process, as its sockets do. Returns a function that calls it off. */
  atEnd(fn: () => void): () => void {
    this.#atEnd.add(fn);
    return () => this.#atEnd.delete(fn);
  }

  /** As kill -9. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const timer of this.#timers) this.#world.clearTimeout(timer);
    for (const fn of this.#atEnd) fn();
  }
}
