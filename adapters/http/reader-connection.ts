/**
 * One reader's connection (of the feed, of the inspector): what it is sent, and nothing back.
 *   S3 what the peer may say is pings, so many of them.  F3 reports what lies in the socket and when it emptied.
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

import type { FeedReader, FeedReading } from "../../actors/feed.ts";
import { feedCloseCodes } from "../../actors/feed-messages.ts";
import type { Clock, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";

/** Where a reader reads: it is told what was asked for, and sends. */
export interface ReaderSource<Request> {
  read(reader: FeedReader, request: Request): FeedReading;
}

export interface ConnectionNeeds {
  /** Of the endpoint, in the log. */
  readonly name: string;
  readonly webSocket: WebSocket;
  /** The stream under the WebSocket, to write the messages of one turn in one go. */
  readonly stream: Duplex;
  readonly connectionId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked again at every ping; false closes 4401. */
  isAuthorized(): boolean;
  onClosed(): void;
}

export class ReaderConnection implements FeedReader {
  readonly #needs: ConnectionNeeds;
  #reading: FeedReading | null = null;
  #unansweredPings = 0;
  #heardPings = 0;
  #isCorked = false;
  #isClosing = false;
  #graceTimer: unknown = null;

  constructor(needs: ConnectionNeeds) {
    this.#needs = needs;
    const { name, webSocket, stream, connectionId, log, clock } = needs;
    webSocket.on("message", () =>
      this.close(feedCloseCodes.spoke, `expected no messages: the ${name} only tells`),
    );
    webSocket.on("ping", (data: Buffer) => {
      if (this.#countPing()) webSocket.pong(data);
    });
    webSocket.on("pong", () => {
      this.#unansweredPings = 0;
      this.#countPing();
    });
    stream.on("drain", () => this.#reading?.drained());
    // Bad frames, oversize and too many fragments: ws itself closes 1002, 1007, 1008, 1009.
    webSocket.on("error", (error) => {
      log.warn(`${name}.frameRefused`, { connectionId, reason: error.message });
      this.#end();
      this.#armGrace();
    });
    webSocket.on("close", (code) => {
      this.#end();
      clock.clearTimeout(this.#graceTimer);
      log.info(`${name}.disconnected`, { connectionId, code });
      needs.onClosed();
    });
  }

  /** Reads from now on. */
  read<Request>(source: ReaderSource<Request>, request: Request): void {
    this.#reading = source.read(this, request);
  }

  /** Called every `pingIntervalMs`. */
  tick(): void {
    if (this.#isClosing) return;
    if (!this.#needs.isAuthorized())
      return this.close(feedCloseCodes.unauthorized, "the token is no longer valid");
    this.#heardPings = 0;
    if (this.#unansweredPings >= 2) {
      this.#needs.webSocket.terminate();
      return;
    }
    this.#unansweredPings++;
    this.#needs.webSocket.ping();
  }

  send(text: string): void {
    if (this.#isClosing) return;
    const { webSocket, stream } = this.#needs;
    if (!this.#isCorked) {
      this.#isCorked = true;
      stream.cork();
      setImmediate(() => {
        this.#isCorked = false;
        stream.uncork();
      });
    }
    webSocket.send(text);
  }

  bufferedBytes(): number {
    return this.#needs.webSocket.bufferedAmount;
  }

  /** Closes; a peer that does not answer in `closeGraceMs` is cut off. `reason`: ASCII. */
  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#end();
    this.#needs.webSocket.close(code, reason.slice(0, 123));
    this.#armGrace();
  }

  #end(): void {
    this.#isClosing = true;
    this.#reading?.end();
  }

  #armGrace(): void {
    const { clock, webSocket } = this.#needs;
    clock.clearTimeout(this.#graceTimer);
    this.#graceTimer = clock.setTimeout(() => webSocket.terminate(), limits.closeGraceMs);
  }

  #countPing(): boolean {
    if (this.#isClosing) return false;
    if (++this.#heardPings <= limits.pingsPerIntervalMax) return true;
    this.close(
      feedCloseCodes.spoke,
      `more than ${limits.pingsPerIntervalMax} pings in ${limits.pingIntervalMs} ms`,
    );
    return false;
  }
}
