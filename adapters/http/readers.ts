/** A WebSocket endpoint that only tells: the feed's and the inspector's. S1 S2 S3 in socket-edge.ts; S3 also in the number of readers. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { feedCloseCodes } from "../../actors/feed-messages.ts";
import { ReaderConnection, type ReaderSource } from "./reader-connection.ts";
import { attachSockets, type SocketEdgeOptions } from "./socket-edge.ts";

export interface ReaderEdgeOptions extends SocketEdgeOptions {
  /**
   * Between two frames of a reader in batches, so long at least. Default 16: a page draws no oftener, and a frame a
   * commit of the ledger costs engine and browser more than what is in it.
   */
  readonly batchIntervalMs?: number;
}

const batchIntervalMsDefault = 16;

export interface ReaderEndpoint<Request> {
  /** In the log, and in what a peer is told. */
  readonly name: string;
  readonly path: string;
  /** Must be offered; null: none is asked for. */
  readonly subprotocol: string | null;
  /** Chosen instead where it is offered beside that one: every frame is a JSON array of messages. */
  readonly batchSubprotocol?: string;
  readonly readersMax: number;
  readonly source: ReaderSource<Request> & { readonly readers: number; close(): void };
  /** `url`: path and query. A reason is one line of ASCII and closes 4400. */
  readRequest(
    url: string,
  ): { readonly ok: true; readonly request: Request } | { readonly ok: false; readonly reason: string };
}

export interface ReaderEdge {
  /** For the server's `upgrade` event. False: another path, nothing was done. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  readonly connections: number;
  /** Refuses new readers and closes all with 1001; done when all are closed, after `closeGraceMs` at the latest. */
  close(): Promise<void>;
}

export function attachReaders<Request>(
  endpoint: ReaderEndpoint<Request>,
  options: ReaderEdgeOptions,
): ReaderEdge {
  const { name, path, subprotocol, batchSubprotocol, readersMax, source } = endpoint;
  const { batchIntervalMs = batchIntervalMsDefault } = options;
  const edge = attachSockets<ReaderConnection>(
    {
      name,
      path,
      role: "viewer",
      subprotocol,
      ...(batchSubprotocol === undefined ? undefined : { batchSubprotocol }),
      connect: (peer) =>
        new ReaderConnection(peer, {
          batchIntervalMs: peer.webSocket.protocol === batchSubprotocol ? batchIntervalMs : null,
        }),
      // A page sees no status of a refused upgrade; a close code and its reason it does.
      begin(connection, request) {
        const asked = endpoint.readRequest(request.url ?? "");
        if (!asked.ok) connection.close(feedCloseCodes.asked, asked.reason);
        else if (source.readers >= readersMax)
          connection.close(feedCloseCodes.overloaded, `expected at most ${readersMax} readers`);
        else connection.read(source, asked.request);
      },
    },
    options,
  );
  return {
    handleUpgrade: (request, socket, head) => edge.handleUpgrade(request, socket, head),
    get connections() {
      return edge.connections.size;
    },
    async close() {
      edge.refuseMore();
      source.close();
      for (const connection of edge.connections)
        connection.close(feedCloseCodes.stopping, "the engine is stopping");
      await edge.emptied();
    },
  };
}
