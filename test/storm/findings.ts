/** What a run saw: figures, each with the bound it is held to, if any, and a sentence for each breach. */
export type Figure = number | string | boolean;

export interface PartResult {
  readonly part: string;
  readonly ok: boolean;
  readonly figures: Readonly<Record<string, Figure>>;
  readonly wrong: readonly string[];
}

interface Bound {
  readonly most?: number;
  readonly least?: number;
  readonly exactly?: Figure;
}

export class Findings {
  readonly #part: string;
  readonly #say: (line: string) => void;
  readonly #figures: Record<string, Figure> = {};
  readonly #wrong: string[] = [];

  /** `say` is told each figure as a line of a table. */
  constructor(part: string, say: (line: string) => void) {
    this.#part = part;
    this.#say = say;
    say(part);
  }

  /** Without a bound it is only told. */
  figure(name: string, value: Figure, bound: Bound = {}): void {
    this.#figures[name] = value;
    const told = expectedOf(bound);
    const holds =
      !(bound.most !== undefined && !(Number(value) <= bound.most)) &&
      !(bound.least !== undefined && !(Number(value) >= bound.least)) &&
      !(bound.exactly !== undefined && value !== bound.exactly);
    if (!holds) this.#wrong.push(`${name}: ${String(value)}, expected ${told}`);
    const verdict = told === "" ? "    " : holds ? "ok  " : "FAIL";
    this.#say(`  ${verdict} ${name.padEnd(60)} ${shown(value).padStart(10)}  ${told}`);
  }

  /** Sentences about what must not have happened. */
  none(name: string, sentences: readonly string[]): void {
    this.figure(name, sentences.length, { exactly: 0 });
    this.#wrong.push(...sentences);
    for (const sentence of sentences) this.#say(`         ${sentence}`);
  }

  failed(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#wrong.push(text);
    this.#say(`  FAIL ${text}`);
  }

  result(): PartResult {
    return { part: this.#part, ok: this.#wrong.length === 0, figures: this.#figures, wrong: this.#wrong };
  }
}

function expectedOf({ most, least, exactly }: Bound): string {
  if (exactly !== undefined) return `= ${shown(exactly)}`;
  if (most !== undefined) return `≤ ${shown(most)}`;
  return least === undefined ? "" : `≥ ${shown(least)}`;
}

function shown(value: Figure): string {
  return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 1 }) : String(value);
}
