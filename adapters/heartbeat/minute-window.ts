/** At most so many in any sixty seconds, on monotonic time (R5): a jump of the wall clock lets nothing more through. */
import type { Clock } from "../../actors/ports.ts";

export interface MinuteWindow {
  /** Whether one more may go now; counts it if so. */
  take(): boolean;
  /** How often the answer was no. */
  refused(): number;
}

export function createMinuteWindow(perMinuteMax: number, clock: Pick<Clock, "monotonicMs">): MinuteWindow {
  let taken: number[] = [];
  let refused = 0;
  return {
    take() {
      const now = clock.monotonicMs();
      taken = taken.filter((at) => at > now - 60_000);
      if (taken.length >= perMinuteMax) {
        refused += 1;
        return false;
      }
      taken.push(now);
      return true;
    },
    refused: () => refused,
  };
}
