/** What still comes while the engine stops, and a stop whose ledger fails under it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import type { AsyncResult } from "../../actors/ports.ts";
import { callbackRoutes } from "../../adapters/http/callback.ts";
import { FailureError } from "../../machines/failure.ts";
import { enveloped } from "../service/fake-osb-peer.ts";
import { turn, World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

const late: AsyncResult = {
  requestId: "request-1",
  result: "OK",
  ticketId: "T-1",
  code: null,
  cause: null,
  text: "",
};

test("R3: what comes after the ledger is closed is refused as STOPPING, and breaks nothing", async () => {
  const engine = await new World().open();
  const { supervisor } = engine;
  await acceptAll(engine, notification("1"));
  await engine.settled();
  await supervisor.stop();
  const refused = { failure: { code: "STOPPING" } };
  await expect(supervisor.deliverAsync(late)).rejects.toMatchObject(refused);
  await expect(supervisor.operators.clearResponses(null, "ann")).rejects.toMatchObject(refused);
  await expect(supervisor.operators.changeSettings({ maxResponseRows: 7 }, "ann")).rejects.toMatchObject(
    refused,
  );
  await expect(supervisor.selectService("OSB", { by: "ann" })).rejects.toMatchObject(refused);
  await expect(supervisor.raise(notification("2"))).rejects.toMatchObject(refused);
  await turn();
  expect(engine.failures).toEqual([]);
});

test("G5: a result that can no longer be made durable is 503: the service keeps it and delivers it again", async () => {
  const sink = { deliverAsync: () => Promise.reject(new FailureError("STOPPING", "The ledger is closed.")) };
  const needs = {
    sink,
    isAwaited: () => true,
    clock: { monotonicMs: () => 0 },
    log: { warn: () => undefined },
  };
  const answer = callbackRoutes(needs)[0]?.answer;
  const server = createServer((request, response) => void answer?.(request, response, {})).listen(0);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const body = enveloped(
    `<r:ticketAsyncResponse xmlns:r="urn:ticketclient:osb:v1"><r:requestId>r-1</r:requestId><r:result>OK</r:result><r:ticketId>T-1</r:ticketId><r:processedAt>2026-01-01T00:00:00Z</r:processedAt></r:ticketAsyncResponse>`,
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/osb/callback`;
  const said = await fetch(url, { method: "POST", body });
  expect(said.status).toBe(503);
  expect(await said.text()).toContain("Fault");
});

test("R3: a ledger that fails under a stop does not keep it waiting", async () => {
  const world = new World();
  const engine = await world.open();
  const { supervisor } = engine;
  world.storage.factsMax = world.storage.facts.length;
  const asked = Promise.allSettled([supervisor.deliverAsync(late)]);
  const stopping = supervisor.stop();
  expect(await asked).toMatchObject([{ reason: { failure: { code: "LEDGER_SYNC_FAILED" } } }]);
  await stopping;
  expect(engine.failures).toHaveLength(1);
});

test("R3: nor does one that fails while running flows are let end, nor one that failed before", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const { supervisor } = engine;
  world.onSearch = () => ({ hold: new Promise(() => undefined) });
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const began = world.clock.monotonicMs();
  const stopping = supervisor.stop({ drainSeconds: 10 });
  world.storage.factsMax = world.storage.facts.length;
  await Promise.allSettled([supervisor.deliverAsync(late)]);
  await stopping;
  expect([world.clock.monotonicMs() - began, engine.failures.length]).toEqual([0, 1]);

  engine.kill();
  const next = await world.open();
  await next.quiet();
  world.storage.factsMax = world.storage.facts.length;
  await Promise.allSettled([next.supervisor.deliverAsync(late)]);
  await next.supervisor.stop({ drainSeconds: 10 });
  expect([world.clock.monotonicMs() - began, next.failures.length]).toEqual([0, 1]);
});

test("R3: whoever asks for a lock when the ledger fails is told so, in line or being granted", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const { supervisor } = engine;
  await engine.quiet();
  world.storage.factsMax = world.storage.facts.length;
  const asked = [supervisor.lock({ timeoutSeconds: 30 }), supervisor.lock({ timeoutSeconds: 30 })];
  const told: unknown[] = [];
  for (const one of asked) one.catch((error: unknown) => told.push(error));
  await engine.pass(60);
  const failed = { failure: { code: "LEDGER_SYNC_FAILED" } };
  expect(told).toMatchObject([failed, failed]);
  await expect(supervisor.lock({ timeoutSeconds: 0 })).rejects.toMatchObject(failed);
});

test("R4: whoever waits for a client when damage is found elsewhere is told so, and not that none became idle", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const { supervisor } = engine;
  await supervisor.lock();
  const waiting = Promise.allSettled([supervisor.lock({ timeoutSeconds: 30 })]);
  await engine.quiet();
  supervisor.fall(new FailureError("LEDGER_DAMAGED", "The ledger is damaged at position 1."));
  await engine.pass(60);
  expect(await waiting).toMatchObject([{ reason: { failure: { code: "LEDGER_DAMAGED" } } }]);
});

test("a stop that is asked for twice is one: whoever asks waits until it has ended", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSend = () => ({ hold: new Promise(() => undefined) });
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  let ended = 0;
  for (let asked = 0; asked < 2; asked += 1)
    void engine.supervisor.stop({ drainSeconds: 5 }).then(() => void (ended += 1));
  await engine.quiet();
  expect(ended).toBe(0);
  await engine.pass(5);
  expect(ended).toBe(2);
});

test("a service that does not close leaves no ledger open; who stops the engine is told", async () => {
  const world = new World({
    wrap: (service) => ({
      search: (call) => service.search(call),
      send: (call) => service.send(call),
      close: () => Promise.reject(new Error("its socket is gone")),
    }),
  });
  const { supervisor } = await world.open();
  await expect(supervisor.stop({ drainSeconds: 0 })).rejects.toThrow("its socket is gone");
  await expect(supervisor.deliverAsync(late)).rejects.toMatchObject({ failure: { code: "STOPPING" } });
});
