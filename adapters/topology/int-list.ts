import type { Place } from "./complaints.ts";

/** A list of 32-bit numbers that grows: four bytes each, where an array of a million objects would be a hundred. */
export class IntList {
  #items = new Int32Array(1_024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const larger = new Int32Array(this.#length * 2);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.#length] = value;
    this.#length += 1;
  }

  /** The programmer's mistake: an index that was never pushed. */
  at(index: number): number {
    const value = index < this.#length ? this.#items[index] : undefined;
    if (value === undefined) throw new RangeError(`index ${index} of ${this.#length}`);
    return value;
  }

  set(index: number, value: number): void {
    this.#items[index] = value;
  }

  /** What was pushed, not a copy; of use until the next push. */
  view(): Int32Array {
    return this.#items.subarray(0, this.#length);
  }
}

/** Where things were read, by their number: file and line in eight bytes. */
export class Places {
  readonly #files: readonly string[];
  readonly #file = new IntList();
  readonly #line = new IntList();

  /** Places name a file by its number in this list. */
  constructor(files: readonly string[]) {
    this.#files = files;
  }

  push(file: number, line: number): void {
    this.#file.push(file);
    this.#line.push(line);
  }

  set(index: number, file: number, line: number): void {
    this.#file.set(index, file);
    this.#line.set(index, line);
  }

  at(index: number): Place {
    return { file: this.#files[this.#file.at(index)] ?? "?", line: this.#line.at(index) };
  }
}
