/** Several notifications of a key in one flow, and pairs that cancel out: domain.md, "Admitted". */
import { expect, test } from "vitest";
import type { Fact } from "../../machines/facts.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { stateText } from "../../machines/fold-snapshot.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";

test("A2: notifications folded into one flow get one outcome each, and their sum is what was accepted", async () => {
  const world = new World({ config: { clients: 2 } });
  const engine = await world.open();
  const keys = Array.from({ length: 5 }, (_, index) => `node-${index}`);
  await acceptAll(
    engine,
    ...keys.flatMap((key) =>
      Array.from({ length: 7 }, (_, index) =>
        notification(`${key} ${index}`, { key, alarm: `${key}/${index}` }),
      ),
    ),
  );
  await engine.settled();
  const { accepted, settled, outcomes } = engine.supervisor.counters();
  expect([accepted, settled, outcomes]).toEqual([35, 35, { created: 5, coalesced: 30 }]);
  expect(world.service.truth()).toMatchObject({ creates: 5, duplicateOpen: 0 });
  await acceptAll(
    engine,
    ...keys.flatMap((key) =>
      Array.from({ length: 7 }, (_, index) =>
        clear(`${key} ${index} over`, { key, alarm: `${key}/${index}` }),
      ),
    ),
  );
  await engine.settled();
  expect(engine.supervisor.counters().outcomes).toEqual({ created: 5, closed: 5, coalesced: 60 });
  expect(world.service.truth()).toMatchObject({ closes: 5, open: 0 });
  expect(await engine.broken()).toEqual([]);
});

test("A2: the worst of the folded alarms sets the ticket's severity", async () => {
  const world = new World();
  const engine = await world.open();
  await acceptAll(
    engine,
    notification("1", { severity: "minor" }),
    notification("2", { alarm: "node-1/fan", severity: "critical" }),
    notification("3", { alarm: "node-1/psu", severity: "major" }),
  );
  await engine.settled();
  const [planned] = await engine.facts("request.planned");
  expect(planned?.body.payload).toMatchObject({ severity: "critical" });
  expect(planned?.body.payload.command === "create" && planned.body.payload.alarmRefs).toHaveLength(3);
});

test("A2: a raise and its clear that wait together cancel out in one commit, without a flow or a search", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  const commits: (readonly Fact[])[] = [];
  engine.supervisor.onFacts((facts) => commits.push(facts));
  await acceptAll(engine, notification("1"), clear("2"));
  await engine.quiet();
  await held.close();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "coalesced", 2: "coalesced" });
  const settling = commits.filter((facts) => facts.some((fact) => fact.type === "alarm.settled"));
  expect(settling.map((facts) => facts.length)).toEqual([2]);
  expect([await engine.facts("flow.started"), world.searches, world.service.truth().requests]).toEqual([
    [],
    0,
    0,
  ]);
  expect(engine.supervisor.state.keys.get("node-1")?.active.size).toBe(0);
  expect(await engine.broken()).toEqual([]);
});

test("A5: a raise whose alarm is active already does not cancel out with its clear: the ticket is closed", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  await oneByOne(engine, notification("1"));
  const held = await engine.supervisor.lock();
  await acceptAll(engine, notification("2"), clear("3"));
  await engine.quiet();
  await held.close();
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted", 3: "closed" });
  expect(world.service.truth().open).toBe(0);
});

test("A5: a raise that a flow has begun for does not cancel out with a clear that comes while it is parked", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "down", permanent: false },
  });
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.snapshot().queue.parked === 1);
  await acceptAll(engine, clear("2"));
  world.onSearch = () => undefined;
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  expect(world.service.truth()).toMatchObject({ creates: 1, closes: 1, open: 0 });
});

test("D0: an early clear is consumed by its raise, which then makes no ticket, with and without coalescing", async () => {
  for (const coalesce of [true, false]) {
    const world = new World({ config: { coalesce } });
    // oxlint-disable-next-line no-await-in-loop
    const engine = await world.open();
    // oxlint-disable-next-line no-await-in-loop
    await acceptAll(engine, clear("1"), notification("2"), notification("3"));
    // oxlint-disable-next-line no-await-in-loop
    await engine.settled();
    // oxlint-disable-next-line no-await-in-loop
    expect(await engine.outcomes()).toEqual({ 1: "stopped", 2: "stopped", 3: "created" });
    // oxlint-disable-next-line no-await-in-loop
    expect(await engine.broken()).toEqual([]);
  }
});

test.each([
  { coalesce: true, flaps: 8_000 },
  { coalesce: false, flaps: 800 },
])(
  "one pair flapping $flaps times leaves memory flat and never a second open ticket (coalesce $coalesce)",
  async ({ coalesce, flaps }) => {
    const world = new World({ config: { clients: 4, coalesce } });
    const engine = await world.open();
    const sizes: number[] = [];
    let creating = 0;
    let creatingMost = 0;
    let answered = Promise.withResolvers<void>();
    world.onSend = ({ request }) => {
      if (request.payload.command !== "create") return undefined;
      creatingMost = Math.max(creatingMost, (creating += 1));
      return { hold: answered.promise.then(() => void (creating -= 1)) };
    };
    for (let flap = 0; flap < flaps; flap += 100) {
      answered = Promise.withResolvers();
      const [first, ...others] = Array.from({ length: 100 }, (_, index) => [
        notification(`${flap + index} up`),
        clear(`${flap + index} down`),
      ]).flat();
      // oxlint-disable-next-line no-await-in-loop
      await acceptAll(engine, first as Notification);
      // oxlint-disable-next-line no-await-in-loop
      await engine.quiet();
      expect(creating).toBe(1);
      // The pair goes on while the create is under way.
      // oxlint-disable-next-line no-await-in-loop
      await acceptAll(engine, ...others);
      // oxlint-disable-next-line no-await-in-loop
      await engine.quiet();
      answered.resolve();
      // oxlint-disable-next-line no-await-in-loop
      await engine.settled();
      world.clock.advance(100_000);
      sizes.push(stateText(engine.supervisor.state).length);
    }
    const { accepted, settled, outcomes } = engine.supervisor.counters();
    expect([accepted, settled]).toEqual([2 * flaps, 2 * flaps]);
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(2 * flaps);
    expect(creatingMost).toBe(1);
    expect(world.service.truth().creates).toBeGreaterThanOrEqual(flaps / 100);
    // Rows of the response table grow to their bound (maxResponseRows), which the first tenth may not have reached.
    const rows = [...engine.supervisor.state.tables.values()].reduce(
      (sum, { settled: places, changes }) => sum + JSON.stringify([places, changes]).length,
      0,
    );
    expect((sizes.at(-1) ?? 0) - rows).toBeLessThan((sizes[0] ?? 0) + 1_000);
    expect(world.service.truth()).toMatchObject({ open: 0, duplicateOpen: 0 });
    expect(await engine.broken()).toEqual([]);
  },
);
