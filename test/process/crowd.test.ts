/** S3: as many senders as may connect, silent, and what the others can still do. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { limits } from "../../machines/limits.ts";
import { openRig, raiseUntilGone, reach, untilAllSettled, type Rig } from "./rig.ts";

/** Of a sender that says nothing after its upgrade. */
const upgradeText = (port: number): string =>
  [
    "GET /v1/alarms HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: cloudevents.json",
    "\r\n",
  ].join("\r\n");

/** Of a sender over HTTP that keeps its connection. The engine reads it, and refuses what it says. */
const requestText = (port: number): string =>
  [
    "POST /v1/alarms HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Content-Type: application/json",
    "Content-Length: 2",
    "",
    "{}",
  ].join("\r\n");

/** Its status. */
async function open(port: number, held: Socket[], text = upgradeText(port)): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  held.push(socket);
  socket.write(text);
  const [said] = (await once(socket, "data")) as [Buffer];
  return Number(said.toString("latin1").slice("HTTP/1.1 ".length, "HTTP/1.1 101".length));
}

function residentMb(pid: number | undefined): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb) / 1024;
}

describe("as many senders as may connect", { timeout: 120_000 }, () => {
  let rig: Rig;
  const held: Socket[] = [];
  beforeEach(async () => {
    rig = await openRig();
  });
  afterEach(async () => {
    for (const socket of held.splice(0)) socket.destroy();
    await rig.dispose();
  });

  test("S3: all of them idle: the next is refused, those who were there send on, operators get in", async () => {
    const engine = rig.launch();
    const { port, sender } = await reach(engine);
    const statuses = new Map<number, number>();
    // The sender is one of them.
    for (let left = limits.connectionsMax - 1; left > 0; left -= 250) {
      const some = Array.from({ length: Math.min(left, 250) }, () => open(port, held));
      for (const status of await Promise.all(some)) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(statuses).toEqual(new Map([[101, limits.connectionsMax - 1]]));
    expect(await open(port, held)).toBe(503);
    expect(residentMb(engine.child.pid)).toBeLessThan(300); // as in a storm

    // S3: so many senders over HTTP that they would fill what is kept for operators, if they kept their connections.
    for (let left = limits.operatorConnectionsMax + limits.alarmRequestsMax; left > 0; left -= 100) {
      const some = Array.from({ length: Math.min(left, 100) }, () => open(port, held, requestText(port)));
      expect(new Set(await Promise.all(some))).toEqual(new Set([400]));
    }

    expect((await raiseUntilGone(sender, 1, 20)).size).toBe(20);
    await untilAllSettled(port);
    expect((await fetch(`http://127.0.0.1:${port}/api/clients`)).status).toBe(200);
    const reader = new WebSocket(`ws://127.0.0.1:${port}/v1/feed`, "cloudevents.json");
    const [snapshot] = (await once(reader, "message")) as [Buffer];
    expect(JSON.parse(snapshot.toString())).toMatchObject({ type: "ticketclient.feed.snapshot" });
    reader.terminate();

    for (const socket of held.splice(0)) socket.destroy();
    await expect.poll(() => open(port, held), { timeout: 30_000 }).toBe(101);
  });
});
