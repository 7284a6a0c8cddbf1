/**
 * The console: the files that the build left in `dist/console`, from memory. They come from here alone, and the page may
 * load nothing from elsewhere, run no script but its own, and stand in no foreign frame (S2).
 * Where it was never built, `/` says how to build it.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Route } from "./server.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  // Its own API and sockets.
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const notBuilt = "The console is not built. Build it with `npm run build` and start the engine again.\n";

/** In a checkout above the sources, in the package above the compiled code. */
export function consoleFolder(): string {
  const beside = fileURLToPath(new URL("../../console", import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL("../../dist/console", import.meta.url));
}

/** `/` and a path for each file of the folder. */
export function consoleRoutes(folder: string = consoleFolder()): readonly Route[] {
  const routes = filesOf(folder).flatMap((file): Route[] => {
    const name = relative(folder, file).split(sep).join("/");
    const type = types[extname(file)];
    if (type === undefined) return [];
    const path = name === "index.html" ? "/" : `/${name}`;
    return [{ method: "GET", path, answer: answerWith(readFileSync(file), type, path === "/") }];
  });
  if (routes.some(({ path }) => path === "/")) return routes;
  return [{ method: "GET", path: "/", answer: sayNotBuilt }];
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function answerWith(bytes: Buffer, type: string, isPage: boolean): Route["answer"] {
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  let zipped: Buffer | null = null;
  return (request, response) => {
    response.setHeader("ETag", etag);
    response.setHeader("Vary", "Accept-Encoding");
    // A hash is part of every name but the page's own.
    response.setHeader("Cache-Control", isPage ? "no-cache" : "public, max-age=31536000, immutable");
    response.setHeader("Content-Security-Policy", policy);
    if (request.headers["if-none-match"]?.includes(etag) === true) {
      response.writeHead(304);
      response.end();
      return;
    }
    const isZipped = /\bgzip\b/.test(request.headers["accept-encoding"]?.toString() ?? "");
    if (isZipped) {
      zipped ??= gzipSync(bytes, { level: 9 });
      response.setHeader("Content-Encoding", "gzip");
    }
    send(request, response, { status: 200, type, body: isZipped && zipped !== null ? zipped : bytes });
  };
}

const sayNotBuilt: Route["answer"] = (request, response) =>
  send(request, response, { status: 503, type: "text/plain; charset=utf-8", body: Buffer.from(notBuilt) });

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body }: { readonly status: number; readonly type: string; readonly body: Buffer },
): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}
