/** S3: peers that offer what is not spoken, do not speak, do not read, or ask ahead of every answer. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { configSchema } from "../../actors/config.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { startEngine } from "../../adapters/engine.ts";
import { healthRoutes } from "../../adapters/http/health.ts";
import { type HttpServer, type Route, startHttpServer } from "../../adapters/http/server.ts";
import { limits } from "../../machines/limits.ts";
import { textOf } from "../alarms/rig.ts";
import { file, folder } from "../cli/command-line.ts";
import { makeCertificate } from "../security/certificate.ts";
import { enveloped } from "../service/fake-osb-peer.ts";

interface Logged {
  readonly event: string;
  readonly remote?: string;
  readonly unsaid?: number;
}
type How = NonNullable<Parameters<typeof startHttpServer>[2]> & {
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Monotonic. */
  readonly now?: () => number;
};

/** A server with what `routes` answer; `close` is the test's. */
async function serverOf(routes: readonly Route[], { tls, now = () => 0, ...bounds }: How = {}) {
  const logged: Logged[] = [];
  const note = (event: string, fields?: object) => void logged.push({ event, ...fields });
  const server = await startHttpServer(
    configSchema.parse({ listen: { port: 0, tls } }).listen,
    { clock: { monotonicMs: now }, log: { info: note, warn: note, error: note } },
    bounds,
  );
  server.addRoutes(routes);
  server.allAdded();
  return { server, logged };
}

const get = (path: string, headers = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`;

function post(path: string, type: string, body: string, headers: string): string {
  const length = Buffer.byteLength(body);
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n${headers}\r\n${body}`;
}

function reach({ url }: Pick<HttpServer, "url">, text = ""): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined);
  socket.write(text);
  return socket;
}

/** All that is said until `count` answers have begun, or the socket is closed. */
async function heard(socket: Socket, count = Number.POSITIVE_INFINITY): Promise<string> {
  let said = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    said += chunk.toString("latin1");
    if (said.split("HTTP/1.1 ").length > count) break;
  }
  return said;
}

const h2c =
  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";

test("who offers HTTP/2 beside HTTP/1.1, as Java's client and curl do, is answered in HTTP/1.1", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-http-"));
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const engine = await startEngine({
    config: { listen: { port: 0 }, dataDir },
    clock: systemClock,
    ids: systemIds,
    log: quiet,
  });
  onTestFinished(async () => {
    await engine.stop({ drainSeconds: 0 });
    rmSync(dataDir, { recursive: true, force: true });
  });
  const result = enveloped(
    `<r:ticketAsyncResponse xmlns:r="urn:ticketclient:osb:v1"><r:requestId>r-1</r:requestId><r:result>OK</r:result><r:processedAt>2026-01-01T00:00:00Z</r:processedAt></r:ticketAsyncResponse>`,
  );
  const asked = [
    get("/readyz", h2c),
    post("/osb/callback", "text/xml", result, h2c),
    post("/v1/alarms", "application/cloudevents+json", textOf({}), h2c),
  ];
  const statuses: string[] = [];
  for (const text of asked) statuses.push((await heard(reach(engine, text), 1)).slice(0, 12));
  expect(statuses).toEqual(["HTTP/1.1 200", "HTTP/1.1 202", "HTTP/1.1 202"]);
});

function pair() {
  const { cert, key } = makeCertificate();
  const dir = folder();
  return { cert: file(dir, "cert.pem", cert), key: file(dir, "key.pem", key) };
}

test("a peer that opens a connection and says nothing does not hold the end, over TLS as without", async () => {
  for (const tls of [{}, { tls: pair() }]) {
    const { server } = await serverOf([], { ...tls, closeGraceMs: 20 });
    const silent = reach(server);
    await once(silent, "connect");
    const closed = once(silent, "close");
    await server.close();
    await closed;
  }
});

test("a peer that opens a connection and says nothing is let go, over TLS as without", async () => {
  for (const tls of [{}, { tls: pair() }]) {
    const { server } = await serverOf([], { ...tls, unreadMs: 20 });
    onTestFinished(() => server.close());
    await once(reach(server), "close");
  }
});

/** More than the buffers of two sockets hold. */
const long = "x".repeat(16_000_000);

test("who does not read an answer is let go", async () => {
  const gone = Promise.withResolvers<void>();
  const answer: Route["answer"] = ({ socket }, response) => {
    response.end(long);
    socket.once("close", () => gone.resolve());
  };
  const { server } = await serverOf([{ method: "GET", path: "/long", answer }], { unreadMs: 500 });
  onTestFinished(() => server.close());
  reach(server, get("/long")).pause();
  await gone.promise;
});

test("who reads a long answer gets all of it, beside one who does not", async () => {
  const answer: Route["answer"] = (_, response) => void response.end(long);
  const { server } = await serverOf([{ method: "GET", path: "/long", answer }]);
  onTestFinished(() => server.close());
  reach(server, get("/long")).pause();
  const all = await heard(reach(server, get("/long", "Connection: close\r\n")));
  expect(all.length).toBeGreaterThan(long.length);
});

test("who waits for an answer that takes its time is not let go", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const answer: Route["answer"] = async (_, response) => {
    await promise;
    response.end("late");
  };
  const { server } = await serverOf([{ method: "GET", path: "/late", answer }], { unreadMs: 20 });
  onTestFinished(() => server.close());
  const patient = reach(server, get("/late", "Connection: close\r\n"));
  const other = reach(server);
  await once(other, "close"); // who has asked for nothing goes, in that same time
  resolve();
  expect(await heard(patient)).toContain("late");
});

test("who asks ahead of every answer is let go at the seventeenth; who waits for each is answered for ever", async () => {
  const { server, logged } = await serverOf(healthRoutes(() => "ready"));
  onTestFinished(() => server.close());
  const waiting = reach(server);
  for (let asked = 0; asked <= 2 * limits.unansweredPerConnectionMax; asked += 1) {
    waiting.write(get("/healthz"));
    expect(await heard(waiting, 1)).toMatch(/^HTTP\/1\.1 200/);
  }
  const hasty = reach(server, get("/healthz").repeat(limits.unansweredPerConnectionMax));
  const all = await heard(hasty, limits.unansweredPerConnectionMax);
  expect(all.match(/HTTP\/1\.1 200/g)).toHaveLength(limits.unansweredPerConnectionMax);
  expect(logged).toEqual([]);
  await once(reach(server, get("/healthz").repeat(limits.unansweredPerConnectionMax + 1)).resume(), "close");
  expect(logged).toEqual([{ event: "http.refused", status: 429, method: "GET", remote: "127.0.0.1" }]);
});

test("S3: refusals before a token is asked for fill no log, and how many were not told stands in the next", async () => {
  let now = 0;
  const { server, logged } = await serverOf([], { now: () => now });
  onTestFinished(() => server.close());
  const foreign = "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n";
  const socket = reach(server);
  for (let asked = 0; asked < 10; asked += 1) {
    socket.write(foreign);
    expect(await heard(socket, 1)).toMatch(/^HTTP\/1\.1 403/);
  }
  expect(logged).toHaveLength(limits.refusalsLoggedPerSecond);
  now = 1_000;
  socket.write(foreign);
  await heard(socket, 1);
  expect(logged.slice(limits.refusalsLoggedPerSecond)).toMatchObject([
    { event: "http.refused", status: 403, unsaid: 10 - limits.refusalsLoggedPerSecond },
  ]);
});
