/** A second thread that sees whether the first one still makes progress. */
import { Worker } from "node:worker_threads";

/** An execution that outlasts so many turns hangs: 20 s of a thread's own time, some ten thousand times what one takes. */
export const watchTurnMs = 1_000;
export const watchTurnsMax = 20;
const inputBytesMax = 1_048_576;

export interface WatchedInput {
  /** Executions begun; 0 while nothing runs. */
  readonly counter: Int32Array;
  readonly length: Int32Array;
  readonly bytes: Uint8Array;
  /** What repeats an input of this edge, but for the input. */
  readonly command: string;
}

export class Watchdog {
  readonly #watched: WatchedInput;
  readonly #worker: Worker;

  constructor(command: string) {
    this.#watched = {
      counter: new Int32Array(new SharedArrayBuffer(4)),
      length: new Int32Array(new SharedArrayBuffer(4)),
      bytes: new Uint8Array(new SharedArrayBuffer(inputBytesMax)),
      command,
    };
    this.#worker = new Worker(new URL("watchdog-thread.ts", import.meta.url), { workerData: this.#watched });
    this.#worker.unref();
  }

  begin(execution: number, input: Uint8Array): void {
    const { counter, length, bytes } = this.#watched;
    const kept = input.length > bytes.length ? input.subarray(0, bytes.length) : input;
    bytes.set(kept);
    Atomics.store(length, 0, kept.length);
    Atomics.store(counter, 0, execution);
  }

  rest(): void {
    Atomics.store(this.#watched.counter, 0, 0);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
