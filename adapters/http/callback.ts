/**
 * `POST /osb/callback/<secret>`: where the ticketing service delivers async results (SAMSERVICE).
 *   G5 202 only when durable, for unknown and repeated results too; 503 once nothing can be made durable any more.
 *   S1 with `callback.secretFile` only under a secret of it.  S4 no secret in a text.
 *   S3 results that no request waits for are bounded by address: each is a fact. What is waited for is always taken.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AsyncResult, Clock, Log } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import {
  callbackAccepted,
  callbackPutOff,
  callbackRefused,
  callbackTooMany,
  parseCallback,
  type CallbackReply,
} from "../service/osb-callback.ts";
import { type CallbackSecrets, noSecrets } from "./callback-secrets.ts";
import type { PathParams } from "./path-table.ts";
import { sendProblem } from "./problem.ts";
import { RefusalLog } from "./refusal-log.ts";
import { SecondWindow } from "./second-window.ts";
import { readBody, type Route } from "./server.ts";

const callbackPath = "/osb/callback";

/** What the service is told to post to, after the engine's address. */
export function callbackPathOf({ newest }: CallbackSecrets): string {
  return newest === null ? callbackPath : `${callbackPath}/${newest}`;
}

export interface AsyncResultSink {
  /** Resolves when durable. */
  deliverAsync(result: AsyncResult): Promise<void>;
}

export interface CallbackNeeds {
  readonly sink: AsyncResultSink;
  /** Whether a request of this id waits for its result. */
  readonly isAwaited: (requestId: string) => boolean;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Pick<Log, "warn">;
  /** Default: none, and whoever reaches the port may deliver. */
  readonly secrets?: CallbackSecrets;
}

export function callbackRoutes({
  sink,
  isAwaited,
  clock,
  log,
  secrets = noSecrets,
}: CallbackNeeds): readonly Route[] {
  const others = new SecondWindow(limits.callbacksPerSecondMax, clock);
  // By themselves: behind one address with the service, a guesser takes nothing from its late results.
  const guesses = new SecondWindow(limits.callbacksPerSecondMax, clock);
  const refusals = new RefusalLog({ clock, log });

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    { secret }: PathParams,
  ): Promise<void> {
    const address = request.socket.remoteAddress ?? "";
    if (!secrets.allows(secret)) {
      if (!guesses.take(address)) return send(response, callbackTooMany);
      refusals.say("callback.refused", {
        remote: address,
        reason: "its path has no secret of callback.secretFile",
      });
      return sendProblem(response, { status: 404, detail: "There is nothing at this path." });
    }
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
    const read = parseCallback(body, secrets.all);
    if (!(read.ok && isAwaited(read.value.requestId)) && !others.take(address))
      return send(response, callbackTooMany);
    if (!read.ok) return send(response, callbackRefused(read.failure));
    send(response, await told(sink, read.value));
  }
  const route = (path: string): Route => ({ method: "POST", path, answer });
  return secrets.newest === null
    ? [route(callbackPath)]
    : [route(callbackPath), route(`${callbackPath}/{secret}`)];
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

function send(response: ServerResponse, { status, contentType, body, retryAfter }: CallbackReply): void {
  response.writeHead(status, {
    ...(contentType === null ? undefined : { "Content-Type": contentType }),
    ...(retryAfter === undefined ? undefined : { "Retry-After": retryAfter }),
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}
