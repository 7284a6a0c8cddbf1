/** What the console's page costs: itself, in a real browser, and the engine that it shows. The engine is in this process, the browser in others. */
import { execFileSync } from "node:child_process";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { setTimeout as passed } from "node:timers/promises";
import { resolveConfig } from "../../actors/config.ts";
import { createFeed } from "../../actors/feed.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { attachFeed } from "../../adapters/feed/feed.ts";
import { apiRoutes } from "../../adapters/http/api/api.ts";
import { consoleRoutes } from "../../adapters/http/console.ts";
import { startHttpServer } from "../../adapters/http/server.ts";
import { loadTokens } from "../../adapters/http/tokens.ts";
import { createMemoryTopology } from "../../adapters/topology/memory.ts";
import { startBusyEngine } from "../console/load-source.ts";
import { engineFlows, type EngineFlowFigures, type FlowLoad } from "./engine-flows.ts";
import { strictLog } from "./engine-rig.ts";
import type { PageFrames, PageHeard, PageOpened, PageOrder } from "./page-viewer.ts";
import { median } from "./rounds.ts";

export interface PageLoad {
  readonly clients: number;
  readonly transitionsPerSecond: number;
  /** Of frames and of the engine's share. */
  readonly seconds: number;
  readonly openings: number;
}

export interface PageFigures {
  readonly firstRowsMs: number;
  /** As they come over the wire, all scripts together. */
  readonly scriptKilobytes: number;
  readonly frames: PageFrames;
  /** Of a page with nothing on it, in the same browser. */
  readonly emptyFrames: PageFrames;
  /** Processor seconds a second, of the whole process. */
  readonly shareUnwatched: number;
  readonly shareWatched: number;
}

const settleMs = 2_000;

/** The table of all clients, while so many of them change a second. */
export async function consolePage(load: PageLoad): Promise<PageFigures> {
  const viewer = await openViewer();
  const engine = await startBusyEngine(load.clients, load.transitionsPerSecond);
  try {
    await viewer.ask<PageOpened>({ kind: "open", url: "data:text/html,nothing" });
    const emptyFrames = await viewer.ask<PageFrames>({ kind: "frames", seconds: load.seconds / 2 });
    const url = `${engine.url}/#/clients`;
    const opened: PageOpened[] = [];
    for (let i = 0; i < load.openings; i += 1) {
      opened.push(await viewer.ask<PageOpened>({ kind: "open", url }));
      await viewer.ask({ kind: "close" });
      await passed(settleMs / 4);
    }
    const before = await shareOf(() => passed(load.seconds * 500));
    await viewer.ask<PageOpened>({ kind: "open", url });
    await passed(settleMs);
    let frames: PageFrames | null = null;
    const shareWatched = await shareOf(async () => {
      frames = await viewer.ask<PageFrames>({ kind: "frames", seconds: load.seconds });
    });
    await viewer.ask({ kind: "close" });
    const after = await shareOf(() => passed(load.seconds * 500));
    if (frames === null) throw new Error("Expected frames.");
    return {
      firstRowsMs: median(opened, ({ firstRowsMs }) => firstRowsMs ?? Number.NaN),
      scriptKilobytes: await scriptKilobytes(engine.url),
      frames,
      emptyFrames,
      shareUnwatched: (before + after) / 2,
      shareWatched,
    };
  } finally {
    viewer.end();
    await engine.stop();
  }
}

async function shareOf(meanwhile: () => Promise<unknown>): Promise<number> {
  const cpuBefore = process.cpuUsage();
  const from = performance.now();
  await meanwhile();
  const { user, system } = process.cpuUsage(cpuBefore);
  return (user + system) / 1_000 / (performance.now() - from);
}

async function scriptKilobytes(url: string): Promise<number> {
  const page = await (await fetch(url)).text();
  const scripts = [...page.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, name = ""]) => name);
  let bytes = 0;
  for (const name of scripts) {
    const answer = await fetch(new URL(name, url), { headers: { "accept-encoding": "gzip" } });
    if (answer.headers.get("content-encoding") !== "gzip") throw new Error(`${name} came uncompressed.`);
    bytes += Number(answer.headers.get("content-length"));
    await answer.arrayBuffer();
  }
  if (bytes === 0) throw new Error("The page names no script: is the console built?");
  return bytes / 1_000;
}

export interface WatchedLoad extends FlowLoad {
  /** The page that is open meanwhile; null: none. */
  readonly page: string | null;
}

export interface WatchedFigures extends EngineFlowFigures {
  /** Settled alarms that the page said at the end; 0 without one. */
  readonly settledShown: number;
}

/**
 * An operator's browser is on another machine. Where it must be on this one it gets the last core, and the engine the
 * others: with a page open and without.
 */
export async function watchedFlows({ page, ...load }: WatchedLoad): Promise<WatchedFigures> {
  pin(process.pid, coresOfEngine);
  if (page === null) return { ...(await engineFlows(load)), settledShown: 0 };
  const viewer = await openViewer();
  let settledShown = 0;
  const figures = await engineFlows(load, async (supervisor) => {
    const edge = await openConsole(supervisor);
    await viewer.ask<PageOpened>({ kind: "open", url: `${edge.url}/${page}` });
    return async () => {
      const { status } = await viewer.ask<PageHeard>({ kind: "heard" });
      settledShown = Number(/([\d,]+) settled/.exec(status)?.[1]?.replaceAll(",", ""));
      viewer.end();
      await edge.close();
    };
  });
  if (!(settledShown > 0)) throw new Error("The page was open and showed no settled alarm.");
  return { ...figures, settledShown };
}

async function openConsole(
  supervisor: Supervisor,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const config = resolveConfig({ listen: { port: 0 } });
  if (!config.ok) throw new Error(config.failure.detail);
  const tokens = loadTokens(config.value);
  if (!tokens.ok) throw new Error(tokens.failure.detail);
  const server = await startHttpServer(config.value.listen, { clock: systemClock, log: strictLog });
  const feed = createFeed({ supervisor, clock: systemClock });
  const settings = { allowedOrigins: server.access.origins, allowedHosts: server.access.hosts };
  const edge = attachFeed({ feed, clock: systemClock, log: strictLog, settings });
  const database = createMemoryTopology({ clock: systemClock });
  const topology = {
    database,
    folder: ".",
    load: () => Promise.reject(new Error("Nothing is loaded here.")),
  };
  server.addRoutes(consoleRoutes());
  server.addRoutes(apiRoutes({ supervisor, tokens: tokens.value, clock: systemClock, topology }));
  server.addUpgrade((request, socket, head) => edge.handleUpgrade(request, socket, head));
  server.allAdded();
  return {
    url: server.url,
    async close() {
      feed.close();
      await edge.close();
      await server.close();
    },
  };
}

interface Viewer {
  ask<Answer>(order: PageOrder): Promise<Answer>;
  end(): void;
}

async function openViewer(): Promise<Viewer> {
  const child: ChildProcess = fork(new URL("page-viewer.ts", import.meta.url));
  if (child.pid !== undefined) pin(child.pid, coreOfBrowser);
  await once(child, "message");
  return {
    async ask<Answer>(order: PageOrder) {
      child.send(order);
      const [answer] = (await once(child, "message")) as [Answer];
      return answer;
    },
    end: () => child.disconnect(),
  };
}

/** Before this process is bound to some of them: from then on it is told of those only. */
const cores = availableParallelism();
const coreOfBrowser = String(cores - 1);
const coresOfEngine = cores <= 2 ? "0" : `0-${cores - 2}`;

/** With all its threads, and all processes that it starts later. */
function pin(pid: number, to: string): void {
  if (cores > 1) execFileSync("taskset", ["-acp", to, String(pid)], { stdio: "ignore" });
}
