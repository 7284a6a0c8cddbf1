/**
 * What is true at the ticketing services: which tickets there are, who asked for them, what a search shows of them (an
 * index that lags), and whether a promise was kept by those who rely on it.
 *   T1 at most one open ticket of a key made by this system, if the service keeps its promise.
 */
import { matches } from "../../adapters/service/memory.ts";
import { changeTicket, openTicket } from "../../adapters/service/ticket-rules.ts";
import {
  isOpen,
  type SearchCriteria,
  type ServiceInfo,
  type Ticket,
  type TicketRequest,
} from "../../machines/vocabulary.ts";

/** Who this system is to the services. */
const us = "ticket-client";

export type Effect =
  | { readonly kind: "ack"; readonly ticketId: string | null }
  | {
      readonly kind: "nack";
      readonly code: string;
      readonly cause: string;
      readonly ticketId: string | null;
    };

interface Version {
  /** From when on the index shows it; monotonic. */
  readonly fromMs: number;
  readonly ticket: Ticket;
  readonly requestId: string | null;
}

interface Known {
  ticket: Ticket;
  readonly ours: boolean;
  readonly versions: Version[];
}

export class TicketTruth {
  readonly #now: () => { readonly at: number; readonly ms: number };
  readonly #shelves = new Map<string, Map<string, Known>>();
  readonly #effects = new Map<string, Effect>();
  /** Keys about which a service has lied: what came of it is its fault. */
  readonly liedAbout = new Set<string>();
  /** Sentences. */
  readonly broken: string[] = [];
  #made = 0;

  constructor(now: () => { readonly at: number; readonly ms: number }) {
    this.#now = now;
  }

  /** The request takes effect. What it does under the promise `requestId` it does once. */
  apply(request: TicketRequest, lagMs: number): Effect {
    const { service, requestId } = request;
    const first = this.#effects.get(requestId);
    if (first !== undefined && service.idempotency === "requestId") return first;
    const effect = this.#execute(request, lagMs);
    if (first?.kind !== "ack") this.#effects.set(requestId, effect);
    return effect;
  }

  /** The request will never take effect, whatever comes of it again. */
  bar(requestId: string, code: string): Effect {
    const known = this.#effects.get(requestId);
    if (known !== undefined) return known;
    const effect: Effect = { kind: "nack", code, cause: "not with us", ticketId: null };
    this.#effects.set(requestId, effect);
    return effect;
  }

  /** What the request did, if it did anything: what an operator finds who looks. */
  effectOf(requestId: string): Effect | undefined {
    return this.#effects.get(requestId);
  }

  /** What the index shows. */
  search(
    service: string,
    criteria: SearchCriteria,
  ): { readonly tickets: Ticket[]; readonly isBehind: boolean } {
    const { ms } = this.#now();
    const tickets: Ticket[] = [];
    let isBehind = false;
    for (const [ticketId, { versions, ticket }] of this.#shelf(service)) {
      const shown = versions.filter((version) => version.fromMs <= ms);
      const last = shown.at(-1);
      const byRequest = new Map<string, string>();
      for (const { requestId } of shown) if (requestId !== null) byRequest.set(requestId, ticketId);
      const found = last !== undefined && matches(last.ticket, criteria, byRequest);
      if (found) tickets.push(last.ticket);
      else if (shown.length < versions.length && matches(ticket, criteria, new Map())) isBehind = true;
    }
    return { tickets, isBehind };
  }

  /** All that is known here and of use, for comparing two worlds; `isOfUse`: whether anybody asks for the request again. */
  memory(ms: number, isOfUse: (requestId: string) => boolean): unknown {
    const versionsOf = (versions: readonly Version[]): unknown[] =>
      versions.flatMap(({ fromMs, requestId }, index) => {
        const known = requestId !== null && isOfUse(requestId) ? requestId : null;
        const isPast = fromMs <= ms;
        return isPast && known === null && index < versions.length - 1
          ? []
          : [[isPast ? 0 : fromMs - ms, known]];
      });
    return [
      [...this.#shelves].map(([service, shelf]) => [
        service,
        [...shelf.values()].map(({ ticket, ours, versions }) => [ticket, ours, versionsOf(versions)]),
      ]),
      [...this.#effects].filter(([requestId]) => isOfUse(requestId)),
      [...this.liedAbout],
    ];
  }

  /** Open tickets made for the key by this system. */
  openOf(key: string): Ticket[] {
    return [...this.#shelves.values()].flatMap((shelf) =>
      [...shelf.values()].flatMap(({ ticket, ours }) =>
        ours && ticket.kind === "MO" && ticket.clientReference === key && isOpen(ticket) ? [ticket] : [],
      ),
    );
  }

  /** Somebody else closes, removes or takes over the key's ticket; false: there is none. */
  touch(key: string, what: "close" | "remove" | "take"): boolean {
    for (const shelf of this.#shelves.values())
      for (const [ticketId, known] of shelf) {
        const { ticket } = known;
        if (ticket.clientReference !== key || !isOpen(ticket)) continue;
        if (what === "remove") shelf.delete(ticketId);
        else if (what === "take") known.ticket = { ...ticket, owner: "somebody" };
        else this.#show(known, { ...ticket, status: "closed", closedAt: this.#now().at }, null, 0);
        return true;
      }
    return false;
  }

  /** Whoever had taken tickets over gives them back. */
  giveBack(): void {
    for (const shelf of this.#shelves.values())
      for (const known of shelf.values())
        if (known.ours && known.ticket.owner !== us) known.ticket = { ...known.ticket, owner: us };
  }

  /** A ticket made by hand: planned maintenance for so long, or an outage. `key`: under a correlation key of ours. */
  makeByHand(
    service: string,
    kind: "MO" | "PLM",
    element: string,
    ms: number,
    key: string | null = null,
  ): void {
    const { at } = this.#now();
    this.#made += 1;
    const ticket: Ticket = {
      ticketId: `HAND-${this.#made}`,
      kind,
      status: "acknowledged",
      owner: "somebody",
      networkElements: [element],
      ...(key === null ? {} : { clientReference: key }),
      openedAt: at,
      startAt: at,
      ...(kind === "PLM" ? { endAt: at + ms } : {}),
    };
    const known: Known = { ticket, ours: false, versions: [] };
    this.#shelf(service).set(ticket.ticketId, known);
    this.#show(known, ticket, null, 0);
  }

  closeByHand(service: string): void {
    for (const known of this.#shelf(service).values())
      if (!known.ours && known.ticket.kind === "MO" && isOpen(known.ticket)) {
        this.#show(known, { ...known.ticket, status: "closed" }, null, 0);
      }
  }

  #execute({ service, requestId, payload }: TicketRequest, lagMs: number): Effect {
    const { at } = this.#now();
    if (payload.command === "editNinasCounters") return { kind: "ack", ticketId: null };
    const shelf = this.#shelf(service.name);
    if (payload.command === "create") {
      this.#made += 1;
      const ruling = openTicket(payload, `${service.name}-${this.#made}`, us, at);
      if (ruling.kind === "refused")
        return { kind: "nack", code: ruling.code, cause: ruling.reason, ticketId: null };
      const known: Known = { ticket: ruling.ticket, ours: true, versions: [] };
      shelf.set(ruling.ticket.ticketId, known);
      this.#show(known, ruling.ticket, requestId, lagMs);
      this.#count(payload.clientReference, service);
      return { kind: "ack", ticketId: ruling.ticket.ticketId };
    }
    const known = shelf.get(payload.ticketId);
    const ruling = changeTicket(known?.ticket, payload, us, at);
    if (ruling.kind === "refused" || known === undefined) {
      const { code, reason } = ruling.kind === "refused" ? ruling : { code: "UNKNOWN_TICKET", reason: "" };
      return { kind: "nack", code, cause: reason, ticketId: payload.ticketId };
    }
    this.#show(known, ruling.ticket, requestId, lagMs);
    this.#count(ruling.ticket.clientReference ?? "", service);
    return { kind: "ack", ticketId: payload.ticketId };
  }

  /** T1 in the truth. */
  #count(key: string, { idempotency }: ServiceInfo): void {
    const open = this.openOf(key);
    if (open.length < 2) return;
    if (idempotency === "none" || this.liedAbout.has(key)) return;
    this.broken.push(`T1: ${key} has the open tickets ${open.map((one) => one.ticketId).join(", ")}`);
  }

  #show(known: Known, ticket: Ticket, requestId: string | null, lagMs: number): void {
    known.ticket = ticket;
    known.versions.push({ fromMs: this.#now().ms + lagMs, ticket, requestId });
  }

  #shelf(service: string): Map<string, Known> {
    let shelf = this.#shelves.get(service);
    if (shelf === undefined) this.#shelves.set(service, (shelf = new Map()));
    return shelf;
  }
}
