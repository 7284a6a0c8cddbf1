/**
 * The tokens of a file that is read again while the engine runs: one that was withdrawn is good for no request from then
 * on, and ends its sockets at their next ping.
 *   S1 a change that cannot be read, or holds no token, keeps the old ones and says so once.
 */
import { readFileSync } from "node:fs";
import type { Config } from "../../actors/config.ts";
import type { Clock, Log } from "../../actors/ports.ts";
import { ok, type Result } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { loadTokens, readTokens, type Tokens } from "./tokens.ts";

export interface LiveTokens extends Tokens {
  close(): void;
}

/** Fails as `loadTokens`. Without a file nothing is read again. */
export function watchTokens(
  { listen, auth }: Pick<Config, "listen" | "auth">,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Result<LiveTokens> {
  const loaded = loadTokens({ listen, auth });
  if (!loaded.ok) return loaded;
  const { tokensFile } = auth;
  let current = loaded.value;
  let known: string | null = tokensFile === undefined ? null : textOf(tokensFile);
  let timer: unknown = null;

  function readAgain(file: string): void {
    timer = clock.setTimeout(() => readAgain(file), limits.tokensRereadMs);
    const text = textOf(file);
    if (text === known) return;
    known = text;
    const read = text === null ? null : readTokens(text, file);
    if (read?.ok === true) {
      current = read.value;
      log.info("tokens.read", { file });
    } else log.error("tokens.kept", { file, reason: read?.failure.detail ?? `${file} cannot be read.` });
  }
  if (tokensFile !== undefined) timer = clock.setTimeout(() => readAgain(tokensFile), limits.tokensRereadMs);

  return ok({
    required: current.required,
    holderOf: (authorization) => current.holderOf(authorization),
    allows: (authorization, role) => current.allows(authorization, role),
    close: () => clock.clearTimeout(timer),
  });
}

/** Null: it cannot be read. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
