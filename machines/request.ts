/**
 * What an answer, or its absence, makes of the request that it answers. Pure: facts out, nothing done.
 *   G3 at most 1 + 3 attempts, same id and payload; NACK is final but for NOT_OWNER and BUSY.
 *   G4 without a readable answer it is in doubt, which doubt.ts ends.
 *   G5 T1 an async OK that came before the answer settles it; only a final NACK contradicts that.
 * Source: domain.md, "The gateway".
 */
import { entry, type Entry } from "./entry.ts";
import type { AnswerKind, RequestResult } from "./facts.ts";
import { limits } from "./limits.ts";
import {
  decideAgain,
  decidedOnce,
  doubtDelay,
  failed,
  failureCode,
  isNameless,
  outageDelay,
  park,
  retryDelay,
  row,
  saysGone,
  settle,
  type Settlement,
} from "./settlement.ts";
import { keyStream, type KeyState, type RequestState } from "./state.ts";
import type { Instant, ResponseStatus } from "./vocabulary.ts";

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
    asyncStatus: "awaited" | "ok" | null = null,
    ticketId = answer.ticketId,
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
      ticketIds: ticketId === null ? [] : [ticketId],
      request: answer.request,
      answer: answer.text,
    }),
  ];
  const doubted = request.openAttempts.some(({ attempt }) => attempt !== request.attempts);
  const mayRetry = request.spent < limits.attemptsMax;
  const early = request.asyncResult;

  // T1 A8: an attempt was applied, if not this one; nothing is sent or decided again.
  if (early?.result === "OK" && !isFinal(answer)) {
    const { kind, status, because } = confirmedBefore(answer);
    const ticketId = early.ticketId ?? (answer.kind === "ack" ? answer.ticketId : null) ?? request.named;
    if (isNameless(request, ticketId))
      return parked([
        ...answered("inDoubt", "inDoubt", "ok"),
        park(
          key,
          at,
          "inDoubt",
          request.service.settleSeconds * 1000,
          `${because} It named no ticket, which is looked up.`,
        ),
      ]);
    return settled([
      ...answered(kind, status, "ok", ticketId),
      ...settle(key, request, at, { result: "ok", ticketId, because }),
    ]);
  }

  switch (answer.kind) {
    case "ack": {
      if (early !== null)
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
      const lookedUp = (because: string): Verdict =>
        parked([
          ...answered("nack", "nack"),
          park(key, at, "inDoubt", request.service.settleSeconds * 1000, because),
        ]);
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
      if (early?.result === "OK") {
        return doubt(
          key,
          request,
          answered("inDoubt", "inDoubt"),
          at,
          "Refused, but the async result that came before said OK.",
        );
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
        return lookedUp("Still in doubt, and the retries are used up.");
      }
      if (saysGone(answer.code) && decidedOnce(key, request)) {
        return settled([
          ...answered("nack", "nack"),
          ...decideAgain(key, request, at, goneBecause(request, answer.code), true),
        ]);
      }
      if (answer.code === "DUPLICATE" && doubted && request.payload.command === "create") {
        // T1: the one that it repeats may be its own earlier attempt.
        return lookedUp(
          "Refused as a duplicate, after an attempt without an answer; its ticket is looked up.",
        );
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
      return doubt(
        key,
        request,
        answered("inDoubt", "inDoubt"),
        at,
        `No readable answer (${answer.code}): ${answer.cause ?? "the service may or may not have done it"}.`,
      );
  }
}

/** G3: a NACK of the request itself, not of this attempt. */
function isFinal({ kind, code }: Answer): boolean {
  return kind === "nack" && code !== "NOT_OWNER" && code !== "BUSY";
}

/** What an answer comes to when an async OK was there before it. */
function confirmedBefore({ kind, code, cause }: Answer): {
  readonly kind: AnswerKind;
  readonly status: ResponseStatus;
  readonly because: string;
} {
  switch (kind) {
    case "ack":
      return { kind, status: "ack", because: "Acknowledged; the async result had come before." };
    case "inDoubt":
      return { kind: "ack", status: "ok", because: "No readable answer, but the async result said OK." };
    default:
      return {
        kind,
        status: kind === "nack" ? "nack" : "error",
        because: `Not taken this time (${cause ?? code}), but the async result that came before said OK.`,
      };
  }
}

function goneBecause({ payload }: RequestState, code: string | null): string {
  return "ticketId" in payload
    ? `The ticket to ${payload.command} is gone (${code}).`
    : `The service answered ${code} to ${payload.command}, which names no ticket: it did nothing.`;
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
