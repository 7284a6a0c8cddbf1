import { once } from "node:events";
import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { ConfigInput } from "../../actors/config.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { type Engine, startEngine } from "../../adapters/engine.ts";
import { readTokens } from "../../adapters/http/tokens.ts";
import { limits } from "../../machines/limits.ts";
import { enveloped } from "../service/fake-osb-peer.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function engineOf(config: ConfigInput = {}): Promise<Engine> {
  const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-http-"));
  const engine = await startEngine({
    config: { listen: { port: 0 }, ...config, dataDir },
    clock: systemClock,
    ids: systemIds,
    log: quiet,
  });
  onTestFinished(async () => {
    await engine.stop({ drainSeconds: 0 });
    rmSync(dataDir, { recursive: true, force: true });
  });
  return engine;
}

test("R3: an engine whose ledger cannot be closed says so when it is stopped, and listens no more", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-http-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const config = { listen: { port: 0 }, dataDir };
  const engine = await startEngine({ config, clock: systemClock, ids: systemIds, log: quiet });
  const { supervisor, url } = engine;
  const stop = supervisor.stop.bind(supervisor);
  vi.spyOn(supervisor, "stop").mockImplementation(async (how) => {
    await stop(how);
    throw new Error("disk I/O error"); // as its last checkpoint may
  });
  await expect(engine.stop({ drainSeconds: 0 })).rejects.toThrow("disk I/O error");
  await expect(fetch(url)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
});

interface Said {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function ask(
  engine: Engine,
  path: string,
  {
    method = "GET",
    headers = {},
    body = "",
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, engine.url), { method, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers["content-type"] ?? "",
          body: text,
        }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Status of a refused upgrade, or 101. */
async function upgrade(engine: Engine, path: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(`${engine.url.replace("http", "ws")}${path}`, "cloudevents.json", { headers });
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

const problem = (status: number) => ({ status, type: "application/problem+json" });
const result = (inside: string) =>
  enveloped(
    `<r:ticketAsyncResponse xmlns:r="urn:ticketclient:osb:v1">${inside}<r:processedAt>2026-01-01T00:00:00Z</r:processedAt></r:ticketAsyncResponse>`,
  );

describe("POST /osb/callback", () => {
  test("G5: a result for nobody is 202, and is a fact by then; repeated it is 202 again", async () => {
    const engine = await engineOf();
    const body = result("<r:requestId>r-1</r:requestId><r:result>OK</r:result><r:ticketId>T-1</r:ticketId>");
    const before = engine.supervisor.state.position;
    expect(await ask(engine, "/osb/callback", { method: "POST", body })).toMatchObject({
      status: 202,
      body: "",
    });
    expect(engine.supervisor.state.position).toBeGreaterThan(before);
    expect(await ask(engine, "/osb/callback", { method: "POST", body })).toMatchObject({ status: 202 });
  });

  test("what cannot be read is 400 with a SOAP fault", async () => {
    const said = await ask(await engineOf(), "/osb/callback", { method: "POST", body: "hello" });
    expect(said.status).toBe(400);
    expect(said.type).toContain("text/xml");
    expect(said.body).toContain("Fault");
  });

  test("S3: one byte over the limit is 413, at the limit it is looked at", async () => {
    const engine = await engineOf();
    expect(
      await ask(engine, "/osb/callback", { method: "POST", body: " ".repeat(limits.callbackBytesMax) }),
    ).toMatchObject({ status: 400 });
    expect(
      await ask(engine, "/osb/callback", { method: "POST", body: " ".repeat(limits.callbackBytesMax + 1) }),
    ).toMatchObject({ status: 413 });
  });
});

describe("before any path is looked at", () => {
  test("health and readiness", async () => {
    const engine = await engineOf();
    expect(await ask(engine, "/healthz")).toMatchObject({ status: 200 });
    expect(await ask(engine, "/readyz?x=1")).toMatchObject({ status: 200 });
  });

  test("unknown path 404, wrong method 405, both as problems", async () => {
    const engine = await engineOf();
    expect(await ask(engine, "/nothing")).toMatchObject(problem(404));
    expect(await ask(engine, "/osb/callback")).toMatchObject(problem(405));
    expect(await upgrade(engine, "/v1/nothing")).toBe(404);
  });

  test("S2: a foreign Host, a foreign or null Origin are 403, also at an upgrade; our own page is let in", async () => {
    const engine = await engineOf();
    expect(await ask(engine, "/healthz", { headers: { host: "evil.example" } })).toMatchObject(problem(403));
    for (const origin of ["https://evil.example", "null"]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await ask(engine, "/healthz", { headers: { origin } })).toMatchObject(problem(403));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await upgrade(engine, "/v1/alarms", { origin })).toBe(403);
    }
    expect(await upgrade(engine, "/v1/alarms", { host: "evil.example" })).toBe(403);
    expect(await upgrade(engine, "/v1/feed", { origin: engine.url })).toBe(101);
  });

  test("S3: headers over the limit are 431, no HTTP is 400", async () => {
    const engine = await engineOf();
    expect(
      await ask(engine, "/healthz", { headers: { long: "x".repeat(limits.httpHeaderBytesMax) } }),
    ).toMatchObject(problem(431));
    const socket = net.connect(Number(new URL(engine.url).port), "127.0.0.1", () =>
      socket.end("HELLO\r\n\r\n"),
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString("utf8")).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});

describe("S1: tokens", () => {
  const tokens = { viewer: "see", operator: "do", source: "send" };

  async function guarded(): Promise<Engine> {
    const dir = mkdtempSync(join(tmpdir(), "ticket-client-tokens-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, "tokens");
    writeFileSync(
      file,
      `# of the test\n${Object.entries(tokens)
        .map(([role, token]) => `${role}:${role}-1:${hash("sha256", token)}`)
        .join("\n")}\n`,
    );
    return engineOf({ auth: { tokensFile: file } });
  }

  test("alarms come from sources only, the feed goes to viewers and operators", async () => {
    const engine = await guarded();
    const allowed = { "/v1/alarms": ["source"], "/v1/feed": ["viewer", "operator"] };
    for (const [path, roles] of Object.entries(allowed)) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await upgrade(engine, path)).toBe(401);
      for (const [role, token] of Object.entries(tokens)) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        expect([path, role, await upgrade(engine, path, { authorization: `Bearer ${token}` })]).toEqual([
          path,
          role,
          roles.includes(role) ? 101 : 401,
        ]);
      }
    }
    expect(await upgrade(engine, "/v1/alarms", { authorization: "Bearer wrong" })).toBe(401);
  });

  test("an address that others reach is refused without tokens", async () => {
    await expect(engineOf({ listen: { host: "0.0.0.0", port: 0 } })).rejects.toMatchObject({
      failure: {
        code: "CONFIGURATION_INVALID",
        detail: expect.stringContaining("auth.tokensFile") as string,
      },
    });
  });

  test.each([
    ["is not there", "none", "ENOENT"],
    ["is a folder", "", "EISDIR"],
  ])("S1: a file of tokens that %s is refused by its path and the reason", async (_title, name, reason) => {
    const dir = mkdtempSync(join(tmpdir(), "ticket-client-tokens-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, name);
    await expect(engineOf({ auth: { tokensFile: file } })).rejects.toMatchObject({
      failure: {
        code: "CONFIGURATION_INVALID",
        detail: `auth.tokensFile: ${file} cannot be read (${reason}).`,
      },
    });
  });

  test.each([
    ["a token instead of its digest", "source:a:secret"],
    ["an unknown role", `admin:a:${"0".repeat(64)}`],
    ["the same token twice", `source:a:${"0".repeat(64)}\nviewer:b:${"0".repeat(64)}`],
    ["nothing", "# nothing\n"],
  ])("S4: %s is refused without being repeated", (_name, text) => {
    const read = readTokens(text, "tokens");
    expect(read).toMatchObject({ ok: false, failure: { code: "CONFIGURATION_INVALID" } });
    if (!read.ok) expect(read.failure.detail).not.toMatch(/secret|0{64}/);
  });
});
