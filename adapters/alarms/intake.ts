/**
 * Alarm intake: the WebSocket `/v1/alarms`.
 *   S1 S2 S3 in ../http/socket-edge.ts; A1 A6 A7 in connection.ts.
 * Protocol: README.md beside this file.
 */
import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import type { CorrelationKey } from "../../actors/alarm-key.ts";
import type { AlarmSettings } from "../../actors/alarm-message.ts";
import type { AlarmSink } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { attachSockets, type SocketEdgeOptions } from "../http/socket-edge.ts";
import { cloudEventsSubprotocol } from "../http/upgrade.ts";
import { AlarmConnection } from "./connection.ts";

export const alarmPath = "/v1/alarms";

export interface AlarmIntakeOptions extends SocketEdgeOptions {
  readonly sink: AlarmSink;
  readonly settings: SocketEdgeOptions["settings"] & { readonly correlationKey: CorrelationKey };
}

export interface AlarmIntake {
  /** For the server's `upgrade` event. False: another path, nothing was done. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  readonly connections: number;
  /** Refuses new connections and events, answers what is in flight, closes 1001; done when all are closed. */
  stop(): Promise<void>;
}

export function attachAlarmIntake({ sink, ...options }: AlarmIntakeOptions): AlarmIntake {
  const { clock } = options;
  const settings: AlarmSettings = {
    correlationKey: options.settings.correlationKey,
    digest: (text) => hash("sha256", text),
  };
  const edge = attachSockets<AlarmConnection>(
    {
      name: "alarms",
      path: alarmPath,
      role: "source",
      subprotocol: cloudEventsSubprotocol,
      connect: (peer) => new AlarmConnection({ ...peer, sink, settings }),
    },
    options,
  );

  return {
    handleUpgrade: (request, socket, head) => edge.handleUpgrade(request, socket, head),

    get connections() {
      return edge.connections.size;
    },

    async stop() {
      edge.refuseMore();
      if (edge.connections.size === 0) return;
      const deadline = clock.setTimeout(() => {
        for (const connection of edge.connections) connection.close(1001, "stopping");
      }, limits.drainSecondsDefault * 1_000);
      for (const connection of edge.connections) connection.stop();
      await edge.emptied();
      clock.clearTimeout(deadline);
    },
  };
}
