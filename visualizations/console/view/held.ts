/** What a table shows, put together anew now and then, and never under a pointer: rows stay where one is about to click. */
import { useRef } from "preact/hooks";
import { now } from "../live.ts";

export interface Held<T> {
  readonly value: T;
  readonly isHeld: boolean;
  /** True while a pointer or the focus is on the rows. */
  readonly hold: (isHeld: boolean) => void;
}

interface Kept<T> {
  value: T | null;
  asked: string | null;
  at: number;
  isHeld: boolean;
}

/** `asked`: what the user asked for; when it changes the value is made at once. Else at most every `everyMs`. */
export function useHeld<T extends object>(asked: string, everyMs: number, make: () => T): Held<T> {
  const kept = useRef<Kept<T>>({ value: null, asked: null, at: 0, isHeld: false }).current;
  // What came since the last time is shown at the next tick, even if nothing more comes.
  void now.value;
  const at = performance.now();
  if (kept.value === null || asked !== kept.asked || (!kept.isHeld && at - kept.at >= everyMs)) {
    kept.value = make();
    kept.asked = asked;
    kept.at = at;
  }
  return { value: kept.value, isHeld: kept.isHeld, hold: (isHeld) => (kept.isHeld = isHeld) };
}
