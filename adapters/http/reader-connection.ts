/**
 * One reader's connection (of the feed, of the inspector): what it is sent, and nothing back.
 *   S3 what the peer may say is pings, so many of them.  F3 reports what lies in the socket and when it emptied.
 */
import type { FeedReader, FeedReading } from "../../actors/feed.ts";
import { feedCloseCodes } from "../../actors/feed-messages.ts";
import type { Clock } from "../../actors/ports.ts";
import { type PeerNeeds, PeerSocket } from "./peer-socket.ts";

/** Where a reader reads: it is told what was asked for, and sends. */
export interface ReaderSource<Request> {
  read(reader: FeedReader, request: Request): FeedReading;
}

/** A frame goes out at this size before its turn is over: what is gathered is bounded, and a page reads it in a few ms. */
const batchCharsMax = 262_144;

export class ReaderConnection implements FeedReader {
  readonly #peer: PeerSocket;
  readonly #clock: Clock;
  /** Between frames; null: a frame a message. */
  readonly #batchIntervalMs: number | null;
  #reading: FeedReading | null = null;
  /** For one frame. */
  #batch: string[] = [];
  #batchChars = 0;
  #flushedAt = -Infinity;
  #timer: unknown = null;

  constructor(needs: PeerNeeds, { batchIntervalMs }: { readonly batchIntervalMs: number | null }) {
    this.#batchIntervalMs = batchIntervalMs;
    this.#clock = needs.clock;
    this.#peer = new PeerSocket(needs, () => {
      this.#clock.clearTimeout(this.#timer);
      this.#reading?.end();
    });
    needs.webSocket.on("message", () =>
      this.close(feedCloseCodes.spoke, `expected no messages: the ${needs.name} only tells`),
    );
    needs.stream.on("drain", () => this.#reading?.drained());
  }

  /** Reads from now on. */
  read<Request>(source: ReaderSource<Request>, request: Request): void {
    this.#reading = source.read(this, request);
  }

  tick(): void {
    this.#peer.tick();
  }

  send(text: string): void {
    if (this.#batchIntervalMs === null) return this.#peer.send(text);
    if (this.#batch.length === 0) this.#armFlush(this.#batchIntervalMs);
    this.#batch.push(text);
    this.#batchChars += text.length;
    if (this.#batchChars >= batchCharsMax) this.#flush();
  }

  /** What comes after a pause goes out with its turn. */
  #armFlush(intervalMs: number): void {
    const waitMs = this.#flushedAt + intervalMs - this.#clock.monotonicMs();
    if (waitMs <= 0) setImmediate(() => this.#flush());
    else this.#timer = this.#clock.setTimeout(() => this.#flush(), waitMs);
  }

  #flush(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#batch.length === 0) return;
    this.#flushedAt = this.#clock.monotonicMs();
    const frame = `[${this.#batch.join(",")}]`;
    this.#batch = [];
    this.#batchChars = 0;
    this.#peer.send(frame);
  }

  /** F3: what is gathered counts as given. */
  bufferedBytes(): number {
    return this.#peer.bufferedBytes + this.#batchChars;
  }

  close(code: number, reason: string): void {
    this.#flush();
    this.#peer.close(code, reason);
  }
}
