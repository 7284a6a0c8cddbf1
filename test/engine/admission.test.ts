/** What is accepted, refused, recognised and settled: laws A1 to A8, seen from outside. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readAlarmEvent } from "../../actors/alarm-message.ts";
import { readHuaweiAlarms } from "../../adapters/alarms/huawei.ts";
import { limits } from "../../machines/limits.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { correlationKey } from "../alarms/rig.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";
import { referenceOutcomes } from "./reference-model.ts";

const unreachable = { kind: "unreachable", code: "UNREACHABLE", cause: "connection refused" } as const;

test("A1: an alarm is accepted only once it is in the ledger", async () => {
  const world = new World();
  const engine = await world.open();
  let told = false;
  const accepting = engine.supervisor.raise(notification("1")).then((result) => {
    told = true;
    return result;
  });
  await Promise.resolve();
  expect([told, world.storage.facts.some((fact) => fact.type === "alarm.accepted")]).toEqual([false, false]);
  const { position } = await accepting;
  expect(world.storage.facts[position - 1]?.type).toBe("alarm.accepted");
});

test("A2, A3: raise, change and clear get one outcome each, and every request goes back to an alarm", async () => {
  const world = new World({ config: { coalesce: false } });
  const engine = await world.open();
  await acceptAll(
    engine,
    notification("raise"),
    notification("worse", { kind: "change", severity: "critical" }),
    notification("better", { kind: "change", severity: "minor" }),
    clear("clear"),
  );
  await engine.settled();
  expect(await engine.outcomes()).toEqual({
    raise: "created",
    worse: "updated",
    better: "stopped",
    clear: "closed",
  });
  const accepted = new Set((await engine.facts("alarm.accepted")).map((fact) => fact.position));
  const planned = await engine.facts("request.planned");
  expect(planned.map(({ body }) => body.payload.command)).toEqual(["create", "update", "close"]);
  for (const { body } of planned) {
    expect(body.alarms.length).toBeGreaterThan(0);
    for (const alarm of body.alarms) expect(accepted.has(alarm.position)).toBe(true);
  }
  expect(world.service.truth()).toMatchObject({ creates: 1, updates: 1, closes: 1, open: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("A4: the same alarm a hundred times makes one flow and a hundred acknowledgements, across a restart too", async () => {
  const world = new World();
  const first = await world.open();
  const deliver = (engine: typeof first) =>
    Promise.all(Array.from({ length: 50 }, () => engine.supervisor.raise(notification("1"))));
  const before = await deliver(first);
  await first.settled();
  first.kill();
  const second = await world.open();
  const after = await deliver(second);
  await second.settled();
  const told = [...before, ...after];
  expect(new Set(told.map((one) => one.position)).size).toBe(1);
  expect(told.filter((one) => !one.duplicate)).toHaveLength(1);
  expect(second.supervisor.counters()).toMatchObject({
    accepted: 1,
    duplicates: 50,
    outcomes: { created: 1 },
  });
  expect(await second.facts("flow.started")).toHaveLength(1);
  expect(world.service.truth().creates).toBe(1);
  expect(await second.broken()).toEqual([]);
});

test("A4: the same source and id with other content is refused as CONFLICT and changes nothing", async () => {
  const engine = await new World().open();
  await engine.supervisor.raise(notification("1"));
  await engine.settled();
  const { position } = engine.supervisor.state;
  const other = engine.supervisor.raise(notification("1", { severity: "critical" }));
  await expect(other).rejects.toMatchObject({ failure: { code: "CONFLICT" } });
  const again = await engine.supervisor.accept(notification("1", { severity: "critical" }), "another digest");
  expect(again.kind).toBe("conflict");
  expect(engine.supervisor.state.position).toBe(position);
});

test("A4: the same id from two sources is two alarms", async () => {
  const engine = await new World().open();
  await acceptAll(engine, notification("1", { source: "urn:a/b" }), notification("1", { source: "urn:a" }));
  await engine.settled();
  expect(engine.supervisor.counters()).toMatchObject({ accepted: 2, settled: 2, duplicates: 0 });
});

/** Real alarms of the devices whose clocks once put a clear before its raise, in the order of their times. */
function huaweiCut(): Notification[] {
  const folder = new URL("../../adapters/alarms/huawei-neurips2023/", import.meta.url);
  const csv = readFileSync(new URL("alarm.csv", folder), "utf8");
  const rows = csv.trim().split(/\r?\n/);
  const early = new Set<string>();
  for (const row of rows.slice(1)) {
    const [, device = "", start, end] = row.split(",");
    if (Number(end) < Number(start)) early.add(device);
  }
  const cut = rows.filter((row, index) => index === 0 || early.has(row.split(",")[1] ?? ""));
  const read = readHuaweiAlarms(cut.join("\n"), "alarm.csv");
  if (!read.ok) throw new Error(read.failure.detail);
  const settings = { correlationKey: correlationKey(), digest: (text: string) => text };
  return read.value.map(({ text }) => {
    const one = readAlarmEvent(JSON.parse(text), settings);
    if (!one.ok) throw new Error(one.refusal.detail);
    return one.notification;
  });
}

test.each([1, 4, 64])(
  "A5: with %i clients the real alarms end as a sequential reference says",
  async (clients) => {
    const alarms = huaweiCut();
    const world = new World({ config: { clients, coalesce: false } });
    const engine = await world.open();
    await acceptAll(engine, ...alarms);
    await engine.settled();
    const expected = referenceOutcomes(alarms);
    expect(await engine.outcomes()).toEqual(expected.outcomes);
    const rules = new Map<string, number>();
    for (const { body } of await engine.facts("flow.decided"))
      rules.set(body.rule, (rules.get(body.rule) ?? 0) + 1);
    expect(Object.fromEntries(rules)).toEqual(expected.rules);
    expect(Object.keys(expected.rules).toSorted()).toEqual(["D0", "D10", "D11", "D12", "D4", "D8"]);
    expect(world.service.truth()).toMatchObject({ open: expected.open, duplicateOpen: 0 });
    expect(await engine.broken()).toEqual([]);
  },
);

test("A5: a clear never overtakes its raise, whatever lane it waits in", async () => {
  const world = new World({ config: { clients: 2, coalesce: false } });
  const engine = await world.open();
  const commands: string[] = [];
  world.onSend = ({ request }) => void commands.push(`${request.key} ${request.payload.command}`);
  const keys = Array.from({ length: 20 }, (_, index) => `node-${index}`);
  await acceptAll(
    engine,
    ...keys.flatMap((key) => [notification(`${key} up`, { key }), clear(`${key} down`, { key })]),
  );
  await engine.settled();
  for (const key of keys) {
    expect(commands.filter((one) => one.startsWith(`${key} `))).toEqual([`${key} create`, `${key} close`]);
  }
  expect(await engine.broken()).toEqual([]);
});

test("A6: at the bound of unsettled alarms a new one is refused with retryAfterMs, and taken when one has settled", async () => {
  const world = new World({ config: { clients: 1, coalesce: false } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSearch = () => ({ hold: gate.promise });
  const most = limits.unsettledAlarmsMax;
  const told = await Promise.all(
    Array.from({ length: most + 1 }, (_, index) =>
      engine.supervisor.accept(notification(`${index}`, { key: `node-${index % 500}` }), "digest"),
    ),
  );
  expect(told.filter((one) => one.kind === "accepted")).toHaveLength(most);
  expect(told.at(-1)).toEqual({ kind: "overloaded", retryAfterMs: limits.overloadedRetryAfterMs });
  await engine.quiet();
  await expect(engine.supervisor.raise(notification("late"))).rejects.toMatchObject({
    failure: { code: "OVERLOADED" },
  });
  expect(engine.supervisor.counters()).toMatchObject({ accepted: most, unsettled: most });
  world.onSearch = ({ criteria }) =>
    criteria.clientReference === "node-0" ? undefined : { hold: gate.promise };
  const [held] = (await engine.quiet()).supervisor.snapshot().clients;
  expect(held?.state).toBe("searching");
  await engine.supervisor.forceUnlock("client-01", {
    lockGuid: held?.lockGuid ?? "",
    by: "test",
    reason: "room",
  });
  await engine.quiet();
  expect((await engine.supervisor.accept(notification("late"), "digest")).kind).toBe("accepted");
  gate.resolve();
});

test("A6: an engine that stops refuses with STOPPING, lets running flows end, and forgets nothing it accepted", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSearch = () => ({ hold: gate.promise });
  await acceptAll(engine, notification("a", { key: "node-a" }), notification("b", { key: "node-b" }));
  await engine.quiet();
  const stopping = engine.supervisor.stop({ drainSeconds: 10 });
  await expect(engine.supervisor.raise(notification("c"))).rejects.toMatchObject({
    failure: { code: "STOPPING" },
  });
  expect((await engine.supervisor.accept(notification("c"), "digest")).kind).toBe("stopping");
  await expect(engine.supervisor.lock()).rejects.toMatchObject({ failure: { code: "STOPPING" } });
  gate.resolve();
  await stopping;
  const next = await world.open();
  await next.settled();
  expect(await next.outcomes()).toEqual({ a: "created", b: "created" });
  expect(await next.broken()).toEqual([]);
});

test("A8: a service that nobody reaches for a minute delays every alarm and loses none, without another notification", async () => {
  const world = new World({ config: { clients: 4, coalesce: false } });
  const engine = await world.open();
  const backAt = world.clock.monotonicMs() + 60_000;
  const isDown = () => world.clock.monotonicMs() < backAt;
  world.onSearch = () =>
    isDown() ? { answer: { ...unreachable, kind: "error", permanent: false } } : undefined;
  const keys = Array.from({ length: 30 }, (_, index) => `node-${index}`);
  await acceptAll(engine, ...keys.map((key) => notification(key, { key })));
  await engine.pass(59);
  expect(engine.supervisor.counters().settled).toBe(0);
  expect(engine.supervisor.snapshot().clients.every((one) => one.lockStatus === "unlocked")).toBe(true);
  await engine.settled(120);
  expect(world.clock.monotonicMs()).toBeLessThan(backAt + 31_000);
  expect(engine.supervisor.counters().outcomes).toEqual({ created: 30 });
  expect(world.service.truth()).toMatchObject({ open: 30, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("A8: a gateway that cannot connect for a minute costs no attempt, and every alarm settles afterwards", async () => {
  const world = new World({ config: { clients: 4, coalesce: false } });
  const engine = await world.open();
  const backAt = world.clock.monotonicMs() + 60_000;
  world.onSend = () =>
    world.clock.monotonicMs() < backAt ? { applied: false, answer: unreachable } : undefined;
  const keys = Array.from({ length: 10 }, (_, index) => `node-${index}`);
  await acceptAll(engine, ...keys.map((key) => notification(key, { key })));
  await engine.pass(59);
  expect(engine.supervisor.counters().settled).toBe(0);
  await engine.settled(120);
  expect(engine.supervisor.counters().outcomes).toEqual({ created: 10 });
  expect(world.service.truth()).toMatchObject({ creates: 10, open: 10, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("A8: an alarm of a key that waits for its service takes its turn behind the first and both settle", async () => {
  const world = new World({ config: { coalesce: false } });
  const engine = await world.open();
  let down = true;
  world.onSearch = () => (down ? { answer: { ...unreachable, kind: "error", permanent: false } } : undefined);
  await acceptAll(engine, notification("a"));
  await engine.until(() => engine.supervisor.snapshot().queue.parked === 1);
  await acceptAll(engine, notification("b", { alarm: "node-1/fan" }));
  await engine.quiet();
  down = false;
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ a: "created", b: "adopted" });
  await oneByOne(engine, clear("c"), clear("d", { alarm: "node-1/fan" }));
  expect(await engine.outcomes()).toEqual({ a: "created", b: "adopted", c: "stopped", d: "closed" });
  expect(await engine.broken()).toEqual([]);
});
