/** At most so many of each name in a second, on monotonic time (R5). What it remembers ends with the second. */
import type { Clock } from "../../actors/ports.ts";

export class SecondWindow {
  readonly #perSecondMax: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #taken = new Map<string, number>();
  #second = Number.NaN;

  constructor(perSecondMax: number, clock: Pick<Clock, "monotonicMs">) {
    this.#perSecondMax = perSecondMax;
    this.#clock = clock;
  }

  /** Whether one more may go now; counts it if so. */
  take(name: string): boolean {
    const second = Math.floor(this.#clock.monotonicMs() / 1_000);
    if (second !== this.#second) this.#taken.clear();
    this.#second = second;
    const taken = this.#taken.get(name) ?? 0;
    if (taken >= this.#perSecondMax) return false;
    this.#taken.set(name, taken + 1);
    return true;
  }
}
