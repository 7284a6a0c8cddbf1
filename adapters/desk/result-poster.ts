/**
 * Posts async results to `wsa:ReplyTo` and repeats each until a 2xx, with back-off.
 * What is not delivered when the desk stops is lost: a fault that a service may have, too.
 */
import http from "node:http";
import type { Clock } from "../../actors/ports.ts";
import { actionOf, asyncContent, type AsyncResponse } from "../service/messages.ts";
import { soapContentType, urnOfId, writeEnvelope } from "../service/soap.ts";

export interface ResultPoster {
  /** `copies`: how often it is delivered, each copy until its own 2xx. Resolves when the first try of all ended. */
  post(result: AsyncResponse, replyTo: string, copies: number): Promise<void>;
  close(): void;
}

/** 1, 2, 4 … 30 s, like our own waits for a service. */
const retryMs = 1_000;
const retryMsMax = 30_000;
const answerMsMax = 5_000;

export function createResultPoster(clock: Pick<Clock, "now" | "setTimeout" | "clearTimeout">): ResultPoster {
  const agent = new http.Agent({ keepAlive: true, timeout: 1_000, maxSockets: 16 });
  const timers = new Set<unknown>();
  let closed = false;

  function later(ms: number, run: () => void): () => void {
    const timer = clock.setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
    return () => {
      timers.delete(timer);
      clock.clearTimeout(timer);
    };
  }

  /** Status of the answer; 0 = none came. */
  function tryOnce(url: URL, body: string): Promise<number> {
    return new Promise((resolve) => {
      const request = http.request(url, {
        method: "POST",
        agent,
        headers: {
          "Content-Type": soapContentType,
          "Content-Length": String(Buffer.byteLength(body)),
          SOAPAction: `"${actionOf("TicketAsync")}"`,
        },
      });
      const stopTimer = later(answerMsMax, () => request.destroy());
      const end = (status: number) => {
        stopTimer();
        resolve(status);
      };
      request.on("response", (response) => {
        response.resume();
        response.on("end", () => end(response.statusCode ?? 0));
      });
      request.on("error", () => end(0));
      request.on("close", () => end(0));
      request.end(body);
    });
  }

  async function deliver(url: URL, body: string, waitMs: number): Promise<void> {
    if (closed) return;
    const status = await tryOnce(url, body);
    if (closed || (status >= 200 && status < 300)) return;
    later(waitMs, () => void deliver(url, body, Math.min(waitMs * 2, retryMsMax)));
  }

  return {
    async post(result, replyTo, copies) {
      const url = URL.parse(replyTo);
      if (url === null || url.protocol !== "http:") return;
      const body = writeEnvelope("ticketAsyncResponse", asyncContent(result, clock.now()), {
        relatesTo: urnOfId(result.requestId),
        action: actionOf("TicketAsync"),
        to: replyTo,
      });
      for (let copy = 0; copy < copies; copy += 1) await deliver(url, body, retryMs);
    },
    close() {
      closed = true;
      for (const timer of timers) clock.clearTimeout(timer);
      timers.clear();
      agent.destroy();
    },
  };
}
