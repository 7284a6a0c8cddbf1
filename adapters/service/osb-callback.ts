/**
 * The callback endpoint's message (SAMSERVICE): reads `ticketAsyncResponse`, and says what to answer.
 *   G5 who it is for is told by RelatesTo, else by requestId; whether it counts is the gateway's to say.
 *   S4 the callback's secret, which the service may repeat, is in no text.
 */
import type { AsyncResult } from "../../actors/ports.ts";
import { fail, ok, type Failure, type Result } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { readAsyncResponse } from "./messages.ts";
import { masked, rowText } from "./row-texts.ts";
import { idOfUrn, readEnvelope, soapContentType, writeFault } from "./soap.ts";

/** Failure codes: TOO_LARGE, TOO_DEEP, INVALID. */
export function parseCallback(body: string, secrets: readonly string[] = []): Result<AsyncResult> {
  const envelope = readEnvelope(body, limits.callbackBytesMax);
  if (!envelope.ok) return envelope;
  if (envelope.value.fault !== null) return fail("INVALID", "a Fault is no async result");
  const read = readAsyncResponse(envelope.value);
  if (!read.ok) return read;
  const { relatesTo } = envelope.value;
  const requestId = relatesTo === null ? read.value.requestId : idOfUrn(relatesTo);
  if (requestId === "") return fail("INVALID", "neither RelatesTo nor <requestId> says whose result it is");
  return ok({
    requestId,
    result: read.value.result,
    ticketId: read.value.ticketId,
    code: read.value.code,
    cause: read.value.reason === null ? null : masked(read.value.reason, secrets),
    text: rowText(body, secrets),
  });
}

export interface CallbackReply {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
  /** Seconds. */
  readonly retryAfter?: string;
}

/** To be sent when the result is durable; also for a result that is unknown or repeated. */
export const callbackAccepted: CallbackReply = { status: 202, contentType: null, body: "" };

/** For a result that the engine can no longer keep: the service is to deliver it again. */
export function callbackPutOff({ detail }: Failure): CallbackReply {
  return { status: 503, contentType: soapContentType, body: writeFault("Server", detail) };
}
/** S3: nothing was read of it, or nothing kept; a service repeats a result until a 2xx. */
export const callbackTooMany: CallbackReply = {
  status: 429,
  contentType: soapContentType,
  body: writeFault("Server", "too many results that no request waits for; expected the result again later"),
  retryAfter: "1",
};

/** For a body that `parseCallback` refused: a 4xx, since sending the same again cannot help. */
export function callbackRefused(failure: Failure): CallbackReply {
  return {
    status: failure.code === "TOO_LARGE" ? 413 : 400,
    contentType: soapContentType,
    body: writeFault("Client", failure.detail),
  };
}
