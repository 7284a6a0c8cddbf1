import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { WebSocket } from "ws";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import { limits } from "../../machines/limits.ts";
import type { Rig } from "./rig.ts";
import { Sender, startIntake, textOf } from "./rig.ts";

let rig: Rig;
const tokens = new Set<string>();
beforeEach(async () => {
  tokens.clear();
  tokens.add("Bearer good");
  rig = await startIntake(new MemoryAlarmSink(), {
    authorize: (authorization) => authorization !== undefined && tokens.has(authorization),
  });
});
afterEach(() => rig.close());

const good = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "cloudevents.json",
  authorization: "Bearer good",
};

/** Status of an upgrade with these headers, undefined ones left out. */
function statusOf(headers: Readonly<Record<string, string | undefined>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = Object.entries({ ...good, ...headers }).filter(([, value]) => value !== undefined);
    const outgoing = request({
      host: "127.0.0.1",
      port: rig.port,
      path: "/v1/alarms",
      headers: Object.fromEntries(sent),
    });
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
    ["localhost with a port", { host: "localhost:8640" }, 101],
    ["compression offered: taken without it", { "sec-websocket-extensions": "permessage-deflate" }, 101],
    ["S2: a foreign Origin", { origin: "https://evil.example" }, 403],
    ["S2: Origin null", { origin: "null" }, 403],
    ["S2: an Origin that begins like an allowed one", { origin: "https://noc.example.evil.example" }, 403],
    ["S2: a foreign Host (DNS rebinding)", { host: "evil.example" }, 403],
    ["S1: no token", { authorization: undefined }, 401],
    ["S1: a bad token", { authorization: "Bearer bad" }, 401],
    ["no subprotocol", { "sec-websocket-protocol": undefined }, 400],
    ["another subprotocol", { "sec-websocket-protocol": "graphql-ws" }, 400],
    ["a bad key", { "sec-websocket-key": "x" }, 400],
  ])("%s gets its status", async (_title, headers, status) => {
    expect(await statusOf(headers)).toBe(status);
  });

  test("S1: a token withdrawn closes 4401 at the next ping", async () => {
    const sender = await Sender.open(rig.url, { token: "good" });
    tokens.clear();
    rig.clock.advance(limits.pingIntervalMs);
    expect((await sender.closed).code).toBe(4401);
  });

  test("while it stops, new connections get 503", async () => {
    await rig.intake.stop();
    expect(await statusOf({})).toBe(503);
  });
});

describe("S3: frames that are no messages", () => {
  test("no pong in two intervals: terminated; with pongs: kept", async () => {
    const dumb = await Sender.open(rig.url, { autoPong: false, token: "good" });
    const live = await Sender.open(rig.url, { token: "good" });
    for (let interval = 1; interval <= 3; interval++) {
      expect(rig.intake.connections).toBe(2);
      rig.clock.advance(limits.pingIntervalMs);
      if (interval < 3) await once(live.webSocket, "ping");
      live.send(textOf({ id: `${interval}` }));
      // The answer comes after the pong before it was read.
      await live.next();
    }
    expect((await dumb.closed).code).toBe(1006);
    expect(live.webSocket.readyState).toBe(WebSocket.OPEN);
    live.webSocket.terminate();
  });

  test("each is pinged an interval after it came, not all in one turn", async () => {
    const pinged: string[] = [];
    const first = await Sender.open(rig.url, { token: "good" });
    first.webSocket.on("ping", () => pinged.push("first"));
    rig.clock.advance(limits.pingIntervalMs / 3);
    const second = await Sender.open(rig.url, { token: "good" });
    second.webSocket.on("ping", () => pinged.push("second"));
    rig.clock.advance((limits.pingIntervalMs * 2) / 3);
    await once(first.webSocket, "ping");
    expect(pinged).toEqual(["first"]);
    rig.clock.advance(limits.pingIntervalMs / 3);
    await once(second.webSocket, "ping");
    expect(pinged).toEqual(["first", "second"]);
  });

  test("pings at the bound are answered, one more closes 1008", async () => {
    const sender = await Sender.open(rig.url, { token: "good" });
    for (let ping = 0; ping < limits.pingsPerIntervalMax; ping++) sender.webSocket.ping();
    sender.send(textOf());
    await sender.next();
    sender.webSocket.ping();
    expect((await sender.closed).code).toBe(1008);
  });

  test.each<[string, Buffer, number]>([
    [
      "endless fragments",
      Buffer.concat([
        Buffer.from([0x01, 0x80, 0, 0, 0, 0]),
        ...Array.from({ length: limits.fragmentsMax }, () => Buffer.from([0x00, 0x80, 0, 0, 0, 0])),
      ]),
      1008,
    ],
    ["a reserved bit", Buffer.from([0xf1, 0x80, 0, 0, 0, 0]), 1002],
    ["an unmasked frame", Buffer.from([0x81, 0x01, 0x61]), 1002],
    ["text that is not UTF-8", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]), 1007],
  ])("%s close with the code ws gives", async (_title, bytes, code) => {
    const socket = connect(rig.port, "127.0.0.1");
    const head = Object.entries(good).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET /v1/alarms HTTP/1.1\r\nhost: 127.0.0.1\r\n${head.join("")}\r\n`);
    let got = Buffer.alloc(0);
    let sent = false;
    socket.on("data", (data: Buffer) => {
      got = Buffer.concat([got, data]);
      if (!sent && got.includes("ack.hello")) {
        sent = true;
        socket.write(bytes);
      }
      // A close frame of the server: 0x88, length, code.
      const at = got.lastIndexOf(0x88);
      if (sent && at > 0 && got.length >= at + 4) socket.end();
    });
    await once(socket, "close");
    const at = got.lastIndexOf(0x88);
    expect(got.readUInt16BE(at + 2)).toBe(code);
  });
});
