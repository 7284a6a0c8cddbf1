/**
 * The feed: facts and states, numbered, to any number of readers, over whatever carries text. No sockets here.
 *   F1 in order of position, nothing before it is durable; `previous` is the reader's own last one.
 *   F2 a reader is one position in the ledger: what follows it comes from the ring or, further back, from
 *      the ledger, by the same loop, so that there is no seam between catching up and live.
 *   F3 a reader has no queue of its own here.  F3 F4 of sockets and turns in reader-row.ts.
 * Source: wire.md, "Feed".
 */
import type { Fact } from "../machines/facts.ts";
import { limits } from "../machines/limits.ts";
import type { Position } from "../machines/vocabulary.ts";
import { FactRing, factText } from "./feed-facts.ts";
import { feedCloseCodes, feedPath, type FeedType } from "./feed-messages.ts";
import { Present } from "./feed-present.ts";
import { LatestStates, type StateEntry } from "./feed-states.ts";
import type { Clock } from "./ports.ts";
import type { ClientView } from "./engine-views.ts";
import { type FeedReader, type FeedReading, type InRow, ReaderRow } from "./reader-row.ts";
import type { Supervisor } from "./supervisor.ts";

export { feedDrainMsMax, type FeedReader, type FeedReading } from "./reader-row.ts";

export interface FeedRequest {
  /** Resume: the facts after this position of this ledger. Null: from now on. */
  readonly after: { readonly ledger: string; readonly position: Position } | null;
  /** Only facts that name this client and its states. Null: all. */
  readonly only: string | null;
  /** Only these types. Null: all. */
  readonly types: ReadonlySet<FeedType> | null;
  /**
   * Who has had all that was there when it came, and has fallen behind what is kept in memory: `read` gives it all
   * from the ledger; `reset` sets it to the present, for whom what is going on now is worth more than what it missed,
   * and who is told at most `feedFactsPerSecond`.
   */
  readonly behind: "read" | "reset";
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
interface Reading extends InRow {
  readonly request: FeedRequest;
  /** Every fact up to here was sent or filtered out (F2). */
  position: Position;
  /** The last fact sent (F1). */
  previous: Position;
  /** Every state up to this number was sent or filtered out. */
  stateNumber: number;
  /** Head of the ledger when it came: who has had all up to there is live. */
  readonly cameAt: Position;
  /** Facts that it was sent in this second, and when the next one begins (monotonic ms). */
  pace: { readonly until: number; sent: number };
}

export function createFeed(options: FeedOptions): Feed {
  return new EngineFeed(options);
}

class EngineFeed implements Feed {
  readonly #supervisor: FeedOptions["supervisor"];
  readonly #clock: Clock;
  readonly #ring: FactRing;
  readonly #states: LatestStates;
  readonly #row: ReaderRow<Reading>;
  readonly #unsubscribe: readonly (() => void)[];
  #messages = 0;
  #stateTimer: unknown = null;
  /** Until the next second of somebody who has had its facts of this one. */
  #paceTimer: unknown = null;
  #isPaging = false;
  /** Taken within the last `feedStateIntervalMs`: states are no newer. */
  #present: Present | null = null;
  #presentTimer: unknown = null;
  /** Facts since the present that is shared: who goes on from it has them in the ring for as many more. */
  readonly #missedMax: number;

  constructor({ supervisor, clock, factsKept = limits.feedFactsKept }: FeedOptions) {
    this.#supervisor = supervisor;
    this.#clock = clock;
    const { ledger, position } = supervisor.snapshot();
    this.#ring = new FactRing(ledger, position, factsKept);
    this.#missedMax = factsKept / 2;
    this.#states = new LatestStates((type, data) => this.#frame(type, data));
    this.#row = new ReaderRow({
      clock,
      turnDelayMs: 0,
      turnMsMax,
      adviceToSlow: "; resume after the last position",
      serve: (reading) => this.#serve(reading),
      onEmpty: () => this.#forget(),
    });
    this.#unsubscribe = [
      supervisor.onFacts((facts) => this.#onFacts(facts)),
      supervisor.onClient((view) => this.#onClient(view)),
    ];
  }

  get readers(): number {
    return this.#row.size;
  }

  read(reader: FeedReader, request: FeedRequest): FeedReading {
    const reading: Reading = {
      reader,
      request,
      position: 0,
      previous: 0,
      stateNumber: this.#states.number,
      cameAt: this.#ring.head,
      pace: { until: 0, sent: 0 },
      fullTimer: null,
      isEnded: false,
    };
    return this.#row.join(reading, () => this.#begin(reading, request.after));
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#row.close();
  }

  // --- what the engine says: kept, and nobody is called (F4)

  #onFacts(facts: readonly Fact[]): void {
    if (this.#row.size === 0) return this.#ring.forget(facts.at(-1)?.position ?? this.#ring.head);
    for (const fact of facts) this.#ring.push(fact);
    this.#states.countersChanged();
    this.#row.wake();
    this.#armStates();
  }

  #onClient(view: ClientView): void {
    if (this.#row.size === 0) return;
    this.#states.clientChanged(view);
    this.#armStates();
  }

  #armStates(): void {
    this.#stateTimer ??= this.#clock.setTimeout(() => {
      this.#stateTimer = null;
      if (this.#row.size === 0) return;
      const isWanted = [...this.#row].some(({ request }) => wantsState(request, "counters", null));
      this.#states.publish(isWanted ? () => this.#supervisor.counters() : null);
      this.#row.wake();
    }, limits.feedStateIntervalMs);
  }

  // --- turns of the feed

  /** True when there is more for it now. A full reader is served again when it has drained. */
  #serve(reading: Reading): boolean {
    if (this.#row.isFull(reading)) return false;
    const most = this.#serving(reading);
    if (most === 0) return this.#sendStates(reading);
    if (reading.position + 1 < this.#ring.oldest) {
      if (wantsThePresent(reading)) {
        this.#reset(reading);
        return true;
      }
      this.#readPage(reading);
      return false;
    }
    const upTo = Math.min(this.#ring.head, reading.position + most);
    while (reading.position < upTo) {
      const position = reading.position + 1;
      if (wantsFact(reading.request, this.#ring.fact(position))) {
        if (this.#row.isFull(reading)) return false;
        reading.reader.send(this.#ring.text(position, reading.previous));
        reading.previous = position;
        reading.pace.sent += 1;
      }
      reading.position = position;
    }
    return this.#sendStates(reading) || reading.position < this.#ring.head;
  }

  /**
   * How many facts it may be served now. With what is too much for its pace it falls behind, and is reset when its next
   * second begins. 0: it is woken then.
   */
  #serving(reading: Reading): number {
    if (!wantsThePresent(reading)) return messagesPerServing;
    const now = this.#clock.monotonicMs();
    if (now >= reading.pace.until) reading.pace = { until: nextSecond(now), sent: 0 };
    const left = Math.max(0, limits.feedFactsPerSecond - reading.pace.sent);
    if (left === 0)
      this.#paceTimer ??= this.#clock.setTimeout(() => {
        this.#paceTimer = null;
        this.#row.wake();
      }, reading.pace.until - now);
    return Math.min(messagesPerServing, left);
  }

  #sendStates(reading: Reading): boolean {
    let count = 0;
    for (const entry of this.#states.after(reading.stateNumber)) {
      if (wantsState(reading.request, entry.type, entry.clientId)) {
        if (this.#row.isFull(reading)) return false;
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
        (facts) => this.#row.guard(reading, () => this.#sendPage(reading, facts)),
        () => this.#row.cut(reading, feedCloseCodes.failed, "the ledger could not be read"),
      )
      .finally(() => {
        this.#isPaging = false;
        this.#row.wake();
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
        if (this.#row.isFull(reading)) return;
        reading.reader.send(factText(this.#ring.ledger, fact, reading.previous));
        reading.previous = fact.position;
      }
      reading.position = fact.position;
    }
  }

  // --- a reader's life

  #begin(reading: Reading, after: FeedRequest["after"]): void {
    const { ledger, position } = this.#presentSince(after?.position ?? 0);
    if (after === null) this.#sendSnapshot(reading, position, false);
    else if (after.ledger !== ledger || after.position > position) this.#reset(reading);
    else this.#sendSnapshot(reading, after.position, false);
  }

  #reset(reading: Reading): void {
    this.#sendSnapshot(reading, this.#presentSince(0).position, true);
  }

  #sendSnapshot(reading: Reading, position: Position, reset: boolean): void {
    const present = this.#presentSince(position);
    reading.position = position;
    reading.previous = position;
    // What was to be told of states is older than this.
    reading.stateNumber = present.stateNumber;
    reading.reader.send(present.text(reading.request.only, position, reset));
  }

  /**
   * The present, or that of a moment ago, for all who ask at one time: not older than the facts up to `known`, which its
   * reader has (F2), and recent enough that what follows it is in the ring for a while.
   */
  #presentSince(known: Position): Present {
    const kept = this.#present;
    if (kept !== null) {
      const missed = this.#ring.head - kept.position;
      if (missed === 0 || (kept.position >= known && missed <= this.#missedMax)) return kept;
    }
    this.#forgetPresent();
    const frame = (data: string): string => this.#frame("feed.snapshot", data);
    this.#present = new Present(this.#supervisor.snapshot(), this.#states.number, frame);
    this.#presentTimer = this.#clock.setTimeout(() => this.#forgetPresent(), limits.feedStateIntervalMs);
    return this.#present;
  }

  #forgetPresent(): void {
    this.#clock.clearTimeout(this.#presentTimer);
    this.#present = null;
  }

  #forget(): void {
    this.#clock.clearTimeout(this.#stateTimer);
    this.#clock.clearTimeout(this.#paceTimer);
    this.#stateTimer = null;
    this.#paceTimer = null;
    this.#forgetPresent();
    this.#states.forget();
  }

  /** A message that is no fact. Its id is of this opening of the ledger and never used again. */
  #frame(type: StateEntry["type"] | "feed.snapshot", data: string): string {
    const id = `${this.#supervisor.state.epoch}/${++this.#messages}`;
    const time = new Date(this.#clock.now()).toISOString();
    const head = { specversion: "1.0", id, source: feedPath, type: `ticketclient.${type}`, time };
    return `${JSON.stringify(head).slice(0, -1)},"data":${data}}`;
  }
}

/** The same for all readers: one timer wakes whoever waits for it. */
function nextSecond(monotonicMs: number): number {
  return (Math.floor(monotonicMs / 1_000) + 1) * 1_000;
}

/** Rather than what it misses: not before it has had all that was there when it came. */
function wantsThePresent({ request, position, cameAt }: Reading): boolean {
  return request.behind === "reset" && position >= cameAt;
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
