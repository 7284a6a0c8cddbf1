/** From an alarm's id, an element, a key or a ticket to decision records: console.md, "why (no) ticket". */
import { expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";

type Engine = Awaited<ReturnType<World["open"]>>;
const idsOf = async ({ supervisor }: Engine, text: string, count = 50) =>
  (await supervisor.reader.findAlarms(text, count)).map(({ id }) => id);

test("an id, the beginning of one, an element, a key and a ticket lead to the alarms, newest first", async () => {
  const engine = await new World().open();
  await oneByOne(
    engine,
    notification("17/raise", { key: "north/node-1", alarmedObject: "node-1", alarm: "17" }),
    notification("18/raise", { key: "north/node-1", alarmedObject: "node-1", alarm: "18" }),
    notification("170/raise", { key: "south/node-2", alarmedObject: "node-2" }),
    clear("17/clear", { key: "north/node-1", alarmedObject: "node-1", alarm: "17" }),
  );
  expect(await idsOf(engine, "17/raise")).toEqual(["17/raise"]);
  expect(await idsOf(engine, "17")).toEqual(["17/clear", "17/raise"]);
  const ofNode1 = ["17/clear", "18/raise", "17/raise"];
  expect(await idsOf(engine, "node-1")).toEqual(ofNode1);
  expect(await idsOf(engine, "north/node-1")).toEqual(ofNode1);
  expect(await idsOf(engine, "MEM-1")).toEqual(ofNode1);
  expect(await idsOf(engine, "node-1", 2)).toEqual(ofNode1.slice(0, 2));
  expect(await idsOf(engine, "1")).toEqual([]);
});

test("an alarm from before the newest facts is found by its id, its key and its open ticket", async () => {
  const engine = await new World().open();
  await oneByOne(engine, notification("old/raise"));
  const { reader } = engine.supervisor;
  const oldest = reader.position;
  const many = Array.from({ length: 4_000 }, (_, index) => clear(`c${index}`, { key: `key-${index}` }));
  await acceptAll(engine, ...many);
  await engine.settled();
  expect(reader.position - oldest).toBeGreaterThan(limits.flowFactsReadMax);
  for (const text of ["old/raise", "node-1", "MEM-1"])
    expect(await idsOf(engine, text)).toEqual(["old/raise"]);
  // The beginning of an id is known of the newest alone.
  expect(await idsOf(engine, "old")).toEqual([]);
});

test("of an element, or the beginning of an id, with more keys than one answer looks at the newest are found", async () => {
  const engine = await new World().open();
  const keys = limits.keysFoundMax + 5;
  const alarms = Array.from({ length: keys }, (_, index) =>
    notification(`17/${index}`, { key: `node-1/port-${index}`, alarmedObject: "node-1" }),
  );
  await oneByOne(engine, ...alarms, clear("17/end", { key: "node-1/port-0", alarmedObject: "node-1" }));
  for (const text of ["node-1", "17"])
    expect((await idsOf(engine, text)).slice(0, 2)).toEqual(["17/end", `17/${keys - 1}`]);
});
