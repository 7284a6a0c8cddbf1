/**
 * The state's text at one position, made a piece at a time while the fold goes on: whoever takes hold of a key to
 * change it has its text taken first, so that the pieces together show one moment.
 *   R1 the text is that of fold(ledger up to `position`), whatever was folded between two pieces.
 * All but the keys is small and is taken at once; the keys, with everything that waits, can be megabytes, and no
 * acknowledgement should wait for those.
 */
import type { KeyState, State } from "./state.ts";
import type { Position } from "./vocabulary.ts";

/** Raised when the state gains or loses a member. */
export const shape = 6;

export class StateCapture {
  readonly position: Position;
  readonly #head: string;
  readonly #keys: readonly KeyState[];
  readonly #places: ReadonlyMap<KeyState, number>;
  /** Of keys that were about to change before their turn. */
  readonly #early = new Map<KeyState, string>();
  #next = 0;
  #ended = false;

  constructor(state: State) {
    this.position = state.position;
    this.#head = headText(state);
    this.#keys = [...state.keys.values()];
    this.#places = new Map(this.#keys.map((key, place) => [key, place]));
  }

  /** To be called before the key changes or leaves. */
  before(key: KeyState): void {
    const place = this.#places.get(key);
    if (place === undefined || place < this.#next || this.#early.has(key)) return;
    this.#early.set(key, keyText(key));
  }

  /** The next piece, longer than `chars` by at most one key; null: there is no more. */
  next(chars: number): string | null {
    if (this.#ended) return null;
    const texts: string[] = [];
    let length = 0;
    while (this.#next < this.#keys.length && length <= chars) {
      const key = this.#keys[this.#next] as KeyState;
      const text = this.#early.get(key) ?? keyText(key);
      texts.push(this.#next === 0 ? `${this.#head}${text}` : `,${text}`);
      length += text.length;
      this.#early.delete(key);
      this.#next += 1;
    }
    if (this.#next < this.#keys.length) return texts.join("");
    this.#ended = true;
    return `${this.#keys.length === 0 ? this.#head : texts.join("")}]}`;
  }
}

/** Up to where the first key goes. */
function headText(state: State): string {
  const text = JSON.stringify({
    shape,
    ...state,
    // Follows from the keys.
    index: undefined,
    capture: undefined,
    keys: undefined,
    clients: [...state.clients],
    tables: [...state.tables],
    requests: [...state.requests],
    settledRequests: [...state.settledRequests],
    unknown: [...state.unknown],
  });
  return `${text.slice(0, -1)},"keys":[`;
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
