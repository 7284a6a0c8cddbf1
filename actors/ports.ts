/**
 * What the actors need from the world. One folder of `adapters/` a port; one contract test a port,
 * run against every adapter of it.
 */
import type { Fact, NewFact, Stream } from "../machines/facts.ts";
import type { Result } from "../machines/failure.ts";
import type { ServiceCells, TableText } from "../machines/service-table.ts";
import type {
  Instant,
  NetworkPath,
  Notification,
  Position,
  SearchCriteria,
  ServiceInfo,
  Ticket,
  TicketRequest,
} from "../machines/vocabulary.ts";

/** Nothing of the stream may lie behind `revision`, up to which it was seen; 0 = the stream must be empty. */
export interface Expectation {
  readonly stream: Stream;
  readonly revision: Position;
}

export interface Batch {
  /** Unique per command; the same id again gives the first result and writes nothing. */
  readonly id: string;
  readonly expect?: readonly Expectation[];
  readonly facts: readonly { readonly stream: Stream; readonly fact: NewFact }[];
  /**
   * Written before those of its turn that are not, and answered before them: for what builds on durable facts
   * alone and is waited for. Default false.
   */
  readonly ahead?: boolean;
  /** Written at once, with what was appended so far: it need not wait for the end of the turn. Default false. */
  readonly urgent?: boolean;
}

export type AppendResult =
  | { readonly kind: "committed"; readonly position: Position; readonly facts: readonly Fact[] }
  | { readonly kind: "conflict"; readonly streams: readonly Stream[] };

export interface LedgerHead {
  /** Identity of the ledger; changes only when a backup is restored, or going on without a lost end is accepted. */
  readonly ledger: string;
  /** This opening: differs from every earlier one (L2). */
  readonly epoch: string;
  readonly position: Position;
  /** True after such a change until the first commit: what was planned may have been sent since. */
  readonly restored: boolean;
}

export interface FoldSnapshot {
  readonly position: Position;
  /** JSON text of the folded state. */
  readonly state: string;
}

/** The durable, ordered store of facts. */
export interface Ledger {
  /**
   * All or none; durable when it resolves. The appends of one turn of the event loop are one transaction
   * and one sync, or two: a writer without work gets the first of them at once. Their promises resolve in the order of positions, which is that of the calls but for those `ahead`.
   * Resolves `conflict` when a stream of `expect` has moved on, after the group it was judged in is durable.
   * Rejects (FailureError) with LEDGER_SYNC_FAILED at the first failed write or sync, and ever after (R3); STOPPING
   * once it is closed; INVALID for a body that JSON cannot write: then this batch alone is refused.
   */
  append(batch: Batch): Promise<AppendResult>;
  /** Durable facts with position > after, in order, at most `limit`. */
  read(after: Position, limit: number): AsyncIterable<Fact>;
  /** Durable facts of one stream, in order. */
  readStream(stream: Stream): Promise<readonly Fact[]>;
  /** Durable facts filed under a correlation key, in order, the newest `limit`. */
  readKey(key: string, limit: number): Promise<readonly Fact[]>;
  /** As `read`, and goes on as more facts become durable, until the signal aborts. */
  follow(after: Position, signal: AbortSignal): AsyncIterable<Fact>;
  head(): LedgerHead;
  /** Newest snapshot of the fold that is not ahead of the ledger, if any. */
  loadSnapshot(): Promise<FoldSnapshot | null>;
  /**
   * Keeps the text whose parts these are, one at a time, each written before the next is asked for; other appends go
   * on in between. Counts once it resolves; one at a time. Rejects with RangeError ahead of the ledger.
   */
  saveSnapshot(position: Position, parts: AsyncIterable<string> | Iterable<string>): Promise<void>;
  close(): Promise<void>;
}

/** What came back for one attempt of a request: a closed union; never a rejection. */
export type RequestAnswer =
  | { readonly kind: "ack"; readonly ticketId: string | null; readonly texts: Texts }
  /** The service refused: `code` as it gave it (NOT_OWNER, BUSY, ALREADY_CLOSED …). */
  | {
      readonly kind: "nack";
      readonly code: string;
      readonly cause: string;
      readonly ticketId: string | null;
      readonly texts: Texts;
    }
  /** It answered that it did nothing and may be asked again (503, 429). */
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly cause: string;
      readonly retryAfterMs: number | null;
      readonly texts: Texts;
    }
  /** No byte of the request left this machine. */
  | { readonly kind: "unreachable"; readonly code: string; readonly cause: string; readonly texts: Texts }
  /** Permanent, proven not applied (validation fault, bad configuration, 401, 404). */
  | { readonly kind: "failed"; readonly code: string; readonly cause: string; readonly texts: Texts }
  /** Time-out, reset, unreadable, given up by the signal: nobody knows. `code` is TIMEOUT, RESET, UNREADABLE or FAULT. */
  | { readonly kind: "inDoubt"; readonly code: string; readonly cause: string; readonly texts: Texts };

/** What was said on the wire, cut to `rowTextBytesMax` and redacted. */
export interface Texts {
  readonly request: string;
  readonly answer: string;
}

export type SearchAnswer =
  | {
      readonly kind: "found";
      readonly tickets: readonly Ticket[];
      readonly truncated: boolean;
      readonly texts: Texts;
    }
  /** `permanent`: trying again cannot help (bad configuration, refused criteria). */
  | {
      readonly kind: "error";
      readonly code: string;
      readonly cause: string;
      readonly permanent: boolean;
      readonly texts: Texts;
    };

export interface Call {
  readonly service: ServiceInfo;
  /** Ends the attempt: its socket is destroyed and no byte is written after. */
  readonly signal: AbortSignal;
}

/** The operator's ticketing service (OSB). Stateless towards its callers: one call, one exchange. */
export interface TicketingService {
  /** Resolves within `service.timeoutSeconds`; never rejects. */
  search(
    call: Call & {
      readonly requestId: string;
      readonly clientId: string;
      readonly lockGuid: string;
      readonly criteria: SearchCriteria;
    },
  ): Promise<SearchAnswer>;
  /** One attempt. Resolves within `service.timeoutSeconds`; never rejects. */
  send(call: Call & { readonly request: TicketRequest; readonly attempt: number }): Promise<RequestAnswer>;
  close(): Promise<void>;
}

/** Async result as the service's callback delivers it (SAMSERVICE). */
export interface AsyncResult {
  readonly requestId: string;
  readonly result: "OK" | "ERROR";
  readonly ticketId: string | null;
  readonly code: string | null;
  readonly cause: string | null;
  /** The message as received, cut and redacted. */
  readonly text: string;
}

export type PathAnswer =
  | { readonly kind: "found"; readonly path: NetworkPath }
  /** The element is not in the topology; `loadedAt` null: no topology was ever loaded. */
  | { readonly kind: "absent"; readonly loadedAt: Instant | null }
  | { readonly kind: "error"; readonly code: string; readonly cause: string };

/** The topology database, read-only. */
export interface Topology {
  /** Resolves within `topologyTimeoutMs`; never rejects. */
  path(look: { readonly elementId: string; readonly signal: AbortSignal }): Promise<PathAnswer>;
  close(): Promise<void>;
}

/** Text of a Service Info Table, whatever the format; knows nothing of what the cells may hold. */
export interface ServiceTableCodec {
  /** Never throws. A string is taken as decoded. */
  parse(text: string | Uint8Array): TableText;
  /** `parse` gives the same cells back (S9). */
  format(rows: readonly ServiceCells[]): string;
}

/** The gateway's own Service Info Table, where it is not the clients'. */
export interface GatewayTableSource {
  /** Fails where it cannot be read. Never rejects. */
  read(): Promise<Result<readonly ServiceInfo[]>>;
}

/** One message to the receiver of one check. */
export interface Beat {
  /** `start`: a run begins. The others end it. */
  readonly kind: "start" | "success" | "fail";
  /** UUID v4 of the run. */
  readonly rid: string;
  /** For people; cut to `heartbeatTextBytesMax` and redacted on its way out (S4). May be empty. */
  readonly text: string;
}

/** Whoever watches from outside that beats keep coming: one object a check. */
export interface HeartbeatReceiver {
  /**
   * Sends it once. Fails with BEAT_REFUSED, BEAT_UNANSWERED (`heartbeatTimeoutMs`, or the signal) or BEAT_DROPPED
   * (more than `heartbeatsPerMinuteMax`); no detail names the address (S4). Never rejects.
   */
  beat(beat: Beat, signal: AbortSignal): Promise<Result<null>>;
  /** Beats of any kind that were not sent for the sake of `heartbeatsPerMinuteMax`. */
  dropped(): number;
}

/** Time, both kinds: `now` for what people read, `monotonicMs` for durations (R5). Drives XState too. */
export interface Clock {
  now(): Instant;
  /** Milliseconds, never goes back. */
  monotonicMs(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
}

export interface Ids {
  /** A fresh UUID v4. */
  uuid(): string;
  /** 0 ≤ x < 1, for jitter. */
  random(): number;
}

/** One structured log line; never a secret (S4). */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

/** What the intake learns about one notification; `accepted` only when it is durable (A1). */
export type Acceptance =
  | { readonly kind: "accepted"; readonly position: Position; readonly duplicate: boolean }
  /** Same source and id, other content. */
  | { readonly kind: "conflict"; readonly position: Position }
  | { readonly kind: "overloaded"; readonly retryAfterMs: number }
  | { readonly kind: "stopping" };

/** Where every alarm intake delivers to; kept by the supervisor. */
export interface AlarmSink {
  /**
   * `overloaded` and `stopping` must be settled promises when this returns: later events of the source are not
   * looked at before (A6). `digest`: hex SHA-256 of the event's canonical content. Rejects only when the
   * ledger failed (R3).
   */
  accept(notification: Notification, digest: string): Promise<Acceptance>;
}
