/**
 * What one automatic flow does next: search, forward, or end. Pure; asked again after every answer.
 *   A2 ends with an outcome or a parking.  T1 no second create while one is in doubt.
 *   T2 a claim the search does not bear out is reported.
 */
import { carryOut, decided, fails } from "./carry-out.ts";
import { membersOf } from "./cover.ts";
import { ticketToVerify } from "./decision.ts";
import { stepInDoubt } from "./doubt.ts";
import { entry, type Entry } from "./entry.ts";
import { remedies, type FailureCode } from "./failure.ts";
import type { FlowFindings, FlowInput, SearchFailure } from "./flow-input.ts";
import { byKey, end, search, type FlowStep } from "./flow-step.ts";
import { limits } from "./limits.ts";
import { corrections, ownOnly, reconcile } from "./reconcile.ts";
import { outageDelay, park } from "./settlement.ts";
import { keyStream, type RequestState } from "./state.ts";
import { homesOf, serviceOf } from "./ticket-homes.ts";
import { aboveOf, byElements, looksUpstream, parentToRead, ticketsOfBoth } from "./upstream-search.ts";
import type { Instant } from "./vocabulary.ts";

export function nextStep(
  input: FlowInput,
  answered: FlowFindings,
  failure: SearchFailure | null,
  now: Instant,
): FlowStep {
  const { key } = input;
  const { request } = key;
  const found = { ...answered, unknown: ownOnly(key, answered.unknown) };
  // A2: settled while this flow searched, by an async result or a verdict.
  if (request === null && !hasAlarms(input)) return end("settled", []);
  const refused = failure === null ? null : withRefusal(input, found, failure);
  if (failure !== null && refused === null) return afterFailedSearch(input, failure, now);
  if (request !== null) return inDoubt(input, request, refused ?? found, now);

  const unknown = key.unknown.find((one) => one.command === "create" && !found.unknown.has(one.requestId));
  if (unknown !== undefined) {
    return search("unknown", { requestedBy: unknown.requestId }, serviceOf(input, unknown.service));
  }
  const byId = [...found.unknown.values()].flat();
  const tickets =
    found.doubt.byKey === null
      ? null
      : [
          ...found.doubt.byKey,
          ...byId.filter((one) => !found.doubt.byKey?.some(({ ticketId }) => ticketId === one.ticketId)),
        ];
  const looks = looksUpstream(input);
  if (tickets === null)
    return { ...search("key", byKey(key.key), input.service), ...(looks === null ? {} : { look: looks }) };
  const foundCreates = new Set(
    [...found.unknown].flatMap(([id, [first]]) => (first === undefined ? [] : [id])),
  );
  const homes = homesOf(input, found);
  const { verified, unread } = found;
  const searched = { tickets, verified, unread, foundCreates, homes };
  const { sinceMs, closedForMs } = input.around;
  const missing = ticketToVerify(key, searched, input.service, now, sinceMs, input.serviceNamed);
  if (missing !== null)
    return search("verify", { ticketId: missing.ticketId }, serviceOf(input, missing.service));
  // Where no topology was ever loaded nobody has said what lies over what: the key's own tickets decide.
  if (looks !== null && found.path !== null && found.elements === null)
    return search("elements", byElements(looks, found.path), input.service);
  const parent = looks === null || key.open.size > 0 ? null : parentToRead(input, looks, found);
  if (parent !== null) return search("parent", { ticketId: parent.ticketId }, parent.service);

  const corrected = corrections(input, found, searched, now);
  const findings = { ...searched, updated: updatedBy(corrected) };
  const before = [...corrected, ...reconcile(input, findings, now)];
  const decision = input.decide({
    key,
    group: input.group,
    findings,
    path: found.path?.path ?? null,
    pathFailure: found.path?.failure ?? null,
    above: looks === null ? [] : aboveOf(input, looks, found),
    openTicketsTotal: input.around.openTicketsTotal(),
    service: input.service,
    settings: input.settings,
    now,
    sinceMs,
    closedForMs,
  });
  return carryOut(
    input,
    decision,
    { tickets: ticketsOfBoth(tickets, found.elements), homes, reading: found.path, notes: found.notes },
    before,
    now,
  );
}

function updatedBy(corrected: readonly Entry[]): ReadonlySet<string> {
  return new Set(
    corrected.flatMap(({ fact: { type, body } }) =>
      type === "request.settled" && body.command === "update" && body.ticketId !== null
        ? [body.ticketId]
        : [],
    ),
  );
}

/** A key that still has an unsettled request: look it up or send it again, by its service's promise. */
function inDoubt(input: FlowInput, request: RequestState, found: FlowFindings, now: Instant): FlowStep {
  const { key } = input;
  const step = stepInDoubt(key, request, { ...found.doubt, cut: found.cut }, now);
  switch (step.step) {
    case "search": {
      if (step.by === "requestedBy")
        return search("requestedBy", { requestedBy: request.requestId }, request.service);
      if (step.by === "key") return search("key", byKey(key.key), request.service);
      return search(
        "ticketId",
        "ticketId" in request.payload ? { ticketId: request.payload.ticketId } : { clientReference: key.key },
        request.service,
      );
    }
    case "resend": {
      const { requestId, service, payload } = request;
      return {
        step: "forward",
        request: {
          requestId,
          key: key.key,
          clientId: input.clientId,
          lockGuid: input.lockGuid,
          service,
          payload,
        },
        entries: [
          decided(
            input,
            { rule: request.rule, decision: "resend", because: step.because, tickets: [], path: [] },
            now,
          ),
        ],
      };
    }
    case "conclude": {
      const tickets = found.doubt.byRequest ?? [];
      return end(step.decision === "park" ? "parked" : "settled", [
        decided(
          input,
          { rule: request.rule, decision: step.decision, because: step.because, tickets, path: [] },
          now,
        ),
        ...step.entries,
      ]);
    }
  }
}

function hasAlarms({ key, group }: FlowInput): boolean {
  const alarms = group.map(({ ref }) => ref);
  return membersOf(key, alarms).length > 0;
}

/**
 * G4: with the promise `requestId` a look-up only asks whether anybody is there, and a refusal comes from somebody: it
 * has found nothing. null: the failure is no answer.
 */
export function withRefusal(
  { key: { request } }: FlowInput,
  found: FlowFindings,
  { permanent }: SearchFailure,
): FlowFindings | null {
  const { doubt } = found;
  if (request === null || !permanent || doubt.byRequest !== null) return null;
  if (request.service.idempotency !== "requestId" || request.spent >= limits.attemptsMax) return null;
  return { ...found, doubt: { ...doubt, byRequest: [] } };
}

/** D1. */
function afterFailedSearch(input: FlowInput, failure: SearchFailure, now: Instant): FlowStep {
  const { key } = input;
  const said = `The ticket search failed (${failure.code}): ${failure.cause}`;
  const record = { rule: "D1", decision: "fail", because: said, tickets: [], path: [] } as const;
  if (failure.permanent && key.request === null) {
    const code: FailureCode = Object.hasOwn(remedies, failure.code)
      ? (failure.code as FailureCode)
      : "BAD_CONFIGURATION";
    return end("settled", fails(input, record, now, { code, ticketId: null }));
  }
  const wait = outageDelay(key.parkings);
  return end("parked", [
    // A look-up that failed is none: the count of look-ups in doubt must not rise, so this is a D1 decision of its own.
    entry(keyStream(key.key), now, "flow.decided", { key: key.key, lockGuid: input.lockGuid, ...record }),
    park(key, now, key.request === null ? "outage" : "inDoubt", wait, said),
  ]);
}
