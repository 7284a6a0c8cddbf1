/**
 * States, where only the latest counts: what changed since a reader last looked, each at most once. Nothing is
 * kept per reader but a number (F3).
 */
import type { FeedStateType } from "./feed-messages.ts";
import type { ClientView, EngineCounters } from "./engine-views.ts";

export interface StateEntry {
  /** Rises by one from change to change. */
  readonly number: number;
  readonly type: FeedStateType;
  readonly clientId: string | null;
  readonly data: string;
  text: string | null;
}

export class LatestStates {
  readonly #frame: (type: FeedStateType, data: string) => string;
  /** By client, counters under ""; the least recently changed first, so numbers rise. */
  readonly #entries = new Map<string, StateEntry>();
  readonly #changedClients = new Map<string, ClientView>();
  #haveCountersChanged = false;
  /** What was published last: all that a reader that keeps up has to look through. */
  #newest: StateEntry[] = [];
  #number = 0;

  constructor(frame: (type: FeedStateType, data: string) => string) {
    this.#frame = frame;
  }

  /** The newest entry's. */
  get number(): number {
    return this.#number;
  }

  clientChanged(view: ClientView): void {
    this.#changedClients.set(view.clientId, view);
  }

  countersChanged(): void {
    this.#haveCountersChanged = true;
  }

  /** Makes entries of what changed since the last time. `counters` null: nobody wants them. */
  publish(counters: (() => EngineCounters) | null): void {
    this.#newest = [];
    for (const [clientId, view] of this.#changedClients)
      this.#put("client.state", clientId, JSON.stringify(view));
    this.#changedClients.clear();
    if (counters === null || !this.#haveCountersChanged) return;
    this.#haveCountersChanged = false;
    const data = JSON.stringify(counters());
    if (data !== this.#entries.get("")?.data) this.#put("counters", null, data);
  }

  /** Entries with higher numbers, in their order. */
  *after(number: number): Generator<StateEntry> {
    if (number >= this.#number) return;
    const first = this.#newest[0]?.number ?? this.#number + 1;
    if (number + 1 >= first) {
      for (let i = number + 1 - first; i < this.#newest.length; i++) yield this.#newest[i] as StateEntry;
      return;
    }
    for (const entry of this.#entries.values()) if (entry.number > number) yield entry;
  }

  text(entry: StateEntry): string {
    entry.text ??= this.#frame(entry.type, entry.data);
    return entry.text;
  }

  /** Nobody reads: what is kept can go. */
  forget(): void {
    this.#entries.clear();
    this.#changedClients.clear();
    this.#newest = [];
    this.#haveCountersChanged = false;
  }

  #put(type: FeedStateType, clientId: string | null, data: string): void {
    const key = clientId ?? "";
    const entry: StateEntry = { number: ++this.#number, type, clientId, data, text: null };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#newest.push(entry);
  }
}
