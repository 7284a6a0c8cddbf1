/**
 * The deadlines of the locks, on the Clock port.
 *   L5 no lock outlives its deadline.  R5 they run on monotonic time.
 * Not delayed events of XState's: there, the end of any actor walks all scheduled events of the system, which
 * with thousands of locked clients took half of the engine's time.
 */
import type { Clock } from "./ports.ts";

export class LockDeadlines {
  readonly #clock: Pick<Clock, "setTimeout" | "clearTimeout">;
  readonly #timers = new Map<string, unknown>();

  constructor(clock: Pick<Clock, "setTimeout" | "clearTimeout">) {
    this.#clock = clock;
  }

  /** In place of the one before. `ms` ≥ 0. */
  arm(clientId: string, ms: number, expire: () => void): void {
    this.disarm(clientId);
    this.#timers.set(clientId, this.#clock.setTimeout(expire, ms));
  }

  disarm(clientId: string): void {
    const timer = this.#timers.get(clientId);
    if (timer === undefined) return;
    this.#clock.clearTimeout(timer);
    this.#timers.delete(clientId);
  }

  /** Locks end with the process: none is waited for once the pool is stopped. */
  stop(): void {
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
    this.#timers.clear();
  }
}
