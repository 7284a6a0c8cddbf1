/**
 * A line to the feed of a running engine: opens it, hands over what comes, and comes back when it is cut, from where it was.
 *   F1 a gap closes the line, and the stream is asked for again.  F2 resume by `after`.
 */
import { WebSocket } from "ws";
import {
  feedBatchSubprotocol,
  feedPath,
  feedSubprotocol,
  type FeedMessage,
  type FeedType,
} from "../../actors/feed-messages.ts";
import type { Clock } from "../../actors/ports.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { limits } from "../../machines/limits.ts";
import type { LineState } from "./top-screen.ts";

export interface FeedLineOptions {
  /** `http://host:port` */
  readonly url: string;
  readonly token: string | undefined;
  readonly types: readonly FeedType[];
  readonly clock: Clock;
  /** Null: from now on. */
  readonly resumeAt: () => { readonly ledger: string; readonly position: Position } | null;
  /** False: something is missing before these messages. */
  readonly heard: (messages: readonly FeedMessage[]) => boolean;
  readonly changed: (state: LineState) => void;
}

export interface FeedLine {
  close(): void;
}

const backOffMs = 500;
const backOffMsMax = 15_000;
/** A snapshot of 10,000 clients is under 2 MB. */
const frameBytesMax = 16_777_216;
/** The engine pings; a line without a sign of it for so long may be half open. */
const silentMsMax = limits.pingIntervalMs * 2.5;

export function openFeedLine(options: FeedLineOptions): FeedLine {
  const { url, token, types, clock, resumeAt, heard, changed } = options;
  let webSocket: WebSocket | null = null;
  let timer: unknown = null;
  let silence: unknown = null;
  let attempts = 0;
  let isEnded = false;

  function expectSign(of: WebSocket): void {
    clock.clearTimeout(silence);
    silence = clock.setTimeout(() => of.terminate(), silentMsMax);
  }

  function open(): void {
    const at = resumeAt();
    const address = new URL(`${url.replace(/^http/, "ws").replace(/\/$/, "")}${feedPath}`);
    address.searchParams.set("types", types.join(","));
    if (at !== null) address.searchParams.set("after", `${at.ledger}:${at.position}`);
    const socket = new WebSocket(address, [feedSubprotocol, feedBatchSubprotocol], {
      perMessageDeflate: false,
      maxPayload: frameBytesMax,
      followRedirects: false,
      ...(token === undefined ? undefined : { headers: { authorization: `Bearer ${token}` } }),
    });
    webSocket = socket;
    let because = "the engine cannot be reached";
    expectSign(socket);
    socket.on("unexpected-response", (_request, response) => {
      because = `the engine refused the connection (${response.statusCode ?? 0})`;
      socket.terminate();
    });
    socket.on("ping", () => expectSign(socket));
    socket.on("message", (data: Buffer) => {
      expectSign(socket);
      const frame = JSON.parse(data.toString("utf8")) as FeedMessage | FeedMessage[];
      because = "the connection to the engine is lost";
      attempts = 0;
      if (heard(Array.isArray(frame) ? frame : [frame])) changed({ kind: "live" });
      else socket.terminate(); // F1
    });
    // `close` follows every error.
    socket.on("error", () => undefined);
    socket.on("close", (_code, reason) => {
      clock.clearTimeout(silence);
      if (isEnded) return;
      const wait = Math.min(backOffMsMax, backOffMs * 2 ** attempts);
      attempts += 1;
      const said = reason.toString("utf8");
      changed({ kind: "lost", because: said === "" ? because : said, retryAt: clock.now() + wait });
      timer = clock.setTimeout(open, wait);
    });
  }

  open();
  return {
    close() {
      isEnded = true;
      clock.clearTimeout(timer);
      clock.clearTimeout(silence);
      webSocket?.terminate();
    },
  };
}
