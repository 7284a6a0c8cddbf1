/** Durable flows a second while somebody inspects: a viewer over a real socket, in a process of its own, or nobody. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInspection } from "../../actors/inspection.ts";
import { inspectPath } from "../../actors/socket-messages.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { attachInspector } from "../../adapters/inspect/inspect.ts";
import { engineFlows, type EngineFlowFigures, type FlowLoad } from "./engine-flows.ts";
import { strictLog } from "./engine-rig.ts";

export interface InspectedLoad extends FlowLoad {
  /** Query of the viewer's URL, empty for all actors; null: nobody inspects. */
  readonly watched: string | null;
}

export interface InspectedFigures extends EngineFlowFigures {
  /** What the viewer got; 0 without one. */
  readonly frames: number;
}

export async function inspectedFlows({ watched, ...load }: InspectedLoad): Promise<InspectedFigures> {
  if (watched === null) return { ...(await engineFlows(load)), frames: 0 };
  // Ready before the clock starts: from the first flow on there is only a connection to make.
  const viewer = fork(new URL("inspect-viewer.ts", import.meta.url));
  await once(viewer, "message");
  let frames = 0;
  const figures = await engineFlows(load, async (supervisor) => {
    const edge = await openEdge(supervisor);
    viewer.send(`${edge.url}${inspectPath}${watched}`);
    await once(viewer, "message");
    return async () => {
      viewer.send("how many?");
      [frames] = (await once(viewer, "message")) as [number];
      viewer.kill();
      await edge.close();
    };
  });
  const least = watched === "" ? load.clients : 1;
  if (frames < least)
    throw new Error(`Expected the viewer to be told ${least} times; it got ${frames} frames.`);
  return { ...figures, frames };
}

async function openEdge(
  supervisor: Supervisor,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const edge = attachInspector({
    inspection: createInspection({ supervisor, clock: systemClock }),
    clock: systemClock,
    log: strictLog,
    settings: { allowedOrigins: [], allowedHosts: ["127.0.0.1"] },
  });
  const server = createServer();
  server.on("upgrade", (request, socket, head) => void edge.handleUpgrade(request, socket, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    async close() {
      await edge.close();
      server.close();
    },
  };
}
