/**
 * Desk: the embedded ticketing service. TicketService.wsdl over HTTP from SQLite, with a promise it keeps
 * or breaks, async results, the truth of everything that happened, and a fault script.
 * For demo, development and tests. Source: wire.md, "Desk".
 */
import { readFile } from "node:fs/promises";
import http from "node:http";
import type { Clock } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { Idempotency } from "../../machines/vocabulary.ts";
import {
  acknowledgementContent,
  readRequest,
  responseName,
  searchResultContent,
  type Acknowledgement,
  type WireRequest,
} from "../service/messages.ts";
import {
  anonymousAddress,
  readEnvelope,
  soapContentType,
  writeEnvelope,
  writeFault,
  type Envelope,
} from "../service/soap.ts";
import type { Truth } from "../service/ticket-rules.ts";
import { ack, createCounter, nack, type ChangeRequest } from "./counter.ts";
import { createFaultPicker, type FaultCounts, type FaultRule } from "./fault-script.ts";
import { createResultPoster } from "./result-poster.ts";
import { openTicketStore } from "./ticket-store.ts";

export interface DeskOptions {
  /** 0 = any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Folder of `desk.db`; null = in memory. */
  readonly dataDir: string | null;
  /** The promise about a repeated or unanswered request (domain.md, "The gateway"). */
  readonly idempotency: Idempotency;
  /** Of `settles`: a late effect comes within this or never. */
  readonly settleSeconds: number;
  /** > 0: the ACK of a create has no ticket id, and the result of every request is posted after half of this. Default 0. */
  readonly asyncSeconds?: number;
  readonly faults?: readonly FaultRule[];
  readonly clock: Pick<Clock, "now" | "setTimeout" | "clearTimeout">;
}

export interface Desk {
  readonly port: number;
  /** Where the contract is served. */
  readonly url: string;
  truth(): Truth;
  /** How often each fault of the script happened since the start; one that never did is absent. */
  faults(): FaultCounts;
  /** Hands a ticket to somebody else, as an operator at the service would. */
  assign(ticketId: string, owner: string): void;
  /** Cuts every connection; unposted results and late effects are lost. */
  close(): Promise<void>;
}

export const deskPath = "/TicketService";
/** Of a rule without `seconds`. */
const faultSecondsDefault = 5;

export async function startDesk(options: DeskOptions): Promise<Desk> {
  const { clock, idempotency, settleSeconds, asyncSeconds = 0, host = "127.0.0.1" } = options;
  const store = openTicketStore(options.dataDir);
  const counter = createCounter({ store, idempotency, settleSeconds, clock });
  const poster = createResultPoster(clock);
  const script = options.faults ?? [];
  const pickFault = createFaultPicker(script.filter(({ fault }) => fault !== "search-lag"));
  // An index lags whatever becomes of the answer, so it takes no other fault's turn.
  const pickLag = createFaultPicker(script.filter(({ fault }) => fault === "search-lag"));
  const happened: FaultCounts = {};
  const timers = new Set<unknown>();
  let closed: Promise<void> | null = null;

  function later(seconds: number, run: () => void): void {
    const timer = clock.setTimeout(() => {
      timers.delete(timer);
      run();
    }, seconds * 1_000);
    timers.add(timer);
  }

  function serve(text: string, response: http.ServerResponse): void {
    const envelope = readEnvelope(text, limits.serviceAnswerBytesMax);
    if (!envelope.ok) return sendText(response, 500, writeFault("Client", envelope.failure.detail));
    const read = readRequest(envelope.value);
    // As the OSB's validate action does it.
    if (!read.ok) return sendText(response, 500, writeFault("Client", read.failure.detail, "BEA-382505"));
    const request = read.value;
    const key = counter.keyOf(request);
    const due = pickFault(request.command, key);
    const rule = due !== undefined && contradicts(request, due) ? undefined : due;
    if (rule !== undefined) happened[rule.fault] = (happened[rule.fault] ?? 0) + 1;
    const lag = pickLag(request.command, key);
    if (rule !== undefined && refuses(request, rule, response, envelope.value)) return;
    const answer = answerTo(request, rule, lag, envelope.value);
    if (rule?.fault === "async-early" && answer.early !== undefined) {
      // The result first, the ACK when somebody took it.
      void answer.early().then(() => sendText(response, 200, answer.text));
      return;
    }
    distort(text, answer.text, rule, response);
  }

  /** T1: `requestId` promises a repeat its first answer, which no fault may put another in the place of. */
  function contradicts(request: WireRequest, { fault }: FaultRule): boolean {
    const isAnother = fault === "nack" || fault.startsWith("async-");
    return isAnother && request.command !== "search" && counter.firstAnswer(request) !== undefined;
  }

  /** Faults without effect; true = dealt with. */
  function refuses(
    request: WireRequest,
    rule: FaultRule,
    response: http.ServerResponse,
    envelope: Envelope,
  ): boolean {
    const { fault } = rule;
    const change = request.command === "search" ? null : request;
    const seconds = rule.seconds ?? faultSecondsDefault;
    if (fault === "apply-late") {
      if (change !== null) counter.executeLater(change, seconds, resultAfter(change, replyTo(envelope)));
      response.destroy();
      return true;
    }
    if (fault !== "refuse" && fault !== "nack" && fault !== "reset-before") return false;
    if (fault === "nack" && change !== null) {
      const answer = nack(change, rule.code ?? "BUSY", "by the fault script");
      counter.note(change, answer);
      sendText(response, 200, writeAcknowledgement(change, answer, null));
      return true;
    }
    if (change !== null) counter.note(change);
    if (fault === "reset-before") {
      response.destroy();
    } else if (fault === "refuse") {
      if (rule.seconds !== undefined) response.setHeader("Retry-After", String(Math.ceil(rule.seconds)));
      sendText(response, 503, "Service Unavailable", "text/plain");
    } else {
      // The contract has no NACK for a search.
      sendText(response, 500, writeFault("Server", rule.code ?? "BUSY"));
    }
    return true;
  }

  interface Answer {
    readonly text: string;
    /** Posts the async result; there where the script wants it before the ACK. */
    readonly early?: () => Promise<void>;
  }

  function answerTo(
    request: WireRequest,
    rule: FaultRule | undefined,
    lag: FaultRule | undefined,
    envelope: Envelope,
  ): Answer {
    const relatesTo = envelope.messageId;
    if (request.command === "search") {
      const { tickets, total } = store.search(request.criteria);
      const result = { requestId: request.requestId, total, truncated: total > tickets.length, tickets };
      return {
        text: writeEnvelope(responseName("search"), searchResultContent(result), related(relatesTo)),
      };
    }
    const callback = replyTo(envelope);
    const promisesResult =
      callback !== null && (asyncSeconds > 0 || rule?.fault.startsWith("async-") === true);
    if (!promisesResult) {
      return { text: writeAcknowledgement(request, counter.execute(request, lagging(lag)), relatesTo) };
    }
    const repeated = counter.firstAnswer(request) !== undefined;
    const { answer, post } = executeAsync(request, rule, lag, callback);
    const text = writeAcknowledgement(request, answer, relatesTo);
    // A repeat gets the first answer; the result is on its way since then.
    if (repeated || answer.result === "NACK" || rule?.fault === "async-never") return { text };
    if (rule?.fault === "async-early") return { text, early: post };
    const late = rule?.fault === "async-late";
    const usual = asyncSeconds > 0 ? asyncSeconds / 2 : 1;
    later(
      late ? (rule.seconds ?? Math.max(2 * asyncSeconds, faultSecondsDefault)) : usual,
      () => void post(),
    );
    return { text };
  }

  function executeAsync(
    request: ChangeRequest,
    rule: FaultRule | undefined,
    lag: FaultRule | undefined,
    callback: string,
  ): { readonly answer: Acknowledgement; readonly post: () => Promise<void> } {
    const { requestId } = request;
    if (rule?.fault === "async-error") {
      const answer = ack(request, null);
      counter.note(request, answer);
      const result = {
        requestId,
        result: "ERROR",
        ticketId: null,
        code: "FAILED",
        reason: "by the script",
      } as const;
      return { answer, post: () => poster.post(result, callback, 1) };
    }
    const answer = counter.execute(request, { hidesTicketId: true, ...lagging(lag) });
    const copies = rule?.fault === "async-twice" ? 2 : 1;
    return { answer, post: () => postOk(requestId, answer, callback, copies) };
  }

  function postOk(
    requestId: string,
    answer: Acknowledgement,
    callback: string,
    copies: number,
  ): Promise<void> {
    const ticketId = answer.ticketId ?? store.ticketOf(requestId);
    const result = { requestId, result: "OK", ticketId, code: null, reason: null } as const;
    return poster.post(result, callback, copies);
  }

  /** Of a late effect, as of any other. */
  function resultAfter(
    { requestId }: ChangeRequest,
    callback: string | null,
  ): Parameters<typeof counter.executeLater>[2] {
    if (callback === null || asyncSeconds === 0) return {};
    return {
      hidesTicketId: true,
      applied: (answer) => later(asyncSeconds / 2, () => void postOk(requestId, answer, callback, 1)),
    };
  }

  function lagging(rule: FaultRule | undefined): { readonly lagSeconds?: number } {
    if (rule === undefined) return {};
    happened["search-lag"] = (happened["search-lag"] ?? 0) + 1;
    return { lagSeconds: rule.seconds ?? faultSecondsDefault };
  }

  /** The request had its effect; what its sender sees of that is the script's choice. */
  function distort(
    request: string,
    answer: string,
    rule: FaultRule | undefined,
    response: http.ServerResponse,
  ): void {
    switch (rule?.fault) {
      case "reset-after":
        response.destroy();
        return;
      case "silent":
        return;
      case "slow":
        later(rule.seconds ?? faultSecondsDefault, () => sendText(response, 200, answer));
        return;
      case "echo":
        return sendText(response, 500, request);
      case "html":
        return sendText(response, 200, "<!DOCTYPE html><html><body>Sign in</body></html>", "text/html");
      case "truncate": {
        const bytes = Buffer.from(answer, "utf8");
        response.writeHead(200, { "Content-Type": soapContentType, "Content-Length": bytes.length });
        response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
        return;
      }
      default:
        return sendText(response, 200, answer);
    }
  }

  const server = http.createServer(
    { maxHeaderSize: limits.httpHeaderBytesMax, requestTimeout: limits.httpRequestTimeoutMs },
    (request, response) => {
      const path = request.url ?? "/";
      if (request.method === "POST" && path === deskPath) {
        readBody(request, response, (text) => {
          try {
            serve(text, response);
          } catch (error) {
            // A full disk, say. Whether it had an effect is then as open as the sender has to take it.
            const detail = error instanceof Error ? error.message : "unknown";
            if (!response.headersSent) sendText(response, 500, writeFault("Server", detail));
          }
        });
      } else if (request.method === "GET" && path === "/truth") {
        sendText(response, 200, JSON.stringify(store.truth()), "application/json");
      } else if (request.method === "GET" && path === "/faults") {
        sendText(response, 200, JSON.stringify(happened), "application/json");
      } else if (request.method === "GET" && path.toLowerCase() === `${deskPath.toLowerCase()}?wsdl`) {
        void contract(url).then((text) =>
          sendText(response, text === null ? 404 : 200, text ?? "no WSDL here"),
        );
      } else {
        sendText(
          response,
          404,
          `POST ${deskPath}, GET ${deskPath}?wsdl, GET /truth or GET /faults`,
          "text/plain",
        );
      }
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, host, () => resolve());
  });
  const address = server.address();
  const port = address === null || typeof address === "string" ? options.port : address.port;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}${deskPath}`;

  return {
    port,
    url,
    truth: () => store.truth(),
    faults: () => ({ ...happened }),
    assign(ticketId, owner) {
      store.assign(ticketId, owner);
    },
    close: () => (closed ??= close()),
  };

  async function close(): Promise<void> {
    for (const timer of timers) clock.clearTimeout(timer);
    timers.clear();
    counter.close();
    poster.close();
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await ended;
    store.close();
  }
}

/** Where its async result goes; null: nowhere. */
function replyTo({ replyTo: address }: Envelope): string | null {
  return address === anonymousAddress ? null : address;
}

function related(relatesTo: string | null): { readonly relatesTo?: string } {
  return relatesTo === null ? {} : { relatesTo };
}

function writeAcknowledgement(
  request: ChangeRequest,
  answer: Acknowledgement,
  relatesTo: string | null,
): string {
  return writeEnvelope(responseName(request.command), acknowledgementContent(answer), related(relatesTo));
}

function sendText(response: http.ServerResponse, status: number, text: string, type = soapContentType): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

/** S3: a body over the limit is answered 413, and its connection ends. */
function readBody(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  done: (text: string) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= limits.serviceAnswerBytesMax) {
      chunks.push(chunk);
    } else if (!response.headersSent) {
      response.setHeader("Connection", "close");
      sendText(response, 413, "too large", "text/plain");
    }
  });
  request.on("end", () => {
    if (bytes <= limits.serviceAnswerBytesMax) done(Buffer.concat(chunks).toString("utf8"));
  });
}

/** The WSDL with our own address; it stands beside the source, and not in `dist`. */
async function contract(url: string): Promise<string | null> {
  for (const place of ["../service/", "../../../adapters/service/"]) {
    try {
      const text = await readFile(new URL(`${place}TicketService.wsdl`, import.meta.url), "utf8");
      return text.replace(/http:\/\/127\.0\.0\.1:8650\/TicketService/, url);
    } catch {
      // The other place, then.
    }
  }
  return null;
}
