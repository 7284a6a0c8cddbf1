/**
 * Which key may start a flow now, and which of its notifications that flow decides.
 *   A5 one flow a key at a time, notifications take effect in the order accepted.
 * Source: domain.md's "Admitted": lanes, coalescing, cancelling out.
 */
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
 * The place of a key in the line of waiting flows, or null while it must wait.
 * @param due whether the key's parking, if any, has run out.
 */
export function readiness(
  key: KeyState,
  due: boolean,
): { readonly lane: number; readonly age: number } | null {
  if (key.flow !== null) return null;
  const { request } = key;
  const answered = request?.status === "async" && request.asyncResult !== null;
  if (key.parked !== null && !due && !answered) return null;
  if (request !== null) {
    if (request.status === "planned" || request.status === "sending") return null;
    return { lane: lanes[request.payload.command], age: request.alarms[0]?.position ?? 0 };
  }
  const head = key.waiting[0];
  if (head === undefined) return null;
  return { lane: laneOfKind[head.notification.kind], age: head.ref.position };
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
 * without a gap; a raise that needs a rule of its own (early clear, planned outage) goes alone.
 */
export function nextGroup(key: KeyState, coalesce: boolean): Group {
  const head = key.waiting[0];
  if (head === undefined) return { cancelled: [], flow: [] };
  if (!coalesce) return { cancelled: [], flow: [head] };
  const window = key.waiting.slice(0, limits.coalescedAlarmsMax);
  const cancelled = cancelOut(key, window);
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

/** A raise of an alarm that was not active, that no flow has begun for, up to its clear: as if neither had come. */
function cancelOut(key: KeyState, window: readonly Waiting[]): Set<Waiting> {
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
      one.ref.position > key.begun &&
      !key.active.has(alarm) &&
      !goesAlone(key, one)
    ) {
      open.set(alarm, [one]);
    } else held.add(alarm);
  }
  return cancelled;
}
