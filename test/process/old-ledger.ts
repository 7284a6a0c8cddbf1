/** The fixture of ledger version 1: where it is, how it is unpacked, and the address that its desk had. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const fixture = fileURLToPath(new URL("version-1", import.meta.url));

/** In the ledger's service table for good: an address of the loopback network that nobody else listens on. */
export const oldDesk = { host: "127.77.13.8", port: 8_650 };

/** Files of the ledger into one folder, the desk's into another. */
export function unpack(dataDir: string, deskDir: string): void {
  for (const packed of readdirSync(fixture).filter((name) => name.endsWith(".gz"))) {
    const name = packed.slice(0, -".gz".length);
    const dir = name.startsWith("desk") ? deskDir : dataDir;
    writeFileSync(join(dir, name), gunzipSync(readFileSync(join(fixture, packed))));
  }
}
