/**
 * The newest facts, given one by one to whoever wants to remember something of them, when somebody asks: nobody asking
 * costs nothing.
 *   F4 a question reads a bounded number of facts, a page at a time.
 */
import type { Fact } from "../machines/facts.ts";
import { limits } from "../machines/limits.ts";
import type { Position } from "../machines/vocabulary.ts";
import type { Ledger } from "./ports.ts";

export class RecentFacts {
  readonly #ledger: Pick<Ledger, "read" | "head">;
  readonly #learn: (fact: Fact) => void;
  readonly #passOver: () => void;
  #position: Position = 0;
  #reading: Promise<void> = Promise.resolve();

  /** `passOver`: told before facts are left out, because there are too many since the last question. */
  constructor(
    ledger: Pick<Ledger, "read" | "head">,
    learn: (fact: Fact) => void,
    passOver: () => void = () => {},
  ) {
    this.#ledger = ledger;
    this.#learn = learn;
    this.#passOver = passOver;
  }

  /** Resolves when all that was durable has been learned, or as much of the newest as `flowFactsReadMax` allows. Rejects when it cannot be read. */
  catchUp(): Promise<void> {
    // A read that failed is told to who asked then; the next one goes on from there.
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#read());
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { position: head } = this.#ledger.head();
    const oldest = head - limits.flowFactsReadMax;
    if (this.#position < oldest) {
      this.#passOver();
      this.#position = oldest;
    }
    while (this.#position < head) {
      const from = this.#position;
      for await (const fact of this.#ledger.read(from, limits.ledgerReadRows)) {
        this.#learn(fact);
        this.#position = fact.position;
      }
      if (this.#position === from) return;
    }
  }
}
