/**
 * A WebSocket endpoint of the one port: the alarm intake's, the feed's, the inspector's. The HTTP server is someone
 * else's; this takes its upgrades, and knows who is connected.
 *   S1 S2 at the upgrade, S3 in the options of ws and in the number of connections.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";

import type { Clock, Ids, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { PeerNeeds } from "./peer-socket.ts";
import { RefusalLog } from "./refusal-log.ts";
import { authorizationOf, judgeUpgrade, refuseUpgrade, type UpgradeRules } from "./upgrade.ts";

export interface SocketEdgeOptions {
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
   * True lets a peer in; gets its Authorization header. Asked at the upgrade (else 401) and at every
   * ping (else closed 4401). Without it everyone who reaches the port is let in.
   */
  readonly authorize?: (authorization: string | undefined) => boolean;
}

interface Connection {
  /** Called every `pingIntervalMs`. */
  tick(): void;
}

export interface SocketEndpoint<C extends Connection> extends Pick<UpgradeRules, "role"> {
  /** In the log, and in what a peer is told. */
  readonly name: string;
  readonly path: string;
  /** Must be offered; null: none is asked for. */
  readonly subprotocol: string | null;
  /** Chosen instead where it is offered beside that one. */
  readonly batchSubprotocol?: string;
  connect(peer: PeerNeeds): C;
  /** It is counted and logged: what it asks for is looked at now. */
  begin?(connection: C, request: IncomingMessage): void;
}

export interface SocketEdge<C extends Connection> {
  /** For the server's `upgrade` event. False: another path, nothing was done. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  readonly connections: ReadonlySet<C>;
  /** From now on whoever comes gets 503, and nobody is pinged any more. */
  refuseMore(): void;
  /** Resolves when no connection is left. */
  emptied(): Promise<void>;
}

export function attachSockets<C extends Connection>(
  endpoint: SocketEndpoint<C>,
  options: SocketEdgeOptions,
): SocketEdge<C> {
  const { name, path, subprotocol, batchSubprotocol = "", role } = endpoint;
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
    handleProtocols: (offered) => (offered.has(batchSubprotocol) ? batchSubprotocol : (subprotocol ?? false)),
  });
  const connections = new Set<C>();
  const { promise: emptied, resolve: sayEmpty } = Promise.withResolvers<void>();
  const refusals = new RefusalLog(options);
  let isStopping = false;
  /** One a connection: those who came at different times are not all pinged in one turn. */
  const pings = new Map<C, unknown>();

  function pingLater(connection: C): void {
    const ping = (): void => {
      pingLater(connection);
      connection.tick();
    };
    pings.set(connection, clock.setTimeout(ping, limits.pingIntervalMs));
  }

  function pingNoMore(connection: C): void {
    clock.clearTimeout(pings.get(connection));
    pings.delete(connection);
  }

  function open(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    server.handleUpgrade(request, stream, head, (webSocket) => {
      const connectionId = ids.uuid();
      const connection = endpoint.connect({
        name,
        webSocket,
        stream,
        connectionId,
        clock,
        log,
        isAuthorized: () => authorize === undefined || authorize(authorizationOf(request)),
        onClosed() {
          connections.delete(connection);
          pingNoMore(connection);
          if (isStopping && connections.size === 0) sayEmpty();
        },
      });
      connections.add(connection);
      pingLater(connection);
      log.info(`${name}.connected`, { connectionId, remote: request.socket.remoteAddress });
      endpoint.begin?.(connection, request);
    });
  }

  return {
    connections,

    handleUpgrade(request, socket, head) {
      if (request.url?.split("?", 1)[0] !== path) return false;
      const refusal =
        isStopping || connections.size >= limits.connectionsMax
          ? { status: 503 as const, detail: isStopping ? "The engine is stopping." : "Too many connections." }
          : judgeUpgrade(request, { ...options.settings, role, authorize, subprotocol });
      if (refusal === null) open(request, socket, head);
      else {
        refusals.say(`${name}.upgradeRefused`, {
          status: refusal.status,
          remote: request.socket.remoteAddress,
        });
        refuseUpgrade(socket, refusal);
      }
      return true;
    },

    refuseMore() {
      isStopping = true;
      for (const connection of connections) pingNoMore(connection);
      if (connections.size === 0) sayEmpty();
    },

    emptied: () => emptied,
  };
}
