/**
 * What is fuzzed: an edge takes bytes as its peer may send them and goes the whole way that the adapter goes with them, to
 * an accepted value or a declared refusal. What it throws is a defect.
 */
export type Verdict = "accepted" | "refused";

export interface Edge {
  readonly name: string;
  /** What its bytes are, in a few words. */
  readonly reads: string;
  /** Folders and files of the sources whose code is to be reached, below the project's root. */
  readonly sources: readonly string[];
  /** Good inputs to begin with, from real data where there is some. */
  readonly seeds: readonly Buffer[];
  /** Longest input that is made. Default 4,096: what lies beyond is a matter of limits, and only slow. */
  readonly bytesMax?: number;
  /** So many executions share one `Life`: what it gathers (alarms kept, sockets) goes with it. Default 10,000. */
  readonly lifeExecutions?: number;
  open(): Life | Promise<Life>;
}

export interface Life {
  /** Throws, or rejects, where something does not hold. */
  run(input: Buffer): Verdict | Promise<Verdict>;
  close?(): void | Promise<void>;
}

/** A property of an edge that does not hold. */
export class Broken extends Error {
  override readonly name = "Broken";
}

export function demand(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Broken(sentence);
}

export function demandEqual(found: unknown, expected: unknown, sentence: string): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one !== other) throw new Broken(`${sentence}: ${one?.slice(0, 500)} is not ${other?.slice(0, 500)}`);
}
