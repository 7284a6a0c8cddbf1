/**
 * Facts as messages, and the ring of recent ones. A fact is turned to text when the first reader wants it,
 * and that text serves every reader; without readers nothing is kept.
 */
import type { Fact } from "../machines/facts.ts";
import type { Position } from "../machines/vocabulary.ts";
import { feedPath } from "./feed-messages.ts";

/** A fact as a message; ends with `previous`, the one member that differs between readers. */
export function factText(ledger: string, fact: Fact, previous: Position): string {
  const { position, type, stream, at, body } = fact;
  const data = JSON.stringify(body);
  const members = data === "{}" ? "{" : `${data.slice(0, -1)},`;
  // By hand: a busy engine makes fifteen thousand a second, and of the head only the subject can need an escape.
  return `{"specversion":"1.0","id":"${ledger}:${position}","source":"${feedPath}","type":"ticketclient.${type}","subject":${JSON.stringify(stream)},"time":"${timeText(at)}","data":${members}"position":${position},"previous":${previous}}}`;
}

let textOf = { at: Number.NaN, text: "" };

/** Facts of one commit have the same time. */
function timeText(at: number): string {
  if (at !== textOf.at) textOf = { at, text: new Date(at).toISOString() };
  return textOf.text;
}

export class FactRing {
  readonly ledger: string;
  readonly #size: number;
  readonly #facts: Fact[] = [];
  readonly #texts: (string | null)[] = [];
  #start: Position;
  #head: Position;

  /** Empty; the next fact is the one after `head`. */
  constructor(ledger: string, head: Position, size: number) {
    this.ledger = ledger;
    this.#size = size;
    this.#start = head;
    this.#head = head;
  }

  /** Position of the newest fact. */
  get head(): Position {
    return this.#head;
  }

  /** Position of the oldest fact here; `head + 1` while there is none. */
  get oldest(): Position {
    return Math.max(this.#start, this.#head - this.#size) + 1;
  }

  push(fact: Fact): void {
    const slot = (fact.position - this.#start - 1) % this.#size;
    this.#facts[slot] = fact;
    this.#texts[slot] = null;
    this.#head = fact.position;
  }

  /** Everything up to `head`: what a reader wants of it comes from the ledger. */
  forget(head: Position): void {
    if (this.#facts.length > 0) {
      this.#facts.length = 0;
      this.#texts.length = 0;
    }
    this.#start = head;
    this.#head = head;
  }

  fact(position: Position): Fact {
    const fact = this.#facts[this.#slot(position)];
    if (fact?.position !== position) throw new RangeError(`Position ${position} is not in the ring.`);
    return fact;
  }

  /** Kept for the reader of everything, whose `previous` is the position before; made from that for others. */
  text(position: Position, previous: Position): string {
    const slot = this.#slot(position);
    const kept = this.#texts[slot] ?? factText(this.ledger, this.fact(position), position - 1);
    this.#texts[slot] = kept;
    if (previous === position - 1) return kept;
    return `${kept.slice(0, kept.lastIndexOf(":") + 1)}${previous}}}`;
  }

  #slot(position: Position): number {
    return (position - this.#start - 1) % this.#size;
  }
}
