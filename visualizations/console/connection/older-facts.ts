/** Facts from before those the page keeps: a second, short line to the feed, closed when it has caught up. */
import { feedPath, feedSubprotocol } from "../../../actors/feed-messages.ts";
import { type FeedFact, type FeedMessage, isFact } from "../model/feed.ts";
import type { OpenSocket } from "./first-socket.ts";

export interface OlderAsked {
  readonly origin: string;
  readonly ledger: string;
  /** The oldest position that is there already. */
  readonly before: number;
  readonly countMax: number;
  readonly subprotocols: readonly string[];
  readonly open: OpenSocket;
}

/** Oldest first; empty where there is nothing before. Rejects with a sentence where the line ends early. */
export function readOlderFacts({
  origin,
  ledger,
  before,
  countMax,
  subprotocols,
  open,
}: OlderAsked): Promise<FeedFact[]> {
  const after = Math.max(0, before - 1 - countMax);
  if (before <= 1) return Promise.resolve([]);
  return new Promise((done, fail) => {
    const facts: FeedFact[] = [];
    const url = `${origin}${feedPath}?after=${encodeURIComponent(`${ledger}:${after}`)}`;
    const socket = open(url, [feedSubprotocol, ...subprotocols], {
      closed: () => fail(new Error("The connection was lost before the older events had come.")),
      heard(text) {
        const message = JSON.parse(text) as FeedMessage;
        if (message.type === "ticketclient.feed.snapshot" && message.data.reset) {
          fail(new Error("The engine no longer keeps what lies before."));
          socket.close();
        } else if (isFact(message)) {
          if (message.data.position < before) facts.push(message);
          if (message.data.position < before - 1) return;
          done(facts);
          socket.close();
        }
      },
    });
  });
}
