/**
 * The pool as it is seen: each client's last known view, and what it went through as facts tell it. Facts are exact
 * where states are coalesced: a search of 3 ms leaves no state message, but it leaves its facts.
 */
import { bounds } from "./bounds.ts";
import { type ClientCondition, type ClientView, type FeedFact, kindOf } from "./feed.ts";

/** What a client went into, and the fact that says so. */
export interface Step {
  readonly at: number;
  readonly state: ClientCondition;
  /** Kind of the fact. */
  readonly by: string;
  readonly position: number;
  readonly lockGuid: string | null;
  readonly key: string | null;
}

export interface Client {
  readonly clientId: string;
  view: ClientView;
  /** When it came into its state, as far as this page saw it; null: before. */
  since: number | null;
  /** The state before, where it was seen. */
  from: ClientCondition | null;
  /** Of the current lock; null where not known. */
  key: string | null;
  service: string | null;
  deadlineAt: number | null;
  heldBy: string | null;
  /** Oldest first, at most `stepsPerClientMax`. */
  steps: Step[];
}

export function newClient(view: ClientView): Client {
  return {
    clientId: view.clientId,
    view,
    since: view.lockTime !== null && view.state === "locked" ? view.lockTime : null,
    from: null,
    key: null,
    service: null,
    deadlineAt: null,
    heldBy: null,
    steps: [],
  };
}

/** Latest wins. `at`: when the engine sent it. */
export function takeView(client: Client, view: ClientView, at: number): void {
  const before = client.view;
  client.view = view;
  if (view.state !== before.state) {
    client.from = before.state;
    client.since = at;
  }
  if (view.lockGuid !== before.lockGuid && view.lockGuid === null) forgetLock(client);
}

function forgetLock(client: Client): void {
  client.key = null;
  client.service = null;
  client.deadlineAt = null;
  client.heldBy = null;
}

/** What a fact says of the client that it names, directly or by its lock. */
export function takeClientFact(client: Client, fact: FeedFact): void {
  const state = stateAfter(fact);
  switch (fact.type) {
    case "ticketclient.client.locked":
      forgetLock(client);
      client.deadlineAt = fact.data.deadlineAt;
      client.heldBy = fact.data.by;
      break;
    case "ticketclient.flow.started":
      client.key = fact.data.key;
      break;
    case "ticketclient.request.planned":
      client.service = fact.data.service.name;
      break;
    case "ticketclient.response.row":
      if (!fact.data.change) client.service = fact.data.row.service;
      break;
    default:
  }
  if (state === null) return;
  const lockGuid = lockOf(fact);
  client.steps.push({
    at: Date.parse(fact.time),
    state,
    by: kindOf(fact),
    position: fact.data.position,
    lockGuid,
    key: client.key,
  });
  if (client.steps.length > bounds.stepsPerClientMax) client.steps.shift();
  if (state === "idle") forgetLock(client);
}

function lockOf(fact: FeedFact): string | null {
  if (fact.type === "ticketclient.response.row") return fact.data.change ? null : fact.data.row.lockGuid;
  return "lockGuid" in fact.data ? fact.data.lockGuid : null;
}

/** The state that a client is in once this has happened; null: it stays as it is. */
export function stateAfter(fact: FeedFact): ClientCondition | null {
  switch (fact.type) {
    case "ticketclient.client.locked":
    case "ticketclient.client.notBusyForced":
    case "ticketclient.request.answered":
      return "locked";
    // What a flow does first is to search.
    case "ticketclient.flow.started":
      return "searching";
    case "ticketclient.response.row":
      return !fact.data.change && fact.data.row.command === "search" ? "locked" : null;
    case "ticketclient.request.planned":
      return "forwarding";
    case "ticketclient.flow.ended":
      return "closing";
    case "ticketclient.client.unlocked":
    case "ticketclient.client.lockForced":
    case "ticketclient.client.lockExpired":
      return "idle";
    case "ticketclient.client.quarantined":
      return "quarantined";
    default:
      return null;
  }
}
