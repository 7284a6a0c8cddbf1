/**
 * The deadlines of the locks, on the Clock port.
 *   L3 nothing is done for a lock whose deadline is past.  L5 no lock outlives its deadline.
 *   R5 they run on monotonic time.
 * Not delayed events of XState's: there, the end of any actor walks all scheduled events of the system, which
 * with thousands of locked clients took half of the engine's time.
 */
import type { Clock } from "./ports.ts";

interface Deadline {
  readonly lockGuid: string;
  readonly dueMs: number;
  readonly expire: () => void;
  /** null: it has fired, or its lock is ending by itself. */
  timer: { readonly id: unknown } | null;
}

export class LockDeadlines {
  readonly #clock: Pick<Clock, "monotonicMs" | "setTimeout" | "clearTimeout">;
  /** By client, of its newest lock. */
  readonly #deadlines = new Map<string, Deadline>();

  constructor(clock: Pick<Clock, "monotonicMs" | "setTimeout" | "clearTimeout">) {
    this.#clock = clock;
  }

  /** In place of the one before. `dueMs`: on the monotonic clock, and may be past. */
  arm(clientId: string, lockGuid: string, dueMs: number, expire: () => void): void {
    this.disarm(clientId);
    const ms = Math.max(0, dueMs - this.#clock.monotonicMs());
    const id = this.#clock.setTimeout(() => this.#fire(clientId, lockGuid), ms);
    this.#deadlines.set(clientId, { lockGuid, dueMs, expire, timer: { id } });
  }

  disarm(clientId: string): void {
    const deadline = this.#deadlines.get(clientId);
    if (deadline === undefined || deadline.timer === null) return;
    this.#clock.clearTimeout(deadline.timer.id);
    deadline.timer = null;
  }

  /**
   * True: the deadline of this lock is past. After a pause of the process (SIGSTOP, a stopped virtual machine) an
   * answer may be handled before the timer that was due earlier: then the lock ends here, before the answer is used.
   */
  endIfOver(clientId: string, lockGuid: string): boolean {
    const deadline = this.#deadlines.get(clientId);
    if (deadline?.lockGuid !== lockGuid || this.#clock.monotonicMs() < deadline.dueMs) return false;
    this.#fire(clientId, lockGuid);
    return true;
  }

  #fire(clientId: string, lockGuid: string): void {
    const deadline = this.#deadlines.get(clientId);
    if (deadline?.lockGuid !== lockGuid || deadline.timer === null) return;
    this.disarm(clientId);
    deadline.expire();
  }

  /** Locks end with the process: none is waited for once the pool is stopped. */
  stop(): void {
    for (const clientId of this.#deadlines.keys()) this.disarm(clientId);
  }
}
