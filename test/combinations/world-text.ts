/**
 * Any value as a short text in which only equality and order count: ids are named by their first appearance, positions
 * and tickets by their rank, moments by their distance from now. As JSON otherwise: what is undefined or a function is
 * left out, and an actor is told as its state, with those under it.
 */
import type { AnyActorRef } from "xstate";

export interface TextRules {
  /** Members that nothing reads back, by name. */
  readonly unread: ReadonlySet<string>;
  /** How a moment is told; `name`: of its member. */
  readonly moment: (name: string, at: number) => string | number | undefined;
  /** What stands for a value that is told elsewhere: a name; undefined: it is told here. */
  readonly named: (value: object) => string | undefined;
}

/** No other number is as large as an instant. */
const instantMin = 1_500_000_000_000;
/** Members that are positions of one ledger: told by their rank among all of them. */
const positions: ReadonlySet<string> = new Set(["position", "begun", "again", "claim", "age"]);
const numbered = /\b(id-|OSB-|NORTH-|HAND-|opened )(\d+)/g;

/** Of a machine, or of a promise that an actor waits for. */
interface ActorState extends Readonly<
  Partial<Record<"status" | "value" | "context" | "input" | "output" | "error", unknown>>
> {
  readonly children?: Readonly<Record<string, unknown>>;
}

/** One text a writer. */
export class TextWriter {
  readonly #rules: TextRules;
  readonly #parts: string[] = [];
  readonly #ids = new Map<string, number>();
  /** Numbers that are told by rank, and where: of positions, tickets, moments of opening. */
  readonly #ranks = new Map<string, [at: number, number: number][]>();

  constructor(rules: TextRules) {
    this.#rules = rules;
  }

  write(value: unknown): string {
    this.#value("", value);
    for (const places of this.#ranks.values()) {
      // 0 keeps its own.
      const numbers = [...new Set([0, ...places.map(([, number]) => number)])].sort((a, b) => a - b);
      const ranks = new Map(numbers.map((number, rank) => [number, rank]));
      for (const [at, number] of places) this.#parts[at] = `#${ranks.get(number)}`;
    }
    return this.#parts.join("");
  }

  #value(name: string, value: unknown): void {
    if (typeof value === "number") this.#number(name, value);
    else if (typeof value === "string") this.#string(value);
    else if (typeof value === "object" && value !== null) this.#object(value);
    else this.#parts.push(String(value));
  }

  #number(name: string, number: number): void {
    if (number >= instantMin) {
      const told = this.#rules.moment(name, number);
      if (typeof told === "string") this.#string(told);
      else this.#parts.push(String(told));
    } else if (positions.has(name)) this.#rank("position", number);
    else this.#parts.push(String(number));
  }

  #rank(what: string, number: number): void {
    const places = this.#ranks.get(what);
    const place: [number, number] = [this.#parts.length, number];
    if (places === undefined) this.#ranks.set(what, [place]);
    else places.push(place);
    this.#parts.push("");
  }

  #string(text: string): void {
    this.#parts.push('"');
    let from = 0;
    if (text.includes("-") || text.startsWith("opened "))
      for (const { index, 0: all, 1: kind = "", 2: digits = "" } of text.matchAll(numbered)) {
        this.#parts.push(text.slice(from, index), kind);
        if (kind === "id-") this.#parts.push(String(this.#id(digits)));
        else this.#rank(kind === "opened " ? "opened" : "ticket", Number(digits));
        from = index + all.length;
      }
    this.#parts.push(from === 0 ? text : text.slice(from), '"');
  }

  #id(digits: string): number {
    const known = this.#ids.get(digits) ?? this.#ids.size + 1;
    this.#ids.set(digits, known);
    return known;
  }

  #object(value: object): void {
    if (Array.isArray(value)) this.#list(value);
    else if (value instanceof Map) this.#list(value);
    else if ("getSnapshot" in value) this.#actor(value as AnyActorRef);
    else {
      const name = this.#rules.named(value);
      if (name === undefined) this.#members(value);
      else this.#string(name);
    }
  }

  #list(values: Iterable<unknown>): void {
    this.#parts.push("[");
    for (const value of values) {
      this.#value("", value);
      this.#parts.push(",");
    }
    this.#parts.push("]");
  }

  #members(value: object): void {
    this.#parts.push("{");
    for (const name in value) {
      const member = (value as Readonly<Record<string, unknown>>)[name];
      if (member === undefined || typeof member === "function" || this.#rules.unread.has(name)) continue;
      if (
        typeof member === "number" &&
        member >= instantMin &&
        this.#rules.moment(name, member) === undefined
      )
        continue;
      this.#parts.push(name, ":");
      this.#value(name, member);
      this.#parts.push(",");
    }
    this.#parts.push("}");
  }

  #actor(actor: AnyActorRef): void {
    const { children, status, value, context, input, output, error } = actor.getSnapshot() as ActorState;
    this.#members({ status, value, context, input, output, error });
    if (children !== undefined) this.#members(children);
  }
}
