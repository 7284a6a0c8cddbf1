/** A port that listens before its engine has recovered. */
import { request } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configSchema } from "../../actors/config.ts";
import { healthRoutes } from "../../adapters/http/health.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { type HttpServer, startHttpServer } from "../../adapters/http/server.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
let server: HttpServer;
beforeEach(async () => {
  server = await startHttpServer(configSchema.parse({ listen: { port: 0 } }).listen, {
    clock: systemClock,
    log: quiet,
  });
  server.addRoutes(healthRoutes(() => "starting"));
});
afterEach(() => server.close());

function statusOf(path: string, headers: Readonly<Record<string, string>> = {}) {
  return new Promise<{ status: number | undefined; retryAfter: string | undefined }>((resolve, reject) => {
    const outgoing = request(new URL(path, server.url), { method: "POST", headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, retryAfter: response.headers["retry-after"] });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
const upgrade = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

test("A1: a sender that comes back while the engine recovers is asked to try again, not sent away for good", async () => {
  const later = { status: 503, retryAfter: "1" };
  expect(await statusOf("/v1/alarms", upgrade)).toEqual(later);
  expect(await statusOf("/v1/alarms")).toEqual(later);
  expect(await statusOf("/osb/callback")).toEqual(later);
});

test("what is there already answers meanwhile, and what is nowhere is 404 once everything is there", async () => {
  expect(await statusOf("/healthz")).toMatchObject({ status: 405 });
  server.allAdded();
  expect(await statusOf("/v1/nothing", upgrade)).toMatchObject({ status: 404 });
  expect(await statusOf("/nothing")).toMatchObject({ status: 404 });
});
