/** Looks at a running engine from outside, twice a second: its memory, and what waits in it. */
import { setTimeout as wait } from "node:timers/promises";
import { figures, type Figures, type House } from "../acceptance/house.ts";
import { memoryOf } from "./process-memory.ts";

const lookMs = 500;

export class EngineWatch {
  readonly #house: House;
  readonly #onLook: (line: string) => void;
  readonly #ended = new AbortController();
  readonly #looking: Promise<void>;
  /** Heap of the engine's main thread as it was at each look, garbage included. */
  readonly heapsMb: number[] = [];
  unsettledMost = 0;
  last: Figures | null = null;

  constructor(house: House, onLook: (line: string) => void) {
    this.#house = house;
    this.#onLook = onLook;
    this.#looking = this.#look();
  }

  peakMb(): number {
    return memoryOf(this.#pid).peakMb;
  }

  heapPeakMb(): number {
    return this.heapsMb.reduce((a, b) => Math.max(a, b), 0);
  }

  /** Resolves when all that was accepted is settled or parked, or when nothing moved for `patienceSeconds`. */
  async untilSettled(patienceSeconds: number): Promise<Figures> {
    let settled = -1;
    for (let still = 0; ; still += 1) {
      const now = this.last;
      if (now !== null && now.settled === now.accepted && now.accepted > 0) return now;
      if (now !== null && now.settled !== settled) [settled, still] = [now.settled, 0];
      if (now !== null && still * lookMs > patienceSeconds * 1_000) return now;
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      await wait(lookMs);
    }
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#looking;
  }

  get #pid(): number {
    const { pid } = this.#house.engine.child;
    if (pid === undefined) throw new Error("The engine has not started.");
    return pid;
  }

  async #look(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      const now = await figures(this.#house);
      this.last = now;
      this.heapsMb.push(now.heapMb);
      this.unsettledMost = Math.max(this.unsettledMost, now.accepted - now.settled);
      const { residentMb } = memoryOf(this.#pid);
      this.#onLook(
        `${now.accepted} accepted, ${now.settled} settled, ${residentMb.toFixed(0)} MB resident, ${now.heapMb.toFixed(0)} MB heap, parked ${JSON.stringify(now.parked)}`,
      );
      // oxlint-disable-next-line no-await-in-loop
      await wait(lookMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }
}
