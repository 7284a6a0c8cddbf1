/**
 * Headers of every answer: nothing of ours is framed, sniffed, cached or loaded by a foreign page. A route may say
 * otherwise of itself (the console has a policy of its own).
 *   S2 a page of another origin reads an answer only where the configuration allows that origin.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

const always: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cache-Control": "no-store",
};

export function setSecurityHeaders(response: ServerResponse, isTls: boolean): void {
  for (const [name, value] of Object.entries(always)) response.setHeader(name, value);
  if (isTls) response.setHeader("Strict-Transport-Security", "max-age=31536000");
}

/** For pages of `listen.allowedOrigins`: call only when the Origin was found allowed. */
export function allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.origin === undefined) return;
  response.setHeader("Access-Control-Allow-Origin", headers.origin);
  response.setHeader("Access-Control-Expose-Headers", "Idempotency-Replayed, Retry-After");
  response.setHeader("Vary", "Origin");
}

/** What OPTIONS answers, to a page's preflight too. */
export function sendOptions(
  request: IncomingMessage,
  response: ServerResponse,
  methods: readonly string[],
): void {
  const allow = allowOf(methods);
  response.setHeader("Allow", allow);
  if (request.headers["access-control-request-method"] !== undefined) {
    response.setHeader("Access-Control-Allow-Methods", allow);
    response.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key");
    response.setHeader("Access-Control-Max-Age", "600");
  }
  response.writeHead(204);
  response.end();
}

export function allowOf(methods: readonly string[]): string {
  return [...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"].join(
    ", ",
  );
}
