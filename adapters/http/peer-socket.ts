/**
 * A WebSocket with a peer that may do anything: its pings are counted and its silence is, what one turn says to it
 * leaves in one write, and once closed it is gone within `closeGraceMs`.
 *   S1 its token is asked about again at every ping.  S3 how often it may ping is bounded.
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

import type { Clock, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";

export interface PeerNeeds {
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

export class PeerSocket {
  readonly #needs: PeerNeeds;
  readonly #onEnding: () => void;
  #unansweredPings = 0;
  #heardPings = 0;
  #isCorked = false;
  #isClosing = false;
  #graceTimer: unknown = null;

  /** `onEnding`: nothing is sent any more; may be called more than once. */
  constructor(needs: PeerNeeds, onEnding: () => void = () => undefined) {
    this.#needs = needs;
    this.#onEnding = onEnding;
    const { name, webSocket, connectionId, log, clock } = needs;
    webSocket.on("ping", (data: Buffer) => {
      if (this.#countPing()) webSocket.pong(data);
    });
    webSocket.on("pong", () => {
      this.#unansweredPings = 0;
      this.#countPing();
    });
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

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Bytes taken and not yet gone to the peer. */
  get bufferedBytes(): number {
    return this.#needs.webSocket.bufferedAmount;
  }

  /** To be called every `pingIntervalMs`. */
  tick(): void {
    if (this.#isClosing) return;
    if (!this.#needs.isAuthorized()) return this.close(4401, "the token is no longer valid");
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

  /** A peer that does not answer the close in `closeGraceMs` is cut off. */
  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#end();
    // A close frame carries at most 123 bytes; ours are ASCII but for what a path may contain.
    const bytes = Buffer.from(reason).subarray(0, 123);
    this.#needs.webSocket.close(code, bytes.toString().replace(/\ufffd+$/, ""));
    this.#armGrace();
  }

  #end(): void {
    this.#isClosing = true;
    this.#onEnding();
  }

  #armGrace(): void {
    const { clock, webSocket } = this.#needs;
    clock.clearTimeout(this.#graceTimer);
    this.#graceTimer = clock.setTimeout(() => webSocket.terminate(), limits.closeGraceMs);
  }

  #countPing(): boolean {
    if (this.#isClosing) return false;
    if (++this.#heardPings <= limits.pingsPerIntervalMax) return true;
    this.close(1008, `more than ${limits.pingsPerIntervalMax} pings in ${limits.pingIntervalMs} ms`);
    return false;
  }
}
