/** The thread of one load: what to load arrives as its data; it tells its progress and its end, and is gone. */
import { parentPort, workerData } from "node:worker_threads";
import { FailureError } from "../../machines/failure.ts";
import { systemClock } from "../clock/system.ts";
import type { FromLoadThread, LoadThreadOrder } from "./load-in-thread.ts";
import { openTopology } from "./open.ts";

const { config, ...order } = workerData as LoadThreadOrder;

function tell(message: FromLoadThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

try {
  const topology = openTopology(config, systemClock);
  try {
    const outcome = await topology.load({
      ...order,
      onProgress: (progress) => tell({ kind: "progress", progress }),
    });
    tell({ kind: "ended", outcome });
  } finally {
    await topology.close();
  }
} catch (error) {
  if (!(error instanceof FailureError)) throw error;
  tell({ kind: "failed", failure: error.failure });
}
