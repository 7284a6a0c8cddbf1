/**
 * The state: everything the engine knows, as the facts of the ledger have made it, and look-ups in it.
 *   A5 a key's notifications wait in the order accepted.  L1 locked ⇔ GUID, fence and lock time all set.
 * `applyFact` alone changes it (fold.ts); everybody else reads.
 * Source: domain.md; laws.md, L1 and A5.
 */
import type {
  Delays,
  FoldSettings,
  NotificationRef,
  Parking,
  ReplacedOutcome,
  RequestResult,
  Stream,
} from "./facts.ts";
import { emptyHeartbeat, type HeartbeatStates } from "./heartbeat.ts";
import { limits } from "./limits.ts";
import { emptyResponseTable, type ResponseTable } from "./response-table.ts";
import type {
  Instant,
  Lock,
  Notification,
  Outcome,
  Position,
  RequestPayload,
  ResponseStatus,
  ServiceInfo,
  Severity,
  TicketKind,
  TicketStatus,
} from "./vocabulary.ts";

export interface Waiting {
  readonly ref: NotificationRef;
  readonly notification: Notification;
  /** When it was accepted. */
  readonly at: Instant;
  /** It was settled before: its current outcome, which the next one, if there is to be one, replaces (A2). */
  readonly replaces?: ReplacedOutcome;
}

/** A Major Outage that the ledger links to a key; planned maintenance made by hand is found by search alone. */
export interface LinkedTicket {
  readonly ticketId: string;
  readonly service: string;
  readonly status: TicketStatus;
  readonly severity: Severity | null;
  readonly openedAt: Instant | null;
  /** When we last knew for certain: the search's index may lag behind this. */
  readonly confirmedAt: Instant;
  /** What it lies on. */
  readonly elements: readonly string[];
}

/** What active alarms of a key rest on, for want of a ticket of their own (cover.ts). */
export interface CoverState {
  /** Its `until`: when it is looked at again. */
  readonly parking: Parking;
  /** Names (ticketName) of the tickets whose end ends it. */
  readonly tickets: readonly string[];
  /** Settled and active, each with its outcome: decided again when it ends. */
  readonly alarms: readonly Waiting[];
  /** One of its tickets has ended; null: none that we know of. */
  readonly endedAt: Instant | null;
  /** Of the fact that made it, or that left its alarms to be decided once more. */
  readonly position: Position;
  readonly checks: number;
}

/** `retry`: not applied, to be sent again. `async`: acknowledged, result awaited. */
export type RequestStatus = "planned" | "sending" | "retry" | "inDoubt" | "async";

export interface RequestState {
  readonly requestId: string;
  readonly key: string;
  readonly clientId: string;
  readonly lockGuid: string;
  readonly service: ServiceInfo;
  readonly payload: RequestPayload;
  readonly intent: Outcome;
  readonly rule: string;
  readonly alarms: readonly NotificationRef[];
  status: RequestStatus;
  /** Number of the last attempt. */
  attempts: number;
  /** Attempts of which a byte may have reached the service (G3 counts these). */
  spent: number;
  /** Attempts whose row still waits for what became of it, each in the table of the client that sent it. */
  openAttempts: { readonly attempt: number; readonly clientId: string }[];
  /** Look-ups after the doubt's waiting time that found nothing. */
  lookups: number;
  asyncResult: {
    readonly result: "OK" | "ERROR";
    readonly ticketId: string | null;
    readonly code: string | null;
    readonly cause: string | null;
  } | null;
  code: string | null;
  /** The ticket that an acknowledgement has named. */
  named: string | null;
}

/** The rule of a request that a flow written by hand has made: no alarm asked for it. */
export const byHand = "hand";

/** A settled request that a late async result, a search or an operator may still correct. */
export interface SettledRequest {
  readonly requestId: string;
  readonly key: string;
  readonly command: RequestPayload["command"];
  readonly service: string;
  readonly intent: Outcome;
  readonly rule: string;
  readonly lockGuid: string;
  readonly severity: Severity | null;
  /** The ticket it was about; null: a create of which none is known. */
  readonly ticketId: string | null;
  /** Of a create: what its ticket lies on, and what kind of ticket it is. */
  readonly elements: readonly string[];
  readonly kind: TicketKind;
  readonly result: "ok" | "rejected" | "failed" | "notApplied" | "cancelled" | "unknown";
  /** `behind`: of a notification that another flow settled as `unknown` because of this request. */
  outcomes: { ref: NotificationRef; position: Position; outcome: Outcome; behind?: true }[];
}

/** T1: a key's Major Outage may have been made by it; while one is `unknown`, the key makes no other. */
export function isOutageCreate({ command, kind }: SettledRequest): boolean {
  return command === "create" && kind === "MO";
}

/** A ticket that was closed lately, by us or (`gone`) by somebody under a request of ours. */
export interface ClosedTicket {
  readonly closedAt: Instant;
  /** Of the fact that says so. */
  readonly position: Position;
  readonly service: string;
  readonly keepUntil: Instant;
  readonly gone?: true;
  readonly elements: readonly string[];
}

export interface FlowState {
  readonly lockGuid: string;
  readonly clientId: string;
  readonly fence: number;
  readonly alarms: readonly NotificationRef[];
  readonly startedAt: Instant;
  readonly position: Position;
  /** It decides alarms again that were settled under a cover. */
  readonly again: boolean;
}

export interface KeyState {
  readonly key: string;
  /** Last position on the stream `key/…`; where there is none, that of the key's first fact. */
  revision: Position;
  lastAt: Instant;
  /** Accepted and not settled, in the order accepted (A5); those of the running flow included. */
  waiting: Waiting[];
  /** Alarm → its last raise or change, settled. */
  active: Map<string, Waiting>;
  /** Alarms seen cleared: when, if the clear came before any raise (D0); null if it had been raised. */
  cleared: Map<string, Instant | null>;
  open: Map<string, LinkedTicket>;
  /** Closed lately, oldest first: a lagging search may still show them open. */
  closed: Map<string, ClosedTicket>;
  flow: FlowState | null;
  request: RequestState | null;
  /**
   * Requests nobody can say the fate of; while an outage's create is among them this key makes no other. Those about
   * a ticket that has ended since leave: nobody needs to know any more.
   */
  unknown: SettledRequest[];
  parked: Parking | null;
  cover: CoverState | null;
  /** Parkings in a row for the same trouble: sets the back-off. */
  parkings: number;
  crashes: number;
  /** Position of the newest notification that a flow has begun for. */
  begun: Position;
  /** Position of the first alarm that was already decided once more after its request came to nothing. */
  again: Position;
}

export interface ClientLedger {
  revision: Position;
  /** Key of the automatic flow that holds it, if one does. */
  key: string | null;
  fence: number;
  lock: (Lock & { readonly deadlineAt: Instant; readonly by: "flow" | "hand" }) | null;
}

export interface Counters {
  accepted: number;
  settled: number;
  outcomes: Partial<Record<Outcome, number>>;
  /** Claims of the service that a later search did not bear out (T2). */
  claimsNotKept: number;
  /** Linked to a key and not seen closed. */
  openTickets: number;
  /** Requests settled, by result; one that is corrected later counts under both. */
  requests: Partial<Record<RequestResult, number>>;
  /** Searches answered, by the status of their row. */
  searches: Partial<Record<ResponseStatus, number>>;
}

export interface State {
  position: Position;
  epoch: string;
  settings: FoldSettings;
  /** What the configuration said at the last start; null: not known. */
  configured: FoldSettings | null;
  services: readonly ServiceInfo[];
  selectedService: string | null;
  keys: Map<string, KeyState>;
  clients: Map<string, ClientLedger>;
  tables: Map<string, ResponseTable>;
  /** Unsettled requests → their key. */
  requests: Map<string, string>;
  /** Settled requests of services with async results, oldest first. */
  settledRequests: Map<string, SettledRequest>;
  /** Requests that nobody can say the fate of → their key. */
  unknown: Map<string, string>;
  /** Places of what operators did, the newest `auditedKept`, oldest first. */
  audited: Position[];
  counters: Counters;
  heartbeat: HeartbeatStates;
  index: TicketIndex;
  /** While a snapshot of the state is being taken: told of each key before it changes or leaves, and of each table before it changes. */
  capture: {
    readonly before: (key: KeyState) => void;
    readonly beforeTable?: (table: ResponseTable) => void;
  } | null;
}

/** Kept by ticket-index.ts. */
export interface TicketIndex {
  /** Element → ticket name → key, of open linked tickets. */
  readonly onElement: Map<string, Map<string, string>>;
  /** Ticket name → keys whose active alarms rest on it. */
  readonly covered: Map<string, Set<string>>;
}

export function emptyTicketIndex(): TicketIndex {
  return { onElement: new Map(), covered: new Map() };
}

export const noDelays: Delays = { createSeconds: 0, updateSeconds: 0, closeSeconds: 0 };

export function emptyState(): State {
  return {
    position: 0,
    epoch: "",
    settings: {
      maxResponseRows: limits.maxResponseRowsDefault,
      reopenSeconds: 0,
      clockSkewSeconds: limits.clockSkewSecondsDefault,
      dedupDays: limits.dedupDaysDefault,
    },
    configured: null,
    services: [],
    selectedService: null,
    keys: new Map(),
    clients: new Map(),
    tables: new Map(),
    requests: new Map(),
    settledRequests: new Map(),
    unknown: new Map(),
    audited: [],
    counters: {
      accepted: 0,
      settled: 0,
      outcomes: {},
      claimsNotKept: 0,
      openTickets: 0,
      requests: {},
      searches: {},
    },
    heartbeat: emptyHeartbeat(),
    index: emptyTicketIndex(),
    capture: null,
  };
}

export function emptyKey(key: string): KeyState {
  return {
    key,
    revision: 0,
    lastAt: 0,
    waiting: [],
    active: new Map(),
    cleared: new Map(),
    open: new Map(),
    closed: new Map(),
    flow: null,
    request: null,
    unknown: [],
    parked: null,
    cover: null,
    parkings: 0,
    crashes: 0,
    begun: 0,
    again: 0,
  };
}

export function unsettledAlarms(state: State): number {
  return state.counters.accepted - state.counters.settled;
}

export function openTicketsOf(state: State): number {
  return state.counters.openTickets;
}

/** A request that was settled as `unknown` and still is, whichever key it is of. */
export function unknownRequest(state: State, requestId: string): SettledRequest | null {
  const key = state.unknown.get(requestId);
  const unknown = key === undefined ? undefined : state.keys.get(key)?.unknown;
  return unknown?.find((one) => one.requestId === requestId) ?? null;
}

export function delaysOf({ settings }: State): Delays {
  return settings.delays ?? noDelays;
}

export function keyStream(key: string): Stream {
  return `key/${key}`;
}

export function clientStream(clientId: string): Stream {
  return `client/${clientId}`;
}

/** The key, to be changed by the fold; it is made when there is none. */
export function keyState(state: State, key: string): KeyState {
  let found = state.keys.get(key);
  if (found !== undefined) state.capture?.before(found);
  else {
    // Of a key that was forgotten, all that its stream holds has been seen.
    found = { ...emptyKey(key), revision: state.position };
    state.keys.set(key, found);
  }
  return found;
}

export function clientLedger(state: State, clientId: string): ClientLedger {
  let found = state.clients.get(clientId);
  if (found === undefined) {
    found = { revision: 0, key: null, fence: 0, lock: null };
    state.clients.set(clientId, found);
  }
  return found;
}

/** To be changed. */
export function responseTable(state: State, clientId: string): ResponseTable {
  let found = state.tables.get(clientId);
  if (found === undefined) {
    found = emptyResponseTable();
    state.tables.set(clientId, found);
  } else state.capture?.beforeTable?.(found);
  return found;
}

/** Place of a notification in its key's line, or -1; nearly always the first. */
export function waitingIndex(key: KeyState, alarm: NotificationRef): number {
  let low = 0;
  let high = key.waiting.length - 1;
  if (key.waiting[0]?.ref.position === alarm.position) return 0;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const position = key.waiting[middle]?.ref.position ?? 0;
    if (position === alarm.position) return middle;
    if (position < alarm.position) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The notifications of `alarms` that are still in line. */
export function waitingOf(key: KeyState, alarms: readonly NotificationRef[]): Waiting[] {
  return alarms.flatMap((alarm) => key.waiting[waitingIndex(key, alarm)] ?? []);
}

/** Whether the notification is accepted and not settled. */
export function isWaiting(key: KeyState, alarm: NotificationRef): boolean {
  return waitingIndex(key, alarm) >= 0;
}

/** D0: a raise of an alarm never raised before, whose clear was accepted first. */
export function isClearedEarly(key: KeyState, notification: Notification, clockSkewSeconds: number): boolean {
  const early = key.cleared.get(notification.alarm);
  return (
    notification.kind === "raise" &&
    typeof early === "number" &&
    notification.raisedAt <= early + clockSkewSeconds * 1000
  );
}

/**
 * A8: a raise or change that is decided again, and whose alarm was cleared meanwhile: the flow of the clear was on its
 * way when it came back into line.
 */
export function hasEnded(key: KeyState, { notification, replaces }: Waiting): boolean {
  return notification.kind !== "clear" && replaces !== undefined && !key.active.has(notification.alarm);
}
