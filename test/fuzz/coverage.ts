/**
 * Which code has run, from V8's own block counters (`node:inspector`, in this process): every character of every function
 * of the chosen sources, reached or not. New ground is what makes an input worth keeping.
 */
import { Session, type Profiler } from "node:inspector";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Characters reached in one take, by script. */
type Ground = ReadonlyMap<string, Uint8Array>;

export class Coverage {
  readonly #session = new Session();
  readonly #prefixes: readonly string[];
  readonly #seen = new Map<string, Uint8Array>();
  /** Characters that belong to a function, by script; what stands outside runs once, at import. */
  readonly #functions = new Map<string, Uint8Array>();

  /** `sources`: folders and files, absolute. Import them first: what runs at import is not counted. */
  constructor(sources: readonly string[]) {
    this.#prefixes = sources.map((one) => pathToFileURL(one).href);
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** What ran since the last take. */
  take(): Ground {
    let result: Profiler.ScriptCoverage[] = [];
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error !== null) throw error;
      result = taken.result;
    });
    const ground = new Map<string, Uint8Array>();
    for (const { url, functions } of result)
      if (this.#prefixes.some((prefix) => url.startsWith(prefix)))
        ground.set(url, this.#paint(url, functions));
    return ground;
  }

  #paint(url: string, functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
    // Types are blanked before they reach V8, so that its places are those of the file.
    const inside =
      this.#functions.get(url) ?? new Uint8Array(readFileSync(fileURLToPath(url), "utf8").length);
    this.#functions.set(url, inside);
    const reached = new Uint8Array(inside.length);
    // Outer ranges come before inner ones: the innermost has the last word.
    for (const { functionName, ranges } of functions) {
      const [whole] = ranges;
      if (whole === undefined || (functionName === "" && whole.startOffset === 0)) continue; // the module itself
      inside.fill(1, whole.startOffset, whole.endOffset);
      for (const { startOffset, endOffset, count } of ranges)
        reached.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    return reached;
  }

  /** Whether there is something that was never reached before. */
  isNew(ground: Ground): boolean {
    for (const [url, reached] of ground) {
      const seen = this.#seen.get(url);
      if (seen === undefined) return reached.includes(1);
      for (let at = 0; at < reached.length; at += 1) if (reached[at] === 1 && seen[at] !== 1) return true;
    }
    return false;
  }

  add(ground: Ground): void {
    for (const [url, reached] of ground) {
      const seen = this.#seen.get(url) ?? new Uint8Array(reached.length);
      for (let at = 0; at < reached.length; at += 1) if (reached[at] === 1) seen[at] = 1;
      this.#seen.set(url, seen);
    }
  }

  /** Of all functions that could have run, in characters. */
  reached(): { readonly characters: number; readonly of: number } {
    let characters = 0;
    let of = 0;
    for (const [url, inside] of this.#functions) {
      const seen = this.#seen.get(url);
      for (let at = 0; at < inside.length; at += 1) {
        if (inside[at] !== 1) continue;
        of += 1;
        if (seen?.[at] === 1) characters += 1;
      }
    }
    return { characters, of };
  }

  close(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}
