/** A key that was quiet for long is forgotten by the fold, not by the ledger: it must go on as any other. */
import { expect, test } from "vitest";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { entry } from "../../machines/entry.ts";
import { limits } from "../../machines/limits.ts";
import { World } from "./engine-under-test.ts";
import { clear, createOf, notification, oneByOne } from "./notifications.ts";

/** An engine over a ledger in which node-1 had a ticket, closed long ago, and is forgotten. */
async function afterDays() {
  const world = new World();
  const first = await world.open();
  await oneByOne(first, notification("1"), clear("2"));
  expect(await first.outcomes()).toEqual({ 1: "created", 2: "closed" });
  first.kill();
  world.clock.advance(8 * 86_400_000);
  const ledger = createMemoryLedger(world.storage);
  const acted = { by: "ann", action: "a look", client: null, detail: null };
  const facts = Array.from({ length: limits.sweepEveryFacts }, () =>
    entry("audit", world.clock.now(), "operator.acted", acted as never),
  );
  await ledger.append({ id: "days", expect: [], facts });
  await ledger.close();
  const engine = await world.open();
  expect(engine.supervisor.state.keys.has("node-1")).toBe(false);
  return { world, engine };
}

test("A8: an alarm of a forgotten key gets its ticket", async () => {
  const { engine } = await afterDays();
  await oneByOne(engine, notification("3"), clear("4"));
  expect(await engine.outcomes()).toMatchObject({ 3: "created", 4: "closed" });
  expect(await engine.broken()).toEqual([]);
});

test("a flow written by hand may forward for a forgotten key", async () => {
  const { engine } = await afterDays();
  const held = await engine.supervisor.lock();
  const told = held.forward("node-1", createOf("node-1"));
  await engine.quiet();
  expect(await told).toMatchObject({ ok: true, value: { outcome: "ok" } });
  await held.close();
  expect(await engine.broken()).toEqual([]);
});

test("a ticket of a forgotten key leads to its alarms, as long as they are among the newest", async () => {
  const { engine } = await afterDays();
  const found = await engine.supervisor.reader.findAlarms("MEM-1", 10);
  expect(found.map(({ id }) => id)).toEqual(["2", "1"]);
});
