/** What the fold knows of an alarm's end, for sources in whose standard a cleared alarm stays cleared (TMF642). */
import type { State } from "../machines/state.ts";
import type { Notification } from "../machines/vocabulary.ts";

/**
 * Whether the last that was accepted about this alarm is its clear. False where nothing is known of it, or
 * no longer (`clearedAlarmsPerKeyMax`).
 */
export function isCleared(state: State, { key, alarm }: Pick<Notification, "key" | "alarm">): boolean {
  const known = state.keys.get(key);
  if (known === undefined) return false;
  const last = known.waiting.findLast((one) => one.notification.alarm === alarm);
  if (last !== undefined) return last.notification.kind === "clear";
  return known.cleared.has(alarm) && !known.active.has(alarm);
}
