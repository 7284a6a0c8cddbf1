/**
 * What one automatic flow does next: search, forward, or end. Pure; asked again after every answer.
 *   A2 ends with an outcome or a parking.  T1 no second create while one is in doubt.
 *   T2 a claim the search does not bear out is reported.
 */
import { coverAlarms, membersOf } from "./cover.ts";
import { ticketToVerify, type Decision } from "./decision.ts";
import { stepInDoubt } from "./doubt.ts";
import { entry, type Entry } from "./entry.ts";
import type { DecisionRecord, NotificationRef } from "./facts.ts";
import { remedies, type FailureCode } from "./failure.ts";
import type { FlowFindings, FlowInput, SearchFailure } from "./flow-input.ts";
import { limits } from "./limits.ts";
import { linked, outageDelay, park, settleAlarms } from "./settlement.ts";
import { corrections, ownOnly, reconcile } from "./reconcile.ts";
import { isOutageCreate, keyStream, type KeyState, type RequestState, type SettledRequest } from "./state.ts";
import { aboveOf, byElements, looksUpstream, openStatuses, ticketsOfBoth } from "./upstream-search.ts";
import { pathNote, type PathReading } from "./upstream.ts";
import {
  isOpen,
  type Instant,
  type SearchCriteria,
  type ServiceInfo,
  type Ticket,
  type TicketRequest,
} from "./vocabulary.ts";

export type SearchPurpose = "key" | "elements" | "requestedBy" | "ticketId" | "verify" | "unknown";

export type FlowStep =
  | {
      readonly step: "search";
      readonly purpose: SearchPurpose;
      readonly criteria: SearchCriteria;
      readonly service: ServiceInfo;
      /** Element whose path is looked up side by side with the search. */
      readonly look?: string;
    }
  | { readonly step: "forward"; readonly request: TicketRequest; readonly entries: readonly Entry[] }
  | { readonly step: "end"; readonly result: "settled" | "parked"; readonly entries: readonly Entry[] };

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
  if (failure !== null && !isAnswerEnough(request, found, failure))
    return afterFailedSearch(input, failure, now);
  if (request !== null) {
    if (failure === null) return inDoubt(input, request, found, now);
    return inDoubt(input, request, { ...found, doubt: { ...found.doubt, byRequest: [] } }, now);
  }

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
  const { sinceMs } = input.around;
  const missing = ticketToVerify(key, searched, input.service, now, sinceMs, input.serviceNamed);
  if (missing !== null)
    return search("verify", { ticketId: missing.ticketId }, serviceOf(input, missing.service));
  // Where no topology was ever loaded nobody has said what lies over what: the key's own tickets decide.
  if (looks !== null && found.path !== null && found.elements === null)
    return search("elements", byElements(looks, found.path), input.service);

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
  });
  return carryOut(
    input,
    decision,
    { tickets: ticketsOfBoth(tickets, found.elements), homes, reading: found.path, notes: found.notes },
    before,
    now,
  );
}

/** Where a ticket is looked up: at its home; at the selected service where that row is gone. */
function serviceOf({ serviceNamed, service }: FlowInput, home: string): ServiceInfo {
  return home === service.name ? service : (serviceNamed(home) ?? service);
}

/** Tickets found by the ids of lost creates, each at the service that was asked for it: ticket → service. */
function homesOf(input: FlowInput, found: FlowFindings): ReadonlyMap<string, string> {
  const homes = new Map<string, string>();
  for (const unknown of input.key.unknown)
    for (const { ticketId } of found.unknown.get(unknown.requestId) ?? [])
      homes.set(ticketId, serviceOf(input, unknown.service).name);
  return homes;
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

function byKey(key: string): SearchCriteria {
  return { clientReference: key, kind: "MO", status: openStatuses, maxResults: limits.searchResultsMax };
}

function search(
  purpose: SearchPurpose,
  criteria: SearchCriteria,
  service: ServiceInfo,
): Extract<FlowStep, { step: "search" }> {
  return { step: "search", purpose, criteria, service };
}

/** What the flow saw before it decided. */
interface Seen {
  readonly tickets: readonly Ticket[];
  readonly homes: ReadonlyMap<string, string>;
  readonly reading: PathReading | null;
  readonly notes: readonly string[];
}

function carryOut(
  input: FlowInput,
  decision: Decision,
  { tickets, homes, reading, notes }: Seen,
  before: readonly Entry[],
  now: Instant,
): FlowStep {
  const { key } = input;
  const { rule } = decision;
  const alarms = input.group.map((one) => one.ref);
  const path = reading?.path?.hops.map((hop) => hop.elementId) ?? [];
  // Whoever asks later why nothing was found must learn that nobody could look.
  const because = [decision.because, pathNote(reading) ?? [], notes].flat(2).join(" ");
  const record = (act: DecisionRecord["decision"]): Entry =>
    decided(input, { rule, decision: act, because, tickets, path }, now);
  switch (decision.act) {
    case "stop":
      return end("settled", [
        ...before,
        record("stop"),
        ...linkFound(input, decision.ticketId, tickets, homes, now),
        ...outcome(input, alarms, decision.outcome, because, rule, decision.ticketId, now),
      ]);
    case "adopt": {
      const { ticket } = decision;
      const shown = tickets.find((one) => one.ticketId === ticket.ticketId);
      return end("settled", [
        ...before,
        record("adopt"),
        ...(ticket.linked && !ticket.found
          ? []
          : [linked(key, ticket.service, { ...ticket, networkElements: shown?.networkElements }, now)]),
        ...outcome(input, alarms, "adopted", because, rule, ticket.ticketId, now),
      ]);
    }
    case "cover":
      return end("settled", [
        ...before,
        record(decision.outcome === "adopted" ? "adopt" : "stop"),
        coverAlarms(key, alarms, decision.by, because, now), // A8
        ...outcome(input, alarms, decision.outcome, because, rule, decision.by.ticketId, now),
      ]);
    case "park":
      return end("parked", [...before, record("park"), park(key, now, decision.reason, null, because)]);
    case "request": {
      const { payload } = decision;
      const ticketId = "ticketId" in payload ? payload.ticketId : null;
      const home = ticketId === null ? input.service.name : homeOf(input, ticketId, homes);
      const service = home === input.service.name ? input.service : input.serviceNamed(home);
      if (service === null) {
        const said = `${because} Its ticket ${ticketId} is at ${home}, whose row is not in the Service Info Table any more: the ${payload.command} goes nowhere else. Import the row again, or close the ticket there by hand.`;
        return end("settled", [
          ...before,
          ...fails(input, { rule, decision: "fail", because: said, tickets, path }, now, {
            code: "BAD_CONFIGURATION",
            ticketId,
          }),
        ]);
      }
      const request: TicketRequest = {
        requestId: input.requestId,
        key: key.key,
        clientId: input.clientId,
        lockGuid: input.lockGuid,
        service,
        payload,
      };
      const act =
        decision.intent === "reopened"
          ? "reopen"
          : payload.command === "editNinasCounters"
            ? "update"
            : payload.command;
      return {
        step: "forward",
        request,
        entries: [
          ...before,
          record(act),
          ...(payload.command === "update" && decision.intent !== "reopened"
            ? linkFound(input, payload.ticketId, tickets, homes, now)
            : []),
          entry(keyStream(key.key), now, "request.planned", {
            ...request,
            intent: decision.intent,
            alarms,
            rule,
            plannedAt: now,
          }),
        ],
      };
    }
  }
}

/**
 * A8: an open ticket that answers for active alarms is linked from now on, whatever else becomes of this flow; also one
 * that we have closed, when the decision believed the search that it is open.
 */
function linkFound(
  { key, service }: FlowInput,
  ticketId: string | null,
  tickets: readonly Ticket[],
  homes: ReadonlyMap<string, string>,
  now: Instant,
): Entry[] {
  const ticket = tickets.find((one) => one.ticketId === ticketId);
  if (ticket === undefined || key.open.has(ticket.ticketId)) return [];
  if (ticket.clientReference !== key.key || ticket.kind !== "MO" || !isOpen(ticket)) return [];
  return [linked(key, homes.get(ticket.ticketId) ?? service.name, ticket, now)];
}

/** A close or an update goes where its ticket lives, whichever service is selected by now, or nowhere. */
function homeOf({ key, service }: FlowInput, ticketId: string, homes: ReadonlyMap<string, string>): string {
  return (
    key.open.get(ticketId)?.service ??
    homes.get(ticketId) ??
    key.closed.get(ticketId)?.service ??
    service.name
  );
}

/** Its alarms end as `failed`: a permanent error, which the reason tells an operator how to mend. */
function fails(
  input: FlowInput,
  record: Parameters<typeof decided>[1],
  now: Instant,
  { code, ticketId }: { readonly code: FailureCode; readonly ticketId: string | null },
): Entry[] {
  const { rule, because } = record;
  return [
    decided(input, record, now),
    ...settleAlarms(
      input.key,
      input.group.map(({ ref }) => ref),
      now,
      {
        outcome: "failed",
        because,
        lockGuid: input.lockGuid,
        rule,
        ticketId,
        failure: { code, detail: because },
        requestId: null,
      },
    ),
  ];
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

/** G4: with the promise `requestId` a look-up only asks whether anybody is there, and a refusal comes from somebody. */
function isAnswerEnough(
  request: RequestState | null,
  { doubt }: FlowFindings,
  { permanent }: SearchFailure,
): boolean {
  if (request === null || !permanent || doubt.byRequest !== null) return false;
  return request.service.idempotency === "requestId" && request.spent < limits.attemptsMax;
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

function decided(
  input: FlowInput,
  record: Omit<DecisionRecord, "tickets"> & { readonly tickets: readonly Ticket[] },
  now: Instant,
): Entry {
  return entry(keyStream(input.key.key), now, "flow.decided", {
    ...record,
    key: input.key.key,
    lockGuid: input.lockGuid,
    tickets: record.tickets.map(({ ticketId, kind, status }) => ({ ticketId, kind, status })),
  });
}

function outcome(
  input: FlowInput,
  alarms: readonly NotificationRef[],
  what: "adopted" | "stopped" | "unknown",
  because: string,
  rule: string,
  ticketId: string | null,
  now: Instant,
): Entry[] {
  return settleAlarms(input.key, alarms, now, {
    outcome: what,
    because,
    lockGuid: input.lockGuid,
    rule,
    ticketId,
    failure: null,
    // What it waits for: the ticket that this create may have made.
    requestId: what === "unknown" ? (lostCreate(input.key)?.requestId ?? null) : null,
  });
}

function lostCreate(key: KeyState): SettledRequest | undefined {
  return key.unknown.find(isOutageCreate);
}

function end(result: "settled" | "parked", entries: readonly Entry[]): FlowStep {
  return { step: "end", result, entries };
}
