/**
 * What is refused before anybody has shown a token, in the log.
 *   S3 so many lines of one address in a second; how many more there were stands in its next line.
 */
import type { Clock, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { SecondWindow } from "./second-window.ts";

export interface Refusal {
  /** Its address; undefined: it is gone already. */
  readonly remote: string | undefined;
  readonly status?: number;
  readonly method?: string | undefined;
  readonly reason?: string;
}

export interface RefusalLogPorts {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Pick<Log, "warn">;
}

export class RefusalLog {
  readonly #log: Pick<Log, "warn">;
  readonly #window: SecondWindow;
  #unsaid = 0;

  constructor({ clock, log }: RefusalLogPorts) {
    this.#log = log;
    this.#window = new SecondWindow(limits.refusalsLoggedPerSecond, clock);
  }

  say(event: string, refusal: Refusal): void {
    if (!this.#window.take(refusal.remote ?? "")) {
      this.#unsaid += 1;
      return;
    }
    this.#log.warn(event, this.#unsaid === 0 ? { ...refusal } : { ...refusal, unsaid: this.#unsaid });
    this.#unsaid = 0;
  }
}
