/**
 * The ledger and its live fold, together: appends go through here, and what is durable is folded, then
 * told to whoever listens, in the order of positions.
 *   R1 the live state is the fold of the ledger.  R3 after the first failed sync nothing more is appended.
 *   R4 nor after damage is known.  F1 nothing is published before it is durable.
 */
import type { Entry, Expectation } from "../machines/entry.ts";
import type { Fact } from "../machines/facts.ts";
import { FailureError, remedies } from "../machines/failure.ts";
import { limits } from "../machines/limits.ts";
import { applyFact } from "../machines/fold.ts";
import { stateFromText } from "../machines/fold-snapshot.ts";
import { StateCapture } from "../machines/state-capture.ts";
import { emptyState, type State } from "../machines/state.ts";
import type { Position } from "../machines/vocabulary.ts";
import type { AppendResult, Batch, Ledger } from "./ports.ts";

/** Which appends are not to wait for others; see Batch. */
export type Haste = Pick<Batch, "ahead" | "urgent">;
export type FactListener = (facts: readonly Fact[]) => void;

export class Journal {
  readonly ledger: Ledger;
  readonly state: State;
  readonly #listeners = new Set<FactListener>();
  readonly #onBroken: (error: unknown) => void;
  #appends = 0;
  #pending = 0;
  #snapshotAt: number;
  /** Facts between two snapshots. */
  #snapshotEvery: number = limits.snapshotEveryFacts;
  #saving: Promise<void> = Promise.resolve();
  /** Why nothing is appended any more; null: it is. */
  #broken: FailureError | null = null;
  readonly #fallen = Promise.withResolvers<void>();
  #emptied: (() => void)[] = [];

  private constructor(
    ledger: Ledger,
    state: State,
    snapshotAt: Position,
    onBroken: (error: unknown) => void,
  ) {
    this.ledger = ledger;
    this.state = state;
    this.#onBroken = onBroken;
    // Of the last snapshot, not of this opening: a process that dies young again and again must get one too.
    this.#snapshotAt = snapshotAt;
  }

  /** Folds the ledger, from the newest snapshot of the fold where there is one. */
  static async open(ledger: Ledger, onBroken: (error: unknown) => void): Promise<Journal> {
    const snapshot = await ledger.loadSnapshot();
    const state = snapshot === null ? emptyState() : stateFromText(snapshot.state);
    const snapshotAt = state.position; // 0 where it was of another shape
    for (;;) {
      const from = state.position;
      for await (const fact of ledger.read(from, limits.ledgerReadRows)) foldRead(state, fact);
      if (state.position === from) break;
    }
    return new Journal(ledger, state, snapshotAt, onBroken);
  }

  /** Facts as they become durable, after they were folded. `listener` must not throw. Returns a function that ends it. */
  listen(listener: FactListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Appends on their way to the disk. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Resolves when the facts are durable and folded, or refused by `expect`. Rejects once the ledger is broken (R3, R4)
   * or closed, and for what JSON cannot write.
   */
  append(
    entries: readonly Entry[],
    expect: readonly Expectation[] = [],
    how: Haste = {},
  ): Promise<AppendResult> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    this.#appends += 1;
    this.#pending += 1;
    const id = `${this.state.epoch}:${this.#appends}`;
    return this.ledger.append({ id, expect, facts: entries, ...how }).then(
      (result) => {
        this.#pending -= 1;
        try {
          if (this.#broken !== null) throw this.#broken; // R4: durable, but told to nobody
          if (result.kind === "committed") this.#apply(result.facts);
          return result;
        } finally {
          this.#drained();
        }
      },
      (error: unknown) => {
        this.#pending -= 1;
        if (!isRefusal(error)) this.fall(error);
        this.#drained();
        throw error;
      },
    );
  }

  /** As `append`, for facts whose asker does not wait: if they cannot be written, nothing may rest on them (R3). */
  note(entries: readonly Entry[], expect?: readonly Expectation[], how?: Haste): void {
    if (entries.length === 0) return;
    this.append(entries, expect, how).catch((error: unknown) => this.fall(error));
  }

  /** R3 R4: from now on nothing is acknowledged, folded, told or saved, what is on its way to the disk included. */
  fall(error: unknown): void {
    if (this.#broken !== null || isClosed(error)) return;
    this.#broken =
      error instanceof FailureError
        ? error
        : new FailureError("LEDGER_SYNC_FAILED", `The ledger failed: ${String(error)}`, { cause: error });
    this.#fallen.resolve();
    this.#onBroken(this.#broken);
  }

  /** Resolves when the ledger is broken: what still runs can record no end. */
  get fallen(): Promise<void> {
    return this.#fallen.promise;
  }

  /** Resolves when nothing is on its way to the disk, or nothing can reach it any more. */
  settled(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** Of the state as it is now; behind one that is being saved. */
  saveSnapshot(): Promise<void> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    this.#snapshotAt = this.state.position; // now: a burst must not ask for another at each of its facts
    this.#saving = this.#saving.then(async () => {
      if (this.#broken !== null) throw this.#broken; // while it waited
      const capture = new StateCapture(this.state);
      this.state.capture = capture;
      try {
        await this.ledger.saveSnapshot(capture.position, this.#parts(capture));
      } finally {
        this.state.capture = null;
      }
    });
    return this.#saving;
  }

  *#parts(capture: StateCapture): Generator<string> {
    let chars = 0;
    for (;;) {
      const part = capture.next(limits.snapshotPartChars);
      if (part === null) break;
      chars += part.length;
      yield part;
    }
    // A snapshot costs what the state is large: so that it stays a small part of the work, a large one waits longer.
    this.#snapshotEvery = Math.min(
      Math.max(limits.snapshotEveryFacts, Math.round(chars / limits.snapshotCharsPerFact)),
      limits.snapshotEveryFactsMax,
    );
  }

  /** R1: an engine whose state is not the ledger's, or that did not hear of it, does not go on. */
  #apply(facts: readonly Fact[]): void {
    try {
      this.#fold(facts);
      for (const listener of this.#listeners) listener(facts);
    } catch (error) {
      const defect = new FailureError(
        "ENGINE_DEFECT",
        `What became durable up to position ${facts.at(-1)?.position ?? this.state.position} cannot be folded or ` +
          `acted on: ${String(error)}. Nothing more is accepted. The ledger is whole: keep it, start again, and ` +
          "report this as a defect of the program.",
        { cause: error },
      );
      this.fall(defect);
      throw defect;
    }
    if (this.state.position - this.#snapshotAt >= this.#snapshotEvery) {
      this.saveSnapshot().catch((error: unknown) => this.fall(error));
    }
  }

  #fold(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (fact.position !== this.state.position + 1) {
        throw new Error(`The ledger delivered position ${fact.position} after ${this.state.position}.`);
      }
      applyFact(this.state, fact);
    }
  }

  #drained(): void {
    if (this.#pending > 0) return;
    const waiting = this.#emptied;
    this.#emptied = [];
    for (const resolve of waiting) resolve();
  }
}

/** A fact as it was read back. Throws FailureError ENGINE_DEFECT for one that this version cannot fold. */
export function foldRead(state: State, fact: Fact): void {
  try {
    applyFact(state, fact);
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new FailureError(
      "ENGINE_DEFECT",
      `The fact at position ${fact.position} cannot be folded: ${because}`,
      { cause: error },
    );
  }
}

/** Nothing is wrong with the ledger: whoever asked is told. */
function isRefusal(error: unknown): boolean {
  return error instanceof FailureError && remedies[error.failure.code] === "refuse";
}

/** A ledger that was closed is whole: what came too late is refused, and that is all. */
function isClosed(error: unknown): boolean {
  return error instanceof FailureError && error.failure.code === "STOPPING";
}
