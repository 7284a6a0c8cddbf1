/**
 * A look-up in the topology for a flow: it never fails and never takes longer than its limit, whatever the adapter
 * does. A topology that is down, slow or lacks the element costs a decision its path, not the flow.
 * Source: laws.md, "Faults to survive"; domain.md, `searching`.
 */
import { limits } from "../machines/limits.ts";
import type { PathReading } from "../machines/upstream.ts";
import type { Clock, PathAnswer, Topology } from "./ports.ts";

/** null: no topology was ever loaded. */
export async function readPath(
  topology: Topology,
  clock: Clock,
  elementId: string,
  signal: AbortSignal,
): Promise<PathReading | null> {
  const answer = await withinLimit(topology, clock, elementId, signal);
  const at = clock.now();
  switch (answer.kind) {
    case "found":
      return { elementId, path: answer.path, failure: null, at };
    case "absent": {
      if (answer.loadedAt === null) return null;
      const loaded = new Date(answer.loadedAt).toISOString();
      return {
        elementId,
        path: null,
        failure: `${elementId} is not in the topology loaded at ${loaded}.`,
        at,
      };
    }
    case "error":
      return {
        elementId,
        path: null,
        failure: `the topology cannot be asked (${answer.code}): ${answer.cause}.`,
        at,
      };
  }
}

function withinLimit(
  topology: Topology,
  clock: Clock,
  elementId: string,
  signal: AbortSignal,
): Promise<PathAnswer> {
  const giveUp = new AbortController();
  return new Promise((resolve) => {
    const end = (answer: PathAnswer): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      resolve(answer);
    };
    const abandon = (): void => {
      giveUp.abort();
      end({ kind: "error", code: "TOPOLOGY_TIMEOUT", cause: "the flow did not wait any longer" });
    };
    const timer = clock.setTimeout(() => {
      giveUp.abort();
      const cause = `no answer in ${limits.topologyTimeoutMs} ms`;
      end({ kind: "error", code: "TOPOLOGY_TIMEOUT", cause });
    }, limits.topologyTimeoutMs);
    signal.addEventListener("abort", abandon, { once: true });
    topology.path({ elementId, signal: giveUp.signal }).then(end, (error: unknown) => {
      end({
        kind: "error",
        code: "TOPOLOGY_UNAVAILABLE",
        cause: error instanceof Error ? error.message : String(error),
      });
    });
  });
}
