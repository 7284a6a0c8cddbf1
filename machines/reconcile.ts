/**
 * What a flow's searches say about what was believed before, as facts that go with its decision.
 *   A2 a create that is found after all replaces its `unknown`.  T2 a claim the search does not bear out is reported.
 * Source: laws.md.
 */
import { correct } from "./async-result.ts";
import { openTickets, type Findings } from "./decision.ts";
import { entry, type Entry } from "./entry.ts";
import type { FlowFindings, FlowInput } from "./flow-input.ts";
import { byHand, isWaiting, keyStream, type KeyState, type SettledRequest } from "./state.ts";
import { isOpen, severityRank, type Instant, type Ticket } from "./vocabulary.ts";

type Searched = Pick<Findings, "tickets" | "verified">;

/**
 * Requests nobody could say the fate of, and the search tells: a create is found by its id, an update's ticket is as it
 * asked, a close's ticket is closed.
 */
export function corrections(
  input: FlowInput,
  found: FlowFindings,
  searched: Searched,
  now: Instant,
): Entry[] {
  const { key } = input;
  const entries: Entry[] = [];
  for (const unknown of key.unknown) {
    if (unknown.command === "create") {
      const ticket = found.unknown.get(unknown.requestId)?.[0];
      if (ticket === undefined) continue;
      const because = `Ticket ${ticket.ticketId} was found by the request's id.`;
      entries.push(...correct(key, unknown, now, ticket.ticketId, because, ticket));
      entries.push(...behind(key, unknown, because, now));
    } else {
      const ticket = shown(input, searched, unknown);
      if (ticket === null || !isAsAsked(unknown, ticket)) continue;
      const because = `Ticket ${ticket.ticketId} was found as the request had asked.`;
      entries.push(...correct(key, unknown, now, ticket.ticketId, because, ticket));
    }
  }
  return entries;
}

/** Of what look-ups of unknown requests brought: not every service shows only the ticket that it is asked for. */
export function ownOnly(key: KeyState, unknown: FlowFindings["unknown"]): FlowFindings["unknown"] {
  const requests = new Map(key.unknown.map((one) => [one.requestId, one]));
  return new Map(
    [...unknown].map(([requestId, tickets]) => {
      const request = requests.get(requestId);
      return [requestId, request === undefined ? tickets : tickets.filter((one) => isOwn(request, one))];
    }),
  );
}

function isOwn({ key, kind, rule }: SettledRequest, ticket: Ticket): boolean {
  const { clientReference } = ticket;
  // What was made by hand may have any reference.
  return (
    ticket.kind === kind && (rule === byHand || clientReference === undefined || clientReference === key)
  );
}

/** The request's ticket, as its service shows it: tickets of two services may bear one name. */
function shown(
  { key, service }: FlowInput,
  { tickets, verified }: Searched,
  { ticketId, service: home }: SettledRequest,
): Ticket | null {
  if (ticketId === null) return null;
  const isLinkedThere = key.open.get(ticketId)?.service === home;
  return read({ tickets, verified: isLinkedThere ? verified : new Map() }, ticketId, home === service.name);
}

function isAsAsked({ command, severity }: SettledRequest, ticket: Ticket): boolean {
  if (command === "close") return !isOpen(ticket);
  if (command !== "update" || !isOpen(ticket)) return false;
  if (severity === null) return true;
  return ticket.severity !== undefined && severityRank(ticket.severity) >= severityRank(severity);
}

/** What was settled as `unknown` because of the create and not by it: decided again, now that its ticket is known. */
function behind(key: KeyState, { outcomes }: SettledRequest, because: string, at: Instant): Entry[] {
  const active = new Map([...key.active.values()].map((one) => [one.ref.position, one]));
  return outcomes.flatMap(({ ref, position, outcome, behind: isBehind }) => {
    if (isBehind !== true || isWaiting(key, ref)) return [];
    const one = active.get(ref.position);
    const replaces = { position, outcome };
    if (one === undefined)
      return [
        entry(keyStream(key.key), at, "alarm.settled", {
          alarm: ref,
          key: key.key,
          outcome: "stopped",
          because: `${because} The alarm had ended by then.`,
          lockGuid: null,
          rule: null,
          ticketId: null,
          failure: null,
          requestId: null,
          supersedes: replaces,
        }),
      ];
    return [
      entry(keyStream(key.key), at, "alarm.reconsidered", {
        alarm: ref,
        key: key.key,
        notification: one.notification,
        replaces,
        because,
      }),
    ];
  });
}

/** T2: linked tickets that their service no longer shows open leave the key. */
export function reconcile(input: FlowInput, findings: Findings, now: Instant): Entry[] {
  const { key, service } = input;
  if (key.open.size === 0) return [];
  const open = new Set(
    openTickets(key, findings, service, now, input.around.sinceMs).map((one) => one.ticketId),
  );
  const entries: Entry[] = [];
  for (const { ticketId, service: home } of key.open.values()) {
    if (open.has(ticketId) || (home !== service.name && !findings.verified.has(ticketId))) continue;
    const ticket = read(findings, ticketId, home === service.name);
    const isOurs = (one: SettledRequest): boolean => one.ticketId === ticketId && one.command === "close";
    if (ticket !== null && !isOpen(ticket) && key.unknown.some(isOurs)) continue; // corrected
    entries.push(
      entry(keyStream(key.key), now, "ticket.lost", {
        key: key.key,
        ticketId,
        status: ticket?.status ?? null,
        claimKept: ticket !== null,
        idempotency: (home === service.name ? service : (input.serviceNamed(home) ?? service)).idempotency,
      }),
    );
  }
  return entries;
}

/** As its own service has shown it, asked for it or for its key; null: it was not shown. */
function read({ verified, tickets }: Searched, ticketId: string, isSelected: boolean): Ticket | null {
  const asked = verified.get(ticketId);
  if (asked !== undefined || !isSelected) return asked ?? null;
  return tickets.find((one) => one.ticketId === ticketId) ?? null;
}
