/** Stands for the supervisor: facts become durable and are told when the test says so, pages can be held back. */
import { createFeed, type FeedOptions } from "../../actors/feed.ts";
import type { ClientView, EngineCounters } from "../../actors/supervisor.ts";
import type { Fact } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import { emptyState } from "../../machines/state.ts";
import { ManualClock } from "../alarms/manual-clock.ts";

type Source = FeedOptions["supervisor"];

export class ScriptedSource implements Source {
  /** Durable; index = position − 1. Retention takes from the front what is before `oldest`. */
  readonly durable: Fact[] = [];
  oldest = 1;
  readonly state = { ...emptyState(), epoch: "epoch-1" };
  ledger = "ledger-1";
  clients: ClientView[] = [];
  pagesRead = 0;
  readFails = false;
  counted = 0;
  snapshotsTaken = 0;
  #told = 0;
  #gate: Promise<void> | null = null;
  #open: () => void = () => undefined;
  readonly #factListeners = new Set<(facts: readonly Fact[]) => void>();
  readonly #clientListeners = new Set<(view: ClientView) => void>();

  /** Durable, and not yet told: as a ledger is ahead of the fold for a moment. */
  write(count: number, textLength = 1): void {
    for (let i = 0; i < count; i++) {
      const position = this.durable.length + 1;
      const clientId = `client-0${(position % 3) + 1}`;
      const about = {
        position,
        epoch: "epoch-1",
        stream: `client/${clientId}` as const,
        at: Date.UTC(2026, 10, 23),
      };
      const lock = { clientId, lockGuid: `guid-${position}`, fence: position };
      const by = "x".repeat(textLength);
      this.durable.push(
        position % 2 === 0
          ? { ...about, type: "client.unlocked", body: lock }
          : { ...about, type: "client.lockForced", body: { ...lock, by, reason: "test" } },
      );
    }
  }
  tell(): void {
    const facts = this.durable.slice(this.#told);
    this.#told = this.durable.length;
    if (facts.length > 0) for (const listener of this.#factListeners) listener(facts);
  }
  emit(count: number, textLength?: number): void {
    this.write(count, textLength);
    this.tell();
  }
  show(view: ClientView): void {
    this.clients = [...this.clients.filter(({ clientId }) => clientId !== view.clientId), view];
    for (const listener of this.#clientListeners) listener(view);
  }
  /** Pages asked for from now on come after `release`. */
  hold(): void {
    if (this.#gate !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#open = resolve;
  }
  release(): void {
    this.#gate = null;
    this.#open();
  }

  async *readFacts(after: number, limit: number): AsyncGenerator<Fact> {
    this.pagesRead += 1;
    await this.#gate;
    if (this.readFails) throw new Error("unreadable");
    yield* this.durable.slice(Math.max(after, this.oldest - 1)).slice(0, limit);
  }
  onFacts(listener: (facts: readonly Fact[]) => void): () => void {
    this.#factListeners.add(listener);
    return () => this.#factListeners.delete(listener);
  }
  onClient(listener: (view: ClientView) => void): () => void {
    this.#clientListeners.add(listener);
    return () => this.#clientListeners.delete(listener);
  }
  snapshot() {
    this.snapshotsTaken += 1;
    return {
      ledger: this.ledger,
      position: this.#told,
      clients: this.clients,
      queue: { create: 0, update: 0, close: 0, parked: 0, parkedFor: {} },
      gateway: { inFlight: [] },
      services: { rows: [], selected: null, mismatch: null },
      heartbeat: { chain: null, engine: null },
      counters: this.counters(),
    };
  }
  counters(): EngineCounters {
    this.counted += 1;
    const rows = { inserted: 0, present: 0, evicted: 0, cleared: 0 };
    return {
      accepted: this.#told,
      duplicates: 0,
      settled: 0,
      unsettled: 0,
      outcomes: {},
      rows,
      openTickets: 0,
      claimsNotKept: 0,
      commandsRefused: 0,
    };
  }
}

export function viewOf(
  clientId: string,
  state: ClientView["state"] = "idle",
  processingData = "",
): ClientView {
  return {
    clientId,
    state,
    lockStatus: "unlocked",
    lockGuid: null,
    lockTime: null,
    fence: null,
    busyStatus: "notBusy",
    processingData,
  };
}

/** A feed of it. */
export function scripted(factsKept: number = limits.feedFactsKept) {
  const source = new ScriptedSource();
  const clock = new ManualClock();
  return { source, clock, feed: createFeed({ supervisor: source, clock, factsKept }) };
}
