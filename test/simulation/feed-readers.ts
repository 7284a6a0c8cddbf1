/**
 * Readers of the feed that are cut off, stall, come back after their last position and outlive the engine.
 *   F1 positions rise and each names the one before.  F2 resuming gives exactly what followed.  F3 a slow one is cut.
 */
import { createFeed, type Feed, type FeedReader, type FeedReading } from "../../actors/feed.ts";
import { feedCloseCodes, type FeedMessage } from "../../actors/feed-messages.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import { limits } from "../../machines/limits.ts";
import type { Life } from "./simulated-clock.ts";
import type { Counters } from "./situations.ts";

class Reader implements FeedReader {
  readonly broken: string[] = [];
  /** What it was told, as it was told. */
  readonly heard: string[] = [];
  last: number | null = null;
  reading: FeedReading | null = null;
  life: Life | null = null;
  isStalled = false;
  /** It comes back to an engine that was started again. */
  isWanted = false;
  readonly #durable: () => number;
  readonly #onCut: (code: number) => void;

  constructor(durable: () => number, onCut: (code: number) => void) {
    this.#durable = durable;
    this.#onCut = onCut;
  }

  send(text: string): void {
    if (this.life?.alive !== true) return;
    const message = JSON.parse(text) as FeedMessage;
    const { data } = message;
    if (message.type === "ticketclient.feed.snapshot") {
      const at = message.data.position;
      if (this.last !== null && (message.data.reset || at !== this.last))
        this.broken.push(`F2: resumed after ${this.last}, and the stream begins at ${at}`);
      this.last ??= at;
      return;
    }
    if (!("position" in data) || !("previous" in data)) return;
    if (data.previous !== this.last || data.position !== data.previous + 1)
      this.broken.push(`F1: after ${this.last} comes ${data.position}, which follows ${data.previous}`);
    if (data.position > this.#durable())
      this.broken.push(`F1: ${data.position} is told before it is durable`);
    this.last = data.position;
    this.heard.push(`${data.position} ${message.type}`);
  }

  bufferedBytes(): number {
    return this.isStalled ? limits.feedQueuedBytesMax : 0;
  }

  close(code: number): void {
    this.reading = null;
    this.#onCut(code);
  }
}

export class FeedReaders {
  readonly #readers: readonly Reader[];
  readonly #counters: Counters;
  #feed: { readonly feed: Feed; readonly life: Life } | null = null;

  constructor(count: number, durable: () => number, counters: Counters) {
    this.#counters = counters;
    const onCut = (code: number): void => {
      if (code === feedCloseCodes.overloaded) counters.count("slow reader cut");
    };
    this.#readers = Array.from({ length: count }, () => new Reader(durable, onCut));
  }

  get broken(): string[] {
    return this.#readers.flatMap((one) => one.broken);
  }

  connect(supervisor: Supervisor, life: Life): void {
    this.#feed = { feed: createFeed({ supervisor, clock: life, factsKept: 20 }), life };
    for (const reader of this.#readers) if (reader.isWanted) this.#read(reader);
  }

  disconnect(): void {
    this.#feed = null;
    for (const one of this.#readers) one.reading = null;
  }

  act(who: number, what: "read" | "cut" | "return" | "stall" | "drain"): void {
    const reader = this.#readers[who % this.#readers.length];
    if (reader === undefined) return;
    if (what === "return") {
      this.act(who, "cut");
      this.#read(reader);
    } else if (what === "cut") {
      reader.reading?.end();
      reader.reading = null;
      reader.isWanted = false;
    } else if (what === "stall") reader.isStalled = true;
    else if (what === "drain") {
      reader.isStalled = false;
      reader.reading?.drained();
    } else this.#read(reader);
  }

  /** All of them read on to the end. */
  catchUp(): void {
    for (const [who, reader] of this.#readers.entries()) {
      this.act(who, "drain");
      if (reader.last !== null) this.#read(reader);
    }
  }

  /** F2: whoever has read to the end has heard all of it. */
  check(history: readonly { readonly position: number; readonly type: string }[]): string[] {
    return this.#readers.flatMap((reader, who) => {
      if (reader.last === null) return [];
      const first = reader.last - reader.heard.length;
      const followed = history
        .slice(first, reader.last)
        .map(({ position, type }) => `${position} ticketclient.${type}`);
      return followed.join() === reader.heard.join()
        ? []
        : [`F2: reader ${who} has not heard what followed ${first}`];
    });
  }

  #read(reader: Reader): void {
    reader.isWanted = true;
    if (this.#feed === null || reader.reading !== null) return;
    const { feed, life } = this.#feed;
    if (reader.last !== null)
      this.#counters.count(reader.life === life ? "reader resumed" : "reader resumed after a restart");
    reader.life = life;
    const after = reader.last === null ? null : { ledger: "simulated", position: reader.last };
    reader.reading = feed.read(reader, { after, only: null, types: null, behind: "read" });
  }
}
