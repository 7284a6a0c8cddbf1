/**
 * The closed union of facts. A fact says in the past tense what happened; everything anyone sees is a
 * fold of them. Bodies are JSON; a fact is never changed once written.
 */
import type { Failure } from "./failure.ts";
import type { HeartbeatReport } from "./heartbeat.ts";
import type {
  Command,
  Idempotency,
  Instant,
  Notification,
  Outcome,
  ParkReason,
  Position,
  RelatedElements,
  RequestPayload,
  ResponseRow,
  ServiceInfo,
  Severity,
  Ticket,
  TicketStatus,
} from "./vocabulary.ts";

/** Where a fact belongs; the unit of conditional appends. A stream's revision is the position of its last fact. */
export type Stream =
  | `alarm/${string}`
  | `key/${string}`
  | `client/${string}`
  | `gateway/${string}`
  | "services"
  | "settings"
  | "heartbeat"
  | "audit";

/** Names one notification: its place in the ledger and what its sender calls it. */
export interface NotificationRef {
  readonly source: string;
  readonly id: string;
  readonly position: Position;
}

/** Which rule decided and what it says to a person. */
export interface DecisionRecord {
  readonly rule: string;
  readonly decision:
    | "create"
    | "update"
    | "reopen"
    | "close"
    | "adopt"
    | "stop"
    | "park"
    | "fail"
    | "resend"
    | "settle";
  readonly because: string;
  readonly tickets: readonly Pick<Ticket, "ticketId" | "kind" | "status">[];
  readonly path: readonly string[];
}

/** How an attempt of a request was answered, whatever the protocol. */
export type AnswerKind = "ack" | "nack" | "refused" | "unreachable" | "failed" | "inDoubt";

/** What one request came to. `cancelled`: never sent. `notApplied`: proven that the service did nothing. */
export type RequestResult = "ok" | "rejected" | "failed" | "notApplied" | "cancelled" | "unknown";

/** How long a notification is held down before a create, an update or a close; 0 = not at all. */
export interface Delays {
  readonly createSeconds: number;
  readonly updateSeconds: number;
  readonly closeSeconds: number;
}

/** Settings the fold reads; a change of configuration is a fact too (R1). */
export interface FoldSettings {
  readonly maxResponseRows: number;
  readonly reopenSeconds: number;
  readonly clockSkewSeconds: number;
  readonly dedupDays: number;
  /** Absent in ledgers of before they were settings. */
  readonly relatedElements?: RelatedElements;
  readonly delays?: Delays;
  readonly maxOpenTickets?: number;
}

/** An outcome that another one takes the place of (A2). */
export interface ReplacedOutcome {
  readonly position: Position;
  readonly outcome: Outcome;
}

/** Why a key waits and what wakes it. */
export interface Parking {
  readonly reason: ParkReason;
  readonly since: Instant;
  /** Wakes at this time at the latest; null: only a fact wakes it. */
  readonly until: Instant | null;
  readonly because: string;
  /** Of `covered`: what these settled alarms rest on. It does not hold up what comes in for the key. */
  readonly cover?: {
    readonly ticketId: string;
    readonly service: string;
    /** Key or reference that the ticket was made for; null: none known. */
    readonly key: string | null;
    /** How often it was looked at again and still stood. */
    readonly checks: number;
    readonly alarms: readonly NotificationRef[];
  };
}

export interface FactBodies {
  /** A new epoch: whatever was locked or flowing in the one before has ended (L2, L5). */
  "ledger.opened": { engine: string; clients: number };
  /**
   * `by`: the operator who changed them while the engine ran. `configured`: what the configuration said at a start;
   * an operator's change stays until the configuration says something new.
   */
  "settings.changed": FoldSettings & { by?: string; configured?: FoldSettings };
  "services.imported": { services: readonly ServiceInfo[]; by: string };
  "service.selected": { name: string; by: string };

  /** `digest`: of the event's content, to tell a repeat from a conflict. */
  "alarm.accepted": { notification: Notification; digest: string };
  "alarm.settled": {
    alarm: NotificationRef;
    key: string;
    outcome: Outcome;
    because: string;
    lockGuid: string | null;
    rule: string | null;
    ticketId: string | null;
    failure: Failure | null;
    requestId: string | null;
    /** The outcome that this one replaces (A2). */
    supersedes: ReplacedOutcome | null;
  };
  /** A settled alarm is in line once more, at its old place: its next outcome replaces the one named here (A2). */
  "alarm.reconsidered": {
    alarm: NotificationRef;
    key: string;
    notification: Notification;
    replaces: ReplacedOutcome;
    because: string;
  };

  "flow.started": {
    key: string;
    lockGuid: string;
    clientId: string;
    fence: number;
    /** The notifications this flow decides, in order accepted; the last one leads. */
    alarms: readonly NotificationRef[];
  };
  "flow.decided": DecisionRecord & { key: string; lockGuid: string };
  /** `parked`: a `key.parked` says what for. `crashed`: the actor threw; counted against the alarm (R6). */
  "flow.ended": {
    key: string;
    lockGuid: string;
    result: "settled" | "parked" | "forced" | "expired" | "crashed";
  };
  /** The key waits without holding a client until its time comes or a fact wakes it; the next flow ends it. */
  "key.parked": { key: string; parking: Parking };

  "request.planned": {
    requestId: string;
    key: string;
    clientId: string;
    lockGuid: string;
    service: ServiceInfo;
    payload: RequestPayload;
    /** Settled as this when the service confirms it. */
    intent: Outcome;
    /** The notifications that this request settles. */
    alarms: readonly NotificationRef[];
    rule: string;
    plannedAt: Instant;
  };
  /** Durable before the first byte of the attempt leaves (G2). */
  "request.sending": { requestId: string; key: string; clientId: string; lockGuid: string; attempt: number };
  "request.answered": {
    requestId: string;
    key: string;
    attempt: number;
    answer: AnswerKind;
    code: string | null;
    cause: string | null;
    ticketId: string | null;
  };
  "request.async": {
    requestId: string;
    key: string | null;
    result: "OK" | "ERROR";
    ticketId: string | null;
    code: string | null;
    cause: string | null;
  };
  "request.settled": {
    requestId: string;
    key: string;
    result: RequestResult;
    command: Command;
    ticketId: string | null;
    service: string;
    /** What is known of the ticket from now on; null: nothing new. */
    ticket: { status: TicketStatus; severity: Severity | null; openedAt: Instant | null } | null;
    because: string;
    /** The request's alarms stay in line and are decided once more. */
    again: boolean;
  };
  /** An open ticket of this key that the search found and that is now linked. */
  "ticket.linked": {
    key: string;
    ticketId: string;
    service: string;
    status: TicketStatus;
    severity: Severity | null;
    openedAt: Instant | null;
    /** Elements it lies on; absent: as known before. */
    networkElements?: readonly string[];
  };
  /** A linked ticket that the search, after its settling time, shows closed or not at all. */
  "ticket.lost": {
    key: string;
    ticketId: string;
    status: TicketStatus | null;
    claimKept: boolean;
    idempotency: Idempotency;
  };

  /** A row inserted, or changed in place when `requestId` and `attempt` are known; a change carries what changed. */
  "response.row": { change: false; row: ResponseRow } | { change: true; row: ResponseRowChange };

  /** Settled rows of one client, or of all (null), were taken off the response table; unsettled ones stay (G6). */
  "responses.cleared": { clientId: string | null; by: string };

  "client.locked": {
    clientId: string;
    lockGuid: string;
    fence: number;
    lockTime: Instant;
    deadlineAt: Instant;
    by: "flow" | "hand";
  };
  "client.unlocked": { clientId: string; lockGuid: string; fence: number };
  "client.lockForced": { clientId: string; lockGuid: string; fence: number; by: string; reason: string };
  "client.lockExpired": { clientId: string; lockGuid: string; fence: number };
  "client.notBusyForced": { clientId: string; lockGuid: string; fence: number; by: string; reason: string };
  "client.quarantined": { clientId: string; crashes: number; cause: string };

  /** The heartbeat receiver took the beat. */
  "heartbeat.sent": HeartbeatReport;
  /** It did not, and why; or no beat came about, because the actor crashed. A beat is not repeated. */
  "heartbeat.failed": HeartbeatReport & { failure: Failure };

  /** New data is in place of the old in the topology database; alarms that look there find it from now on. */
  "topology.loaded": {
    by: string;
    loadedAt: Instant;
    elements: number;
    roots: number;
    addresses: number;
    hops: number;
    files: readonly string[];
  };

  "operator.acted": { by: string; action: string; target: string; reason: string };
}

export type ResponseRowChange = Pick<ResponseRow, "requestId" | "attempt" | "clientId" | "key"> &
  Partial<
    Pick<
      ResponseRow,
      | "answeredAt"
      | "durationMs"
      | "status"
      | "code"
      | "cause"
      | "asyncStatus"
      | "ticketIds"
      | "request"
      | "answer"
    >
  >;

export type FactType = keyof FactBodies;

/** A fact not yet written. `at` comes from the Clock port. */
export type NewFact = {
  [T in FactType]: { readonly type: T; readonly at: Instant; readonly body: FactBodies[T] };
}[FactType];

/** A fact in the ledger. */
export type Fact = NewFact & { readonly position: Position; readonly epoch: string; readonly stream: Stream };

export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;

/** Stream of a notification: empty until it is accepted, so the duplicate check is one conditional append (A4). */
export function alarmStream(source: string, id: string): Stream {
  return `alarm/${encodeURIComponent(source)}/${id}`;
}
/** Key a fact belongs to, where it belongs to one: what the ledger files it under. */
export function keyOf(fact: NewFact): string | null {
  if (fact.type === "alarm.accepted") return fact.body.notification.key;
  if (fact.type === "response.row") return fact.body.row.key;
  return "key" in fact.body ? fact.body.key : null;
}
/** Flow (lock GUID) a fact belongs to, where it belongs to one. */
export function flowOf(fact: NewFact): string | null {
  if (fact.type === "response.row") return fact.body.change ? null : fact.body.row.lockGuid;
  return "lockGuid" in fact.body ? fact.body.lockGuid : null;
}
