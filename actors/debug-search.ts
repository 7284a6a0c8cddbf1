/**
 * A search that a person asks for, to see what the ticketing service says. It goes by the gateway's leave: after
 * everything the gateway has to send, and at a rate of its own.
 *   G1 nothing of the gateway waits for it.  G6 it is a row like any search.
 * Source: domain.md, "The gateway".
 */
import { entry } from "../machines/entry.ts";
import { fail, ok, type Result } from "../machines/failure.ts";
import type { State } from "../machines/state.ts";
import type { ResponseRow, SearchCriteria, ServiceInfo, Ticket } from "../machines/vocabulary.ts";
import type { Journal } from "./journal.ts";
import type { Clock, Ids, TicketingService } from "./ports.ts";

export interface DebugSearchPorts {
  readonly journal: Journal;
  readonly service: TicketingService;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly selected: () => ServiceInfo | null;
  /** Searches a second; 0 = none at all. */
  readonly perSecond: number;
}

export interface DebugFound {
  readonly tickets: readonly Ticket[];
  readonly truncated: boolean;
  /** Its row of the response table, under the client `gateway`. */
  readonly requestId: string;
}

/** Rows of what no client did stand under this name. */
const gatewayName = "gateway";

export class DebugSearch {
  readonly #ports: DebugSearchPorts;
  /** Monotonic; the next search may begin then. */
  #nextAtMs = 0;
  #isSearching = false;

  constructor(ports: DebugSearchPorts) {
    this.#ports = ports;
  }

  /** Refused OVERLOADED over the rate, BUSY_CLIENT while requests wait or are being sent; fails as the search does. */
  async search(criteria: SearchCriteria): Promise<Result<DebugFound>> {
    const { journal, clock, selected, perSecond } = this.#ports;
    const service = selected();
    if (service === null)
      return fail("BAD_CONFIGURATION", "No ticketing service is selected; select one first.");
    const waiting = requestsOf(journal.state, service.name);
    if (waiting > 0)
      return fail(
        "BUSY_CLIENT",
        `The gateway has ${waiting} requests for ${service.name}; they go first. Search again later.`,
      );
    const now = clock.monotonicMs();
    if (this.#isSearching || perSecond === 0 || now < this.#nextAtMs)
      return fail(
        "OVERLOADED",
        `At most ${perSecond} debug searches a second, one at a time; search again in a moment.`,
      );
    this.#nextAtMs = now + 1000 / perSecond;
    this.#isSearching = true;
    try {
      return await this.#ask(service, criteria);
    } finally {
      this.#isSearching = false;
    }
  }

  async #ask(service: ServiceInfo, criteria: SearchCriteria): Promise<Result<DebugFound>> {
    const { journal, clock, ids } = this.#ports;
    const requestId = ids.uuid();
    const sentAt = clock.now();
    const began = clock.monotonicMs();
    const answer = await this.#ports.service.search({
      service,
      signal: new AbortController().signal,
      requestId,
      clientId: gatewayName,
      lockGuid: requestId,
      criteria,
    });
    const at = clock.now();
    const found = answer.kind === "found";
    const row: ResponseRow = {
      requestId,
      attempt: 1,
      clientId: gatewayName,
      // Held by nobody: it stands for itself.
      lockGuid: requestId,
      service: service.name,
      command: "search",
      key: criteria.clientReference ?? "",
      sentAt,
      answeredAt: at,
      durationMs: Math.round(clock.monotonicMs() - began),
      status: found ? "ok" : answer.code === "TIMEOUT" ? "timeout" : "error",
      code: found ? null : answer.code,
      cause: found ? null : answer.cause,
      asyncStatus: null,
      ticketIds: found ? answer.tickets.map(({ ticketId }) => ticketId) : [],
      request: answer.texts.request,
      answer: answer.texts.answer,
    };
    await journal.append([entry("gateway/searches", at, "response.row", { change: false, row })]);
    if (found) return ok({ tickets: answer.tickets, truncated: answer.truncated, requestId });
    return fail("SEARCH_FAILED", `${service.name} gave no tickets (${answer.code}): ${answer.cause}`);
  }
}

/** Those that the gateway has yet to send, or is sending. */
function requestsOf(state: State, service: string): number {
  let count = 0;
  for (const name of state.requests.values()) {
    const request = state.keys.get(name)?.request;
    if (request?.service.name === service && (request.status === "planned" || request.status === "sending"))
      count += 1;
  }
  return count;
}
