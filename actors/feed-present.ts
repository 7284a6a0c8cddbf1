/**
 * The present, for readers that come or are reset at one time: taken and turned to text once, and not once for each.
 * With ten thousand clients that is megabytes; it is kept for a moment only.
 *   F2 a reader goes on from the position and the state that the snapshot is of: what followed it comes.
 */
import type { Position } from "../machines/vocabulary.ts";
import type { EngineSnapshot } from "./engine-views.ts";
import type { FeedSnapshot } from "./feed-messages.ts";

export class Present {
  /** Newest state that is in it, by its number. */
  readonly stateNumber: number;
  readonly #whole: EngineSnapshot;
  readonly #frame: (data: string) => string;
  /** Of all clients; made for the first who wants it. */
  #clients: string | null = null;
  /** The last message with all clients: who is reset at one time gets the same. */
  #last: { readonly position: Position; readonly reset: boolean; readonly text: string } | null = null;

  constructor(whole: EngineSnapshot, stateNumber: number, frame: (data: string) => string) {
    this.#whole = whole;
    this.stateNumber = stateNumber;
    this.#frame = frame;
  }

  get ledger(): string {
    return this.#whole.ledger;
  }

  get position(): Position {
    return this.#whole.position;
  }

  /** As a message for who goes on from `position`. `only`: the one client in it; null: all. */
  text(only: string | null, position: Position, reset: boolean): string {
    if (only !== null) {
      const client = this.#whole.clients.filter(({ clientId }) => clientId === only);
      return this.#message(JSON.stringify(client), position, reset);
    }
    if (this.#last?.position !== position || this.#last.reset !== reset) {
      this.#clients ??= JSON.stringify(this.#whole.clients);
      this.#last = { position, reset, text: this.#message(this.#clients, position, reset) };
    }
    return this.#last.text;
  }

  #message(clients: string, position: Position, reset: boolean): string {
    const { clients: _, ...whole } = this.#whole;
    const others: Omit<FeedSnapshot["data"], "clients"> = { ...whole, position, reset };
    return this.#frame(`${JSON.stringify(others).slice(0, -1)},"clients":${clients}}`);
  }
}
