/**
 * How a request and its alarms come to rest: settled, decided once more, or parked and for how long.
 *   A2 one outcome an alarm.  A8 what was proven not applied is decided again, once.
 *   G3 the waits between attempts double: no retry storm after an outage.
 * Source: domain.md, "The gateway".
 */
import { membersOf } from "./cover.ts";
import { entry, type Entry } from "./entry.ts";
import type { FactBodies, NotificationRef, Parking, RequestResult, ResponseRowChange } from "./facts.ts";
import { remedies, type Failure, type FailureCode } from "./failure.ts";
import { limits } from "./limits.ts";
import { keyStream, waitingOf, type KeyState, type RequestState } from "./state.ts";
import type { Instant, Outcome, ParkReason, RequestPayload, Ticket, TicketStatus } from "./vocabulary.ts";

export interface Settlement {
  readonly result: RequestResult;
  readonly ticketId: string | null;
  readonly because: string;
  readonly status?: TicketStatus;
  readonly outcome?: Outcome;
  readonly failure?: Failure;
  readonly again?: boolean;
  /** The alarms stay in line. */
  readonly keepAlarms?: boolean;
}

/** The request is settled; its alarms with it, unless they are to be decided again. */
export function settle(key: KeyState, request: RequestState, at: Instant, how: Settlement): Entry[] {
  const { payload } = request;
  const stream = keyStream(key.key);
  // Whatever ticket an answer names: an update or a close is about its own.
  const target = "ticketId" in payload ? payload.ticketId : how.ticketId;
  const entries: Entry[] = [
    entry(stream, at, "request.settled", {
      requestId: request.requestId,
      key: key.key,
      result: how.result,
      command: payload.command,
      ticketId: target,
      service: request.service.name,
      ticket: how.result === "ok" && target !== null ? ticketAfter(payload, how.status) : null,
      because: how.because,
      again: how.again ?? false,
    }),
  ];
  for (const { attempt } of request.openAttempts) {
    if (attempt === request.attempts && request.status === "sending") continue;
    const asyncMissing =
      request.status === "async" && how.result !== "ok" ? { asyncStatus: "missing" as const } : {};
    entries.push(
      row(key, request, attempt, at, {
        status: how.result === "ok" ? "ok" : how.result === "unknown" ? "unknown" : "error",
        ...asyncMissing,
        cause: how.because,
      }),
    );
  }
  if (how.keepAlarms === true || how.again === true) return entries;
  entries.push(
    ...settleAlarms(key, request.alarms, at, {
      outcome: how.outcome ?? outcomeOf(request, how.result),
      because: how.because,
      lockGuid: request.lockGuid,
      rule: request.rule,
      ticketId: target,
      failure: how.failure ?? null,
      requestId: request.requestId,
    }),
  );
  return entries;
}

/** Ends a request without sending it or hearing of it: planned and never sent. */
export function cancelRequest(
  key: KeyState,
  request: RequestState,
  at: Instant,
  because: string,
  aborted: boolean,
): Entry[] {
  return settle(key, request, at, { result: "cancelled", ticketId: null, because, keepAlarms: !aborted });
}

export interface AlarmSettlement {
  readonly outcome: Outcome;
  readonly because: string;
  readonly lockGuid: string | null;
  readonly rule: string | null;
  readonly ticketId: string | null;
  readonly failure: Failure | null;
  readonly requestId: string | null;
}

/** Outcomes of alarms that are left without a ticket, for a reason. */
const withoutTicket: ReadonlySet<Outcome> = new Set(["rejected", "failed", "unknown", "aborted"]);

/**
 * One outcome for each notification of a flow: the first carries it, the others were folded into the flow. Those that
 * were settled under a cover keep what they have, but where nothing answers for them any more (A8).
 */
export function settleAlarms(
  key: KeyState,
  alarms: readonly NotificationRef[],
  at: Instant,
  how: AlarmSettlement,
): Entry[] {
  const members = withoutTicket.has(how.outcome) ? membersOf(key, alarms) : waitingOf(key, alarms);
  return members.map(({ ref, replaces }, index) =>
    entry(keyStream(key.key), at, "alarm.settled", {
      ...how,
      alarm: ref,
      key: key.key,
      outcome: index === 0 ? how.outcome : "coalesced",
      because:
        index === 0 ? how.because : `Folded into one flow, which ended as ${how.outcome}: ${how.because}`,
      supersedes: replaces ?? null,
    }),
  );
}

/** A8: proven not applied; the alarms of the request are decided once more, ahead of newer ones. */
export function decideAgain(
  key: KeyState,
  request: RequestState,
  at: Instant,
  because: string,
  gone: boolean,
): Entry[] {
  const entries = settle(key, request, at, { result: "notApplied", ticketId: null, because, again: true });
  const { payload } = request;
  if (gone && "ticketId" in payload && (key.open.has(payload.ticketId) || key.closed.has(payload.ticketId))) {
    entries.push(
      entry(keyStream(key.key), at, "ticket.lost", {
        key: key.key,
        ticketId: payload.ticketId,
        status: null,
        claimKept: true,
        idempotency: request.service.idempotency,
      }),
    );
  }
  return entries;
}

/** A8: the ticket that the request is about went away under us, and the request is proven to have done nothing. */
export function saysGone(code: string | null): boolean {
  return code === "ALREADY_CLOSED" || code === "UNKNOWN_TICKET";
}

export function decidedOnce(key: KeyState, request: RequestState): boolean {
  return key.again !== (request.alarms[0]?.position ?? 0);
}

export function park(
  key: KeyState,
  at: Instant,
  reason: ParkReason,
  waitMs: number | null,
  because: string,
): Entry {
  const parking: Parking = {
    reason,
    since: at,
    until: waitMs === null ? null : at + Math.ceil(waitMs),
    because,
  };
  return entry(keyStream(key.key), at, "key.parked", { key: key.key, parking });
}

export function linked(
  key: KeyState,
  service: string,
  ticket: {
    readonly ticketId: string;
    readonly status: TicketStatus;
    readonly severity?: Ticket["severity"] | null;
    readonly openedAt?: Instant | null;
    readonly networkElements?: readonly string[] | undefined;
  },
  at: Instant,
): Entry {
  return entry(keyStream(key.key), at, "ticket.linked", {
    key: key.key,
    ticketId: ticket.ticketId,
    service,
    status: ticket.status,
    severity: ticket.severity ?? null,
    openedAt: ticket.openedAt ?? null,
    ...(ticket.networkElements === undefined ? {} : { networkElements: ticket.networkElements }),
  });
}

/** Back-off of a key whose service cannot be reached, in ms. */
export function outageDelay(parkings: number): number {
  return Math.min(limits.outageDelayMsMax, limits.outageDelayMs * 2 ** Math.min(parkings, 16));
}

export function retryDelay(request: RequestState): number {
  return limits.retryDelayMs * 2 ** Math.max(0, request.spent - 1);
}

/** T1: a create was confirmed, and its ticket never named: while the index lags nothing else would cover the key. */
export function isNameless({ payload, named }: RequestState, ticketId: string | null): boolean {
  return payload.command === "create" && ticketId === null && named === null;
}

/** How long a doubt rests before it is looked into: the settling time, unless the service repeats its first answer. */
export function doubtDelay(request: RequestState): number {
  const { asyncResult, service } = request;
  if (asyncResult?.result === "OK" && isNameless(request, asyncResult.ticketId))
    return service.settleSeconds * 1000;
  if (request.service.idempotency === "requestId" && request.spent < limits.attemptsMax)
    return retryDelay(request);
  return request.service.settleSeconds * 1000;
}

export function failed(
  answer: { readonly code: string | null; readonly cause: string | null },
  otherwise: FailureCode,
  what: string,
): Settlement {
  const detail = `${what}${answer.code === null ? "" : ` (${answer.code})`}${answer.cause === null || answer.cause === what ? "" : `: ${answer.cause}`}`;
  return {
    result: "failed",
    ticketId: null,
    because: detail,
    failure: { code: failureCode(answer.code, otherwise), detail },
  };
}

export function failureCode(code: string | null, otherwise: FailureCode): FailureCode {
  return code !== null && Object.hasOwn(remedies, code) ? (code as FailureCode) : otherwise;
}

function outcomeOf(request: RequestState, result: RequestResult): Outcome {
  switch (result) {
    case "ok":
      return request.intent;
    case "rejected":
      return "rejected";
    case "unknown":
      return "unknown";
    case "cancelled":
      return "aborted";
    case "failed":
    case "notApplied":
      return "failed";
  }
}

function ticketAfter(
  payload: RequestPayload,
  status: TicketStatus | undefined,
): FactBodies["request.settled"]["ticket"] {
  switch (payload.command) {
    case "create":
      return { status: status ?? "acknowledged", severity: payload.severity, openedAt: payload.startAt };
    case "update":
      return {
        status: status ?? payload.status ?? "inProgress",
        severity: payload.severity ?? null,
        openedAt: null,
      };
    case "close":
      return { status: "closed", severity: null, openedAt: null };
    case "editNinasCounters":
      return null; // it is about no ticket, whatever id the answer carries
  }
}

/** In whose table the attempt has its row: a request may be sent again by another client than planned it. */
export function senderOf({ openAttempts, clientId }: RequestState, attempt: number): string {
  return openAttempts.find((one) => one.attempt === attempt)?.clientId ?? clientId;
}

export function row(
  key: KeyState,
  request: RequestState,
  attempt: number,
  at: Instant,
  change: Omit<ResponseRowChange, "requestId" | "attempt" | "clientId" | "key">,
): Entry {
  const clientId = senderOf(request, attempt);
  return entry(keyStream(key.key), at, "response.row", {
    change: true,
    row: { requestId: request.requestId, attempt, clientId, key: key.key, ...change },
  });
}
