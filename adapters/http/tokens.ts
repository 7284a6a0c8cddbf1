/**
 * Who is asking: bearer tokens, of which only the digest is kept.
 *   S1 required unless bound to loopback; roles viewer, operator, source.
 */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Config } from "../../actors/config.ts";
import { fail, ok, type Result } from "../../machines/failure.ts";
import { isLoopback } from "./access.ts";

export type Role = "viewer" | "operator" | "source";

export interface Holder {
  readonly role: Role;
  readonly name: string;
}

export interface Tokens {
  /** False: no tokens are asked for, and everyone who reaches the port is let in. */
  readonly required: boolean;
  /** Whose token an Authorization header carries; null: nobody's. */
  holderOf(authorization: string | undefined): Holder | null;
  /** An operator may do what a viewer may. */
  allows(authorization: string | undefined, role: Role): boolean;
}

const line = /^(viewer|operator|source):([^:\s]{1,64}):([0-9a-f]{64})$/i;

/** Reads lines `role:name:sha256hex`; empty lines and lines that begin with `#` are skipped. Fails CONFIGURATION_INVALID. */
export function readTokens(text: string, fileName: string): Result<Tokens> {
  const holders = new Map<string, Holder>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const trimmed = raw.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const [, role, name, digest] = line.exec(trimmed) ?? [];
    if (role === undefined || name === undefined || digest === undefined) {
      // S4: the line is not repeated; somebody may have written the token itself.
      return invalid(
        `${fileName}, line ${index + 1}: expected role:name:digest, with role viewer, operator or source, and the token's SHA-256 in 64 hex digits.`,
      );
    }
    if (holders.has(digest.toLowerCase()))
      return invalid(`${fileName}, line ${index + 1}: the same token stands in an earlier line.`);
    holders.set(digest.toLowerCase(), { role: role.toLowerCase() as Role, name });
  }
  if (holders.size === 0) return invalid(`${fileName} holds no token.`);
  return ok(tokensOf(holders));
}

function tokensOf(holders: ReadonlyMap<string, Holder>): Tokens {
  // A look-up by digest tells an attacker's clock nothing: what it compares, he cannot choose.
  const holderOf = (authorization: string | undefined): Holder | null => {
    const token = /^Bearer ([\x21-\x7e]{1,1024})$/i.exec(authorization ?? "")?.[1];
    return token === undefined ? null : (holders.get(hash("sha256", token)) ?? null);
  };
  return {
    required: true,
    holderOf,
    allows(authorization, role) {
      const found = holderOf(authorization);
      return found !== null && (found.role === role || (found.role === "operator" && role === "viewer"));
    },
  };
}

const noTokens: Tokens = { required: false, holderOf: () => null, allows: () => true };

/** S1: the configuration's tokens; refuses an address that others reach without any. Fails CONFIGURATION_INVALID. */
export function loadTokens({ listen, auth }: Pick<Config, "listen" | "auth">): Result<Tokens> {
  const { tokensFile } = auth;
  if (tokensFile === undefined) {
    if (isLoopback(listen.host)) return ok(noTokens);
    return invalid(
      `${listen.host} can be reached from other machines, and no tokens are set. Set auth.tokensFile to a file with ` +
        "lines role:name:sha256-of-the-token (roles viewer, operator, source), or listen on 127.0.0.1.",
    );
  }
  try {
    return readTokens(readFileSync(tokensFile, "utf8"), tokensFile);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return invalid(`auth.tokensFile: ${tokensFile} cannot be read (${code}).`);
  }
}

function invalid(detail: string): Result<never> {
  return fail("CONFIGURATION_INVALID", detail);
}
