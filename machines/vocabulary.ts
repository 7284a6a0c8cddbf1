/**
 * The nouns of the product. Types only; every name is the source document's word or the field's
 * standard one (X.733 severities, TMF642 alarm attributes, TMF621 ticket states).
 * Source: telenet-ticket-client.md; TMF642 v4; ITU-T X.733.
 */

/** Milliseconds since 1970-01-01T00:00:00Z, from the Clock port. */
export type Instant = number;

/** Place in the ledger: 1, 2, 3 … without gaps; 0 = before the first fact. */
export type Position = number;

/** X.733 perceived severity, highest first, without `cleared`. */
export const severities = ["critical", "major", "minor", "warning", "indeterminate"] as const;
export type Severity = (typeof severities)[number];

/** Rank of a severity: 4 = critical … 0 = indeterminate. */
export function severityRank(severity: Severity): number {
  return severities.length - 1 - severities.indexOf(severity);
}

/** What a notification does to its alarm. */
export type NotificationKind = "raise" | "change" | "clear";

/** One accepted notification of an alarm: the part of a CloudEvent with a TMF642 Alarm that decisions need. */
export interface Notification {
  /** CloudEvents `source` and `id`: together unique per notification (A4). */
  readonly source: string;
  readonly id: string;
  readonly kind: NotificationKind;
  /** Correlation key: one flow per key at a time (A5). */
  readonly key: string;
  /** Identity that pairs a raise with its changes and its clear. */
  readonly alarm: string;
  readonly alarmedObject: string;
  readonly alarmType: string;
  readonly probableCause: string;
  readonly specificProblem?: string;
  readonly sourceSystemId: string;
  /** Of a clear: the last severity is unknown to us, so `indeterminate`. */
  readonly severity: Severity;
  /** `alarmRaisedTime`. */
  readonly raisedAt: Instant;
  /** `alarmClearedTime`, of clears; the event's own time where the alarm gives none. */
  readonly clearedAt?: Instant;
  /** `plannedOutageIndicator`, read as wire.md says. */
  readonly plannedOutage: boolean;
  readonly details?: string;
}

export type TicketKind = "MO" | "PLM";
export type TicketStatus = "acknowledged" | "inProgress" | "pending" | "resolved" | "closed" | "cancelled";

/** Statuses that searches ask for: what counts as open. */
export const openStatuses: readonly TicketStatus[] = ["acknowledged", "inProgress", "pending"];

/** A ticket counts as open unless the service says resolved, closed or cancelled. */
export function isOpen(ticket: { readonly status: TicketStatus }): boolean {
  return ticket.status !== "closed" && ticket.status !== "cancelled" && ticket.status !== "resolved";
}

/** A ticket as the ticketing service describes it. */
export interface Ticket {
  readonly ticketId: string;
  readonly kind: TicketKind;
  readonly status: TicketStatus;
  readonly severity?: Severity;
  readonly owner?: string;
  /** The correlation key given at creation. */
  readonly clientReference?: string;
  readonly networkElements: readonly string[];
  readonly summary?: string;
  readonly openedAt?: Instant;
  readonly closedAt?: Instant;
  readonly startAt?: Instant;
  readonly endAt?: Instant;
  readonly lastUpdateAt?: Instant;
}

/** What a service promises about a request whose answer never came (domain.md, "The gateway"). */
export type Idempotency = "requestId" | "settles" | "none";
export type ServiceProtocol = "osb" | "tmf621v4" | "tmf621v5" | "rt";

/** One row of the Service Info Table. */
export interface ServiceInfo {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Path of the URL, from `/`. */
  readonly path: string;
  readonly protocol: ServiceProtocol;
  readonly idempotency: Idempotency;
  /** A request takes effect within this many seconds of its socket's end, or never (`settles`). */
  readonly settleSeconds: number;
  /** How long an answer may take. */
  readonly timeoutSeconds: number;
  /** How long after the ACK the async result may take; 0 = the service sends none. */
  readonly asyncSeconds: number;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly notes?: string;
}

/** Names of the elements that a Ticket Client talks to, as operators know them; empty = not filled in. */
export interface RelatedElements {
  readonly ticketGateway: string;
  readonly topologyDatabase: string;
  readonly heartbeatReceiver: string;
}

export type RequestCommand = "create" | "update" | "close" | "editNinasCounters";
export type Command = "search" | RequestCommand;

export interface AlarmRef {
  readonly source: string;
  readonly alarmId: string;
}

/** What the gateway is asked to send: one union member per command. */
export type RequestPayload =
  | {
      readonly command: "create";
      readonly kind: TicketKind;
      readonly clientReference: string;
      readonly networkElements: readonly string[];
      readonly severity: Severity;
      readonly summary: string;
      readonly description?: string;
      readonly startAt: Instant;
      readonly endAt?: Instant;
      readonly alarmRefs: readonly AlarmRef[];
    }
  | {
      readonly command: "update";
      readonly ticketId: string;
      readonly severity?: Severity;
      /** `inProgress` on a closed ticket reopens it. */
      readonly status?: TicketStatus;
      readonly comment?: string;
      readonly alarmRefs: readonly AlarmRef[];
    }
  | {
      readonly command: "close";
      readonly ticketId: string;
      readonly endAt: Instant;
      readonly closeCode: string;
      readonly closeReason?: string;
      readonly alarmRefs: readonly AlarmRef[];
    }
  | {
      readonly command: "editNinasCounters";
      readonly kind: TicketKind;
      readonly networkElement: string;
      readonly counters: readonly {
        readonly name: string;
        readonly delta?: number;
        readonly value?: number;
      }[];
    };

/** One request to the ticketing service; id and payload never change from attempt to attempt (G3). */
export interface TicketRequest {
  readonly requestId: string;
  readonly key: string;
  readonly clientId: string;
  readonly lockGuid: string;
  readonly service: ServiceInfo;
  readonly payload: RequestPayload;
}

/** What a search asks for; every member narrows. */
export interface SearchCriteria {
  readonly clientReference?: string;
  readonly ticketId?: string;
  /** The ticket that the request with this id made or changed. */
  readonly requestedBy?: string;
  readonly networkElements?: readonly string[];
  readonly kind?: TicketKind;
  readonly status?: readonly TicketStatus[];
  readonly maxResults?: number;
}

/** One element on the way from an alarmed element to the root of the topology. */
export interface PathHop {
  /** 0 = the alarmed element itself, then 1, 2 … upstream. */
  readonly hopNo: number;
  readonly elementId: string;
  readonly name: string | null;
  readonly type: string | null;
  readonly interface: string | null;
  readonly networkService: string | null;
}

/**
 * Where a path stops: at a root; at `pathHopsMax` with more to come; where the data turns in a circle; at an element
 * that the data names and does not hold. The last three are faults of the data; what lies before them is right.
 */
export type PathEnd = "root" | "limit" | "loop" | "dangling";

/** Ninas Network Path Details: where an element hangs in the topology. */
export interface NetworkPath {
  readonly elementId: string;
  /** The element itself first, at most `pathHopsMax`. */
  readonly hops: readonly PathHop[];
  /** Absent counts as `root`. */
  readonly end?: PathEnd;
  /** When the data that this was read from was loaded. */
  readonly loadedAt: Instant;
}

/** Who holds a client, since when (L1: all three or none). */
export interface Lock {
  readonly lockGuid: string;
  /** Rises with every lock granted to this client within an epoch (L2). */
  readonly fence: number;
  readonly lockTime: Instant;
}

export type ClientStateName = "idle" | "locked" | "searching" | "forwarding" | "closing";
/** What the supervisor adds for clients that have no live actor. */
export type ClientCondition = ClientStateName | "restarting" | "quarantined";

/** How an alarm ended (domain.md, "Settled"). */
export const outcomes = [
  "created",
  "updated",
  "reopened",
  "closed",
  "adopted",
  "stopped",
  "coalesced",
  "rejected",
  "failed",
  "unknown",
  "aborted",
] as const;
export type Outcome = (typeof outcomes)[number];

/** Why a key waits without holding a client. */
export type ParkReason = "storm" | "outage" | "async" | "inDoubt" | "covered" | "holdDown" | "notOwner";

export type ResponseStatus = "sending" | "ok" | "ack" | "nack" | "timeout" | "error" | "inDoubt" | "unknown";

/** One row of the Communication - Response Table. */
export interface ResponseRow {
  /** `requestId` and `attempt` together name the row. */
  readonly requestId: string;
  readonly attempt: number;
  readonly clientId: string;
  readonly lockGuid: string;
  readonly service: string;
  readonly command: Command;
  readonly key: string;
  readonly sentAt: Instant;
  readonly answeredAt: Instant | null;
  readonly durationMs: number | null;
  readonly status: ResponseStatus;
  readonly code: string | null;
  readonly cause: string | null;
  readonly asyncStatus: "awaited" | "ok" | "error" | "late" | "missing" | null;
  readonly ticketIds: readonly string[];
  /** What was sent, at most `rowTextBytesMax`, redacted. */
  readonly request: string;
  /** What came back, at most `rowTextBytesMax`, redacted. */
  readonly answer: string;
}
