/** `/inspect` of a real engine over real sockets: the official receiver, who gets in, what a paused peer costs. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocket } from "ws";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { feedDrainMsMax, type FeedReader } from "../../actors/feed.ts";
import { createInspection } from "../../actors/inspection.ts";
import { attachInspector } from "../../adapters/inspect/inspect.ts";
import { limits } from "../../machines/limits.ts";
import { startEngine } from "../feed/rig.ts";
import { quiet } from "../feed/rig.ts";
import { startApi, tokens } from "../http/api/rig.ts";
import { idsOf, receive, statesOf, untimely } from "./watcher.ts";

const until = (reached: () => void | Promise<void>) => vi.waitFor(reached, { timeout: 10_000, interval: 10 });

/** Status of a refused upgrade; 101, and the connection is ended. */
async function upgrade(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), { headers });
  const status = await new Promise<number>((resolve) => {
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on("open", () => resolve(101));
    socket.on("error", () => undefined);
  });
  socket.terminate();
  return status;
}

describe("the official receiver", () => {
  test("sees a client go from idle to closing and back, and every definition first", async () => {
    const { engine, raise } = await startApi({ config: { clients: 2 } }).then(bound);
    const frames = receive(`${engine.url}/inspect?actor=client-01`);
    await until(() => expect(idsOf(frames)).toEqual(["client-01"]));
    await raise("1");
    const way = ["idle", "locked", "searching", "locked", "forwarding", "locked", "closing", "idle"];
    await until(() => expect(statesOf(frames, "client-01")).toEqual(way));
    expect(untimely(frames)).toEqual([]);
    expect(frames.every(({ rootId }) => rootId === "supervisor")).toBe(true);
  });

  test("that comes late is told of everything that lives", async () => {
    const { engine, raise, fact } = await startApi({ config: { clients: 3 } }).then(bound);
    await raise("1");
    await fact(({ type }) => type === "client.unlocked");
    const frames = receive(`${engine.url}/inspect`);
    const all = ["supervisor", "client-01", "client-02", "client-03", "gateway:OSB"];
    await until(() => expect(new Set(idsOf(frames))).toEqual(new Set(all)));
    expect(untimely(frames)).toEqual([]);
    for (const { definition } of frames.slice(0, 5))
      expect(JSON.parse(definition ?? "")).toHaveProperty("states");
  });

  test("S1: gives a viewer's token as the password of its URL", async () => {
    const { engine } = await startApi({ guarded: true });
    const frames = receive(`${engine.url.replace("//", `//me:${tokens.viewer}@`)}/inspect`);
    await until(() => expect(idsOf(frames)).toContain("client-01"));
  });
});

describe("the upgrade", () => {
  test("S1: viewers and operators are let in, sources and strangers are not", async () => {
    const { engine } = await startApi({ guarded: true });
    const url = `${engine.url}/inspect`;
    expect(await upgrade(url)).toBe(401);
    const basic = (token: string) => `Basic ${Buffer.from(`me:${token}`).toString("base64")}`;
    for (const [role, status] of [
      ["viewer", 101],
      ["operator", 101],
      ["source", 401],
    ] as const) {
      expect(await upgrade(url, { authorization: `Bearer ${tokens[role]}` })).toBe(status);
      expect(await upgrade(url, { authorization: basic(tokens[role]) })).toBe(status);
    }
    expect(await upgrade(url, { authorization: basic("wrong") })).toBe(401);
    expect(await upgrade(url, { authorization: "Basic !" })).toBe(401);
  });

  test("S2: foreign and null Origins and a foreign Host are 403", async () => {
    const { engine } = await startApi();
    const url = `${engine.url}/inspect`;
    expect(await upgrade(url)).toBe(101);
    expect(await upgrade(url, { origin: engine.url })).toBe(101);
    for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }, { host: "evil.example" }])
      expect(await upgrade(url, headers)).toBe(403);
  });

  test.each([
    ["actor=", "actor: expected an id of 1 to"],
    [`actor=${"x".repeat(200)}`, "actor: expected an id of 1 to"],
    ["actor=client-01&actor=client-02", "expected nothing or one actor"],
    ["only=client-01", "expected nothing or one actor"],
  ])("?%s is closed 4400 with the reason", async (query, reason) => {
    const { engine } = await startApi();
    const socket = new WebSocket(`${engine.url.replace("http", "ws")}/inspect?${query}`);
    const [code, said] = (await once(socket, "close")) as [number, Buffer];
    expect(code).toBe(4400);
    expect(said.toString()).toContain(reason);
  });

  test(`S3: reader ${limits.inspectReadersMax + 1} is closed 1013`, async () => {
    const { engine } = await startApi();
    const url = `${engine.url.replace("http", "ws")}/inspect`;
    const readers = Array.from({ length: limits.inspectReadersMax }, () => new WebSocket(url));
    await Promise.all(readers.map((reader) => once(reader, "open")));
    const [code] = (await once(new WebSocket(url), "close")) as [number];
    expect(code).toBe(1013);
    for (const reader of readers) reader.terminate();
  });

  test("when the engine stops: 1001; who speaks: 1008", async () => {
    const { engine } = await startApi();
    const url = `${engine.url.replace("http", "ws")}/inspect`;
    const [quietOne, talker] = [new WebSocket(url), new WebSocket(url)];
    await Promise.all([once(quietOne, "open"), once(talker, "open")]);
    const closed = [once(quietOne, "close"), once(talker, "close")];
    talker.send("hello");
    expect((await closed[1])?.[0]).toBe(1008);
    void engine.stop({ drainSeconds: 0 });
    expect((await closed[0])?.[0]).toBe(1001);
  });
});

describe("F3: a peer that never reads", () => {
  test("costs at most the bound and one frame, is cut, and flows go on meanwhile", async () => {
    const engine = await startEngine({ clients: 6_000 }); // 23 MB of definitions: more than the system's buffers take
    const inspection = createInspection(engine);
    const readers: FeedReader[] = [];
    const edge = attachInspector({
      inspection: {
        read: (reader, request) => (readers.push(reader), inspection.read(reader, request)),
        get readers() {
          return inspection.readers;
        },
        close: () => inspection.close(),
      },
      clock: engine.clock,
      log: quiet,
      settings: { allowedOrigins: [], allowedHosts: ["127.0.0.1"] },
    });
    const server = createServer().listen(0, "127.0.0.1");
    server.on("upgrade", (request, socket: Socket, head) => void edge.handleUpgrade(request, socket, head));
    await once(server, "listening");
    onTestFinished(async () => {
      server.close();
      await engine.supervisor.stop({ drainSeconds: 0 });
    });
    const viewer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/inspect`);
    await once(viewer, "open");
    viewer.pause();
    const buffered = () => readers[0]?.bufferedBytes() ?? 0;
    const turn = async () => {
      engine.clock.advance(limits.inspectIntervalMs);
      await new Promise<void>((resolve) => setImmediate(resolve));
    };
    while (buffered() < limits.feedQueuedBytesMax) await turn();
    await engine.run(50);
    for (let turns = 0; turns < 20; turns += 1) {
      await turn();
      expect(buffered()).toBeLessThan(limits.feedQueuedBytesMax + 10_000);
    }
    expect(engine.supervisor.counters().openTickets).toBe(50);
    engine.clock.advance(feedDrainMsMax);
    expect(inspection.readers).toBe(0);
    engine.clock.advance(limits.closeGraceMs);
    await until(() => expect(edge.connections).toBe(0));
    viewer.terminate();
  });
});

/** Its methods without it. */
function bound(api: Awaited<ReturnType<typeof startApi>>): Pick<typeof api, "engine" | "raise" | "fact"> {
  return { engine: api.engine, raise: (id) => api.raise(id), fact: (is) => api.fact(is) };
}
