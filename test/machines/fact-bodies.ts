/** One fact of every type, for tests of what becomes of each. */
import { entry, type Entry } from "../../machines/entry.ts";
import type { FactBodies, FactType, NotificationRef } from "../../machines/facts.ts";
import { keyStream } from "../../machines/state.ts";
import { createPayload, KEY, noon, notification, responseRow, service } from "./given.ts";

export const alarm: NotificationRef = { source: "urn:test", id: "n1", position: 3 };
const holder = { clientId: "client-01", lockGuid: "guid-1", fence: 1 };
const request = { requestId: "r1", key: KEY, clientId: "client-01", lockGuid: "guid-1" };
export const settledAlarm: FactBodies["alarm.settled"] = {
  alarm,
  key: KEY,
  outcome: "created",
  because: "",
  lockGuid: "guid-1",
  rule: "D8",
  ticketId: "T1",
  failure: null,
  requestId: "r1",
  supersedes: null,
};

const heartbeat: FactBodies["heartbeat.sent"] = {
  check: "chain",
  beat: "success",
  rid: "11111111-2222-4333-8444-555555555555",
  because: "",
  lockGuid: "guid-1",
  durationMs: 12,
};

/** One body of every type of fact; a type that is missing here does not compile. */
export const bodies: FactBodies = {
  "ledger.opened": { engine: "test", clients: 2 },
  "settings.changed": { maxResponseRows: 2, reopenSeconds: 60, clockSkewSeconds: 300, dedupDays: 7 },
  "services.imported": { services: [service()], by: "ann" },
  "service.selected": { name: "OSB", by: "ann" },
  "alarm.accepted": { notification: notification("n1"), digest: "d" },
  "alarm.settled": settledAlarm,
  "alarm.reconsidered": {
    alarm,
    key: KEY,
    notification: notification("n1"),
    replaces: { position: 9, outcome: "unknown" },
    because: "",
  },
  "flow.started": { ...holder, key: KEY, alarms: [alarm] },
  "flow.decided": {
    key: KEY,
    lockGuid: "guid-1",
    rule: "D8",
    decision: "park",
    because: "",
    tickets: [],
    path: [],
  },
  "flow.ended": { key: KEY, lockGuid: "guid-1", result: "crashed" },
  "key.parked": { key: KEY, parking: { reason: "inDoubt", since: noon, until: noon + 1, because: "" } },
  "request.planned": {
    ...request,
    service: service({ asyncSeconds: 30 }),
    payload: createPayload,
    intent: "created",
    alarms: [alarm],
    rule: "D8",
    plannedAt: noon,
  },
  "request.sending": { ...request, attempt: 1 },
  "request.answered": {
    requestId: "r1",
    key: KEY,
    attempt: 1,
    answer: "inDoubt",
    code: "TIMEOUT",
    cause: null,
    ticketId: null,
  },
  "request.async": { requestId: "r1", key: KEY, result: "OK", ticketId: "T1", code: null, cause: null },
  "request.settled": {
    requestId: "r1",
    key: KEY,
    result: "ok",
    command: "create",
    ticketId: "T1",
    service: "OSB",
    ticket: { status: "acknowledged", severity: "major", openedAt: noon },
    because: "",
    again: false,
  },
  "ticket.linked": {
    key: KEY,
    ticketId: "T2",
    service: "OSB",
    status: "pending",
    severity: null,
    openedAt: null,
  },
  "ticket.lost": { key: KEY, ticketId: "T1", status: null, claimKept: false, idempotency: "settles" },
  "response.row": { change: false, row: responseRow("r1") },
  "responses.cleared": { clientId: null, by: "ann" },
  "topology.loaded": {
    by: "ann",
    loadedAt: noon,
    elements: 1,
    roots: 1,
    addresses: 0,
    hops: 0,
    files: ["a.csv"],
  },
  "client.locked": { ...holder, lockTime: noon, deadlineAt: noon + 300_000, by: "flow" },
  "client.unlocked": holder,
  "client.lockForced": { ...holder, by: "ann", reason: "stuck" },
  "client.lockExpired": holder,
  "client.notBusyForced": { ...holder, by: "ann", reason: "stuck" },
  "client.quarantined": { clientId: "client-01", crashes: 6, cause: "thrown" },
  "heartbeat.sent": heartbeat,
  "heartbeat.failed": { ...heartbeat, failure: { code: "BEAT_UNANSWERED", detail: "no answer in 5 s" } },
  "operator.acted": { by: "ann", action: "note", target: "x", reason: "y" },
};

/** As the engine would file it. */
export function written<T extends FactType>(type: T, at = noon, body: FactBodies[T] = bodies[type]): Entry {
  const key = "key" in body && typeof body.key === "string" ? keyStream(body.key) : null;
  const client = "clientId" in body ? (`client/${body.clientId}` as const) : null;
  return entry(key ?? client ?? "audit", at, type, body);
}
