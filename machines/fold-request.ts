/**
 * The fold of requests: from planned to settled, and what a settled one makes of tickets and of its key.
 *   R1 as fold.ts.  G3 attempts that may have reached the service are counted.  G5 what is settled is remembered for
 *   a result that comes late.
 */
import { isCorrectable } from "./async-result.ts";
import { decideOnceMore, orphan } from "./cover.ts";
import type { FactOf } from "./facts.ts";
import { limits } from "./limits.ts";
import {
  byHand,
  keyState,
  type KeyState,
  type RequestState,
  type SettledRequest,
  type State,
} from "./state.ts";
import { linkTicket, unlinkTicket } from "./ticket-index.ts";
import { isOpen, type Instant, type TicketKind } from "./vocabulary.ts";

type RequestFact = FactOf<
  "request.planned" | "request.sending" | "request.answered" | "request.async" | "request.settled"
>;

export function foldRequest(state: State, fact: RequestFact): void {
  switch (fact.type) {
    case "request.planned": {
      const { requestId, key, clientId, lockGuid, service, payload, intent, rule, alarms } = fact.body;
      keyState(state, key).request = {
        requestId,
        key,
        clientId,
        lockGuid,
        service,
        payload,
        intent,
        rule,
        alarms,
        status: "planned",
        attempts: 0,
        spent: 0,
        openAttempts: [],
        lookups: 0,
        asyncResult: null,
        code: null,
        named: null,
      };
      state.requests.set(requestId, key);
      return;
    }
    case "request.sending": {
      const request = unsettledRequest(state, fact.body.key, fact.body.requestId);
      if (request === null) return;
      request.status = "sending";
      request.attempts = fact.body.attempt;
      request.spent += 1;
      request.openAttempts.push({ attempt: fact.body.attempt, clientId: fact.body.clientId });
      return;
    }
    case "request.answered": {
      const request = unsettledRequest(state, fact.body.key, fact.body.requestId);
      if (request === null) return;
      request.code = fact.body.code;
      request.lookups = 0;
      if (fact.body.answer === "ack") {
        request.status = "async";
        request.named = fact.body.ticketId ?? request.named;
        return;
      }
      if (fact.body.answer === "unreachable") request.spent -= 1;
      if (fact.body.answer !== "inDoubt")
        request.openAttempts = request.openAttempts.filter(({ attempt }) => attempt !== fact.body.attempt);
      // An earlier attempt in doubt stays so, whatever a later one was told.
      request.status =
        fact.body.answer === "inDoubt" || request.openAttempts.length > 0 ? "inDoubt" : "retry";
      return;
    }
    case "request.async": {
      const key = fact.body.key;
      const request = key === null ? null : unsettledRequest(state, key, fact.body.requestId);
      if (request === null) return;
      const { result, ticketId, code, cause } = fact.body;
      if (result === "ERROR" && request.asyncResult?.result === "OK") return; // T1: what was done once is done
      const before = request.asyncResult?.result === result ? request.asyncResult.ticketId : null;
      request.asyncResult = { result, ticketId: ticketId ?? before, code, cause };
      return;
    }
    case "request.settled":
      return settleRequest(state, fact);
  }
}

function unsettledRequest(state: State, key: string, requestId: string): RequestState | null {
  const request = state.keys.get(key)?.request ?? null;
  return request?.requestId === requestId ? request : null;
}

function settleRequest(state: State, fact: FactOf<"request.settled">): void {
  const { requestId, result, command, ticketId, service, ticket } = fact.body;
  const key = keyState(state, fact.body.key);
  state.counters.requests[result] = (state.counters.requests[result] ?? 0) + 1;
  const request = unsettledRequest(state, fact.body.key, requestId);
  const wasUnknown = key.unknown.findIndex((one) => one.requestId === requestId);
  const settledBefore = key.unknown[wasUnknown] ?? state.settledRequests.get(requestId);
  if (request !== null) {
    key.request = null;
    key.parked = null;
    if (fact.body.again) {
      key.again = request.alarms[0]?.position ?? 0;
      decideOnceMore(key, fact.position);
    }
    state.requests.delete(requestId);
    if (result === "unknown" || request.service.asyncSeconds > 0) {
      const { lockGuid, intent, rule, payload } = request;
      const severity = "severity" in payload ? (payload.severity ?? null) : null;
      const settled = {
        requestId,
        key: key.key,
        command: payload.command,
        service,
        intent,
        rule,
        lockGuid,
        severity,
        ticketId,
        elements: "networkElements" in payload ? payload.networkElements : [],
        kind: kindOf(request, undefined),
        result,
        outcomes: [],
      };
      if (result === "unknown") {
        key.unknown.push(settled);
        state.unknown.set(requestId, key.key);
      } else rememberSettled(state, settled);
    }
  } else if (wasUnknown >= 0 && result !== "unknown") {
    const [was] = key.unknown.splice(wasUnknown, 1);
    state.unknown.delete(requestId);
    if (was !== undefined) rememberSettled(state, { ...was, result, ticketId: ticketId ?? was.ticketId });
  } else {
    const late = state.settledRequests.get(requestId);
    if (late !== undefined)
      state.settledRequests.set(requestId, { ...late, result, ticketId: ticketId ?? late.ticketId });
  }
  if (ticketId === null || ticket === null) return;
  // Planned maintenance covers by its window (D2); as an open ticket of its key it would be adopted and closed.
  if (command === "create" && kindOf(request, settledBefore) === "PLM") return;
  const elements = elementsOf(key, request, settledBefore, ticketId);
  if (command === "close" || !isOpen(ticket)) {
    unlinkTicket(state, key, ticketId, service, fact.at);
    dropMoot(state, key, ticketId, service);
    // Whoever closes a ticket by hand, under alarms that are active, wants it so.
    const isByHand = request === null ? settledBefore?.rule === byHand : request.alarms.length === 0;
    if (!isByHand) orphan(state, key, fact.position, fact.at);
    const settleMs = (request?.service.settleSeconds ?? limits.serviceSettleSecondsDefault) * 1000;
    const keepUntil = fact.at + Math.max(settleMs, state.settings.reopenSeconds * 1000);
    key.closed.delete(ticketId);
    key.closed.set(ticketId, { closedAt: fact.at, position: fact.position, service, keepUntil, elements });
    forgetClosed(key, fact.at);
  } else {
    const before = key.open.get(ticketId);
    key.closed.delete(ticketId);
    linkTicket(state, key, {
      ticketId,
      service,
      status: ticket.status,
      severity: ticket.severity ?? before?.severity ?? null,
      openedAt: ticket.openedAt ?? before?.openedAt ?? null,
      confirmedAt: fact.at,
      elements,
    });
  }
}

/** The ticket has ended: what became of an update or a close of it that was unknown matters to nobody any more. */
export function dropMoot(state: State, key: KeyState, ticketId: string, service: string): void {
  for (const one of key.unknown) {
    if (one.ticketId !== ticketId || one.service !== service) continue;
    state.unknown.delete(one.requestId);
    rememberSettled(state, one); // for a result that comes late
  }
  key.unknown = key.unknown.filter(({ requestId }) => state.unknown.has(requestId));
}

/** What the ticket lies on: as its create said, or as it was known before. */
function elementsOf(
  key: KeyState,
  request: RequestState | null,
  before: SettledRequest | undefined,
  ticketId: string,
): readonly string[] {
  if (request !== null && "networkElements" in request.payload) return request.payload.networkElements;
  const known = key.open.get(ticketId) ?? key.closed.get(ticketId) ?? before;
  return known?.elements ?? [];
}

/** The oldest goes that no result could correct any more; where each could be, the oldest of all. */
function rememberSettled(state: State, settled: SettledRequest): void {
  const { settledRequests } = state;
  settledRequests.set(settled.requestId, settled);
  if (settledRequests.size <= limits.settledRequestsKept) return;
  for (const [requestId, one] of settledRequests)
    if (!isCorrectable(one)) return void settledRequests.delete(requestId);
  const [oldest = ""] = settledRequests.keys();
  settledRequests.delete(oldest);
}

/** R5: times tell nothing of how long ago it was where the clock was set; the last few stay in any case. */
export function forgetClosed(key: KeyState, at: Instant): void {
  for (const [ticketId, { keepUntil }] of key.closed) {
    if (keepUntil >= at || key.closed.size <= limits.closedTicketsKept) return;
    key.closed.delete(ticketId);
  }
}

function kindOf(request: RequestState | null, before: SettledRequest | undefined): TicketKind {
  return request?.payload.command === "create" ? request.payload.kind : (before?.kind ?? "MO");
}
