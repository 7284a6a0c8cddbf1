/**
 * The pool as it is seen: each client's last known view, and what it went through as facts tell it. Facts are exact
 * where states are coalesced: a search of 3 ms leaves no state message, but it leaves its facts.
 */
import { bounds } from "./bounds.ts";
import { type ClientCondition, type ClientView, type FeedFact, type FeedFactOf, kindOf } from "./feed.ts";

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

/** Never changed: what changes is a new one, so that views see by identity what to draw again. */
export interface Client {
  readonly clientId: string;
  readonly view: ClientView;
  /** When it was seen coming into its state; null: it was in it before. `sinceOf` knows more. */
  readonly since: number | null;
  /** The lock that these four are of, as facts told; null where none did. */
  readonly lock: string | null;
  readonly key: string | null;
  readonly service: string | null;
  readonly deadlineAt: number | null;
  readonly heldBy: string | null;
  /** Oldest first, at most `stepsPerClientMax`. */
  readonly steps: readonly Step[];
}

export function newClient(view: ClientView): Client {
  return {
    clientId: view.clientId,
    view,
    since: view.lockTime !== null && view.state === "locked" ? view.lockTime : null,
    ...noLock,
    steps: [],
  };
}

const noLock = { lock: null, key: null, service: null, deadlineAt: null, heldBy: null } as const;

/**
 * When it came into its state, as states and facts tell, the later of the two: between two states it may have left and
 * come back. null: nobody told.
 */
export function sinceOf({ since, steps, view }: Client): number | null {
  const last = steps.at(-1);
  const told = last?.state === view.state ? last.at : null;
  return since === null || told === null ? (since ?? told) : Math.max(since, told);
}

/** Latest wins. `at`: when the engine sent it. */
export function withView(client: Client, view: ClientView, at: number): Client {
  const before = client.view;
  const isSame = view.state === before.state && view.lockGuid === before.lockGuid;
  const moved = isSame ? undefined : { since: at };
  const freed = view.lockGuid === null && before.lockGuid !== null ? noLock : undefined;
  return { ...client, ...moved, ...freed, view };
}

/** Facts were passed over: what they told of another lock than the one that is seen is forgotten. */
export function withoutFacts(client: Client, { lockGuid }: ClientView): Client {
  return client.lock === lockGuid ? client : { ...client, ...noLock };
}

/** What a fact says of the client that it names, directly or by its lock. `lockGuid`: the lock; null: of none that is known. */
export function withFact(client: Client, fact: FeedFact, lockGuid: string | null): Client {
  if (isLate(client, fact, lockGuid)) return client;
  const told = { ...client, ...lockTold(fact) };
  const state = stateAfter(fact);
  if (state === null) return told;
  const step: Step = {
    at: Date.parse(fact.time),
    state,
    by: kindOf(fact),
    position: fact.data.position,
    lockGuid: lockOf(fact),
    key: told.key,
  };
  return withStep({ ...told, ...(state === "idle" ? noLock : undefined) }, step);
}

/** A restart of the engine ends every lock (L5). */
export function withOpening(client: Client, fact: FeedFactOf<"ledger.opened">): Client {
  const last = client.steps.at(-1);
  if (last === undefined || last.state === "idle") return { ...client, ...noLock };
  const { position } = fact.data;
  const step = { at: Date.parse(fact.time), state: "idle", by: kindOf(fact), position } as const;
  const { lockGuid, key } = last;
  return withStep({ ...client, ...noLock }, { ...step, lockGuid, key });
}

function withStep(client: Client, step: Step): Client {
  return { ...client, steps: [...client.steps.slice(1 - bounds.stepsPerClientMax), step] };
}

const free: ReadonlySet<ClientCondition> = new Set(["idle", "quarantined"]);

/** What is told of a lock that has ended moves the client no more: an answer that comes late, a flow that was forced to end. */
function isLate({ lock, steps }: Client, fact: FeedFact, lockGuid: string | null): boolean {
  if (fact.type === "ticketclient.client.locked" || fact.type === "ticketclient.client.quarantined")
    return false;
  if (lock !== null && lockGuid !== null) return lock !== lockGuid;
  const last = steps.at(-1);
  return last !== undefined && free.has(last.state);
}

function lockTold(fact: FeedFact): Partial<Client> {
  switch (fact.type) {
    case "ticketclient.client.locked":
      return {
        ...noLock,
        lock: fact.data.lockGuid,
        deadlineAt: fact.data.deadlineAt,
        heldBy: fact.data.by,
      };
    case "ticketclient.flow.started":
      return { key: fact.data.key };
    case "ticketclient.request.planned":
      return { service: fact.data.service.name };
    case "ticketclient.response.row":
      return fact.data.change ? {} : { service: fact.data.row.service };
    default:
      return {};
  }
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
