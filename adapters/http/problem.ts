/** Errors as `application/problem+json` (RFC 9457), over a response or, before one exists, over a bare socket. */
import { STATUS_CODES, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { limits } from "../../machines/limits.ts";

export interface Problem {
  readonly status: number;
  /** Stable, for programs. Default: the status by name. */
  readonly code?: string;
  /** A sentence: what happened, what was expected, what to do. */
  readonly detail: string;
  /** Of bad input: each with its place: a JSON Pointer into the body, a parameter, a line and column. */
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FieldError {
  readonly pointer?: string;
  readonly parameter?: string;
  /** Of CSV, from 1; with the column's name, what was expected there and what was got. */
  readonly line?: number;
  readonly column?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly detail: string;
}

export const problemType = "application/problem+json";

/** What a status is called where nothing more is known. */
function codeOf(status: number): string {
  return (STATUS_CODES[status] ?? "Error").toUpperCase().replaceAll(/[^A-Z]+/g, "_");
}

function bodyOf({ status, code = codeOf(status), detail, errors }: Problem): string {
  const title = STATUS_CODES[status] ?? "Error";
  return JSON.stringify({ type: `urn:ticketclient:problem:${code}`, title, status, code, detail, errors });
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  const body = bodyOf(problem);
  response.writeHead(problem.status, {
    ...problem.headers,
    "Content-Type": problemType,
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
    "Content-Type": problemType,
    "Content-Length": String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? "Error"}\r\n`;
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  // S3: it is not waited for longer than any other answer.
  if (socket instanceof Socket) socket.setTimeout(limits.answerUnreadMsMax, () => socket.destroy());
  socket.end(`${status}${lines.join("")}\r\n${body}`);
}
