/** Combinations drawn from a seed: walks that add one fault after the other, each a combination of its own. */
import { Random } from "../simulation/random.ts";
import type { Breach, Unit } from "./enumeration.ts";
import { planText, type PlannedFault } from "./fault-plan.ts";
import { World } from "./world.ts";

export interface SampleFigures {
  readonly walks: number;
  readonly runs: number;
  readonly seconds: number;
  readonly breaches: readonly Breach[];
}

export async function sample(
  units: readonly Unit[],
  {
    walks,
    from,
    onBreach,
  }: { readonly walks: number; readonly from: number; readonly onBreach?: (breach: Breach) => void },
): Promise<SampleFigures> {
  const began = performance.now();
  const breaches: Breach[] = [];
  let runs = 0;
  for (let seed = from; seed < from + walks; seed += 1) {
    const random = new Random(`combinations/${seed}`);
    const unit = random.pick(units);
    let faults: PlannedFault[] = [];
    for (;;) {
      const { plan, broken } = await new World({ ...unit, faults }).run();
      runs += 1;
      if (broken.length > 0) {
        const { flow, promise } = unit;
        const breach = { flow: flow.name, promise, faults: planText(faults), broken, done: plan.done };
        breaches.push(breach);
        onBreach?.(breach);
        break;
      }
      if (faults.length === 3 || plan.after.length === 0) break;
      const point = random.pick(plan.after);
      faults = [...faults, { at: point.number, fault: random.pick(point.classes).fault }];
    }
  }
  return { walks, runs, seconds: (performance.now() - began) / 1_000, breaches };
}
