/** What the OSB adapter puts on the wire, and what it never does. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { createOsbService } from "../../adapters/service/osb.ts";
import { cutText, rowText } from "../../adapters/service/row-texts.ts";
import { createPayload, searchCall, sendCall, serviceRow } from "./calls.ts";
import { acknowledged, faulted, found, startFakePeer, type PeerRequest } from "./fake-osb-peer.ts";
import { manualClock } from "./manual-clock.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

const ok = (r: PeerRequest) =>
  r.answer(
    200,
    r.body.includes("search")
      ? found(r.requestId, "", 0)
      : acknowledged(r.requestId, "<o:result>ACK</o:result>"),
  );

async function rig(
  onRequest: (request: PeerRequest) => void = ok,
  more: { hostAllowed?: (host: string) => boolean } = {},
) {
  const peer = await startFakePeer(onRequest);
  const service = createOsbService({
    callbackUrl: () => "http://127.0.0.1:8640/osb/callback",
    clock: manualClock(),
    ...more,
  });
  cleanups.push(
    () => service.close(),
    () => peer.close(),
  );
  return { peer, service };
}

async function passwordFile(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "osb-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const file = join(folder, "password");
  await writeFile(file, content);
  return file;
}

describe("on the wire", () => {
  test("one request, one set of headers: quoted SOAPAction, length, addressing; the same for every attempt (G3)", async () => {
    const { peer, service } = await rig();
    const row = serviceRow(peer.port, { path: "/osb/Tickets?env=1" });
    const call = sendCall(row, createPayload({ summary: "ü" }), {
      requestId: "11111111-0000-4000-8000-000000000000",
    });
    await service.send(call);
    await service.search(searchCall(row));
    await service.send({ ...call, attempt: 2 });
    const [first, search, again] = peer.requests;
    expect(first?.head).toContain("POST /osb/Tickets?env=1 HTTP/1.1");
    expect(first?.head).toContain(`Host: 127.0.0.1:${peer.port}`);
    expect(first?.head).toContain('SOAPAction: "urn:ticketclient:osb:v1/CreateTicket"');
    expect(first?.head).toContain(`Content-Length: ${Buffer.byteLength(first?.body ?? "")}`);
    expect(first?.head).not.toMatch(/transfer-encoding|authorization/i);
    expect(first?.body).toContain(
      "<wsa:MessageID>urn:uuid:11111111-0000-4000-8000-000000000000</wsa:MessageID>",
    );
    expect(first?.body).toContain("<wsa:Address>http://127.0.0.1:8640/osb/callback</wsa:Address>");
    expect(first?.body).toContain(`<wsa:To>http://127.0.0.1:${peer.port}/osb/Tickets?env=1</wsa:To>`);
    expect(search?.head).toContain('SOAPAction: "urn:ticketclient:osb:v1/SearchTicket"');
    expect(again?.body).toBe(first?.body);
    expect(again?.head).toBe(first?.head);
  });

  test("connections are kept between requests, apart for searches", async () => {
    const { peer, service } = await rig();
    for (let i = 0; i < 5; i += 1) {
      await service.send(sendCall(serviceRow(peer.port)));
      await service.search(searchCall(serviceRow(peer.port)));
    }
    expect(peer.connections()).toBe(2);
  });
});

describe("S5: only where it may, and BAD_CONFIGURATION before any byte", () => {
  test("a host that is not allowed is never called", async () => {
    const { peer, service } = await rig(ok, { hostAllowed: (host) => host !== "127.0.0.1" });
    expect(await service.send(sendCall(serviceRow(peer.port)))).toMatchObject({
      kind: "failed",
      code: "BAD_CONFIGURATION",
    });
    expect(await service.search(searchCall(serviceRow(peer.port)))).toMatchObject({ permanent: true });
    expect(peer.connections()).toBe(0);
  });

  test("a path that HTTP does not allow, a time that cannot be written, a missing password file: failed, not thrown", async () => {
    const { peer, service } = await rig();
    const bad = { kind: "failed", code: "BAD_CONFIGURATION" };
    expect(await service.send(sendCall(serviceRow(peer.port, { path: "/a b\r\nX: y" })))).toMatchObject(bad);
    expect(
      await service.send(sendCall(serviceRow(peer.port), createPayload({ startAt: 1e20 }))),
    ).toMatchObject(bad);
    const noFile = serviceRow(peer.port, { user: "u", passwordFile: "/nowhere/password" });
    expect(await service.send(sendCall(noFile))).toMatchObject(bad);
    expect(peer.connections()).toBe(0);
  });
});

describe("S4: no secret in a text", () => {
  test("Basic credentials go out, and stay out of request, answer and cause, also when the service repeats them", async () => {
    const password = "s3cret&<ü";
    const token = Buffer.from(`tc:${password}`).toString("base64");
    const { peer, service } = await rig((r) =>
      r.answer(500, faulted("Server", `no Basic ${token}, s3cret&amp;&lt;ü ${"x".repeat(600)}`)),
    );
    const row = serviceRow(peer.port, { user: "tc", passwordFile: await passwordFile(`${password}\n`) });
    const sent = await service.send(sendCall(row, createPayload({ summary: `password ${password}` })));
    const searched = await service.search(searchCall(row));
    expect(peer.requests[0]?.head).toContain(`Authorization: Basic ${token}`);
    expect(sent).toMatchObject({ kind: "inDoubt", code: "FAULT" });
    for (const secret of [password, "s3cret", token]) {
      expect(JSON.stringify([sent, searched])).not.toContain(secret);
    }
  });

  test("a changed password file counts at the next call", async () => {
    const { peer, service } = await rig();
    const file = await passwordFile("one");
    const row = serviceRow(peer.port, { user: "tc", passwordFile: file });
    await service.send(sendCall(row));
    await writeFile(file, "two");
    await service.send(sendCall(row));
    const sent = peer.requests.map((r) => /Basic (\S+)/.exec(r.head)?.[1] ?? "");
    expect(sent.map((token) => Buffer.from(token, "base64").toString())).toEqual(["tc:one", "tc:two"]);
  });
});

describe("texts of a row", () => {
  test("G6: cut at the limit, never inside a character", () => {
    const max = limits.rowTextBytesMax;
    expect(cutText("a".repeat(max))).toHaveLength(max);
    expect(cutText("a".repeat(max + 1))).toHaveLength(max);
    for (const character of ["ü", "€", "\u{1F525}"]) {
      for (let before = 0; before < 4; before += 1) {
        const cut = cutText("a".repeat(max - before) + character.repeat(2));
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
        expect(cut).not.toContain("\uFFFD");
        expect(cut.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(cut)).toBeGreaterThan(max - 4);
      }
    }
  });

  test("S4: a secret across the cut does not leave its first half", () => {
    expect(rowText(`${"a".repeat(8)}secret`, ["secret"], 11)).not.toContain("sec");
  });

  test("what came is kept: the answer, its status where it is not 200, half an answer", async () => {
    const answers = [
      (r: PeerRequest) => r.answer(202, "soon"),
      (r: PeerRequest) => r.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"),
    ];
    const { peer, service } = await rig((r) => answers.shift()?.(r));
    const row = serviceRow(peer.port);
    expect((await service.send(sendCall(row))).texts.answer).toBe("HTTP 202 Said So\n\nsoon");
    const half = await service.send(sendCall(row));
    expect(half.texts.answer).toBe("half");
    expect(half.texts.request).toBe(peer.requests[1]?.body);
  });
});
