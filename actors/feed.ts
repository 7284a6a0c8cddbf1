/**
 * The feed: facts and states, numbered, to any number of readers, over whatever carries text. No sockets here.
 *   F1 in order of position, nothing before it is durable; `previous` is the reader's own last one.
 *   F2 a reader is one position in the ledger: what follows it comes from the ring or, further back, from
 *      the ledger, by the same loop, so that there is no seam between catching up and live.
 *   F3 a reader has no queue of its own here; what lies in its socket is bounded, and who does not take it is cut.
 *   F4 no reader is called while the engine works: only in turns of its own, which are short.
 * Source: wire.md, "Feed".
 */
import type { Fact } from "../machines/facts.ts";
import { limits } from "../machines/limits.ts";
import type { Position } from "../machines/vocabulary.ts";
import { FactRing, factText } from "./feed-facts.ts";
import { feedCloseCodes, feedPath, type FeedSnapshot, type FeedType } from "./feed-messages.ts";
import { LatestStates, type StateEntry } from "./feed-states.ts";
import type { Clock } from "./ports.ts";
import type { ClientView } from "./engine-views.ts";
import type { Supervisor } from "./supervisor.ts";

/** Who reads: a socket, mostly. May throw; then it is dropped and nothing else happens (F4). */
export interface FeedReader {
  /** Takes one message, without waiting. */
  send(text: string): void;
  /** Bytes taken and not yet gone to the peer. */
  bufferedBytes(): number;
  /** The feed has ended this reading; nothing more is sent. */
  close(code: number, reason: string): void;
}

export interface FeedRequest {
  /** Resume: the facts after this position of this ledger. Null: from now on. */
  readonly after: { readonly ledger: string; readonly position: Position } | null;
  /** Only facts that name this client and its states. Null: all. */
  readonly only: string | null;
  /** Only these types. Null: all. */
  readonly types: ReadonlySet<FeedType> | null;
}

export interface FeedReading {
  /** The reader's buffer has emptied: go on now instead of at the next fact. */
  drained(): void;
  /** The reader is gone. */
  end(): void;
}

export interface Feed {
  /** Sends the snapshot before it returns, the rest in later turns of the event loop. */
  read(reader: FeedReader, request: FeedRequest): FeedReading;
  readonly readers: number;
  /** Closes every reader with 1001 and hears the engine no more. */
  close(): void;
}

export interface FeedOptions {
  readonly supervisor: Pick<
    Supervisor,
    "onFacts" | "onClient" | "snapshot" | "counters" | "readFacts" | "state"
  >;
  readonly clock: Clock;
  /** Recent facts in memory; older ones are read from the ledger. Default `feedFactsKept`. */
  readonly factsKept?: number;
}

/** A turn of the feed ends after this long and the engine has the next one (F4). */
const turnMsMax = 5;
/** Facts a reader gets before the next reader's turn comes; some 200 kB. */
const messagesPerServing = 256;
/** Facts read from the ledger in one go: about a millisecond, and of all readers one at a time. */
const factsPerPage = 256;
/** How long `feedQueuedBytesMax` may lie untaken: 1 MiB in 5 s is 1.6 Mbit/s, less than any page's line. */
export const feedDrainMsMax = 5_000;

interface Reading {
  readonly reader: FeedReader;
  readonly request: FeedRequest;
  /** Every fact up to here was sent or filtered out (F2). */
  position: Position;
  /** The last fact sent (F1). */
  previous: Position;
  /** Every state up to this number was sent or filtered out. */
  stateNumber: number;
  /** Runs while the reader's buffer is full. */
  fullTimer: unknown;
  isEnded: boolean;
}

export function createFeed(options: FeedOptions): Feed {
  return new EngineFeed(options);
}

class EngineFeed implements Feed {
  readonly #supervisor: FeedOptions["supervisor"];
  readonly #clock: Clock;
  readonly #ring: FactRing;
  readonly #states: LatestStates;
  /** In the order of their next turns. */
  readonly #readings = new Set<Reading>();
  readonly #unsubscribe: readonly (() => void)[];
  #messages = 0;
  #turnTimer: unknown = null;
  #stateTimer: unknown = null;
  #isPaging = false;

  constructor({ supervisor, clock, factsKept = limits.feedFactsKept }: FeedOptions) {
    this.#supervisor = supervisor;
    this.#clock = clock;
    const { ledger, position } = supervisor.snapshot();
    this.#ring = new FactRing(ledger, position, factsKept);
    this.#states = new LatestStates((type, data) => this.#frame(type, data));
    this.#unsubscribe = [
      supervisor.onFacts((facts) => this.#onFacts(facts)),
      supervisor.onClient((view) => this.#onClient(view)),
    ];
  }

  get readers(): number {
    return this.#readings.size;
  }

  read(reader: FeedReader, request: FeedRequest): FeedReading {
    const reading: Reading = {
      reader,
      request,
      position: 0,
      previous: 0,
      stateNumber: this.#states.number,
      fullTimer: null,
      isEnded: false,
    };
    this.#readings.add(reading);
    this.#guard(reading, () => this.#begin(reading, request.after));
    this.#wake();
    return {
      drained: () => this.#wake(),
      end: () => this.#end(reading),
    };
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const reading of this.#readings)
      this.#cut(reading, feedCloseCodes.stopping, "the engine is stopping");
  }

  // --- what the engine says: kept, and nobody is called (F4)

  #onFacts(facts: readonly Fact[]): void {
    for (const fact of facts) this.#ring.push(fact);
    if (this.#readings.size === 0) return;
    this.#states.countersChanged();
    this.#wake();
    this.#armStates();
  }

  #onClient(view: ClientView): void {
    if (this.#readings.size === 0) return;
    this.#states.clientChanged(view);
    this.#armStates();
  }

  #armStates(): void {
    this.#stateTimer ??= this.#clock.setTimeout(() => {
      this.#stateTimer = null;
      if (this.#readings.size === 0) return;
      const isWanted = [...this.#readings].some(({ request }) => wantsState(request, "counters", null));
      this.#states.publish(isWanted ? () => this.#supervisor.counters() : null);
      this.#wake();
    }, limits.feedStateIntervalMs);
  }

  // --- turns of the feed

  #wake(): void {
    if (this.#readings.size > 0) this.#turnTimer ??= this.#clock.setTimeout(() => this.#turn(), 0);
  }

  #turn(): void {
    this.#turnTimer = null;
    const endAt = this.#clock.monotonicMs() + turnMsMax;
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
      this.#guard(reading, () => {
        if (this.#serve(reading)) isUnfinished = true;
      });
    }
    if (isUnfinished) this.#wake();
  }

  /** True when there is more for it now. A full reader is served again when it has drained. */
  #serve(reading: Reading): boolean {
    if (this.#isFull(reading)) return false;
    if (reading.position + 1 < this.#ring.oldest) {
      this.#readPage(reading);
      return false;
    }
    const upTo = Math.min(this.#ring.head, reading.position + messagesPerServing);
    while (reading.position < upTo) {
      const position = reading.position + 1;
      if (wantsFact(reading.request, this.#ring.fact(position))) {
        if (this.#isFull(reading)) return false;
        reading.reader.send(this.#ring.text(position, reading.previous));
        reading.previous = position;
      }
      reading.position = position;
    }
    return this.#sendStates(reading) || reading.position < this.#ring.head;
  }

  #sendStates(reading: Reading): boolean {
    let count = 0;
    for (const entry of this.#states.after(reading.stateNumber)) {
      if (wantsState(reading.request, entry.type, entry.clientId)) {
        if (this.#isFull(reading)) return false;
        if (++count > messagesPerServing) return true;
        reading.reader.send(this.#states.text(entry));
      }
      reading.stateNumber = entry.number;
    }
    return false;
  }

  /** Of all readers one at a time: reading back costs the engine at most one page a turn (F4). */
  #readPage(reading: Reading): void {
    if (this.#isPaging) return;
    this.#isPaging = true;
    const limit = Math.min(factsPerPage, this.#ring.oldest - 1 - reading.position);
    this.#page(reading.position, limit)
      .then(
        (facts) => this.#guard(reading, () => this.#sendPage(reading, facts)),
        () => this.#cut(reading, feedCloseCodes.failed, "the ledger could not be read"),
      )
      .finally(() => {
        this.#isPaging = false;
        this.#wake();
      });
  }

  async #page(after: Position, limit: number): Promise<Fact[]> {
    const facts: Fact[] = [];
    for await (const fact of this.#supervisor.readFacts(after, limit)) facts.push(fact);
    return facts;
  }

  #sendPage(reading: Reading, facts: readonly Fact[]): void {
    if (reading.isEnded) return;
    // F2: retention has taken what was asked for.
    if (facts[0]?.position !== reading.position + 1) return this.#reset(reading);
    for (const fact of facts) {
      if (wantsFact(reading.request, fact)) {
        if (this.#isFull(reading)) return;
        reading.reader.send(factText(this.#ring.ledger, fact, reading.previous));
        reading.previous = fact.position;
      }
      reading.position = fact.position;
    }
  }

  // --- a reader's life

  #begin(reading: Reading, after: FeedRequest["after"]): void {
    const { ledger, position } = this.#supervisor.snapshot();
    if (after === null) this.#sendSnapshot(reading, position, false);
    else if (after.ledger !== ledger || after.position > position) this.#reset(reading);
    else this.#sendSnapshot(reading, after.position, false);
  }

  #reset(reading: Reading): void {
    this.#sendSnapshot(reading, this.#supervisor.snapshot().position, true);
  }

  #sendSnapshot(reading: Reading, position: Position, reset: boolean): void {
    const { only } = reading.request;
    const whole = this.#supervisor.snapshot();
    const clients = only === null ? whole.clients : whole.clients.filter(({ clientId }) => clientId === only);
    reading.position = position;
    reading.previous = position;
    const data: FeedSnapshot["data"] = { ...whole, clients, position, reset };
    reading.reader.send(this.#frame("feed.snapshot", JSON.stringify(data)));
  }

  /** F3: arms the cut while the buffer is full, calls it off when it no longer is. */
  #isFull(reading: Reading): boolean {
    const isFull = reading.reader.bufferedBytes() >= limits.feedQueuedBytesMax;
    if (isFull) reading.fullTimer ??= this.#clock.setTimeout(() => this.#judge(reading), feedDrainMsMax);
    else this.#clearFullTimer(reading);
    return isFull;
  }

  #judge(reading: Reading): void {
    reading.fullTimer = null;
    this.#guard(reading, () => {
      if (reading.reader.bufferedBytes() < limits.feedQueuedBytesMax) return this.#wake();
      this.#cut(
        reading,
        feedCloseCodes.overloaded,
        `too slow: ${limits.feedQueuedBytesMax} bytes queued for ${feedDrainMsMax} ms; resume after the last position`,
      );
    });
  }

  /** F4: what a reader throws ends that reader. */
  #guard(reading: Reading, call: () => void): void {
    try {
      call();
    } catch {
      this.#cut(reading, feedCloseCodes.failed, "the reader failed");
    }
  }

  #cut(reading: Reading, code: number, reason: string): void {
    if (reading.isEnded) return;
    this.#end(reading);
    try {
      reading.reader.close(code, reason);
    } catch {
      // It is no longer ours.
    }
  }

  #end(reading: Reading): void {
    if (reading.isEnded) return;
    reading.isEnded = true;
    this.#clearFullTimer(reading);
    this.#readings.delete(reading);
    if (this.#readings.size > 0) return;
    this.#clock.clearTimeout(this.#turnTimer);
    this.#clock.clearTimeout(this.#stateTimer);
    this.#turnTimer = null;
    this.#stateTimer = null;
    this.#states.forget();
  }

  #clearFullTimer(reading: Reading): void {
    if (reading.fullTimer === null) return;
    this.#clock.clearTimeout(reading.fullTimer);
    reading.fullTimer = null;
  }

  /** A message that is no fact. Its id is of this opening of the ledger and never used again. */
  #frame(type: StateEntry["type"] | "feed.snapshot", data: string): string {
    const id = `${this.#supervisor.state.epoch}/${++this.#messages}`;
    const time = new Date(this.#clock.now()).toISOString();
    const head = { specversion: "1.0", id, source: feedPath, type: `ticketclient.${type}`, time };
    return `${JSON.stringify(head).slice(0, -1)},"data":${data}}`;
  }
}

/** Decided from the fact alone, so that a resumed stream is filtered as the first one was (F2). */
function wantsFact({ only, types }: FeedRequest, fact: Fact): boolean {
  if (types !== null && !types.has(fact.type)) return false;
  return only === null || clientOf(fact) === only;
}

function clientOf(fact: Fact): string | null {
  if (fact.type === "response.row") return fact.body.row.clientId;
  return "clientId" in fact.body ? fact.body.clientId : null;
}

function wantsState(
  { only, types }: FeedRequest,
  type: StateEntry["type"],
  clientId: string | null,
): boolean {
  if (types !== null && !types.has(type)) return false;
  return only === null || clientId === only;
}
