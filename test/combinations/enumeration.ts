/**
 * Every combination of up to three faults of one kind of flow under one promise, gone through level by level: a run
 * without a fault tells its points, each fault that fits one of them makes a run with one fault, whose later points make
 * those with two, and so on. So every fault strikes at a point that is really reached after those before it, also at
 * points that only they have brought about (a resend, a recovery).
 *   A run goes on only to the first moment of rest at which the world equals one that was gone through with as many
 * faults left or more: its future is known (world-hash.ts). What was left out so is counted.
 */
import type { Idempotency } from "../../machines/vocabulary.ts";
import { fitting, type FaultName } from "./faults.ts";
import { planText, type PlannedFault } from "./fault-plan.ts";
import type { FlowKind } from "./flow-kinds.ts";
import { World, type Ended } from "./world.ts";

export interface Unit {
  readonly flow: FlowKind;
  readonly promise: Idempotency;
}

export interface Breach {
  readonly flow: string;
  readonly promise: Idempotency;
  readonly faults: string;
  readonly broken: readonly string[];
  /** What was done where: sentences. */
  readonly done: readonly string[];
}

export interface UnitFigures {
  readonly flow: string;
  readonly promise: Idempotency;
  /** Of the run without faults: its points, and the faults that fit them. */
  readonly points: number;
  readonly faults: number;
  /** Sets of one, two, three of those faults: what there would be if no fault changed what follows. */
  readonly canonical: readonly number[];
  /** Combinations of none, one, two, three faults: all that there are, and those that were run. */
  readonly combinations: readonly number[];
  readonly runs: readonly number[];
  /** Of the runs: those that ended early, because they had become equal to another. */
  readonly merged: number;
  /** Of the runs with one and two faults: canonical points after the last fault that were not reached any more, each with its faults. */
  readonly unreached: readonly number[];
  readonly states: number;
  readonly steps: number;
  readonly seconds: number;
  readonly breaches: readonly Breach[];
}

/** Part of a run between two moments at which it was compared: the runs that branch off in it, and what follows it. */
interface Segment {
  readonly branches: Branch[];
  next: Segment | null;
}

interface Branch {
  /** The point of its last fault. */
  readonly at: number;
  readonly node: Node;
  /** Of the run that stands for it, only what comes after this point; null: all of it. */
  readonly after: number | null;
}

interface Node {
  readonly faults: readonly PlannedFault[];
  first: Segment | null;
}

export interface EnumerationOptions {
  readonly upTo: number;
  /** Told of every breach as it is found. */
  readonly onBreach?: (breach: Breach) => void;
  /** Told now and then. */
  readonly onProgress?: (runs: number, waiting: number) => void;
}

const progressEvery = 500;

export class Enumeration {
  readonly #unit: Unit;
  readonly #options: EnumerationOptions;
  /** Futures that are known: with so many faults left. */
  readonly #known = new Map<
    string,
    { readonly left: number; readonly segment: Segment; readonly by: Node }
  >();
  readonly #runs = [0, 0, 0, 0];
  readonly #unreached = [0, 0, 0, 0];
  readonly #breaches: Breach[] = [];
  #merged = 0;
  #steps = 0;
  /** Names of the points of the run without faults → how many faults fit. */
  #canonical: readonly { readonly name: string; readonly faults: number; readonly number: number }[] = [];

  constructor(unit: Unit, options: EnumerationOptions) {
    this.#unit = unit;
    this.#options = options;
  }

  async run(): Promise<UnitFigures> {
    const began = performance.now();
    const root: Node = { faults: [], first: null };
    let level: Node[] = [root];
    while (level.length > 0) {
      const following: Node[] = [];
      for (const [done, node] of level.entries()) {
        await this.#go(node, following);
        if (done % progressEvery === progressEvery - 1)
          this.#options.onProgress?.(
            this.#runs.reduce((sum, one) => sum + one),
            level.length - done,
          );
      }
      level = following;
    }
    const faults = this.#canonical.reduce((sum, one) => sum + one.faults, 0);
    return {
      flow: this.#unit.flow.name,
      promise: this.#unit.promise,
      points: this.#canonical.length,
      faults,
      canonical: [1, 2, 3].map((size) => (size > this.#options.upTo ? 0 : choose(faults, size))),
      combinations: this.#count(root),
      runs: this.#runs,
      merged: this.#merged,
      unreached: this.#unreached,
      states: this.#known.size,
      steps: this.#steps,
      seconds: (performance.now() - began) / 1_000,
      breaches: this.#breaches,
    };
  }

  async #go(node: Node, following: Node[]): Promise<void> {
    const { faults } = node;
    const left = this.#options.upTo - faults.length;
    const first: Segment = { branches: [], next: null };
    let segment = first;
    let upTo = 0;
    /** The points since the last moment of rest branch off. */
    const branch = (points: Ended["plan"]["after"]): void => {
      if (left > 0) {
        const children = new Map<string, Node>();
        for (const { number, classes } of points.slice(upTo))
          for (const { fault, what, isEnd } of classes) {
            const same = children.get(what);
            const child: Node = same ?? { faults: [...faults, { at: number, fault }], first: null };
            segment.branches.push({
              at: number,
              node: child,
              after: same === undefined || isEnd ? null : number,
            });
            if (same !== undefined) continue;
            children.set(what, child);
            following.push(child);
          }
      }
      upTo = points.length;
    };
    const world = new World({
      ...this.#unit,
      faults,
      isKnown: (hash) => {
        branch(world.points);
        const known = this.#known.get(hash);
        // What it has been in itself it goes through to the end.
        if (known !== undefined && known.left >= left && known.by !== node) {
          segment.next = known.segment;
          return true;
        }
        const next: Segment = { branches: [], next: null };
        segment.next = next;
        segment = next;
        if (known === undefined || known.left < left)
          this.#known.set(hash, { left, segment: next, by: node });
        return false;
      },
    });
    const ended = await world.run();
    branch(ended.plan.after);
    node.first = first;
    this.#runs[faults.length] = (this.#runs[faults.length] ?? 0) + 1;
    this.#steps += ended.steps;
    if (ended.isKnown) this.#merged += 1;
    this.#compare(faults, ended);
    if (ended.broken.length > 0) this.#breach(faults, ended);
  }

  /** Which points of the run without faults did not come any more. */
  #compare(faults: readonly PlannedFault[], { plan, isKnown }: Ended): void {
    if (faults.length === 0) {
      this.#canonical = plan.after.map((point) => ({
        name: `${point.kind} ${point.name}`,
        faults: fitting(point).length,
        number: point.number,
      }));
      return;
    }
    if (isKnown || faults.length >= this.#options.upTo) return;
    const reached = new Map<string, number>();
    for (const { kind, name } of plan.after)
      reached.set(`${kind} ${name}`, (reached.get(`${kind} ${name}`) ?? 0) + 1);
    const last = faults.at(-1)?.at ?? 0;
    for (const point of this.#canonical) {
      if (point.number <= last) continue;
      const left = reached.get(point.name) ?? 0;
      if (left > 0) reached.set(point.name, left - 1);
      else this.#unreached[faults.length] = (this.#unreached[faults.length] ?? 0) + point.faults;
    }
  }

  #breach(faults: readonly PlannedFault[], { broken, plan }: Ended): void {
    const { flow, promise } = this.#unit;
    const breach = { flow: flow.name, promise, faults: planText(faults), broken, done: plan.done };
    this.#breaches.push(breach);
    this.#options.onBreach?.(breach);
  }

  /** How many combinations of each size there are, those of known futures included. */
  #count(root: Node): number[] {
    const known = Array.from({ length: this.#options.upTo + 1 }, () => new Map<Segment, number>());
    /** Of the combinations from here on: those with exactly so many faults more. */
    const from = (start: Segment | null, more: number): number => {
      if (more === 0) return 1;
      const memory = known[more];
      // A line is long: without recursion along it.
      const line: Segment[] = [];
      let at = start;
      while (at !== null && memory?.has(at) === false) {
        line.push(at);
        at = at.next;
      }
      let sum = at === null ? 0 : (memory?.get(at) ?? 0);
      for (const segment of line.reverse()) {
        for (const branch of segment.branches) sum += of(branch, more - 1);
        memory?.set(segment, sum);
      }
      return sum;
    };
    const of = ({ node, after }: Branch, more: number): number => {
      let sum = from(node.first, more);
      if (after === null || more === 0) return sum;
      for (const branch of node.first?.branches ?? []) if (branch.at <= after) sum -= of(branch, more - 1);
      return sum;
    };
    return known.map((_, size) => from(root.first, size));
  }
}

function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 0; i < k; i += 1) product = (product * (n - i)) / (i + 1);
  return product;
}

export function unitsOf(flows: readonly FlowKind[], promises: readonly Idempotency[]): Unit[] {
  return flows.flatMap((flow) =>
    promises
      .filter((promise) => flow.promises === undefined || flow.promises.includes(promise))
      .map((promise) => ({ flow, promise })),
  );
}

/** `3:kill,17:unlock`; throws on anything else. */
export function planFrom(text: string): PlannedFault[] {
  if (text === "") return [];
  return text.split(",").map((part) => {
    const [at = "", fault = ""] = part.split(":");
    if (!/^\d+$/.test(at) || !/^[A-Za-z]+$/.test(fault))
      throw new RangeError(`${part}: expected a point's number and a fault, as in 3:kill.`);
    return { at: Number(at), fault: fault as FaultName };
  });
}
