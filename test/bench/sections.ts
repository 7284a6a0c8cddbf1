/** The benchmarks: what is run, against which ceiling, with which target. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { consoleFigures } from "./console-section.ts";
import { inOwnProcess } from "./own-process.ts";
import { type Line, plain, type Section } from "./report.ts";
import { alternate, median } from "./rounds.ts";
import { writeElements } from "./topology.ts";

export interface RunOptions {
  readonly rounds: number;
  /** Directory on the disk that is measured. */
  readonly parent: string;
  readonly onProgress: (text: string) => void;
}

/** More clients, more keys, so that there is work for all of them; two flows a key. */
const flowLoads = [
  { clients: 1, keys: 500 },
  { clients: 64, keys: 8_000 },
  { clients: 1_000, keys: 8_000 },
  { clients: 10_000, keys: 20_000 },
] as const;
/** A measurement that takes longer is cut off; what is settled by then counts, of engine and ceiling alike. */
const flowSecondsMax = 20;
const clientsOfTarget = 64;
const shareOfCeiling = 0.7;
const growthOfCost = 1.5;

async function flows({ rounds, parent, onProgress }: RunOptions): Promise<Section> {
  const lines: Line[] = [];
  const costs = new Map<number, { readonly engine: number; readonly ceiling: number }>();
  for (const load of flowLoads) {
    onProgress(`flows, ${load.clients} clients`);
    const told = await alternate(rounds, {
      ceiling: () => inOwnProcess("bareFlows", { parent, secondsMax: flowSecondsMax, ...load }),
      engine: () => inOwnProcess("engineFlows", { parent, secondsMax: flowSecondsMax, ...load }),
    });
    const engine = median(told.engine, (one) => one.flows / one.seconds);
    const ceiling = median(told.ceiling, (one) => one.flows / one.seconds);
    const ratio = engine / ceiling;
    costs.set(load.clients, { engine: 1e6 / engine, ceiling: 1e6 / ceiling });
    const isTarget = load.clients === clientsOfTarget;
    lines.push(
      {
        figure: `durable flows at ${load.clients.toLocaleString("en-GB")} clients`,
        unit: "a second",
        engine,
        ceiling,
        ratio,
        target: isTarget ? `ratio ≥ ${shareOfCeiling}` : null,
        met: isTarget ? ratio >= shareOfCeiling : null,
      },
      plain({
        figure: "  of it on processors",
        unit: "µs a flow",
        engine: median(told.engine, (one) => (one.cpuSeconds / one.flows) * 1e6),
        ceiling: median(told.ceiling, (one) => (one.cpuSeconds / one.flows) * 1e6),
      }),
    );
  }
  const base = costs.get(clientsOfTarget);
  for (const [clients, cost] of costs) {
    if (base === undefined || clients <= clientsOfTarget) continue;
    const engine = cost.engine / base.engine;
    lines.push({
      figure: `cost of a flow at ${clients.toLocaleString("en-GB")} clients`,
      unit: `times that at ${clientsOfTarget}`,
      engine,
      ceiling: cost.ceiling / base.ceiling,
      ratio: null,
      target: `≤ ${growthOfCost}`,
      met: engine <= growthOfCost,
    });
  }
  return {
    title: "Durable flows",
    notes: [
      "Engine: alarms accepted before the clock starts; every flow is a create or a close at an instant service in this process; SQLite ledger.",
      "Ceiling: bare XState clients (five states, five events, a flow actor each) and three commits of one row a flow, grouped by turn,",
      "the second held by one request at a time; SQLite in the main thread, WAL, synchronous=FULL. No decision, fold, hash chain or response rows.",
    ],
    lines,
  };
}

const ackLoad = { count: 40_000, keys: 2_000, inFlight: 256 } as const;

async function acks({ rounds, parent, onProgress }: RunOptions): Promise<Section> {
  onProgress("acknowledgements");
  const run = (sink: "busy" | "held" | "memory") => () => inOwnProcess("acks", { parent, sink, ...ackLoad });
  const told = await alternate(rounds, { memory: run("memory"), held: run("held"), busy: run("busy") });
  const ceiling = {
    rate: median(told.memory, (one) => one.acksPerSecond),
    p50: median(told.memory, (one) => one.p50Ms),
    p99: median(told.memory, (one) => one.p99Ms),
  };
  const lines = (["busy", "held"] as const).flatMap((sink): Line[] => {
    const name = sink === "busy" ? "flows running" : "pool held";
    const rate = median(told[sink], (one) => one.acksPerSecond);
    const p50 = median(told[sink], (one) => one.p50Ms);
    const p99 = median(told[sink], (one) => one.p99Ms);
    return [
      {
        ...plain({
          figure: `acknowledgements, ${name}`,
          unit: "a second",
          engine: rate,
          ceiling: ceiling.rate,
        }),
        ratio: rate / ceiling.rate,
        target: "≥ 10,000",
        met: rate >= 10_000,
      },
      plain({ figure: "  p50", unit: "ms", engine: p50, ceiling: ceiling.p50 }),
      {
        ...plain({ figure: "  p99", unit: "ms", engine: p99, ceiling: ceiling.p99 }),
        target: "≤ 50",
        met: p99 <= 50,
      },
    ];
  });
  const settled = median(told.busy, (one) => one.settled);
  return {
    title: "Acknowledgements over a WebSocket",
    notes: [
      `Engine: ${ackLoad.count.toLocaleString("en-GB")} distinct alarms of ${ackLoad.keys.toLocaleString("en-GB")} objects, ${ackLoad.inFlight} in flight, from a sender in a process of its own; 4 clients.`,
      `Flows running: at an instant service, ${Math.round(settled).toLocaleString("en-GB")} alarms settled meanwhile. Pool held: a silent service holds all clients.`,
      "Ceiling: the same socket, sender and intake, and a sink that keeps the alarms in memory; nothing is durable.",
    ],
    lines,
  };
}

const poolSize = 10_000;

async function idle({ rounds, parent, onProgress }: RunOptions): Promise<Section> {
  onProgress("idle pool");
  const told = await alternate(rounds, {
    one: () => inOwnProcess("idlePool", { parent, clients: 1 }),
    pool: () => inOwnProcess("idlePool", { parent, clients: poolSize }),
  });
  const heap = median(told.pool, (one) => one.heapMegabytes);
  const start = median(told.pool, (one) => one.startSeconds) - median(told.one, (one) => one.startSeconds);
  const clients = `${poolSize.toLocaleString("en-GB")} idle clients`;
  return {
    title: "Idle pool",
    notes: [
      "Heap in use after a collection above that before the supervisor was made; time to start above that with one client.",
    ],
    lines: [
      {
        ...plain({ figure: `heap of ${clients}`, unit: "MB", engine: heap }),
        target: "≤ 60",
        met: heap <= 60,
      },
      {
        ...plain({ figure: `start of ${clients}`, unit: "s", engine: start }),
        target: "≤ 2",
        met: start <= 2,
      },
    ],
  };
}

const topologyElements = 1_000_000;
const topologyLookUps = 20_000;

async function topology({ rounds, parent, onProgress }: RunOptions): Promise<Section> {
  onProgress("topology");
  const dir = mkdtempSync(join(parent, "bench-elements-"));
  const load = {
    parent,
    file: join(dir, "network_element.csv"),
    elements: topologyElements,
    lookUps: topologyLookUps,
  };
  try {
    writeElements(load.file, load.elements);
    const told = await alternate(rounds, {
      ceiling: () => inOwnProcess("bareLoad", load),
      engine: () => inOwnProcess("topologyLoad", load),
    });
    const engine = median(told.engine, (one) => one.rowsPerSecond);
    const ceiling = median(told.ceiling, (one) => one.rowsPerSecond);
    const p50 = median(told.engine, (one) => one.p50Ms);
    const p99 = median(told.engine, (one) => one.p99Ms);
    const megabytes = median(told.engine, (one) => one.megabytes);
    return {
      title: "Topology",
      notes: [
        `Engine: ${topologyElements.toLocaleString("en-GB")} elements of 15 columns from CSV into SQLite: checks, indexes, swap and sync;`,
        `then ${topologyLookUps.toLocaleString("en-GB")} paths of seven hops, all over the network.`,
        "Ceiling: csv-parse and plain inserts of the same cells in one transaction, and its sync; no checks, no index.",
      ],
      lines: [
        {
          ...plain({ figure: "load", unit: "rows a second", engine, ceiling }),
          ratio: engine / ceiling,
          target: "≥ 60,000",
          met: engine >= 60_000,
        },
        plain({ figure: "  most memory", unit: "MB", engine: megabytes }),
        plain({ figure: "path look-up, p50", unit: "ms", engine: p50 }),
        {
          ...plain({ figure: "path look-up, p99", unit: "ms", engine: p99 }),
          target: "≤ 1",
          met: p99 <= 1,
        },
      ],
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const inspectedLoad = { clients: 1_000, keys: 4_000 } as const;
const shareUninspected = 0.9;

async function inspect({ rounds, parent, onProgress }: RunOptions): Promise<Section> {
  onProgress("inspected flows");
  const run = (watched: string | null) => () =>
    inOwnProcess("inspectedFlows", { parent, secondsMax: flowSecondsMax, watched, ...inspectedLoad });
  const told = await alternate(rounds, { nobody: run(null), all: run(""), one: run("?actor=client-0007") });
  const rate = (of: keyof typeof told) => median(told[of], (one) => one.flows / one.seconds);
  const cost = (of: keyof typeof told) => median(told[of], (one) => (one.cpuSeconds / one.flows) * 1e6);
  const lines = (["all", "one"] as const).flatMap((watched): Line[] => {
    const [engine, ceiling] = [rate(watched), rate("nobody")];
    return [
      {
        figure: `durable flows, ${watched === "all" ? "all actors" : "one client"} inspected`,
        unit: "a second",
        engine,
        ceiling,
        ratio: engine / ceiling,
        target: `ratio ≥ ${shareUninspected}`,
        met: engine / ceiling >= shareUninspected,
      },
      plain({
        figure: "  of it on processors",
        unit: "µs a flow",
        engine: cost(watched),
        ceiling: cost("nobody"),
      }),
      plain({
        figure: "  frames told",
        unit: "a second",
        engine: median(told[watched], (one) => one.frames / one.seconds),
      }),
    ];
  });
  return {
    title: "Inspected flows",
    notes: [
      `Engine: ${inspectedLoad.clients.toLocaleString("en-GB")} clients at an instant service while the official receiver, in a process of its own,`,
      "is attached to /inspect. Ceiling: the same while nobody inspects.",
    ],
    lines,
  };
}

export const sections = { flows, acks, idle, topology, inspect, console: consoleFigures } as const;
export type SectionName = keyof typeof sections;

export function isSectionName(name: string): name is SectionName {
  return Object.hasOwn(sections, name);
}
