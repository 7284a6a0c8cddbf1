/**
 * The only source of chance of a simulation: small, fast, and the same on every machine. Streams are named, so that
 * what one part draws does not shift what another part gets.
 */
export class Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: string) {
    this.#seed = seed;
    [this.#a, this.#b, this.#c] = hashed(seed);
    for (let i = 0; i < 8; i += 1) this.next();
  }

  /** A stream of its own: depends on the seed and the name, not on what was drawn so far. */
  stream(name: string): Random {
    return new Random(`${this.#seed}/${name}`);
  }

  /** 0 ≤ x < 1; sfc32. */
  next(): number {
    const mixed = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + mixed) | 0;
    return (mixed >>> 0) / 4_294_967_296;
  }

  /** A whole number, both ends included. */
  int(lowest: number, highest: number): number {
    return lowest + Math.floor(this.next() * (highest - lowest + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** Throws on an empty list. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("There is nothing to pick from.");
    return list[this.int(0, list.length - 1)] as T;
  }

  /** A name, as often as its weight says. At least one weight must be above 0. */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0 && weight > 0) return name;
    }
    return (entries.findLast(([, weight]) => weight > 0) as [T, number])[0];
  }
}

/** FNV-1a, three times over. */
function hashed(text: string): [number, number, number] {
  const hashes = [0x811c9dc5, 0x9747b28c, 0x3c6ef372].map((basis) => {
    let hash = basis;
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    return hash | 0;
  });
  return hashes as [number, number, number];
}
