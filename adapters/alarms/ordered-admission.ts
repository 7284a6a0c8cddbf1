/**
 * The items of one request, handed to the sink in their order.
 *   A1 a result says `accepted` only after the sink says it is durable.
 *   A5 A6 in order; nothing of a source is tried after one of its events was refused for now.
 */
import type { Acceptance, AlarmSink } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import type { AlarmItem, ItemResult } from "./alarm-format.ts";

type Alarm = Extract<AlarmItem, { kind: "alarm" }>;

export interface AdmissionPorts {
  readonly sink: AlarmSink;
  /** Whether it was accepted before, under its source and id. */
  readonly wasAccepted: (notification: Notification) => Promise<boolean>;
}

/** One result each, in order, when all are durable. Rejects when the ledger failed (R3). */
export async function admitInOrder(
  items: readonly AlarmItem[],
  ports: AdmissionPorts,
): Promise<readonly ItemResult[]> {
  const waited = new Map<string, ItemResult>();
  const results: Promise<ItemResult | { readonly failed: unknown }>[] = [];
  for (const item of items) {
    const earlier = item.kind === "alarm" ? waited.get(item.notification.source) : undefined;
    if (item.kind !== "alarm") results.push(Promise.resolve(withoutSink(item)));
    else if (earlier !== undefined) results.push(Promise.resolve(notTried(item, earlier))); // A6
    else {
      results.push(
        admit(item, ports).then(
          (result) => {
            if (typeof result.retryAfterMs === "number") waited.set(item.notification.source, result);
            return result;
          },
          (failed: unknown) => ({ failed }),
        ),
      );
      await everythingSettled();
    }
  }
  const told = await Promise.all(results);
  return told.map((result) => {
    if ("failed" in result) throw result.failed;
    return result;
  });
}

async function admit(
  { notification, digest, anew, unlessRepeat }: Alarm,
  { sink, wasAccepted }: AdmissionPorts,
): Promise<ItemResult> {
  if (unlessRepeat !== undefined && !(await wasAccepted(notification)))
    return withoutSink({ kind: "refused", refusal: unlessRepeat });
  const acceptance = await sink.accept(notification, digest);
  const other = acceptance.kind === "accepted" && acceptance.duplicate ? (anew?.() ?? null) : null;
  if (other === null) return resultOf(notification, acceptance);
  return resultOf(other, await sink.accept(other, digest));
}

/**
 * A tick after the microtasks: every promise that can settle without the disk has, and it is still the
 * same turn of the event loop, so that the ledger commits the whole request together.
 */
function everythingSettled(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}

function withoutSink(item: Exclude<AlarmItem, Alarm>): ItemResult {
  if (item.kind === "ignored") {
    const { source, id, detail } = item;
    return { status: "ignored", source, id, detail };
  }
  const { source, id, code, field, detail } = item.refusal;
  return { status: "rejected", source, id, code, field, detail, retryAfterMs: null };
}

function notTried({ notification: { source, id } }: Alarm, earlier: ItemResult): ItemResult {
  return {
    status: "notTried",
    source,
    id,
    ...(earlier.code === undefined ? undefined : { code: earlier.code }),
    detail: `event ${earlier.id} of this source was refused for now and is not overtaken; expected both again, in order`,
    retryAfterMs: earlier.retryAfterMs ?? limits.overloadedRetryAfterMs,
  };
}

function resultOf({ source, id }: Notification, acceptance: Acceptance): ItemResult {
  switch (acceptance.kind) {
    case "accepted":
      return {
        status: acceptance.duplicate ? "duplicate" : "accepted",
        source,
        id,
        position: acceptance.position,
      };
    case "conflict":
      return {
        status: "rejected",
        source,
        id,
        code: "CONFLICT",
        field: "/id",
        detail: `expected a new id: this one was accepted with other content at position ${acceptance.position}`,
        retryAfterMs: null,
      };
    case "overloaded":
      return {
        status: "rejected",
        source,
        id,
        code: "OVERLOADED",
        detail: "too many alarms wait to be settled; expected the event again later",
        retryAfterMs: acceptance.retryAfterMs,
      };
    case "stopping":
      return {
        status: "rejected",
        source,
        id,
        code: "STOPPING",
        detail: "the engine is stopping; expected the event again after its restart",
        retryAfterMs: limits.overloadedRetryAfterMs,
      };
  }
}
