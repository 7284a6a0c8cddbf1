/** What an acceptance run prints: one line a figure, progress on stderr, a summary at the end. */
import { isDeepStrictEqual } from "node:util";

const progressMs = 5_000;

export interface Summary {
  readonly name: string;
  readonly figures: number;
  readonly wrong: readonly string[];
  readonly seconds: number;
}

export class Report {
  readonly #name: string;
  readonly #startedAt = performance.now();
  readonly #wrong: string[] = [];
  #figures = 0;
  #progressAt = 0;

  constructor(name: string) {
    this.#name = name;
    this.say(`== ${name}`);
  }

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** At most every five seconds. */
  progress(line: string): void {
    const now = performance.now();
    if (now - this.#progressAt < progressMs) return;
    this.#progressAt = now;
    process.stderr.write(`… ${this.#seconds()} s, ${this.#name}: ${line}\n`);
  }

  /** `seen` must equal `expected`, whatever the order of its names. */
  check(what: string, seen: unknown, expected: unknown): void {
    this.#note(what, isDeepStrictEqual(seen, expected), show(seen), `expected ${show(expected)}`);
  }

  /** `seen` must be as the words in `wanted` say. */
  must(what: string, holds: boolean, seen: string, wanted: string): void {
    this.#note(what, holds, seen, `expected ${wanted}`);
  }

  failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#note("the run itself", false, text, "expected it to reach its end");
  }

  summary(): Summary {
    return { name: this.#name, figures: this.#figures, wrong: this.#wrong, seconds: this.#seconds() };
  }

  #note(what: string, holds: boolean, seen: string, expected: string): void {
    this.#figures += 1;
    if (!holds) this.#wrong.push(what);
    this.say(`${holds ? "ok  " : "FAIL"} ${what}: ${seen}${holds ? "" : ` – ${expected}`}`);
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 1_000);
  }
}

export function summaryText({ name, figures, wrong, seconds }: Summary): string {
  const verdict = wrong.length === 0 ? "all as expected" : `${wrong.length} wrong: ${wrong.join("; ")}`;
  return `${name.padEnd(8)} ${String(figures).padStart(3)} figures in ${String(seconds).padStart(4)} s, ${verdict}`;
}

export function count(n: number): string {
  return n.toLocaleString("en");
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
