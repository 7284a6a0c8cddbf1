/**
 * A waiting line with lanes: the lowest lane first, the oldest first within it, and every so many turns
 * the oldest of all, so that none starves. Keys in line (admission) and requests at the gateway (G1) wait so.
 */
import { limits } from "./limits.ts";

interface Place<T> {
  readonly name: string;
  readonly lane: number;
  readonly age: number;
  readonly item: T;
}

export class Lanes<T> {
  readonly #places = new Map<string, Place<T>>();
  readonly #lanes: Place<T>[][] = [];
  #turn = 0;

  get size(): number {
    return this.#places.size;
  }

  /** Sizes by lane. */
  sizes(): number[] {
    return this.#lanes.map((lane) => lane.length);
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** Puts `item` in line; a name already in line keeps one place, the new one. Lower `age` = older. */
  enter(name: string, lane: number, age: number, item: T): void {
    const present = this.#places.get(name);
    if (present !== undefined) {
      if (present.lane === lane && present.age === age && present.item === item) return;
      this.leave(name);
    }
    const place = { name, lane, age, item };
    this.#places.set(name, place);
    while (this.#lanes.length <= lane) this.#lanes.push([]);
    const line = this.#lanes[lane] as Place<T>[];
    line.splice(placeFor(line, age), 0, place);
  }

  leave(name: string): T | undefined {
    const place = this.#places.get(name);
    if (place === undefined) return undefined;
    this.#places.delete(name);
    const line = this.#lanes[place.lane] as Place<T>[];
    let at = placeFor(line, place.age) - 1;
    while (line[at] !== place) at -= 1;
    line.splice(at, 1);
    return place.item;
  }

  /** Takes the next one, or nothing. `preferred`: a lane that goes before all others, but for the oldest's turn. */
  next(preferred?: number): T | undefined {
    this.#turn += 1;
    const fair = this.#turn % limits.oldestEveryTurns === 0;
    let chosen: Place<T> | undefined =
      fair || preferred === undefined ? undefined : this.#lanes[preferred]?.[0];
    if (chosen !== undefined) return this.leave(chosen.name);
    for (const lane of this.#lanes) {
      const first = lane[0];
      if (first === undefined) continue;
      if (chosen === undefined || (fair && first.age < chosen.age)) chosen = first;
    }
    return chosen === undefined ? undefined : this.leave(chosen.name);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const place of this.#places.values()) yield place.item;
  }
}

/** First index whose age is greater: equal ages keep the order they came in. */
function placeFor<T>(line: readonly Place<T>[], age: number): number {
  let low = 0;
  let high = line.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((line[middle] as Place<T>).age <= age) low = middle + 1;
    else high = middle;
  }
  return low;
}
