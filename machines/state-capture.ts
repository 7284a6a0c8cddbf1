/**
 * The state's text at one position, made a piece at a time while the fold goes on: whoever takes hold of a key or of a
 * response table to change it has its text taken first, so that the pieces together show one moment.
 *   R1 the text is that of fold(ledger up to `position`), whatever was folded between two pieces.
 *   S3 no piece is longer than was asked for by more than one key or table.
 * All but the keys and the tables is small and is taken at once; those can be megabytes, and no acknowledgement should
 * wait for them.
 */
import { limits } from "./limits.ts";
import type { ResponseTable } from "./response-table.ts";
import type { KeyState, State } from "./state.ts";
import type { Position } from "./vocabulary.ts";

/** Raised when the state gains or loses a member. */
export const shape = 7;

export class StateCapture {
  readonly position: Position;
  /** Up to where the first table goes, and from there to the first key. */
  readonly #head: string;
  readonly #middle: string;
  /** By client; they come before the keys. */
  readonly #tables: readonly (readonly [string, ResponseTable])[];
  readonly #keys: readonly KeyState[];
  readonly #places: ReadonlyMap<KeyState | ResponseTable, number>;
  /** Of those that were about to change before their turn, by place. */
  readonly #early = new Map<number, string>();
  #next = 0;
  #ended = false;

  constructor(state: State) {
    this.position = state.position;
    [this.#head, this.#middle] = smallTexts(state);
    this.#tables = [...state.tables];
    this.#keys = [...state.keys.values()];
    this.#places = new Map(
      [...this.#tables.map(([, table]) => table), ...this.#keys].map((one, place) => [one, place]),
    );
    this.#takeFirstTables();
  }

  /** To be called before the key changes or leaves. */
  before(key: KeyState): void {
    this.#takeEarly(key);
  }

  /** To be called before the table changes. */
  beforeTable(table: ResponseTable): void {
    this.#takeEarly(table);
  }

  #takeEarly(changing: KeyState | ResponseTable): void {
    const place = this.#places.get(changing);
    if (place === undefined || place < this.#next || this.#early.has(place)) return;
    this.#early.set(place, this.#textAt(place));
  }

  /** The next piece, longer than `chars` by at most one key or table; null: there is no more. */
  next(chars: number): string | null {
    if (this.#ended) return null;
    const count = this.#tables.length + this.#keys.length;
    const texts: string[] = this.#next === 0 ? [this.#head] : [];
    let length = 0;
    while (this.#next < count && length <= chars) {
      const text = this.#early.get(this.#next) ?? this.#textAt(this.#next);
      texts.push(this.#between(this.#next), text);
      length += text.length;
      this.#early.delete(this.#next);
      this.#next += 1;
    }
    if (this.#next < count) return texts.join("");
    this.#ended = true;
    texts.push(this.#keys.length === 0 ? `${this.#middle}]}` : "]}");
    return texts.join("");
  }

  /** A few small tables are all taken at once, and show nothing of what comes after. */
  #takeFirstTables(): void {
    let length = 0;
    for (let place = 0; place < this.#tables.length && length <= limits.snapshotPartChars; place += 1) {
      const text = this.#textAt(place);
      this.#early.set(place, text);
      length += text.length;
    }
  }

  #textAt(place: number): string {
    const table = this.#tables[place];
    return table === undefined
      ? keyText(this.#keys[place - this.#tables.length] as KeyState)
      : JSON.stringify(table);
  }

  #between(place: number): string {
    if (place === this.#tables.length) return this.#middle;
    return place === 0 ? "" : ",";
  }
}

/** All but tables and keys: what goes before the first table, and what goes between the last one and the first key. */
function smallTexts(state: State): [string, string] {
  const members = Object.entries({
    shape,
    ...state,
    // Follows from the keys.
    index: undefined,
    capture: undefined,
    keys: undefined,
    clients: [...state.clients],
    requests: [...state.requests],
    settledRequests: [...state.settledRequests],
    unknown: [...state.unknown],
  });
  const place = members.findIndex(([name]) => name === "tables");
  const textOf = (part: typeof members): string => JSON.stringify(Object.fromEntries(part)).slice(1, -1);
  return [`{${textOf(members.slice(0, place))},"tables":[`, `],${textOf(members.slice(place + 1))},"keys":[`];
}

/** Maps are named one by one: a replacer would be called for every member of a hundred thousand notifications. */
function keyText(key: KeyState): string {
  return JSON.stringify({
    ...key,
    active: [...key.active],
    cleared: [...key.cleared],
    open: [...key.open],
    closed: [...key.closed],
  });
}
