/**
 * Readers in the order of their turns: each is served a little and goes to the end of the row, in turns of our own
 * that are short. What the feed and the inspection tell differs; how readers are waited for, guarded and cut does not.
 *   F3 what lies in a reader's socket is bounded: who leaves it full for `feedDrainMsMax` is cut.
 *   F4 no reader is called while the engine works, and what a reader throws ends that reader.
 */
import { limits } from "../machines/limits.ts";
import { feedCloseCodes } from "./feed-messages.ts";
import type { Clock } from "./ports.ts";

/** Who reads: a socket, mostly. May throw; then it is dropped and nothing else happens (F4). */
export interface FeedReader {
  /** Takes one message, without waiting. */
  send(text: string): void;
  /** Bytes taken and not yet gone to the peer. */
  bufferedBytes(): number;
  /** The feed has ended this reading; nothing more is sent. */
  close(code: number, reason: string): void;
}

export interface FeedReading {
  /** The reader's buffer has emptied: go on now instead of at the next fact. */
  drained(): void;
  /** The reader is gone. */
  end(): void;
}

/** How long `feedQueuedBytesMax` may lie untaken: 1 MiB in 5 s is 1.6 Mbit/s, less than any page's line. */
export const feedDrainMsMax = 5_000;

/** One reader in the row; each kind of row adds what it knows of it. */
export interface InRow {
  readonly reader: FeedReader;
  /** Runs while the reader's buffer is full. */
  fullTimer: unknown;
  isEnded: boolean;
}

export interface ReaderRowOptions<R extends InRow> {
  readonly clock: Clock;
  /** Between being woken and the turn. */
  readonly turnDelayMs: number;
  /** A turn ends after this long and the engine has the next one (F4). */
  readonly turnMsMax: number;
  /** For whoever is cut as too slow. */
  readonly adviceToSlow: string;
  /** A little of what is there for it, until `endAt` (monotonic ms) at most; `readers` share the turn. True: there is more now. */
  serve(reading: R, endAt: number, readers: number): boolean;
  onEnd?(reading: R): void;
  /** The last one has gone. */
  onEmpty(): void;
}

export class ReaderRow<R extends InRow> {
  readonly #options: ReaderRowOptions<R>;
  readonly #clock: Clock;
  /** In the order of their next turns. */
  readonly #readings = new Set<R>();
  #turnTimer: unknown = null;

  constructor(options: ReaderRowOptions<R>) {
    this.#options = options;
    this.#clock = options.clock;
  }

  get size(): number {
    return this.#readings.size;
  }

  [Symbol.iterator](): IterableIterator<R> {
    return this.#readings[Symbol.iterator]();
  }

  /** `begin` runs at once. */
  join(reading: R, begin: () => void): FeedReading {
    this.#readings.add(reading);
    this.guard(reading, begin);
    this.wake();
    return { drained: () => this.wake(), end: () => this.#end(reading) };
  }

  /** There is something to tell. */
  wake(): void {
    if (this.#readings.size > 0)
      this.#turnTimer ??= this.#clock.setTimeout(() => this.#turn(), this.#options.turnDelayMs);
  }

  #turn(): void {
    this.#turnTimer = null;
    const endAt = this.#clock.monotonicMs() + this.#options.turnMsMax;
    let isUnfinished = false;
    const row = [...this.#readings];
    for (const reading of row) {
      if (this.#clock.monotonicMs() >= endAt) {
        isUnfinished = true;
        break;
      }
      if (reading.isEnded) continue;
      // Whoever was served is the last to be served again.
      this.#readings.delete(reading);
      this.#readings.add(reading);
      this.guard(reading, () => {
        if (this.#options.serve(reading, endAt, row.length)) isUnfinished = true;
      });
    }
    if (isUnfinished) this.wake();
  }

  /** F3: arms the cut while the buffer is full, calls it off when it no longer is. */
  isFull(reading: R): boolean {
    const isFull = reading.reader.bufferedBytes() >= limits.feedQueuedBytesMax;
    if (isFull) reading.fullTimer ??= this.#clock.setTimeout(() => this.#judge(reading), feedDrainMsMax);
    else this.#clearFullTimer(reading);
    return isFull;
  }

  #judge(reading: R): void {
    reading.fullTimer = null;
    this.guard(reading, () => {
      if (reading.reader.bufferedBytes() < limits.feedQueuedBytesMax) return this.wake();
      const reason = `too slow: ${limits.feedQueuedBytesMax} bytes queued for ${feedDrainMsMax} ms`;
      this.cut(reading, feedCloseCodes.overloaded, `${reason}${this.#options.adviceToSlow}`);
    });
  }

  /** F4: what a reader throws ends that reader. */
  guard(reading: R, call: () => void): void {
    try {
      call();
    } catch {
      this.cut(reading, feedCloseCodes.failed, "the reader failed");
    }
  }

  cut(reading: R, code: number, reason: string): void {
    if (reading.isEnded) return;
    this.#end(reading);
    try {
      reading.reader.close(code, reason);
    } catch {
      // It is no longer ours.
    }
  }

  /** Closes every reader with 1001. */
  close(): void {
    for (const reading of this.#readings)
      this.cut(reading, feedCloseCodes.stopping, "the engine is stopping");
  }

  #end(reading: R): void {
    if (reading.isEnded) return;
    reading.isEnded = true;
    this.#clearFullTimer(reading);
    this.#readings.delete(reading);
    this.#options.onEnd?.(reading);
    if (this.#readings.size > 0) return;
    this.#clock.clearTimeout(this.#turnTimer);
    this.#turnTimer = null;
    this.#options.onEmpty();
  }

  #clearFullTimer(reading: R): void {
    if (reading.fullTimer === null) return;
    this.#clock.clearTimeout(reading.fullTimer);
    reading.fullTimer = null;
  }
}
