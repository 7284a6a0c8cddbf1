/**
 * What a ticketing service of ours does to a ticket: the rules that the in-memory service and the desk share.
 * Source: TicketService.wsdl (codes of a NACK, `inProgress` reopens).
 */
import type { Instant, RequestPayload, Ticket } from "../../machines/vocabulary.ts";

type CreatePayload = Extract<RequestPayload, { readonly command: "create" }>;
type ChangePayload = Extract<RequestPayload, { readonly command: "update" | "close" }>;

/** What really happened at a service, whatever it answered. */
export interface Truth {
  /** Requests that arrived, repeats and refused ones included; searches are not counted. */
  readonly requests: number;
  /** Creates, updates and closes that took effect. */
  readonly creates: number;
  readonly updates: number;
  readonly closes: number;
  readonly tickets: number;
  readonly open: number;
  /** Open MO tickets beyond the first of their client reference (T1). */
  readonly duplicateOpen: number;
}

export type Ruling =
  | { readonly kind: "done"; readonly ticket: Ticket }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string };

function refused(code: string, reason: string): Ruling {
  return { kind: "refused", code, reason };
}

/** These say "later": the same request may well succeed, so no service keeps them as its first answer. */
export function isTemporary(code: string): boolean {
  return code === "BUSY" || code === "NOT_OWNER";
}

export function openTicket(payload: CreatePayload, ticketId: string, owner: string, now: Instant): Ruling {
  if (payload.kind === "PLM" && payload.endAt === undefined) {
    return refused("INVALID", "a planned maintenance needs an endTime");
  }
  return {
    kind: "done",
    ticket: {
      ticketId,
      kind: payload.kind,
      status: "acknowledged",
      severity: payload.severity,
      owner,
      clientReference: payload.clientReference,
      networkElements: payload.networkElements,
      summary: payload.summary,
      openedAt: now,
      startAt: payload.startAt,
      ...(payload.endAt !== undefined && { endAt: payload.endAt }),
      lastUpdateAt: now,
    },
  };
}

/** `caller`: only the owner may change a ticket; one without owner is anybody's. */
export function changeTicket(
  ticket: Ticket | undefined,
  payload: ChangePayload,
  caller: string,
  now: Instant,
): Ruling {
  if (ticket === undefined) return refused("UNKNOWN_TICKET", `there is no ticket ${payload.ticketId}`);
  if (ticket.owner !== undefined && ticket.owner !== caller) {
    return refused("NOT_OWNER", `ticket ${ticket.ticketId} belongs to ${ticket.owner}`);
  }
  const ended = ticket.status === "closed" || ticket.status === "cancelled";
  if (payload.command === "close") {
    if (ended) return refused("ALREADY_CLOSED", `ticket ${ticket.ticketId} is ${ticket.status}`);
    return {
      kind: "done",
      ticket: { ...ticket, status: "closed", closedAt: now, endAt: payload.endAt, lastUpdateAt: now },
    };
  }
  const reopens = ticket.status === "closed" && payload.status === "inProgress";
  if (ended && !reopens) return refused("ALREADY_CLOSED", `ticket ${ticket.ticketId} is ${ticket.status}`);
  const { closedAt: _closedAt, ...open } = ticket;
  const ends = payload.status === "closed" || payload.status === "cancelled";
  return {
    kind: "done",
    ticket: {
      ...open,
      ...(payload.severity !== undefined && { severity: payload.severity }),
      ...(payload.status !== undefined && { status: payload.status }),
      ...(ends && { closedAt: now }),
      lastUpdateAt: now,
    },
  };
}
