/** Seeds one after the other, and what came of them: what a process of its own does for a run with several. */
import type { Mode } from "./simulation.ts";
import { simulate } from "./simulation.ts";
import { Counters } from "./situations.ts";

export type Modes = Mode | "both";

/** A seed that broke a law. */
export interface Broken {
  readonly seed: number;
  readonly mode: Mode;
  readonly sentences: readonly string[];
}

/** Seeds `from` to `from + seeds - 1`; JSON, so that it can be sent and stored. */
export interface SeedReport {
  readonly from: number;
  readonly seeds: number;
  readonly facts: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly broken: readonly Broken[];
}

export interface SeedOrder {
  readonly from: number;
  readonly seeds: number;
  readonly modes: Modes;
}

export function modeOf(seed: number, modes: Modes): Mode {
  if (modes !== "both") return modes;
  return seed % 2 === 0 ? "liveness" : "safety";
}

export async function runSeeds(
  { from, seeds, modes }: SeedOrder,
  tell?: (line: string) => void,
): Promise<SeedReport> {
  const counters = new Counters();
  const broken: Broken[] = [];
  let facts = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const mode = modeOf(seed, modes);
    const result = await simulate({ seed, mode, ...(tell === undefined ? {} : { tell }) });
    counters.add(result.counters);
    facts += result.facts;
    if (result.broken.length > 0) broken.push({ seed, mode, sentences: result.broken });
  }
  return { from, seeds, facts, counters: counters.written(), broken };
}
