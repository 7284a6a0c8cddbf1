/** The topology database that the configuration names. */
import type { Config } from "../../actors/config.ts";
import type { Clock } from "../../actors/ports.ts";
import { placeBesideLedger } from "../ledger/ledger-files.ts";
import { openMysqlTopology } from "./mysql.ts";
import { readMysqlUrl } from "./mysql-url.ts";
import { openSqliteTopology } from "./sqlite.ts";
import type { TopologyDatabase } from "./topology.ts";

/** Connects and reads nothing yet. Throws FailureError CONFIGURATION_INVALID for a wrong `topology.url` or `topology.file`. */
export function openTopology(
  { topology, dataDir }: Pick<Config, "topology" | "dataDir">,
  clock: Clock,
): TopologyDatabase {
  return topology.kind === "mysql"
    ? openMysqlTopology({ url: topology.url, clock })
    : openSqliteTopology({ file: placeBesideLedger(dataDir, topology.file, "topology.file"), clock });
}

/** For messages (S4: no password). Throws FailureError CONFIGURATION_INVALID for a wrong `topology.url` or `topology.file`. */
export function topologyPlace({ topology, dataDir }: Pick<Config, "topology" | "dataDir">): string {
  return topology.kind === "mysql"
    ? readMysqlUrl(topology.url).shown
    : placeBesideLedger(dataDir, topology.file, "topology.file");
}
