/**
 * S4: every secret that there is gets a text that occurs nowhere else; a real process is driven through everything; then
 * every byte that it said, answered or wrote is searched for them.
 */
import { hash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { textOf } from "../alarms/rig.ts";
import { file, folder, run, start } from "../cli/command-line.ts";
import { enveloped } from "../service/fake-osb-peer.ts";
import { header, row } from "../service-table/tables.ts";
import { makeCertificate } from "./certificate.ts";

vi.setConfig({ testTimeout: 240_000 });

const canary = (what: string) => `canary-${what}-${randomBytes(9).toString("hex")}`;

/** As it stands, and as others write it. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  // In the midst of other text base64 begins at one of three places.
  const shifted = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return [
    secret,
    ...shifted,
    ...shifted.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    bytes.toString("hex"),
    encodeURIComponent(secret),
    secret.slice(0, -4),
  ];
}

/** A service that fails in a way that repeats what it was sent, its headers too. */
async function startEcho(): Promise<number> {
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      response.writeHead(500, { "Content-Type": "text/html" });
      response.end(`<html>${JSON.stringify(request.rawHeaders)}${body}</html>`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A receiver of heartbeats that refuses, and says where it was asked. */
async function startRefusingReceiver(): Promise<number> {
  const server = http.createServer((request, response) => {
    response.writeHead(403);
    response.end(`no: ${request.url ?? ""} ${request.headers.authorization ?? ""}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("S4: no secret in a log, a row, the feed, an answer, an error, a page, an export or a file", async () => {
  const secrets = {
    viewer: canary("viewer"),
    operator: canary("operator"),
    source: canary("source"),
    guessed: canary("guessed"),
    password: canary("password"),
    heartbeat: canary("heartbeat"),
    heartbeatUser: canary("heartbeat-user"),
    mysql: canary("mysql"),
    callback: canary("callback"),
  };
  const dir = folder();
  const dataDir = join(dir, "data");
  mkdirSync(dataDir);
  const certificate = makeCertificate();
  const key = file(dir, "key.pem", certificate.key);
  const cert = file(dir, "cert.pem", certificate.cert);
  const keyLine = certificate.key.split("\n")[1] ?? "";
  const tokensFile = file(
    dir,
    "tokens",
    (["viewer", "operator", "source"] as const)
      .map((role) => `${role}:${role}-1:${hash("sha256", secrets[role])}\n`)
      .join(""),
  );
  const passwordFile = file(dir, "password", `${secrets.password}\n`);
  const secretFile = file(dir, "callback", `${secrets.callback}\n`);
  const cells = { port: String(await startEcho()), user: "dma", passwordFile, timeoutSeconds: "2" };
  const services = file(dir, "services.csv", `${header}\n${row(cells)}\n`);
  const receiver = `http://u:${secrets.heartbeatUser}@127.0.0.1:${await startRefusingReceiver()}/${secrets.heartbeat}`;
  const config = file(
    dir,
    "engine.json",
    JSON.stringify({
      dataDir,
      listen: { port: 0, tls: { cert, key } },
      auth: { tokensFile },
      callback: { secretFile },
      services: { file: services, selected: "OSB" },
      gateway: { offloadFile: "offload.ndjson" },
      topology: { kind: "mysql", url: `mysql://u:${secrets.mysql}@127.0.0.1:1/d` },
      heartbeat: { url: receiver, engineUrl: receiver },
    }),
  );

  const said: string[] = [];
  const engine = start(["serve", "--json", "--config", config, "--log-level", "debug"]);
  engine.child.stdout?.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  engine.child.stderr?.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const { url } = JSON.parse(await engine.line()) as { url: string };
  const trusting = { NODE_EXTRA_CA_CERTS: cert };

  // --- sockets: what is told to readers, and to those who are refused
  const open = (path: string, token: string | null, protocols = ["cloudevents.json"]) => {
    const socket = new WebSocket(url.replace("https", "wss") + path, protocols, {
      ca: certificate.cert,
      ...(token === null ? undefined : { headers: { authorization: `Bearer ${token}` } }),
    });
    onTestFinished(() => socket.terminate());
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => said.push(data.toString()));
    socket.on("close", (code, reason) => said.push(`${code} ${reason.toString()}`));
    socket.on("upgrade", ({ headers }) => said.push(JSON.stringify(headers)));
    socket.on("unexpected-response", (_request, response) => {
      said.push(JSON.stringify(response.headers));
      response.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    });
    return socket;
  };
  const page = `bearer.${Buffer.from(secrets.viewer).toString("base64url")}`;
  await Promise.all([
    once(open("/v1/feed", secrets.viewer), "open"),
    once(open("/v1/feed", null, ["cloudevents.json", page]), "open"),
    once(open("/inspect", secrets.operator, []), "open"),
    once(open(`/v1/feed?token=${secrets.viewer}`, secrets.guessed), "unexpected-response"),
    once(open(`/v1/feed?only=${secrets.guessed.slice(0, 4)}`, secrets.viewer), "close"),
  ]);
  const sender = open("/v1/alarms", secrets.source);
  await once(sender, "open");
  sender.send(textOf({ id: "1" }));
  sender.send(textOf({ id: "bad", alarm: { state: "none" } }));

  // --- the flow meets a service that says back what it was sent
  const seen = (part: string) =>
    vi.waitFor(() => expect(said.join("\n")).toContain(part), { timeout: 60_000, interval: 20 });
  await seen('"ticketclient.response.row"');
  await seen("HTTP 500");

  // --- HTTP: every page, good and refused commands
  const ask = (path: string, token: string, method = "GET", body?: string, type = "application/json") =>
    new Promise<void>((resolve, reject) => {
      const asked = https.request(
        new URL(path, url),
        {
          method,
          ca: certificate.cert,
          agent: false,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined
              ? undefined
              : { "content-type": type, "content-length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          said.push(JSON.stringify(response.headers));
          response.on("data", (chunk: Buffer) => said.push(chunk.toString()));
          response.on("end", () => resolve());
        },
      );
      asked.on("error", reject);
      asked.end(body);
    });
  const force = JSON.stringify({ lockGuid: "9b2f0d6e-1111-4222-8333-444455556666", reason: "hangs" });
  const paths =
    "clients clients/client-01 clients/client-01/search-results responses services services/export configuration flows " +
    "explain?key=node-1 explain?source=urn:test&id=1 gateway audit topology/path/node-1 openapi.json asyncapi.json nothing";
  for (const path of paths.split(" ")) await ask(`/api/${path}`, secrets.operator); // oxlint-disable-line no-await-in-loop -- one after the other
  await ask("/", secrets.viewer);
  await ask("/metrics", secrets.viewer);
  await ask("/readyz", secrets.viewer);
  await ask("/api/clients", secrets.guessed);
  await ask("/api/clients/client-01/force-unlock", secrets.viewer, "POST", force);
  await ask("/api/clients/client-01/force-unlock", secrets.operator, "POST", force);
  await ask("/api/search", secrets.operator, "POST", JSON.stringify({ clientReference: "node-1" }));
  await ask(
    "/api/services/import?dryRun=true",
    secrets.operator,
    "POST",
    `${header}\n${row({ ...cells, port: "0" })}\n`,
    "text/csv",
  );
  await ask(
    "/api/services/import",
    secrets.operator,
    "POST",
    `${header}\n${row({ ...cells, notes: "n" })}\n`,
    "text/csv",
  );
  await ask("/v1/alarms", secrets.source, "POST", textOf({ id: "2" }), "application/cloudevents+json");
  await ask("/osb/callback", secrets.viewer, "POST", "<a/>", "text/xml");
  const repeated = `<r:result>ERROR</r:result><r:reason>to ${secrets.callback}</r:reason>`;
  const delivery = enveloped(
    `<r:ticketAsyncResponse xmlns:r="urn:ticketclient:osb:v1"><r:requestId>late</r:requestId>${repeated}<r:processedAt>2026-01-01T00:00:00Z</r:processedAt></r:ticketAsyncResponse>`,
  );
  await ask(`/osb/callback/${secrets.callback}`, secrets.viewer, "POST", delivery, "text/xml");
  await ask(`/osb/callback/${secrets.callback}`, secrets.viewer, "POST", "<a/>", "text/xml");
  await ask(`/osb/callback/${secrets.callback}x`, secrets.viewer, "POST", "<a/>", "text/xml");

  // --- the command line, beside the engine and after it
  const commands: readonly (readonly string[])[] = [
    ["clients", "--url", url],
    ["force-unlock", "client-01", "--guid", "g", "--reason", "r", "--url", url],
    ["services", "export", join(dir, "exported.csv"), "--config", config],
    ["explain", "--key", "node-1", "--config", config],
    ["topology", "path", "node-1", "--config", config],
    ["ledger", "stats", "--config", config],
    ["ledger", "verify", "--config", config],
    ["ledger", "export", join(dir, "exported.ndjson"), "--config", config],
    ["serve", "--port", "0", "--config", config],
  ];
  for (const words of commands) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const ended = await run(words, { ...trusting, TICKET_CLIENT_TOKEN: secrets.operator });
    said.push(ended.stdout, ended.stderr);
  }
  // What is refused at the start repeats no value either.
  for (const [name, value] of [
    ["TICKET_CLIENT_TOPOLOGY_URL", `mysql://${secrets.mysql}`],
    ["TICKET_CLIENT_HEARTBEAT_URL", `ftp://h/${secrets.heartbeat}`],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const ended = await run(["serve", "--port", "0", "--config", config], { [name]: value });
    expect(ended.code).toBe(2);
    said.push(ended.stdout, ended.stderr);
  }
  engine.child.kill("SIGTERM");
  await engine.ended;

  // --- every file that was written, and the ledger's views as a person reads them
  const own = new Set([key, tokensFile, secretFile, passwordFile, config, cert]);
  const files = readdirSync(dir, { recursive: true, encoding: "utf8" }).map((name) => join(dir, name));
  const written = files.filter((one) => statSync(one).isFile() && !own.has(one));
  expect(written.map((one) => one.slice(dir.length + 1))).toEqual(
    expect.arrayContaining(["data/ledger.db", "exported.csv", "exported.ndjson"]),
  );
  for (const one of written) said.push(readFileSync(one, "latin1"));
  const db = new DatabaseSync(join(dataDir, "ledger.db"), { readOnly: true });
  for (const view of ["responses", "flows", "alarms", "audit"])
    said.push(JSON.stringify(db.prepare(`SELECT * FROM ${view}`).all()));
  db.close();

  const everything = said.join("\n");
  const found = Object.entries({ ...secrets, key: keyLine }).flatMap(([name, secret]) =>
    formsOf(secret)
      .filter((form) => everything.includes(form))
      .map(
        (form) =>
          `${name}: …${everything.slice(Math.max(0, everything.indexOf(form) - 80), everything.indexOf(form))}[here]`,
      ),
  );
  expect(found).toEqual([]);
  // It was said at all: the search must have something to miss.
  for (const part of ["•••", "heartbeat.failed", "NOT_LOCKED|STALE_GUID", "UNAUTHORIZED", "UNREADABLE"])
    expect([part, new RegExp(part).test(everything)]).toEqual([part, true]);
});
