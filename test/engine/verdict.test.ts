/** Operators' verdicts on requests that nobody could say the fate of: laws A2, A8 and T1. */
import { expect, test } from "vitest";
import type { FactOf } from "../../machines/facts.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, clear, createOf, notification, oneByOne } from "./notifications.ts";

const person = { by: "ann", reason: "looked it up" };
const applied = (ticketId: string | null) => ({ verdict: "applied" as const, ticketId, ...person });
const notApplied = { verdict: "notApplied" as const, ticketId: null, ...person };

interface Scene {
  readonly world: World;
  readonly engine: EngineUnderTest;
  readonly requestId: string;
}

/** The first create gets no answer and no search finds it; `reaches`: the service did it all the same. */
async function unknownCreate({ reaches }: { readonly reaches: boolean }): Promise<Scene> {
  const world = new World({ idempotency: "none", config: { clients: 1 } });
  let creates = 0;
  world.onSend = ({ request }) =>
    request.payload.command === "create" && ++creates === 1
      ? { applied: reaches, answer: { kind: "inDoubt", code: "RESET", cause: "cut" } }
      : undefined;
  world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
  const engine = await world.open();
  await acceptAll(engine, notification("1"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "unknown" });
  const [requestId = ""] = engine.supervisor.state.unknown.keys();
  return { world, engine, requestId };
}

const reconsidered = async (engine: EngineUnderTest): Promise<string[]> =>
  (await engine.facts("alarm.reconsidered")).map(({ body }) => body.alarm.id);

test("A2 A8: not applied, and the alarm is still active: decided again, ahead of newer ones, under one outcome", async () => {
  const { world, engine, requestId } = await unknownCreate({ reaches: false });
  world.onSearch = () => undefined;
  expect(await engine.supervisor.resolve(requestId, notApplied)).toEqual({
    ok: true,
    value: { key: "node-1" },
  });
  await engine.settled();
  await engine.quiet();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ tickets: 1, duplicateOpen: 0 });
  expect(engine.supervisor.counters()).toMatchObject({ settled: 1, outcomes: { unknown: 0, created: 1 } });
  expect(engine.supervisor.state.unknown.size).toBe(0);
  expect(await engine.broken()).toEqual([]);
});

test("A2: not applied, and the alarm was cleared meanwhile: failed, and no ticket is made for it", async () => {
  const { world, engine, requestId } = await unknownCreate({ reaches: false });
  await acceptAll(engine, clear("2"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "unknown", 2: "stopped" });
  world.onSearch = () => undefined;
  await engine.supervisor.resolve(requestId, notApplied);
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "failed", 2: "stopped" });
  expect(await engine.because("1")).toBe(
    "ann found that the service did not do it: looked it up. The alarm had ended by then.",
  );
  expect(await reconsidered(engine)).toEqual([]);
  expect(world.service.truth().tickets).toBe(0);
  expect(await engine.broken()).toEqual([]);
});

test("T1: a create by hand is refused until there is a verdict on the lost one of its key, which the refusal names", async () => {
  const { world, engine, requestId } = await unknownCreate({ reaches: true });
  const held = await engine.supervisor.lock();
  const told = await held.forward("node-1", createOf("node-1"));
  expect(told).toMatchObject({
    ok: false,
    failure: { code: "DUPLICATE", detail: expect.stringContaining(requestId) as string },
  });
  expect(await held.forward("node-2", createOf("node-2")), "another key").toMatchObject({ ok: true });
  expect(world.service.truth()).toMatchObject({ tickets: 2, duplicateOpen: 0 });
  const ticketId = world.service.ticketOf(requestId) ?? "";
  await engine.supervisor.resolve(requestId, applied(ticketId));
  expect(await held.forward("node-1", { command: "update", ticketId, alarmRefs: [] })).toMatchObject({
    ok: true,
  });
  await held.close();
  expect(await engine.broken()).toEqual([]);
});

test("A2: applied: created and linked; an alarm that had waited for the verdict adopts the ticket", async () => {
  const { world, engine, requestId } = await unknownCreate({ reaches: true });
  await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "unknown", 2: "unknown" });
  world.onSearch = () => undefined;
  const ticketId = world.service.ticketOf(requestId) ?? "";
  await engine.supervisor.resolve(requestId, applied(ticketId));
  await engine.quiet();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
  expect([...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])]).toEqual([ticketId]);
  const [first] = (await engine.facts("alarm.settled")).filter(({ body }) => body.supersedes !== null);
  expect((first as FactOf<"alarm.settled">).body).toMatchObject({
    supersedes: { outcome: "unknown" },
    because: expect.stringContaining("ann") as string,
  });
  expect(world.service.truth()).toMatchObject({ tickets: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("A8: applied, and all alarms of the key were cleared meanwhile: the key is woken and the ticket is closed", async () => {
  const { world, engine, requestId } = await unknownCreate({ reaches: true });
  await acceptAll(engine, clear("2"));
  await engine.settled();
  world.onSearch = () => undefined;
  const ticketId = world.service.ticketOf(requestId) ?? "";
  await engine.supervisor.resolve(requestId, applied(ticketId));
  await engine.quiet();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  expect(world.service.truth()).toMatchObject({ tickets: 1, open: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("R1 R2: what a verdict put in line again is still there after a crash, and ends once", async () => {
  const { world, engine, requestId } = await unknownCreate({ reaches: false });
  const held = await engine.supervisor.lock();
  await engine.supervisor.resolve(requestId, notApplied);
  expect(held.lockGuid).not.toBe("");
  engine.kill();
  world.onSearch = () => undefined;
  const next = await world.open();
  await next.quiet();
  await next.settled();
  expect(await next.outcomes()).toEqual({ 1: "created" });
  expect(await next.broken()).toEqual([]);
});

test("G5 A2: an async OK that comes after not applied links its ticket and touches no outcome it no longer has", async () => {
  const { world, engine, requestId } = await unknownCreate({ reaches: true });
  await engine.supervisor.resolve(requestId, notApplied);
  await engine.quiet();
  await engine.settled();
  const ticketId = world.service.ticketOf(requestId) ?? "";
  const late = { requestId, result: "OK" as const, ticketId, code: null, cause: null, text: "" };
  await engine.supervisor.deliverAsync(late);
  expect([...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])]).toContain(ticketId);
  expect(await engine.broken()).toEqual([]);
});

test("a verdict is refused where the request is not unknown, where the ticket is missing, and where it is another's", async () => {
  const { engine, requestId } = await unknownCreate({ reaches: false });
  const { position } = engine.supervisor.state;
  const codes = [];
  for (const [id, verdict] of [
    ["nobody", notApplied],
    [requestId, applied(null)],
    [requestId, { ...notApplied, ticketId: "T-1" }],
  ] as const) {
    const told = await engine.supervisor.resolve(id, verdict);
    codes.push(told.ok ? null : told.failure.code);
  }
  expect(codes).toEqual(["UNKNOWN_REQUEST", "INVALID", "INVALID"]);
  expect(engine.supervisor.state.position).toBe(position);
});

test("A2: two operators at once: one verdict counts, the other is told that there is nothing to say", async () => {
  const { engine, requestId } = await unknownCreate({ reaches: false });
  const told = await Promise.all([
    engine.supervisor.resolve(requestId, notApplied),
    engine.supervisor.resolve(requestId, applied("T-1")),
  ]);
  expect(told.filter(({ ok }) => ok)).toHaveLength(1);
  await engine.quiet();
  expect(await engine.facts("operator.acted")).toHaveLength(1);
  expect(await engine.broken()).toEqual([]);
});

test("A8 D7: applied: what waits in a storm has its ticket by now; it is not cancelled beside it", async () => {
  const world = new World({ idempotency: "none", config: { reopenSeconds: 60, maxOpenTickets: 1 } });
  const engine = await world.open();
  await oneByOne(engine, notification("1"), clear("2"));
  const lost = { kind: "inDoubt", code: "RESET", cause: "cut" } as const;
  world.onSend = ({ request }) => (request.payload.command === "update" ? { answer: lost } : undefined);
  world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
  await oneByOne(engine, notification("3"), clear("4"));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed", 3: "unknown", 4: "stopped" });
  const [requestId = ""] = engine.supervisor.state.unknown.keys();
  world.onSearch = () => undefined;
  await engine.pass(100); // too late to be opened again
  await oneByOne(engine, notification("other", { key: "node-9" }));
  world.onSearch = ({ criteria }) =>
    criteria.clientReference === "node-1"
      ? { answer: { kind: "found", tickets: [], truncated: false } }
      : undefined;
  await acceptAll(engine, notification("5"));
  await engine.quiet();
  expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({ storm: 1 });
  world.onSearch = () => undefined;
  const both = [engine.supervisor.resolve(requestId, applied("MEM-1")), acceptAll(engine, clear("6"))];
  await Promise.all(both);
  await engine.settled();
  expect([...engine.supervisor.state.keys.get("node-1")!.open.keys()]).toEqual([]);
  expect(world.service.truth()).toMatchObject({ open: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("A8: a close that was not applied is not made up for under an alarm that has come back meanwhile", async () => {
  const world = new World({ idempotency: "none" });
  const engine = await world.open();
  await oneByOne(engine, notification("1"));
  const lost = { kind: "inDoubt", code: "RESET", cause: "cut" } as const;
  world.onSend = () => ({ answer: lost, applied: false });
  await oneByOne(engine, clear("2"));
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "unknown" });
  const [requestId = ""] = engine.supervisor.state.unknown.keys();
  const gate = Promise.withResolvers<void>();
  world.onSend = () => ({ hold: gate.promise });
  await acceptAll(engine, notification("3", { severity: "critical" }));
  await engine.quiet(); // its update is with the service
  await engine.supervisor.resolve(requestId, notApplied);
  gate.resolve();
  await engine.settled();
  await engine.quiet();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "stopped", 3: "updated" });
  expect(world.service.truth()).toMatchObject({ open: 1, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});
