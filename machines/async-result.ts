/**
 * What an async result makes of the request that it names: settled, in doubt, corrected, or a row and no more.
 *   G5 an async result settles at most one request; none is dropped without a row, its attempt's or one of its own.
 *   A2 a result after the outcome replaces it, by facts that name the old one.
 * Source: domain.md, "The gateway".
 */
import { entry, type Entry } from "./entry.ts";
import type { Stream } from "./facts.ts";
import { isChangeable } from "./response-table.ts";
import {
  decideAgain,
  decidedOnce,
  doubtDelay,
  failed,
  isNameless,
  park,
  row,
  saysGone,
  senderOf,
  settle,
} from "./settlement.ts";
import { keyStream, type KeyState, type RequestState, type SettledRequest, type State } from "./state.ts";
import type { Instant, ResponseRow, Ticket } from "./vocabulary.ts";

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
  tables: State["tables"],
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
    const shown = isShownByAttempt(request, tables)
      ? row(key, request, request.attempts, at, {
          asyncStatus,
          ticketIds: ticketId === null ? [] : [ticketId],
          answer: input.text,
          ...(request.status === "async" ? { status: asyncStatus } : {}),
          ...(code === null ? {} : { code }),
          ...(cause === null ? {} : { cause }),
        })
      : rowOfItsOwn(stream, input, at, {
          lockGuid: request.lockGuid,
          service: request.service.name,
          command: request.payload.command,
          key: key.key,
          code,
          asyncStatus,
        });
    if (request.status === "planned" || request.status === "sending") return [told, shown]; // judged with the answer
    const known = request.asyncResult;
    const named = ticketId ?? request.named;
    const isNamedNow = known?.result === "OK" && result === "OK" && known.ticketId === null && named !== null;
    // T1: an ERROR does not undo an OK.
    if (!isNamedNow && (known?.result === "OK" || known?.result === result)) return [told, shown];
    if (result === "OK") {
      if (isNameless(request, ticketId)) return [told, shown, ...lookedUp(key, request, at)];
      const because =
        known === null
          ? "Confirmed by the async result."
          : isNamedNow
            ? "Confirmed by a second async result, which names the ticket."
            : "Confirmed by a second async result that contradicts the first.";
      return [told, shown, ...settle(key, request, at, { result: "ok", ticketId: named, because })];
    }
    // As a NACK that says so: what was wanted is so.
    if (code === "ALREADY_CLOSED" && request.payload.command === "close") {
      const done = { result: "ok", ticketId: null, because: "The ticket was closed already." } as const;
      return [told, shown, ...settle(key, request, at, done)];
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
        shown,
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
    if (decidedOnce(key, request))
      return [told, shown, ...decideAgain(key, request, at, because, saysGone(code))];
    return [told, shown, ...settle(key, request, at, failed({ code, cause }, "ASYNC_ERROR", because))];
  }
  const late = rowOfItsOwn(stream, input, at, {
    lockGuid: before?.lockGuid ?? "",
    service: before?.service ?? "",
    command: before?.command ?? "create",
    key: key?.key ?? "",
    code: code ?? (before === null ? "UNKNOWN_REQUEST" : null),
    asyncStatus: "late",
  });
  if (key === null || before === null || !corrects(before, input)) return [told, late];
  const because = "The async result came late and said OK.";
  return [told, late, ...correct(key, before, at, ticketMeant(before, ticketId), because)];
}

function lookedUp(key: KeyState, request: RequestState, at: Instant): Entry[] {
  const { requestId, attempts, service } = request;
  const because = "The async result said OK and named no ticket; it is looked up.";
  return [
    entry(keyStream(key.key), at, "request.answered", {
      requestId,
      key: key.key,
      attempt: attempts,
      answer: "inDoubt",
      code: null,
      cause: because,
      ticketId: null,
    }),
    park(key, at, "inDoubt", service.settleSeconds * 1000, because),
  ];
}

/** G5: not where the last attempt's row is settled or gone, has its answer still to come, or shows a result already. */
function isShownByAttempt(request: RequestState, tables: State["tables"]): boolean {
  const { requestId, status, attempts, asyncResult } = request;
  if (status === "planned" || status === "sending" || asyncResult !== null) return false;
  return isChangeable(tables.get(senderOf(request, attempts)), { requestId, attempt: attempts });
}

function rowOfItsOwn(
  stream: Stream,
  { requestId, result, ticketId, cause, text }: AsyncInput,
  at: Instant,
  of: Pick<ResponseRow, "lockGuid" | "service" | "command" | "key" | "code" | "asyncStatus">,
): Entry {
  return entry(stream, at, "response.row", {
    change: false,
    row: {
      requestId,
      attempt: 0,
      clientId: "gateway",
      sentAt: at,
      answeredAt: at,
      durationMs: 0,
      status: result === "OK" ? "ok" : "error",
      cause,
      ticketIds: ticketId === null ? [] : [ticketId],
      request: "",
      answer: text,
      ...of,
    },
  });
}

/** Whether any result could: what is not known to be done, or to which ticket. */
export function isCorrectable(before: SettledRequest): boolean {
  return corrects(before, { result: "OK", ticketId: "any" });
}

/** Whether the result, coming after the outcome, replaces it. */
export function corrects(
  before: SettledRequest | null,
  { result, ticketId }: Pick<AsyncInput, "result" | "ticketId">,
): boolean {
  if (before === null || result !== "OK") return false;
  const isNewName = before.command === "create" && before.ticketId === null && ticketId !== null;
  if (before.result === "ok") return isNewName; // A8: done, and its ticket was not known
  // T1: an unknown create keeps others from its key until its ticket is known.
  return before.result !== "unknown" || before.command !== "create" || isNewName;
}

/** What a result says of its ticket: a create's is named by the service, every other request is about its own. */
export function ticketMeant(before: SettledRequest, named: string | null): string | null {
  return before.command === "create" ? (named ?? before.ticketId) : (before.ticketId ?? named);
}

/** Its ticket was closed since: what was done before says nothing of it any more. */
export function isClosedSince(key: KeyState, before: SettledRequest, ticketId: string | null): boolean {
  if (ticketId === null || before.command === "close") return false;
  const closed = key.closed.get(ticketId);
  if (closed?.service !== before.service) return false;
  // A reopening is about one that was closed before.
  return before.intent !== "reopened" || before.outcomes.every(({ position }) => position < closed.position);
}

/** A2: a result that came after the outcome replaces it, by facts that name the old one. */
export function correct(
  key: KeyState,
  before: SettledRequest,
  at: Instant,
  ticketId: string | null,
  because: string,
  /** As a search shows it. */
  shown: Pick<Ticket, "status" | "severity" | "openedAt"> | null = null,
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
      ticket:
        before.command === "editNinasCounters" || (shown === null && isClosedSince(key, before, ticketId))
          ? null
          : {
              status: before.command === "close" ? "closed" : (shown?.status ?? "acknowledged"),
              severity: shown?.severity ?? before.severity,
              openedAt: shown?.openedAt ?? null,
            },
      because,
      again: false,
    }),
    ...before.outcomes
      .filter((one) => one.outcome !== before.intent && one.behind !== true)
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
