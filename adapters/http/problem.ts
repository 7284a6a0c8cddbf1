/** Errors as `application/problem+json` (RFC 9457), over a response or, before one exists, over a bare socket. */
import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export interface Problem {
  readonly status: number;
  /** A sentence: what happened, what was expected. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const contentType = "application/problem+json";

function bodyOf({ status, detail }: Problem): string {
  return JSON.stringify({ type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail });
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  const body = bodyOf(problem);
  response.writeHead(problem.status, {
    ...problem.headers,
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}

/** For refused upgrades and requests that could not be parsed: answers and ends the socket. */
export function sendProblemOnSocket(socket: Duplex, problem: Problem): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = bodyOf(problem);
  const headers = {
    ...problem.headers,
    Connection: "close",
    "Content-Type": contentType,
    "Content-Length": String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? "Error"}\r\n`;
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`${status}${lines.join("")}\r\n${body}`);
}
