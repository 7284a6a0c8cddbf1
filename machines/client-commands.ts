/**
 * What a flow asks the Ticket Client that it holds, and what it is told.
 *   L3 every command names its holder.
 * Source: domain.md, "The Ticket Client's states".
 */
import type { Entry } from "./entry.ts";
import type { RequestResult } from "./facts.ts";
import type { Failure, Result } from "./failure.ts";
import type { SearchFailure } from "./flow-input.ts";
import type { PathReading } from "./upstream.ts";
import type { Instant, SearchCriteria, ServiceInfo, Ticket, TicketRequest } from "./vocabulary.ts";

/** Who asks: must be the holder's GUID and fence, or the command is refused (L3). */
export interface Holder {
  readonly lockGuid: string;
  readonly fence: number;
}

export interface SearchCommand extends Holder {
  readonly type: "client.search";
  readonly criteria: SearchCriteria;
  readonly service: ServiceInfo;
  readonly key: string;
  /** 1 for the first try of this search. */
  readonly attempt: number;
  /** Element whose path is looked up in the topology, side by side with the search. */
  readonly look?: string;
  readonly reply: (answer: SearchReply) => void;
}
export interface ForwardCommand extends Holder {
  readonly type: "client.forward";
  readonly request: TicketRequest;
  /** Facts that plan the request; appended before it is queued. */
  readonly entries: readonly Entry[];
  readonly reply: (answer: ForwardReply) => void;
}
export interface CloseCommand extends Holder {
  readonly type: "client.close";
  readonly entries: readonly Entry[];
  readonly result: "settled" | "parked";
  readonly reply?: (answer: Result<null>) => void;
}

export type SearchReply =
  | {
      readonly ok: true;
      readonly tickets: readonly Ticket[];
      readonly truncated: boolean;
      /** Where it was asked for. */
      readonly path?: PathReading;
      readonly at: Instant;
    }
  | { readonly ok: false; readonly failure: SearchFailure; readonly at: Instant };

/** `settled`, `parked`: facts say how. `cancelled`: nothing was sent. `left`: being sent, the key waits for it. */
export interface Forwarded {
  readonly result: "settled" | "parked" | "cancelled" | "left";
  /** What the request came to, when settled. */
  readonly outcome: RequestResult | null;
  readonly ticketId: string | null;
  readonly because: string;
}

export type ForwardReply =
  | ({ readonly ok: true; readonly at: Instant } & Forwarded)
  | { readonly ok: false; readonly failure: Failure; readonly at: Instant };

/** Nothing was sent. */
export function cancelled(because: string, at: Instant): ForwardReply {
  return { ok: true, result: "cancelled", outcome: "cancelled", ticketId: null, because, at };
}
