/** The HTTP receiver against a receiver in the manner of healthchecks, and against everything that can go wrong. */
import { randomUUID } from "node:crypto";
import net from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Beat } from "../../actors/ports.ts";
import { createHttpReceiver } from "../../adapters/heartbeat/http.ts";
import { limits } from "../../machines/limits.ts";
import { manualClock } from "../service/manual-clock.ts";
import { knownCheck, startReceiver, type Trouble } from "./receiver.ts";

const quiet = new AbortController().signal;

async function rig(path = "") {
  const clock = manualClock();
  const peer = await startReceiver(() => clock.monotonicMs());
  onTestFinished(() => peer.stop());
  const receiver = createHttpReceiver({ url: `${peer.url}${path}`, clock });
  const beat = (kind: Beat["kind"] = "success", rid: string = randomUUID()) =>
    receiver.beat({ kind, rid, text: "text" }, quiet);
  return { clock, peer, receiver, beat };
}

describe("what a receiver makes of it", () => {
  test("a start and its end have one run, and the receiver tells how long it took", async () => {
    const { clock, peer, beat } = await rig();
    const rid = randomUUID();
    await beat("start", rid);
    expect(peer.status()).toBe("started");
    clock.advance(1_500);
    await beat("success", rid);
    expect(peer.pings.at(-1)).toMatchObject({ kind: "success", rid, durationMs: 1_500 });
    expect(peer.status()).toBe("up");
    await beat("fail");
    expect(peer.status()).toBe("down");
  });

  test("a run id that is no UUID is refused there: ours must be one", async () => {
    const { peer, beat } = await rig();
    expect(await beat("success", "id-7")).toMatchObject({ failure: { code: "BEAT_REFUSED" } });
    expect(peer.refusals).toEqual(["400 malformed rid"]);
  });

  test("an address that ends in a slash is the same address", async () => {
    const { peer, beat } = await rig("/");
    expect((await beat("start")).ok && (await beat("success")).ok).toBe(true);
    expect(peer.pings.map(({ kind }) => kind)).toEqual(["start", "success"]);
  });

  test("user and password of the address go as Basic", async () => {
    const { clock, peer } = await rig();
    const url = peer.url.replace("http://", "http://ann:p%40ss@");
    await createHttpReceiver({ url, clock }).beat({ kind: "success", rid: randomUUID(), text: "" }, quiet);
    expect(peer.headers[0]?.authorization).toBe(`Basic ${Buffer.from("ann:p@ss").toString("base64")}`);
    expect(peer.pings).toHaveLength(1);
  });

  test("S4: a reason that names the address does not carry it out", async () => {
    const { clock, peer } = await rig();
    const url = peer.url.replace("http://", "http://ann:p%40ss@");
    const text = `${url} and ${peer.url}/fail and p@ss`;
    await createHttpReceiver({ url, clock }).beat({ kind: "fail", rid: randomUUID(), text }, quiet);
    expect(peer.pings[0]?.body).not.toMatch(new RegExp(`${knownCheck}|p@ss|p%40ss`));
  });

  test("an unknown check is not taken, whichever way it is said", async () => {
    const { clock, peer, beat } = await rig();
    const url = peer.url.replace(knownCheck, randomUUID());
    const unknown = createHttpReceiver({ url, clock });
    const said = await unknown.beat({ kind: "success", rid: randomUUID(), text: "" }, quiet);
    expect(said).toMatchObject({ failure: { code: "BEAT_REFUSED", detail: "answered 404" } });
    peer.troubles.push("not found in words");
    expect(await beat()).toMatchObject({ failure: { detail: "answered 200 (not found)" } });
  });

  test("one that counts more beats than we do says 429, and that is a refusal", async () => {
    const { clock, peer, beat } = await rig();
    for (let sent = 0; sent < 5; sent += 1) await beat();
    const second = createHttpReceiver({ url: peer.url, clock });
    const said = await second.beat({ kind: "success", rid: randomUUID(), text: "" }, quiet);
    expect(said).toMatchObject({ failure: { code: "BEAT_REFUSED", detail: "answered 429" } });
  });
});

describe("what can go wrong", () => {
  test.each<{ readonly trouble: Trouble; readonly code: string }>([
    { trouble: 500, code: "BEAT_REFUSED" },
    { trouble: 503, code: "BEAT_REFUSED" },
    { trouble: 401, code: "BEAT_REFUSED" },
    { trouble: "redirect", code: "BEAT_REFUSED" },
    { trouble: "hang up", code: "BEAT_UNANSWERED" },
  ])("$trouble is $code at once, no detail names the address, and the next beat is taken", async (one) => {
    const { clock, peer, beat } = await rig();
    peer.troubles.push(one.trouble);
    const said = await beat();
    expect(said).toMatchObject({ ok: false, failure: { code: one.code } });
    expect(JSON.stringify(said)).not.toMatch(new RegExp(`${knownCheck}|127\\.0\\.0\\.1`));
    expect((await beat()).ok).toBe(true);
    expect(peer.pings, "S5: the redirect was not followed").toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });

  test("an answer that never ends in its first bytes is given up after five seconds", async () => {
    const { clock, peer, beat } = await rig();
    peer.troubles.push("half");
    const beating = beat();
    await peer.came(1);
    clock.advance(limits.heartbeatTimeoutMs);
    expect(await beating).toMatchObject({ failure: { code: "BEAT_UNANSWERED" } });
  });

  test("S3: of an answer without end 256 bytes are read and the connection is closed", async () => {
    const { peer, beat } = await rig();
    peer.troubles.push("endless");
    expect((await beat()).ok).toBe(true);
  });

  test("nobody listens there", async () => {
    const { clock } = await rig();
    const gone = await startReceiver();
    await gone.stop();
    const receiver = createHttpReceiver({ url: gone.url, clock });
    const said = await receiver.beat({ kind: "success", rid: randomUUID(), text: "" }, quiet);
    expect(said).toEqual({
      ok: false,
      failure: { code: "BEAT_UNANSWERED", detail: "no answer: ECONNREFUSED" },
    });
  });

  test("https speaks TLS: one that does not is no receiver", async () => {
    const hello = Promise.withResolvers<Buffer>();
    const server = net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (bytes) => {
        hello.resolve(bytes);
        socket.end("HTTP/1.1 200 OK\r\n\r\n");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as net.AddressInfo;
    const receiver = createHttpReceiver({ url: `https://127.0.0.1:${port}/ping/x`, clock: manualClock() });
    const said = await receiver.beat({ kind: "success", rid: randomUUID(), text: "" }, quiet);
    expect(said).toMatchObject({ failure: { code: "BEAT_UNANSWERED" } });
    expect((await hello.promise)[0], "a TLS handshake record").toBe(22);
  });
});
