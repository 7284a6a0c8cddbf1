/**
 * Who may open a WebSocket of ours, decided from the HTTP request alone.
 *   S1 authentication before parsing.  S2 no foreign page can open a socket.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { sendProblemOnSocket } from "./problem.ts";

/** Of the alarm intake and of the feed: every text frame is one CloudEvents 1.0 JSON object. */
export const cloudEventsSubprotocol = "cloudevents.json";

export interface UpgradeRules {
  /** Origins of pages that may connect, as browsers write them (`https://noc.example`). None by default. */
  readonly allowedOrigins: readonly string[];
  /** Host names this process is known by, without port, `[::1]` in brackets: a name that a foreign page
   * made point here is not among them. */
  readonly allowedHosts: readonly string[];
  /** What the token must be good for; only told to whoever is refused. */
  readonly role: "source" | "viewer";
  /** True lets in. Gets the Authorization header as sent. Without it everyone is let in. */
  readonly authorize?: ((authorization: string | undefined) => boolean) | undefined;
  /** Must be among those offered; null: none is asked for. Default: that of CloudEvents. */
  readonly subprotocol?: string | null;
}

export interface UpgradeRefusal {
  readonly status: 400 | 401 | 403 | 503;
  readonly detail: string;
}

/**
 * As a header, or from a page, which can set none on a WebSocket: as the offered subprotocol `bearer.<token in base64url>`.
 * That one is never chosen, so it is not said back.
 */
export function authorizationOf({ headers }: IncomingMessage): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization;
  const offered = headers["sec-websocket-protocol"]?.split(",") ?? [];
  const [, token] =
    /^\s*bearer\.([\w-]{1,2048})\s*$/.exec(offered.find((one) => one.includes("bearer.")) ?? "") ?? [];
  return token === undefined ? undefined : `Bearer ${Buffer.from(token, "base64url").toString("utf8")}`;
}

/** Null when the request may be upgraded. */
export function judgeUpgrade(request: IncomingMessage, rules: UpgradeRules): UpgradeRefusal | null {
  const { host, origin } = request.headers;
  const offered = request.headers["sec-websocket-protocol"];
  const { subprotocol = cloudEventsSubprotocol } = rules;
  // S2. Nothing that is not a browser sends an Origin; `null` is a sandboxed or local page.
  if (host === undefined || !rules.allowedHosts.includes(host.toLowerCase().replace(/:\d+$/, "")))
    return {
      status: 403,
      detail: "The Host header names another host; expected one this engine is known by.",
    };
  if (origin !== undefined && !rules.allowedOrigins.includes(origin.toLowerCase()))
    return { status: 403, detail: "This Origin is not allowed; see listen.allowedOrigins." };
  // S1
  if (rules.authorize !== undefined && !rules.authorize(authorizationOf(request)))
    return { status: 401, detail: `Expected Authorization: Bearer with a token of role ${rules.role}.` };
  if (subprotocol !== null && !offered?.split(",").some((offer) => offer.trim() === subprotocol))
    return { status: 400, detail: `Expected Sec-WebSocket-Protocol: ${subprotocol}.` };
  return null;
}

/** Answers with a problem body and ends the socket. */
export function refuseUpgrade(socket: Duplex, { status, detail }: UpgradeRefusal): void {
  sendProblemOnSocket(socket, {
    status,
    detail,
    ...(status === 401 ? { headers: { "WWW-Authenticate": "Bearer" } } : undefined),
  });
}
