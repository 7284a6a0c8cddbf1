/** `listen.tls`: the same port in TLS, for HTTP, alarms, the feed and the command line. */
import { writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import tls from "node:tls";
import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/clock/system.ts";
import { startHttpServer } from "../../adapters/http/server.ts";
import { configSchema } from "../../actors/config.ts";
import { textOf } from "../alarms/rig.ts";
import { file, folder, run, someAlarms } from "../cli/command-line.ts";
import { makeCertificate } from "./certificate.ts";
import { ask, Peer, startGuarded, tokens, upgrade } from "./rig.ts";

vi.setConfig({ testTimeout: 120_000 });
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

test("S1 S2: over HTTPS as over HTTP: tokens, Host, Origin, and browsers are told to stay with TLS", async () => {
  const at = await startGuarded({ tls: true });
  expect(at.engine.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const said = await ask(at, "/api/clients", { as: "viewer" });
  expect(said.status).toBe(200);
  expect(said.headers["strict-transport-security"]).toMatch(/^max-age=\d{8}/);
  expect((await ask(at, "/api/clients")).status).toBe(401);
  expect((await ask(at, "/healthz", { headers: { origin: at.engine.url } })).status).toBe(200);
  const plainOrigin = at.engine.url.replace("https", "http");
  expect((await ask(at, "/healthz", { headers: { origin: plainOrigin } })).status).toBe(403);
  expect((await ask(at, "/healthz", { headers: { host: "evil.example" } })).status).toBe(403);
});

test("A1: an alarm over wss is kept and acknowledged, and told on the feed over wss", async () => {
  const at = await startGuarded({ tls: true });
  const feed = new Peer(at, "/v1/feed?types=alarm.accepted", { as: "viewer" });
  expect(await feed.text()).toContain("feed.snapshot");
  const sender = new Peer(at, "/v1/alarms", { as: "source" });
  expect(await sender.text()).toContain("ack.hello");
  sender.webSocket.send(textOf({ id: "over-tls" }));
  expect(await sender.text()).toContain("ack.accepted");
  expect(await feed.until((text) => text.includes("alarm.accepted"))).toContain('"over-tls"');
  expect(await upgrade(at, "/v1/feed")).toBe(401);
  expect(await upgrade(at, "/inspect", { as: "viewer", protocols: [] })).toBe(101);
});

test("OWASP, always wss: without TLS nothing is answered on that port, and older than TLS 1.2 neither", async () => {
  const at = await startGuarded({ tls: true });
  const plain = await new Promise<string>((resolve) => {
    http
      .get(at.engine.url.replace("https", "http"), (response) => resolve(String(response.statusCode)))
      .on("error", (error) => resolve(error.message));
  });
  expect(plain).not.toMatch(/^[23]/);
  const old = tls.connect({
    port: at.port,
    host: "127.0.0.1",
    ca: at.certificate?.cert,
    maxVersion: "TLSv1.1",
    minVersion: "TLSv1",
  });
  const [error] = (await once(old, "error")) as [Error];
  expect(error.message).toMatch(/protocol|version/i);
});

test("a peer that does not trust the certificate says nothing", async () => {
  const at = await startGuarded({ tls: true });
  const error = await new Promise<Error>((resolve, reject) => {
    https.get(at.engine.url, () => reject(new Error("answered"))).on("error", resolve);
  });
  expect(error.message).toContain("self-signed certificate");
});

test("the command line asks and replays over TLS, where the certificate is trusted", async () => {
  const at = await startGuarded({ tls: true });
  const trusting = { NODE_EXTRA_CA_CERTS: join(at.dir, "cert.pem"), TICKET_CLIENT_TOKEN: tokens.viewer };
  const clients = await run(["clients", "--json", "--url", at.engine.url], trusting);
  expect(clients).toMatchObject({ code: 0, stderr: "" });
  const sent = await run(
    [
      "replay",
      someAlarms(folder(), 5),
      "--json",
      "--url",
      at.engine.url.replace("https", "wss"),
      "--token",
      tokens.source,
    ],
    trusting,
  );
  expect(sent.code).toBe(0);
  expect(JSON.parse(sent.stdout)).toMatchObject({ accepted: 10 });
  const distrusting = await run(["clients", "--json", "--url", at.engine.url]);
  expect(distrusting.code).toBe(1);
  expect(distrusting.stderr).toContain("self-signed certificate");
});

test("a certificate or key that is missing, none, or of another is refused at the start with its setting", async () => {
  const dir = folder();
  const [one, other] = [makeCertificate(), makeCertificate()];
  const cert = file(dir, "cert.pem", one.cert);
  const key = file(dir, "key.pem", one.key);
  const junk = file(dir, "junk.pem", "not a key");
  writeFileSync(join(dir, "other.pem"), other.key);
  const cases: readonly [{ readonly cert: string; readonly key: string }, RegExp][] = [
    [{ cert: join(dir, "none.pem"), key }, /^listen\.tls\.cert: .*none\.pem cannot be read \(ENOENT\)/],
    [{ cert, key: dir }, /^listen\.tls\.key: .* cannot be read \(EISDIR\)/],
    [{ cert: junk, key }, /^listen\.tls: /],
    [{ cert, key: junk }, /^listen\.tls: /],
    [{ cert, key: join(dir, "other.pem") }, /^listen\.tls: /],
  ];
  for (const [pair, detail] of cases)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await expect(
      startHttpServer(configSchema.parse({ listen: { port: 0, tls: pair } }).listen, {
        clock: systemClock,
        log: quiet,
      }),
    ).rejects.toMatchObject({
      failure: { code: "CONFIGURATION_INVALID", detail: expect.stringMatching(detail) as string },
    });
});
