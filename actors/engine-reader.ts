/**
 * What the HTTP API shows of a running engine: the pool, the requests, the response tables, the flows, the audit.
 * Folds of the ledger and live states, read and never acted on.
 *   L6 the audit says who, when, why and whose lock it was.  F4 each answer is bounded.
 * Source: wire.md, "HTTP API"; console.md.
 */
import type { Fact } from "../machines/facts.ts";
import { limits } from "../machines/limits.ts";
import { emptyResponseTable, presentRows } from "../machines/response-table.ts";
import { delaysOf, type RequestState, type RequestStatus, type State } from "../machines/state.ts";
import type { SearchResults } from "../machines/search-results.ts";
import type { Position } from "../machines/vocabulary.ts";
import type {
  ClientMessage,
  ResponsesMessage,
  ResponsesQuery,
  SearchResultsMessage,
  SettingsMessage,
} from "./api-messages.ts";
import type {
  ActMessage,
  FlowDetailMessage,
  FlowMessage,
  GatewayMessage,
  RequestMessage,
} from "./api-records.ts";
import { AlarmFinder } from "./alarm-finder.ts";
import type { ClientView, EngineSnapshot } from "./engine-views.ts";
import type { Explanation } from "./explain.ts";
import { FlowHistory } from "./flow-history.ts";
import type { Ledger } from "./ports.ts";
import { readResponses } from "./response-rows.ts";

export interface ReaderPorts {
  readonly ledger: Pick<Ledger, "read" | "readKey" | "readStream" | "head">;
  readonly state: () => State;
  readonly views: ReadonlyMap<string, ClientView>;
  /** Live search results of a client; null: none since it was started. */
  readonly results: (clientId: string) => SearchResults | null;
  readonly waiting: () => EngineSnapshot["queue"];
  /** Where the gateway's service table differs. */
  readonly mismatch: () => EngineSnapshot["services"]["mismatch"];
}

export class EngineReader {
  readonly #ports: ReaderPorts;
  readonly #flows: FlowHistory;
  readonly #finder: AlarmFinder;

  constructor(ports: ReaderPorts) {
    this.#ports = ports;
    this.#flows = new FlowHistory(ports.ledger, ports.state);
    this.#finder = new AlarmFinder(ports.ledger, ports.state);
  }

  get position(): Position {
    return this.#ports.state().position;
  }

  /** Queue and parked keys. */
  get waiting(): EngineSnapshot["queue"] {
    return this.#ports.waiting();
  }

  clients(): ClientMessage[] {
    return [...this.#ports.views.values()].map((view) => this.#client(view));
  }

  client(clientId: string): ClientMessage | null {
    const view = this.#ports.views.get(clientId);
    return view === undefined ? null : this.#client(view);
  }

  /** null: there is no such client. */
  searchResults(clientId: string): SearchResultsMessage | null {
    if (!this.#ports.views.has(clientId)) return null;
    const results = this.#ports.results(clientId);
    if (results === null) return { clientId, results };
    const { lockGuid, at, truncated, tickets, path } = results;
    const found = tickets.map((one) => ({ ...one, networkElements: [...one.networkElements] }));
    return { clientId, results: { lockGuid, at, truncated, tickets: found, path: pathMessage(path) } };
  }

  responses(query: ResponsesQuery): Promise<ResponsesMessage> {
    return readResponses(this.#ports.ledger, this.#ports.state(), query);
  }

  /** Newest first. */
  flows(limit: number, before?: Position): Promise<{ flows: FlowMessage[]; next: Position | null }> {
    return this.#flows.page(limit, before);
  }

  flow(lockGuid: string, key: string | null): Promise<FlowDetailMessage | null> {
    return this.#flows.one(lockGuid, key);
  }

  /** Decision records of what somebody has at hand: an alarm's id, an element, a key or a ticket. Newest first. */
  findAlarms(text: string, count: number): Promise<Explanation[]> {
    return this.#finder.find(text, count);
  }

  gateway(): GatewayMessage {
    const state = this.#ports.state();
    const counts = { planned: 0, sending: 0, retry: 0, inDoubt: 0, async: 0, unknown: state.unknown.size };
    const mismatch = this.#ports.mismatch();
    const requests: RequestMessage[] = [];
    const inFlight: RequestMessage[] = [];
    for (const request of unsettledRequests(state)) {
      counts[request.status] += 1;
      if (request.status === "sending") inFlight.push(requestMessage(state, request));
      if (requests.length < limits.gatewayListMax) requests.push(requestMessage(state, request));
    }
    return {
      waiting: { ...this.#ports.waiting() },
      inFlight,
      counts,
      requests,
      unknown: unknownMessages(state),
      mismatch: mismatch === null ? null : { ...mismatch, rows: [...mismatch.rows] },
    };
  }

  /** Unsettled requests by what they wait for. */
  requestsByStatus(): Record<RequestStatus, number> {
    const counts = { planned: 0, sending: 0, retry: 0, inDoubt: 0, async: 0 };
    for (const { status } of unsettledRequests(this.#ports.state())) counts[status] += 1;
    return counts;
  }

  settings(): SettingsMessage {
    const state = this.#ports.state();
    const { relatedElements, maxResponseRows } = state.settings;
    return {
      relatedElements: relatedElements ?? { ticketGateway: "", topologyDatabase: "", heartbeatReceiver: "" },
      maxResponseRows,
      delays: { ...delaysOf(state) },
    };
  }

  /** Newest first, of the newest `auditedKept`. */
  async audit(
    limit: number,
    before: Position = Infinity,
  ): Promise<{ acts: ActMessage[]; next: Position | null }> {
    const older = this.#ports.state().audited.filter((position) => position < before);
    const acts: ActMessage[] = [];
    for (const position of older.slice(-limit).reverse())
      for await (const fact of this.#ports.ledger.read(position - 1, 1)) acts.push(actOf(fact));
    return { acts, next: older.length > limit ? (acts.at(-1)?.position ?? null) : null };
  }

  #client(view: ClientView): ClientMessage {
    const state = this.#ports.state();
    const known = state.clients.get(view.clientId);
    const { inserted, evicted, cleared, ...table } = state.tables.get(view.clientId) ?? emptyResponseTable();
    const rows = {
      inserted,
      present: presentRows({ inserted, evicted, cleared, ...table }),
      evicted,
      cleared,
    };
    const lock = view.lockStatus === "locked" ? (known?.lock ?? null) : null;
    return {
      ...view,
      key: lock === null ? null : (known?.key ?? null),
      heldBy: lock?.by ?? null,
      deadlineAt: lock?.deadlineAt ?? null,
      rows,
    };
  }
}

function pathMessage(reading: SearchResults["path"]): NonNullable<SearchResultsMessage["results"]>["path"] {
  if (reading === null) return null;
  const { elementId, path, failure, at } = reading;
  return { elementId, path: path === null ? null : { ...path, hops: [...path.hops] }, failure, at };
}

function* unsettledRequests(state: State): Generator<RequestState> {
  for (const name of state.requests.values()) {
    const request = state.keys.get(name)?.request ?? null;
    if (request !== null) yield request;
  }
}

function requestMessage(state: State, request: RequestState): RequestMessage {
  const { requestId, key, clientId, lockGuid, service, payload, status, attempts, alarms } = request;
  const parked = state.keys.get(key)?.parked ?? null;
  return {
    requestId,
    key,
    clientId,
    lockGuid,
    service: service.name,
    command: payload.command,
    ticketId: "ticketId" in payload ? payload.ticketId : null,
    status,
    attempts,
    alarms: alarms.length,
    waitsFor:
      parked === null
        ? null
        : { reason: parked.reason, since: parked.since, until: parked.until, because: parked.because },
  };
}

function unknownMessages(state: State): GatewayMessage["unknown"] {
  const unknown: GatewayMessage["unknown"] = [];
  for (const [requestId, key] of state.unknown) {
    if (unknown.length === limits.gatewayListMax) break;
    const found = state.keys.get(key)?.unknown.find((one) => one.requestId === requestId);
    if (found === undefined) continue;
    const { lockGuid, service, command, ticketId, outcomes } = found;
    const alarms = outcomes.map(({ ref, outcome }) => ({ source: ref.source, id: ref.id, outcome }));
    unknown.push({ requestId, key, lockGuid, service, command, ticketId, alarms });
  }
  return unknown;
}

/** Only of facts whose places the fold keeps in `audited`. */
function actOf(fact: Fact): ActMessage {
  const act = { position: fact.position, at: fact.at, action: fact.type, lockGuid: null, reason: null };
  switch (fact.type) {
    case "client.lockForced":
    case "client.notBusyForced": {
      const { by, clientId, lockGuid, reason } = fact.body;
      return { ...act, by, target: clientId, lockGuid, reason };
    }
    case "operator.acted":
      return { ...act, ...fact.body };
    case "topology.loaded":
      return { ...act, by: fact.body.by, target: fact.body.files.join(", ") };
    case "responses.cleared":
      return { ...act, by: fact.body.by, target: fact.body.clientId ?? "all clients" };
    case "settings.changed":
      return { ...act, by: fact.body.by ?? "", target: "settings" };
    default:
      throw new Error(`The fact at ${fact.position} is no operator's act: ${fact.type}.`);
  }
}
