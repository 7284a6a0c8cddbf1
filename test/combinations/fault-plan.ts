/**
 * Which fault happens at which point of a run. Points are numbered as they come; what a run does up to the n-th is the
 * same whenever the faults before it are the same, so that a list of (number, fault) is one combination.
 */
import { fitting, sentence, type FaultAt, type FaultName, type Point, type PointKind } from "./faults.ts";

export interface PlannedFault {
  readonly at: number;
  readonly fault: FaultName;
}

/** `3:kill,17:unlock`, as the command line takes it. */
export function planText(plan: readonly PlannedFault[]): string {
  return plan.map(({ at, fault }) => `${at}:${fault}`).join(",");
}

export interface FaultClass {
  readonly fault: FaultName;
  readonly what: string;
  /** It ends all that was to come in the run, so that not even points between the two of a class matter. */
  readonly isEnd: boolean;
}

export interface SeenPoint extends Point {
  readonly number: number;
  /** Of each fault that fits: what follows from it, as a text. Two points of one run at which it is the same are one. */
  readonly classes: readonly FaultClass[];
}

export class FaultPlan {
  /** Points after the last fault. */
  readonly after: SeenPoint[] = [];
  /** Sentences: what was done where. */
  readonly done: string[] = [];
  /** Sentences: what could not be done where. */
  readonly misfits: string[] = [];
  readonly #left: PlannedFault[];
  readonly #classOf: (point: Point, fault: FaultName) => string | null;
  readonly #tell: (line: string) => void;
  #number = 0;
  /** No more faults, and points do not count. */
  isOver = false;

  constructor(
    plan: readonly PlannedFault[],
    classOf: (point: Point, fault: FaultName) => string | null,
    tell: (line: string) => void,
  ) {
    this.#left = [...plan];
    this.#classOf = classOf;
    this.#tell = tell;
  }

  /** Every fault of the plan has happened. */
  get isDone(): boolean {
    return this.#left.length === 0;
  }

  /** Faults that were planned for points that never came. */
  get missed(): readonly PlannedFault[] {
    return this.#left;
  }

  /** A point has come: what goes wrong at it, if anything. */
  at<K extends PointKind>(point: Point & { readonly kind: K }): FaultAt<K> | null {
    if (this.isOver) return null;
    this.#number += 1;
    this.#tell(`   point ${this.#number} ${point.kind}: ${point.name}`);
    const next = this.#left[0];
    if (next === undefined) {
      const classes = fitting(point).map((fault) => ({
        fault,
        isEnd: fault.startsWith("kill"),
        what: this.#classOf(point, fault) ?? `${fault} at ${this.#number}`,
      }));
      this.after.push({ ...point, number: this.#number, classes });
      return null;
    }
    if (next.at !== this.#number) return null;
    if (!fitting(point).includes(next.fault)) {
      this.misfits.push(`${next.fault} does not fit point ${next.at}, ${point.kind} ${point.name}`);
      return null;
    }
    this.#left.shift();
    const said = sentence(point, next.fault);
    this.done.push(said);
    this.#tell(`!! ${said}`);
    return next.fault as FaultAt<K>;
  }
}
