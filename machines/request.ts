/**
 * The life of one request to the ticketing service: what an answer, its absence, an async result or a
 * look-up makes of it. Pure: facts out, nothing done.
 *   G3 at most 1 + 3 attempts, same id and payload; NACK is final but for NOT_OWNER and BUSY.
 *   G4 a create in doubt ends by being found, by a resend its service's promise allows, or as `unknown`.
 *   G5 an async result settles at most one request; none is dropped without a row.
 * Source: domain.md, "The gateway".
 */
import { entry, type Entry } from "./entry.ts";
import type {
  AnswerKind,
  FactBodies,
  NotificationRef,
  Parking,
  RequestResult,
  ResponseRowChange,
} from "./facts.ts";
import { remedies, type Failure, type FailureCode } from "./failure.ts";
import { limits } from "./limits.ts";
import { isWaiting, keyStream, type KeyState, type RequestState, type SettledRequest } from "./state.ts";
import {
  isOpen,
  type Instant,
  type Outcome,
  type ParkReason,
  type ResponseStatus,
  type Ticket,
  type TicketStatus,
} from "./vocabulary.ts";

/** An attempt's answer as the adapters classify it, without its texts. */
export interface Answer {
  readonly kind: AnswerKind;
  readonly code: string | null;
  readonly cause: string | null;
  readonly ticketId: string | null;
  readonly retryAfterMs: number | null;
  readonly answeredAt: Instant;
  readonly durationMs: number;
  /** What was sent and what came back, cut and redacted. */
  readonly request: string;
  readonly text: string;
}

export interface RequestSettings {
  readonly notOwnerRetrySeconds: number;
}

/** What became of the request, and the facts that say so. */
export interface Verdict {
  readonly result: "settled" | "parked";
  /** What the request came to, when settled. */
  readonly outcome: RequestResult | null;
  readonly because: string;
  readonly entries: Entry[];
}

/** The answer of attempt `request.attempts`. `key.request` must be this request, in status `sending`. */
export function judgeAnswer(
  key: KeyState,
  request: RequestState,
  answer: Answer,
  settings: RequestSettings,
): Verdict {
  const at = answer.answeredAt;
  const answered = (
    kind: AnswerKind,
    status: ResponseStatus,
    asyncStatus: "awaited" | null = null,
  ): Entry[] => [
    entry(keyStream(key.key), at, "request.answered", {
      requestId: request.requestId,
      key: key.key,
      attempt: request.attempts,
      answer: kind,
      code: answer.code,
      cause: answer.cause,
      ticketId: answer.ticketId,
    }),
    row(key, request, request.attempts, at, {
      answeredAt: at,
      durationMs: answer.durationMs,
      status,
      code: answer.code,
      cause: answer.cause,
      asyncStatus,
      ticketIds: answer.ticketId === null ? [] : [answer.ticketId],
      request: answer.request,
      answer: answer.text,
    }),
  ];
  const doubted = request.openAttempts.some((attempt) => attempt !== request.attempts);
  const mayRetry = request.spent < limits.attemptsMax;

  switch (answer.kind) {
    case "ack": {
      if (request.asyncResult?.result === "OK") {
        const ticketId = request.asyncResult.ticketId ?? answer.ticketId;
        return settled([
          ...answered("ack", "ack"),
          ...settle(key, request, at, {
            result: "ok",
            ticketId,
            because: "Acknowledged; the async result had come before.",
          }),
        ]);
      }
      if (request.asyncResult !== null)
        return doubt(
          key,
          request,
          answered("inDoubt", "inDoubt"),
          at,
          "Acknowledged, but the async result that came before said ERROR.",
        );
      if (request.service.asyncSeconds > 0) {
        return parked([
          ...answered("ack", "ack", "awaited"),
          park(
            key,
            at,
            "async",
            request.service.asyncSeconds * 1000,
            `Acknowledged; the result may take ${request.service.asyncSeconds} s.`,
          ),
        ]);
      }
      if (request.payload.command === "create" && answer.ticketId === null) {
        return doubt(
          key,
          request,
          answered("inDoubt", "inDoubt"),
          at,
          "Acknowledged without a ticket id; the ticket is looked up.",
        );
      }
      return settled([
        ...answered("ack", "ack"),
        ...settle(key, request, at, {
          result: "ok",
          ticketId: answer.ticketId,
          because: "Confirmed by the service.",
        }),
      ]);
    }
    case "nack": {
      if (request.asyncResult?.result === "OK") {
        return doubt(
          key,
          request,
          answered("inDoubt", "inDoubt"),
          at,
          "Refused, but the async result that came before said OK.",
        );
      }
      if (answer.code === "ALREADY_CLOSED" && request.payload.command === "close") {
        return settled([
          ...answered("nack", "nack"),
          ...settle(key, request, at, {
            result: "ok",
            ticketId: null,
            because: "The ticket was closed already.",
          }),
        ]);
      }
      if (answer.code === "NOT_OWNER" && mayRetry) {
        return parked([
          ...answered("nack", "nack"),
          park(key, at, "notOwner", settings.notOwnerRetrySeconds * 1000, "Somebody else owns the ticket."),
        ]);
      }
      if (answer.code === "BUSY" && mayRetry) {
        return parked([
          ...answered("nack", "nack"),
          park(key, at, "outage", retryDelay(request), "The service is busy."),
        ]);
      }
      if ((answer.code === "BUSY" || answer.code === "NOT_OWNER") && doubted) {
        return parked([
          ...answered("nack", "nack"),
          park(
            key,
            at,
            "inDoubt",
            request.service.settleSeconds * 1000,
            "Still in doubt, and the retries are used up.",
          ),
        ]);
      }
      if (
        (answer.code === "ALREADY_CLOSED" || answer.code === "UNKNOWN_TICKET") &&
        decidedOnce(key, request)
      ) {
        // A8: the ticket went away under us; the alarms still need an answer, and this one is proven to have done nothing.
        return settled([
          ...answered("nack", "nack"),
          ...decideAgain(
            key,
            request,
            at,
            `The ticket to ${request.payload.command} is gone (${answer.code}).`,
          ),
        ]);
      }
      return settled([...answered("nack", "nack"), ...settle(key, request, at, rejected(answer))]);
    }
    case "refused":
      if (doubted || mayRetry) {
        const wait = Math.max(
          Math.min(answer.retryAfterMs ?? 0, limits.retryAfterMsMax),
          retryDelay(request),
        );
        return parked([
          ...answered("refused", "error"),
          park(
            key,
            at,
            doubted ? "inDoubt" : "outage",
            wait,
            `The service cannot take the request now: ${answer.cause ?? answer.code}.`,
          ),
        ]);
      }
      return settled([
        ...answered("refused", "error"),
        ...settle(
          key,
          request,
          at,
          failed(answer, "UNAVAILABLE", "Not applied, and the retries are used up"),
        ),
      ]);
    case "unreachable": {
      const wait = outageDelay(key.parkings);
      const because = `The service cannot be reached: ${answer.cause ?? answer.code}.`;
      if (doubted)
        return parked([...answered("unreachable", "error"), park(key, at, "inDoubt", wait, because)]);
      if (request.alarms.length === 0)
        return settled([
          ...answered("unreachable", "error"),
          ...settle(key, request, at, { result: "notApplied", ticketId: null, because }),
        ]);
      // No byte left: the alarms stay in line and are decided again when the service is back (A8).
      return parked([
        ...answered("unreachable", "error"),
        ...settle(key, request, at, {
          result: "notApplied",
          ticketId: null,
          because,
          again: false,
          keepAlarms: true,
        }),
        park(key, at, "outage", wait, because),
      ]);
    }
    case "failed":
      if (doubted)
        return parked([
          ...answered("failed", "error"),
          park(
            key,
            at,
            "inDoubt",
            outageDelay(key.parkings),
            `Still in doubt; the service now says: ${answer.cause ?? answer.code}.`,
          ),
        ]);
      return settled([
        ...answered("failed", "error"),
        ...settle(key, request, at, failed(answer, "BAD_CONFIGURATION", "A permanent error")),
      ]);
    case "inDoubt":
      if (request.asyncResult?.result === "OK") {
        return settled([
          ...answered("ack", "ok"),
          ...settle(key, request, at, {
            result: "ok",
            ticketId: request.asyncResult.ticketId,
            because: "No readable answer, but the async result said OK.",
          }),
        ]);
      }
      return doubt(
        key,
        request,
        answered("inDoubt", "inDoubt"),
        at,
        `No readable answer (${answer.code}): ${answer.cause ?? "the service may or may not have done it"}.`,
      );
  }
}

/** What a flow on a key with a doubtful request must do next. */
export type DoubtStep =
  | { readonly step: "resend"; readonly because: string }
  | { readonly step: "search"; readonly by: "requestedBy" | "ticketId" | "key" }
  | {
      readonly step: "conclude";
      readonly entries: Entry[];
      readonly decision: "settle" | "park" | "adopt";
      readonly because: string;
    };

/** What the look-ups of this flow brought so far; null: not asked yet. */
export interface DoubtFindings {
  readonly byRequest: readonly Ticket[] | null;
  readonly byTicket: readonly Ticket[] | null;
  readonly byKey: readonly Ticket[] | null;
}

/** The next step for a request that was parked as `retry`, `inDoubt` or `async` and is due. */
export function stepInDoubt(
  key: KeyState,
  request: RequestState,
  found: DoubtFindings,
  at: Instant,
): DoubtStep {
  const told = request.asyncResult;
  if (told?.result === "OK") {
    return conclude("settle", "Confirmed by the async result.", (because) =>
      settle(key, request, at, { result: "ok", ticketId: told.ticketId, because }),
    );
  }
  if (request.status === "retry")
    return {
      step: "resend",
      because: `The service did not apply attempt ${request.attempts}; the same request goes again.`,
    };
  if (request.status === "async") {
    // No result in time: in doubt from now on.
    const because = `No async result within ${request.service.asyncSeconds} s.`;
    return conclude("park", because, () => [
      entry(keyStream(key.key), at, "request.answered", {
        requestId: request.requestId,
        key: key.key,
        attempt: request.attempts,
        answer: "inDoubt",
        code: "ASYNC_MISSING",
        cause: because,
        ticketId: null,
      }),
      row(key, request, request.attempts, at, {
        status: "inDoubt",
        asyncStatus: "missing",
        code: "ASYNC_MISSING",
        cause: because,
      }),
      park(key, at, "inDoubt", doubtDelay(request), because),
    ]);
  }
  const { idempotency } = request.service;
  const mayRetry = request.spent < limits.attemptsMax;
  if (idempotency === "requestId" && mayRetry && request.status === "inDoubt") {
    return { step: "resend", because: "The service gives the first answer again to the same request id." };
  }
  if (found.byRequest === null) return { step: "search", by: "requestedBy" };
  const own = found.byRequest[0];
  if (own !== undefined) {
    return conclude("settle", `Ticket ${own.ticketId} was found by its request id.`, (because) =>
      settle(key, request, at, { result: "ok", ticketId: own.ticketId, because, status: own.status }),
    );
  }
  const { payload } = request;
  if (payload.command === "create") {
    if (found.byKey === null) return { step: "search", by: "key" };
    const covering = found.byKey.find(
      (one) =>
        one.clientReference === key.key && one.kind === "MO" && isOpen(one) && !key.closed.has(one.ticketId),
    );
    if (covering !== undefined) {
      return conclude(
        "adopt",
        `Ticket ${covering.ticketId} of ${key.key} was found; not by the request's own id.`,
        (because) => [
          ...settle(key, request, at, {
            result: "notApplied",
            ticketId: covering.ticketId,
            because,
            outcome: "adopted",
          }),
          linked(key, request.service.name, covering, at),
        ],
      );
    }
  } else if (payload.command !== "editNinasCounters") {
    if (found.byTicket === null) return { step: "search", by: "ticketId" };
    const ticket = found.byTicket.find((one) => one.ticketId === payload.ticketId);
    if (ticket !== undefined && asAsked(payload, ticket)) {
      return conclude("settle", `Ticket ${ticket.ticketId} is already as asked.`, (because) =>
        settle(key, request, at, { result: "ok", ticketId: ticket.ticketId, because, status: ticket.status }),
      );
    }
  }
  if (idempotency === "requestId" && mayRetry)
    return {
      step: "resend",
      because: "Not found; the service gives the first answer again to the same request id.",
    };
  if (idempotency === "settles") {
    if (mayRetry)
      return {
        step: "resend",
        because: `Not found ${request.service.settleSeconds} s after the attempt ended: it was not applied and never will be.`,
      };
    return conclude("settle", "Not found after its settling time, and the retries are used up.", (because) =>
      settle(key, request, at, failed({ code: request.code, cause: because }, "TIMEOUT", because)),
    );
  }
  if (idempotency === "none" && request.lookups === 0) {
    return conclude(
      "park",
      `Not found; searched once more in ${request.service.settleSeconds} s.`,
      (because) => [park(key, at, "inDoubt", request.service.settleSeconds * 1000, because)],
    );
  }
  return conclude(
    "settle",
    "Not found, and the service promises nothing: nobody can say whether it did it.",
    (because) => settle(key, request, at, { result: "unknown", ticketId: null, because }),
  );
}

function conclude(
  decision: "settle" | "park" | "adopt",
  because: string,
  entries: (because: string) => Entry[],
): DoubtStep {
  return { step: "conclude", decision, because, entries: entries(because) };
}

function asAsked(payload: RequestState["payload"], ticket: Ticket): boolean {
  if (payload.command === "close") return ticket.status === "closed";
  if (payload.command !== "update") return false;
  return (
    (payload.severity === undefined || ticket.severity === payload.severity) &&
    (payload.status === undefined || ticket.status === payload.status)
  );
}

export interface AsyncInput {
  readonly requestId: string;
  readonly result: "OK" | "ERROR";
  readonly ticketId: string | null;
  readonly code: string | null;
  readonly cause: string | null;
  readonly text: string;
}

/** G5: an async result, early, in time, late, twice, contradictory or for nobody. */
export function judgeAsync(
  key: KeyState | null,
  before: SettledRequest | null,
  input: AsyncInput,
  at: Instant,
): Entry[] {
  const { requestId, result, ticketId, code, cause } = input;
  const stream = key === null ? ("gateway/async" as const) : keyStream(key.key);
  const told = entry(stream, at, "request.async", {
    requestId,
    key: key?.key ?? null,
    result,
    ticketId,
    code,
    cause,
  });
  const request = key?.request?.requestId === requestId ? key.request : null;
  if (key !== null && request !== null) {
    const asyncStatus = result === "OK" ? ("ok" as const) : ("error" as const);
    const changed = row(key, request, request.attempts, at, {
      asyncStatus,
      ticketIds: ticketId === null ? [] : [ticketId],
      answer: input.text,
      ...(request.status === "async"
        ? { status: result === "OK" ? ("ok" as const) : ("error" as const) }
        : {}),
      ...(code === null ? {} : { code }),
      ...(cause === null ? {} : { cause }),
    });
    if (request.status === "planned" || request.status === "sending") return [told, changed]; // judged with the answer
    if (request.asyncResult !== null && request.asyncResult.result === result) return [told, changed];
    if (result === "OK") {
      const because =
        request.asyncResult === null
          ? "Confirmed by the async result."
          : "Confirmed by a second async result that contradicts the first.";
      return [
        told,
        changed,
        ...settle(key, request, at, { result: "ok", ticketId: ticketId ?? null, because }),
      ];
    }
    const because = `The async result said ERROR${code === null ? "" : ` (${code})`}${cause === null ? "" : `: ${cause}`}.`;
    if (request.spent > 1) {
      const doubted = entry(keyStream(key.key), at, "request.answered", {
        requestId,
        key: key.key,
        attempt: request.attempts,
        answer: "inDoubt",
        code: "ASYNC_ERROR",
        cause,
        ticketId: null,
      });
      return [
        told,
        changed,
        doubted,
        park(
          key,
          at,
          "inDoubt",
          doubtDelay(request),
          `${because} There were several attempts; one of them may have worked.`,
        ),
      ];
    }
    if (decidedOnce(key, request)) return [told, changed, ...decideAgain(key, request, at, because, false)];
    return [told, changed, ...settle(key, request, at, failed({ code, cause }, "ASYNC_ERROR", because))];
  }
  const late = entry(stream, at, "response.row", {
    change: false,
    row: {
      requestId,
      attempt: 0,
      clientId: "gateway",
      lockGuid: before?.lockGuid ?? "",
      service: before?.service ?? "",
      command: before?.command ?? "create",
      key: key?.key ?? "",
      sentAt: at,
      answeredAt: at,
      durationMs: 0,
      status: result === "OK" ? "ok" : "error",
      code: code ?? (before === null ? "UNKNOWN_REQUEST" : null),
      cause,
      asyncStatus: "late",
      ticketIds: ticketId === null ? [] : [ticketId],
      request: "",
      answer: input.text,
    },
  });
  if (key === null || before === null || result !== "OK" || before.result === "ok") return [told, late];
  return [told, late, ...correct(key, before, at, ticketId, "The async result came late and said OK.")];
}

/** A2: a result that came after the outcome replaces it, by facts that name the old one. */
export function correct(
  key: KeyState,
  before: SettledRequest,
  at: Instant,
  ticketId: string | null,
  because: string,
): Entry[] {
  const stream = keyStream(key.key);
  return [
    entry(stream, at, "request.settled", {
      requestId: before.requestId,
      key: key.key,
      result: "ok",
      command: before.command,
      ticketId,
      service: before.service,
      ticket: {
        status: before.command === "close" ? "closed" : "acknowledged",
        severity: before.severity,
        openedAt: null,
      },
      because,
      again: false,
    }),
    ...before.outcomes
      .filter((one) => one.outcome !== before.intent)
      .map((one) =>
        entry(stream, at, "alarm.settled", {
          alarm: one.ref,
          key: key.key,
          outcome: one.outcome === "coalesced" ? "coalesced" : before.intent,
          because,
          lockGuid: before.lockGuid,
          rule: before.rule,
          ticketId,
          failure: null,
          requestId: before.requestId,
          supersedes: { position: one.position, outcome: one.outcome },
        }),
      ),
  ];
}

interface Settlement {
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
  const target = how.ticketId ?? ("ticketId" in payload ? payload.ticketId : null);
  const entries: Entry[] = [
    entry(stream, at, "request.settled", {
      requestId: request.requestId,
      key: key.key,
      result: how.result,
      command: payload.command,
      ticketId: target,
      service: request.service.name,
      ticket: how.result === "ok" && target !== null ? ticketAfter(request, how.status) : null,
      because: how.because,
      again: how.again ?? false,
    }),
  ];
  for (const attempt of request.openAttempts) {
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

export interface AlarmSettlement {
  readonly outcome: Outcome;
  readonly because: string;
  readonly lockGuid: string | null;
  readonly rule: string | null;
  readonly ticketId: string | null;
  readonly failure: Failure | null;
  readonly requestId: string | null;
}

/** One outcome for each notification of a flow: the first carries it, the others were folded into the flow. */
export function settleAlarms(
  key: KeyState,
  alarms: readonly NotificationRef[],
  at: Instant,
  how: AlarmSettlement,
): Entry[] {
  return alarms
    .filter((alarm) => isWaiting(key, alarm))
    .map((alarm, index) =>
      entry(keyStream(key.key), at, "alarm.settled", {
        ...how,
        alarm,
        key: key.key,
        outcome: index === 0 ? how.outcome : "coalesced",
        because:
          index === 0 ? how.because : `Folded into one flow, which ended as ${how.outcome}: ${how.because}`,
        supersedes: null,
      }),
    );
}

/** A8: proven not applied; the alarms of the request are decided once more, ahead of newer ones. */
function decideAgain(
  key: KeyState,
  request: RequestState,
  at: Instant,
  because: string,
  gone = true,
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

function decidedOnce(key: KeyState, request: RequestState): boolean {
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

/** Back-off of a key whose service cannot be reached, in ms. */
export function outageDelay(parkings: number): number {
  return Math.min(limits.outageDelayMsMax, limits.outageDelayMs * 2 ** Math.min(parkings, 16));
}

function retryDelay(request: RequestState): number {
  return limits.retryDelayMs * 2 ** Math.max(0, request.spent - 1);
}

/** How long a doubt rests before it is looked into: the settling time, unless the service repeats its first answer. */
export function doubtDelay(request: RequestState): number {
  if (request.service.idempotency === "requestId" && request.spent < limits.attemptsMax)
    return retryDelay(request);
  return request.service.settleSeconds * 1000;
}

function doubt(
  key: KeyState,
  request: RequestState,
  answered: Entry[],
  at: Instant,
  because: string,
): Verdict {
  return parked([...answered, park(key, at, "inDoubt", doubtDelay(request), because)]);
}

function settled(entries: Entry[]): Verdict {
  for (const { fact } of entries) {
    if (fact.type === "request.settled")
      return { result: "settled", outcome: fact.body.result, because: fact.body.because, entries };
  }
  throw new Error("A settled request needs the fact that says so.");
}
function parked(entries: Entry[]): Verdict {
  for (const { fact } of entries) {
    if (fact.type === "key.parked")
      return { result: "parked", outcome: null, because: fact.body.parking.because, entries };
  }
  throw new Error("A parked request needs the fact that says so.");
}

function rejected(answer: Answer): Settlement {
  const detail = `The service refused: ${answer.code ?? "NACK"}${answer.cause === null || answer.cause === "" ? "" : ` – ${answer.cause}`}.`;
  return {
    result: "rejected",
    ticketId: null,
    because: detail,
    failure: { code: failureCode(answer.code, "NACK"), detail },
  };
}

function failed(
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

function failureCode(code: string | null, otherwise: FailureCode): FailureCode {
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
  request: RequestState,
  status: TicketStatus | undefined,
): NonNullable<FactBodies["request.settled"]["ticket"]> {
  const { payload } = request;
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
      return { status: "inProgress", severity: null, openedAt: null };
  }
}

export function linked(
  key: KeyState,
  service: string,
  ticket: {
    readonly ticketId: string;
    readonly status: TicketStatus;
    readonly severity?: Ticket["severity"] | null;
    readonly openedAt?: Instant | null;
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
  });
}

function row(
  key: KeyState,
  request: RequestState,
  attempt: number,
  at: Instant,
  change: Omit<ResponseRowChange, "requestId" | "attempt" | "clientId" | "key">,
): Entry {
  return entry(keyStream(key.key), at, "response.row", {
    change: true,
    row: { requestId: request.requestId, attempt, clientId: request.clientId, key: key.key, ...change },
  });
}
