/** What the decision of a flow writes into the ledger, and what it sends. Pure.  A2 each alarm of it ends or waits. */
import { coverAlarms } from "./cover.ts";
import { leader, type Decision } from "./decision.ts";
import { entry, type Entry } from "./entry.ts";
import type { DecisionRecord, NotificationRef } from "./facts.ts";
import type { FailureCode } from "./failure.ts";
import type { FlowInput } from "./flow-input.ts";
import { end, type FlowStep } from "./flow-step.ts";
import { linked, park, settleAlarms } from "./settlement.ts";
import {
  isOutageCreate,
  isWaiting,
  keyStream,
  type KeyState,
  type SettledRequest,
  type Waiting,
} from "./state.ts";
import { homeOf } from "./ticket-homes.ts";
import { pathNote, type PathReading } from "./upstream.ts";
import { isOpen, type Instant, type Ticket, type TicketRequest } from "./vocabulary.ts";

/** What the flow saw before it decided. */
interface Seen {
  readonly tickets: readonly Ticket[];
  readonly homes: ReadonlyMap<string, string>;
  readonly reading: PathReading | null;
  readonly notes: readonly string[];
}

export function carryOut(
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
    case "cover": {
      const { covered, others } = partsOf(input.group);
      const refs = covered.map((one) => one.ref);
      return end("settled", [
        ...before,
        record(decision.outcome === "adopted" ? "adopt" : "stop"),
        coverAlarms(key, refs, decision.by, because, now), // A8
        ...inLineAgain(key, others, now),
        ...outcome(input, refs, decision.outcome, because, rule, decision.by.ticketId, now),
      ]);
    }
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

/** A8: what lies over the leading alarm's element says nothing of other elements under the same key. */
function partsOf(group: readonly Waiting[]): {
  readonly covered: readonly Waiting[];
  readonly others: readonly Waiting[];
} {
  const { alarmedObject } = leader(group).notification;
  const isCovered = ({ notification }: Waiting): boolean => notification.alarmedObject === alarmedObject;
  return { covered: group.filter(isCovered), others: group.filter((one) => !isCovered(one)) };
}

/** What is in line stays there; what had rested on a cover comes back, to be decided by what lies over its own element. */
function inLineAgain(key: KeyState, others: readonly Waiting[], now: Instant): Entry[] {
  return others.flatMap(({ ref, notification, replaces }) =>
    replaces === undefined || isWaiting(key, ref)
      ? []
      : [
          entry(keyStream(key.key), now, "alarm.reconsidered", {
            alarm: ref,
            key: key.key,
            notification,
            replaces,
            because: `What covers another element of ${key.key} need not cover ${notification.alarmedObject}.`,
          }),
        ],
  );
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

/** Its alarms end as `failed`: a permanent error, which the reason tells an operator how to mend. */
export function fails(
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

export function decided(
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
