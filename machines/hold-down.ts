/**
 * Hold-down: how long a notification waits before its flow may begin, so that what clears by itself makes no
 * ticket, and what flaps is not updated or closed at every turn.
 *   R5 the wait is a duration; its end is kept as a time only for a restart.
 * Nothing is written for it: since when and how long follow from the accepted alarm and the settings, which are
 * facts. So it survives a restart, and new settings hold at once.
 * Source: domain.md, "Hold-down".
 */
import type { Delays, Parking } from "./facts.ts";
import type { KeyState, Waiting } from "./state.ts";
import type { Instant } from "./vocabulary.ts";

/** What the head of the line waits for before it may be decided; null: nothing. */
export function heldDown(key: KeyState, head: Waiting, delays: Delays): Parking | null {
  const [seconds, what] = delayOf(key, head, delays);
  return seconds === 0 ? null : held(head.at, seconds, what);
}

/** The same for alarms whose cover has ended: their create is held down like any other. */
export function heldAfterCover(endedAt: Instant, { createSeconds }: Delays): Parking | null {
  return createSeconds === 0 ? null : held(endedAt, createSeconds, "a create");
}

/** What the notification would most likely come to, by our own facts: the search has not been asked yet. */
function delayOf(key: KeyState, { notification }: Waiting, delays: Delays): [number, string] {
  const hasTicket = key.open.size > 0;
  if (notification.kind !== "clear")
    return hasTicket ? [delays.updateSeconds, "an update"] : [delays.createSeconds, "a create"];
  const closes = hasTicket && key.active.size <= 1;
  return [closes ? delays.closeSeconds : 0, "a close"];
}

function held(since: Instant, seconds: number, what: string): Parking {
  const until = since + Math.ceil(seconds * 1000);
  return { reason: "holdDown", since, until, because: `Held down for ${seconds} s before ${what}.` };
}
