/**
 * The fold: everything the engine knows, computed from the facts alone.
 *   R1 fold(ledger up to p) equals the live state at p.  A2 one current outcome an alarm.
 *   L1 locked ⇔ GUID, fence and lock time all set.  L2 a fence only rises; a new epoch ends every lock.
 * One owner mutates it, by `applyFact` only; everybody else reads.
 */
import type { Fact, FoldSettings, NotificationRef, Parking, Stream } from "./facts.ts";
import { limits } from "./limits.ts";
import { changeRow, emptyResponseTable, evict, insertRow, type ResponseTable } from "./response-table.ts";
import type {
  Instant,
  Lock,
  Notification,
  Outcome,
  Position,
  RequestPayload,
  ServiceInfo,
  Severity,
  TicketStatus,
} from "./vocabulary.ts";

export interface Waiting {
  readonly ref: NotificationRef;
  readonly notification: Notification;
}

export interface ActiveAlarm {
  readonly severity: Severity;
  readonly ref: NotificationRef;
  readonly raisedAt: Instant;
}

/** A ticket that the ledger links to a key. */
export interface LinkedTicket {
  readonly ticketId: string;
  readonly service: string;
  readonly status: TicketStatus;
  readonly severity: Severity | null;
  readonly openedAt: Instant | null;
  /** When we last knew for certain: the search's index may lag behind this. */
  readonly confirmedAt: Instant;
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
  /** Attempts whose row still waits for what became of it. */
  openAttempts: number[];
  /** Look-ups after the doubt's waiting time that found nothing. */
  lookups: number;
  asyncResult: {
    readonly result: "OK" | "ERROR";
    readonly ticketId: string | null;
    readonly code: string | null;
    readonly cause: string | null;
  } | null;
  code: string | null;
}

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
  readonly result: "ok" | "rejected" | "failed" | "notApplied" | "cancelled" | "unknown";
  readonly outcomes: { ref: NotificationRef; position: Position; outcome: Outcome }[];
}

export interface FlowState {
  readonly lockGuid: string;
  readonly clientId: string;
  readonly fence: number;
  readonly alarms: readonly NotificationRef[];
  readonly startedAt: Instant;
}

export interface KeyState {
  readonly key: string;
  /** Last position on the stream `key/…`. */
  revision: Position;
  lastAt: Instant;
  /** Accepted and not settled, in the order accepted (A5); those of the running flow included. */
  waiting: Waiting[];
  active: Map<string, ActiveAlarm>;
  /** Alarms seen cleared: when, if the clear came before any raise (D0); null if it had been raised. */
  cleared: Map<string, Instant | null>;
  open: Map<string, LinkedTicket>;
  /** Closed by us lately, oldest first: a lagging search may still show them open. */
  closed: Map<string, { readonly closedAt: Instant; readonly service: string; readonly keepUntil: Instant }>;
  flow: FlowState | null;
  request: RequestState | null;
  /** Requests nobody can say the fate of; while a create is among them this key makes no other. */
  unknown: SettledRequest[];
  parked: Parking | null;
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
}

export interface State {
  position: Position;
  epoch: string;
  settings: FoldSettings;
  services: readonly ServiceInfo[];
  selectedService: string | null;
  keys: Map<string, KeyState>;
  clients: Map<string, ClientLedger>;
  tables: Map<string, ResponseTable>;
  /** Unsettled requests → their key. */
  requests: Map<string, string>;
  /** Settled requests of services with async results, oldest first. */
  settledRequests: Map<string, SettledRequest>;
  counters: Counters;
}

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
    services: [],
    selectedService: null,
    keys: new Map(),
    clients: new Map(),
    tables: new Map(),
    requests: new Map(),
    settledRequests: new Map(),
    counters: { accepted: 0, settled: 0, outcomes: {}, claimsNotKept: 0 },
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
  let open = 0;
  for (const key of state.keys.values()) open += key.open.size;
  return open;
}

export function keyStream(key: string): Stream {
  return `key/${key}`;
}
export function clientStream(clientId: string): Stream {
  return `client/${clientId}`;
}

function keyState(state: State, key: string): KeyState {
  let found = state.keys.get(key);
  if (found === undefined) {
    found = emptyKey(key);
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

export function responseTable(state: State, clientId: string): ResponseTable {
  let found = state.tables.get(clientId);
  if (found === undefined) {
    found = emptyResponseTable();
    state.tables.set(clientId, found);
  }
  return found;
}

/** The only way the state changes. Facts must come in the order of their positions, none left out. */
export function applyFact(state: State, fact: Fact): void {
  state.position = fact.position;
  if (fact.stream.startsWith("key/")) {
    const key = keyState(state, fact.stream.slice(4));
    key.revision = fact.position;
    key.lastAt = fact.at;
  } else if (fact.stream.startsWith("client/")) {
    clientLedger(state, fact.stream.slice(7)).revision = fact.position;
  }
  fold(state, fact);
  if (fact.position % limits.sweepEveryFacts === 0) sweep(state, fact.at);
}

function fold(state: State, fact: Fact): void {
  switch (fact.type) {
    case "ledger.opened":
      return openEpoch(state, fact.epoch);
    case "settings.changed":
      state.settings = fact.body;
      for (const table of state.tables.values()) evict(table, fact.body.maxResponseRows);
      return;
    case "services.imported":
      state.services = fact.body.services;
      return;
    case "service.selected":
      state.selectedService = fact.body.name;
      return;

    case "alarm.accepted": {
      const { notification } = fact.body;
      const key = keyState(state, notification.key);
      key.lastAt = fact.at;
      key.waiting.push({
        ref: { source: notification.source, id: notification.id, position: fact.position },
        notification,
      });
      state.counters.accepted += 1;
      return;
    }
    case "alarm.settled":
      return settleAlarm(state, fact);

    case "flow.started": {
      const key = keyState(state, fact.body.key);
      const { lockGuid, clientId, fence, alarms } = fact.body;
      key.flow = { lockGuid, clientId, fence, alarms, startedAt: fact.at };
      clientLedger(state, clientId).key = key.key;
      for (const alarm of alarms) key.begun = Math.max(key.begun, alarm.position);
      key.parked = null;
      return;
    }
    case "flow.decided": {
      const { request } = keyState(state, fact.body.key);
      const isSought = request?.status === "inDoubt" || request?.status === "async";
      if (isSought && fact.body.decision === "park") request.lookups += 1;
      return;
    }
    case "flow.ended": {
      const key = keyState(state, fact.body.key);
      if (key.flow?.lockGuid !== fact.body.lockGuid) return;
      const first = key.flow.alarms[0];
      // R6: only crashes of one and the same alarm in a row count.
      const stillWaiting = first !== undefined && isWaiting(key, first);
      key.crashes = fact.body.result === "crashed" && stillWaiting ? key.crashes + 1 : 0;
      key.flow = null;
      return;
    }
    case "key.parked": {
      const key = keyState(state, fact.body.key);
      key.parked = fact.body.parking;
      key.parkings += 1;
      return;
    }

    case "request.planned": {
      const { requestId, key, clientId, lockGuid, service, payload, intent, rule, alarms } = fact.body;
      keyState(state, key).request = {
        requestId,
        key,
        clientId,
        lockGuid,
        service,
        payload,
        intent,
        rule,
        alarms,
        status: "planned",
        attempts: 0,
        spent: 0,
        openAttempts: [],
        lookups: 0,
        asyncResult: null,
        code: null,
      };
      state.requests.set(requestId, key);
      return;
    }
    case "request.sending": {
      const request = unsettledRequest(state, fact.body.key, fact.body.requestId);
      if (request === null) return;
      request.status = "sending";
      request.attempts = fact.body.attempt;
      request.spent += 1;
      request.openAttempts.push(fact.body.attempt);
      return;
    }
    case "request.answered": {
      const request = unsettledRequest(state, fact.body.key, fact.body.requestId);
      if (request === null) return;
      request.code = fact.body.code;
      request.lookups = 0;
      if (fact.body.answer === "ack") {
        request.status = "async";
        return;
      }
      if (fact.body.answer === "unreachable") request.spent -= 1;
      if (fact.body.answer !== "inDoubt")
        request.openAttempts = request.openAttempts.filter((one) => one !== fact.body.attempt);
      // An earlier attempt in doubt stays so, whatever a later one was told.
      request.status =
        fact.body.answer === "inDoubt" || request.openAttempts.length > 0 ? "inDoubt" : "retry";
      return;
    }
    case "request.async": {
      const key = fact.body.key;
      const request = key === null ? null : unsettledRequest(state, key, fact.body.requestId);
      if (request === null) return;
      const { result, ticketId, code, cause } = fact.body;
      request.asyncResult = { result, ticketId, code, cause };
      return;
    }
    case "request.settled":
      return settleRequest(state, fact);

    case "ticket.linked": {
      const { key, ticketId, service, status, severity, openedAt } = fact.body;
      keyState(state, key).open.set(ticketId, {
        ticketId,
        service,
        status,
        severity,
        openedAt,
        confirmedAt: fact.at,
      });
      return;
    }
    case "ticket.lost": {
      keyState(state, fact.body.key).open.delete(fact.body.ticketId);
      keyState(state, fact.body.key).closed.delete(fact.body.ticketId);
      if (!fact.body.claimKept) state.counters.claimsNotKept += 1;
      return;
    }

    case "response.row":
      if (fact.body.change)
        changeRow(
          responseTable(state, fact.body.row.clientId),
          fact.body.row,
          state.settings.maxResponseRows,
        );
      else
        insertRow(
          responseTable(state, fact.body.row.clientId),
          fact.body.row,
          fact.position,
          state.settings.maxResponseRows,
        );
      return;

    case "client.locked": {
      const { clientId, lockGuid, fence, lockTime, deadlineAt, by } = fact.body;
      const client = clientLedger(state, clientId);
      client.fence = fence; // L2
      client.lock = { lockGuid, fence, lockTime, deadlineAt, by }; // L1
      return;
    }
    case "client.unlocked":
    case "client.lockForced":
    case "client.lockExpired": {
      const client = clientLedger(state, fact.body.clientId);
      if (client.lock?.fence === fact.body.fence) {
        client.lock = null;
        client.key = null;
      }
      return;
    }
    case "client.notBusyForced":
    case "client.quarantined":
    case "operator.acted":
      return;
    default:
      return unreachableFact(fact);
  }
}

function unreachableFact(fact: never): never {
  throw new Error(
    `A fact of a type this version does not know: ${JSON.stringify(fact).slice(0, 200)}. Start the version that wrote it.`,
  );
}

/** L2, L5: locks and flows die with the process that held them. */
function openEpoch(state: State, epoch: string): void {
  state.epoch = epoch;
  for (const client of state.clients.values()) {
    client.lock = null;
    client.key = null;
  }
  for (const key of state.keys.values()) key.flow = null;
}

function unsettledRequest(state: State, key: string, requestId: string): RequestState | null {
  const request = state.keys.get(key)?.request ?? null;
  return request?.requestId === requestId ? request : null;
}

function settleAlarm(state: State, fact: Extract<Fact, { type: "alarm.settled" }>): void {
  const { alarm, outcome, supersedes, requestId } = fact.body;
  const { counters } = state;
  counters.outcomes[outcome] = (counters.outcomes[outcome] ?? 0) + 1;
  if (supersedes !== null)
    counters.outcomes[supersedes.outcome] = (counters.outcomes[supersedes.outcome] ?? 1) - 1;
  else counters.settled += 1;

  const key = keyState(state, fact.body.key);
  if (requestId !== null) {
    const settled =
      key.unknown.find((one) => one.requestId === requestId) ?? state.settledRequests.get(requestId);
    if (settled !== undefined) {
      const known = settled.outcomes.find((one) => one.ref.position === alarm.position);
      if (known === undefined) settled.outcomes.push({ ref: alarm, position: fact.position, outcome });
      else Object.assign(known, { position: fact.position, outcome });
    }
  }
  if (supersedes !== null) return;
  key.parkings = 0;
  const at = waitingIndex(key, alarm);
  const waiting = key.waiting[at];
  if (waiting === undefined) return;
  key.waiting.splice(at, 1);
  takeEffect(key, waiting, state.settings.clockSkewSeconds);
}

/** Place of a notification in its key's line, or -1; nearly always the first. */
function waitingIndex(key: KeyState, alarm: NotificationRef): number {
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

/** What a settled notification leaves behind: the alarm is active from its raise to its clear, whatever the outcome. */
function takeEffect(key: KeyState, { notification, ref }: Waiting, clockSkewSeconds: number): void {
  const { alarm } = notification;
  if (notification.kind === "clear") {
    const wasActive = key.active.delete(alarm);
    if (wasActive) remember(key, alarm, null);
    else if (!key.cleared.has(alarm)) remember(key, alarm, notification.clearedAt ?? notification.raisedAt);
  } else if (isClearedEarly(key, notification, clockSkewSeconds)) {
    remember(key, alarm, null);
  } else {
    key.active.set(alarm, { severity: notification.severity, ref, raisedAt: notification.raisedAt });
    remember(key, alarm, null);
  }
}

function remember(key: KeyState, alarm: string, earlyClearAt: Instant | null): void {
  key.cleared.delete(alarm);
  key.cleared.set(alarm, earlyClearAt);
  if (key.cleared.size <= limits.clearedAlarmsPerKeyMax) return;
  for (const oldest of key.cleared.keys()) {
    key.cleared.delete(oldest);
    return;
  }
}

function settleRequest(state: State, fact: Extract<Fact, { type: "request.settled" }>): void {
  const { requestId, result, command, ticketId, service, ticket } = fact.body;
  const key = keyState(state, fact.body.key);
  const request = unsettledRequest(state, fact.body.key, requestId);
  const wasUnknown = key.unknown.findIndex((one) => one.requestId === requestId);
  if (request !== null) {
    key.request = null;
    key.parked = null;
    if (fact.body.again) key.again = request.alarms[0]?.position ?? 0;
    state.requests.delete(requestId);
    if (result === "unknown" || request.service.asyncSeconds > 0) {
      const { lockGuid, intent, rule, payload } = request;
      const severity = "severity" in payload ? (payload.severity ?? null) : null;
      const settled = {
        requestId,
        key: key.key,
        command: payload.command,
        service,
        intent,
        rule,
        lockGuid,
        severity,
        result,
        outcomes: [],
      };
      if (result === "unknown") key.unknown.push(settled);
      else rememberSettled(state, settled);
    }
  } else if (wasUnknown >= 0 && result !== "unknown") {
    const [was] = key.unknown.splice(wasUnknown, 1);
    if (was !== undefined) rememberSettled(state, { ...was, result });
  } else {
    const late = state.settledRequests.get(requestId);
    if (late !== undefined) state.settledRequests.set(requestId, { ...late, result });
  }
  if (ticketId === null || ticket === null) return;
  if (command === "close" || ticket.status === "closed") {
    key.open.delete(ticketId);
    const settleMs = (request?.service.settleSeconds ?? limits.serviceSettleSecondsDefault) * 1000;
    const keepUntil = fact.at + Math.max(settleMs, state.settings.reopenSeconds * 1000);
    key.closed.delete(ticketId);
    key.closed.set(ticketId, { closedAt: fact.at, service, keepUntil });
    forgetClosed(key, fact.at);
  } else {
    const before = key.open.get(ticketId);
    key.closed.delete(ticketId);
    key.open.set(ticketId, {
      ticketId,
      service,
      status: ticket.status,
      severity: ticket.severity ?? before?.severity ?? null,
      openedAt: ticket.openedAt ?? before?.openedAt ?? null,
      confirmedAt: fact.at,
    });
  }
}

function rememberSettled(state: State, settled: SettledRequest): void {
  state.settledRequests.set(settled.requestId, settled);
  if (state.settledRequests.size <= limits.settledRequestsKept) return;
  for (const oldest of state.settledRequests.keys()) {
    state.settledRequests.delete(oldest);
    return;
  }
}

function forgetClosed(key: KeyState, at: Instant): void {
  for (const [ticketId, { keepUntil }] of key.closed) {
    if (keepUntil >= at) return;
    key.closed.delete(ticketId);
  }
}

/** Keys of which nothing is open, waiting or active, and which were quiet for the days that repeats are known, leave. */
function sweep(state: State, at: Instant): void {
  const quietSince = at - state.settings.dedupDays * 86_400_000;
  for (const [name, key] of state.keys) {
    const known = key.waiting.length + key.active.size + key.open.size + key.unknown.length;
    if (known === 0 && key.flow === null && key.request === null && key.lastAt < quietSince)
      state.keys.delete(name);
  }
}

/**
 * JSON text of the whole state, for snapshots and for R1's comparison: equal states give equal texts. Maps are
 * named one by one: a replacer would be called for every member of a hundred thousand waiting notifications.
 */
export function stateText(state: State): string {
  return JSON.stringify({
    ...state,
    keys: [...state.keys.values()].map((key) => ({
      ...key,
      active: [...key.active],
      cleared: [...key.cleared],
      open: [...key.open],
      closed: [...key.closed],
    })),
    clients: [...state.clients],
    tables: [...state.tables],
    requests: [...state.requests],
    settledRequests: [...state.settledRequests],
  });
}

/** The state that `stateText` wrote. */
export function stateFromText(text: string): State {
  const read = JSON.parse(text) as Omit<Written<State>, "keys"> & { keys: readonly Written<KeyState>[] };
  const keys = read.keys.map((key): [string, KeyState] => [
    key.key,
    {
      ...key,
      active: new Map(key.active),
      cleared: new Map(key.cleared),
      open: new Map(key.open),
      closed: new Map(key.closed),
    },
  ]);
  return {
    ...read,
    keys: new Map(keys),
    clients: new Map(read.clients),
    tables: new Map(read.tables),
    requests: new Map(read.requests),
    settledRequests: new Map(read.settledRequests),
  };
}

/** As JSON has it: each Map an array of its entries. */
type Written<T> = {
  [Name in keyof T]: T[Name] extends Map<infer Key, infer Value> ? [Key, Value][] : T[Name];
};
