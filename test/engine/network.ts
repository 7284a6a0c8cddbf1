/** Topologies for tests of the engine: the in-memory one, loaded from links, and what may go wrong with it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock, PathAnswer, Topology } from "../../actors/ports.ts";
import { createMemoryTopology } from "../../adapters/topology/memory.ts";

/** `child: parent` by element. */
export async function network(clock: Clock, parents: Readonly<Record<string, string>>): Promise<Topology> {
  const topology = createMemoryTopology({ clock });
  const folder = mkdtempSync(join(tmpdir(), "network-"));
  try {
    const ids = [...new Set([...Object.keys(parents), ...Object.values(parents)])];
    const rows = ids.map((id) => `${id};${id};;${parents[id] ?? ""};;;;;;;;;;;`);
    const header =
      "ne_id;ne_name;ne_type;parent_ne_id;region;headend;chassis;slot;port;node;ip_address;mac;vendor;model;status";
    const file = join(folder, "network_element.csv");
    writeFileSync(file, `${[header, ...rows].join("\n")}\n`);
    const outcome = await topology.load({ files: [file] });
    if (outcome.kind !== "loaded") throw new Error(JSON.stringify(outcome));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return topology;
}

/** One that answers as told, or never. */
export function brokenTopology(answer: () => Promise<PathAnswer>): Topology {
  return { path: answer, close: () => Promise.resolve() };
}

export const silent = (): Promise<PathAnswer> => new Promise(() => undefined);
