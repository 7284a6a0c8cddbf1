/**
 * A WebSocket endpoint that only tells: the feed's and the inspector's. The HTTP server is someone else's; this
 * takes its upgrades.
 *   S1 S2 at the upgrade, S3 in the options of ws and in the number of readers.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";

import { feedCloseCodes } from "../../actors/feed-messages.ts";
import type { Clock, Ids, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { ReaderConnection, type ReaderSource } from "./reader-connection.ts";
import { authorizationOf, judgeUpgrade, refuseUpgrade } from "./upgrade.ts";

export interface ReaderEdgeOptions {
  readonly clock: Clock;
  /** Names connections in the log. Default: random UUIDs. */
  readonly ids?: Pick<Ids, "uuid">;
  readonly log: Log;
  readonly settings: {
    /** As browsers write them, in lower case; empty = no page may connect. */
    readonly allowedOrigins: readonly string[];
    /** Host names without port, in lower case. */
    readonly allowedHosts: readonly string[];
  };
  /**
   * True lets a reader in; gets its Authorization header. Asked at the upgrade (else 401) and at every
   * ping (else closed 4401). Without it everyone who reaches the port may read.
   */
  readonly authorize?: (authorization: string | undefined) => boolean;
}

export interface ReaderEndpoint<Request> {
  /** In the log, and in what a peer is told. */
  readonly name: string;
  readonly path: string;
  /** Must be offered; null: none is asked for. */
  readonly subprotocol: string | null;
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
  const { name, path, subprotocol, source } = endpoint;
  const { clock, log, authorize } = options;
  const ids = options.ids ?? { uuid: randomUUID };
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.alarmBytesMax,
    maxFragments: limits.fragmentsMax,
    maxBufferedChunks: limits.bufferedChunksMax,
    // Connections answer pings themselves: they count them.
    autoPong: false,
    handleProtocols: () => subprotocol ?? false,
  });
  const connections = new Set<ReaderConnection>();
  let isStopping = false;
  let whenEmpty: (() => void) | null = null;
  let pingTimer: unknown = null;

  function pingAll(): void {
    pingTimer = connections.size > 0 ? clock.setTimeout(pingAll, limits.pingIntervalMs) : null;
    for (const connection of connections) connection.tick();
  }

  function open(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    server.handleUpgrade(request, stream, head, (webSocket) => {
      const connectionId = ids.uuid();
      const connection = new ReaderConnection({
        name,
        webSocket,
        stream,
        connectionId,
        clock,
        log,
        isAuthorized: () => authorize === undefined || authorize(authorizationOf(request)),
        onClosed() {
          connections.delete(connection);
          if (connections.size === 0) whenEmpty?.();
        },
      });
      connections.add(connection);
      pingTimer ??= clock.setTimeout(pingAll, limits.pingIntervalMs);
      log.info(`${name}.connected`, { connectionId, remote: request.socket.remoteAddress });
      // A page sees no status of a refused upgrade; a close code and its reason it does.
      const asked = endpoint.readRequest(request.url ?? "");
      if (!asked.ok) connection.close(feedCloseCodes.asked, asked.reason);
      else if (source.readers >= endpoint.readersMax)
        connection.close(feedCloseCodes.overloaded, `expected at most ${endpoint.readersMax} readers`);
      else connection.read(source, asked.request);
    });
  }

  return {
    handleUpgrade(request, socket, head) {
      if (request.url?.split("?", 1)[0] !== path) return false;
      const refusal =
        isStopping || connections.size >= limits.connectionsMax
          ? { status: 503 as const, detail: isStopping ? "The engine is stopping." : "Too many connections." }
          : judgeUpgrade(request, { ...options.settings, role: "viewer", authorize, subprotocol });
      if (refusal === null) open(request, socket, head);
      else {
        log.warn(`${name}.upgradeRefused`, { status: refusal.status, remote: request.socket.remoteAddress });
        refuseUpgrade(socket, refusal);
      }
      return true;
    },

    get connections() {
      return connections.size;
    },

    async close() {
      isStopping = true;
      clock.clearTimeout(pingTimer);
      source.close();
      for (const connection of connections)
        connection.close(feedCloseCodes.stopping, "the engine is stopping");
      if (connections.size > 0) await new Promise<void>((resolve) => (whenEmpty = resolve));
    },
  };
}
