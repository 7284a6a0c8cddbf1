/**
 * The feed's edge: the WebSocket `/v1/feed`.
 *   S1 S2 S3 in ../http/readers.ts; F1 F2 F3 in actors/feed.ts.
 * Protocol: README.md beside this file.
 */
import type { Feed } from "../../actors/feed.ts";
import { feedBatchSubprotocol, feedPath, feedSubprotocol } from "../../actors/feed-messages.ts";
import { limits } from "../../machines/limits.ts";
import { attachReaders, type ReaderEdge, type ReaderEdgeOptions } from "../http/readers.ts";
import { readFeedRequest } from "./request.ts";

export interface FeedEdgeOptions extends ReaderEdgeOptions {
  readonly feed: Feed;
}

export type FeedEdge = ReaderEdge;

export function attachFeed({ feed, ...options }: FeedEdgeOptions): FeedEdge {
  return attachReaders(
    {
      name: "feed",
      path: feedPath,
      subprotocol: feedSubprotocol,
      batchSubprotocol: feedBatchSubprotocol,
      readersMax: limits.feedReadersMax,
      source: feed,
      readRequest: readFeedRequest,
    },
    options,
  );
}
