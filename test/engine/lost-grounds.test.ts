/** Flows written by hand, and doubts, where what they rest on fails. */
import { expect, test } from "vitest";
import { World } from "./engine-under-test.ts";
import { acceptAll, createOf, maintenanceOf, notification } from "./notifications.ts";

const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;

test("R6: a hand whose gateway crashes while it is sending is told at once", async () => {
  let isPoison = true;
  const world = new World({
    wrap: (service) => ({
      ...service,
      send: (call) => {
        if (!isPoison) return service.send(call);
        isPoison = false;
        throw new Error("crash of the gateway");
      },
      search: (call) => service.search(call),
      close: () => service.close(),
    }),
  });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  let answer: unknown = "nothing yet";
  void held.forward("node-1", createOf("node-1")).then((given) => (answer = given));
  await engine.quiet();
  await engine.pass(10);
  expect(answer).toMatchObject({ ok: true });
});

test("R6: a hand whose plan waits in line when the gateway crashes is told at once", async () => {
  let isPoison = true;
  const world = new World({
    wrap: (service) => ({
      ...service,
      send: async (call) => {
        if (!isPoison) return service.send(call);
        isPoison = false;
        await gate.promise;
        throw null; // caught
      },
    }),
  });
  const gate = Promise.withResolvers<void>();
  const engine = await world.open();
  const a = await engine.supervisor.lock();
  const b = await engine.supervisor.lock();
  const told: unknown[] = [];
  void a.forward("node-1", createOf("node-1")).then((one) => told.push(["a", one]));
  await engine.quiet();
  void b.forward("node-2", createOf("node-2")).then((one) => told.push(["b", one]));
  await engine.quiet();
  const children = engine.supervisor.root.getSnapshot().children as Record<
    string,
    { send(e: unknown): void }
  >;
  children["gateway:OSB"]?.send({ type: "gateway.enqueue", item: null });
  await engine.quiet();
  await engine.pass(20);
  expect(told).toHaveLength(2);
});

test("G4: two attempts lost, every search refused for good: the same request goes again, and the doubt ends", async () => {
  const world = new World({ idempotency: "requestId" });
  const engine = await world.open();
  world.onSearch = () => ({
    answer: { kind: "error", code: "BAD_CONFIGURATION", cause: "403", permanent: true },
  });
  let sends = 0;
  world.onSend = () => {
    sends += 1;
    return sends <= 2 ? { answer: reset, applied: false } : undefined;
  };
  const held = await engine.supervisor.lock();
  await held.forward("node-1", createOf("node-1"));
  await held.close();
  await engine.pass(3_600);
  expect(engine.supervisor.state.requests.size).toBe(0);
});

test("G4: two attempts lost, the search by request id refused for good: the same request goes again", async () => {
  const world = new World({ idempotency: "requestId" });
  const engine = await world.open();
  world.onSearch = ({ criteria }) =>
    criteria.requestedBy === undefined
      ? undefined
      : { answer: { kind: "error", code: "FAULT_INVALID", cause: "no such criterion", permanent: true } };
  let sends = 0;
  world.onSend = () => ((sends += 1) <= 2 ? { answer: reset, applied: false } : undefined);
  await acceptAll(engine, notification("1"));
  await engine.pass(7_200);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
});

test("planned maintenance by hand stands beside the major outage of its key: it is none", async () => {
  const world = new World();
  const engine = await world.open();
  await acceptAll(engine, notification("1"));
  await engine.settled();
  const held = await engine.supervisor.lock();
  expect(await held.forward("node-1", maintenanceOf("node-1"))).toMatchObject({ ok: true });
  await held.close();
  expect(await engine.broken()).toEqual([]);
});

test("A8: a planned maintenance of unknown fate keeps no alarm of its key from its ticket, nor a hand from making one", async () => {
  const world = new World({ idempotency: "none" });
  const engine = await world.open();
  world.onSend = () => ({ answer: reset, applied: false });
  const held = await engine.supervisor.lock();
  for (const key of ["node-1", "node-2"]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await held.forward(key, maintenanceOf(key));
  }
  await held.close();
  await engine.until(() => engine.supervisor.state.unknown.size === 2);
  world.onSend = () => undefined;
  await acceptAll(engine, notification("1"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  const hand = await engine.supervisor.lock();
  expect(await hand.forward("node-2", createOf("node-2"))).toMatchObject({ ok: true });
  expect(await engine.broken()).toEqual([]);
});

test("G4: a planned maintenance in doubt is sent again beside a major outage of its key, which says nothing of it", async () => {
  const world = new World({ idempotency: "settles" });
  const engine = await world.open();
  const outage = {
    ticketId: "MO-7",
    kind: "MO",
    status: "acknowledged",
    networkElements: ["node-1"],
  } as const;
  world.onSearch = ({ criteria: { kind } }) =>
    kind === "MO"
      ? { answer: { kind: "found", tickets: [{ ...outage, clientReference: "node-1" }], truncated: false } }
      : undefined;
  world.onSend = () => (world.sends === 1 ? { answer: reset, applied: false } : undefined);
  const held = await engine.supervisor.lock();
  await held.forward("node-1", maintenanceOf("node-1"));
  await held.close();
  await engine.until(() => engine.supervisor.state.requests.size === 0);
  expect(await engine.facts("request.settled")).toMatchObject([
    { body: { result: "ok", ticketId: "MEM-1" } },
  ]);
  expect(await engine.facts("ticket.linked"), "somebody else's is not adopted").toEqual([]);
  expect(await engine.broken()).toEqual([]);
});
