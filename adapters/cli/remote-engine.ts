/**
 * A running engine asked over its HTTP API; what goes wrong comes as a sentence that says what to do.
 *   S5 no redirects followed.  S4 a token is never shown.
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Config } from "../../actors/config.ts";
import { FailureError, remedies, type FailureCode } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { inUrl } from "../http/access.ts";

const problemSchema = z.object({ code: z.string().optional(), detail: z.string().optional() });

export interface RemoteEngine {
  readonly url: string;
  /** Any answer, whatever its status. Throws FailureError UNREACHABLE. */
  say(method: string, path: string, body?: RemoteBody): Promise<RemoteAnswer>;
  /** Resolves with the answer's JSON, checked. Throws FailureError: refused, not reached, not understood. */
  ask<Answer extends z.ZodType>(
    what: { readonly method: "GET" | "POST"; readonly path: string; readonly body?: unknown },
    answer: Answer,
  ): Promise<z.output<Answer>>;
}

export interface RemoteBody {
  readonly type: string;
  readonly text: string;
}

export interface RemoteAnswer {
  readonly status: number;
  readonly text: string;
}

/** Where an engine of this configuration listens. */
export function urlOf({ listen }: Pick<Config, "listen">): string {
  const isWildcard = listen.host === "0.0.0.0" || listen.host === "::" || listen.host === "[::]";
  const host = isWildcard ? "127.0.0.1" : inUrl(listen.host);
  return `${listen.tls === undefined ? "http" : "https"}://${host}:${listen.port}`;
}

/** `url`: `http://host:port`. Throws FailureError INVALID where it is none. */
export function remoteEngine(url: string, token: string | undefined): RemoteEngine {
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new FailureError("INVALID", `--url ${url}: expected http://host:port of a running engine.`);

  async function say(method: string, path: string, body?: RemoteBody): Promise<RemoteAnswer> {
    try {
      const response = await fetch(new URL(path, base ?? url), {
        method,
        redirect: "error",
        signal: AbortSignal.timeout(limits.httpRequestTimeoutMs),
        headers: {
          ...(token === undefined ? undefined : { Authorization: `Bearer ${token}` }),
          // Sent again by nobody here; but a proxy might.
          ...(body === undefined
            ? undefined
            : { "Content-Type": body.type, "Idempotency-Key": randomUUID() }),
        },
        body: body?.text ?? null,
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw new FailureError(
        "UNREACHABLE",
        `${url} cannot be asked: ${causeOfFetch(error)}. Does an engine run there?`,
      );
    }
  }

  return {
    url,
    say,
    async ask({ method, path, body }, answer) {
      const json = { type: "application/json", text: JSON.stringify(body) };
      const { status, text } = await (body === undefined ? say(method, path) : say(method, path, json));
      const read = jsonOf(text);
      if (status >= 400) throw refusal(url, status, read);
      const parsed = answer.safeParse(read);
      if (parsed.success) return parsed.data;
      throw new FailureError(
        "UNREADABLE",
        `${url} answered ${status}, but not what was asked for. Is it an engine of this version?`,
      );
    },
  };
}

/** What a problem document says, as a sentence. */
export function refusal(url: string, status: number, body: unknown): FailureError {
  const problem = problemSchema.safeParse(body);
  const { code, detail = "no reason given" } = problem.success ? problem.data : {};
  const advice = status === 401 || status === 403 ? " Give a token in TICKET_CLIENT_TOKEN." : "";
  return new FailureError(
    code !== undefined && Object.hasOwn(remedies, code) ? (code as FailureCode) : "INVALID",
    `${url} refused (${status}): ${detail}${advice}`,
  );
}

/** null: no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** fetch says "fetch failed" and hides the reason. */
function causeOfFetch(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error ? first.message : error.message;
}
