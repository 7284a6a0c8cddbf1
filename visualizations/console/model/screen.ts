/**
 * All that the page knows, as a fold of the feed's messages. Pure: no socket, clock or random; one owner changes it,
 * `take` and the few functions beside it, and every view only reads.
 *   F1 a fact whose `previous` is not the last one taken is a gap: it is not taken, and the reader resumes.
 *   F2 a reset drops every fact kept, and says how many are lost where that can be known.
 */
import { type Alarms, takeAlarmFact } from "./alarms.ts";
import { bounds } from "./bounds.ts";
import { type Client, newClient, withFact, withOpening, withoutFacts, withView } from "./clients.ts";
import type {
  Counters,
  FeedFact,
  FeedMessage,
  FeedSnapshot,
  Heartbeat,
  Mismatch,
  ServiceInfo,
} from "./feed.ts";
import { type Flows, flowOf, noFlows, takeFlowFact } from "./flows.ts";
import {
  type FailedSearch,
  failedWith,
  type RowChanges,
  type Rows,
  takeRowChange,
  takeRowFact,
} from "./rows.ts";
import { type Series, takeSeriesFact } from "./series.ts";

export interface Lost {
  /** Facts that were passed over, until somebody takes note; null: nobody can say, for it is another ledger. */
  readonly facts: number | null;
  readonly at: number;
}

export interface Screen {
  /** null: nothing has come yet. */
  ledger: string | null;
  /** The last fact taken, or where the stream began. */
  position: number;
  /** Where it was taken back to, to read the past; null: it was not. */
  rewoundTo: number | null;
  /** Time of the newest message: how old the screen is. */
  asOf: number | null;
  lost: Lost | null;
  readonly clients: Map<string, Client>;
  counters: Counters | null;
  waiting: FeedSnapshot["data"]["queue"] | null;
  services: readonly ServiceInfo[];
  selectedService: string | null;
  mismatch: Mismatch | null;
  heartbeat: Heartbeat | null;
  alarms: Alarms;
  flows: Flows;
  rows: Rows;
  rowChanges: RowChanges;
  failedSearches: readonly FailedSearch[];
  series: Series;
  /** Facts, oldest first. */
  events: FeedFact[];
  /** From before those, fetched when somebody asked; oldest first. */
  older: readonly FeedFact[];
  /** Position of the last fact that the audit shows. */
  auditedAt: number;
  /** Rises with everything taken. */
  version: number;
}

export type Taken =
  | { readonly kind: "taken" }
  /** Came before; nothing changed. */
  | { readonly kind: "repeated" }
  /** Something is missing: nothing was taken. Resume after `position`. */
  | { readonly kind: "gap"; readonly expected: number; readonly got: number };

const taken: Taken = { kind: "taken" };

export function emptyScreen(): Screen {
  return {
    ledger: null,
    position: 0,
    rewoundTo: null,
    asOf: null,
    lost: null,
    clients: new Map(),
    counters: null,
    waiting: null,
    services: [],
    selectedService: null,
    mismatch: null,
    heartbeat: null,
    alarms: new Map(),
    flows: noFlows(),
    rows: new Map(),
    rowChanges: new Map(),
    failedSearches: [],
    series: [],
    events: [],
    older: [],
    auditedAt: 0,
    version: 0,
  };
}

/** What `after=` takes; null: from now on. */
export function resumePoint({ ledger, position }: Screen): string | null {
  return ledger === null ? null : `${ledger}:${position}`;
}

export function take(screen: Screen, message: FeedMessage): Taken {
  const at = Date.parse(message.time);
  switch (message.type) {
    case "ticketclient.feed.snapshot":
      takeSnapshot(screen, message, at);
      break;
    case "ticketclient.client.state": {
      const client = screen.clients.get(message.data.clientId);
      if (client === undefined) screen.clients.set(message.data.clientId, newClient(message.data));
      else screen.clients.set(message.data.clientId, withView(client, message.data, at));
      break;
    }
    case "ticketclient.counters":
      screen.counters = message.data;
      break;
    default: {
      const { position, previous } = message.data;
      if (position <= screen.position) return { kind: "repeated" };
      if (previous !== screen.position) return { kind: "gap", expected: screen.position, got: previous };
      screen.position = position;
      takeFact(screen, message);
    }
  }
  screen.asOf = Math.max(screen.asOf ?? 0, at);
  screen.version += 1;
  return taken;
}

/** From the first snapshot of a ledger back, so that the newest facts before it are read too. False: there is nothing before. */
export function rewind(screen: Screen): boolean {
  if (screen.position === 0 || screen.clients.size > bounds.historyClientsMax) return false;
  screen.position = Math.max(0, screen.position - bounds.historyFacts);
  screen.rewoundTo = screen.position;
  return true;
}

function takeSnapshot(screen: Screen, { data }: FeedSnapshot, at: number): void {
  const { ledger, position, reset, clients, counters, queue, services, heartbeat } = data;
  const isNew = screen.ledger === null;
  // What was never shown is not lost.
  const isSeam = reset || (!isNew && (ledger !== screen.ledger || position !== screen.position));
  if (reset && screen.position === screen.rewoundTo) dropFacts(screen);
  else if (isSeam) {
    const isSame = ledger === screen.ledger && position >= screen.position;
    const before = screen.lost === null ? 0 : screen.lost.facts;
    const facts = isSame && before !== null ? before + position - screen.position : null;
    screen.lost = { facts, at };
    dropFacts(screen);
  }
  screen.ledger = ledger;
  screen.position = position;
  const known = new Set(clients.map(({ clientId }) => clientId));
  for (const clientId of screen.clients.keys()) if (!known.has(clientId)) screen.clients.delete(clientId);
  for (const view of clients) {
    const client = screen.clients.get(view.clientId);
    if (client === undefined) screen.clients.set(view.clientId, newClient(view));
    else screen.clients.set(view.clientId, withView(isSeam ? withoutFacts(client, view) : client, view, at));
  }
  screen.counters = counters;
  screen.waiting = queue;
  screen.services = services.rows;
  screen.selectedService = services.selected;
  screen.mismatch = services.mismatch;
  screen.heartbeat = heartbeat;
}

/** What is no longer known to be whole. */
function dropFacts(screen: Screen): void {
  screen.alarms = new Map();
  screen.flows = noFlows();
  screen.rows = new Map();
  screen.rowChanges = new Map();
  screen.failedSearches = [];
  screen.series = [];
  screen.events = [];
  screen.older = [];
  for (const [clientId, client] of screen.clients) screen.clients.set(clientId, { ...client, steps: [] });
}

/** What leaves the newest stays with the older ones, where somebody fetched any: between the two is no hole. */
function keepEvent(screen: Screen, fact: FeedFact): void {
  const { events, older } = screen;
  events.push(fact);
  if (events.length <= bounds.eventsMax * 1.25) return;
  const gone = events.splice(0, events.length - bounds.eventsMax);
  if (older.length > 0) screen.older = [...older, ...gone].slice(-bounds.olderEventsMax);
}

/** The oldest that is shown. */
export function oldestOf({ older, events }: Screen): FeedFact | undefined {
  return older[0] ?? events[0];
}

function takeFact(screen: Screen, fact: FeedFact): void {
  keepEvent(screen, fact);
  takeFlowFact(screen.flows, fact);
  takeAlarmFact(screen.alarms, screen.flows, fact);
  takeRowChange(screen.rows, screen.rowChanges, fact);
  takeRowFact(screen.rows, fact);
  screen.failedSearches = failedWith(screen.failedSearches, fact);
  takeSeriesFact(screen.series, fact);
  if (fact.type === "ticketclient.ledger.opened")
    for (const [clientId, one] of screen.clients) screen.clients.set(clientId, withOpening(one, fact));
  const client = screen.clients.get(clientOf(screen, fact) ?? "");
  if (client !== undefined)
    screen.clients.set(client.clientId, withFact(client, fact, flowOf(screen.flows, fact)));
  takeRest(screen, fact);
}

function takeRest(screen: Screen, fact: FeedFact): void {
  switch (fact.type) {
    case "ticketclient.services.imported":
      screen.services = fact.data.services;
      break;
    case "ticketclient.service.selected":
      screen.selectedService = fact.data.name;
      break;
    case "ticketclient.heartbeat.sent":
    case "ticketclient.heartbeat.failed":
      takeBeat(screen, fact);
      break;
    case "ticketclient.client.lockForced":
    case "ticketclient.client.notBusyForced":
    case "ticketclient.operator.acted":
    case "ticketclient.topology.loaded":
    case "ticketclient.responses.cleared":
    case "ticketclient.settings.changed":
      screen.auditedAt = fact.data.position;
      break;
    default:
  }
}

function takeBeat(
  screen: Screen,
  fact: Extract<FeedFact, { type: "ticketclient.heartbeat.sent" | "ticketclient.heartbeat.failed" }>,
): void {
  const { check, beat, because } = fact.data;
  const view = screen.heartbeat?.[check];
  if (screen.heartbeat === null || view === null || view === undefined) return;
  const at = Date.parse(fact.time);
  // After a resume the snapshot may know this beat already.
  if (at <= Math.max(view.lastSentAt ?? 0, view.lastFailure?.at ?? 0)) return;
  const isTaken = fact.type === "ticketclient.heartbeat.sent";
  const failure = isTaken ? null : fact.data.failure;
  screen.heartbeat = {
    ...screen.heartbeat,
    [check]: {
      ...view,
      lastSentAt: isTaken ? at : view.lastSentAt,
      lastOkAt: isTaken && beat === "success" ? at : view.lastOkAt,
      missed: isTaken ? 0 : view.missed + 1,
      lastFailure: isTaken && beat !== "fail" ? view.lastFailure : { at, beat, because, failure },
    },
  };
}

/** The client that a fact is about; null: about none. */
export function clientOf({ flows }: Screen, fact: FeedFact): string | null {
  if (fact.type === "ticketclient.response.row") return fact.data.row.clientId;
  if ("clientId" in fact.data) return fact.data.clientId;
  return flows.byGuid.get(flowOf(flows, fact) ?? "")?.clientId ?? null;
}
