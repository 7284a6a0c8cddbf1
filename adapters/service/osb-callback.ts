/**
 * The callback endpoint's message (SAMSERVICE): reads `ticketAsyncResponse`, and says what to answer.
 *   G5 who it is for is told by RelatesTo, else by requestId; whether it counts is the gateway's to say.
 */
import type { AsyncResult } from "../../actors/ports.ts";
import { fail, ok, type Failure, type Result } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { readAsyncResponse } from "./messages.ts";
import { rowText } from "./row-texts.ts";
import { idOfUrn, readEnvelope, soapContentType, writeFault } from "./soap.ts";

/** Failure codes: TOO_LARGE, TOO_DEEP, INVALID. */
export function parseCallback(body: string): Result<AsyncResult> {
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
    cause: read.value.reason,
    text: rowText(body, []),
  });
}

export interface CallbackReply {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
}

/** To be sent when the result is durable; also for a result that is unknown or repeated. */
export const callbackAccepted: CallbackReply = { status: 202, contentType: null, body: "" };

/** For a result that the engine can no longer keep: the service is to deliver it again. */
export function callbackPutOff({ detail }: Failure): CallbackReply {
  return { status: 503, contentType: soapContentType, body: writeFault("Server", detail) };
}

/** For a body that `parseCallback` refused: a 4xx, since sending the same again cannot help. */
export function callbackRefused(failure: Failure): CallbackReply {
  return {
    status: failure.code === "TOO_LARGE" ? 413 : 400,
    contentType: soapContentType,
    body: writeFault("Client", failure.detail),
  };
}
