/**
 * What an operator sees of a flow's searches on the Search Results page.
 * Source: telenet-ticket-client.md, "Search Results".
 */
import type { SearchReply } from "./client-commands.ts";
import { limits } from "./limits.ts";
import type { PathReading } from "./upstream.ts";
import type { Instant, Ticket } from "./vocabulary.ts";

export interface SearchResults {
  /** Of all searches of the flow, a ticket as it was shown last; at most `searchResultsMax`. */
  readonly tickets: readonly Ticket[];
  readonly truncated: boolean;
  /** When the last search was answered. */
  readonly at: Instant;
  /** Ninas Network Path Details, as the flow used them; never refreshed behind an open page. null: not asked. */
  readonly path: PathReading | null;
  /** The flow they belong to. */
  readonly lockGuid: string;
}

/** What was there before is of the same flow: a lock begins with none. */
export function withReply(
  before: SearchResults | null,
  reply: Extract<SearchReply, { ok: true }>,
  lockGuid: string,
): SearchResults {
  const tickets = new Map(before?.tickets.map((one) => [one.ticketId, one]));
  for (const one of reply.tickets) {
    tickets.delete(one.ticketId);
    tickets.set(one.ticketId, one);
  }
  return {
    tickets: [...tickets.values()].slice(-limits.searchResultsMax),
    truncated: reply.truncated || before?.truncated === true || tickets.size > limits.searchResultsMax,
    path: reply.path ?? before?.path ?? null,
    at: reply.at,
    lockGuid,
  };
}
