/** How one input is made of another: the same from the same generator, whatever the machine. */
import type { Random } from "../simulation/random.ts";

export interface Material {
  /** Inputs to splice with. */
  readonly corpus: readonly Buffer[];
  /** What the seeds are made of: names, numbers, tags. */
  readonly words: readonly string[];
  readonly bytesMax: number;
}

type Mutator = (input: Buffer, random: Random, material: Material) => Buffer;

/** What decoders stumble over, in no decoder's language in particular. */
const oddities: readonly (string | Buffer)[] = [
  ["", "\0", "\r", "\n", "\r\n", "\t", " ", "\u2028", "\ufeff", "\ufffd", "\u{1f6a8}", "e\u0301"],
  [
    '"',
    "'",
    "\\",
    "\\u0000",
    "\\ud800",
    ",",
    ";",
    ":",
    "/",
    "%",
    "%00",
    "%zz",
    "%ff",
    "..",
    "../",
    "&",
    "?",
    "#",
  ],
  [
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE a>",
    "&amp;",
    "&#0;",
    "&#xD800;",
    "&x;",
  ],
  ["{", "}", "[", "]", "{}", "[]", "null", "true", "false", "NaN", "1e999", "-1e999", "-0", "0x10", "1e-7"],
  ["9007199254740993", "4294967296", "2147483648", "-1", "65535", "65536", "00", "0.1", "1".repeat(400)],
  ["__proto__", '"__proto__":{"x":1},', "constructor", "prototype", "toString", "hasOwnProperty", "length"],
  ["=1+1", "+1", "-1", "@x", "'=1", "'", "''", "\uff1d1", "--", "-", "--help", "--json", "\u001b[31m"],
  ["2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "2026-11-25T24:00:00+99:99"],
  ["127.1", "0x7f.1", "[::1]", "::ffff:127.0.0.1", "localhost", "169.254.169.254", "user:pw@host"],
  ["a".repeat(64), "a".repeat(257), "[".repeat(20), '{"a":'.repeat(20), "<a>".repeat(40), ",".repeat(30)],
  // Bytes that are no UTF-8, and the mark of UTF-16.
  [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x9a], [0xff, 0xfe], [0x80]].map((bytes) =>
    Buffer.from(bytes),
  ),
].flat();

const join = (...parts: readonly (string | Buffer)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));

/** A place and an end behind it, mostly a short way. */
function range(input: Buffer, random: Random): readonly [number, number] {
  const from = random.int(0, Math.max(0, input.length - 1));
  const most = random.chance(0.8) ? 16 : input.length;
  return [from, Math.min(input.length, from + random.int(1, Math.max(1, most)))];
}

const wordBytes = Array.from({ length: 256 }, (_, byte) => /[\w.+:-]/.test(String.fromCharCode(byte)));

/** Where a word of an input begins and ends. */
function wordAt(input: Buffer, random: Random): readonly [number, number] {
  const isWord = (at: number) => wordBytes[input[at] ?? 0] === true;
  let from = random.int(0, Math.max(0, input.length - 1));
  for (let steps = 0; steps < 40 && from < input.length && !isWord(from); steps += 1) from += 1;
  while (from > 0 && isWord(from - 1)) from -= 1;
  let to = from;
  while (to < input.length && isWord(to)) to += 1;
  return [from, to];
}

const replaced = (input: Buffer, [from, to]: readonly [number, number], by: string | Buffer) =>
  join(input.subarray(0, from), by, input.subarray(to));

const mutators: Readonly<Record<string, Mutator>> = {
  flipBit(input, random) {
    const changed = Buffer.from(input);
    const at = random.int(0, Math.max(0, input.length - 1));
    if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << random.int(0, 7));
    return changed;
  },
  setByte(input, random) {
    const changed = Buffer.from(input);
    if (changed.length > 0) changed[random.int(0, changed.length - 1)] = random.int(0, 255);
    return changed;
  },
  insertOddity(input, random) {
    const at = random.int(0, input.length);
    return replaced(input, [at, at], random.pick(oddities));
  },
  wordToOddity: (input, random) => replaced(input, wordAt(input, random), random.pick(oddities)),
  wordToWord: (input, random, { words }) =>
    words.length === 0 ? input : replaced(input, wordAt(input, random), random.pick(words)),
  remove: (input, random) => replaced(input, range(input, random), ""),
  repeat(input, random, { bytesMax }) {
    const [from, to] = range(input, random);
    const piece = input.subarray(from, to);
    const most = random.chance(0.9) ? 3 : Math.floor(bytesMax / Math.max(1, piece.length));
    const times = random.int(1, Math.max(1, most));
    return replaced(input, [to, to], piece.length === 0 ? "" : Buffer.alloc(times * piece.length, piece));
  },
  move(input, random) {
    const [from, to] = range(input, random);
    const rest = replaced(input, [from, to], "");
    const at = random.int(0, rest.length);
    return replaced(rest, [at, at], input.subarray(from, to));
  },
  splice(input, random, { corpus }) {
    const other = random.pick(corpus);
    return join(
      input.subarray(0, random.int(0, input.length)),
      other.subarray(random.int(0, Math.max(0, other.length - 1))),
    );
  },
  cut: (input, random) => input.subarray(0, random.int(0, input.length)),
  swapLines(input, random) {
    const lines = input.toString("latin1").split("\n");
    const [one, other] = [random.int(0, lines.length - 1), random.int(0, lines.length - 1)];
    [lines[one], lines[other]] = [lines[other] ?? "", lines[one] ?? ""];
    return Buffer.from(lines.join("\n"), "latin1");
  },
  /** Of the JSON that an input is, or ends with: one value replaced, removed, doubled or put deeper. */
  json(input, random, { words }) {
    const text = input.toString("utf8");
    const at = text.search(/[[{]/);
    const value = at < 0 ? undefined : parsed(text.slice(at));
    return value === undefined
      ? replaced(input, wordAt(input, random), random.pick(oddities))
      : Buffer.from(text.slice(0, at) + JSON.stringify(changedValue(value, random, words)));
  },
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Goes down at random and changes what it ends at. */
function changedValue(value: unknown, random: Random, words: readonly string[]): unknown {
  const isTree = typeof value === "object" && value !== null;
  if (!isTree || random.chance(0.15)) return oddValue(value, random, words);
  const entries = Object.entries(value);
  if (entries.length === 0) return oddValue(value, random, words);
  const [name, inner] = random.pick(entries);
  if (Array.isArray(value)) {
    const items: unknown[] = [...(value as readonly unknown[])];
    const index = Number(name);
    const does = random.weighted({ remove: 1, double: 1, change: 8 });
    if (does === "change") items[index] = changedValue(inner, random, words);
    else items.splice(index, does === "remove" ? 1 : 0, ...(does === "remove" ? [] : [inner]));
    return items;
  }
  const kept = entries.filter(([other]) => other !== name || !random.chance(0.15));
  const renamed = random.chance(0.05) && words.length > 0 ? random.pick(words) : name;
  const changed = random.chance(0.15) ? inner : changedValue(inner, random, words);
  return Object.fromEntries(kept.map(([other, one]) => (other === name ? [renamed, changed] : [other, one])));
}

function oddValue(value: unknown, random: Random, words: readonly string[]): unknown {
  const text = () => String(random.pick(oddities));
  return random.pick<() => unknown>([
    () => null,
    () => random.pick([true, false]),
    () => random.pick([0, -1, 1, 65_536, 1.5, 1e21, Number.MAX_SAFE_INTEGER, -0.1]),
    text,
    text,
    () => (words.length === 0 ? "" : random.pick(words)),
    () => (typeof value === "string" ? value + text() : [value]),
    () => ({ a: value }),
    () => [],
    () => ({}),
  ])();
}

const names = Object.keys(mutators);

/** One to five changes, one after the other. */
export function mutate(input: Buffer, random: Random, material: Material): Buffer {
  let changed = input;
  for (
    let left = random.weighted({ "1": 6, "2": 2, "3": 1, "5": 1 });
    Number(left) > 0;
    left = String(Number(left) - 1) as typeof left
  )
    changed = mutators[random.pick(names)]?.(changed, random, material) ?? changed;
  return changed.length > material.bytesMax ? changed.subarray(0, material.bytesMax) : changed;
}

/** What seeds are made of, each once. */
export function wordsOf(seeds: readonly Buffer[]): readonly string[] {
  const words = new Set<string>();
  for (const seed of seeds)
    for (const [word] of seed.toString("latin1").matchAll(/[\w.+:-]{1,64}/g)) words.add(word);
  return [...words].slice(0, 2_000);
}
