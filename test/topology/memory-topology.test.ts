import { createMemoryTopology } from "../../adapters/topology/memory.ts";
import { describeTopology } from "./topology-contract.ts";

describeTopology("in memory", async () => ({
  open: (clock) => createMemoryTopology({ clock }),
  config: null,
  dispose: () => Promise.resolve(),
}));
