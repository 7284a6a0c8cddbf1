/**
 * One request to the API, from the token to the answer: who asks, in what form, what is asked, and only then the doing.
 *   S1 the token before anything is read.  S2 a command must be JSON or CSV by its Content-Type, which no plain form
 *   of a foreign page can send.  S3 bodies are bounded.
 */
import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { FailureError } from "../../../machines/failure.ts";
import { limits } from "../../../machines/limits.ts";
import type { PathParams } from "../path-table.ts";
import { sendProblem, type Problem } from "../problem.ts";
import { pathOf, readBytes, type Route } from "../server.ts";
import type { Tokens } from "../tokens.ts";
import type { IdempotencyKeys, RememberedAnswer } from "./idempotency.ts";
import type { Asked, Operation, Told } from "./operation.ts";
import { bodyProblem, parameterProblem, problemOf } from "./refusal.ts";

export interface ExchangePorts {
  readonly tokens: Tokens;
  readonly keys: IdempotencyKeys;
}

export const apiPath = "/api";

/** Whoever reaches a port that asks for no tokens. */
const localName = "local";

export function routeOf(operation: Operation, ports: ExchangePorts): Route {
  return {
    method: operation.method,
    path: `${apiPath}${operation.path}`,
    async answer(request, response, params) {
      const read = await readAsked(operation, ports.tokens, request, params);
      if ("problem" in read) return refuse(request, response, read.problem);
      const key = request.headers["idempotency-key"];
      if (operation.isCommand !== true || key === undefined)
        return send(response, await answerOf(operation, read.asked));
      await answerOnce(operation, ports.keys, { request, response, read, key: String(key) });
    },
  };
}

interface Read {
  readonly asked: Asked<never, never, never>;
  readonly bytes: Uint8Array;
}

async function readAsked(
  operation: Operation,
  tokens: Tokens,
  request: IncomingMessage,
  pathParams: PathParams,
): Promise<Read | { readonly problem: Problem }> {
  const who = whoAsks(tokens, request, operation.role);
  if (typeof who !== "string") return { problem: who };
  const params = (operation.params ?? nothing).safeParse(
    operation.params === undefined ? undefined : pathParams,
  );
  if (!params.success) return { problem: parameterProblem(params.error) };
  const queried = queryOf(request);
  if (queried === null) return { problem: doubledParameter };
  if (operation.query === undefined && Object.keys(queried).length > 0)
    return { problem: { status: 400, code: "BAD_PARAMETER", detail: "This operation takes no query." } };
  const query = (operation.query ?? nothing).safeParse(operation.query === undefined ? undefined : queried);
  if (!query.success) return { problem: parameterProblem(query.error) };

  const body = await readAskedBody(operation, request);
  if ("problem" in body) return body;
  // Each part has passed the schema that the operation's own types were made of.
  const asked = { params: params.data, query: query.data, body: body.value, by: who } as Asked<
    never,
    never,
    never
  >;
  return { asked, bytes: body.bytes };
}

/** S1. The name of who asks, or why he may not. */
export function whoAsks(
  tokens: Tokens,
  { headers }: IncomingMessage,
  role: "viewer" | "operator",
): string | Problem {
  if (!tokens.required) return localName;
  const holder = tokens.holderOf(headers.authorization);
  if (holder === null)
    return {
      status: 401,
      code: "UNAUTHORIZED",
      detail: `Expected Authorization: Bearer with a token of role ${role}.`,
      headers: { "WWW-Authenticate": "Bearer" },
    };
  if (!tokens.allows(headers.authorization, role))
    return {
      status: 403,
      code: "FORBIDDEN",
      detail: `The token of ${holder.name} has the role ${holder.role}; this needs ${role}.`,
    };
  return holder.name;
}

const nothing = {
  safeParse: () => ({ success: true as const, data: undefined }),
};

const doubledParameter: Problem = {
  status: 400,
  code: "BAD_PARAMETER",
  detail: "A parameter stands in the query twice; expected each once.",
};

/** null: a name is there twice. */
function queryOf(request: IncomingMessage): Record<string, string> | null {
  const search = new URLSearchParams(request.url?.split("?").slice(1).join("?") ?? "");
  const names = [...search.keys()];
  return new Set(names).size === names.length ? Object.fromEntries(search) : null;
}

type ReadBody = { readonly value: unknown; readonly bytes: Uint8Array };

async function readAskedBody(
  { body, csvBytesMax }: Operation,
  request: IncomingMessage,
): Promise<ReadBody | { readonly problem: Problem }> {
  if (body === undefined && csvBytesMax === undefined) return { value: undefined, bytes: new Uint8Array() };
  const expected = body === undefined ? "text/csv" : "application/json";
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== expected)
    return {
      problem: {
        status: 415,
        code: "UNSUPPORTED_MEDIA_TYPE",
        detail: `Expected a body with Content-Type: ${expected}.`,
        headers: { Accept: expected },
      },
    };
  if (request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined)
    return {
      problem: { status: 411, code: "LENGTH_REQUIRED", detail: "Expected a body with its Content-Length." },
    };
  const bytesMax = csvBytesMax ?? limits.apiBodyBytesMax;
  const bytes = await readBytes(request, bytesMax);
  if (bytes === null)
    return {
      problem: { status: 413, code: "TOO_LARGE", detail: `Expected a body of at most ${bytesMax} bytes.` },
    };
  if (body === undefined) return { value: bytes, bytes };
  const value = parseJson(bytes);
  if (value === undefined)
    return { problem: { status: 400, code: "NOT_JSON", detail: "The body is not JSON in UTF-8." } };
  const parsed = body.safeParse(value, { reportInput: true });
  return parsed.success ? { value: parsed.data, bytes } : { problem: bodyProblem(parsed.error) };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

async function answerOf(
  operation: Operation,
  asked: Asked<never, never, never>,
): Promise<RememberedAnswer | Problem> {
  let result: Told<unknown>;
  try {
    result = await operation.handle(asked);
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    result = { ok: false, failure: error.failure };
  }
  if (!result.ok) {
    const problem = problemOf(result.failure);
    return "errors" in result ? { ...problem, errors: result.errors } : problem;
  }
  const type = operation.answerType ?? "application/json";
  const body = operation.answerType === undefined ? JSON.stringify(result.value) : String(result.value);
  return { status: 200, type, body };
}

interface OnceInput {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly read: Read;
  readonly key: string;
}

async function answerOnce(
  operation: Operation,
  keys: IdempotencyKeys,
  { request, response, read, key }: OnceInput,
): Promise<void> {
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > limits.idempotencyKeyCharsMax)
    return refuse(request, response, {
      status: 400,
      code: "BAD_PARAMETER",
      detail: `Idempotency-Key: expected 1 to ${limits.idempotencyKeyCharsMax} printable characters without blanks.`,
    });
  const what = `${operation.method} ${request.url ?? pathOf(request)}\n`;
  const digest = hash("sha256", Buffer.concat([Buffer.from(what), read.bytes]));
  const attempt = keys.begin(read.asked.by, key, digest);
  switch (attempt.kind) {
    case "again":
      response.setHeader("Idempotency-Replayed", "true");
      return send(response, attempt.answer);
    case "inProgress":
      return refuse(request, response, {
        status: 409,
        code: "IN_PROGRESS",
        detail: "The same command with this Idempotency-Key is being carried out; ask again in a moment.",
        headers: { "Retry-After": "1" },
      });
    case "otherRequest":
      return refuse(request, response, {
        status: 422,
        code: "KEY_REUSED",
        detail: "This Idempotency-Key came before with another command; take a new key for a new command.",
      });
    case "first":
  }
  try {
    const answer = await answerOf(operation, read.asked);
    attempt.done("type" in answer ? answer : null);
    send(response, answer);
  } catch (error) {
    attempt.done(null);
    throw error;
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  // What was not read of the body is not worth reading.
  if (!request.complete) response.setHeader("Connection", "close");
  sendProblem(response, problem);
}

function send(response: ServerResponse, answer: RememberedAnswer | Problem): void {
  if (!("type" in answer)) return sendProblem(response, answer);
  response.writeHead(answer.status, {
    "Content-Type": answer.type,
    "Content-Length": Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}
