/** The certificate and the key that the port speaks TLS with. */
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Config } from "../../actors/config.ts";
import { FailureError } from "../../machines/failure.ts";

interface Pem {
  readonly cert: string;
  readonly key: string;
}

/**
 * null: no TLS. Throws FailureError CONFIGURATION_INVALID where a file cannot be read, is no PEM, or the two do not
 * belong together.
 */
export function readTls({ tls }: Pick<Config["listen"], "tls">): Pem | null {
  if (tls === undefined) return null;
  const pem = { cert: read("cert", tls.cert), key: read("key", tls.key) };
  try {
    createSecureContext(pem);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unreadable"; // names no content of the files (S4)
    throw new FailureError(
      "CONFIGURATION_INVALID",
      `listen.tls: the certificate and the key cannot be used (${reason}); expected both as PEM, the key that of the certificate.`,
    );
  }
  return pem;
}

function read(name: keyof Pem, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new FailureError("CONFIGURATION_INVALID", `listen.tls.${name}: ${file} cannot be read (${code}).`);
  }
}
