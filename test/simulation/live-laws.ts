/** What must hold of a running engine after every step. Each breach is a sentence that names its law. */
import { presentRows } from "../../machines/response-table.ts";
import type { State } from "../../machines/state.ts";
import { applyFact } from "../../machines/fold.ts";
import { stateText } from "../../machines/fold-snapshot.ts";
import { emptyState } from "../../machines/state.ts";
import { rowsForgotten } from "../engine/laws.ts";
import type { Fact } from "../../machines/facts.ts";
import type { Position } from "../../machines/vocabulary.ts";
import type { ClientView } from "../../actors/engine-views.ts";
import type { Counters } from "./situations.ts";

interface Held {
  readonly fence: number;
  ms: number;
  /** By how much it may outlive its deadline, as that was reached; null: it was not. */
  allowedMs: number | null;
}

export class LiveLaws {
  readonly broken: string[] = [];
  readonly #since = new Map<string, Held>();
  readonly #lockMs: number;
  readonly #counters: Counters;
  #wasCalm = false;
  #wasPaused = false;

  constructor(lockSecondsMax: number, counters: Counters) {
    this.#lockMs = lockSecondsMax * 1_000;
    this.#counters = counters;
  }

  restarted(): void {
    this.#since.clear();
    this.#wasPaused = false;
  }

  /**
   * L5: a lock may outlive its deadline by the commit of its end, behind those that the disk was given before; where
   * nothing is on its way to the disk, and was not at the look before, not by a millisecond.
   *
   * `how`: nothing is on its way to the disk; the process stands still, or has not let in all that came meanwhile; how
   * long one commit more may take from now on, in ms.
   */
  check(
    state: State,
    ms: number,
    how: { readonly isCalm: boolean; readonly isPaused: boolean; readonly commitMs: number },
  ): void {
    this.#tables(state);
    // What has just become durable is folded within the turn.
    if (!how.isPaused) {
      if (this.#wasPaused) this.#resumed(ms);
      this.#locks(state, ms, how.isCalm && this.#wasCalm, how.commitMs);
    }
    this.#wasPaused = how.isPaused;
    this.#wasCalm = how.isCalm;
    if (how.isCalm) this.#plans(state);
  }

  /** L1, L5 of what is shown of a client. */
  view(view: ClientView): void {
    const parts = [view.lockGuid, view.lockTime, view.fence].map((part) => part !== null);
    if (new Set([...parts, view.lockStatus === "locked"]).size > 1) this.broken.push("L1: half a lock");
    const free = ["idle", "restarting", "quarantined"].includes(view.state);
    if (free === (view.lockStatus === "locked")) this.broken.push(`L5: ${view.state} and ${view.lockStatus}`);
  }

  #tables(state: State): void {
    const { tables, settings } = state;
    this.broken.push(...rowsForgotten(state));
    for (const [clientId, table] of tables) {
      const unsettled = Object.keys(table.unsettled).length;
      const present = presentRows(table);
      if (present > Math.max(settings.maxResponseRows, unsettled))
        this.broken.push(
          `G6: ${clientId} has ${present} rows, ${unsettled} unsettled, of ${settings.maxResponseRows}`,
        );
      if (table.inserted !== present + table.evicted + table.cleared)
        this.broken.push(
          `G6: ${clientId} inserted ${table.inserted} is not ${present} + ${table.evicted} + ${table.cleared}`,
        );
      if (unsettled > settings.maxResponseRows) this.#counters.count("more unsettled rows than allowed");
    }
  }

  /** A process that stood still could end no lock. */
  #resumed(ms: number): void {
    for (const since of this.#since.values()) {
      if (since.ms >= ms - this.#lockMs) continue;
      since.ms = ms - this.#lockMs;
      since.allowedMs = null;
    }
  }

  #locks({ clients }: State, ms: number, isCalm: boolean, commitMs: number): void {
    for (const [clientId, { lock }] of clients) {
      const since = this.#since.get(clientId);
      if (lock === null) this.#since.delete(clientId);
      else if (since?.fence !== lock.fence)
        this.#since.set(clientId, { fence: lock.fence, ms, allowedMs: null });
      else {
        const overMs = ms - since.ms - this.#lockMs;
        if (overMs < 0) continue;
        since.allowedMs ??= commitMs;
        if (overMs <= (isCalm ? 0 : since.allowedMs)) continue;
        this.broken.push(
          `L5: the lock ${lock.lockGuid} of ${clientId} outlives its deadline by ${overMs} ms`,
        );
        since.ms = Infinity;
      }
    }
  }

  /** L4: a request that was planned and not sent goes with its flow's client. */
  #plans(state: State): void {
    for (const [requestId, name] of state.requests) {
      const request = state.keys.get(name)?.request;
      if (request?.requestId !== requestId || request.status !== "planned") continue;
      if (state.clients.get(request.clientId)?.lock?.lockGuid !== request.lockGuid)
        this.broken.push(`L4: ${requestId} is still planned though its flow has lost ${request.clientId}`);
    }
  }
}

/**
 * R1: the fold from zero, of what is durable.
 */
export class Shadow {
  readonly #state = emptyState();
  readonly #history: (upTo: Position) => readonly Fact[];

  constructor(history: (upTo: Position) => readonly Fact[]) {
    this.#history = history;
  }

  observe(fact: Fact): void {
    applyFact(this.#state, fact);
  }

  /** Sentences. */
  compare(live: State): string[] {
    return stateText(this.#at(live.position)) === stateText(live)
      ? []
      : [`R1: the live state at ${live.position} differs from the fold from zero`];
  }

  /** An engine that has not heard of its last commits is behind: what it should be by then. */
  #at(position: Position): State {
    if (position === this.#state.position) return this.#state;
    const state = emptyState();
    for (const fact of this.#history(position)) applyFact(state, fact);
    return state;
  }
}
