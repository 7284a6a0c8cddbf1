/** What a look-up, or a statement of a load, may take: a time and a signal. */
import type { Clock } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";

export type Timer = Pick<Clock, "monotonicMs" | "setTimeout" | "clearTimeout">;

export interface Deadline {
  /** Rejects with FailureError TOPOLOGY_TIMEOUT or CANCELLED as soon as it is over, whatever becomes of the work. */
  within<T>(work: Promise<T>): Promise<T>;
  /** To be called when the work is done: nothing is left behind. */
  end(): void;
}

export function startDeadline(
  clock: Timer,
  signal: AbortSignal | undefined,
  doing: string,
  ms: number = limits.topologyTimeoutMs,
): Deadline {
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined); // nobody may be waiting
  const given = () => over.reject(new FailureError("CANCELLED", `${doing} was given up by who asked.`));
  const timer = clock.setTimeout(
    () =>
      over.reject(
        new FailureError("TOPOLOGY_TIMEOUT", `${doing} took longer than ${ms} ms and was given up.`),
      ),
    ms,
  );
  if (signal?.aborted === true) given();
  signal?.addEventListener("abort", given, { once: true });
  return {
    within: (work) => Promise.race([over.promise, work]),
    end() {
      clock.clearTimeout(timer);
      signal?.removeEventListener("abort", given);
    },
  };
}
