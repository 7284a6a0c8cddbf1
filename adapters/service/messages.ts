/**
 * The messages of TicketService.wsdl, both ways: `osb.ts` writes requests and reads answers, the desk
 * reads requests and writes answers. Reading checks what the WSDL says (presence, once or many,
 * enumerations, dates) and takes elements in any order.
 */
import { fail, ok, type Result } from "../../machines/failure.ts";
import { severities } from "../../machines/vocabulary.ts";
import type {
  AlarmRef,
  Command,
  Instant,
  RequestPayload,
  SearchCriteria,
  Ticket,
  TicketKind,
  TicketStatus,
} from "../../machines/vocabulary.ts";
import {
  atLeastOne,
  boolean,
  instant,
  integer,
  isOurs,
  Malformed,
  many,
  needed,
  oneOf,
  optional,
  optionalCode,
  optionalInstant,
  optionalInteger,
  optionalOneOf,
  optionalToken,
  optionalUnprinted,
  present,
  token,
  unprinted,
} from "./element-reader.ts";
import { ticketNamespace, type Envelope } from "./soap.ts";
import type { XmlElement, XmlTree } from "./xml.ts";

export const operations = {
  search: "SearchTicket",
  create: "CreateTicket",
  update: "UpdateTicket",
  close: "CloseTicket",
  editNinasCounters: "EditNinasCounters",
} as const satisfies Record<Command, string>;

const elementNames = {
  search: "searchTicket",
  create: "createTicket",
  update: "updateTicket",
  close: "closeTicket",
  editNinasCounters: "editNinasCounters",
} as const satisfies Record<Command, string>;

const kinds = ["MO", "PLM"] as const satisfies readonly TicketKind[];
const ticketStatuses = [
  "acknowledged",
  "inProgress",
  "pending",
  "resolved",
  "closed",
  "cancelled",
] as const satisfies readonly TicketStatus[];
const commands = ["search", "create", "update", "close", "editNinasCounters"] as const;

export function requestName(command: Command): string {
  return `${elementNames[command]}Request`;
}

export function responseName(command: Command): string {
  return `${elementNames[command]}Response`;
}

export function actionOf(operation: string): string {
  return `${ticketNamespace}/${operation}`;
}

/** Who asks: the system, the Ticket Client, the lock GUID of its flow. */
export interface Origin {
  readonly dmaId: string;
  readonly elementId: string;
  readonly paramId: string;
}

/** Search criteria of the contract: those of the product and a range of opening times. */
export interface WireCriteria extends SearchCriteria {
  readonly from?: Instant;
  readonly to?: Instant;
}

export interface Acknowledgement {
  readonly requestId: string;
  readonly result: "ACK" | "NACK";
  readonly code: string | null;
  readonly reason: string | null;
  readonly ticketId: string | null;
}

export interface SearchResult {
  readonly requestId: string;
  readonly total: number;
  readonly truncated: boolean;
  readonly tickets: readonly Ticket[];
}

export interface AsyncResponse {
  readonly requestId: string;
  readonly result: "OK" | "ERROR";
  readonly ticketId: string | null;
  readonly code: string | null;
  readonly reason: string | null;
}

export type WireRequest = { readonly requestId: string; readonly origin: Origin } & (
  | { readonly command: "search"; readonly criteria: WireCriteria }
  | { readonly command: Exclude<Command, "search">; readonly payload: RequestPayload }
);

// --- writing

const iso = (at: Instant | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
const refs = (alarmRefs: readonly AlarmRef[]) =>
  alarmRefs.map((ref) => ({ source: ref.source, alarmId: ref.alarmId }));
const originTree = (origin: Origin): XmlTree => ({
  dmaId: origin.dmaId,
  elementId: origin.elementId,
  paramId: origin.paramId,
});

export function requestContent(requestId: string, origin: Origin, payload: RequestPayload): XmlTree {
  const head = { requestId, origin: originTree(origin) };
  switch (payload.command) {
    case "create":
      return {
        ...head,
        kind: payload.kind,
        clientReference: payload.clientReference,
        networkElement: payload.networkElements,
        severity: payload.severity,
        summary: payload.summary,
        description: payload.description,
        startTime: iso(payload.startAt),
        endTime: iso(payload.endAt),
        alarmRef: refs(payload.alarmRefs),
      };
    case "update":
      return {
        ...head,
        ticketId: payload.ticketId,
        severity: payload.severity,
        status: payload.status,
        comment: payload.comment,
        alarmRef: refs(payload.alarmRefs),
      };
    case "close":
      return {
        ...head,
        ticketId: payload.ticketId,
        endTime: iso(payload.endAt),
        closeCode: payload.closeCode,
        closeReason: payload.closeReason,
        alarmRef: refs(payload.alarmRefs),
      };
    case "editNinasCounters":
      return {
        ...head,
        kind: payload.kind,
        networkElement: payload.networkElement,
        counter: payload.counters.map((counter) => ({
          name: counter.name,
          delta: counter.delta?.toString(),
          value: counter.value?.toString(),
        })),
      };
  }
}

export function searchContent(requestId: string, origin: Origin, criteria: WireCriteria): XmlTree {
  return {
    requestId,
    origin: originTree(origin),
    kind: criteria.kind,
    status: criteria.status,
    ticketId: criteria.ticketId,
    clientReference: criteria.clientReference,
    requestedBy: criteria.requestedBy,
    networkElement: criteria.networkElements,
    from: iso(criteria.from),
    to: iso(criteria.to),
    maxResults: criteria.maxResults?.toString(),
  };
}

export function acknowledgementContent(answer: Acknowledgement): XmlTree {
  return {
    requestId: answer.requestId,
    result: answer.result,
    code: answer.code ?? undefined,
    reason: answer.reason ?? undefined,
    ticketId: answer.ticketId ?? undefined,
  };
}

export function searchResultContent(result: SearchResult): XmlTree {
  return {
    requestId: result.requestId,
    total: String(result.total),
    truncated: String(result.truncated),
    ticket: result.tickets.map((ticket) => ({
      ticketId: ticket.ticketId,
      kind: ticket.kind,
      status: ticket.status,
      severity: ticket.severity,
      owner: ticket.owner,
      clientReference: ticket.clientReference,
      networkElement: ticket.networkElements,
      summary: ticket.summary,
      openedAt: iso(ticket.openedAt),
      closedAt: iso(ticket.closedAt),
      startTime: iso(ticket.startAt),
      endTime: iso(ticket.endAt),
      lastUpdate: iso(ticket.lastUpdateAt),
    })),
  };
}

export function asyncContent(result: AsyncResponse, processedAt: Instant): XmlTree {
  return {
    requestId: result.requestId,
    result: result.result,
    ticketId: result.ticketId ?? undefined,
    code: result.code ?? undefined,
    reason: result.reason ?? undefined,
    processedAt: iso(processedAt),
  };
}

// --- reading; every reader gives INVALID where the message breaks the contract

export function readAcknowledgement(command: Command, envelope: Envelope): Result<Acknowledgement> {
  return read(envelope, responseName(command), (body) => ({
    requestId: token(body, "requestId"),
    result: oneOf(needed(body, "result"), ["ACK", "NACK"], "result"),
    code: optionalCode(body, "code") ?? null,
    reason: optional(body, "reason") ?? null,
    ticketId: optionalToken(body, "ticketId") ?? null,
  }));
}

export function readSearchResult(envelope: Envelope): Result<SearchResult> {
  return read(envelope, responseName("search"), (body) => ({
    requestId: token(body, "requestId"),
    total: integer(needed(body, "total"), "total"),
    truncated: boolean(needed(body, "truncated"), "truncated"),
    tickets: body.children.filter((child) => isOurs(child, "ticket")).map(readTicket),
  }));
}

export function readAsyncResponse(envelope: Envelope): Result<AsyncResponse> {
  return read(envelope, "ticketAsyncResponse", (body) => ({
    // RelatesTo may stand in for it: the reader of the callback decides.
    requestId: optionalToken(body, "requestId") ?? "",
    result: oneOf(needed(body, "result"), ["OK", "ERROR"], "result"),
    ticketId: optionalToken(body, "ticketId") ?? null,
    code: optionalCode(body, "code") ?? null,
    reason: optional(body, "reason") ?? null,
  }));
}

export function readRequest(envelope: Envelope): Result<WireRequest> {
  const command = commands.find((name) => requestName(name) === envelope.body?.name);
  if (command === undefined)
    return fail("INVALID", `no operation takes <${envelope.body?.name ?? "nothing"}>`);
  return read(envelope, requestName(command), (body): WireRequest => {
    const origin = body.children.find((child) => isOurs(child, "origin"));
    if (origin === undefined) throw new Malformed("<origin> is missing");
    const head = {
      requestId: token(body, "requestId"),
      origin: {
        dmaId: needed(origin, "dmaId"),
        elementId: needed(origin, "elementId"),
        paramId: needed(origin, "paramId"),
      },
    };
    if (command === "search") return { ...head, command, criteria: readCriteria(body) };
    return { ...head, command, payload: readPayload(command, body) };
  });
}

function readPayload(command: Exclude<Command, "search">, body: XmlElement): RequestPayload {
  switch (command) {
    case "create":
      return {
        command,
        kind: oneOf(needed(body, "kind"), kinds, "kind"),
        clientReference: needed(body, "clientReference"),
        networkElements: atLeastOne(many(body, "networkElement"), "networkElement"),
        severity: oneOf(needed(body, "severity"), severities, "severity"),
        summary: needed(body, "summary"),
        ...present("description", optional(body, "description")),
        startAt: instant(needed(body, "startTime"), "startTime"),
        ...present("endAt", optionalInstant(body, "endTime")),
        alarmRefs: readRefs(body),
      };
    case "update":
      return {
        command,
        ticketId: token(body, "ticketId"),
        ...present("severity", optionalOneOf(body, "severity", severities)),
        ...present("status", optionalOneOf(body, "status", ticketStatuses)),
        ...present("comment", optional(body, "comment")),
        alarmRefs: readRefs(body),
      };
    case "close":
      return {
        command,
        ticketId: token(body, "ticketId"),
        endAt: instant(needed(body, "endTime"), "endTime"),
        closeCode: needed(body, "closeCode"),
        ...present("closeReason", optional(body, "closeReason")),
        alarmRefs: readRefs(body),
      };
    case "editNinasCounters":
      return {
        command,
        kind: oneOf(needed(body, "kind"), kinds, "kind"),
        networkElement: needed(body, "networkElement"),
        counters: atLeastOne(
          body.children.filter((child) => isOurs(child, "counter")),
          "counter",
        ).map((counter) => ({
          name: needed(counter, "name"),
          ...present("delta", optionalInteger(counter, "delta")),
          ...present("value", optionalInteger(counter, "value")),
        })),
      };
  }
}

function readCriteria(body: XmlElement): WireCriteria {
  const statuses = many(body, "status").map((status) => oneOf(status, ticketStatuses, "status"));
  const elements = many(body, "networkElement");
  return {
    ...present("kind", optionalOneOf(body, "kind", kinds)),
    ...present("status", statuses.length > 0 ? statuses : undefined),
    ...present("ticketId", optionalToken(body, "ticketId")),
    ...present("clientReference", optional(body, "clientReference")),
    ...present("requestedBy", optionalToken(body, "requestedBy")),
    ...present("networkElements", elements.length > 0 ? elements : undefined),
    ...present("from", optionalInstant(body, "from")),
    ...present("to", optionalInstant(body, "to")),
    ...present("maxResults", optionalInteger(body, "maxResults")),
  };
}

function readTicket(element: XmlElement): Ticket {
  return {
    ticketId: token(element, "ticketId"),
    kind: oneOf(needed(element, "kind"), kinds, "kind"),
    status: oneOf(needed(element, "status"), ticketStatuses, "status"),
    ...present("severity", optionalOneOf(element, "severity", severities)),
    ...present("owner", optionalUnprinted(element, "owner")),
    ...present("clientReference", optionalUnprinted(element, "clientReference")),
    networkElements: many(element, "networkElement").map(unprinted),
    ...present("summary", optional(element, "summary")),
    ...present("openedAt", optionalInstant(element, "openedAt")),
    ...present("closedAt", optionalInstant(element, "closedAt")),
    ...present("startAt", optionalInstant(element, "startTime")),
    ...present("endAt", optionalInstant(element, "endTime")),
    ...present("lastUpdateAt", optionalInstant(element, "lastUpdate")),
  };
}

function readRefs(body: XmlElement): readonly AlarmRef[] {
  return body.children
    .filter((child) => isOurs(child, "alarmRef"))
    .map((ref) => ({ source: needed(ref, "source"), alarmId: needed(ref, "alarmId") }));
}

function read<T>(envelope: Envelope, name: string, reader: (body: XmlElement) => T): Result<T> {
  const { body } = envelope;
  if (body === null || !isOurs(body, name)) {
    return fail("INVALID", `expected <${name}>, found ${body === null ? "an empty body" : `<${body.name}>`}`);
  }
  try {
    return ok(reader(body));
  } catch (error) {
    if (error instanceof Malformed) return fail("INVALID", error.message);
    throw error;
  }
}
