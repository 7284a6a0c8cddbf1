/**
 * The page's first line to the feed. A module of its own, which a browser runs while it still reads the rest of the
 * page: the snapshot is there when somebody can draw it. Whoever asks for the same line is given this one.
 */
import {
  feedBatchSubprotocol,
  feedCloseCodes,
  feedPath,
  feedSubprotocol,
} from "../../../actors/feed-messages.ts";

export { feedCloseCodes, feedPath };

/** Who is told what a socket does. */
export interface Listener {
  heard(text: string): void;
  closed(code: number, reason: string): void;
}

export interface Socket {
  close(): void;
}

export type OpenSocket = (url: string, subprotocols: readonly string[], listener: Listener) => Socket;

export interface Line {
  readonly url: string;
  readonly subprotocols: readonly string[];
}

export const tokenName = "ticket-client-token";

/** `origin`: `ws://host:port`. `after`: where it goes on; null: from now. A page that falls behind wants the present. */
export function lineOf(origin: string, after: string | null, token: string | null): Line {
  const asked = after === null ? "" : `after=${encodeURIComponent(after)}&`;
  const spoken = [feedSubprotocol, feedBatchSubprotocol];
  return {
    url: `${origin}${feedPath}?${asked}behind=reset`,
    subprotocols: token === null ? spoken : [...spoken, bearer(token)],
  };
}

/** A page cannot set headers on a WebSocket: its token goes as one more subprotocol, which is never chosen. */
export function bearer(token: string): string {
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(token)));
  return `bearer.${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** What is heard before there is a listener is kept for it. Each line is given away once. */
export class FirstSocket {
  readonly #line: Line;
  readonly #socket: Socket;
  readonly #missed: ((listener: Listener) => void)[] = [];
  #listener: Listener | null = null;
  #isTaken = false;

  constructor(line: Line, open: OpenSocket) {
    this.#line = line;
    this.#socket = open(line.url, line.subprotocols, {
      heard: (text) => this.#tell((listener) => listener.heard(text)),
      closed: (code, reason) => this.#tell((listener) => listener.closed(code, reason)),
    });
  }

  /** null: it is another line that is wanted, or somebody has this one. The listener hears nothing before this returns. */
  take(url: string, subprotocols: readonly string[], listener: Listener): Socket | null {
    const isThis = url === this.#line.url && subprotocols.join() === this.#line.subprotocols.join();
    if (this.#isTaken || !isThis) return null;
    this.#isTaken = true;
    queueMicrotask(() => {
      for (const tell of this.#missed.splice(0)) tell(listener);
      this.#listener = listener;
    });
    return this.#socket;
  }

  #tell(tell: (listener: Listener) => void): void {
    if (this.#listener === null) this.#missed.push(tell);
    else tell(this.#listener);
  }
}

export const openWebSocket: OpenSocket = (url, subprotocols, listener) => {
  const socket = new WebSocket(url, [...subprotocols]);
  socket.addEventListener("message", ({ data }) => listener.heard(String(data)));
  socket.addEventListener("close", ({ code, reason }) => listener.closed(code, reason));
  return socket;
};

/** In a page only. */
export const firstSocket =
  typeof document === "undefined"
    ? null
    : new FirstSocket(
        lineOf(location.origin.replace(/^http/, "ws"), null, sessionStorage.getItem(tokenName)),
        openWebSocket,
      );
