/**
 * Which key may start a flow now, what it waits for otherwise, and which of its notifications that flow decides.
 *   A5 one flow a key at a time, notifications take effect in the order accepted.
 *   A8 what a cover no longer covers comes back without a new notification.
 * Source: domain.md's "Admitted": lanes, coalescing, cancelling out; "Hold-down"; "Parked".
 */
import type { Delays, Parking } from "./facts.ts";
import { noDelays } from "./state.ts";
import { heldAfterCover, heldDown } from "./hold-down.ts";
import { limits } from "./limits.ts";
import type { KeyState, Waiting } from "./state.ts";
import type { NotificationKind, RequestCommand } from "./vocabulary.ts";

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
  // A storm holds up what may need a ticket; closes go first meanwhile.
  const isHeldUp =
    key.parked !== null && !(key.parked.reason === "storm" && head?.notification.kind === "clear");
  if (isHeldUp) return key.parked;
  if (key.request !== null) return null;
  if (head !== undefined) return heldDown(key, head, delays);
  if (key.cover === null) return null;
  return key.cover.endedAt === null ? key.cover.parking : heldAfterCover(key.cover.endedAt, delays);
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
    return { lane: lanes[request.payload.command], age: request.alarms[0]?.position ?? 0 };
  }
  const head = key.waiting[0] ?? key.cover?.alarms[0];
  if (head === undefined) return null;
  return { lane: laneOfKind[head.notification.kind], age: head.ref.position };
}

/** A clear has come for a raise that is held down or parked in a storm: neither needs a flow. */
function isCancelled(key: KeyState, parking: Parking): boolean {
  if (parking.reason !== "holdDown" && parking.reason !== "storm") return false;
  if (key.waiting.at(-1)?.notification.kind !== "clear") return false;
  return cancelOut(key, key.waiting.slice(0, limits.coalescedAlarmsMax)).size > 0;
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
 * without a gap; a raise that needs a rule of its own (early clear, planned outage) goes alone. With nothing in
 * line: what rests on a cover, to be decided again.
 * @param held the key is held down or parked: only what cancels out may go, with or without `coalesce`.
 */
export function nextGroup(key: KeyState, coalesce: boolean, held = false): Group {
  const head = key.waiting[0];
  if (head === undefined) return { cancelled: [], flow: held ? [] : (key.cover?.alarms ?? []) };
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

function goesAlone(key: KeyState, { notification }: Waiting): boolean {
  if (notification.kind === "clear") return false;
  return notification.plannedOutage || typeof key.cleared.get(notification.alarm) === "number";
}

/**
 * A raise of an alarm that was not active, that no flow has begun for (or only one that was parked in a storm), up to
 * its clear: as if neither had come.
 */
function cancelOut(key: KeyState, window: readonly Waiting[]): Set<Waiting> {
  const begunBefore = key.parked?.reason === "storm" ? 0 : key.begun;
  const cancelled = new Set<Waiting>();
  const open = new Map<string, Waiting[]>();
  const held = new Set<string>();
  for (const one of window) {
    const { alarm, kind } = one.notification;
    const begun = open.get(alarm);
    if (kind === "clear") {
      if (begun !== undefined) for (const member of [...begun, one]) cancelled.add(member);
      else held.add(alarm);
      open.delete(alarm);
    } else if (begun !== undefined) {
      begun.push(one);
    } else if (
      kind === "raise" &&
      !held.has(alarm) &&
      one.ref.position > begunBefore &&
      !key.active.has(alarm) &&
      !goesAlone(key, one)
    ) {
      open.set(alarm, [one]);
    } else held.add(alarm);
  }
  return cancelled;
}
