/**
 * What an exchange proves about a request: the one place where the wire becomes a RequestAnswer or a
 * SearchAnswer. The rule of every doubtful row: what is not proven is in doubt (G3, G4).
 *
 *   | what happened                                   | request                      |
 *   | never connected                                 | unreachable UNREACHABLE      |
 *   | cut off, timed out, half an answer              | inDoubt RESET TIMEOUT UNREADABLE |
 *   | 503, 429                                        | refused UNAVAILABLE          |
 *   | 401, 403, 404                                   | failed BAD_CONFIGURATION     |
 *   | Fault: Client, or the request was found invalid | failed FAULT_INVALID         |
 *   | any other Fault                                 | inDoubt FAULT                |
 *   | 200 with ACK or NACK for this request           | ack, nack                    |
 *   | anything else                                   | inDoubt UNREADABLE           |
 */
import type { RequestAnswer, SearchAnswer, Texts } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { Instant, RequestCommand, SearchCriteria, Ticket } from "../../machines/vocabulary.ts";
import { fail, ok, type Result } from "../../machines/failure.ts";
import type { Exchange } from "./http-exchange.ts";
import { readAcknowledgement, readSearchResult } from "./messages.ts";
import { idOfUrn, readEnvelope, type Envelope, type Fault } from "./soap.ts";

export type Outcome = Exchange;
type Answered = Extract<Exchange, { readonly kind: "answered" }>;

/** Everything but a readable answer, the same for requests and searches. */
type Trouble = Extract<RequestAnswer, { readonly kind: "refused" | "unreachable" | "failed" | "inDoubt" }>;

export function classifyRequest(
  outcome: Outcome,
  request: { readonly command: RequestCommand; readonly requestId: string },
  texts: Texts,
  now: Instant,
): RequestAnswer {
  if (outcome.kind !== "answered") return unanswered(outcome, texts);
  const trouble = byStatus(outcome, texts, now);
  if (trouble !== null) return trouble;
  const envelope = answerTo(outcome, request.requestId);
  if (!envelope.ok) return unreadable(envelope.failure.detail, texts);
  if (envelope.value.fault !== null) return faulty(envelope.value.fault, texts);
  const read = readAcknowledgement(request.command, envelope.value);
  if (!read.ok) return unreadable(read.failure.detail, texts);
  const { result, ticketId, code, reason, requestId } = read.value;
  if (requestId !== request.requestId) return unreadable("the answer names another request", texts);
  if (result === "ACK") return { kind: "ack", ticketId, texts };
  const named = code ?? "NACK";
  return { kind: "nack", code: named, cause: reason ?? `the service refused: ${named}`, ticketId, texts };
}

export function classifySearch(
  outcome: Outcome,
  search: { readonly requestId: string; readonly criteria: SearchCriteria },
  texts: Texts,
  now: Instant,
): SearchAnswer {
  if (outcome.kind !== "answered") return searchError(unanswered(outcome, texts));
  const trouble = byStatus(outcome, texts, now);
  if (trouble !== null) return searchError(trouble);
  const envelope = answerTo(outcome, search.requestId);
  if (!envelope.ok) return searchError(unreadable(envelope.failure.detail, texts));
  if (envelope.value.fault !== null) return searchError(faulty(envelope.value.fault, texts));
  const read = readSearchResult(envelope.value);
  if (!read.ok) return searchError(unreadable(read.failure.detail, texts));
  const { requestId, tickets, truncated, total } = read.value;
  if (requestId !== search.requestId) {
    return searchError(unreadable("the answer names another search", texts));
  }
  return {
    kind: "found",
    // A service that ignores a criterion must not make us adopt, update or close somebody else's ticket.
    tickets: tickets.filter((ticket) => matches(ticket, search.criteria)),
    truncated: truncated || total > tickets.length,
    texts,
  };
}

function matches(ticket: Ticket, criteria: SearchCriteria): boolean {
  const { clientReference, status, ticketId, kind } = criteria;
  return (
    (clientReference === undefined || ticket.clientReference === clientReference) &&
    (status === undefined || status.length === 0 || status.includes(ticket.status)) &&
    (ticketId === undefined || ticket.ticketId === ticketId) &&
    (kind === undefined || ticket.kind === kind)
  );
}

function searchError(trouble: Trouble): SearchAnswer {
  const { kind, code, cause, texts } = trouble;
  return { kind: "error", code, cause, permanent: kind === "failed", texts };
}

function unanswered(outcome: Exclude<Outcome, Answered>, texts: Texts): Trouble {
  const { cause } = outcome;
  if (outcome.kind === "notSent") return { kind: "unreachable", code: "UNREACHABLE", cause, texts };
  if (outcome.kind === "impossible") return { kind: "failed", code: "BAD_CONFIGURATION", cause, texts };
  return { kind: "inDoubt", code: outcome.code, cause, texts };
}

function byStatus(answer: Answered, texts: Texts, now: Instant): Trouble | null {
  const { status } = answer;
  const said = `HTTP ${status} ${answer.statusText}`.trim();
  if (status === 503 || status === 429) {
    const retryAfterMs = retryAfter(answer.retryAfter, now);
    return { kind: "refused", code: "UNAVAILABLE", cause: said, retryAfterMs, texts };
  }
  if (status === 401 || status === 403 || status === 404) {
    const cause = `${said}: check user, passwordFile and path of the service`;
    return { kind: "failed", code: "BAD_CONFIGURATION", cause, texts };
  }
  return null;
}

/** S5 */
const notFollowed = " (redirects are not followed: check host, port and path of the service)";

/** The envelope, if it can be an answer to this request at all. */
function answerTo(answer: Answered, requestId: string): Result<Envelope> {
  const isRedirect = answer.status >= 300 && answer.status < 400;
  const said = `HTTP ${answer.status} ${answer.statusText}`.trim() + (isRedirect ? notFollowed : "");
  if (answer.text.trim() === "") return fail("INVALID", `${said} with an empty answer`);
  const read = readEnvelope(answer.text, limits.serviceAnswerBytesMax);
  if (!read.ok) return fail("INVALID", `${said}: ${read.failure.detail}`);
  const { relatesTo, fault } = read.value;
  if (relatesTo !== null && idOfUrn(relatesTo) !== requestId) {
    return fail("INVALID", "the answer relates to another request");
  }
  // A Fault may come with any status; what counts as done may only come with 200.
  if (fault === null && answer.status !== 200) {
    const name = read.value.body === null ? "an empty body" : `<${read.value.body.name}>`;
    return fail("INVALID", `${said} with ${name}`);
  }
  return ok(read.value);
}

function unreadable(cause: string, texts: Texts): Trouble {
  return { kind: "inDoubt", code: "UNREADABLE", cause, texts };
}

/** The OSB's validate action refused the message before it reached the backend. */
const validationFaults: ReadonlySet<string> = new Set(["BEA-382505"]);

function faulty(fault: Fault, texts: Texts): Trouble {
  const cause = [fault.errorCode, fault.text].filter((part) => part !== null && part !== "").join(": ");
  const named = cause === "" ? `SOAP Fault ${fault.code}` : cause;
  // The OSB validates answers too: what fails on the way back was already applied.
  const onTheWayBack = fault.pipeline === "response-pipeline";
  const invalid =
    fault.code === "Client" ||
    fault.code.startsWith("Client.") ||
    (fault.errorCode !== null && validationFaults.has(fault.errorCode));
  if (invalid && !onTheWayBack) return { kind: "failed", code: "FAULT_INVALID", cause: named, texts };
  return { kind: "inDoubt", code: "FAULT", cause: named, texts };
}

/** Seconds or an HTTP date; null where it is neither. */
function retryAfter(header: string | null, now: Instant): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
