/**
 * A reader of the feed that is cut off again and again: folds what it gets, resumes after the last fact it has, and
 * holds every message against the ledger.
 *   F1 `previous` is the fact before in its stream.  F2 what follows is exactly what followed, or a reset says not.
 */
import { isDeepStrictEqual } from "node:util";
import { WebSocket } from "ws";
import type { ClientView } from "../../actors/engine-views.ts";
import {
  feedBatchSubprotocol,
  feedSubprotocol,
  type FeedFact,
  type FeedMessage,
  type FeedSnapshot,
} from "../../actors/feed-messages.ts";
import type { Fact } from "../../machines/facts.ts";
import { applyFact } from "../../machines/fold.ts";
import { stateText } from "../../machines/fold-snapshot.ts";
import { emptyState } from "../../machines/state.ts";
import type { LedgerFacts } from "./ledger-facts.ts";

export interface Filter {
  readonly only?: string;
  readonly types?: readonly string[];
}

/** Where a connection was when it ended. */
export type Moment = "handshake" | "beforeSnapshot" | "stream";

interface Connecting {
  readonly inBatches: boolean;
  readonly lie?: "ledger" | "position";
  /** Asked after every frame and twenty times a second; true ends the connection. */
  readonly until?: () => boolean;
}

interface Place {
  readonly ledger: string;
  readonly position: number;
}

export class FoldingReader {
  readonly name: string;
  readonly #filter: Filter;
  readonly #ledger: LedgerFacts;
  readonly wrong: string[] = [];
  /** Facts it was sent, ever. */
  facts = 0;
  resets = 0;
  /** Last fact it has, or where the stream began. */
  #place: Place | null;
  /** Everything from the ledger's first fact on, folded; null: it began later, or is filtered. */
  #state = emptyState();
  #isWhole: boolean;
  readonly clients = new Map<string, ClientView>();
  counters: unknown = null;

  /** `place`: where it begins; null: now. */
  constructor(name: string, filter: Filter, ledger: LedgerFacts, place: Place | null) {
    this.name = name;
    this.#filter = filter;
    this.#ledger = ledger;
    this.#place = place;
    this.#isWhole = place?.position === 0 && filter.only === undefined && filter.types === undefined;
  }

  get position(): number {
    return this.#place?.position ?? 0;
  }

  wantsStates(type: "client.state" | "counters"): boolean {
    const { only, types } = this.#filter;
    if (type === "counters" && only !== undefined) return false;
    return types === undefined || types.includes(type);
  }

  /** No wanted fact follows in the ledger. */
  isAtHead(): boolean {
    const head = this.#ledger.head();
    for (let at = this.position + 1; at <= head; at += 1) if (this.#wants(at)) return false;
    return true;
  }

  /** Null, or how its state differs from the ledger's at the same position. */
  stateDiffers(): string | null {
    if (!this.#isWhole) return null;
    return stateText(this.#state) === this.#ledger.stateAt(this.position)
      ? null
      : `${this.name}: its fold differs from the ledger's at ${this.position}`;
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /**
   * One connection, until it ends or `until` is so. `lie`: it asks for what cannot be given, so that a reset must come.
   */
  async connect(port: number, { lie, until, inBatches }: Connecting): Promise<Moment> {
    const { only, types } = this.#filter;
    const asked = this.#place === null ? null : liedAbout(this.#place, lie);
    const query = new URLSearchParams({
      ...(asked === null ? undefined : { after: `${asked.ledger}:${asked.position}` }),
      ...(only === undefined ? undefined : { only }),
      ...(types === undefined ? undefined : { types: types.join(",") }),
    });
    const webSocket = new WebSocket(
      `ws://127.0.0.1:${port}/v1/feed?${query.toString()}`,
      inBatches ? [feedSubprotocol, feedBatchSubprotocol] : [feedSubprotocol],
      { perMessageDeflate: false },
    );
    const mustReset = asked !== null && lie !== undefined;
    let moment: Moment = "handshake";
    webSocket.on("open", () => (moment = "beforeSnapshot"));
    webSocket.on("error", () => undefined); // `close` follows
    webSocket.on("message", (data: Buffer) => {
      for (const message of this.#messagesOf(data.toString("utf8"), inBatches)) {
        if (moment === "beforeSnapshot") {
          moment = "stream";
          this.#begin(message, asked, mustReset);
        } else this.#take(message);
      }
      if (until?.() === true) webSocket.terminate();
    });
    const look = until === undefined ? undefined : setInterval(() => until() && webSocket.terminate(), 50);
    await new Promise<void>((resolve) => {
      webSocket.on("close", (code) => {
        clearInterval(look);
        if (code !== 1006) this.#note(`closed ${code}`);
        resolve();
      });
    });
    return moment;
  }

  #messagesOf(text: string, inBatches: boolean): readonly FeedMessage[] {
    const frame = JSON.parse(text) as FeedMessage | readonly FeedMessage[];
    if (Array.isArray(frame) !== inBatches) this.#note(`a frame is ${inBatches ? "no" : "an"} array`);
    return [frame].flat();
  }

  #begin(message: FeedMessage, asked: Place | null, mustReset: boolean): void {
    if (message.type !== "ticketclient.feed.snapshot")
      return this.#note(`the first message is ${message.type}`);
    const { reset, position, ledger, clients, counters } = message.data;
    if (reset !== mustReset) this.#note(`reset ${reset} after ${JSON.stringify(asked)}`);
    if (reset) {
      this.resets += 1;
      this.#isWhole = false;
    } else if (asked !== null && position !== asked.position)
      this.#note(`asked for what follows ${asked.position}, and it begins after ${position}`);
    this.#place = { ledger, position };
    this.clients.clear();
    for (const view of clients) this.clients.set(view.clientId, view);
    this.counters = counters;
  }

  #take(message: FeedMessage): void {
    switch (message.type) {
      case "ticketclient.feed.snapshot":
        return this.#note("a snapshot in the midst of the stream");
      case "ticketclient.client.state":
        this.clients.set(message.data.clientId, message.data);
        return;
      case "ticketclient.counters":
        this.counters = message.data;
        return;
      default:
        this.#takeFact(message);
    }
  }

  #takeFact(message: FeedFact): void {
    const place = this.#place as Place;
    const { position, previous, ...body } = message.data;
    if (previous !== place.position)
      this.#note(`${position} follows ${previous}; the last was ${place.position}`);
    if (position <= place.position) this.#note(`${position} came after ${place.position}`);
    for (let between = place.position + 1; between < position; between += 1)
      if (this.#wants(between)) this.#note(`${between} is missing`);
    if (!this.#wants(position)) this.#note(`${position} is not for it`);
    const fact = this.#ledger.at(position);
    if (
      fact === undefined ||
      message.type !== `ticketclient.${fact.type}` ||
      message.subject !== fact.stream ||
      message.id !== `${place.ledger}:${position}` ||
      Date.parse(message.time) !== fact.at ||
      !isDeepStrictEqual(body, fact.body)
    )
      this.#note(`${position} is not what the ledger holds`);
    else if (this.#isWhole) applyFact(this.#state, { ...fact, body } as Fact);
    this.#place = { ...place, position };
    this.facts += 1;
  }

  /** As the feed's page says it, not as the feed does it. */
  #wants(position: number): boolean {
    const fact = this.#ledger.at(position);
    if (fact === undefined) return false;
    const { only, types } = this.#filter;
    if (types !== undefined && !types.includes(fact.type)) return false;
    if (only === undefined) return true;
    const body = fact.body as { readonly clientId?: string; readonly row?: { readonly clientId?: string } };
    return (fact.type === "response.row" ? body.row?.clientId : body.clientId) === only;
  }

  #note(sentence: string): void {
    if (this.wrong.length < 20) this.wrong.push(`${this.name}: ${sentence}`);
  }
}

function liedAbout(place: Place, lie: "ledger" | "position" | undefined): Place {
  if (lie === "ledger") return { ...place, ledger: "another" };
  return lie === "position" ? { ...place, position: place.position + 1_000_000_000 } : place;
}

/** What a reader without a filter is told first. */
export async function snapshotAt(port: number): Promise<FeedSnapshot["data"]> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/v1/feed`, feedSubprotocol);
  const message = await new Promise<FeedSnapshot>((resolve, reject) => {
    webSocket.once("message", (data: Buffer) => resolve(JSON.parse(data.toString("utf8")) as FeedSnapshot));
    webSocket.once("error", reject);
  });
  webSocket.terminate();
  return message.data;
}
