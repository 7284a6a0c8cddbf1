/**
 * Alarm intake: the WebSocket `/v1/alarms`. The HTTP server is someone else's; this takes its upgrades.
 *   S1 S2 at the upgrade, S3 in the options of ws; A1 A6 A7 in connection.ts.
 * Protocol: README.md beside this file.
 */
import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";

import type { CorrelationKey } from "../../actors/alarm-key.ts";
import type { AlarmSettings } from "../../actors/alarm-message.ts";
import type { AlarmSink, Clock, Ids, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { authorizationOf, cloudEventsSubprotocol, judgeUpgrade, refuseUpgrade } from "../http/upgrade.ts";
import { AlarmConnection } from "./connection.ts";

export const alarmPath = "/v1/alarms";

export interface AlarmIntakeOptions {
  readonly sink: AlarmSink;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly settings: {
    readonly correlationKey: CorrelationKey;
    /** As browsers write them, in lower case; empty = no page may connect. */
    readonly allowedOrigins: readonly string[];
    /** Host names without port, in lower case. */
    readonly allowedHosts: readonly string[];
  };
  /**
   * True lets a sender in; gets its Authorization header. Asked at the upgrade (else 401) and at every
   * ping (else closed 4401). Without it everyone who reaches the port may send.
   */
  readonly authorize?: (authorization: string | undefined) => boolean;
}

export interface AlarmIntake {
  /** For the server's `upgrade` event. False: another path, nothing was done. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  readonly connections: number;
  /** Refuses new connections and events, answers what is in flight, closes 1001; done when all are closed. */
  stop(): Promise<void>;
}

export function attachAlarmIntake(options: AlarmIntakeOptions): AlarmIntake {
  const { sink, clock, ids, log, authorize } = options;
  const settings: AlarmSettings = {
    correlationKey: options.settings.correlationKey,
    digest: (text) => hash("sha256", text),
  };
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.alarmBytesMax,
    maxFragments: limits.fragmentsMax,
    maxBufferedChunks: limits.bufferedChunksMax,
    // Connections answer pings themselves: they count them.
    autoPong: false,
    handleProtocols: () => cloudEventsSubprotocol,
  });
  const connections = new Set<AlarmConnection>();
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
      const connection = new AlarmConnection({
        webSocket,
        stream,
        connectionId,
        sink,
        clock,
        log,
        settings,
        isAuthorized: () => authorize === undefined || authorize(authorizationOf(request)),
        onClosed() {
          connections.delete(connection);
          if (connections.size === 0) whenEmpty?.();
        },
      });
      connections.add(connection);
      pingTimer ??= clock.setTimeout(pingAll, limits.pingIntervalMs);
      log.info("alarms.connected", { connectionId, remote: request.socket.remoteAddress });
    });
  }

  return {
    handleUpgrade(request, socket, head) {
      if (request.url?.split("?", 1)[0] !== alarmPath) return false;
      const refusal =
        isStopping || connections.size >= limits.connectionsMax
          ? { status: 503 as const, detail: isStopping ? "The engine is stopping." : "Too many connections." }
          : judgeUpgrade(request, { ...options.settings, role: "source", authorize });
      if (refusal === null) open(request, socket, head);
      else {
        log.warn("alarms.upgradeRefused", { status: refusal.status, remote: request.socket.remoteAddress });
        refuseUpgrade(socket, refusal);
      }
      return true;
    },

    get connections() {
      return connections.size;
    },

    async stop() {
      isStopping = true;
      clock.clearTimeout(pingTimer);
      if (connections.size === 0) return;
      await new Promise<void>((resolve) => {
        const deadline = clock.setTimeout(() => {
          for (const connection of connections) connection.close(1001, "stopping");
        }, limits.drainSecondsDefault * 1_000);
        whenEmpty = () => {
          clock.clearTimeout(deadline);
          resolve();
        };
        for (const connection of connections) connection.stop();
      });
    },
  };
}
