/** Frames that hold what one turn says: when there are any, how many, how large. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { inBatches, startEdge, type SocketRig } from "./socket-rig.ts";

let rig: SocketRig;
beforeEach(async () => {
  rig = await startEdge();
});
afterEach(() => rig.stop());

describe("cloudevents-batch.json", () => {
  test("F1: offered beside cloudevents.json it is chosen, and a frame is an array of what one turn says", async () => {
    const plain = rig.viewer();
    const batched = rig.viewer("", {}, inBatches);
    await Promise.all([plain.take(1), batched.take(1)]);
    expect([plain.webSocket.protocol, batched.webSocket.protocol]).toEqual(inBatches);
    rig.source.emit(500);
    await Promise.all([plain.take(501), batched.take(501)]);
    expect(batched.messages.slice(1)).toEqual(plain.messages.slice(1));
    expect(plain.frames).toBe(501);
    expect(batched.frames).toBeLessThan(10);
  });

  test("what is said within 16 ms of a frame waits for the next, what comes after a pause does not", async () => {
    await rig.stop();
    rig = await startEdge({});
    const viewer = rig.viewer("", {}, inBatches);
    await viewer.take(1);
    for (let i = 0; i < 3; i++) {
      rig.source.emit(5);
      rig.clock.advance(5);
      await rig.turn();
    }
    rig.clock.advance(0);
    expect(viewer.frames).toBe(1);
    expect(rig.readers[0]?.bufferedBytes()).toBeGreaterThan(0);
    rig.clock.advance(1);
    await viewer.take(16);
    expect(viewer.frames).toBe(2);
    rig.clock.advance(16);
    rig.source.emit(1);
    await viewer.take(17);
    expect(viewer.frames).toBe(3);
  });

  test("F3: a turn that says much makes several frames, none much over the bound", async () => {
    const viewer = rig.viewer("", {}, inBatches);
    const sizes: number[] = [];
    viewer.webSocket.on("message", (data: Buffer) => sizes.push(data.length));
    await viewer.take(1);
    rig.source.emit(40, 20_000);
    await viewer.take(41);
    expect(Math.max(...sizes)).toBeLessThan(262_144 + 25_000);
    expect(viewer.frames).toBeLessThan(8);
  });

  test("alone it is not enough: who speaks only that is refused", async () => {
    expect(await rig.statusOf({ "sec-websocket-protocol": "cloudevents-batch.json" })).toBe(400);
  });
});
