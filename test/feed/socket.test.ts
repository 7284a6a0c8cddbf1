/** The edge over real sockets: who gets in, what closes a connection, what a paused peer costs. */
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocket } from "ws";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createFeed, feedDrainMsMax, type Feed, type FeedReader } from "../../actors/feed.ts";
import type { FeedMessage } from "../../actors/feed-messages.ts";
import { attachFeed, type FeedEdge } from "../../adapters/feed/feed.ts";
import { readFeedRequest } from "../../adapters/feed/request.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { quiet } from "./rig.ts";
import { ScriptedSource } from "./scripted-source.ts";

const tokens = new Set<string>();
let source: ScriptedSource;
let clock: ManualClock;
let edge: FeedEdge;
let port: number;
let stopServer: () => Promise<void>;
/** The server's side of every connection, as the feed sees it. */
let readers: FeedReader[];

beforeEach(() => startEdge());
afterEach(() => stopServer());

/** Without an interval the turns of the feed alone make frames. */
async function startEdge(
  options: { readonly batchIntervalMs?: number } = { batchIntervalMs: 0 },
): Promise<void> {
  tokens.clear();
  tokens.add("Bearer good");
  source = new ScriptedSource();
  source.emit(10);
  clock = new ManualClock();
  readers = [];
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
  edge = attachFeed({
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
  ({ port } = server.address() as AddressInfo);
  stopServer = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
}

class Viewer {
  readonly webSocket: WebSocket;
  readonly messages: FeedMessage[] = [];
  frames = 0;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  constructor(query = "", options: { autoPong?: boolean } = {}, subprotocols = ["cloudevents.json"]) {
    this.webSocket = new WebSocket(`ws://127.0.0.1:${port}/v1/feed${query}`, subprotocols, {
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
    while (this.messages.length < count) await turn();
    return this.messages;
  }
  get positions(): number[] {
    return this.messages.flatMap(({ data }) => ("previous" in data ? [data.position] : []));
  }
}

async function turn(): Promise<void> {
  clock.advance(0);
  await new Promise<void>((resolve) => setImmediate(resolve));
}

async function turnsUntil(reached: () => boolean): Promise<void> {
  while (!reached()) await turn();
}

const good = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "cloudevents.json",
  authorization: "Bearer good",
};

function statusOf(headers: Readonly<Record<string, string | undefined>>, path = "/v1/feed"): Promise<number> {
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

describe("the upgrade", () => {
  test.each<[string, Readonly<Record<string, string | undefined>>, number]>([
    ["a good request", {}, 101],
    ["an allowed Origin", { origin: "https://noc.example" }, 101],
    ["compression offered: taken without it", { "sec-websocket-extensions": "permessage-deflate" }, 101],
    ["S2: a foreign Origin", { origin: "https://evil.example" }, 403],
    ["S2: Origin null", { origin: "null" }, 403],
    ["S2: a foreign Host (DNS rebinding)", { host: "evil.example" }, 403],
    ["S1: no token", { authorization: undefined }, 401],
    ["S1: a bad token, and nothing is said about a bad query", { authorization: "Bearer bad" }, 401],
    ["another subprotocol", { "sec-websocket-protocol": "graphql-ws" }, 400],
  ])("%s gets its status", async (_title, headers, status) => {
    expect(await statusOf(headers)).toBe(status);
  });

  test("another path is left alone", async () => {
    await expect(statusOf({}, "/v1/feeds")).rejects.toThrow();
  });
});

describe("what is asked for", () => {
  const uuid = "0b0e8f2c-5f3f-4f6e-9d11-6a2f3c0a9e77";
  test("the query is read", () => {
    expect(readFeedRequest("/v1/feed")).toEqual({
      ok: true,
      request: { after: null, only: null, types: null, behind: "read" },
    });
    expect(
      readFeedRequest(
        `/v1/feed?after=${uuid}%3A42&only=client-07&types=response.row,client.state&behind=reset`,
      ),
    ).toEqual({
      ok: true,
      request: {
        after: { ledger: uuid, position: 42 },
        only: "client-07",
        types: new Set(["response.row", "client.state"]),
        behind: "reset",
      },
    });
  });

  test.each([
    ["after=42", "after: expected <ledger>:<position>"],
    ["after=", "after: expected <ledger>:<position>"],
    ["after=a:", "after: expected"],
    ["after=a:-1", "after: expected"],
    ["after=a:01", "after: expected"],
    ["after=a:1.5", "after: expected"],
    ["after=a:1e3", "after: expected"],
    ["after=a:9999999999999999", "after: expected"],
    ["after=a:1&after=a:2", '"after": expected once'],
    ["only=07", "only: expected the name of one client"],
    ["types=response.rows", 'types: there is no type "response.rows"'],
    ["types=", 'types: there is no type ""'],
    ["types=constructor", 'types: there is no type "constructor"'],
    ["behind=", "behind: expected read or reset"],
    ["since=1", '"since": expected only after, only, types'],
    [`types=${"%E2%82%AC".repeat(500)}`, "types: there is no type"],
  ])("%s is refused with 4400 and the reason", async (query, reason) => {
    const closed = await new Viewer(`?${query}`).closed;
    expect(closed.code).toBe(4400);
    expect(closed.reason).toContain(reason);
    expect(source.snapshot().position).toBe(10);
    expect(readers).toEqual([]);
  });

  test("after: the facts that followed, then live ones", async () => {
    const viewer = new Viewer("?after=ledger-1:7");
    await viewer.take(4);
    source.emit(2);
    await viewer.take(6);
    expect(viewer.positions).toEqual([8, 9, 10, 11, 12]);
  });

  test("the id of a fact is what `after` takes", async () => {
    const first = new Viewer("?after=ledger-1:0");
    const [, , second] = await first.take(11);
    const again = new Viewer(`?after=${encodeURIComponent(second?.id ?? "")}`);
    await again.take(9);
    expect(again.positions).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe("a connection", () => {
  test.each([
    ["a text", (viewer: Viewer) => viewer.webSocket.send("hello")],
    ["a binary message", (viewer: Viewer) => viewer.webSocket.send(Buffer.alloc(3))],
    [
      `more than ${limits.pingsPerIntervalMax} pings`,
      (viewer: Viewer) => {
        for (let i = 0; i <= limits.pingsPerIntervalMax; i++) viewer.webSocket.ping();
      },
    ],
  ])("that says %s is closed 1008", async (_title, say) => {
    const viewer = new Viewer();
    await viewer.take(1);
    say(viewer);
    expect((await viewer.closed).code).toBe(1008);
    await turnsUntil(() => edge.connections === 0);
  });

  test("that sends more than a message may hold is closed 1009", async () => {
    const viewer = new Viewer();
    await viewer.take(1);
    viewer.webSocket.send("x".repeat(limits.alarmBytesMax + 1));
    expect((await viewer.closed).code).toBe(1009);
  });

  test("that pings is answered", async () => {
    const viewer = new Viewer();
    await viewer.take(1);
    viewer.webSocket.ping("there?");
    const [data] = (await once(viewer.webSocket, "pong")) as [Buffer];
    expect(data.toString()).toBe("there?");
  });

  test("without a pong in two intervals is terminated, one that answers stays", async () => {
    const [dead, alive] = [new Viewer("", { autoPong: false }), new Viewer()];
    await Promise.all([dead.take(1), alive.take(1)]);
    for (let i = 0; i < 3; i++) {
      clock.advance(limits.pingIntervalMs);
      if (i < 2) await once(alive.webSocket, "ping");
      await turn();
      await turn();
    }
    expect((await dead.closed).code).toBe(1006);
    expect(edge.connections).toBe(1);
  });

  test("S1: whose token was withdrawn is closed 4401 at the next ping", async () => {
    const viewer = new Viewer();
    await viewer.take(1);
    tokens.clear();
    clock.advance(limits.pingIntervalMs);
    expect((await viewer.closed).code).toBe(4401);
  });

  test(`S3: number ${limits.feedReadersMax + 1} is closed 1013, and its place is free again after one has left`, async () => {
    const viewers = Array.from({ length: limits.feedReadersMax }, () => new Viewer());
    await Promise.all(viewers.map((viewer) => viewer.take(1)));
    const extra = new Viewer();
    expect(await extra.closed).toEqual({
      code: 1013,
      reason: `expected at most ${limits.feedReadersMax} readers`,
    });
    expect(extra.messages).toEqual([]);
    viewers[0]?.webSocket.terminate();
    await turnsUntil(() => edge.connections < limits.feedReadersMax);
    await new Viewer().take(1);
    for (const viewer of viewers) viewer.webSocket.terminate();
  });

  test("when the engine stops: 1001, and new ones get 503", async () => {
    const viewer = new Viewer();
    await viewer.take(1);
    const closing = edge.close();
    expect((await viewer.closed).code).toBe(1001);
    await closing;
    expect(await statusOf({})).toBe(503);
  });

  test("stopping does not wait for a peer that never answers", async () => {
    const viewer = new Viewer();
    await viewer.take(1);
    viewer.webSocket.pause();
    const closing = edge.close();
    clock.advance(limits.closeGraceMs);
    await closing;
    expect(edge.connections).toBe(0);
  });
});

const inBatches = ["cloudevents.json", "cloudevents-batch.json"];

describe("cloudevents-batch.json", () => {
  test("F1: offered beside cloudevents.json it is chosen, and a frame is an array of what one turn says", async () => {
    const plain = new Viewer();
    const batched = new Viewer("", {}, inBatches);
    await Promise.all([plain.take(1), batched.take(1)]);
    expect([plain.webSocket.protocol, batched.webSocket.protocol]).toEqual(inBatches);
    source.emit(500);
    await Promise.all([plain.take(501), batched.take(501)]);
    expect(batched.messages.slice(1)).toEqual(plain.messages.slice(1));
    expect(plain.frames).toBe(501);
    expect(batched.frames).toBeLessThan(10);
  });

  test("what is said within 16 ms of a frame waits for the next, what comes after a pause does not", async () => {
    await stopServer();
    await startEdge({});
    const viewer = new Viewer("", {}, inBatches);
    await viewer.take(1);
    for (let i = 0; i < 3; i++) {
      source.emit(5);
      clock.advance(5);
      await turn();
    }
    clock.advance(0);
    expect(viewer.frames).toBe(1);
    expect(readers[0]?.bufferedBytes()).toBeGreaterThan(0);
    clock.advance(1);
    await viewer.take(16);
    expect(viewer.frames).toBe(2);
    clock.advance(16);
    source.emit(1);
    await viewer.take(17);
    expect(viewer.frames).toBe(3);
  });

  test("F3: a turn that says much makes several frames, none much over the bound", async () => {
    const viewer = new Viewer("", {}, inBatches);
    const sizes: number[] = [];
    viewer.webSocket.on("message", (data: Buffer) => sizes.push(data.length));
    await viewer.take(1);
    source.emit(40, 20_000);
    await viewer.take(41);
    expect(Math.max(...sizes)).toBeLessThan(262_144 + 25_000);
    expect(viewer.frames).toBeLessThan(8);
  });

  test("alone it is not enough: who speaks only that is refused", async () => {
    expect(await statusOf({ "sec-websocket-protocol": "cloudevents-batch.json" })).toBe(400);
  });
});

describe.each([
  ["cloudevents.json", ["cloudevents.json"]],
  ["cloudevents-batch.json", inBatches],
])("F3: a paused socket, %s", (_, subprotocols) => {
  const bytes = 50_000;

  async function fillUp(viewer: Viewer): Promise<void> {
    viewer.webSocket.pause();
    while ((readers[0]?.bufferedBytes() ?? 0) < limits.feedQueuedBytesMax) {
      source.emit(20, bytes);
      await turn();
    }
  }

  test("costs at most the bound and one message, is cut with 1013, and resumes without a gap", async () => {
    const viewer = new Viewer("", {}, subprotocols);
    await viewer.take(1);
    await fillUp(viewer);
    for (let i = 0; i < 50; i++) {
      source.emit(20, bytes);
      await turn();
      expect(readers[0]?.bufferedBytes()).toBeLessThan(limits.feedQueuedBytesMax + 2 * bytes);
    }
    clock.advance(feedDrainMsMax);
    viewer.webSocket.resume();
    const closed = await viewer.closed;
    expect(closed.code).toBe(1013);
    expect(closed.reason).toContain("resume after the last position");
    const again = new Viewer(`?after=ledger-1:${viewer.positions.at(-1) ?? 10}`, {}, subprotocols);
    await turnsUntil(() => again.positions.at(-1) === source.durable.length);
    expect([...viewer.positions, ...again.positions]).toEqual(
      source.durable.slice(10).map(({ position }) => position),
    );
  });

  test("that goes on in time has lost nothing and stays", async () => {
    const viewer = new Viewer("", {}, subprotocols);
    await viewer.take(1);
    await fillUp(viewer);
    source.emit(200, bytes);
    await turn();
    clock.advance(feedDrainMsMax - 1);
    viewer.webSocket.resume();
    await turnsUntil(() => viewer.positions.at(-1) === source.durable.length);
    clock.advance(feedDrainMsMax);
    await turn();
    expect(viewer.positions).toEqual(source.durable.slice(10).map(({ position }) => position));
    expect(edge.connections).toBe(1);
  });

  test("that never resumes is gone after the grace", async () => {
    const viewer = new Viewer("", {}, subprotocols);
    await viewer.take(1);
    await fillUp(viewer);
    source.emit(20, bytes);
    await turn();
    clock.advance(feedDrainMsMax);
    clock.advance(limits.closeGraceMs);
    await turnsUntil(() => edge.connections === 0);
    expect(readers[0]?.bufferedBytes()).toBe(0);
  });
});
