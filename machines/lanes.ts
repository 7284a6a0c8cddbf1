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
  /** Older than the last one, in the order they came; put in their places when somebody looks. */
  #came: Place<T>[] = [];

  get length(): number {
    return this.#places.length - this.#front + this.#came.length;
  }

  get first(): Place<T> | undefined {
    this.#settle();
    return this.#places[this.#front];
  }

  insert(place: Place<T>): void {
    const last = this.#places.at(-1);
    if (last === undefined || last.age <= place.age) this.#places.push(place);
    else this.#came.push(place);
  }

  /** A start brings a hundred thousand in any order: sorted once, they need not move along for each. */
  #settle(): void {
    const came = this.#came;
    if (came.length === 0) return;
    this.#came = [];
    if (came.length <= fewCame) {
      for (const place of came) this.#places.splice(this.#after(place.age), 0, place);
      return;
    }
    this.#closeUp();
    this.#places = [...this.#places, ...came].sort(byAge);
  }

  remove(place: Place<T>): void {
    this.#settle();
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

/** So many are put in their places one by one. */
const fewCame = 16;

/** Of two places that are there: sorting keeps the order of equal ages. */
function byAge<T>(one: Place<T> | undefined, other: Place<T> | undefined): number {
  return (one?.age ?? 0) - (other?.age ?? 0);
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
