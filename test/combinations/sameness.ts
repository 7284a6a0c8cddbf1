/**
 * Whether worlds that are called equal go on alike: runs every single fault to its very end and compares what came
 * after each two moments with one hash, and after each two faults of one class.
 */
import type { Unit } from "./enumeration.ts";
import { planText, type PlannedFault, type SeenPoint } from "./fault-plan.ts";
import { World } from "./world.ts";

export interface Sameness {
  /** Pairs that were compared, and sentences about those that differ. */
  readonly compared: number;
  readonly differ: readonly string[];
  /** Runs with one fault, and combinations of two: counted one by one. */
  readonly singles: number;
  readonly pairs: number;
}

export async function compareFutures(unit: Unit): Promise<Sameness> {
  const futures = new Map<string, { readonly by: string; readonly what: string }>();
  const classes = new Map<string, { readonly by: string; readonly what: string }>();
  const differ: string[] = [];
  const count = { compared: 0, singles: 0, pairs: 0 };
  const compare = (known: typeof futures, name: string, by: string, what: string): void => {
    const other = known.get(name);
    if (other === undefined) known.set(name, { by, what });
    else {
      count.compared += 1;
      if (other.what !== what) differ.push(`${by} and ${other.by} are called equal, and differ`);
    }
  };
  const { plan } = await new World({ ...unit, faults: [] }).run();
  for (const point of plan.after)
    for (const { fault, what, isEnd } of point.classes) {
      const faults: PlannedFault[] = [{ at: point.number, fault }];
      const marks: { readonly hash: string; readonly from: number }[] = [];
      const world: World = new World({
        ...unit,
        faults,
        isKnown: (hash) => {
          marks.push({ hash, from: world.points.length });
          return false;
        },
      });
      const { plan: after, outcomes, broken } = await world.run();
      const points = after.after.map(pointText);
      count.singles += 1;
      count.pairs += after.after.reduce((sum, one) => sum + one.classes.length, 0);
      const end = [...outcomes, ...broken].join();
      for (const { hash, from } of marks) compare(futures, hash, planText(faults), points.slice(from).join());
      if (isEnd) compare(classes, what, planText(faults), `${points.join()} ${end}`);
      else compare(classes, what, planText(faults), end);
    }
  return { ...count, differ };
}

function pointText({ kind, classes }: SeenPoint): string {
  return `${kind} ${classes.map(({ fault }) => fault).join("/")}`;
}
