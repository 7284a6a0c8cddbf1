/** Edit Ninas Counters end to end: by hand, through the gateway, at the service. */
import { expect, test } from "vitest";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

const edit: RequestPayload = {
  command: "editNinasCounters",
  kind: "MO",
  networkElement: "node-1",
  counters: [{ name: "customers", delta: 12 }],
};

test("G1, G2: it goes through the gateway like every request, has a row, and makes no ticket", async () => {
  const world = new World();
  const engine = await world.open();
  const client = await engine.supervisor.lock();
  const done = await client.forward("node-1", edit);
  expect(done).toMatchObject({ ok: true, value: { result: "settled", outcome: "ok", ticketId: null } });
  await client.close();
  const [row] = await engine.facts("response.row");
  expect(row?.body).toMatchObject({ change: false, row: { command: "editNinasCounters", key: "node-1" } });
  expect(world.service.truth()).toMatchObject({ requests: 1, tickets: 0 });
  expect(engine.supervisor.counters().openTickets).toBe(0);
  expect(await engine.broken()).toEqual([]);
});

test("it goes last: creates of alarms are before it in the gateway's line", async () => {
  const world = new World({ config: { clients: 4 } });
  const engine = await world.open();
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  world.onSend = ({ request }) => {
    order.push(`${request.payload.command} ${request.key}`);
    return order.length === 1 ? { hold: first.promise } : undefined;
  };
  const client = await engine.supervisor.lock();
  await acceptAll(engine, notification("a", { key: "a" }));
  await engine.quiet();
  const editing = client.forward("node-1", edit);
  await engine.quiet();
  await acceptAll(engine, notification("b", { key: "b" }));
  await engine.quiet();
  first.resolve();
  await editing;
  await client.close();
  expect(order).toEqual(["create a", "create b", "editNinasCounters node-1"]);
});

test("in doubt with a service that promises nothing of it: unknown, and the key's tickets go on", async () => {
  const world = new World({ idempotency: "settles" });
  const engine = await world.open();
  world.onSend = ({ request }) =>
    request.payload.command === "editNinasCounters"
      ? { answer: { kind: "inDoubt", code: "TIMEOUT", cause: "no answer" } }
      : undefined;
  const client = await engine.supervisor.lock();
  expect(await client.forward("node-1", edit)).toMatchObject({ ok: true, value: { result: "parked" } });
  await client.close();
  await acceptAll(engine, notification("up"));
  await engine.pass(120);
  expect(world.service.truth().creates).toBe(1);
  const settled = await engine.facts("request.settled");
  expect(settled.map(({ body }) => `${body.command} ${body.result}`)).toEqual([
    "editNinasCounters unknown",
    "create ok",
  ]);
  expect(await engine.broken()).toEqual([]);
});

test("what says nothing is refused before anything is planned", async () => {
  const engine = await new World().open();
  const client = await engine.supervisor.lock();
  const refused = await client.forward("node-1", { ...edit, counters: [{ name: "customers" }] });
  expect(refused).toMatchObject({ ok: false, failure: { code: "INVALID" } });
  expect(await engine.facts("request.planned")).toEqual([]);
});
