/**
 * `POST /osb/callback`: where the ticketing service delivers async results (SAMSERVICE).
 *   G5 202 only when durable, for unknown and repeated results too; 503 once nothing can be made durable any more.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AsyncResult } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import {
  callbackAccepted,
  callbackPutOff,
  callbackRefused,
  parseCallback,
  type CallbackReply,
} from "../service/osb-callback.ts";
import { readBody, type Route } from "./server.ts";

export const callbackPath = "/osb/callback";

export interface AsyncResultSink {
  /** Resolves when durable. */
  deliverAsync(result: AsyncResult): Promise<void>;
}

export function callbackRoute(sink: AsyncResultSink): Route {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, limits.callbackBytesMax);
    if (body === null) {
      response.setHeader("Connection", "close");
      return send(
        response,
        callbackRefused({
          code: "TOO_LARGE",
          detail: `An async result has at most ${limits.callbackBytesMax} bytes.`,
        }),
      );
    }
    const read = parseCallback(body);
    if (!read.ok) return send(response, callbackRefused(read.failure));
    send(response, await told(sink, read.value));
  }
  return { method: "POST", path: callbackPath, answer };
}

async function told(sink: AsyncResultSink, result: AsyncResult): Promise<CallbackReply> {
  try {
    await sink.deliverAsync(result);
    return callbackAccepted;
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    return callbackPutOff(error.failure); // STOPPING, LEDGER_…
  }
}

function send(response: ServerResponse, { status, contentType, body }: CallbackReply): void {
  response.writeHead(status, {
    ...(contentType === null ? undefined : { "Content-Type": contentType }),
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}
