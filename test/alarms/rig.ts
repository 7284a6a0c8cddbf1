/** A real HTTP server with an alarm intake on port 0, and a sender that can misbehave. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";

import { compileCorrelationKey } from "../../actors/alarm-key.ts";
import type { AlarmSink, Ids, Log } from "../../actors/ports.ts";
import type { AckMessage } from "../../adapters/alarms/ack-message.ts";
import { readAckMessage } from "../../adapters/alarms/ack-message.ts";
import type { AlarmIntakeOptions } from "../../adapters/alarms/intake.ts";
import { attachAlarmIntake } from "../../adapters/alarms/intake.ts";
import { ManualClock } from "./manual-clock.ts";

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export function countingIds(): Ids {
  let count = 0;
  return { uuid: () => `id-${++count}`, random: () => 0 };
}

export function correlationKey(template = "{alarmedObject.id}") {
  const compiled = compileCorrelationKey(template);
  if (!compiled.ok) throw new Error(compiled.failure.detail);
  return compiled.value;
}

export interface EventParts {
  readonly id?: string;
  readonly source?: string;
  readonly sequence?: number;
  readonly event?: Readonly<Record<string, unknown>>;
  readonly alarm?: Readonly<Record<string, unknown>>;
}

/** A good event; parts replace members, `undefined` removes them. */
export function eventOf({ id = "1", source = "urn:test", sequence, event, alarm }: EventParts = {}) {
  return {
    specversion: "1.0",
    id,
    source,
    type: "org.tmforum.alarm.AlarmCreateEvent",
    time: "2026-11-23T08:00:00Z",
    ...(sequence === undefined ? undefined : { sequence: String(sequence).padStart(20, "0") }),
    data: {
      alarmRaisedTime: "2026-11-23T08:00:00Z",
      alarmType: "communicationsAlarm",
      alarmedObject: { id: "node-1" },
      perceivedSeverity: "major",
      probableCause: "lossOfSignal",
      sourceSystemId: "ems-1",
      state: "raised",
      ...alarm,
    },
    ...event,
  };
}

export const textOf = (parts?: EventParts) => JSON.stringify(eventOf(parts));

export async function startIntake(sink: AlarmSink, options: Partial<AlarmIntakeOptions> = {}) {
  const clock = new ManualClock();
  const sockets = new Set<Socket>();
  const intake = attachAlarmIntake({
    sink,
    clock,
    ids: countingIds(),
    log: quiet,
    settings: {
      correlationKey: correlationKey(),
      allowedOrigins: ["https://noc.example"],
      allowedHosts: ["127.0.0.1", "localhost"],
    },
    ...options,
  });
  const server = createServer();
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (!intake.handleUpgrade(request, socket, head)) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    clock,
    intake,
    sockets,
    port,
    url: `ws://127.0.0.1:${port}/v1/alarms`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export type Rig = Awaited<ReturnType<typeof startIntake>>;

/** A sender that reads every answer; `next()` waits for the next one. */
export class Sender {
  readonly webSocket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #answers: AckMessage[] = [];
  readonly #waiting: ((message: AckMessage) => void)[] = [];

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    this.closed = new Promise((resolve) =>
      webSocket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    webSocket.on("error", () => undefined);
    webSocket.on("message", (data) => {
      const message = Buffer.isBuffer(data) ? readAckMessage(data.toString()) : null;
      if (message === null) throw new Error("the intake sent something that is not in the protocol");
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#answers.push(message);
      else waiting(message);
    });
  }

  /** Connected and greeted. */
  static async open(url: string, options: { autoPong?: boolean; token?: string } = {}): Promise<Sender> {
    const sender = new Sender(
      new WebSocket(url, "cloudevents.json", {
        autoPong: options.autoPong ?? true,
        ...(options.token === undefined
          ? undefined
          : { headers: { authorization: `Bearer ${options.token}` } }),
      }),
    );
    await sender.next();
    return sender;
  }

  send(...texts: readonly string[]): void {
    for (const text of texts) this.webSocket.send(text);
  }

  next(): Promise<AckMessage> {
    const message = this.#answers.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async take(count: number): Promise<AckMessage[]> {
    const messages: AckMessage[] = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }
}
