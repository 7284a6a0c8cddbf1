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

/** Places by age, oldest first. Taken from the front without moving the others: a line may be a hundred thousand long. */
class Line<T> {
  #places: (Place<T> | undefined)[] = [];
  /** Before it nobody stands any more. */
  #front = 0;

  get length(): number {
    return this.#places.length - this.#front;
  }

  get first(): Place<T> | undefined {
    return this.#places[this.#front];
  }

  insert(place: Place<T>): void {
    const at = this.#after(place.age);
    if (at === this.#places.length) this.#places.push(place);
    else this.#places.splice(at, 0, place);
  }

  remove(place: Place<T>): void {
    if (this.first === place) {
      this.#places[this.#front] = undefined;
      this.#front += 1;
      if (this.#front * 2 > this.#places.length) this.#closeUp();
      return;
    }
    let at = this.#after(place.age) - 1;
    while (this.#places[at] !== place) at -= 1;
    this.#places.splice(at, 1);
  }

  /** Costs as much as was taken since the last time. */
  #closeUp(): void {
    this.#places = this.#places.slice(this.#front);
    this.#front = 0;
  }

  /** First index whose age is greater: equal ages keep the order they came in. */
  #after(age: number): number {
    let low = this.#front;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] as Place<T>).age <= age) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class Lanes<T> {
  readonly #places = new Map<string, Place<T>>();
  readonly #lanes: Line<T>[] = [];
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
    while (this.#lanes.length <= lane) this.#lanes.push(new Line());
    this.#lanes[lane]?.insert(place);
  }

  leave(name: string): T | undefined {
    const place = this.#places.get(name);
    if (place === undefined) return undefined;
    this.#places.delete(name);
    this.#lanes[place.lane]?.remove(place);
    return place.item;
  }

  /** Takes the next one, or nothing. `preferred`: a lane that goes before all others, but for the oldest's turn. */
  next(preferred?: number): T | undefined {
    this.#turn += 1;
    const fair = this.#turn % limits.oldestEveryTurns === 0;
    let chosen: Place<T> | undefined =
      fair || preferred === undefined ? undefined : this.#lanes[preferred]?.first;
    if (chosen !== undefined) return this.leave(chosen.name);
    for (const lane of this.#lanes) {
      const { first } = lane;
      if (first === undefined) continue;
      if (chosen === undefined || (fair && first.age < chosen.age)) chosen = first;
    }
    return chosen === undefined ? undefined : this.leave(chosen.name);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const place of this.#places.values()) yield place.item;
  }
}
