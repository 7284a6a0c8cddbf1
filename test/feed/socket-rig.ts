/** The edge over real sockets, as its tests start it, and viewers that keep what they were sent. */
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocket } from "ws";
import { expect } from "vitest";

import { createFeed, type Feed, type FeedReader } from "../../actors/feed.ts";
import type { FeedMessage } from "../../actors/feed-messages.ts";
import { attachFeed } from "../../adapters/feed/feed.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { quiet } from "./rig.ts";
import { ScriptedSource } from "./scripted-source.ts";

export const inBatches = ["cloudevents.json", "cloudevents-batch.json"];

export type SocketRig = Awaited<ReturnType<typeof startEdge>>;

/** Ten facts are durable. Without an interval the turns of the feed alone make frames. */
export async function startEdge(options: { readonly batchIntervalMs?: number } = { batchIntervalMs: 0 }) {
  const tokens = new Set(["Bearer good"]);
  const source = new ScriptedSource();
  source.emit(10);
  const clock = new ManualClock();
  /** The server's side of every connection, as the feed sees it. */
  const readers: FeedReader[] = [];
  const inner = createFeed({ supervisor: source, clock });
  const feed: Feed = {
    read(reader, request) {
      readers.push(reader);
      return inner.read(reader, request);
    },
    get readers() {
      return inner.readers;
    },
    close: () => inner.close(),
  };
  const edge = attachFeed({
    feed,
    clock,
    log: quiet,
    settings: { allowedOrigins: ["https://noc.example"], allowedHosts: ["127.0.0.1"] },
    authorize: (authorization) => authorization !== undefined && tokens.has(authorization),
    ...options,
  });
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on("upgrade", (request, socket: Socket, head) => {
    sockets.add(socket);
    if (!edge.handleUpgrade(request, socket, head)) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  async function turn(): Promise<void> {
    clock.advance(0);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return {
    tokens,
    source,
    clock,
    edge,
    readers,
    turn,
    async turnsUntil(reached: () => boolean): Promise<void> {
      while (!reached()) await turn();
    },
    viewer: (
      query = "",
      webSocketOptions: { autoPong?: boolean } = {},
      subprotocols = ["cloudevents.json"],
    ) => new Viewer(`ws://127.0.0.1:${port}/v1/feed${query}`, subprotocols, webSocketOptions, turn),
    /** What a good request with these headers is answered. */
    statusOf: (headers: Headers, path = "/v1/feed") => statusOf(port, headers, path),
    async stop(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export class Viewer {
  readonly webSocket: WebSocket;
  readonly messages: FeedMessage[] = [];
  frames = 0;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  readonly #turn: () => Promise<void>;

  constructor(
    url: string,
    subprotocols: readonly string[],
    options: { autoPong?: boolean },
    turn: () => Promise<void>,
  ) {
    this.#turn = turn;
    this.webSocket = new WebSocket(url, [...subprotocols], {
      headers: { authorization: "Bearer good" },
      ...options,
    });
    this.closed = new Promise((resolve) => {
      this.webSocket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.webSocket.on("error", () => undefined);
    this.webSocket.on("message", (data: Buffer) => {
      this.frames += 1;
      const said = JSON.parse(data.toString()) as FeedMessage | FeedMessage[];
      if (Array.isArray(said)) this.messages.push(...said);
      else this.messages.push(said);
    });
  }

  /** Lets the feed have turns until so many messages are here. */
  async take(count: number): Promise<readonly FeedMessage[]> {
    while (this.messages.length < count) await this.#turn();
    return this.messages;
  }
  get positions(): number[] {
    return this.messages.flatMap(({ data }) => ("previous" in data ? [data.position] : []));
  }
}

const good = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "cloudevents.json",
  authorization: "Bearer good",
};

type Headers = Readonly<Record<string, string | undefined>>;

function statusOf(port: number, headers: Headers, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = Object.entries({ ...good, ...headers }).filter(([, value]) => value !== undefined);
    const outgoing = httpRequest({ host: "127.0.0.1", port, path, headers: Object.fromEntries(sent) });
    outgoing.on("response", (response) => resolve(response.statusCode ?? 0));
    outgoing.on("upgrade", (response, socket) => {
      expect(response.headers["sec-websocket-extensions"]).toBeUndefined();
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
