/** Makes the scenario of a failing seed as short as it can be and still break the same law. */
import { scenarioOf, simulate, type Mode } from "./simulation.ts";
import type { Scenario, Step } from "./scenario.ts";

/** The number of the law that a sentence names. */
export function lawOf(sentence: string): string {
  return sentence.slice(0, sentence.indexOf(":"));
}

/** Leaves out halves, quarters … single steps of the timeline while the same law breaks. */
export async function minimise(seed: number, mode: Mode, law: string): Promise<Scenario> {
  let scenario = scenarioOf(seed);
  for (
    let size = Math.ceil(scenario.steps.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < scenario.steps.length;) {
      const steps: Step[] = [...scenario.steps.slice(0, from), ...scenario.steps.slice(from + size)];
      const shorter = { ...scenario, steps };
      const { broken } = await simulate({ seed, mode, scenario: shorter });
      if (broken.some((sentence) => lawOf(sentence) === law)) scenario = shorter;
      else from += size;
    }
  }
  return scenario;
}
