/** SIGINT and SIGTERM: the first asks to stop, the second stops at once. */

export interface StopSignals {
  /** Aborted at the first signal. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly asked: Promise<void>;
}

const names = ["SIGINT", "SIGTERM"] as const;
const numbers = { SIGINT: 2, SIGTERM: 15 };

export function listenForStop(): StopSignals {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of names) {
    process.on(name, () => {
      // Death of the process is a normal way to stop: nothing that was acknowledged is lost.
      if (controller.signal.aborted) process.exit(128 + numbers[name]);
      controller.abort();
      resolve();
    });
  }
  return { signal: controller.signal, asked: promise };
}
