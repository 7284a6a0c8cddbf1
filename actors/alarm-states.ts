/** Whether an alarm is active, as what was accepted says: for sources whose standard tells more than an id does. */
import type { KeyState, State } from "../machines/state.ts";
import type { Instant, Notification } from "../machines/vocabulary.ts";

type Of = Pick<Notification, "key" | "alarm">;

/** When it was raised, as the last says that was accepted about this alarm; null: that is no raise or change. */
export function activeSince(state: State, { key, alarm }: Of): Instant | null {
  const known = state.keys.get(key);
  if (known === undefined) return null;
  const last = lastWaiting(known, alarm) ?? known.active.get(alarm)?.notification;
  return last === undefined || last.kind === "clear" ? null : last.raisedAt;
}

/**
 * Whether the last that was accepted about this alarm is its clear. False where nothing is known of it, or
 * no longer (`clearedAlarmsPerKeyMax`).
 */
export function isCleared(state: State, { key, alarm }: Of): boolean {
  const known = state.keys.get(key);
  if (known === undefined) return false;
  const waits = lastWaiting(known, alarm);
  return waits === undefined ? known.cleared.has(alarm) && !known.active.has(alarm) : waits.kind === "clear";
}

/** undefined: what was accepted about it has an outcome. */
function lastWaiting({ waiting }: KeyState, alarm: string): Notification | undefined {
  return waiting.findLast((one) => one.notification.alarm === alarm)?.notification;
}
