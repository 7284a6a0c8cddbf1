/** How soon an engine is ready again after it was killed. */
import { availableParallelism, loadavg } from "node:os";
import { figures, type House } from "./house.ts";
import type { Report } from "./report.ts";

/** Of the wall clock; where the machine has more work than cores, of the CPU time until then. */
export const readyMsMax = 2_000;

/** From the start of the process until it was ready. */
export interface Start {
  readonly ms: number;
  readonly cpuMs: number;
  /** The machine's load then: processes that want a core, over the last minute. */
  readonly load: number;
}

/** Of an engine that has just said that it is ready. */
export async function startOf(engine: Pick<House, "port">, readyMs: number): Promise<Start> {
  return {
    ms: Math.round(readyMs),
    cpuMs: (await figures(engine)).cpuMs,
    load: loadavg()[0] ?? 0,
  };
}

export function isSoonEnough({ ms, cpuMs, load }: Start): boolean {
  return ms <= readyMsMax || (load > availableParallelism() && cpuMs <= readyMsMax);
}

export function checkStarts(starts: readonly Start[], report: Report): void {
  report.must(
    "ready again within two seconds, each time",
    starts.every(isSoonEnough),
    starts.map(({ ms, cpuMs, load }) => `${ms} (CPU ${cpuMs}, load ${load.toFixed(1)})`).join(", "),
    `at most ${readyMsMax} ms, of CPU time where the load is above ${availableParallelism()}`,
  );
}
