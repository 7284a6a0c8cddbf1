/** Files of a load in a folder that goes with the test, and networks to fill them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const elementHeader =
  "ne_id;ne_name;ne_type;parent_ne_id;region;headend;chassis;slot;port;node;ip_address;mac;vendor;model;status";
export const addressHeader = "address_id;ne_id;uau;street;house_no;postcode;city";
export const hopHeader = "path_id;ne_id;hop_no;hop_ne_id;hop_type;interface;network_service";

export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "topology-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes each file, lines as text or the whole as bytes; returns their paths in the order given. */
export function writeFiles(
  dir: string,
  files: Readonly<Record<string, readonly string[] | Buffer>>,
): string[] {
  return Object.entries(files).map(([name, content]) => {
    const path = join(dir, name);
    writeFileSync(path, Buffer.isBuffer(content) ? content : `${content.join("\n")}\n`);
    return path;
  });
}

/** `id: parent`; each element is named after `tag`, so that two loads can be told apart. */
export function elementLines(parents: Readonly<Record<string, string>>, tag = "name"): string[] {
  return [
    elementHeader,
    ...Object.entries(parents).map(
      ([id, parent]) =>
        `${id};${tag} ${id};hub;${parent};North;H1;C1;1;2;N1;10.0.0.1;00:11:22:33:44:55;V;M;up`,
    ),
  ];
}

/** So many elements, each under the one of an eighth of its number. */
export function tree(elements: number): Record<string, string> {
  const parents: Record<string, string> = {};
  for (let n = 0; n < elements; n += 1) parents[`NE-${n}`] = n === 0 ? "" : `NE-${Math.floor((n - 1) / 8)}`;
  return parents;
}

/** What a promise comes to, while each turn of the event loop does something. */
export async function meanwhile<T>(promise: Promise<T>, eachTurn: () => void): Promise<T> {
  const state = { isSettled: false };
  const settled = promise.finally(() => {
    state.isSettled = true;
  });
  settled.catch(() => undefined); // told below
  while (!state.isSettled) {
    eachTurn();
    await new Promise(setImmediate);
  }
  return settled;
}
