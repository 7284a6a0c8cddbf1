/** The HTTP API as the page asks it: one call, and its answer or the engine's refusal. */
import type { ProblemAnswer } from "../model/api-messages.ts";
import type { Call } from "../model/intents.ts";
import { canBeToken, unfitToken } from "../model/token.ts";

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  /** `status` 0: the engine could not be reached. */
  | { readonly ok: false; readonly problem: ProblemAnswer };

export interface ApiPorts {
  readonly fetch: typeof fetch;
  readonly token: () => string | null;
  /** `http://host:port`; empty = where the page came from. */
  readonly origin: string;
}

export type Api = <T>(call: Call, idempotencyKey?: string) => Promise<Answer<T>>;

export function createApi({ fetch: send, token, origin }: ApiPorts): Api {
  return async <T>({ method, path, json, csv }: Call, idempotencyKey?: string): Promise<Answer<T>> => {
    const headers: Record<string, string> = {};
    const known = token();
    // fetch would throw, as it does where the engine cannot be reached.
    if (known !== null && !canBeToken(known))
      return refused({ status: 401, code: "UNAUTHORIZED", detail: unfitToken });
    if (known !== null) headers["authorization"] = `Bearer ${known}`;
    if (json !== undefined) headers["content-type"] = "application/json";
    if (csv !== undefined) headers["content-type"] = "text/csv";
    if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
    const body = csv ?? (json === undefined ? null : JSON.stringify(json));
    let response: Response;
    try {
      response = await send(`${origin}/api${path}`, {
        method,
        headers,
        body,
        cache: "no-store",
        redirect: "error",
      });
    } catch {
      return refused({
        status: 0,
        code: "UNREACHABLE",
        detail: "The engine cannot be reached; nothing is known of what was asked.",
      });
    }
    const type = response.headers.get("content-type") ?? "";
    try {
      if (response.ok)
        return {
          ok: true,
          value: (type.includes("json") ? await response.json() : await response.text()) as T,
        };
      if (type.includes("json")) return refused((await response.json()) as ProblemAnswer);
    } catch {
      // Cut off in the midst of the answer.
    }
    return refused({
      status: response.status,
      code: "UNREADABLE",
      detail: `The engine answered ${response.status}, and not readably.`,
    });
  };
}

function refused(problem: ProblemAnswer): { readonly ok: false; readonly problem: ProblemAnswer } {
  return { ok: false, problem };
}

/** A value of the page's own for one command, so that sending it again has no second effect. */
export function newIdempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
