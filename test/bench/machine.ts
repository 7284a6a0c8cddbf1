/** The machine under a run: figures of two machines are not comparable, ratios are. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { median } from "./rounds.ts";

export interface MachineFacts {
  readonly cores: number;
  readonly processor: string;
  readonly node: string;
  readonly platform: string;
  /** Median of one sync of 4 KiB where the ledgers go; near nothing = no disk, and no figure here counts. */
  readonly syncMs: number;
}

export function describeMachine(parent: string): MachineFacts {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    syncMs: syncMs(parent),
  };
}

export function machineText({ cores, processor, node, platform, syncMs: ms }: MachineFacts): string {
  return `${cores} cores (${processor}), Node ${node}, ${platform}, one sync of 4 KiB ${ms.toFixed(2)} ms`;
}

function syncMs(parent: string): number {
  const dir = mkdtempSync(join(parent, "bench-sync-"));
  const fd = openSync(join(dir, "page"), "w");
  const page = Buffer.alloc(4_096, 1);
  const times = Array.from({ length: 50 }, () => {
    writeSync(fd, page);
    const from = performance.now();
    fdatasyncSync(fd);
    return performance.now() - from;
  });
  closeSync(fd);
  rmSync(dir, { recursive: true, force: true });
  return median(times, (ms) => ms);
}
