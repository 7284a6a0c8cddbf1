/**
 * One HTTP/1.1 exchange: one POST, one answer or the exact way it broke. Never rejects.
 *   G3 what may have been sent is told from what cannot have been.  S5 no redirects.
 * Nothing is carried over between exchanges but idle sockets; a socket whose exchange did not end with
 * a whole answer that names its request is destroyed, so that a late answer can never be taken for another's.
 */
import http from "node:http";
import type { LookupFunction, Socket } from "node:net";
import type { Clock } from "../../actors/ports.ts";

export interface Posting {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly answerBytesMax: number;
  /** What an answer to it repeats. A connection that brought another one is not used again: others' may follow on it. */
  readonly named: string;
  /** S5: how the host becomes an address, at every connect; its failure means that nothing was sent. */
  readonly lookup?: LookupFunction | undefined;
  /** The peer ended a connection that its answer had left open; may be called long after the exchange. */
  readonly onPeerEnded?: (() => void) | undefined;
}

export type Exchange =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly statusText: string;
      readonly retryAfter: string | null;
      readonly text: string;
    }
  /** No byte of the request left this machine. */
  | { readonly kind: "notSent"; readonly cause: string }
  /** The target can never be called like this: a path or host that HTTP does not allow. */
  | { readonly kind: "impossible"; readonly cause: string }
  | {
      readonly kind: "broken";
      readonly code: "RESET" | "TIMEOUT" | "UNREADABLE";
      readonly cause: string;
      /** What had come by then. */
      readonly text: string;
      /** The peer closed an idle socket at the moment it was used again. */
      readonly onReusedSocket: boolean;
    };

/** The end of an attempt: its time-out on the clock, or its caller's signal. */
export interface Deadline {
  /** Why it ended; null = it did not yet. */
  ended(): "timeout" | "givenUp" | null;
  /** At most one listener; called at once if it has ended. */
  onEnd(listener: () => void): void;
  /** Stops the timer and lets go of the signal. */
  release(): void;
}

export function startDeadline(
  clock: Pick<Clock, "setTimeout" | "clearTimeout">,
  ms: number,
  signal: AbortSignal,
): Deadline {
  let why: "timeout" | "givenUp" | null = null;
  let notify: (() => void) | null = null;
  const end = (reason: "timeout" | "givenUp") => {
    if (why !== null) return;
    why = reason;
    notify?.();
  };
  const giveUp = () => end("givenUp");
  const timer = clock.setTimeout(() => end("timeout"), ms);
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  return {
    ended: () => why,
    onEnd(listener) {
      notify = listener;
      if (why !== null) listener();
    },
    release() {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      notify = null;
    },
  };
}

/** Sockets that have carried a whole answer. Node tells of a reused one only where the request did not wait for it. */
const used = new WeakSet<Socket>();

/** `agent` false = a fresh connection that is closed afterwards. Resolves at the latest when the deadline ends. */
export function post(posting: Posting, agent: http.Agent | false, deadline: Deadline): Promise<Exchange> {
  return new Promise((resolve) => {
    let mayHaveLeft = false;
    let socket: Socket | null = null;
    let isReused = false;
    let settled = false;
    let received: Buffer[] = [];
    let receivedBytes = 0;
    let answering = false;
    let request: http.ClientRequest | null = null;

    const settle = (exchange: Exchange) => {
      if (settled) return;
      settled = true;
      received = [];
      resolve(exchange);
    };
    const soFar = () => Buffer.concat(received).toString("utf8");
    const breakOff = (code: "RESET" | "TIMEOUT" | "UNREADABLE", cause: string) => {
      if (settled) return;
      const onReusedSocket = code === "RESET" && receivedBytes === 0 && isReused;
      if (onReusedSocket) posting.onPeerEnded?.();
      if (mayHaveLeft) settle({ kind: "broken", code, cause, text: soFar(), onReusedSocket });
      else settle({ kind: "notSent", cause });
      request?.destroy();
    };
    const stop = () => {
      breakOff("TIMEOUT", deadline.ended() === "givenUp" ? "given up" : "no answer in time");
    };

    if (deadline.ended() !== null) return stop();
    try {
      request = http.request({
        host: posting.host,
        port: posting.port,
        path: posting.path,
        method: "POST",
        headers: posting.headers,
        lookup: posting.lookup,
        agent,
      });
    } catch (error) {
      return settle({ kind: "impossible", cause: messageOf(error) });
    }
    request.on("socket", (its) => {
      socket = its;
      isReused = used.has(its);
      // Until then the bytes wait inside Node; from the connect on they may be anywhere.
      if (its.connecting) its.once("connect", () => (mayHaveLeft = true));
      // G3: one that failed at once (no route, no port or file left) was never connected.
      else if (!its.destroyed || isReused) mayHaveLeft = true;
    });
    request.on("error", (error) => {
      const unparsable = codeOf(error).startsWith("HPE_");
      breakOff(unparsable || answering ? "UNREADABLE" : "RESET", messageOf(error));
    });
    request.on("response", (response) => {
      answering = true;
      response.on("data", (chunk: Buffer) => {
        received.push(chunk);
        receivedBytes += chunk.length;
        // S3
        if (receivedBytes > posting.answerBytesMax) {
          breakOff("UNREADABLE", `the answer is larger than ${posting.answerBytesMax} bytes`);
        }
      });
      response.on("end", () => {
        if (settled) return;
        const text = decodeUtf8(received);
        if (text === null) return breakOff("UNREADABLE", "the answer is not UTF-8");
        if (!text.includes(posting.named)) socket?.destroy();
        else if (socket !== null && !used.has(socket)) {
          used.add(socket);
          socket.once("end", () => posting.onPeerEnded?.());
        }
        settle({
          kind: "answered",
          status: response.statusCode ?? 0,
          statusText: response.statusMessage ?? "",
          retryAfter: response.headers["retry-after"] ?? null,
          text,
        });
      });
      // Its errors are those of the request; unheard, they would end the process.
      response.on("error", () => {});
    });
    request.on("close", () => {
      if (answering) breakOff("UNREADABLE", "the answer ended in the middle");
      else breakOff("RESET", "the connection ended without an answer");
    });
    deadline.onEnd(stop);
    request.end(posting.body);
  });
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function decodeUtf8(chunks: readonly Buffer[]): string | null {
  try {
    return decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  } catch {
    return null;
  }
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Node gives an AggregateError without a message where it tried several addresses. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
