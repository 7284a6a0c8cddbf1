/**
 * From what an operator has in hand (an alarm's id, an element, a key, a ticket) to decision records.
 *   F4 reads a bounded number of facts for each question, and remembers a bounded number of alarms.
 * An id is sought in the whole ledger, under every source that is known: of active alarms, and of the newest ones. So
 * is a key. Elements under another key, beginnings of ids and closed tickets are known of the newest alarms alone.
 * Source: console.md, "why (no) ticket".
 */
import { alarmStream, type Fact } from "../machines/facts.ts";
import { limits } from "../machines/limits.ts";
import type { State } from "../machines/state.ts";
import type { Position } from "../machines/vocabulary.ts";
import { explainAlarms, explainKey, type Explanation } from "./explain.ts";
import type { Ledger } from "./ports.ts";
import { RecentFacts } from "./recent-facts.ts";

interface Known {
  readonly position: Position;
  readonly source: string;
  readonly id: string;
  readonly key: string;
  readonly element: string;
}

export class AlarmFinder {
  readonly #ledger: Pick<Ledger, "read" | "readKey" | "readStream" | "head">;
  readonly #state: () => State;
  readonly #recent: RecentFacts;
  /** The newest alarms, oldest first. */
  readonly #alarms = new Map<Position, Known>();
  /** Ticket → its key, of the newest. */
  readonly #tickets = new Map<string, string>();
  readonly #sources = new Set<string>();

  constructor(ledger: Pick<Ledger, "read" | "readKey" | "readStream" | "head">, state: () => State) {
    this.#ledger = ledger;
    this.#state = state;
    this.#recent = new RecentFacts(ledger, (fact) => this.#learn(fact));
  }

  /** Newest first, at most `count`; empty where nothing is known of it. */
  async find(text: string, count: number): Promise<Explanation[]> {
    await this.#recent.catchUp();
    const wanted = new Map<string, Set<Position>>();
    /** Of the element, that of its newest alarm last. */
    const ofElement = new Set<string>();
    for (const { position, id, key, element } of this.#alarms.values()) {
      if (id === text || id.startsWith(`${text}/`)) want(wanted, key, position);
      else if (element === text) {
        ofElement.delete(key);
        ofElement.add(key);
      }
    }
    const keys = new Set([text, ...this.#keysOfTicket(text), ...[...ofElement].reverse()]);
    for (const source of this.#sources) {
      const [accepted] = await this.#ledger.readStream(alarmStream(source, text));
      if (accepted?.type === "alarm.accepted")
        want(wanted, accepted.body.notification.key, accepted.position);
    }

    const found = new Map<Position, Explanation>();
    const state = this.#state();
    for (const [key, positions] of [...wanted].slice(-limits.keysFoundMax))
      for (const one of await explainAlarms(this.#ledger, key, [...positions].slice(-count), state))
        found.set(one.position, one);
    for (const key of [...keys].slice(0, limits.keysFoundMax))
      for (const one of await explainKey(this.#ledger, key, count, state)) found.set(one.position, one);
    return [...found.values()].sort((one, other) => other.position - one.position).slice(0, count);
  }

  /** Open or closed lately by the ledger's own links; else as the newest facts told. */
  #keysOfTicket(ticketId: string): string[] {
    const keys: string[] = [];
    for (const { key, open, closed, active } of this.#state().keys.values()) {
      if (open.has(ticketId) || closed.has(ticketId)) keys.push(key);
      for (const { ref } of active.values()) this.#addSource(ref.source);
    }
    const told = this.#tickets.get(ticketId);
    return told === undefined ? keys : [...keys, told];
  }

  #addSource(source: string): void {
    if (this.#sources.size < limits.sourcesSoughtMax) this.#sources.add(source);
  }

  #learn(fact: Fact): void {
    if (fact.type === "alarm.accepted") {
      const { source, id, key, alarmedObject } = fact.body.notification;
      this.#addSource(source);
      keep(this.#alarms, fact.position, { position: fact.position, source, id, key, element: alarmedObject });
    } else if (fact.type === "ticket.linked" || fact.type === "request.settled") {
      const { ticketId, key } = fact.body;
      if (ticketId !== null) keep(this.#tickets, ticketId, key);
    }
  }
}

function keep<Name, Value>(map: Map<Name, Value>, name: Name, value: Value): void {
  map.set(name, value);
  if (map.size <= limits.alarmsFoundKept) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/** The key that was wanted last is the last. */
function want(wanted: Map<string, Set<Position>>, key: string, position: Position): void {
  const positions = wanted.get(key) ?? new Set();
  positions.add(position);
  wanted.delete(key);
  wanted.set(key, positions);
}
