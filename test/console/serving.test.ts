/** How the engine serves the console: from memory, under its policy, cached by what it is. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { consoleFolder, consoleRoutes } from "../../adapters/http/console.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { startHttpServer } from "../../adapters/http/server.ts";
import { resolveConfig } from "../../actors/config.ts";
import { ask } from "./ask.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A server that has nothing but the console of this folder. */
async function serve(folder: string): Promise<string> {
  const config = resolveConfig({ listen: { port: 0 } });
  if (!config.ok) throw new Error(config.failure.detail);
  const server = await startHttpServer(config.value.listen, { clock: systemClock, log: quiet });
  onTestFinished(() => server.close());
  server.addRoutes(consoleRoutes(folder));
  server.allAdded();
  return server.url;
}

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "ticket-client-console-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "assets"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const built = { "index.html": "<!doctype html>", "assets/a-1.js": "let a;", "assets/secret.pem": "x" };

test("the page asks every time whether it is new; what has a hash in its name is kept for good", async () => {
  const url = await serve(folderOf(built));
  const page = await ask(`${url}/`);
  expect(page).toMatchObject({ status: 200, text: "<!doctype html>" });
  expect(page.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  });
  expect(page.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  const again = await ask(`${url}/`, { "if-none-match": page.headers.etag ?? "" });
  expect(again).toMatchObject({ status: 304, text: "" });
  const script = await ask(`${url}/assets/a-1.js`);
  expect(script.headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=31536000, immutable",
  });
});

test("compressed for who can read it, with the same ETag", async () => {
  const url = await serve(folderOf(built));
  const plain = await ask(`${url}/assets/a-1.js`);
  const zipped = await ask(`${url}/assets/a-1.js`, { "accept-encoding": "br, gzip" });
  expect(zipped.headers).toMatchObject({
    "content-encoding": "gzip",
    vary: "Accept-Encoding",
    etag: plain.headers.etag,
  });
  expect(gunzipSync(zipped.bytes).toString()).toBe(plain.text);
});

test("S6: nothing but its own files; what is of no known type, or lies elsewhere, is not there", async () => {
  const url = await serve(folderOf(built));
  for (const path of [
    "/index.html",
    "/assets/secret.pem",
    "/assets/",
    "/assets/../index.html",
    "/assets/%2e%2e/index.html",
    "/nothing",
  ])
    expect(await ask(`${url}${path}`)).toMatchObject({ status: 404 });
});

test("what was built is small: scripts of at most 60 kB, compressed", async () => {
  const url = await serve(consoleFolder());
  const [, script = ""] = /src="\.(\/assets\/[^"]+\.js)"/.exec((await ask(`${url}/`)).text) ?? [];
  const { status, bytes } = await ask(`${url}${script}`, { "accept-encoding": "gzip" });
  expect(status).toBe(200);
  expect(bytes.length).toBeLessThan(60_000);
});

test("where it was never built, it says how", async () => {
  const url = await serve(join(tmpdir(), "ticket-client-console-that-is-not-there"));
  const said = await ask(`${url}/`);
  expect(said).toMatchObject({ status: 503 });
  expect(said.headers["content-type"]).toContain("text/plain");
  expect(said.text).toContain("npm run build");
});
