/**
 * The loop: an input is made of one that reached new ground, run, and kept if it reached new ground itself. What it looks
 * at beside the edge's own properties: nothing rejected unheard, prototypes as they were, memory back to where it was.
 */
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Random } from "../simulation/random.ts";
import type { Coverage } from "./coverage.ts";
import { Broken, type Edge, type Life } from "./edge.ts";
import { mutate, wordsOf, type Material } from "./mutators.ts";
import { shrink } from "./shrink.ts";
import type { Watchdog } from "./watchdog.ts";

export interface FuzzOptions {
  readonly edge: Edge;
  readonly executions: number;
  readonly seed: string;
  /** Null: without feedback; the corpus is the seeds. */
  readonly coverage: Coverage | null;
  readonly watchdog: Watchdog;
  /** Of a run that is resumed: what it had done, and kept. */
  readonly done?: Done;
  readonly onProgress?: (done: Done) => void;
}

export interface Done {
  readonly executions: number;
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  readonly kept: readonly Buffer[];
}

export interface Failed {
  readonly input: Buffer;
  readonly message: string;
}

export interface FuzzReport extends Done {
  readonly failed: Failed | null;
  /** After a collection: before the first execution, after the last. */
  readonly heapBytes: readonly [number, number];
}

/**
 * Executions between two looks at the coverage, the prototypes and what was rejected unheard: a look costs as much as some
 * hundred executions, and there is much to see at first only.
 */
const batchSizeAt = (executions: number) => (executions < 4_096 ? 512 : 4_096);
const keptMax = 4_000;
/** What a run may leave behind: compiled code and the statistics that V8 keeps of it. */
export const heapGrowthBytesMax = 16_777_216;

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const run = new Run(options);
  try {
    return await run.all();
  } finally {
    run.end();
  }
}

class Run {
  readonly #options: FuzzOptions;
  readonly #kept: Buffer[];
  readonly #prototypes = fingerprint();
  readonly #material: Omit<Material, "corpus">;
  #unheard: unknown[] = [];
  #life: Life | null = null;
  #inLife = 0;
  /** With those that were run again. */
  #begun = 0;
  #accepted: number;
  #refused: number;
  readonly #hear = (error: unknown) => void this.#unheard.push(error);

  constructor(options: FuzzOptions) {
    this.#options = options;
    const { edge, done } = options;
    this.#kept = [...(done?.kept ?? [])];
    this.#accepted = done?.accepted ?? 0;
    this.#refused = done?.refused ?? 0;
    this.#material = { words: wordsOf(edge.seeds), bytesMax: edge.bytesMax ?? 4_096 };
    process.on("unhandledRejection", this.#hear);
    process.on("uncaughtException", this.#hear);
  }

  end(): void {
    process.off("unhandledRejection", this.#hear);
    process.off("uncaughtException", this.#hear);
  }

  async all(): Promise<FuzzReport> {
    const { edge, executions, seed, watchdog, coverage, onProgress } = this.#options;
    const began = performance.now() / 1000 - (this.#options.done?.seconds ?? 0);
    const done = (): Done => ({
      executions: this.#accepted + this.#refused,
      accepted: this.#accepted,
      refused: this.#refused,
      seconds: performance.now() / 1000 - began,
      kept: this.#kept,
    });
    let failed = await this.#batch([...edge.seeds, ...this.#kept], false);
    await this.#endLife();
    const before = await heapBytes();
    while (failed === null && done().executions < executions) {
      const at = done().executions;
      const random = new Random(`${seed}/${edge.name}/${at}`);
      const corpus = [...edge.seeds, ...this.#kept];
      const size = Math.min(batchSizeAt(at), executions - at);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      failed = await this.#batch(
        Array.from({ length: size }, () =>
          mutate(this.#parent(corpus, random), random, { ...this.#material, corpus }),
        ),
        true,
      );
      onProgress?.(done());
    }
    coverage?.take();
    await this.#endLife();
    watchdog.rest();
    return { ...done(), failed, heapBytes: [before, await heapBytes()] };
  }

  /** Those that were found last are looked at oftener, and the good ones are never lost among the bad. */
  #parent(corpus: readonly Buffer[], random: Random): Buffer {
    const { seeds } = this.#options.edge;
    const from = random.weighted({ seeds: 4, recent: 3, any: 3 });
    if (from === "seeds" || this.#kept.length === 0) return random.pick(seeds);
    return random.pick(from === "recent" ? this.#kept.slice(-20) : corpus);
  }

  async #batch(inputs: readonly Buffer[], counts: boolean): Promise<Failed | null> {
    const { coverage } = this.#options;
    for (const input of inputs) {
      const failed = await this.#one(input, counts); // oxlint-disable-line no-await-in-loop -- one after the other
      if (failed !== null) return this.#shrunk(input, failed);
    }
    await turn();
    if (this.#strange() !== null) return this.#culprit(inputs);
    if (coverage === null) return null;
    const ground = coverage.take();
    if (coverage.isNew(ground)) await this.#keepFrom(inputs, coverage);
    coverage.add(ground);
    return null;
  }

  /** Keeps those that reach new ground: each half is run again, and only what does goes on being halved. */
  async #keepFrom(inputs: readonly Buffer[], coverage: Coverage): Promise<void> {
    const [only] = inputs;
    if (only === undefined) return;
    if (inputs.length === 1) {
      if (!this.#options.edge.seeds.includes(only) && this.#kept.length < keptMax) this.#kept.push(only);
      return;
    }
    const middle = Math.ceil(inputs.length / 2);
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      for (const input of half) await this.#one(input, false); // oxlint-disable-line no-await-in-loop -- one after the other
      const ground = coverage.take();
      if (!coverage.isNew(ground)) continue;
      await this.#keepFrom(half, coverage); // oxlint-disable-line no-await-in-loop
      coverage.add(ground);
    }
  }

  /** What is wrong with this input, null for nothing. */
  async #one(input: Buffer, counts: boolean): Promise<string | null> {
    const { edge, watchdog } = this.#options;
    try {
      if (this.#life === null || this.#inLife >= (edge.lifeExecutions ?? 10_000)) {
        await this.#endLife();
        this.#life = await edge.open();
      }
      this.#inLife += 1;
      watchdog.begin((this.#begun += 1), input);
      const said = this.#life.run(input);
      // Waiting for what is there already would cost most of the time of a fast edge.
      const verdict = typeof said === "string" ? said : await said;
      if (counts) {
        if (verdict === "accepted") this.#accepted += 1;
        else this.#refused += 1;
      }
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** What a batch left behind that no single execution reports. */
  #strange(): string | null {
    const [unheard] = this.#unheard;
    if (unheard !== undefined) return `nobody heard: ${messageOf(unheard)}`;
    const now = fingerprint();
    return now === this.#prototypes ? null : "S7: a prototype was changed";
  }

  async #culprit(inputs: readonly Buffer[]): Promise<Failed> {
    const message = this.#strange() ?? "";
    for (const input of inputs) {
      restorePrototypes();
      this.#unheard = [];
      await this.#endLife(); // oxlint-disable-line no-await-in-loop -- one after the other
      await this.#one(input, false); // oxlint-disable-line no-await-in-loop
      await turn(); // oxlint-disable-line no-await-in-loop
      if (this.#strange() !== null) return { input, message };
    }
    return {
      input: Buffer.from(inputs.at(-1) ?? ""),
      message: `${message} (by several inputs of one batch together)`,
    };
  }

  async #shrunk(input: Buffer, message: string): Promise<Failed> {
    const isSame = async (smaller: Buffer): Promise<boolean> => {
      await this.#endLife();
      const now = await this.#one(smaller, false);
      return now !== null && now.slice(0, 40) === message.slice(0, 40);
    };
    return (await isSame(input))
      ? { input: await shrink(input, isSame), message }
      : { input, message: `${message} (only after what came before it in its life)` };
  }

  async #endLife(): Promise<void> {
    const life = this.#life;
    this.#life = null;
    this.#inLife = 0;
    await life?.close?.();
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Broken) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const names = prototypes.map((one) => new Set(Reflect.ownKeys(one)));

/** Names and sizes of what all objects have. */
function fingerprint(): string {
  return prototypes
    .map((one) =>
      Reflect.ownKeys(one)
        .map((name) => {
          const value: unknown = Object.getOwnPropertyDescriptor(one, name)?.value;
          return `${String(name)}=${typeof value}${typeof value === "function" ? value.name + value.length : ""}`;
        })
        .join(),
    )
    .join("|");
}

function restorePrototypes(): void {
  for (const [index, one] of prototypes.entries())
    for (const name of Reflect.ownKeys(one))
      if (names[index]?.has(name) !== true) Reflect.deleteProperty(one, name);
}

let collect: (() => void) | null = null;

/** After a full collection, what lies outside the heap included. */
export async function heapBytes(): Promise<number> {
  if (collect === null) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  for (let round = 0; round < 3; round += 1) {
    await turn(); // oxlint-disable-line no-await-in-loop -- finalizers run between collections
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
