/**
 * Every element of a load by its id, and its parent: what the checks need, and no more. An id gets its number where it is
 * first named, by its own row or by another's; an element whose own row never comes is missing.
 */
import { type Complaints, type Place, quoted } from "./complaints.ts";
import { IntList, Places } from "./int-list.ts";

/** Read by numbers from 0, in the order in which ids were first named. */
export class ElementIndex {
  readonly #numbers = new Map<string, number>();
  readonly #ids: string[] = [];
  /** −1: none. */
  readonly #parents = new IntList();
  /** 1: its own row was read. */
  readonly #held = new IntList();
  readonly #places: Places;
  /** Column in which it was first named by another's row. */
  readonly #namedIn: IntList = new IntList();
  #heldCount = 0;

  constructor(files: readonly string[]) {
    this.#places = new Places(files);
  }

  get held(): number {
    return this.#heldCount;
  }

  get named(): number {
    return this.#ids.length;
  }

  get ids(): readonly string[] {
    return this.#ids;
  }

  get parents(): Int32Array {
    return this.#parents.view();
  }

  /** Number of an element whose own row was read; undefined: there is none. */
  numberOf(id: string): number | undefined {
    const number = this.#numbers.get(id);
    return number !== undefined && this.#held.at(number) === 1 ? number : undefined;
  }

  /** A row that names it; its own may come before, after or never. */
  name(id: string, column: NamingColumn, file: number, line: number): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#ids.length;
    this.#numbers.set(id, number);
    this.#ids.push(id);
    this.#parents.push(-1);
    this.#held.push(0);
    this.#namedIn.push(namingColumns.indexOf(column));
    this.#places.push(file, line);
    return number;
  }

  /** Its own row. Returns its number; −1 where it has one already: then nothing changes. */
  hold(id: string, file: number, line: number): number {
    const number = this.name(id, "ne_id", file, line);
    if (this.#held.at(number) === 1) return -1;
    this.#held.set(number, 1);
    this.#heldCount += 1;
    this.#places.set(number, file, line);
    return number;
  }

  /** Elements known from links alone: the link is all there is of them. */
  holdAll(): void {
    for (let number = 0; number < this.#ids.length; number += 1) this.#held.set(number, 1);
    this.#heldCount = this.#ids.length;
  }

  setParent(number: number, parent: number): void {
    this.#parents.set(number, parent);
  }

  placeOf(id: string): Place {
    return this.#places.at(this.#numbers.get(id) ?? -1);
  }

  /** Elements that are named by others and have no row of their own. */
  complainOfMissing(complaints: Complaints): void {
    if (this.#heldCount === this.#ids.length) return;
    for (const [number, id] of this.#ids.entries()) {
      if (this.#held.at(number) === 1) continue;
      const column = namingColumns[this.#namedIn.at(number)] ?? "ne_id";
      complaints.add({
        ...this.#places.at(number),
        column,
        detail: `${quoted(id)} has no row of its own; expected the ne_id of an element${column === "parent_ne_id" ? ", or nothing for a root" : ""}`,
      });
    }
  }

  /** Elements whose parents lead back to themselves; each circle is told once. */
  complainOfLoops(complaints: Complaints): void {
    const parents = this.parents;
    // 0: not seen; otherwise number + 1 of the element from which the walk came that saw it first.
    const seenFrom = new Int32Array(parents.length);
    for (let start = 0; start < parents.length; start += 1) {
      let at = start;
      while (at !== -1 && seenFrom[at] === 0) {
        seenFrom[at] = start + 1;
        at = parents[at] ?? -1;
      }
      if (at !== -1 && seenFrom[at] === start + 1) this.#complainOfLoop(at, complaints);
    }
  }

  #complainOfLoop(from: number, complaints: Complaints): void {
    const names: string[] = [];
    let size = 0;
    for (let at = from; size === 0 || at !== from; at = this.#parents.at(at)) {
      if (size < loopNamesMax) names.push(this.#ids[at] ?? "?");
      size += 1;
    }
    const way = [...names, ...(size > loopNamesMax ? ["…"] : []), names[0] ?? "?"].map((name) =>
      quoted(name),
    );
    complaints.add({
      ...this.#places.at(from),
      column: "parent_ne_id",
      detail: `${size === 1 ? "an element is its own parent" : `the parents of ${size} elements form a loop`}: ${way.join(" → ")}; expected a way to a root`,
    });
  }
}

const loopNamesMax = 8;
const namingColumns = ["ne_id", "parent_ne_id", "ne_a", "ne_b"] as const;
export type NamingColumn = (typeof namingColumns)[number];
