/** In the place of chance: nothing is left to it. Lowest of every range; what is not synced is kept or lost as told. */
import { Random } from "../simulation/random.ts";

export class Fate extends Random {
  /** Of a crash: the bytes that were not synced are there at the next start. */
  keepsBytes = false;

  constructor() {
    super("fate");
  }

  override stream(): Random {
    return this;
  }

  override next(): number {
    return 0.5;
  }

  override int(lowest: number): number {
    return lowest;
  }

  override chance(): boolean {
    return this.keepsBytes;
  }

  override pick<T>(list: readonly T[]): T {
    const [first] = list;
    if (first === undefined) throw new RangeError("There is nothing to pick from.");
    return first;
  }
}
