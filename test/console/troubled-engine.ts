/** An engine with all that a page can show of trouble: a create of unknown fate, a search that hangs, a path. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiUnderTest, startApi } from "../http/api/rig.ts";

/** The key `doubtful` loses its create, the key `hanging` its first search. `timeoutSeconds`: how long that hangs. */
export async function startTroubledApi(
  timeoutSeconds: number,
  raised: readonly (readonly [id: string, key: string])[],
): Promise<ApiUnderTest> {
  const api = await startApi({
    config: { clients: 3 },
    row: { idempotency: "none", settleSeconds: 0.01, timeoutSeconds },
    desk: {
      idempotency: "none",
      faults: [
        { match: { command: "create", key: "doubtful" }, fault: "reset-before", times: 1 },
        { match: { command: "search", key: "hanging" }, fault: "silent", times: 1 },
      ],
    },
    keep: true,
  });
  const folder = join(api.engine.config.dataDir, "topology");
  mkdirSync(folder);
  writeFileSync(join(folder, "link.csv"), "ne_a;ne_b\nroot;hub\nhub;node-1\n");
  await api.ask("POST", "/api/topology/load", { json: { files: ["link.csv"] } });
  for (const [id, key] of raised) {
    await api.raise(id, { key, alarmedObject: key });
    await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);
  }
  return api;
}
