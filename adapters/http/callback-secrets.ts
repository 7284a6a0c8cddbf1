/**
 * The secrets of the callback's path, from a file: the newest is told to the service with every request, each lets a
 * result in, so that a secret can be changed while requests wait that carry the one before.
 *   S1 compared in constant time.  S4 no message repeats a line.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { fail, ok, type Result } from "../../machines/failure.ts";

export interface CallbackSecrets {
  /** null: none is asked for. */
  readonly newest: string | null;
  readonly all: readonly string[];
  allows(secret: string | undefined): boolean;
}

export const noSecrets: CallbackSecrets = { newest: null, all: [], allows: () => true };

/** Reads a secret a line, newest first; empty lines and lines that begin with `#` are skipped. Fails CONFIGURATION_INVALID. */
export function loadCallbackSecrets(file: string | null): Result<CallbackSecrets> {
  if (file === null) return ok(noSecrets);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return fail("CONFIGURATION_INVALID", `callback.secretFile: ${file} cannot be read (${code}).`);
  }
  const all: string[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (!/^[\w-]{32,256}$/.test(line))
      return fail(
        "CONFIGURATION_INVALID",
        `callback.secretFile: ${file}, line ${index + 1}: expected 32 to 256 letters, digits, - or _, such as openssl rand -hex 32 gives.`,
      );
    all.push(line);
  }
  const [newest] = all;
  if (newest === undefined)
    return fail("CONFIGURATION_INVALID", `callback.secretFile: ${file} holds no secret.`);
  const digests = all.map(digestOf);
  return ok({
    newest,
    all,
    allows(secret) {
      const digest = digestOf(secret ?? "");
      return digests.filter((one) => timingSafeEqual(one, digest)).length > 0;
    },
  });
}

function digestOf(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}
