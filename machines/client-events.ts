/**
 * What a Ticket Client hears, and what it is asked to begin: each of these ends with an event that names it.
 *   L3 a command or force names its holder.
 * Source: domain.md, "The Ticket Client's states".
 */
import type {
  CloseCommand,
  ForwardCommand,
  ForwardReply,
  Holder,
  SearchCommand,
  SearchReply,
} from "./client-commands.ts";
import type { Entry } from "./entry.ts";
import type { Result } from "./failure.ts";
import type { FlowInput } from "./flow-input.ts";
import type { Instant, Lock, Position } from "./vocabulary.ts";

export type TicketClientEvent =
  | {
      readonly type: "client.lock";
      readonly lock: Lock;
      /** Position of its `client.locked`: the claim that later appends are conditional on. */
      readonly claim: Position;
      /** When it ends, on the monotonic clock: not how long it lasts, for a process may stand still between two lines. */
      readonly dueMs: number;
      /** null: held by hand. */
      readonly flow: FlowInput | null;
    }
  | SearchCommand
  | ForwardCommand
  | CloseCommand
  | ({ readonly type: "client.forceUnlock" } & Holder)
  | ({
      readonly type: "client.forceNotBusy";
      /** What becomes of the request: the key waits for it, it ended with the command, or it was not even planned. */
      readonly request: "left" | "settled" | "cancelled";
      /** The claim moves on: what was queued under the old one is not sent (L3). */
      readonly claim: Position;
      readonly at: Instant;
    } & Holder)
  | { readonly type: "lock.expired"; readonly fence: number }
  | { readonly type: "search.ended"; readonly work: SearchCommand; readonly reply: SearchReply }
  | { readonly type: "forward.ended"; readonly work: ForwardCommand; readonly reply: ForwardReply }
  | { readonly type: "release.ended"; readonly work: ReleaseInput["release"]; readonly result: Result<null> }
  /** It threw. */
  | {
      readonly type: "work.failed";
      readonly work: SearchCommand | ForwardCommand | ReleaseInput["release"];
      readonly error: unknown;
    };

/** What the client asks the service for while `searching`. */
export interface SearchInput {
  readonly command: SearchCommand;
  readonly clientId: string;
}

/** What the client asks the gateway for while `forwarding`. */
export interface ForwardInput {
  readonly command: ForwardCommand;
  readonly clientId: string;
  readonly claim: Position;
}

/** What the client is asked to make durable while `closing`. */
export interface ReleaseInput {
  readonly clientId: string;
  readonly lock: Lock;
  readonly claim: Position;
  readonly release:
    | { readonly how: "closed"; readonly entries: readonly Entry[]; readonly result: "settled" | "parked" }
    | { readonly how: "expired" }
    | { readonly how: "crashed"; readonly cause: string };
}
