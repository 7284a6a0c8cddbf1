/**
 * Cover: what the active alarms of a key rest on instead of a ticket of their own: planned maintenance (D2) or a
 * parent's ticket (D5).
 *   A2 the outcome that named the cover stays while a ticket or a cover answers for the alarm; where none does any more,
 *   another outcome replaces it, by a fact that names it.
 *   A8 when the cover ends, by its time or because its ticket does, alarms still active are decided again; so are those
 *   whose own ticket has gone, as if that had been their cover.
 * A cover does not hold up the key: what comes in meanwhile is decided as it comes.
 * Source: domain.md, D2 and D5.
 */
import { entry, type Entry } from "./entry.ts";
import type { FactBodies, FactOf, NotificationRef, Parking, ReplacedOutcome } from "./facts.ts";
import { limits } from "./limits.ts";
import {
  keyStream,
  waitingOf,
  type CoverState,
  type FlowState,
  type KeyState,
  type State,
  type Waiting,
} from "./state.ts";
import { dropCover, setCover, ticketName } from "./ticket-index.ts";
import type { Instant, Position } from "./vocabulary.ts";

/** What covers, as a decision names it. */
export interface Covering {
  readonly ticketId: string;
  readonly service: string;
  /** Key or reference that it was made for; null: none known. */
  readonly key: string | null;
  /** End of the window; null: none is known, only the ticket's end counts. */
  readonly endAt: Instant | null;
}

/**
 * The fact that parks the key's alarms under the cover. Whoever closes a ticket elsewhere tells us nothing, and a
 * window may be cut short: so a cover is looked at again in 5, 10, 20 … 60 min, and at the end of its window.
 */
export function coverAlarms(
  key: KeyState,
  alarms: readonly NotificationRef[],
  by: Covering,
  because: string,
  at: Instant,
): Entry {
  const checks =
    key.cover?.tickets.includes(ticketName(by.service, by.ticketId)) === true ? key.cover.checks + 1 : 0;
  const recheckMs = recheckDelay(checks);
  // An end that has passed (a ticket that was opened again keeps that of its closing) says nothing of what covers now.
  const windowEnds = by.endAt !== null && by.endAt > at ? by.endAt : Infinity;
  return entry(keyStream(key.key), at, "key.parked", {
    key: key.key,
    parking: {
      reason: "covered",
      since: at,
      until: Math.min(windowEnds, at + recheckMs),
      because,
      cover: { ticketId: by.ticketId, service: by.service, key: by.key, checks, alarms },
    },
  });
}

/** In ms. */
export function recheckDelay(checks: number): number {
  return (
    Math.min(limits.coverRecheckSecondsMax, limits.coverRecheckSeconds * 2 ** Math.min(checks, 16)) * 1000
  );
}

/** The fold's side: the new cover together with what the old one still held. */
export function coverAfter(state: State, key: KeyState, fact: FactOf<"key.parked">): CoverState | null {
  const { parking } = fact.body;
  const { cover } = parking;
  if (cover === undefined) return null;
  const { position } = fact;
  const name = ticketName(cover.service, cover.ticketId);
  const decidedNow = membersOf(key, cover.alarms);
  const newest = new Map(decidedNow.map(({ notification, ref }) => [notification.alarm, ref.position]));
  const others = key.cover?.alarms.filter((one) => !newest.has(one.notification.alarm)) ?? [];
  // What an alarm has said since stays beside what it had said before, where that is decided once more.
  const later =
    key.cover?.alarms.filter(
      ({ notification, ref }) => ref.position > (newest.get(notification.alarm) ?? Infinity),
    ) ?? [];
  const made = {
    parking,
    tickets: [name],
    alarms: [...decidedNow, ...later].sort((a, b) => a.ref.position - b.ref.position),
    endedAt: closedMeanwhile(state, key, cover),
    position,
    checks: cover.checks,
  };
  if (key.cover === null || others.length + later.length === 0) return made;
  const alarms = [...others, ...made.alarms];
  // One flow asked again for a key with more alarms than it decides: the others rest with these, and go first next time.
  if (key.flow?.again === true && key.cover.position <= key.flow.position) {
    const tickets = key.cover.endedAt === null ? [...new Set([...key.cover.tickets, name])] : made.tickets;
    return { ...made, tickets, alarms };
  }
  // The others were not asked about now: what they rest on goes on to count.
  const until = Math.min(parking.until ?? Infinity, key.cover.parking.until ?? Infinity);
  return {
    ...made,
    parking: { ...parking, until: until === Infinity ? null : until },
    tickets: [...new Set([...key.cover.tickets, name])],
    alarms,
    endedAt: key.cover.endedAt ?? made.endedAt,
  };
}

/** The ticket was closed while the flow that found it open was on its way here: nobody would say so again. */
function closedMeanwhile(
  state: State,
  { flow }: KeyState,
  cover: NonNullable<Parking["cover"]>,
): Instant | null {
  const closed = cover.key === null ? undefined : state.keys.get(cover.key)?.closed.get(cover.ticketId);
  if (closed === undefined || closed.service !== cover.service || flow === null) return null;
  return closed.position > flow.position ? closed.closedAt : null; // R5: clocks may have been set
}

/** The notifications of `alarms` that are in line, else those that rest under the cover. */
export function membersOf(key: KeyState, alarms: readonly NotificationRef[]): Waiting[] {
  const waiting = waitingOf(key, alarms);
  if (waiting.length > 0 || key.cover === null) return waiting;
  const wanted = new Set(alarms.map(({ position }) => position));
  return key.cover.alarms.filter(({ ref }) => wanted.has(ref.position));
}

/** Whether alarms are decided again that were settled under the cover. */
export function isAgain(key: KeyState, alarms: readonly NotificationRef[]): boolean {
  const [first] = alarms;
  return (
    first !== undefined && (key.cover?.alarms.some(({ ref }) => ref.position === first.position) ?? false)
  );
}

/**
 * A8: the key's last ticket has gone, and nobody else would say so to the alarms that are active still. Those with a
 * notification in line are decided with it, and those that say themselves that they are planned need no ticket.
 */
export function orphan(state: State, key: KeyState, position: Position, at: Instant): void {
  if (key.open.size > 0 || key.active.size === 0) return;
  const known = key.cover?.alarms ?? [];
  const left = new Map(key.active);
  for (const [alarm, { notification }] of key.active) if (notification.plannedOutage) left.delete(alarm);
  for (const { notification } of known) left.delete(notification.alarm);
  for (const { notification } of key.waiting) {
    if (left.size === 0) break; // a line may be thousands long
    left.delete(notification.alarm);
  }
  if (left.size === 0) return;
  const alarms = [...left.values()];
  const parking: Parking = {
    reason: "covered",
    since: at,
    until: null,
    because: `The ticket of ${key.key} has gone, and ${alarms.length === 1 ? "an alarm is" : "alarms are"} still active.`,
  };
  const before = key.cover;
  setCover(state, key, {
    parking: before?.parking ?? parking,
    tickets: before?.tickets ?? [],
    alarms: [...known, ...alarms].sort((a, b) => a.ref.position - b.ref.position),
    endedAt: before?.endedAt ?? at,
    position,
    checks: before?.checks ?? 0,
  });
}

/**
 * A notification was settled. In line, or corrected: what rests under the cover from now on has this outcome. Else
 * another outcome has replaced the one it rested with, and it rests no longer.
 */
export function settledUnderCover(
  state: State,
  key: KeyState,
  alarm: NotificationRef,
  current: ReplacedOutcome,
  rests: boolean,
): void {
  const { cover } = key;
  const at = cover?.alarms.findIndex(({ ref }) => ref.position === alarm.position) ?? -1;
  const present = cover?.alarms[at];
  if (cover === null || present === undefined) return;
  const alarms = rests
    ? cover.alarms.with(at, { ...present, replaces: current })
    : cover.alarms.toSpliced(at, 1);
  if (alarms.length === 0) dropCover(state, key);
  else key.cover = { ...cover, alarms };
}

/** Cleared, or by now covered by what the alarm itself says: what it has said up to there rests on this no longer. */
export function uncover(state: State, key: KeyState, alarm: string, upTo: Position = Infinity): void {
  if (key.cover === null) return;
  const alarms = key.cover.alarms.filter(
    (one) => one.notification.alarm !== alarm || one.ref.position > upTo,
  );
  if (alarms.length === 0) dropCover(state, key);
  else if (alarms.length < key.cover.alarms.length) key.cover = { ...key.cover, alarms };
}

/**
 * The end of a flow that decided alarms again: unless it found them covered still, or has to come back to them, it
 * was their second decision and they get no third. R6: neither do they crash for ever. L4: what it has sent goes on
 * without it, and how that ends is how they end.
 */
export function afterAgain(
  state: State,
  key: KeyState,
  flow: FlowState,
  result: FactBodies["flow.ended"]["result"],
): void {
  const isRenewed = key.cover !== null && key.cover.position > flow.position;
  const isGivenUp = result === "crashed" && key.crashes >= limits.flowCrashesMax;
  if ((isGivenUp || result === "forced") && key.request !== null) return;
  if (isGivenUp) key.crashes = 0;
  if (isGivenUp || result === "forced" || (result === "settled" && !isRenewed))
    leaveCover(state, key, flow.alarms);
}

/** A8: what the flow that decides them again had asked for was proven not applied: they are decided once more. */
export function decideOnceMore(key: KeyState, position: Position): void {
  if (key.flow?.again === true && key.cover !== null) key.cover = { ...key.cover, position };
}

/** These have had their second decision; others may have come under the cover since (`orphan`). */
function leaveCover(state: State, key: KeyState, alarms: readonly NotificationRef[]): void {
  if (key.cover === null) return;
  const decided = new Set(alarms.map(({ position }) => position));
  const left = key.cover.alarms.filter(({ ref }) => !decided.has(ref.position));
  if (left.length === 0) dropCover(state, key);
  else if (left.length < key.cover.alarms.length) key.cover = { ...key.cover, alarms: left };
}
