/**
 * The fold: what each fact of the ledger makes of the state.
 *   R1 fold(ledger up to p) equals the live state at p.  A2 one current outcome an alarm.
 *   L1 locked ⇔ GUID, fence and lock time all set.  L2 a fence only rises; a new epoch ends every lock.
 * One owner mutates the state, by `applyFact` only.
 * Source: laws.md.
 */
import { afterAgain, coverAfter, isAgain, orphan, settledUnderCover, uncover } from "./cover.ts";
import type { Fact, FactOf } from "./facts.ts";
import { dropMoot, foldRequest, forgetClosed } from "./fold-request.ts";
import { foldHeartbeat } from "./heartbeat.ts";
import { limits } from "./limits.ts";
import { changeRow, clearSettled, evict, insertRow } from "./response-table.ts";
import {
  clientLedger,
  isClearedEarly,
  isWaiting,
  keyState,
  responseTable,
  waitingIndex,
  type ClosedTicket,
  type KeyState,
  type LinkedTicket,
  type State,
  type Waiting,
} from "./state.ts";
import { linkTicket, setCover, unlinkTicket } from "./ticket-index.ts";
import type { Instant, Position, ResponseRow } from "./vocabulary.ts";

/** The only way the state changes. Facts must come in the order of their positions, none left out. */
export function applyFact(state: State, fact: Fact): void {
  state.position = fact.position;
  if (fact.stream.startsWith("key/")) {
    const key = keyState(state, fact.stream.slice(4));
    key.revision = fact.position;
    key.lastAt = fact.at;
    const open = key.open.size;
    fold(state, fact);
    state.counters.openTickets += key.open.size - open;
  } else {
    if (fact.stream.startsWith("client/")) clientLedger(state, fact.stream.slice(7)).revision = fact.position;
    fold(state, fact);
  }
  if (isAudited(fact)) noteAudited(state, fact.position);
  if (fact.position % limits.sweepEveryFacts === 0) sweep(state, fact.at);
}

function fold(state: State, fact: Fact): void {
  switch (fact.type) {
    case "ledger.opened":
      return openEpoch(state, fact.epoch);
    case "settings.changed": {
      const { by: _by, configured, ...settings } = fact.body;
      state.settings = settings;
      if (configured !== undefined) state.configured = configured;
      for (const table of state.tables.values()) {
        state.capture?.beforeTable?.(table);
        evict(table, settings.maxResponseRows);
      }
      return;
    }
    case "services.imported":
      state.services = fact.body.services;
      return;
    case "service.selected":
      state.selectedService = fact.body.name;
      return;

    case "alarm.accepted": {
      const { notification } = fact.body;
      const key = keyState(state, notification.key);
      key.lastAt = fact.at;
      key.waiting.push({
        ref: { source: notification.source, id: notification.id, position: fact.position },
        notification,
        at: fact.at,
      });
      state.counters.accepted += 1;
      return;
    }
    case "alarm.settled":
      return settleAlarm(state, fact);
    case "alarm.reconsidered":
      return reconsiderAlarm(state, fact);

    case "flow.started": {
      const key = keyState(state, fact.body.key);
      const { lockGuid, clientId, fence, alarms } = fact.body;
      const again = isAgain(key, alarms);
      key.flow = { lockGuid, clientId, fence, alarms, startedAt: fact.at, position: fact.position, again };
      clientLedger(state, clientId).key = key.key;
      for (const alarm of alarms) key.begun = Math.max(key.begun, alarm.position);
      key.parked = null;
      return;
    }
    case "flow.decided": {
      const { request } = keyState(state, fact.body.key);
      const isSought = request?.status === "inDoubt" || request?.status === "async";
      if (isSought && fact.body.decision === "park") request.lookups += 1;
      return;
    }
    case "flow.ended": {
      const key = keyState(state, fact.body.key);
      if (key.flow?.lockGuid !== fact.body.lockGuid) return;
      const first = key.flow.alarms[0];
      // R6: only crashes of one and the same alarm in a row count.
      const stillWaiting = first !== undefined && (isWaiting(key, first) || key.flow.again);
      key.crashes = fact.body.result === "crashed" && stillWaiting ? key.crashes + 1 : 0;
      if (key.flow.again) afterAgain(state, key, key.flow, fact.body.result);
      key.flow = null;
      return;
    }
    case "key.parked": {
      const key = keyState(state, fact.body.key);
      const cover = coverAfter(state, key, fact);
      if (cover !== null) return setCover(state, key, cover);
      key.parked = fact.body.parking;
      if (fact.body.parking.reason !== "storm") key.parkings += 1;
      return;
    }

    case "request.planned":
    case "request.sending":
    case "request.answered":
    case "request.async":
    case "request.settled":
      return foldRequest(state, fact);

    case "ticket.linked": {
      const { ticketId, service, status, severity, openedAt, networkElements } = fact.body;
      const key = keyState(state, fact.body.key);
      linkTicket(state, key, {
        ticketId,
        service,
        status,
        severity,
        openedAt,
        confirmedAt: fact.at,
        elements: networkElements ?? key.open.get(ticketId)?.elements ?? [],
      });
      return;
    }
    case "ticket.lost": {
      const { ticketId, status, claimKept } = fact.body;
      const key = keyState(state, fact.body.key);
      const service = key.open.get(ticketId)?.service ?? null;
      const known = key.open.get(ticketId) ?? key.closed.get(ticketId);
      unlinkTicket(state, key, ticketId, null, fact.at);
      key.closed.delete(ticketId);
      // Refused to a request of ours, not missed by a search: which may lag, and show it open.
      if (known !== undefined && status === null && claimKept) keepGone(state, key, known, fact);
      if (service !== null) dropMoot(state, key, ticketId, service);
      orphan(state, key, fact.position, fact.at);
      if (!fact.body.claimKept) state.counters.claimsNotKept += 1;
      return;
    }

    case "response.row":
      if (fact.body.change)
        changeRow(
          responseTable(state, fact.body.row.clientId),
          fact.body.row,
          fact.position,
          state.settings.maxResponseRows,
        );
      else insertResponse(state, fact.body.row, fact.position);
      return;

    case "responses.cleared":
      for (const [clientId, table] of state.tables) {
        if (fact.body.clientId !== null && fact.body.clientId !== clientId) continue;
        state.capture?.beforeTable?.(table);
        clearSettled(table);
      }
      return;

    case "client.locked": {
      const { clientId, lockGuid, fence, lockTime, deadlineAt, by } = fact.body;
      const client = clientLedger(state, clientId);
      client.fence = fence; // L2
      client.lock = { lockGuid, fence, lockTime, deadlineAt, by }; // L1
      return;
    }
    case "client.unlocked":
    case "client.lockForced":
    case "client.lockExpired": {
      const client = clientLedger(state, fact.body.clientId);
      if (client.lock?.fence === fact.body.fence) {
        client.lock = null;
        client.key = null;
      }
      return;
    }
    case "heartbeat.sent":
      return foldHeartbeat(state.heartbeat, fact.body, null, fact.at);
    case "heartbeat.failed":
      return foldHeartbeat(state.heartbeat, fact.body, fact.body.failure, fact.at);
    case "client.notBusyForced":
    case "client.quarantined":
    case "topology.loaded":
    case "operator.acted":
      return;
    default:
      return unreachableFact(fact);
  }
}

function unreachableFact(fact: never): never {
  throw new Error(
    `A fact of a type this version does not know: ${JSON.stringify(fact).slice(0, 200)}. Start the version that wrote it.`,
  );
}

/** L2, L5: locks and flows die with the process that held them. */
function openEpoch(state: State, epoch: string): void {
  state.epoch = epoch;
  for (const client of state.clients.values()) {
    client.lock = null;
    client.key = null;
  }
  for (const key of state.keys.values()) {
    state.capture?.before(key);
    key.flow = null;
  }
}

function settleAlarm(state: State, fact: Extract<Fact, { type: "alarm.settled" }>): void {
  const { alarm, outcome, supersedes, requestId } = fact.body;
  const { counters } = state;
  counters.outcomes[outcome] = (counters.outcomes[outcome] ?? 0) + 1;
  if (supersedes !== null)
    counters.outcomes[supersedes.outcome] = (counters.outcomes[supersedes.outcome] ?? 1) - 1;
  else counters.settled += 1;

  const key = keyState(state, fact.body.key);
  if (requestId !== null) {
    const settled =
      key.unknown.find((one) => one.requestId === requestId) ?? state.settledRequests.get(requestId);
    if (settled !== undefined) {
      const known = settled.outcomes.find((one) => one.ref.position === alarm.position);
      const behind = settled.lockGuid === fact.body.lockGuid ? {} : { behind: true as const };
      if (known === undefined)
        settled.outcomes.push({ ref: alarm, position: fact.position, outcome, ...behind });
      else Object.assign(known, { position: fact.position, outcome });
    }
  }
  if (supersedes !== null) forgetOutcome(state, key, alarm.position, requestId);
  const at = waitingIndex(key, alarm);
  const waiting = key.waiting[at];
  const current = { position: fact.position, outcome };
  const isCorrected = requestId !== null && state.settledRequests.get(requestId)?.result === "ok";
  settledUnderCover(state, key, alarm, current, waiting !== undefined || isCorrected);
  if (supersedes !== null)
    for (const [name, one] of key.active)
      if (one.ref.position === alarm.position) key.active.set(name, { ...one, replaces: current });
  // Superseded where nothing is in line: a correction, which says nothing about what its key waits for.
  if (supersedes !== null && waiting === undefined) return;
  key.parkings = 0;
  if (waiting === undefined) return;
  key.waiting.splice(at, 1);
  // What was settled before has had its effect.
  if (waiting.replaces === undefined) takeEffect(state, key, { ...waiting, replaces: current });
  if (key.waiting.length === 0 && key.parked?.reason === "storm") key.parked = null;
}

function keepGone(
  state: State,
  key: KeyState,
  { service, elements }: LinkedTicket | ClosedTicket,
  { at, position, body: { ticketId } }: FactOf<"ticket.lost">,
): void {
  const row = state.services.find(({ name }) => name === service);
  const keepUntil = at + (row?.settleSeconds ?? limits.serviceSettleSecondsDefault) * 1000;
  key.closed.set(ticketId, { closedAt: at, position, service, keepUntil, elements, gone: true });
  forgetClosed(key, at);
}

/** A5: at its old place in line; the request it was settled by has no more say about it. */
function reconsiderAlarm(state: State, fact: Extract<Fact, { type: "alarm.reconsidered" }>): void {
  const { alarm, notification, replaces } = fact.body;
  const key = keyState(state, fact.body.key);
  if (isWaiting(key, alarm)) return;
  uncover(state, key, notification.alarm, alarm.position);
  const later = key.waiting.findIndex((one) => one.ref.position > alarm.position);
  key.waiting.splice(later < 0 ? key.waiting.length : later, 0, {
    ref: alarm,
    notification,
    at: 0,
    replaces,
  });
  forgetOutcome(state, key, alarm.position, null);
}

/** A2: the notification has, or will have, another outcome; what settled it before corrects it no more. */
function forgetOutcome(state: State, key: KeyState, notification: Position, but: string | null): void {
  for (const settled of state.settledRequests.values())
    if (settled.key === key.key && settled.requestId !== but)
      settled.outcomes = settled.outcomes.filter((one) => one.ref.position !== notification);
}

/** What a settled notification leaves behind: the alarm is active from its raise to its clear, whatever the outcome. */
function takeEffect(state: State, key: KeyState, settled: Waiting): void {
  const { notification } = settled;
  const { alarm } = notification;
  if (notification.kind === "clear" || notification.plannedOutage) uncover(state, key, alarm);
  // What it rested on before this flow no longer matters.
  else if (key.cover !== null && key.cover.position < (key.flow?.position ?? Infinity))
    uncover(state, key, alarm);
  if (notification.kind === "clear") {
    const wasActive = key.active.delete(alarm);
    if (wasActive) remember(key, alarm, null);
    else if (!key.cleared.has(alarm)) remember(key, alarm, notification.clearedAt ?? notification.raisedAt);
  } else if (isClearedEarly(key, notification, state.settings.clockSkewSeconds)) {
    remember(key, alarm, null);
  } else {
    key.active.set(alarm, settled);
    remember(key, alarm, null);
  }
}

function remember(key: KeyState, alarm: string, earlyClearAt: Instant | null): void {
  key.cleared.delete(alarm);
  key.cleared.set(alarm, earlyClearAt);
  if (key.cleared.size <= limits.clearedAlarmsPerKeyMax) return;
  for (const oldest of key.cleared.keys()) {
    key.cleared.delete(oldest);
    return;
  }
}

function insertResponse(state: State, row: ResponseRow, position: Position): void {
  insertRow(responseTable(state, row.clientId), row, position, state.settings.maxResponseRows);
  if (row.command !== "search") return;
  const { searches } = state.counters;
  searches[row.status] = (searches[row.status] ?? 0) + 1;
}

/** What people did, and why: read back by its place. */
function isAudited({ type, body }: Fact): boolean {
  switch (type) {
    case "client.lockForced":
    case "client.notBusyForced":
    case "operator.acted":
    case "responses.cleared":
    case "topology.loaded":
      return true;
    case "settings.changed":
      return body.by !== undefined;
    default:
      return false;
  }
}

function noteAudited(state: State, position: number): void {
  state.audited.push(position);
  if (state.audited.length > limits.auditedKept) state.audited.shift();
}

/** Keys of which nothing is open, waiting or active, and which were quiet for the days that repeats are known, leave. */
function sweep(state: State, at: Instant): void {
  const quietSince = at - state.settings.dedupDays * 86_400_000;
  for (const [name, key] of state.keys) {
    const known = key.waiting.length + key.active.size + key.open.size + key.unknown.length;
    if (known === 0 && key.flow === null && key.request === null && key.lastAt < quietSince)
      forgetKey(state, name, key);
  }
}

function forgetKey(state: State, name: string, key: KeyState): void {
  state.capture?.before(key);
  state.keys.delete(name);
}
