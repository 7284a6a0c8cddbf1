/**
 * What a flow does next about a request that was parked: send it again, look it up, or conclude.
 *   G3 at most 1 + 3 attempts, same id and payload.
 *   G4 a create in doubt ends by being found, by a resend its service's promise allows, or as `unknown`.
 * Source: domain.md, "The gateway".
 */
import { entry, type Entry } from "./entry.ts";
import type { SearchPurpose } from "./flow-step.ts";
import { limits } from "./limits.ts";
import { isRepeatable, type NinasCounters } from "./ninas-counters.ts";
import { doubtDelay, failed, isNameless, linked, park, row, settle } from "./settlement.ts";
import { keyStream, type KeyState, type RequestState } from "./state.ts";
import { isOpen, type Instant, type Ticket } from "./vocabulary.ts";

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
  /** Of which the list was cut off: what it does not show may be there. */
  readonly cut?: ReadonlySet<SearchPurpose>;
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
    if (isNameless(request, told.ticketId)) return ticketOfCreate(key, request, found, at);
    return conclude("settle", "Confirmed by the async result.", (because) =>
      settle(key, request, at, { result: "ok", ticketId: told.ticketId ?? request.named, because }),
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
  if (idempotency === "requestId" && mayRetry) {
    // Two in a row without an answer: whether anybody answers is asked by a search, which spends no attempt (G3).
    const isCounters = request.payload.command === "editNinasCounters";
    if (!isCounters && request.spent > 1 && found.byRequest === null)
      return { step: "search", by: "requestedBy" };
    if (isCounters || found.byRequest?.some((one) => isOwn(request, one)) !== true)
      return { step: "resend", because: "The service gives the first answer again to the same request id." };
  }
  if (request.payload.command === "editNinasCounters")
    return countersInDoubt(key, request, request.payload, at);
  if (found.byRequest === null) return { step: "search", by: "requestedBy" };
  const own = found.byRequest.find((one) => isOwn(request, one));
  if (own !== undefined) {
    return conclude("settle", `Ticket ${own.ticketId} was found by its request id.`, (because) =>
      settledBy(key, request, own, because, at),
    );
  }
  const { payload } = request;
  if (payload.command === "create") {
    if (found.byKey === null) return { step: "search", by: "key" };
    const covering = found.byKey.find((one) => covers(key, request, one));
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
  } else {
    if (found.byTicket === null) return { step: "search", by: "ticketId" };
    const ticket = found.byTicket.find((one) => one.ticketId === payload.ticketId);
    if (ticket !== undefined && asAsked(payload, ticket)) {
      return conclude("settle", `Ticket ${ticket.ticketId} is already as asked.`, (because) =>
        settledBy(key, request, ticket, because, at),
      );
    }
  }
  const isWhole = !isCutOff(found, payload.command === "create" ? ["requestedBy", "key"] : ["ticketId"]);
  if (idempotency === "settles" && isWhole) {
    if (mayRetry)
      return {
        step: "resend",
        because: `Not found ${request.service.settleSeconds} s after the attempt ended: it was not applied and never will be.`,
      };
    return conclude("settle", "Not found after its settling time, and the retries are used up.", (because) =>
      settle(key, request, at, failed({ code: request.code, cause: because }, "TIMEOUT", because)),
    );
  }
  const notFound = isWhole ? "Not found" : notShown;
  if (idempotency !== "requestId" && request.lookups === 0) return lookAgain(key, request, notFound, at);
  const why = {
    requestId: "the retries are used up: nobody can say whether the service did it.",
    settles: "that proves nothing: nobody can say whether the service did it.",
    none: "the service promises nothing: nobody can say whether it did it.",
  } as const;
  return conclude("settle", `${notFound}, and ${why[idempotency]}`, (because) =>
    settle(key, request, at, { result: "unknown", ticketId: null, because }),
  );
}

const notShown = "Not shown in a list that the service cut off";

function isCutOff({ cut }: DoubtFindings, lists: readonly SearchPurpose[]): boolean {
  return lists.some((one) => cut?.has(one) === true);
}

function lookAgain(key: KeyState, request: RequestState, notFound: string, at: Instant): DoubtStep {
  const { settleSeconds } = request.service;
  return conclude("park", `${notFound}; searched once more in ${settleSeconds} s.`, (because) => [
    park(key, at, "inDoubt", settleSeconds * 1000, because),
  ]);
}

/** T1: done for certain; where a look-up by id and by key finds no ticket, there is none that could be named. */
function ticketOfCreate(key: KeyState, request: RequestState, found: DoubtFindings, at: Instant): DoubtStep {
  // It came while this flow looked: what was found before says nothing.
  if (key.parked !== null)
    return conclude("park", "Confirmed by the async result; its ticket is looked up.", (because) => [
      park(key, at, "inDoubt", doubtDelay(request), because),
    ]);
  if (found.byRequest === null) return { step: "search", by: "requestedBy" };
  const own = found.byRequest.find((one) => isOwn(request, one));
  if (own === undefined && found.byKey === null) return { step: "search", by: "key" };
  const ticket = own ?? found.byKey?.find((one) => covers(key, request, one));
  if (ticket !== undefined)
    return conclude("settle", `Confirmed by the async result; its ticket is ${ticket.ticketId}.`, (because) =>
      settledBy(key, request, ticket, because, at),
    );
  if (isCutOff(found, ["requestedBy", "key"])) {
    if (request.lookups === 0) return lookAgain(key, request, notShown, at);
    const said = `Confirmed by the async result; its ticket was not found. ${notShown}: nobody can say which it is.`;
    return conclude("settle", said, (because) =>
      settle(key, request, at, { result: "unknown", ticketId: null, because }),
    );
  }
  return conclude("settle", "Confirmed by the async result; no ticket of it was found.", (because) =>
    settle(key, request, at, { result: "ok", ticketId: null, because }),
  );
}

/** Not every service that is asked for a request's ticket shows that one only. */
function isOwn({ payload }: RequestState, { ticketId, kind, clientReference }: Ticket): boolean {
  if (payload.command !== "create") return !("ticketId" in payload) || ticketId === payload.ticketId;
  return (
    kind === payload.kind && (clientReference === undefined || clientReference === payload.clientReference)
  );
}

/** An outage of the key answers for the create of one; planned maintenance is another thing. */
function covers(key: KeyState, { payload }: RequestState, one: Ticket): boolean {
  if (payload.command !== "create" || payload.kind !== "MO") return false;
  return one.clientReference === key.key && one.kind === "MO" && isOpen(one) && !key.closed.has(one.ticketId);
}

/** G4: counters cannot be looked up, so silence proves nothing; only what does no harm twice may go again. */
function countersInDoubt(
  key: KeyState,
  request: RequestState,
  payload: NinasCounters,
  at: Instant,
): DoubtStep {
  if (isRepeatable(payload) && request.spent < limits.attemptsMax)
    return { step: "resend", because: "Setting counters to the same values again does no harm." };
  return conclude(
    "settle",
    "Counters cannot be looked up: nobody can say whether the service changed them.",
    (because) => settle(key, request, at, { result: "unknown", ticketId: null, because }),
  );
}

/**
 * The service did it. A8: where the ticket has ended since, it answers for no alarm any more, and its alarms are decided
 * once more; each time takes somebody who ends a ticket meanwhile.
 */
function settledBy(
  key: KeyState,
  request: RequestState,
  { ticketId, status }: Ticket,
  because: string,
  at: Instant,
): Entry[] {
  const hasEnded = request.payload.command !== "close" && !isOpen({ status });
  const said = hasEnded ? `${because} It is ${status} by now.` : because;
  return settle(key, request, at, { result: "ok", ticketId, because: said, status, again: hasEnded });
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
