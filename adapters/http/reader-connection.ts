/**
 * One reader's connection (of the feed, of the inspector): what it is sent, and nothing back.
 *   S3 what the peer may say is pings, so many of them.  F3 reports what lies in the socket and when it emptied.
 */
import type { FeedReader, FeedReading } from "../../actors/feed.ts";
import { feedCloseCodes } from "../../actors/feed-messages.ts";
import { type PeerNeeds, PeerSocket } from "./peer-socket.ts";

/** Where a reader reads: it is told what was asked for, and sends. */
export interface ReaderSource<Request> {
  read(reader: FeedReader, request: Request): FeedReading;
}

export class ReaderConnection implements FeedReader {
  readonly #peer: PeerSocket;
  #reading: FeedReading | null = null;

  constructor(needs: PeerNeeds) {
    this.#peer = new PeerSocket(needs, () => this.#reading?.end());
    needs.webSocket.on("message", () =>
      this.close(feedCloseCodes.spoke, `expected no messages: the ${needs.name} only tells`),
    );
    needs.stream.on("drain", () => this.#reading?.drained());
  }

  /** Reads from now on. */
  read<Request>(source: ReaderSource<Request>, request: Request): void {
    this.#reading = source.read(this, request);
  }

  tick(): void {
    this.#peer.tick();
  }

  send(text: string): void {
    this.#peer.send(text);
  }

  bufferedBytes(): number {
    return this.#peer.bufferedBytes;
  }

  close(code: number, reason: string): void {
    this.#peer.close(code, reason);
  }
}
