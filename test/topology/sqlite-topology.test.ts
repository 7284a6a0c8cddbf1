import { folder } from "./files.ts";
import { openTopology } from "../../adapters/topology/open.ts";
import { describeTopology } from "./topology-contract.ts";

describeTopology("in SQLite", async () => {
  const config = { dataDir: folder(), topology: { kind: "sqlite", file: "sub/topology.db" } } as const;
  return { config, open: (clock) => openTopology(config, clock), dispose: () => Promise.resolve() };
});
