/** The console's figures in one run: what its page takes, and what an open page takes from the engine. */
import { inOwnProcess } from "./own-process.ts";
import { type Line, plain, type Section } from "./report.ts";
import { alternate, median } from "./rounds.ts";
import type { RunOptions } from "./sections.ts";

const pageLoad = { clients: 10_000, transitionsPerSecond: 5_000, seconds: 10, openings: 5 } as const;
const flowLoad = { clients: 64, keys: 12_000, secondsMax: 20 } as const;
const targets = { firstRowsMs: 300, scriptKilobytes: 60, p95Ms: 20, share: 0.1, flows: 0.95 } as const;

export async function consoleFigures({ rounds, parent, onProgress }: RunOptions): Promise<Section> {
  onProgress("console");
  const flows = (page: string | null) => () => inOwnProcess("watchedFlows", { parent, page, ...flowLoad });
  const told = await alternate(rounds, {
    page: () => inOwnProcess("consolePage", pageLoad),
    nobody: flows(null),
    watched: flows("#/clients"),
  });
  const firstRows = median(told.page, (one) => one.firstRowsMs);
  const script = median(told.page, (one) => one.scriptKilobytes);
  const frame = median(told.page, (one) => one.frames.p95Ms);
  const empty = median(told.page, (one) => one.emptyFrames.p95Ms);
  const share = median(told.page, (one) => one.shareWatched - one.shareUnwatched);
  const rate = (of: "nobody" | "watched") => median(told[of], (one) => one.flows / one.seconds);
  const cost = (of: "nobody" | "watched") => median(told[of], (one) => (one.cpuSeconds / one.flows) * 1e6);
  const ratio = rate("watched") / rate("nobody");
  const lines: Line[] = [
    {
      ...plain({ figure: "first rows after navigation", unit: "ms", engine: firstRows }),
      target: `≤ ${targets.firstRowsMs}`,
      met: firstRows <= targets.firstRowsMs,
    },
    {
      ...plain({ figure: "script, compressed", unit: "kB", engine: script }),
      target: `≤ ${targets.scriptKilobytes}`,
      met: script <= targets.scriptKilobytes,
    },
    {
      ...plain({ figure: "frame, p95", unit: "ms", engine: frame, ceiling: empty }),
      ratio: empty / frame,
      target: `≤ ${targets.p95Ms}`,
      met: frame <= targets.p95Ms,
    },
    plain({
      figure: "  longest frame",
      unit: "ms",
      engine: median(told.page, (one) => one.frames.longestMs),
      ceiling: median(told.page, (one) => one.emptyFrames.longestMs),
    }),
    {
      ...plain({ figure: "server share of one page", unit: "% of a core", engine: share * 100 }),
      target: `≤ ${targets.share * 100}`,
      met: share <= targets.share,
    },
    {
      ...plain({
        figure: "durable flows, one page open",
        unit: "a second",
        engine: rate("watched"),
        ceiling: rate("nobody"),
      }),
      ratio,
      target: `ratio ≥ ${targets.flows}`,
      met: ratio >= targets.flows,
    },
    plain({
      figure: "  of it on processors",
      unit: "µs a flow",
      engine: cost("watched"),
      ceiling: cost("nobody"),
    }),
  ];
  const { clients, transitionsPerSecond, seconds, openings } = pageLoad;
  return {
    title: "Console",
    notes: [
      `The page of all clients in Chromium without a graphics card, 1280 × 800: ${clients.toLocaleString("en-GB")} clients of which ${transitionsPerSecond.toLocaleString("en-GB")} change a second.`,
      `First rows: from the navigation to the frame that shows them, no cache, median of ${openings}, under the same load. Frames: between calls of`,
      `requestAnimationFrame over ${seconds} s; ceiling: a page with nothing on it. Server share: processor time of the engine's process above that without a page.`,
      `Flows: engine of ${flowLoad.clients} clients at an instant service, the page open and told what a page is (2,000 facts a second); ceiling: the same with no page. The browser has the`,
      "machine's last core, this engine the others, with a page and without: an operator's browser is on another machine.",
    ],
    lines,
  };
}
