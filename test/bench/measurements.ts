/** Every measurement by name. Each runs in a process of its own: none inherits another's heap or compiled code. */
import { acks } from "./acks.ts";
import { bareFlows } from "./bare-flows.ts";
import { consolePage, watchedFlows } from "./console.ts";
import { engineFlows } from "./engine-flows.ts";
import { idlePool } from "./idle-pool.ts";
import { inspectedFlows } from "./inspect.ts";
import { bareLoad, topologyLoad } from "./topology.ts";

export const measurements = {
  engineFlows,
  bareFlows,
  acks,
  idlePool,
  inspectedFlows,
  consolePage,
  watchedFlows,
  topologyLoad,
  bareLoad,
};

export type MeasurementName = keyof typeof measurements;
export type LoadOf<N extends MeasurementName> = Parameters<(typeof measurements)[N]>[0];
export type FiguresOf<N extends MeasurementName> = Awaited<ReturnType<(typeof measurements)[N]>>;
