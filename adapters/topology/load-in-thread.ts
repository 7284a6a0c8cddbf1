/** A load beside an engine: a million rows keep a core busy for some ten seconds, and that must not be the engine's. */
import { Worker } from "node:worker_threads";
import type { Config } from "../../actors/config.ts";
import { type Failure, FailureError } from "../../machines/failure.ts";
import type { LoadOrder, LoadOutcome, LoadProgress } from "./topology.ts";

export interface LoadThreadOrder extends Omit<LoadOrder, "onProgress"> {
  readonly config: Pick<Config, "topology" | "dataDir">;
}

export type FromLoadThread =
  | { readonly kind: "progress"; readonly progress: LoadProgress }
  | { readonly kind: "ended"; readonly outcome: LoadOutcome }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Beside this file, as source or as built. */
const threadFile = import.meta.url.endsWith(".ts")
  ? new URL("./load-thread.ts", import.meta.url)
  : new URL("./load-thread.js", import.meta.url);

/**
 * As `TopologyDatabase.load`, in a thread of its own with a connection of its own; who has the database open sees the
 * new data at the next look-up. A thread that dies counts as TOPOLOGY_UNAVAILABLE; then nothing has changed.
 */
export function loadTopologyInThread(
  config: Pick<Config, "topology" | "dataDir">,
  { onProgress, ...order }: LoadOrder,
): Promise<LoadOutcome> {
  const { topology, dataDir } = config;
  const data: LoadThreadOrder = { ...order, config: { topology, dataDir } };
  // No flags of the process: some (--input-type) stop a thread from starting. Its warnings the process gives itself.
  const execArgv = ["--disable-warning=ExperimentalWarning"];
  const worker = new Worker(threadFile, { workerData: data, name: "topology load", execArgv });
  return new Promise((resolve, reject) => {
    let cause = "it ended early";
    worker.on("message", (message: FromLoadThread) => {
      if (message.kind === "progress") onProgress?.(message.progress);
      else if (message.kind === "ended") resolve(message.outcome);
      else reject(new FailureError(message.failure.code, message.failure.detail));
    });
    worker.once("error", (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    worker.once("exit", () =>
      reject(
        new FailureError(
          "TOPOLOGY_UNAVAILABLE",
          `The thread of the load died (${cause}). Load the topology again.`,
        ),
      ),
    );
  });
}
