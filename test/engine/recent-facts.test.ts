/** What is remembered of the newest facts, when reading them fails. */
import { expect, test } from "vitest";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

test("F4: one read that fails is one answer missing: the next question reads on, and misses no fact", async () => {
  const world = new World();
  let failures = 0;
  const engine = await world.open({
    openLedger: () => {
      const ledger = createMemoryLedger(world.storage);
      return Promise.resolve({
        ...ledger,
        read(after: number, limit: number) {
          if (failures === 0) return ledger.read(after, limit);
          failures -= 1;
          throw new Error("the disk was busy");
        },
      });
    },
  });
  await acceptAll(engine, notification("1"));
  await engine.settled();
  const { reader } = engine.supervisor;
  failures = 2;
  await expect(reader.flows(10)).rejects.toThrow("busy");
  await expect(reader.findAlarms("1", 10)).rejects.toThrow("busy");
  expect((await reader.flows(10)).flows.map(({ key }) => key)).toEqual(["node-1"]);
  expect((await reader.findAlarms("1", 10)).map(({ id }) => id)).toEqual(["1"]);
});
