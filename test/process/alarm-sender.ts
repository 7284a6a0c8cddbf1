/** Sends alarms one by one over a real WebSocket and knows which of them were acknowledged, at which position. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { readAckMessage } from "../../adapters/alarms/ack-message.ts";
import { cloudEventsSubprotocol } from "../../adapters/http/upgrade.ts";

export interface SentAlarm {
  readonly source: string;
  readonly id: string;
  /** The event as it goes over the wire. */
  readonly text: string;
}

/** `refused`: with the intake's code; the event is not kept. */
export type Answer =
  | { readonly kind: "accepted"; readonly position: number; readonly duplicate: boolean }
  | { readonly kind: "refused"; readonly code: string };

export interface AlarmSender {
  /** Resolves with the answer; null: the connection ended before there was one. */
  send(alarm: SentAlarm): Promise<Answer | null>;
  close(): void;
}

/** Null: nobody took the connection. */
export async function openSender(port: number): Promise<AlarmSender | null> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/alarms`, cloudEventsSubprotocol, {
    perMessageDeflate: false,
  });
  const waiting = new Map<string, (answer: Answer | null) => void>();
  let gone = false;
  socket.on("error", () => {}); // `close` follows
  socket.on("close", () => {
    gone = true;
    for (const answer of waiting.values()) answer(null);
    waiting.clear();
  });
  socket.on("message", (data: Buffer) => {
    const message = readAckMessage(data.toString("utf8"));
    if (message?.kind !== "accepted" && message?.kind !== "rejected") return;
    const name = `${message.source} ${message.id}`;
    const answer = waiting.get(name);
    waiting.delete(name);
    if (message.kind === "rejected") answer?.({ kind: "refused", code: message.code });
    else answer?.({ kind: "accepted", position: message.position, duplicate: message.duplicate });
  });
  const opened = await Promise.race([
    once(socket, "open").then(
      () => true,
      () => false,
    ),
    once(socket, "close").then(() => false),
  ]);
  if (!opened) return null;
  return {
    send: ({ source, id, text }) =>
      new Promise((resolve) => {
        if (gone) return resolve(null);
        waiting.set(`${source} ${id}`, resolve);
        socket.send(text);
      }),
    close: () => socket.terminate(),
  };
}
