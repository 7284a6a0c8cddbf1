/**
 * Which key may start a flow now, what it waits for otherwise, and which of its notifications that flow decides.
 *   A5 one flow a key at a time, notifications take effect in the order accepted.
 *   A8 what a cover no longer covers comes back without a new notification.
 * Source: domain.md's "Admitted": lanes, coalescing, cancelling out; "Hold-down"; "Parked".
 */
import type { Delays, Parking } from "./facts.ts";
import { hasEnded, noDelays } from "./state.ts";
import { heldAfterCover, heldDown } from "./hold-down.ts";
import { limits } from "./limits.ts";
import type { KeyState, Waiting } from "./state.ts";
import { severityRank, type NotificationKind, type Position, type RequestCommand } from "./vocabulary.ts";

/** Lanes of waiting flows and of the gateway: lower goes first. */
export const lanes = { create: 0, update: 1, close: 2, editNinasCounters: 3 } as const satisfies Record<
  RequestCommand,
  number
>;

const laneOfKind = {
  raise: lanes.create,
  change: lanes.update,
  clear: lanes.close,
} as const satisfies Record<NotificationKind, number>;

/**
 * What the key waits for without holding a client: a parking that a fact says, or one that follows from the facts
 * (the hold-down of what is next in line, the cover of what is settled). null: nothing, or it has a flow.
 */
export function parkingOf(key: KeyState, delays: Delays = noDelays): Parking | null {
  if (key.flow !== null) return null;
  const head = key.waiting[0];
  if (key.parked !== null && !(key.parked.reason === "storm" && needsNoRoom(key, head))) return key.parked;
  if (key.request !== null) return null;
  if (head !== undefined) return heldDown(key, head, delays);
  if (key.cover === null) return null;
  return key.cover.endedAt === null ? key.cover.parking : heldAfterCover(key.cover.endedAt, delays);
}

/**
 * A storm holds up what may need another ticket; closes go first meanwhile. What has a rule of its own (early clear,
 * planned outage) is decided once: if that parks it after all, it waits like the rest.
 */
function needsNoRoom(key: KeyState, head: Waiting | undefined): boolean {
  if (head === undefined) return false;
  // A late result or a verdict has shown that it has one.
  if (key.open.size > 0) return true;
  return head.notification.kind === "clear" || (goesAlone(key, head) && head.ref.position > key.begun);
}

/**
 * The place of a key in the line of waiting flows, or null while it must wait.
 * @param due whether the key's parking (`parkingOf`), if any, has run out.
 */
export function readiness(
  key: KeyState,
  due: boolean,
  delays: Delays = noDelays,
): { readonly lane: number; readonly age: number } | null {
  if (key.flow !== null) return null;
  const { request } = key;
  const answered = request?.status === "async" && request.asyncResult !== null;
  if (!due && !answered) {
    const parking = parkingOf(key, delays);
    if (parking !== null && !isCancelled(key, parking)) return null;
  }
  if (request !== null) {
    if (request.status === "planned" || request.status === "sending") return null;
    return { lane: lanes[request.payload.command], age: turnOf(key, request.alarms[0]?.position ?? 0) };
  }
  const head = key.waiting[0] ?? key.cover?.alarms[0];
  if (head === undefined) return null;
  return { lane: laneOfKind[head.notification.kind], age: turnOf(key, head.ref.position) };
}

/** R6: a key that was tried and is tried again stands behind who came before its last try; in a storm nobody was. */
function turnOf({ parked, revision }: KeyState, age: Position): Position {
  return parked === null || parked.reason === "storm" ? age : Math.max(age, revision);
}

/** A clear has come for a raise that is held down or parked in a storm: neither needs a flow. */
function isCancelled(key: KeyState, parking: Parking): boolean {
  if (parking.reason !== "holdDown" && parking.reason !== "storm") return false;
  const window = key.waiting.slice(0, limits.coalescedAlarmsMax);
  return window.some(({ notification }) => notification.kind === "clear") && cancelOut(key, window).size > 0;
}

export interface Group {
  /** Raises and their later clears that cancel out: settled together, without a flow. */
  readonly cancelled: readonly Waiting[];
  /** What the next flow decides together; empty when nothing is left. */
  readonly flow: readonly Waiting[];
}

/**
 * The next notifications of a key without an unsettled request. With `coalesce`, those that one decision
 * can answer go together: raises and changes with each other, clears with each other, in order and
 * without a gap; a raise that needs a rule of its own (early clear, cleared by now, planned outage) goes alone. With nothing in
 * line: what rests on a cover, to be decided again, as many as one flow decides (S3).
 * @param held the key is held down or parked: only what cancels out may go, with or without `coalesce`.
 */
export function nextGroup(key: KeyState, coalesce: boolean, held = false): Group {
  const head = key.waiting[0];
  if (head === undefined) return { cancelled: [], flow: held ? [] : leadingPart(key.cover?.alarms ?? []) };
  if (!coalesce && !held) return { cancelled: [], flow: [head] };
  const window = key.waiting.slice(0, limits.coalescedAlarmsMax);
  const cancelled = cancelOut(key, window);
  if (held) return { cancelled: window.filter((one) => cancelled.has(one)), flow: [] };
  const left = cancelled.size === 0 ? window : window.filter((one) => !cancelled.has(one));
  const first = left[0];
  const flow: Waiting[] = [];
  if (first !== undefined) {
    flow.push(first);
    if (!goesAlone(key, first)) {
      for (const one of left.slice(1)) {
        if (
          (one.notification.kind === "clear") !== (first.notification.kind === "clear") ||
          goesAlone(key, one)
        )
          break;
        flow.push(one);
      }
    }
  }
  return { cancelled: window.filter((one) => cancelled.has(one)), flow };
}

/** As many as one flow decides, the first of the most severe among them: the key's next ticket has its severity. */
function leadingPart(alarms: readonly Waiting[]): readonly Waiting[] {
  if (alarms.length <= limits.coalescedAlarmsMax) return alarms;
  const rank = (one: Waiting): number => severityRank(one.notification.severity);
  const lead = alarms.reduce((most, one) => (rank(one) > rank(most) ? one : most));
  const part = alarms.slice(0, limits.coalescedAlarmsMax);
  return part.includes(lead) ? part : [...part.slice(0, -1), lead];
}

function goesAlone(key: KeyState, one: Waiting): boolean {
  const { kind, alarm, plannedOutage } = one.notification;
  if (kind === "clear") return false;
  if (hasEnded(key, one)) return true;
  return plannedOutage || (kind === "raise" && typeof key.cleared.get(alarm) === "number");
}

/**
 * A raise of an alarm that was not active, that no flow has begun for (or only one that was parked in a storm), up to
 * its clear: as if neither had come. A change of such an alarm counts as its raise (D13). D7: in a storm an alarm that
 * was active before is cleared by its clear, which goes on alone: what it would have waited behind no longer matters.
 */
function cancelOut(key: KeyState, window: readonly Waiting[]): Set<Waiting> {
  const isStorm = key.parked?.reason === "storm" && key.open.size === 0;
  const cancelled = new Set<Waiting>();
  const open = new Map<string, Waiting[]>();
  const held = new Set<string>();
  const mayBegin = (one: Waiting): boolean => {
    const { alarm } = one.notification;
    if (held.has(alarm)) return false;
    // What a flow has parked in the storm needs a ticket, whatever rule it might have had of its own.
    if (isStorm && one.ref.position <= key.begun) return true;
    return one.ref.position > key.begun && (isStorm || !key.active.has(alarm)) && !goesAlone(key, one);
  };
  for (const one of window) {
    const { alarm, kind } = one.notification;
    const begun = open.get(alarm);
    if (kind === "clear") {
      for (const member of begun ?? []) cancelled.add(member);
      if (begun !== undefined && !key.active.has(alarm)) cancelled.add(one);
      else held.add(alarm);
      open.delete(alarm);
    } else if (begun !== undefined) {
      begun.push(one);
    } else if (mayBegin(one)) {
      open.set(alarm, [one]);
    } else held.add(alarm);
  }
  return cancelled;
}
