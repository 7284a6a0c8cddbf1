/**
 * A ticketing service that keeps its promise and knows the truth: which tickets exist, who asked for them and
 * what a search shows of them, its index lagging behind. Time is the caller's; nothing here is random.
 */
import type {
  RequestPayload,
  SearchCriteria,
  ServiceInfo,
  Ticket,
  TicketRequest,
} from "../../machines/vocabulary.ts";

interface TrueTicket {
  readonly ticketId: string;
  readonly requestId: string;
  ticket: Ticket;
  /** What the index shows from when on. */
  readonly shown: { readonly at: number; readonly ticket: Ticket; readonly requestId: string }[];
}

export interface Effect {
  readonly ok: boolean;
  readonly code: string | null;
  readonly ticketId: string | null;
}

export class FakeTicketing {
  readonly info: ServiceInfo;
  readonly tickets = new Map<string, TrueTicket>();
  /** T1 in the truth: keys that ever had two open tickets at once. */
  readonly doubled: string[] = [];
  readonly #indexLagMs: number;
  #made = 0;
  readonly #answers = new Map<string, Effect>();

  constructor(info: ServiceInfo, indexLagMs: number) {
    this.info = info;
    this.#indexLagMs = indexLagMs;
  }

  /** The request takes effect. Promise `requestId`: a repeated id gets the first answer and changes nothing. */
  apply({ requestId, payload }: TicketRequest, now: number): Effect {
    const first = this.#answers.get(requestId);
    if (first !== undefined && this.info.idempotency === "requestId") return first;
    const effect = this.#take(requestId, payload, now);
    this.#answers.set(requestId, effect);
    return effect;
  }

  /** The request is refused for good; false: its id was answered before and the promise forbids another answer. */
  refuse(requestId: string): boolean {
    if (this.info.idempotency !== "requestId") return true;
    if (this.#answers.has(requestId)) return false;
    this.#answers.set(requestId, { ok: false, code: "NACK", ticketId: null });
    return true;
  }

  /** A stranger closes the key's ticket or has it vanish; false: there is none. */
  take(key: string, act: "close" | "remove", now: number): boolean {
    const [ticketId] = this.open(key);
    const known = ticketId === undefined ? undefined : this.tickets.get(ticketId);
    if (ticketId === undefined || known === undefined) return false;
    if (act === "remove") this.tickets.delete(ticketId);
    else {
      known.ticket = { ...known.ticket, status: "closed" };
      this.#show(ticketId, "stranger", known.ticket, now);
    }
    return true;
  }

  open(key: string): string[] {
    return [...this.tickets.values()]
      .filter(({ ticket }) => ticket.clientReference === key && ticket.status !== "closed")
      .map(({ ticketId }) => ticketId);
  }

  /** What the index shows. */
  search(criteria: SearchCriteria, now: number): Ticket[] {
    const found: Ticket[] = [];
    for (const { ticketId, shown } of this.tickets.values()) {
      const seen = shown.filter(({ at }) => at <= now);
      const last = seen.at(-1);
      if (last === undefined) continue;
      const { ticket } = last;
      if (criteria.ticketId !== undefined && criteria.ticketId !== ticketId) continue;
      if (criteria.clientReference !== undefined && criteria.clientReference !== ticket.clientReference)
        continue;
      if (criteria.status !== undefined && !criteria.status.includes(ticket.status)) continue;
      const asked = criteria.networkElements;
      if (asked !== undefined && !asked.some((one) => ticket.networkElements.includes(one))) continue;
      if (
        criteria.requestedBy !== undefined &&
        !seen.some(({ requestId }) => requestId === criteria.requestedBy)
      )
        continue;
      found.push(ticket);
    }
    return found;
  }

  #take(requestId: string, payload: RequestPayload, now: number): Effect {
    if (payload.command === "create") {
      this.#made += 1;
      const ticketId = `T${this.#made}`;
      const ticket: Ticket = {
        ticketId,
        kind: payload.kind,
        status: "acknowledged",
        severity: payload.severity,
        clientReference: payload.clientReference,
        networkElements: payload.networkElements,
        openedAt: now,
      };
      if (this.open(payload.clientReference).length > 0) this.doubled.push(payload.clientReference);
      this.tickets.set(ticketId, { ticketId, requestId, ticket, shown: [] });
      this.#show(ticketId, requestId, ticket, now);
      return { ok: true, code: null, ticketId };
    }
    if (payload.command === "editNinasCounters") return { ok: true, code: null, ticketId: null };
    const known = this.tickets.get(payload.ticketId);
    if (known === undefined) return { ok: false, code: "UNKNOWN_TICKET", ticketId: null };
    const reopens = payload.command === "update" && payload.status === "inProgress";
    if (known.ticket.status === "closed" && !reopens)
      return { ok: false, code: "ALREADY_CLOSED", ticketId: null };
    const status = payload.command === "close" ? "closed" : reopens ? "inProgress" : known.ticket.status;
    const severity = payload.command === "update" ? payload.severity : undefined;
    if (known.ticket.status === "closed" && this.open(known.ticket.clientReference ?? "").length > 0) {
      this.doubled.push(known.ticket.clientReference ?? "");
    }
    known.ticket = { ...known.ticket, status, ...(severity === undefined ? {} : { severity }) };
    this.#show(payload.ticketId, requestId, known.ticket, now);
    return { ok: true, code: null, ticketId: payload.ticketId };
  }

  #show(ticketId: string, requestId: string, ticket: Ticket, now: number): void {
    this.tickets.get(ticketId)?.shown.push({ at: now + this.#indexLagMs, ticket, requestId });
  }
}
