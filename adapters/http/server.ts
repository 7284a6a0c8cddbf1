/**
 * The one HTTP server of an engine: a table of routes, a list of upgrades, and what is refused before either.
 *   S2 Host and Origin first.  S3 headers, bodies, answers, times and connections have limits.
 */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Config } from "../../actors/config.ts";
import type { Clock, Log } from "../../actors/ports.ts";
import { alarmsPath } from "../../actors/socket-messages.ts";
import { limits } from "../../machines/limits.ts";
import { type AccessRules, accessRules, inUrl, judgeAccess } from "./access.ts";
import { OpenAnswers } from "./open-answers.ts";
import { type Method, type PathParams, PathTable } from "./path-table.ts";
import { sendProblem, sendProblemOnSocket, type Problem } from "./problem.ts";
import { RefusalLog } from "./refusal-log.ts";
import { allowOf, allowOrigin, sendOptions, setSecurityHeaders } from "./security-headers.ts";
import { SenderConnections } from "./sender-connections.ts";
import { readTls } from "./tls.ts";

export interface Route {
  readonly method: Method;
  /** Without query; a segment `{name}` stands for any one and is told to `answer`, decoded. */
  readonly path: string;
  readonly answer: (
    request: IncomingMessage,
    response: ServerResponse,
    params: PathParams,
  ) => void | Promise<void>;
}

/** Takes an upgrade of its own path and returns true; false: another path, nothing was done. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

export interface HttpServer {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly access: AccessRules;
  addRoutes(routes: readonly Route[]): void;
  addUpgrade(upgrade: Upgrade): void;
  /** From now on an unknown path is 404; before, 503: the engine is starting, and a 404 would send people away for good. */
  allAdded(): void;
  /** Ends idle connections, and after `closeGraceMs` the rest. */
  close(): Promise<void>;
}

/** The address cannot be listened on; the message says what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

export interface HttpPorts {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
}

const bounds = {
  /** Connections at most: kept by senders of alarms, of senders for one request each, and beside those. */
  senders: limits.connectionsMax as number,
  passing: limits.alarmRequestsMax as number,
  operators: limits.operatorConnectionsMax as number,
  unreadMs: limits.answerUnreadMsMax as number,
  closeGraceMs: limits.closeGraceMs as number,
};

/** Resolves when it listens: routes and upgrades are added later; until `allAdded` what is missing is 503. */
export async function startHttpServer(
  listen: Config["listen"],
  { clock, log }: HttpPorts,
  changed: Partial<typeof bounds> = {},
): Promise<HttpServer> {
  const {
    senders: sendersMax,
    passing: passingMax,
    operators,
    unreadMs,
    closeGraceMs,
  } = { ...bounds, ...changed };
  const senders = new SenderConnections(sendersMax, passingMax);
  const answers = new OpenAnswers(limits.unansweredPerConnectionMax);
  const refusals = new RefusalLog({ clock, log });
  const routes = new PathTable<Route["answer"]>();
  const upgrades: Upgrade[] = [];
  let access: AccessRules = { hosts: [], origins: [] };
  let isComplete = false;

  function missing(detail: string): Problem {
    if (isComplete) return { status: 404, detail };
    return {
      status: 503,
      detail: "The engine is starting; try again in a second.",
      headers: { "Retry-After": "1" },
    };
  }

  function refuse(request: IncomingMessage, problem: Problem): Problem {
    refusals.say("http.refused", {
      status: problem.status,
      method: request.method,
      remote: request.socket.remoteAddress,
    });
    return problem;
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    if (!answers.begin(response, request.socket)) {
      // No answer that it could be told with: it reads none of those before.
      refuse(request, tooManyUnanswered);
      return void request.socket.destroy();
    }
    setSecurityHeaders(response, listen.tls !== undefined);
    const denied = judgeAccess(request, access);
    if (denied !== null) return sendProblem(response, refuse(request, denied));
    allowOrigin(request, response);
    const found = routes.find(pathOf(request));
    if (found === null)
      return sendProblem(
        response,
        missing("There is nothing at this path; /api/openapi.json lists what there is."),
      );
    const methods = [...found.methods.keys()];
    if (request.method === "OPTIONS") return sendOptions(request, response, methods);
    const answer = found.methods.get((request.method === "HEAD" ? "GET" : request.method) as Method);
    if (answer === undefined) {
      const allow = allowOf(methods);
      return sendProblem(response, {
        status: 405,
        detail: `Expected ${allow} at this path.`,
        headers: { Allow: allow },
      });
    }
    if (found.params === null)
      return sendProblem(response, { status: 400, detail: "The path holds an escape that is not UTF-8." });
    if (isOfSenders(request) && !senders.keep(request.socket)) {
      response.setHeader("Connection", "close");
      if (!senders.letPass(request.socket)) return sendProblem(response, refuse(request, tooManySenders));
    }
    void run(answer, request, response, found.template, found.params);
  }

  async function run(
    answer: Route["answer"],
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    params: PathParams,
  ): Promise<void> {
    try {
      await answer(request, response, params);
    } catch (error) {
      // Who broke off hears nothing, and it is no failure of ours.
      if (request.destroyed && !request.complete) return void response.destroy();
      // S4: the route's path, which holds no secret.
      log.error("http.failed", { path, error: String(error) });
      if (response.headersSent) response.destroy();
      else sendProblem(response, { status: 500, detail: "The engine failed to answer; its log says why." });
    }
  }

  const options = {
    maxHeaderSize: limits.httpHeaderBytesMax,
    requestTimeout: limits.httpRequestTimeoutMs,
    headersTimeout: limits.httpRequestTimeoutMs,
    handshakeTimeout: unreadMs,
    // Who offers another protocol beside HTTP/1.1 (`h2c`: java.net.http, curl --http2) is answered in HTTP/1.1.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === "websocket",
    ...readTls(listen),
  };
  const server = listen.tls === undefined ? http.createServer(options) : https.createServer(options);
  server.maxConnections = sendersMax + passingMax + operators;
  server.on("request", serve);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const denied = judgeAccess(request, access);
    if (denied !== null) return sendProblemOnSocket(socket, refuse(request, denied));
    if (isOfSenders(request) && !senders.keep(socket))
      return sendProblemOnSocket(socket, refuse(request, tooManySenders));
    if (upgrades.some((upgrade) => upgrade(request, socket, head))) return;
    sendProblemOnSocket(socket, missing("There is no WebSocket at this path."));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) =>
    sendProblemOnSocket(socket, unreadable(error)),
  );
  // Nothing can be told to who has not agreed on TLS, nor waited for until it was.
  server.on("tlsClientError", (_error: Error, socket: Duplex) => socket.destroy());
  server.setTimeout(unreadMs, (socket) => {
    if (!answers.isOwed(socket)) socket.destroy();
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(explainListen(error, listen)));
    server.listen(listen.port, listen.host.replace(/^\[|\]$/g, ""), () => resolve());
  });
  const address = server.address();
  const port = address === null || typeof address === "string" ? listen.port : address.port;
  access = accessRules(listen, port);

  return {
    url: `${listen.tls === undefined ? "http" : "https"}://${inUrl(listen.host)}:${port}`,
    access,
    addRoutes(more) {
      for (const { path, method, answer } of more) routes.add(method, path, answer);
    },
    addUpgrade: (upgrade) => void upgrades.push(upgrade),
    allAdded: () => void (isComplete = true),
    close() {
      return new Promise((resolve) => {
        // Those too that have not come so far as to speak HTTP.
        const grace = setTimeout(() => sockets.forEach((socket) => socket.destroy()), closeGraceMs);
        server.close(() => {
          clearTimeout(grace);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

export function pathOf(request: IncomingMessage): string {
  return request.url?.split("?", 1)[0] ?? "/";
}

/** All that takes alarms lies at this path or beneath it. */
function isOfSenders(request: IncomingMessage): boolean {
  const path = pathOf(request);
  return path === alarmsPath || path.startsWith(`${alarmsPath}/`);
}

const tooManyUnanswered: Problem = {
  status: 429,
  detail: `More than ${limits.unansweredPerConnectionMax} requests of one connection are unanswered.`,
};

const tooManySenders: Problem = {
  status: 503,
  detail: "Senders of alarms have all connections that they may have; try again in a second.",
  headers: { "Retry-After": "1" },
};

/** `readBytes` as text; what is not UTF-8 becomes U+FFFD. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string | null> {
  return (await readBytes(request, bytesMax))?.toString("utf8") ?? null;
}

/** The whole body; null: over `bytesMax`, and the rest was not read. Rejects when the sender breaks off. */
export function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        request.pause();
        request.removeAllListeners("data");
        resolve(null);
      } else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", reject);
  });
}

function unreadable({ code }: NodeJS.ErrnoException): Problem {
  if (code === "HPE_HEADER_OVERFLOW")
    return { status: 431, detail: `The headers exceed ${limits.httpHeaderBytesMax} bytes.` };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return { status: 408, detail: `The request took over ${limits.httpRequestTimeoutMs} ms.` };
  return { status: 400, detail: "This is not an HTTP request that can be read." };
}

function explainListen(error: NodeJS.ErrnoException, { host, port }: Config["listen"]): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new ListenError(
        `Port ${port} of ${host} is taken. Stop the program that has it, or choose another with --port (0 = any).`,
      );
    case "EACCES":
      return new ListenError(
        `Port ${port} of ${host} may not be opened by this user; choose one above 1023 with --port.`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new ListenError(`${host} is no address of this machine; see listen.host.`);
    default:
      return new ListenError(`Cannot listen on ${host}, port ${port}: ${error.message}.`);
  }
}
