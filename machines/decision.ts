/**
 * The default decision, D0 to D13: what one flow does about its notifications. A pure function of the
 * notifications, the key's facts, the tickets found, the path and the time. First rule that fits.
 * Source: domain.md, "The default decision".
 */
import type { Covering } from "./cover.ts";
import {
  hasEnded,
  isClearedEarly,
  isOutageCreate,
  type ClosedTicket,
  type KeyState,
  type LinkedTicket,
  type Waiting,
} from "./state.ts";
import { maintenanceNow, parentTicket, type TicketAbove } from "./upstream.ts";
import {
  isOpen,
  severityRank,
  type AlarmRef,
  type Instant,
  type NetworkPath,
  type Outcome,
  type RequestPayload,
  type ServiceInfo,
  type Severity,
  type Ticket,
} from "./vocabulary.ts";

export interface DecisionSettings {
  readonly reopenSeconds: number;
  readonly clockSkewSeconds: number;
  /** D7: with so many open tickets no new one is made. */
  readonly maxOpenTickets: number;
}

/** What the flow's searches brought. */
export interface Findings {
  readonly tickets: readonly Ticket[];
  /** Linked tickets that the search missed and that were read by their id; null: the service knows no such ticket. */
  readonly verified: ReadonlyMap<string, Ticket | null>;
  /** Linked tickets that could not be read this time: they count as we know them. */
  readonly unread?: ReadonlySet<string>;
  /** Ids of `unknown` creates whose ticket was found: nothing is unknown about them any more. */
  readonly foundCreates?: ReadonlySet<string>;
  /** Where those tickets live: ticket → service; all others at the service that was searched. */
  readonly homes?: ReadonlyMap<string, string>;
  /** Tickets of which an update of unknown fate was found done just now: open, though we closed them lately. */
  readonly updated?: ReadonlySet<string>;
}

/** How long ago the key's own fact about a ticket was made, in ms. R5: on time that nobody can set. */
export type SinceMs = (known: LinkedTicket | ClosedTicket) => number;

/** D6: how long a ticket has been closed, in ms. R5: as `SinceMs`, but that a restart does not begin it anew. */
export type ClosedForMs = (closed: ClosedTicket) => number;

/** By the clock on the wall, for whoever has no other. */
export function byTheWall(now: Instant): SinceMs {
  return (known) => now - ("confirmedAt" in known ? known.confirmedAt : known.closedAt);
}

export interface DecisionInput {
  readonly key: KeyState;
  /** At least one; the first leads a clear-group's and a raise-group's order. */
  readonly group: readonly Waiting[];
  readonly findings: Findings;
  /** Where the leading notification's element hangs; null: not asked, or not known. */
  readonly path: NetworkPath | null;
  /** Why the path was asked for and is not known: a sentence. */
  readonly pathFailure: string | null;
  /** Open tickets on that element and upstream of it, nearest first; of the key's own only planned maintenance. */
  readonly above: readonly TicketAbove[];
  /** Open tickets of all keys, with those that others may be making now. */
  readonly openTicketsTotal: number;
  readonly service: ServiceInfo;
  readonly settings: DecisionSettings;
  readonly now: Instant;
  /** Absent: by `now`. */
  readonly sinceMs?: SinceMs;
  /** Absent: as `sinceMs`. */
  readonly closedForMs?: ClosedForMs;
}

export type Rule = `D${number}`;

export type Decision =
  | {
      readonly act: "stop";
      readonly rule: Rule;
      readonly outcome: "stopped" | "unknown";
      readonly because: string;
      readonly ticketId: string | null;
    }
  | { readonly act: "adopt"; readonly rule: Rule; readonly because: string; readonly ticket: OpenTicket }
  /** Settled for now; decided again when what covers the alarms has ended. */
  | {
      readonly act: "cover";
      readonly rule: Rule;
      readonly outcome: "stopped" | "adopted";
      readonly because: string;
      readonly by: Covering;
    }
  /** Not settled: the key waits. */
  | { readonly act: "park"; readonly rule: Rule; readonly reason: "storm"; readonly because: string }
  | {
      readonly act: "request";
      readonly rule: Rule;
      readonly intent: Outcome;
      readonly because: string;
      readonly payload: RequestPayload;
    };

/** An open ticket of the key: found by the search, linked by the ledger, or both. */
export interface OpenTicket {
  readonly ticketId: string;
  readonly service: string;
  readonly status: Ticket["status"];
  readonly severity: Severity | null;
  readonly openedAt: Instant | null;
  readonly linked: boolean;
  readonly found: boolean;
}

/**
 * T2: the linked ticket to read by its id before deciding, if there is one: the search should show it by now and does
 * not, or it lives where no search looks. Where that service's row is gone, nobody can.
 */
export function ticketToVerify(
  key: KeyState,
  findings: Findings,
  service: ServiceInfo,
  now: Instant,
  sinceMs: SinceMs = byTheWall(now),
  serviceNamed: (name: string) => ServiceInfo | null = () => null,
): LinkedTicket | null {
  for (const linked of key.open.values()) {
    const home = linked.service === service.name ? service : serviceNamed(linked.service);
    if (home === null || sinceMs(linked) < home.settleSeconds * 1000) continue;
    if (
      findings.verified.has(linked.ticketId) ||
      findings.unread?.has(linked.ticketId) === true ||
      findings.tickets.some((one) => one.ticketId === linked.ticketId)
    )
      continue;
    return linked;
  }
  return null;
}

/** Open tickets of the key, oldest first. Our own facts hold while the search's index may lag; then the search wins. */
export function openTickets(
  key: KeyState,
  findings: Findings,
  service: ServiceInfo,
  now: Instant,
  sinceMs: SinceMs = byTheWall(now),
): OpenTicket[] {
  const open = new Map<string, OpenTicket>();
  const isSettled = (known: LinkedTicket | ClosedTicket): boolean =>
    sinceMs(known) >= service.settleSeconds * 1000;
  for (const ticket of findings.tickets) {
    if (ticket.clientReference !== key.key || ticket.kind !== "MO" || !isOpen(ticket)) continue;
    const closed = key.closed.get(ticket.ticketId);
    if (closed !== undefined && !isSettled(closed) && findings.updated?.has(ticket.ticketId) !== true)
      continue;
    const linked = key.open.get(ticket.ticketId);
    open.set(ticket.ticketId, {
      ticketId: ticket.ticketId,
      service: findings.homes?.get(ticket.ticketId) ?? service.name,
      status: ticket.status,
      // What we confirmed ourselves is newer than what a lagging index says.
      severity:
        linked !== undefined && !isSettled(linked)
          ? linked.severity
          : (ticket.severity ?? linked?.severity ?? null),
      openedAt: ticket.openedAt ?? linked?.openedAt ?? null,
      linked: linked !== undefined,
      found: true,
    });
  }
  for (const linked of key.open.values()) {
    if (open.has(linked.ticketId)) continue;
    const shown = findings.tickets.find((one) => one.ticketId === linked.ticketId);
    if (shown !== undefined && !isOpen(shown) && isSettled(linked)) continue;
    const verified = findings.verified.get(linked.ticketId);
    if (verified === null || (verified !== undefined && !isOpen(verified))) continue;
    open.set(linked.ticketId, { ...linked, linked: true, found: verified !== undefined });
  }
  return [...open.values()].sort(
    (a, b) => (a.openedAt ?? 0) - (b.openedAt ?? 0) || (a.ticketId < b.ticketId ? -1 : 1),
  );
}

export function decide(input: DecisionInput): Decision {
  const { key, group, service, now } = input;
  const { sinceMs = byTheWall(now) } = input;
  const { closedForMs = sinceMs } = input;
  const lead = leader(group);
  const open = openTickets(key, input.findings, service, now, sinceMs);
  const ticket = open[0];
  const others =
    open.length > 1
      ? ` Duplicates, also open: ${open
          .slice(1)
          .map((one) => one.ticketId)
          .join(", ")}.`
      : "";
  if (lead.notification.kind === "clear") return decideClear(input, lead, ticket, others);

  const { notification } = lead;
  if (isClearedEarly(key, notification, input.settings.clockSkewSeconds)) {
    return stop("D0", "The alarm was already cleared: its clear was accepted before its raise.");
  }
  if (hasEnded(key, lead)) return stop("D0", "The alarm was cleared before it could be decided again.");
  if (notification.plannedOutage) {
    return stop("D2", "Planned maintenance: the alarm itself is flagged as a planned outage.");
  }
  const maintenance = maintenanceNow(input.above, now);
  if (maintenance !== null) {
    const until = maintenance.endAt === null ? "" : ` until ${new Date(maintenance.endAt).toISOString()}`;
    return cover("D2", "stopped", `Planned maintenance${until}: ticket ${on(maintenance)}.`, maintenance);
  }
  if (ticket !== undefined) {
    if (ticket.severity !== null && severityRank(notification.severity) > severityRank(ticket.severity)) {
      const rule = notification.kind === "change" ? "D9" : "D3";
      return {
        act: "request",
        rule,
        intent: "updated",
        because: `Ticket ${ticket.ticketId} is open with severity ${ticket.severity}; the alarm is ${notification.severity}.${others}`,
        payload: {
          command: "update",
          ticketId: ticket.ticketId,
          severity: notification.severity,
          comment: `Severity raised to ${notification.severity} by alarm ${notification.id}.`,
          alarmRefs: refs(group),
        },
      };
    }
    if (notification.kind === "change") {
      return stop(
        "D9",
        `The severity has not risen above that of open ticket ${ticket.ticketId}.${others}`,
        ticket.ticketId,
      );
    }
    return {
      act: "adopt",
      rule: "D4",
      because: `Ticket ${ticket.ticketId} is already open for ${key.key}.${others}`,
      ticket,
    };
  }
  const parent = parentTicket(input.above);
  if (parent !== null)
    return cover(
      "D5",
      "adopted",
      `Ticket ${on(parent)}, ${hopsText(parent.hopNo)} upstream of ${notification.alarmedObject}, covers it.`,
      parent,
    );
  const reopen = lastClosed(key, service, closedForMs, input.settings.reopenSeconds);
  if (reopen !== null) {
    return {
      act: "request",
      rule: "D6",
      intent: "reopened",
      because: `Ticket ${reopen} of ${key.key} was closed less than ${input.settings.reopenSeconds} s ago and is opened again.`,
      payload: {
        command: "update",
        ticketId: reopen,
        status: "inProgress",
        severity: notification.severity,
        comment: "The fault came back.",
        alarmRefs: refs(group),
      },
    };
  }
  const unknown = key.unknown.find(
    (one) => isOutageCreate(one) && input.findings.foundCreates?.has(one.requestId) !== true,
  );
  if (unknown !== undefined) {
    return {
      act: "stop",
      rule: "D8",
      outcome: "unknown",
      because: `Nobody can say whether create ${unknown.requestId} made a ticket; no other is made before it is found or an operator gives a verdict.`,
      ticketId: null,
    };
  }
  const { maxOpenTickets } = input.settings;
  if (input.openTicketsTotal >= maxOpenTickets) {
    return {
      act: "park",
      rule: "D7",
      reason: "storm",
      because: `Event storm: ${maxOpenTickets} tickets are open or on their way, and no more than that may be (maxOpenTickets).`,
    };
  }
  return {
    act: "request",
    rule: notification.kind === "change" ? "D13" : "D8",
    intent: "created",
    because: `No open ticket covers ${key.key}.`,
    payload: {
      command: "create",
      kind: "MO",
      clientReference: key.key,
      networkElements: [...new Set(group.map((one) => one.notification.alarmedObject))],
      severity: notification.severity,
      summary: `${notification.alarmType}: ${notification.probableCause} on ${notification.alarmedObject}`,
      ...(notification.details === undefined ? {} : { description: notification.details }),
      startAt: notification.raisedAt,
      alarmRefs: refs(group),
    },
  };
}

function decideClear(
  input: DecisionInput,
  lead: Waiting,
  ticket: OpenTicket | undefined,
  others: string,
): Decision {
  const { key, group } = input;
  const cleared = new Map(group.map(({ notification, ref }) => [notification.alarm, ref.position]));
  // A8: a clear that is decided once more says nothing of an alarm that has come back since.
  const stillActive = [...key.active].filter(([alarm, { ref }]) => ref.position > (cleared.get(alarm) ?? 0));
  if (stillActive.length > 0) {
    return stop(
      "D10",
      `${stillActive.length} other alarm${stillActive.length === 1 ? "" : "s"} of ${key.key} still active.${others}`,
      ticket?.ticketId ?? null,
    );
  }
  if (ticket === undefined) return stop("D12", `Nothing to close: no open ticket for ${key.key}.`);
  return {
    act: "request",
    rule: "D11",
    intent: "closed",
    because: `The last active alarm of ${key.key} is cleared.${others}`,
    payload: {
      command: "close",
      ticketId: ticket.ticketId,
      endAt: lead.notification.clearedAt ?? input.now,
      closeCode: "CLEARED",
      closeReason: "The alarm is cleared.",
      alarmRefs: refs(group),
    },
  };
}

/** Who speaks for the group: the last clear, or the highest severity among raises and changes, the oldest of equals. */
export function leader(group: readonly Waiting[]): Waiting {
  const [first] = group;
  if (first === undefined) throw new Error("A flow needs at least one notification.");
  if (first.notification.kind === "clear") return group[group.length - 1] ?? first;
  let lead = first;
  for (const one of group)
    if (severityRank(one.notification.severity) > severityRank(lead.notification.severity)) lead = one;
  return lead;
}

function lastClosed(
  key: KeyState,
  service: ServiceInfo,
  closedForMs: ClosedForMs,
  reopenSeconds: number,
): string | null {
  let last: string | null = null;
  if (reopenSeconds === 0) return last;
  for (const [ticketId, closed] of key.closed) {
    if (closed.gone === true || closed.service !== service.name) continue;
    if (closedForMs(closed) < reopenSeconds * 1000) last = ticketId;
  }
  return last;
}

function cover(
  rule: Rule,
  outcome: "stopped" | "adopted",
  because: string,
  { ticketId, service, key, endAt }: TicketAbove,
): Decision {
  return { act: "cover", rule, outcome, because, by: { ticketId, service, key, endAt } };
}

function on({ ticketId, elementId }: TicketAbove): string {
  return `${ticketId} on ${elementId}`;
}

const numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

function hopsText(count: number): string {
  return `${numbers[count] ?? count} hop${count === 1 ? "" : "s"}`;
}

function refs(group: readonly Waiting[]): AlarmRef[] {
  return group.map(({ notification }) => ({ source: notification.source, alarmId: notification.id }));
}

function stop(rule: Rule, because: string, ticketId: string | null = null): Decision {
  return { act: "stop", rule, outcome: "stopped", because, ticketId };
}
