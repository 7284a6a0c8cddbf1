/**
 * What one automatic flow does next: search, forward, or end. Pure; asked again after every answer.
 *   A2 ends with an outcome or a parking.  T1 no second create while one is in doubt.
 *   T2 a claim the search does not bear out is reported.
 */
import { correct } from "./async-result.ts";
import {
  openTickets,
  ticketToVerify,
  type Decision,
  type DecisionInput,
  type DecisionSettings,
} from "./decision.ts";
import { stepInDoubt, type DoubtFindings } from "./doubt.ts";
import { entry, type Entry } from "./entry.ts";
import type { DecisionRecord, NotificationRef } from "./facts.ts";
import { remedies, type FailureCode } from "./failure.ts";
import { limits } from "./limits.ts";
import { linked, outageDelay, park, settleAlarms } from "./settlement.ts";
import { keyStream, type KeyState, type RequestState, type Waiting } from "./state.ts";
import type {
  Instant,
  SearchCriteria,
  ServiceInfo,
  Ticket,
  TicketRequest,
  TicketStatus,
} from "./vocabulary.ts";

export type SearchPurpose = "key" | "requestedBy" | "ticketId" | "verify" | "unknown";

export interface SearchFailure {
  readonly code: string;
  readonly cause: string;
  readonly permanent: boolean;
}

/** What the searches of this flow brought so far. */
export interface FlowFindings {
  readonly doubt: DoubtFindings;
  readonly verified: ReadonlyMap<string, Ticket | null>;
  /** Answers to look-ups of `unknown` requests, by request id. */
  readonly unknown: ReadonlyMap<string, readonly Ticket[]>;
}

export const noFindings: FlowFindings = {
  doubt: { byRequest: null, byTicket: null, byKey: null },
  verified: new Map(),
  unknown: new Map(),
};

export interface FlowInput {
  readonly key: KeyState;
  readonly group: readonly Waiting[];
  /** The selected service: where new tickets go. */
  readonly service: ServiceInfo;
  /** A row of the Service Info Table, for tickets that live elsewhere; null where it is gone. */
  readonly serviceNamed: (name: string) => ServiceInfo | null;
  readonly settings: DecisionSettings;
  /** Replaces the default decision (supervisor option `decide`). */
  readonly decide: (input: DecisionInput) => Decision;
  readonly clientId: string;
  readonly lockGuid: string;
  readonly fence: number;
  /** Id of the request, if this flow makes one. */
  readonly requestId: string;
  readonly startedAt: Instant;
}

export type FlowStep =
  | {
      readonly step: "search";
      readonly purpose: SearchPurpose;
      readonly criteria: SearchCriteria;
      readonly service: ServiceInfo;
    }
  | { readonly step: "forward"; readonly request: TicketRequest; readonly entries: readonly Entry[] }
  | { readonly step: "end"; readonly result: "settled" | "parked"; readonly entries: readonly Entry[] };

/** Statuses that a search of a key asks for: what counts as open. */
const openStatuses: readonly TicketStatus[] = ["acknowledged", "inProgress", "pending"];

export function nextStep(
  input: FlowInput,
  found: FlowFindings,
  failure: SearchFailure | null,
  now: Instant,
): FlowStep {
  const { key } = input;
  const { request } = key;
  if (failure !== null) return afterFailedSearch(input, failure, now);
  if (request !== null) return inDoubt(input, request, found, now);

  const unknown = key.unknown.find((one) => one.command === "create" && !found.unknown.has(one.requestId));
  if (unknown !== undefined) {
    return search(
      "unknown",
      { requestedBy: unknown.requestId },
      input.serviceNamed(unknown.service) ?? input.service,
    );
  }
  const byId = [...found.unknown.values()].flat();
  const tickets =
    found.doubt.byKey === null
      ? null
      : [
          ...found.doubt.byKey,
          ...byId.filter((one) => !found.doubt.byKey?.some(({ ticketId }) => ticketId === one.ticketId)),
        ];
  if (tickets === null) return search("key", byKey(key.key), input.service);
  const findings = { tickets, verified: found.verified };
  const missing = ticketToVerify(key, findings, input.service, now);
  if (missing !== null) return search("verify", { ticketId: missing.ticketId }, input.service);

  const before = [...corrections(input, found, now), ...reconcile(input, findings, now)];
  const decision = input.decide({
    key,
    group: input.group,
    findings,
    service: input.service,
    settings: input.settings,
    now,
  });
  return carryOut(input, decision, tickets, before, now);
}

function byKey(key: string): SearchCriteria {
  return { clientReference: key, kind: "MO", status: openStatuses, maxResults: limits.searchResultsMax };
}

function search(purpose: SearchPurpose, criteria: SearchCriteria, service: ServiceInfo): FlowStep {
  return { step: "search", purpose, criteria, service };
}

function carryOut(
  input: FlowInput,
  decision: Decision,
  tickets: readonly Ticket[],
  before: readonly Entry[],
  now: Instant,
): FlowStep {
  const { key } = input;
  const alarms = input.group.map((one) => one.ref);
  switch (decision.act) {
    case "stop":
      return end("settled", [
        ...before,
        decided(
          input,
          { rule: decision.rule, decision: "stop", because: decision.because, tickets, path: [] },
          now,
        ),
        ...outcome(input, alarms, decision.outcome, decision.because, decision.rule, decision.ticketId, now),
      ]);
    case "adopt": {
      const { ticket } = decision;
      return end("settled", [
        ...before,
        decided(
          input,
          { rule: decision.rule, decision: "adopt", because: decision.because, tickets, path: [] },
          now,
        ),
        ...(ticket.linked && !ticket.found ? [] : [linked(key, ticket.service, ticket, now)]),
        ...outcome(input, alarms, "adopted", decision.because, decision.rule, ticket.ticketId, now),
      ]);
    }
    case "request": {
      const { payload } = decision;
      const request: TicketRequest = {
        requestId: input.requestId,
        key: key.key,
        clientId: input.clientId,
        lockGuid: input.lockGuid,
        service: homeOf(input, payload),
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
          decided(
            input,
            { rule: decision.rule, decision: act, because: decision.because, tickets, path: [] },
            now,
          ),
          entry(keyStream(key.key), now, "request.planned", {
            ...request,
            intent: decision.intent,
            alarms,
            rule: decision.rule,
            plannedAt: now,
          }),
        ],
      };
    }
  }
}

/** A close or an update goes where its ticket lives, whichever service is selected by now. */
function homeOf({ key, service, serviceNamed }: FlowInput, payload: TicketRequest["payload"]): ServiceInfo {
  if (!("ticketId" in payload)) return service;
  const home =
    key.open.get(payload.ticketId)?.service ?? key.closed.get(payload.ticketId)?.service ?? service.name;
  return home === service.name ? service : (serviceNamed(home) ?? service);
}

/** A key that still has an unsettled request: look it up or send it again, by its service's promise. */
function inDoubt(input: FlowInput, request: RequestState, found: FlowFindings, now: Instant): FlowStep {
  const { key } = input;
  const step = stepInDoubt(key, request, found.doubt, now);
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

/** D1. */
function afterFailedSearch(input: FlowInput, failure: SearchFailure, now: Instant): FlowStep {
  const { key } = input;
  const said = `The ticket search failed (${failure.code}): ${failure.cause}`;
  if (failure.permanent && key.request === null) {
    const code: FailureCode = Object.hasOwn(remedies, failure.code)
      ? (failure.code as FailureCode)
      : "BAD_CONFIGURATION";
    const alarms = input.group.map((one) => one.ref);
    return end("settled", [
      decided(input, { rule: "D1", decision: "fail", because: said, tickets: [], path: [] }, now),
      ...settleAlarms(key, alarms, now, {
        outcome: "failed",
        because: said,
        lockGuid: input.lockGuid,
        rule: "D1",
        ticketId: null,
        failure: { code, detail: said },
        requestId: null,
      }),
    ]);
  }
  const wait = outageDelay(key.parkings);
  return end("parked", [
    // A look-up that failed is none: the count of look-ups in doubt must not rise, so this is a D1 decision of its own.
    entry(keyStream(key.key), now, "flow.decided", {
      key: key.key,
      lockGuid: input.lockGuid,
      rule: "D1",
      decision: "fail",
      because: said,
      tickets: [],
      path: [],
    }),
    park(key, now, key.request === null ? "outage" : "inDoubt", wait, said),
  ]);
}

/** An `unknown` create that a search by its request id has found after all. */
function corrections(input: FlowInput, found: FlowFindings, now: Instant): Entry[] {
  const { key } = input;
  const entries: Entry[] = [];
  for (const unknown of key.unknown) {
    const ticket = found.unknown.get(unknown.requestId)?.[0];
    if (ticket !== undefined)
      entries.push(
        ...correct(
          key,
          unknown,
          now,
          ticket.ticketId,
          `Ticket ${ticket.ticketId} was found by the request's id.`,
        ),
      );
  }
  return entries;
}

/** T2: linked tickets that the service no longer shows open leave the key. */
function reconcile(
  input: FlowInput,
  findings: { readonly tickets: readonly Ticket[]; readonly verified: ReadonlyMap<string, Ticket | null> },
  now: Instant,
): Entry[] {
  const { key, service } = input;
  if (key.open.size === 0) return [];
  const open = new Set(openTickets(key, findings, service, now).map((one) => one.ticketId));
  const entries: Entry[] = [];
  for (const linkedTicket of key.open.values()) {
    if (open.has(linkedTicket.ticketId) || linkedTicket.service !== service.name) continue;
    const ticket = findings.verified.get(linkedTicket.ticketId) ?? null;
    entries.push(
      entry(keyStream(key.key), now, "ticket.lost", {
        key: key.key,
        ticketId: linkedTicket.ticketId,
        status: ticket?.status ?? null,
        claimKept: ticket !== null,
        idempotency: service.idempotency,
      }),
    );
  }
  return entries;
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
    requestId: null,
  });
}

function end(result: "settled" | "parked", entries: readonly Entry[]): FlowStep {
  return { step: "end", result, entries };
}
