/** Notifications as an intake hands them over, and a few ways to give them to the engine. */
import type { Notification, RequestPayload } from "../../machines/vocabulary.ts";
import type { EngineUnderTest } from "./engine-under-test.ts";

const eight = Date.UTC(2026, 10, 23, 8);

export function notification(id: string, more: Partial<Notification> = {}): Notification {
  const key = more.key ?? "node-1";
  return {
    source: "urn:test",
    id,
    kind: "raise",
    key,
    alarm: `${key}/link`,
    alarmedObject: key,
    alarmType: "communicationsAlarm",
    probableCause: "lossOfSignal",
    sourceSystemId: "ems-1",
    severity: "major",
    raisedAt: eight,
    plannedOutage: false,
    ...more,
  };
}

export function clear(id: string, more: Partial<Notification> = {}): Notification {
  return notification(id, { kind: "clear", severity: "indeterminate", clearedAt: eight + 60_000, ...more });
}

/** Accepts them in this order, all in one turn of the event loop; resolves when all are durable. */
export async function acceptAll(
  engine: EngineUnderTest,
  ...notifications: readonly Notification[]
): Promise<void> {
  const told = await Promise.all(
    notifications.map((one) => engine.supervisor.accept(one, JSON.stringify(one))),
  );
  for (const one of told) if (one.kind !== "accepted") throw new Error(`not accepted: ${one.kind}`);
}

/** Accepts each and lets the engine settle it before the next. */
export async function oneByOne(
  engine: EngineUnderTest,
  ...notifications: readonly Notification[]
): Promise<void> {
  for (const one of notifications) {
    // oxlint-disable-next-line no-await-in-loop -- in order is the point
    await acceptAll(engine, one);
    // oxlint-disable-next-line no-await-in-loop
    await engine.settled();
  }
}

/** What a flow written by hand forwards. */
export function createOf(key: string): RequestPayload {
  return {
    command: "create",
    kind: "MO",
    clientReference: key,
    networkElements: [key],
    severity: "major",
    summary: "by hand",
    startAt: Date.UTC(2026, 10, 23, 8),
    alarmRefs: [],
  };
}

/** A planned maintenance made by hand. */
export function maintenanceOf(key: string): RequestPayload {
  return { ...createOf(key), kind: "PLM", endAt: Date.UTC(2026, 11, 1) } as RequestPayload;
}
