/**
 * What a flow's searches say about what was believed before, as facts that go with its decision.
 *   A2 a create that is found after all replaces its `unknown`.  T2 a claim the search does not bear out is reported.
 * Source: laws.md.
 */
import { correct } from "./async-result.ts";
import { openTickets } from "./decision.ts";
import { entry, type Entry } from "./entry.ts";
import type { FlowFindings, FlowInput } from "./flow-input.ts";
import { keyStream } from "./state.ts";
import type { Instant, Ticket } from "./vocabulary.ts";

/** An `unknown` create that a search by its request id has found after all. */
export function corrections(input: FlowInput, found: FlowFindings, now: Instant): Entry[] {
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
export function reconcile(
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
