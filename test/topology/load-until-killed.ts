/** A process that loads a topology and kills itself, as by `kill -9`, at the n-th report of a phase. */
import type { Config } from "../../actors/config.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { openTopology } from "../../adapters/topology/open.ts";
import type { LoadProgress } from "../../adapters/topology/topology.ts";

export interface LoadUntilKilled {
  readonly config: Pick<Config, "topology" | "dataDir">;
  readonly files: readonly string[];
  readonly phase: LoadProgress["phase"];
  readonly report: number;
}

const order = JSON.parse(process.argv[2] ?? "") as LoadUntilKilled;
let reports = 0;
await openTopology(order.config, systemClock).load({
  files: order.files,
  onProgress({ phase }) {
    if (phase === order.phase) reports += 1;
    if (phase === order.phase && reports === order.report) process.kill(process.pid, "SIGKILL");
  },
});
