/** What the process itself uses, under the names that Prometheus' client libraries share. */
import { performance } from "node:perf_hooks";
import type { Figure } from "./engine-figures.ts";

export function processFigures(): readonly Figure[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const { active } = performance.eventLoopUtilization();
  const one = (name: string, help: string, kind: Figure["kind"], amount: number): Figure => ({
    name,
    help,
    kind,
    values: { "": amount },
  });
  return [
    one("process_cpu_seconds_total", "CPU time used, seconds", "counter", (user + system) / 1e6),
    one("process_resident_memory_bytes", "resident memory", "gauge", rss),
    one("process_start_time_seconds", "start, seconds since 1970", "gauge", performance.timeOrigin / 1000),
    one("nodejs_heap_size_used_bytes", "memory of JavaScript objects", "gauge", heapUsed),
    one(
      "nodejs_eventloop_active_seconds_total",
      "time the event loop was not idle",
      "counter",
      active / 1000,
    ),
  ];
}
