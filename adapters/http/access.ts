/**
 * Who may talk to this port at all, before a path is looked at.
 *   S2 Host and Origin are checked against lists: a foreign page can neither open a socket nor post.
 */
import type { IncomingMessage } from "node:http";
import { hostname, networkInterfaces } from "node:os";
import type { Config } from "../../actors/config.ts";
import type { Problem } from "./problem.ts";

const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];
const wildcards = new Set(["0.0.0.0", "::", "[::]"]);

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** IPv6 addresses in brackets, as in a URL. */
export function inUrl(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

export interface AccessRules {
  /** Names this process is known by: lower case, without port. */
  readonly hosts: readonly string[];
  /** Pages that may talk to it, as browsers write them. */
  readonly origins: readonly string[];
}

/** `port`: the one that is listened on, which the configuration may leave open. */
export function accessRules(
  { host, publicUrl, allowedOrigins, tls }: Config["listen"],
  port: number,
): AccessRules {
  const hosts = new Set([inUrl(host).toLowerCase()]);
  if (isLoopback(host) || wildcards.has(host)) for (const name of loopbackNames) hosts.add(name);
  if (wildcards.has(host)) {
    hosts.add(hostname().toLowerCase());
    for (const addresses of Object.values(networkInterfaces())) {
      for (const { address } of addresses ?? []) hosts.add(inUrl(address).toLowerCase());
    }
  }
  const origins = new Set(allowedOrigins.map((origin) => origin.toLowerCase()));
  const scheme = tls === undefined ? "http" : "https";
  for (const name of hosts) origins.add(new URL(`${scheme}://${name}:${port}`).origin);
  if (publicUrl !== null) {
    const url = new URL(publicUrl);
    hosts.add(url.hostname);
    origins.add(url.origin);
  }
  return { hosts: [...hosts], origins: [...origins] };
}

/** Null when the request may be looked at. */
export function judgeAccess({ headers }: IncomingMessage, { hosts, origins }: AccessRules): Problem | null {
  const host = headers.host?.toLowerCase().replace(/:\d+$/, "");
  if (host === undefined || !hosts.includes(host)) {
    return {
      status: 403,
      code: "FOREIGN_HOST",
      detail:
        "The Host header names another host. Use an address this engine listens on, or set listen.publicUrl.",
    };
  }
  if (headers.origin !== undefined && !origins.includes(headers.origin.toLowerCase())) {
    return {
      status: 403,
      code: "FOREIGN_ORIGIN",
      detail: "Pages of this Origin may not talk to this engine; see listen.allowedOrigins.",
    };
  }
  return null;
}
