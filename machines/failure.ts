/**
 * Every failure code of the product and what is done about it. Going wrong in operation is a value
 * that carries one of these codes; a programmer's mistake throws.
 */

/**
 * - `retry`: known not to have been applied; may be tried again.
 * - `wait`: the other side cannot be reached; wait until it can, then decide again.
 * - `refuse`: the asker is told and nothing changes.
 * - `stop`: permanent for this request; trying again cannot help.
 * - `inDoubt`: nobody knows whether it was applied.
 * - `halt`: the engine stops.
 */
export type Remedy = "retry" | "wait" | "refuse" | "stop" | "inDoubt" | "halt";

export const remedies = {
  // alarm intake (wire.md)
  INVALID: "refuse",
  MISSING: "refuse",
  CONFLICT: "refuse",
  TOO_DEEP: "refuse",
  TOO_LARGE: "refuse",
  OVERLOADED: "refuse",
  STOPPING: "refuse",
  // locks and operator commands
  NOT_LOCKED: "refuse",
  STALE_GUID: "refuse",
  STALE_FENCE: "refuse",
  NOT_BUSY: "refuse",
  BUSY_CLIENT: "refuse",
  UNKNOWN_CLIENT: "refuse",
  LOCK_TIMEOUT: "refuse",
  LOCK_EXPIRED: "refuse",
  FORCED: "refuse",
  CANCELLED: "refuse",
  KEY_BUSY: "refuse",
  // verdicts on requests
  UNKNOWN_REQUEST: "refuse",
  NOT_UNKNOWN: "refuse",
  // questions
  UNKNOWN_FLOW: "refuse",
  UNKNOWN_ALARM: "refuse",
  UNKNOWN_ELEMENT: "refuse",
  SEARCH_FAILED: "refuse",
  // the Service Info Table
  SERVICES_INVALID: "refuse",
  SERVICE_IN_USE: "refuse",
  UNKNOWN_SERVICE: "refuse",
  TABLES_DIFFER: "refuse",
  // the ticketing service: before any byte of a request left
  UNREACHABLE: "wait",
  // … it answered that it did not do it
  BUSY: "retry",
  UNAVAILABLE: "retry",
  NOT_OWNER: "retry",
  // … it refused for good
  UNKNOWN_TICKET: "stop",
  ALREADY_CLOSED: "stop",
  DUPLICATE: "stop",
  NACK: "stop",
  FAULT_INVALID: "stop",
  BAD_CONFIGURATION: "stop",
  // … no readable answer
  TIMEOUT: "inDoubt",
  RESET: "inDoubt",
  UNREADABLE: "inDoubt",
  FAULT: "inDoubt",
  ENGINE_STOPPED: "inDoubt",
  ASYNC_MISSING: "inDoubt",
  ASYNC_ERROR: "inDoubt",
  // what the service claimed did not hold (T2)
  CLAIM_NOT_KEPT: "inDoubt",
  // the heartbeat's receiver: a beat is not repeated, the next one comes in its time
  BEAT_REFUSED: "stop",
  BEAT_UNANSWERED: "stop",
  BEAT_DROPPED: "stop",
  BEAT_CRASHED: "stop",
  // poison
  FLOW_CRASHED: "stop",
  // the topology: a load that is refused, another one under way; the database cannot be asked, or not in time
  TOPOLOGY_INVALID: "refuse",
  TOPOLOGY_BUSY: "refuse",
  TOPOLOGY_UNAVAILABLE: "wait",
  TOPOLOGY_TIMEOUT: "wait",
  // the ledger
  LEDGER_LOCKED: "halt",
  LEDGER_DAMAGED: "halt",
  LEDGER_SHORTENED: "halt",
  LEDGER_SYNC_FAILED: "halt",
  LEDGER_VERSION: "halt",
  // what is durable cannot be folded or acted on
  ENGINE_DEFECT: "halt",
  CONFIGURATION_INVALID: "halt",
} as const satisfies Record<string, Remedy>;

export type FailureCode = keyof typeof remedies;

export interface Failure {
  readonly code: FailureCode;
  /** A sentence for a person: what happened, where, what was expected, what to do. */
  readonly detail: string;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(code: FailureCode, detail: string): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: { code, detail } };
}

/** A failure that has to cross a `throw` (start-up, broken ledger): carries the code and the sentence. */
export class FailureError extends Error {
  readonly failure: Failure;
  constructor(code: FailureCode, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = "FailureError";
    this.failure = { code, detail };
  }
}

/** The value; throws the failure as a FailureError. */
export function orThrow<T>(result: Result<T>): T {
  if (!result.ok) throw new FailureError(result.failure.code, result.failure.detail);
  return result.value;
}

/** What a crash was, from an `error` event of XState. */
export function causeOf(event: { readonly type: string }): string {
  const error = "error" in event ? event.error : undefined;
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : event.type;
}

/** What an actor could not do makes its machine fail with the same error: its supervisor decides what becomes of it. */
export function escalate({ event }: { readonly event: { readonly type: string } }): never {
  throw "error" in event ? event.error : new Error(`It failed at ${event.type}.`);
}
