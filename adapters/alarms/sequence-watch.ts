/** Notices holes in the senders' own counts (`sequence`), per source of one connection. */
import { limits } from "../../machines/limits.ts";

export class SequenceWatch {
  /** Oldest heard source first; above the bound the oldest is forgotten, which costs a missed gap at most. */
  readonly #expected = new Map<string, bigint>();

  /**
   * Takes note of `got` (20 digits); returns the number that should have come instead, if some were left
   * out. The first number of a source is taken as it is; a lower one is a repeat, not a gap. Of a source whose name is
   * too long nothing is ever taken, and nothing remembered (S3).
   */
  expectedInstead(source: string, got: string): string | null {
    if (source.length > limits.alarmIdCharsMax) return null;
    const number = BigInt(got);
    const expected = this.#expected.get(source);
    if (expected !== undefined && number < expected) return null;
    this.#expected.delete(source);
    this.#expected.set(source, number + 1n);
    if (this.#expected.size > limits.sourcesPerConnectionMax)
      for (const oldest of this.#expected.keys()) {
        this.#expected.delete(oldest);
        break;
      }
    return expected === undefined || number === expected ? null : expected.toString().padStart(20, "0");
  }
}
