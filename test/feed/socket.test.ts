/** The edge over real sockets: who gets in, what closes a connection, what a paused peer costs. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { feedDrainMsMax } from "../../actors/feed.ts";
import { limits } from "../../machines/limits.ts";
import { inBatches, startEdge, type SocketRig, type Viewer } from "./socket-rig.ts";

let rig: SocketRig;
beforeEach(async () => {
  rig = await startEdge();
});
afterEach(() => rig.stop());

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
    expect(await rig.statusOf(headers)).toBe(status);
  });

  test("another path is left alone", async () => {
    await expect(rig.statusOf({}, "/v1/feeds")).rejects.toThrow();
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
    const viewer = rig.viewer();
    await viewer.take(1);
    say(viewer);
    expect((await viewer.closed).code).toBe(1008);
    await rig.turnsUntil(() => rig.edge.connections === 0);
  });

  test("that sends more than a message may hold is closed 1009", async () => {
    const viewer = rig.viewer();
    await viewer.take(1);
    viewer.webSocket.send("x".repeat(limits.alarmBytesMax + 1));
    expect((await viewer.closed).code).toBe(1009);
  });

  test("that pings is answered", async () => {
    const viewer = rig.viewer();
    await viewer.take(1);
    viewer.webSocket.ping("there?");
    const [data] = (await once(viewer.webSocket, "pong")) as [Buffer];
    expect(data.toString()).toBe("there?");
  });

  test("without a pong in two intervals is terminated, one that answers stays", async () => {
    const [dead, alive] = [rig.viewer("", { autoPong: false }), rig.viewer()];
    await Promise.all([dead.take(1), alive.take(1)]);
    for (let i = 0; i < 3; i++) {
      rig.clock.advance(limits.pingIntervalMs);
      if (i < 2) await once(alive.webSocket, "ping");
      await rig.turn();
      await rig.turn();
    }
    expect((await dead.closed).code).toBe(1006);
    expect(rig.edge.connections).toBe(1);
  });

  test("S1: whose token was withdrawn is closed 4401 at the next ping", async () => {
    const viewer = rig.viewer();
    await viewer.take(1);
    rig.tokens.clear();
    rig.clock.advance(limits.pingIntervalMs);
    expect((await viewer.closed).code).toBe(4401);
  });

  test(`S3: number ${limits.feedReadersMax + 1} is closed 1013, and its place is free again after one has left`, async () => {
    const viewers = Array.from({ length: limits.feedReadersMax }, () => rig.viewer());
    await Promise.all(viewers.map((viewer) => viewer.take(1)));
    const extra = rig.viewer();
    expect(await extra.closed).toEqual({
      code: 1013,
      reason: `expected at most ${limits.feedReadersMax} readers`,
    });
    expect(extra.messages).toEqual([]);
    viewers[0]?.webSocket.terminate();
    await rig.turnsUntil(() => rig.edge.connections < limits.feedReadersMax);
    await rig.viewer().take(1);
    for (const viewer of viewers) viewer.webSocket.terminate();
  });

  test("when the engine stops: 1001, and new ones get 503", async () => {
    const viewer = rig.viewer();
    await viewer.take(1);
    const closing = rig.edge.close();
    expect((await viewer.closed).code).toBe(1001);
    await closing;
    expect(await rig.statusOf({})).toBe(503);
  });

  test("stopping does not wait for a peer that never answers", async () => {
    const viewer = rig.viewer();
    await viewer.take(1);
    viewer.webSocket.pause();
    const closing = rig.edge.close();
    rig.clock.advance(limits.closeGraceMs);
    await closing;
    expect(rig.edge.connections).toBe(0);
  });
});

describe.each([
  ["cloudevents.json", ["cloudevents.json"]],
  ["cloudevents-batch.json", inBatches],
])("F3: a paused socket, %s", (_, subprotocols) => {
  const bytes = 50_000;

  async function fillUp(viewer: Viewer): Promise<void> {
    viewer.webSocket.pause();
    while ((rig.readers[0]?.bufferedBytes() ?? 0) < limits.feedQueuedBytesMax) {
      rig.source.emit(20, bytes);
      await rig.turn();
    }
  }

  test("costs at most the bound and one message, is cut with 1013, and resumes without a gap", async () => {
    const viewer = rig.viewer("", {}, subprotocols);
    await viewer.take(1);
    await fillUp(viewer);
    for (let i = 0; i < 50; i++) {
      rig.source.emit(20, bytes);
      await rig.turn();
      expect(rig.readers[0]?.bufferedBytes()).toBeLessThan(limits.feedQueuedBytesMax + 2 * bytes);
    }
    rig.clock.advance(feedDrainMsMax);
    viewer.webSocket.resume();
    const closed = await viewer.closed;
    expect(closed.code).toBe(1013);
    expect(closed.reason).toContain("resume after the last position");
    const again = rig.viewer(`?after=ledger-1:${viewer.positions.at(-1) ?? 10}`, {}, subprotocols);
    await rig.turnsUntil(() => again.positions.at(-1) === rig.source.durable.length);
    expect([...viewer.positions, ...again.positions]).toEqual(
      rig.source.durable.slice(10).map(({ position }) => position),
    );
  });

  test("that goes on in time has lost nothing and stays", async () => {
    const viewer = rig.viewer("", {}, subprotocols);
    await viewer.take(1);
    await fillUp(viewer);
    rig.source.emit(200, bytes);
    await rig.turn();
    rig.clock.advance(feedDrainMsMax - 1);
    viewer.webSocket.resume();
    await rig.turnsUntil(() => viewer.positions.at(-1) === rig.source.durable.length);
    rig.clock.advance(feedDrainMsMax);
    await rig.turn();
    expect(viewer.positions).toEqual(rig.source.durable.slice(10).map(({ position }) => position));
    expect(rig.edge.connections).toBe(1);
  });

  test("that never resumes is gone after the grace", async () => {
    const viewer = rig.viewer("", {}, subprotocols);
    await viewer.take(1);
    await fillUp(viewer);
    rig.source.emit(20, bytes);
    await rig.turn();
    rig.clock.advance(feedDrainMsMax);
    rig.clock.advance(limits.closeGraceMs);
    await rig.turnsUntil(() => rig.edge.connections === 0);
    expect(rig.readers[0]?.bufferedBytes()).toBe(0);
  });
});
