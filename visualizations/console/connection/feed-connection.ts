/**
 * The page's line to the feed: opens it, folds what comes into the screen a frame at a time, and comes back when it is
 * cut, from where it was.
 *   F1 a gap closes the line, and the stream is asked for again from the last fact taken.  F2 resume by `after`.
 */
import type { FeedMessage } from "../model/feed.ts";
import { resumePoint, rewind, type Screen, take } from "../model/screen.ts";
import { feedCloseCodes, lineOf, type OpenSocket, type Socket } from "./first-socket.ts";

export interface ConnectionPorts {
  readonly open: OpenSocket;
  /** Calls once, before the next frame is drawn, or in a while where none is. */
  nextFrame(call: () => void): void;
  setTimeout(call: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Milliseconds, of any origin: how long a frame's work has taken. */
  monotonicMs(): number;
  now(): number;
  /** 0 to 1: readers that were cut together do not come back together. */
  random(): number;
}

export type LineState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** `retryAt`: when it is tried again; null: only a person can help. */
  | {
      readonly kind: "lost";
      readonly since: number;
      readonly because: string;
      readonly retryAt: number | null;
    };

export interface FeedConnectionOptions {
  readonly screen: Screen;
  /** `ws://host:port` */
  readonly origin: string;
  /** null: none is needed, or known. */
  readonly token: () => string | null;
  readonly ports: ConnectionPorts;
  /** What happened before the first snapshot of a ledger is wanted too, as far as `bounds` allow. */
  readonly withHistory: boolean;
  /** The screen or the line has changed. */
  readonly onChange: () => void;
}

const backOffMs = 500;
const backOffMsMax = 15_000;
/** Of each frame; what is left waits for the next, unless too much lies there already. */
const frameMsMax = 8;
const queuedCharsMax = 10_000_000;
/** What a browser says of a line that went without being closed. */
const unclosed = 1006;

export class FeedConnection {
  readonly #options: FeedConnectionOptions;
  #socket: Socket | null = null;
  /** Frames, oldest first. */
  #queue: string[] = [];
  #queuedChars = 0;
  /** Of the frame being taken, what is left, the next one last. */
  #rest: FeedMessage[] = [];
  #isFrameAsked = false;
  #attempts = 0;
  #timer: unknown = null;
  #lostSince: number | null = null;
  #gaps = 0;
  #state: LineState = { kind: "connecting" };

  constructor(options: FeedConnectionOptions) {
    this.#options = options;
  }

  get state(): LineState {
    return this.#state;
  }

  /** How often something was found missing and asked for again. */
  get gaps(): number {
    return this.#gaps;
  }

  /** Opens, or opens anew at once. */
  open(): void {
    const { ports, screen, origin, token } = this.#options;
    this.#drop();
    const { url, subprotocols } = lineOf(origin, resumePoint(screen), token());
    const socket: Socket = ports.open(url, subprotocols, {
      heard: (text) => {
        if (this.#socket === socket) this.#enqueue(text);
      },
      closed: (code, reason) => {
        if (this.#socket !== socket) return;
        this.#take(Infinity);
        if (this.#socket === socket) this.#lose(code, reason);
      },
    });
    this.#socket = socket;
  }

  close(): void {
    this.#drop();
  }

  /** The line is dead, though nobody closed it: it is lost like one that was, and tried again. */
  giveUp(): void {
    if (this.#socket === null) return;
    this.#drop();
    this.#lose(unclosed, "");
  }

  /** What is not taken yet goes too: it comes again after the resume (F2). */
  #drop(): void {
    this.#options.ports.clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.#queue = [];
    this.#queuedChars = 0;
    this.#rest = [];
  }

  #enqueue(text: string): void {
    this.#queue.push(text);
    this.#queuedChars += text.length;
    // The snapshot: somebody looks at an empty page.
    if (this.#state.kind === "connecting") this.#take(frameMsMax);
    else this.#askFrame();
  }

  #askFrame(): void {
    if (this.#isFrameAsked) return;
    this.#isFrameAsked = true;
    this.#options.ports.nextFrame(() => {
      this.#isFrameAsked = false;
      this.#take(this.#queuedChars > queuedCharsMax ? Infinity : frameMsMax);
    });
  }

  #next(): FeedMessage | undefined {
    const message = this.#rest.pop();
    if (message !== undefined) return message;
    const text = this.#queue.shift();
    if (text === undefined) return undefined;
    this.#queuedChars -= text.length;
    // An engine that does not know batches sends one message a frame.
    const frame = JSON.parse(text) as FeedMessage | FeedMessage[];
    if (!Array.isArray(frame)) return frame;
    this.#rest = frame.reverse();
    return this.#next();
  }

  #take(msMax: number): void {
    const { ports, screen, withHistory, onChange } = this.#options;
    const until = ports.monotonicMs() + msMax;
    let count = 0;
    let isGap = false;
    let isRewound = false;
    while (!isGap && !isRewound && (count % 64 !== 0 || count === 0 || ports.monotonicMs() <= until)) {
      const message = this.#next();
      if (message === undefined) break;
      count += 1;
      const { ledger } = screen;
      isGap = take(screen, message).kind === "gap";
      isRewound = screen.ledger !== ledger && withHistory && rewind(screen);
    }
    if (count === 0) return;
    if (isGap) this.#gaps += 1;
    if (isGap || isRewound) {
      this.open(); // F1
    } else {
      this.#attempts = 0;
      this.#lostSince = null;
      if (this.#socket !== null) this.#state = { kind: "live" };
    }
    if (this.#rest.length + this.#queue.length > 0) this.#askFrame();
    onChange();
  }

  #lose(code: number, reason: string): void {
    const { ports, onChange } = this.#options;
    this.#socket = null;
    const now = ports.now();
    this.#lostSince ??= now;
    const because = explain(code, reason);
    const isFinal = code === feedCloseCodes.asked || code === feedCloseCodes.spoke;
    const base = Math.min(backOffMsMax, backOffMs * 2 ** this.#attempts);
    const wait = isFinal ? null : base * (0.75 + ports.random() / 2);
    this.#attempts += 1;
    if (wait !== null) this.#timer = ports.setTimeout(() => this.open(), wait);
    this.#state = {
      kind: "lost",
      since: this.#lostSince,
      because,
      retryAt: wait === null ? null : now + wait,
    };
    onChange();
  }
}

function explain(code: number, reason: string): string {
  switch (code) {
    case feedCloseCodes.stopping:
      return "The engine is stopping.";
    case feedCloseCodes.overloaded:
      return "The engine cut this page off: it was too slow, or too many look on.";
    case feedCloseCodes.unauthorized:
      return "The token is no longer valid.";
    case feedCloseCodes.failed:
      return "The engine could not read its ledger.";
    case feedCloseCodes.asked:
    case feedCloseCodes.spoke:
      return `The engine refused: ${reason === "" ? `code ${code}` : reason}.`;
    default:
      return "The connection to the engine is lost.";
  }
}
