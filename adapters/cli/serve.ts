/** `serve`: the engine until a signal. R3: a broken ledger ends the process with a failure. */
import { misspeltVariables } from "../../actors/environment.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { systemClock, systemIds } from "../clock/system.ts";
import { startEngine } from "../engine.ts";
import { keepCode } from "./code-cache.ts";
import { createLog, type LogLevel } from "./log.ts";
import { count, flushed, lostOutput, type Output } from "./output.ts";
import { type EngineFlags, readSettings } from "./settings.ts";
import type { StopSignals } from "./signals.ts";

export interface ServeOptions extends EngineFlags {
  readonly logLevel: LogLevel;
  readonly acceptShortened: boolean;
}

/** Resolves with the exit code. */
export async function runServe(options: ServeOptions, output: Output, stop: StopSignals): Promise<number> {
  const config = readSettings(options);
  const log = createLog(options.logLevel);
  for (const because of misspeltVariables(process.env)) log.warn("configuration.ignored", { because });
  const { acceptShortened } = options;
  const engine = await startEngine({ config, clock: systemClock, ids: systemIds, log, acceptShortened });
  keepCode();
  output.data({ ready: true, url: engine.url });
  output.line(
    `Ticket Client runs at ${engine.url} with ${count(config.clients)} clients; its ledger is in ${config.dataDir}. Ctrl-C ends it.`,
  );
  // Not waited for: an engine that nobody listens to works as well.
  void flushed().then(() => {
    const lost = lostOutput();
    if (lost !== null) log.warn("output.lost", { because: lost });
  });
  const failure = await Promise.race([stop.asked, engine.broken]);
  // Nothing can be written any more: there is nothing to drain.
  if (failure !== undefined) throw new FailureError(failure.code, failure.detail);
  log.info("engine.stopping", { drainSeconds: limits.drainSecondsDefault });
  const broken = await Promise.race([engine.stop(), engine.broken]);
  if (broken !== undefined) throw new FailureError(broken.code, broken.detail);
  return 0;
}
