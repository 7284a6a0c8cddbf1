/** G5, A2: results of requests that have their outcome, and what happened to their ticket in between. */
import { expect, test } from "vitest";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { entry } from "../../machines/entry.ts";
import { limits } from "../../machines/limits.ts";
import { ack, asyncWorld, result } from "./async-world.ts";
import type { World, WorldOptions } from "./engine-under-test.ts";
import { acceptAll, clear, notification } from "./notifications.ts";

const error = { result: "ERROR", ticketId: null, code: "E42" } as const;
const nothing = { kind: "found", tickets: [], truncated: false } as const;

/** A service that takes a request, does not do it for now, and says in the end what a test has it say. */
async function lateWorld(options: WorldOptions = {}) {
  const started = await asyncWorld(options);
  const { world, engine, sent, last } = started;
  /** The next requests are done, or not yet. */
  function does(applied: boolean): void {
    world.onSend = ({ request }) => {
      sent.push(request.requestId);
      return { answer: ack, applied };
    };
  }
  async function told(more: Parameters<typeof result>[1] = {}): Promise<void> {
    await engine.quiet();
    const ticketId = world.service.ticketOf(last()) ?? null;
    await engine.supervisor.deliverAsync(result(last(), { ticketId, ...more }));
    await engine.quiet();
  }
  const linked = () => [...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])];
  const commands = async () =>
    (await engine.facts("request.planned")).map(({ body }) => body.payload.command);
  return { ...started, does, told, linked, commands };
}

/** The request as it was planned is done by the service now. */
async function doneLate(world: World, engine: Awaited<ReturnType<typeof lateWorld>>["engine"], id: string) {
  const [plan] = (await engine.facts("request.planned")).filter(({ body }) => body.requestId === id);
  if (plan === undefined) throw new Error("It was never planned.");
  world.onSend = () => undefined;
  const { service } = plan.body;
  await world.service.send({
    service,
    request: plan.body,
    attempt: 1,
    signal: new AbortController().signal,
  });
}

test.each([true, false])(
  "A8: a late OK of a close makes room for what waits in a storm, and its ticket is no longer linked (it names it: %s)",
  async (names) => {
    const { world, engine, last, does, told, linked, commands } = await lateWorld({
      config: { maxOpenTickets: 1 },
    });
    await acceptAll(engine, notification("1"));
    await told();
    does(false);
    await acceptAll(engine, clear("2"));
    await told(error);
    await told(error);
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "failed" });
    await acceptAll(engine, notification("3", { key: "node-2" }));
    await engine.quiet();
    expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({ storm: 1 });
    const close = last();
    await doneLate(world, engine, close);
    await engine.supervisor.deliverAsync(result(close, { ticketId: names ? "MEM-1" : null }));
    await engine.quiet();
    expect(linked()).toEqual([]);
    expect(await commands()).toEqual(["create", "close", "close", "create"]);
    expect(await engine.outcomes()).toMatchObject({ 2: "closed" });
  },
);

test.each([true, false])(
  "A8: a late OK of a reopening links its ticket, and the clear closes it (it names it: %s)",
  async (names) => {
    const { world, engine, last, does, told, linked } = await lateWorld({
      config: { reopenSeconds: 3_600 },
      row: { settleSeconds: 600 },
    });
    await acceptAll(engine, notification("1"));
    await told();
    await acceptAll(engine, clear("2"));
    await told();
    await engine.pass(60);
    does(false);
    await acceptAll(engine, notification("3"));
    await told(error);
    await told(error);
    expect(await engine.outcomes()).toMatchObject({ 3: "failed" });
    const reopening = last();
    await doneLate(world, engine, reopening);
    await engine.supervisor.deliverAsync(result(reopening, { ticketId: names ? "MEM-1" : null }));
    expect(await engine.outcomes()).toMatchObject({ 3: "reopened" });
    expect(linked()).toEqual(["MEM-1"]);
    await acceptAll(engine, clear("4"));
    await engine.pass(100);
    expect(world.service.truth().open).toBe(0);
  },
);

/** An update of MEM-1 is of unknown fate when the clear closes MEM-1. */
async function updateOutlived() {
  const at = await lateWorld({ idempotency: "none" });
  const { engine, last, does, told } = at;
  await acceptAll(engine, notification("1"));
  await told();
  does(false);
  await acceptAll(engine, notification("2", { kind: "change", severity: "critical" }));
  await engine.until(() => engine.supervisor.state.unknown.size === 1);
  const update = last();
  does(true);
  await acceptAll(engine, clear("3"));
  await told();
  expect(await engine.outcomes()).toMatchObject({ 3: "closed" });
  await engine.pass(100);
  return { ...at, update };
}

test.each([true, false])(
  "A2: the late OK of an update leaves the outcome of the clear that closed its ticket (it names it: %s)",
  async (names) => {
    const { engine, sent, update } = await updateOutlived();
    const before = sent.length;
    await engine.supervisor.deliverAsync(result(update, { ticketId: names ? "MEM-1" : null }));
    await engine.pass(300);
    expect(await engine.outcomes()).toMatchObject({ 2: "updated", 3: "closed" });
    expect(sent).toHaveLength(before);
  },
);

test("A8: the late OK of an update opens no ticket that was closed since: the clear closes the newer one", async () => {
  const { world, engine, told, linked, update } = await updateOutlived();
  await acceptAll(engine, notification("4"));
  await told();
  await engine.supervisor.deliverAsync(result(update, { ticketId: "MEM-1" }));
  await engine.quiet();
  expect(linked()).toEqual(["MEM-2"]);
  world.onSend = () => undefined;
  await acceptAll(engine, clear("5"));
  await engine.pass(400);
  expect(world.service.truth().open).toBe(0);
  expect(await engine.outcomes()).toMatchObject({ 5: "closed" });
});

test("A8: the late OK of a create that was adopted by its key opens no ticket that was closed since", async () => {
  const { world, engine, last, told, linked } = await lateWorld({ idempotency: "settles" });
  // The index of request ids lags.
  world.onSearch = ({ criteria }) => (criteria.requestedBy === undefined ? undefined : { answer: nothing });
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const create = last();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "adopted" });
  await acceptAll(engine, clear("2"));
  await told();
  await engine.pass(100);
  await acceptAll(engine, notification("3"));
  await told();
  await engine.supervisor.deliverAsync(result(create, { ticketId: "MEM-1" }));
  await engine.quiet();
  expect(linked()).toEqual(["MEM-2"]);
  expect(await engine.outcomes()).toMatchObject({ 1: "created" });
});

test.each(["verdict", "search"] as const)(
  "G5: the late OK of a create whose ticket a %s had named changes nothing",
  async (how) => {
    const { world, engine, sent, last, told, linked } = await lateWorld({ idempotency: "none" });
    world.onSearch = () => ({ answer: nothing });
    await acceptAll(engine, notification("1"));
    await engine.until(() => engine.supervisor.state.unknown.size === 1);
    const create = last();
    world.onSearch = () => undefined;
    if (how === "verdict")
      await engine.supervisor.resolve(create, {
        verdict: "applied",
        ticketId: "MEM-1",
        by: "ann",
        reason: "seen there",
      });
    await acceptAll(engine, clear("2"));
    await told();
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
    await engine.pass(100);
    const before = sent.length;
    await engine.supervisor.deliverAsync(result(create, { ticketId: "MEM-1" }));
    expect(linked()).toEqual([]);
    await engine.pass(300);
    expect(sent).toHaveLength(before);
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  },
);

test("A2: a late OK replaces no outcome that another request has given since", async () => {
  const { world, engine, last, does, told } = await lateWorld({ idempotency: "none" });
  await acceptAll(engine, notification("1"));
  await told();
  await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
  await engine.settled();
  does(false);
  await acceptAll(engine, notification("3", { kind: "change", severity: "critical" }));
  await engine.until(() => engine.supervisor.state.unknown.size === 1);
  const update = last();
  // Somebody closes the ticket; the next flow notices, and its create is refused twice.
  world.onSend = () => undefined;
  await world.service.send({
    service: world.row,
    request: {
      requestId: "ann's",
      key: "node-1",
      clientId: "hand",
      lockGuid: "hand",
      service: world.row,
      payload: { command: "close", ticketId: "MEM-1", endAt: 0, closeCode: "X", alarmRefs: [] },
    },
    attempt: 1,
    signal: new AbortController().signal,
  });
  await engine.pass(100);
  does(false);
  await acceptAll(engine, clear("4", { alarm: "node-1/fan" }));
  await told(error);
  await told(error);
  expect(await engine.outcomes()).toMatchObject({ 3: "failed" });
  await engine.supervisor.deliverAsync(result(update, { ticketId: "MEM-1" }));
  await engine.quiet();
  expect(await engine.outcomes()).toMatchObject({ 3: "failed" });
  expect(await engine.broken()).toEqual([]);
  expect(Math.min(...Object.values(engine.supervisor.counters().outcomes))).toBeGreaterThanOrEqual(0);
});

test.each(["late OK", "verdict"] as const)(
  "A8: a close by hand under an active alarm makes no new ticket, when its end is told by a %s either",
  async (how) => {
    const { world, engine, last, does, told, commands } = await lateWorld({ idempotency: "none" });
    await acceptAll(engine, notification("1"));
    await told();
    does(false);
    const held = await engine.supervisor.lock();
    await held.forward("node-1", {
      command: "close",
      ticketId: "MEM-1",
      endAt: world.clock.now(),
      closeCode: "HAND",
      alarmRefs: [],
    });
    await held.close();
    await engine.until(() => engine.supervisor.state.unknown.size === 1);
    if (how === "late OK") await engine.supervisor.deliverAsync(result(last()));
    else
      await engine.supervisor.resolve(last(), {
        verdict: "applied",
        ticketId: null,
        by: "ann",
        reason: "closed it",
      });
    await engine.pass(300);
    expect(await commands()).toEqual(["create", "close"]);
  },
);

test.each([false, true])(
  "A8: a ticket that a late OK tells of is closed, though its key was forgotten (others write meanwhile: %s)",
  async (isBusy) => {
    const { world, engine, last, does, told } = await lateWorld({ config: { dedupDays: 1 } });
    does(false);
    await acceptAll(engine, notification("1"));
    await told(error);
    await told(error);
    const create = last();
    await acceptAll(engine, clear("2"));
    await engine.settled();
    engine.kill();
    world.clock.advance(2 * 86_400_000);
    const ledger = createMemoryLedger(world.storage);
    const topology = { loadedAt: 0, files: [], rows: 0, by: "ann" } as never;
    const facts = Array.from({ length: limits.sweepEveryFacts }, () =>
      entry("audit", world.clock.now(), "topology.loaded", topology),
    );
    await ledger.append({ id: "days", expect: [], facts });
    await ledger.close();
    let asked = 0;
    const next = await world.open({
      config: { dedupDays: 1 },
      openLedger: () => {
        const opened = createMemoryLedger(world.storage);
        return Promise.resolve({
          ...opened,
          async readKey(key: string, limit: number) {
            if ((asked += 1) > 5) throw new Error("It is asked again and again.");
            if (isBusy) await next.supervisor.operators.topologyLoaded(topology);
            return opened.readKey(key, limit);
          },
        });
      },
    });
    await next.quiet();
    expect(next.supervisor.state.keys.size).toBe(0);
    await doneLate(world, next, create);
    const ticketId = world.service.ticketOf(create) ?? null;
    await next.supervisor.deliverAsync(result(create, { ticketId }));
    await next.pass(60);
    expect(world.service.truth()).toMatchObject({ creates: 1, open: 0 });
  },
);
