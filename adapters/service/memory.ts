/**
 * A ticketing service in this process: it answers in the same turn of the event loop, keeps the truth, and
 * does what a test's script says. For tests of the engine and for benchmarks of everything but the wire.
 */
import type { Call, RequestAnswer, SearchAnswer, Texts, TicketingService } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { isOpen } from "../../machines/vocabulary.ts";
import type { Idempotency, Instant, SearchCriteria, Ticket } from "../../machines/vocabulary.ts";
import { changeTicket, isTemporary, openTicket, type Truth } from "./ticket-rules.ts";

type SendCall = Parameters<TicketingService["send"]>[0];
type SearchCall = Parameters<TicketingService["search"]>[0];
type WithoutTexts<T> = T extends unknown ? Omit<T, "texts"> : never;

/** What the script makes of one attempt; every member may be missing. */
export interface RequestFault {
  /** false = it never takes effect. A promise = it does when that resolves. Default true. */
  readonly applied?: boolean | Promise<unknown>;
  /** Given instead of the true answer. */
  readonly answer?: WithoutTexts<RequestAnswer>;
  /** The answer waits for this, or for the signal. */
  readonly hold?: Promise<unknown>;
}

export interface SearchFault {
  readonly answer?: WithoutTexts<SearchAnswer>;
  readonly hold?: Promise<unknown>;
}

export interface MemoryOptions {
  /** `requestId`: a repeated id gets the first answer; otherwise a repeat is executed again. */
  readonly idempotency: Idempotency;
  readonly now: () => Instant;
  /** Who this system is to the service, and so the owner of its tickets. Default "ticket-client". */
  readonly systemId?: string;
  /** Asked at every attempt; undefined = nothing goes wrong. */
  readonly onSend?: (call: SendCall) => RequestFault | undefined;
  readonly onSearch?: (call: SearchCall) => SearchFault | undefined;
}

export interface MemoryService extends TicketingService {
  truth(): Truth;
  /** The ticket that the request made or changed: what an async result would tell. */
  ticketOf(requestId: string): string | undefined;
  /** Hands a ticket to somebody else, as an operator at the service would. */
  assign(ticketId: string, owner: string): void;
}

export function createMemoryService(options: MemoryOptions): MemoryService {
  const systemId = options.systemId ?? "ticket-client";
  const tickets = new Map<string, Ticket>();
  const idsByReference = new Map<string, string[]>();
  const idByRequest = new Map<string, string>();
  const firstAnswers = new Map<string, WithoutTexts<RequestAnswer>>();
  const counts = { requests: 0, creates: 0, updates: 0, closes: 0 };

  function keep(requestId: string, ticket: Ticket): void {
    const reference = ticket.clientReference ?? "";
    if (!tickets.has(ticket.ticketId)) {
      const ids = idsByReference.get(reference);
      if (ids === undefined) idsByReference.set(reference, [ticket.ticketId]);
      else ids.push(ticket.ticketId);
    }
    tickets.set(ticket.ticketId, ticket);
    idByRequest.set(requestId, ticket.ticketId);
  }

  function execute({ request }: SendCall): WithoutTexts<RequestAnswer> {
    const { payload, requestId } = request;
    if (payload.command === "editNinasCounters") return { kind: "ack", ticketId: null };
    const now = options.now();
    const ruling =
      payload.command === "create"
        ? openTicket(payload, `MEM-${tickets.size + 1}`, systemId, now)
        : changeTicket(tickets.get(payload.ticketId), payload, systemId, now);
    if (ruling.kind === "refused") {
      const ticketId = payload.command === "create" ? null : payload.ticketId;
      return { kind: "nack", code: ruling.code, cause: ruling.reason, ticketId };
    }
    keep(requestId, ruling.ticket);
    counts[`${payload.command}s`] += 1;
    return { kind: "ack", ticketId: ruling.ticket.ticketId };
  }

  function apply(call: SendCall): WithoutTexts<RequestAnswer> {
    const { requestId } = call.request;
    const first = firstAnswers.get(requestId);
    if (first !== undefined && options.idempotency === "requestId") return first;
    const answer = execute(call);
    if (answer.kind !== "nack" || !isTemporary(answer.code)) firstAnswers.set(requestId, answer);
    return answer;
  }

  function find(criteria: SearchCriteria): readonly Ticket[] {
    const { clientReference, requestedBy, ticketId } = criteria;
    const candidates =
      clientReference !== undefined
        ? (idsByReference.get(clientReference) ?? [])
        : (ticketId ?? (requestedBy === undefined ? undefined : (idByRequest.get(requestedBy) ?? "")));
    const pool =
      candidates === undefined
        ? [...tickets.values()]
        : [candidates].flat().flatMap((id) => tickets.get(id) ?? []);
    return pool.filter((ticket) => matches(ticket, criteria, idByRequest));
  }

  return {
    async send(call) {
      const texts: Texts = {
        request: `${call.request.payload.command} ${call.request.requestId}`,
        answer: "",
      };
      if (call.signal.aborted) return { ...givenUp, texts };
      counts.requests += 1;
      const fault = options.onSend?.(call);
      const applied = fault?.applied ?? true;
      if (applied instanceof Promise) void applied.then(() => apply(call));
      const answer = applied === true ? apply(call) : (fault?.answer ?? noAnswer);
      if (await isGivenUp(call, fault?.hold)) return { ...givenUp, texts };
      return { ...(fault?.answer ?? answer), texts };
    },

    async search(call) {
      const texts: Texts = { request: `search ${call.requestId}`, answer: "" };
      const fault = call.signal.aborted ? undefined : options.onSearch?.(call);
      if (await isGivenUp(call, fault?.hold)) {
        return { kind: "error", code: "TIMEOUT", cause: "given up", permanent: false, texts };
      }
      if (fault?.answer !== undefined) return { ...fault.answer, texts };
      const found = find(call.criteria);
      const max = call.criteria.maxResults ?? limits.searchResultsMax;
      return { kind: "found", tickets: found.slice(0, max), truncated: found.length > max, texts };
    },

    truth() {
      const all = [...tickets.values()];
      const open = all.filter((ticket) => isOpen(ticket));
      const majors = open.filter((ticket) => ticket.kind === "MO");
      const references = new Set(majors.map((ticket) => ticket.clientReference));
      return {
        ...counts,
        tickets: all.length,
        open: open.length,
        duplicateOpen: majors.length - references.size,
      };
    },

    ticketOf: (requestId) => idByRequest.get(requestId),

    assign(ticketId, owner) {
      const ticket = tickets.get(ticketId);
      if (ticket !== undefined) tickets.set(ticketId, { ...ticket, owner });
    },

    close: () => Promise.resolve(),
  };
}

const givenUp = { kind: "inDoubt", code: "TIMEOUT", cause: "given up" } as const;
const noAnswer = { kind: "inDoubt", code: "RESET", cause: "the connection ended" } as const;

/** Waits for `hold`; true when the signal came first. */
async function isGivenUp(call: Call, hold: Promise<unknown> | undefined): Promise<boolean> {
  if (hold === undefined || call.signal.aborted) return call.signal.aborted;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  call.signal.addEventListener("abort", stop, { once: true });
  await Promise.race([hold, promise]);
  call.signal.removeEventListener("abort", stop);
  return call.signal.aborted;
}

/** Whether a search with these criteria finds the ticket; `idByRequest`: what each request made or changed. */
export function matches(
  ticket: Ticket,
  criteria: SearchCriteria,
  idByRequest: ReadonlyMap<string, string>,
): boolean {
  const { clientReference, ticketId, requestedBy, kind, status, networkElements } = criteria;
  return (
    (clientReference === undefined || ticket.clientReference === clientReference) &&
    (ticketId === undefined || ticket.ticketId === ticketId) &&
    (requestedBy === undefined || idByRequest.get(requestedBy) === ticket.ticketId) &&
    (kind === undefined || ticket.kind === kind) &&
    (status === undefined || status.length === 0 || status.includes(ticket.status)) &&
    (networkElements === undefined ||
      networkElements.length === 0 ||
      networkElements.some((element) => ticket.networkElements.includes(element)))
  );
}
