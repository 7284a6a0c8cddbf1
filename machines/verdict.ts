/**
 * An operator's verdict on a request whose fate nobody could say: the service did it, or it did not.
 *   A2 an outcome is replaced by a fact that names the old one.  A8 what is still active is decided again.
 *   T1 after "not applied" the key may have a create again; until then it had none.
 * Source: domain.md, "The gateway"; wire.md, "HTTP API".
 */
import { correct, isClosedSince, ticketMeant } from "./async-result.ts";
import { entry, type Entry } from "./entry.ts";
import type { NotificationRef, ReplacedOutcome } from "./facts.ts";
import { fail, ok, type Result } from "./failure.ts";
import { withStop } from "./sentence.ts";
import { isWaiting, keyStream, type KeyState, type SettledRequest } from "./state.ts";
import type { Instant, Notification } from "./vocabulary.ts";

export interface Verdict {
  readonly verdict: "applied" | "notApplied";
  /** The ticket that the request made. Needed for a create that was applied; else the request names it. */
  readonly ticketId: string | null;
  readonly by: string;
  readonly reason: string;
}

/** A notification of the key that has an outcome, which is the current one. */
export interface SettledAlarm {
  readonly ref: NotificationRef;
  readonly notification: Notification;
  readonly current: ReplacedOutcome;
}

/**
 * @param alarms settled notifications of the key since the request's first one, oldest first.
 * Fails INVALID where the ticket is missing or is not the one the request names.
 */
export function judgeVerdict(
  key: KeyState,
  request: SettledRequest,
  verdict: Verdict,
  alarms: readonly SettledAlarm[],
  at: Instant,
): Result<Entry[]> {
  const ticket = ticketOf(request, verdict);
  if (!ticket.ok) return ticket;
  const applied = verdict.verdict === "applied";
  const because = `${verdict.by} found that the service ${applied ? "did" : "did not do"} it: ${withStop(verdict.reason)}`;
  const acted = entry("audit", at, "operator.acted", {
    by: verdict.by,
    action: applied ? "request.resolvedApplied" : "request.resolvedNotApplied",
    target: request.requestId,
    reason: verdict.reason,
  });
  const ended = applied
    ? correct(key, request, at, ticket.value, because)
    : [notApplied(key, request, at, because)];
  const made = applied ? ticket.value : null;
  return ok([acted, ...ended, ...afterwards(key, request, applied, made, alarms, because, at)]);
}

function ticketOf(request: SettledRequest, { verdict, ticketId }: Verdict): Result<string | null> {
  if (verdict === "notApplied") {
    if (ticketId === null) return ok(null);
    return fail("INVALID", "What was not applied made no ticket; leave ticketId out.");
  }
  if (request.ticketId !== null && ticketId !== null && ticketId !== request.ticketId)
    return fail("INVALID", `The request is about ticket ${request.ticketId}, not ${ticketId}.`);
  if (request.command === "create" && ticketId === null)
    return fail("INVALID", "Name the ticket that the create made; the ticketing service shows its id.");
  return ok(ticketId ?? request.ticketId);
}

function notApplied(key: KeyState, request: SettledRequest, at: Instant, because: string): Entry {
  const { requestId, command, ticketId, service } = request;
  return entry(keyStream(key.key), at, "request.settled", {
    requestId,
    key: key.key,
    result: "notApplied",
    command,
    ticketId,
    service,
    ticket: null,
    because,
    again: false,
  });
}

/** What the verdict means for the notifications that had waited for it, and for a ticket that nobody needs any more. */
function afterwards(
  key: KeyState,
  request: SettledRequest,
  applied: boolean,
  ticketId: string | null,
  alarms: readonly SettledAlarm[],
  because: string,
  at: Instant,
): Entry[] {
  const own = new Set(request.outcomes.filter((one) => one.behind !== true).map(({ ref }) => ref.position));
  const others = new Set(
    key.unknown
      .filter(({ requestId }) => requestId !== request.requestId)
      .flatMap(({ outcomes }) => outcomes.map(({ ref }) => ref.position)),
  );
  const entries: Entry[] = [];
  const closed = applied && request.command === "close" && key.open.has(request.ticketId ?? "");
  let again = 0;
  for (const one of alarms) {
    const { position } = one.ref;
    if (isWaiting(key, one.ref) || others.has(position)) continue;
    // A8: its ticket was closed after all, under an alarm that came meanwhile.
    if (closed && key.active.get(one.notification.alarm)?.ref.position === position) {
      entries.push(reconsidered(key, one, because, at));
      again += 1;
      continue;
    }
    // Applied: the correction has given the request's own alarms their outcome.
    if (applied ? own.has(position) : !own.has(position) && one.current.outcome !== "unknown") continue;
    if (applied && one.current.outcome !== "unknown") continue;
    if (stillMatters(key, one.notification)) {
      entries.push(reconsidered(key, one, because, at));
      again += 1;
    } else if (one.current.outcome === "unknown") {
      entries.push(tooLate(key, one, own.has(position) ? request : null, because, at));
    }
  }
  const idle = again === 0 && key.active.size === 0 && key.waiting.length === 0;
  if (!applied || request.command === "close" || !idle || isClosedSince(key, request, ticketId))
    return entries;
  // A8 the other way round: the alarms went while nobody knew of the ticket; their clear is decided again and closes it.
  const clear = alarms.findLast(({ notification }) => notification.kind === "clear");
  return clear === undefined ? entries : [...entries, reconsidered(key, clear, because, at)];
}

/**
 * A8 what a late result that said OK means beside the correction itself: a ticket whose alarms have gone is closed, by
 * the clear that found none.
 */
export function afterLateOk(
  key: KeyState,
  request: SettledRequest,
  named: string | null,
  alarms: readonly SettledAlarm[],
  at: Instant,
): Entry[] {
  const because = "The service's result came late and said OK.";
  return afterwards(key, request, true, ticketMeant(request, named), alarms, because, at);
}

/** A raise or change whose alarm is still active; a clear whose alarm still is not. */
function stillMatters(key: KeyState, { kind, alarm }: Notification): boolean {
  return (kind === "clear") !== key.active.has(alarm);
}

function reconsidered(
  key: KeyState,
  { ref, notification, current }: SettledAlarm,
  because: string,
  at: Instant,
): Entry {
  return entry(keyStream(key.key), at, "alarm.reconsidered", {
    alarm: ref,
    key: key.key,
    notification,
    replaces: current,
    because,
  });
}

/** A2: `unknown` no longer holds, and its alarm has ended meanwhile. */
function tooLate(
  key: KeyState,
  { ref, current }: SettledAlarm,
  request: SettledRequest | null,
  because: string,
  at: Instant,
): Entry {
  return entry(keyStream(key.key), at, "alarm.settled", {
    alarm: ref,
    key: key.key,
    outcome: request === null ? "stopped" : "failed",
    because: `${because} The alarm had ended by then.`,
    lockGuid: request?.lockGuid ?? null,
    rule: request?.rule ?? null,
    ticketId: request?.ticketId ?? null,
    failure: null,
    requestId: request?.requestId ?? null,
    supersedes: current,
  });
}
