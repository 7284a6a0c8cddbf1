/**
 * Listeners of the program around the engine.
 *   F4 R6 one that throws disturbs neither the engine nor the next.
 */
import type { Log } from "./ports.ts";

/** Calls it and never throws; what it throws is logged, once, so that it does not fill the log. */
export function guarded<Told>(
  log: Pick<Log, "error">,
  name: string,
  listener: (told: Told) => void,
): (told: Told) => void {
  let isLogged = false;
  return (told) => {
    try {
      listener(told);
    } catch (error) {
      if (isLogged) return;
      isLogged = true;
      log.error("listener.failed", { listener: name, error: String(error) });
    }
  };
}
