/** A clock that moves only when told; timers fire in order of time, those set while firing included. */
import type { Clock } from "../../actors/ports.ts";
import type { Instant } from "../../machines/vocabulary.ts";

export class ManualClock implements Clock {
  #elapsed = 0;
  #jumped = 0;
  #ids = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly fn: () => void }>();

  now(): Instant {
    return Date.UTC(2026, 10, 23) + this.#elapsed + this.#jumped;
  }

  monotonicMs(): number {
    return this.#elapsed;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    this.#timers.set(++this.#ids, { at: this.#elapsed + ms, fn });
    return this.#ids;
  }

  clearTimeout(id: unknown): void {
    if (typeof id === "number") this.#timers.delete(id);
  }

  /** The clock on the wall is set; no time passes. */
  jump(ms: number): void {
    this.#jumped += ms;
  }

  /** As a stopped process: time passes, and what was due meanwhile fires with the next `advance`. */
  pause(ms: number): void {
    this.#elapsed += ms;
  }

  /** Milliseconds until the next timer; null without any. */
  get nextInMs(): number | null {
    const next = this.#next();
    return next === null ? null : Math.max(0, next[1].at - this.#elapsed);
  }

  advance(ms: number): void {
    const until = this.#elapsed + ms;
    for (let next = this.#next(); next !== null && next[1].at <= until; next = this.#next()) {
      this.#elapsed = Math.max(this.#elapsed, next[1].at);
      this.#timers.delete(next[0]);
      next[1].fn();
    }
    this.#elapsed = until;
  }

  #next(): [number, { readonly at: number; readonly fn: () => void }] | null {
    let first: [number, { readonly at: number; readonly fn: () => void }] | null = null;
    for (const entry of this.#timers) if (first === null || entry[1].at < first[1].at) first = entry;
    return first;
  }
}
