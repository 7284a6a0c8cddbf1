/** The maximum of the Response Table, lowered while flows run: law G6, watched at every fact. */
import { expect, test } from "vitest";
import { presentRows, rowName } from "../../machines/response-table.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

test("G6: maxResponseRows lowered from 10,000 to 10 under load: at once no more rows, sums hold, nothing unsettled is lost", async () => {
  const world = new World({ config: { clients: 3, coalesce: false, maxResponseRows: 10_000 } });
  const engine = await world.open();
  const { supervisor } = engine;
  // Some answers never come: their rows stay unsettled until they are looked up.
  let sent = 0;
  world.onSend = () => {
    sent += 1;
    return sent % 7 === 0 ? { answer: { kind: "inDoubt", code: "TIMEOUT", cause: "no answer" } } : undefined;
  };
  let lowered = false;
  let highest = 0;
  let unsettled: string[] = [];
  supervisor.onFacts((facts) => {
    const changed = new Set(
      facts.flatMap(({ type, body }) => (type === "response.row" ? rowName(body.row) : [])),
    );
    const now = [...supervisor.state.tables.values()].flatMap((table) => Object.keys(table.unsettled));
    expect(unsettled.filter((name) => !now.includes(name) && !changed.has(name))).toEqual([]);
    unsettled = now;
    lowered ||= facts.some(({ type, body }) => type === "settings.changed" && body.maxResponseRows === 10);
    for (const table of supervisor.state.tables.values()) {
      const present = presentRows(table);
      highest = Math.max(highest, present);
      expect(table.inserted).toBe(present + table.evicted + table.cleared);
      if (lowered) expect(present).toBeLessThanOrEqual(Math.max(10, Object.keys(table.unsettled).length));
    }
  });
  const alarms = Array.from({ length: 150 }, (_, index) =>
    notification(`n${index}`, { key: `node-${index}`, alarm: `node-${index}/link` }),
  );
  await acceptAll(engine, ...alarms);
  await engine.until(() => supervisor.counters().settled >= 75);
  expect(highest).toBeGreaterThan(20);
  expect(lowered).toBe(false);
  expect((await supervisor.operators.changeSettings({ maxResponseRows: 10 }, "ann")).ok).toBe(true);
  expect(lowered).toBe(true);
  await engine.settled();
  expect(await engine.outcomes()).toEqual(Object.fromEntries(alarms.map(({ id }) => [id, "created"])));
  expect(await engine.broken()).toEqual([]);
});

test("G6: of two who clear at one time each is told of the rows that left with its own", async () => {
  const world = new World();
  const engine = await world.open();
  const { operators, state } = engine.supervisor;
  await acceptAll(engine, notification("n1"), notification("n2", { key: "node-2", alarm: "node-2/link" }));
  await engine.settled();
  const rows = [...state.tables.values()].reduce((sum, table) => sum + table.settled.length, 0);
  expect(rows).toBeGreaterThan(0);
  const both = [operators.clearResponses(null, "ann"), operators.clearResponses(null, "ben")];
  expect(await Promise.all(both)).toMatchObject([{ value: { cleared: rows } }, { value: { cleared: 0 } }]);
  expect(await operators.clearResponses("client-99", "ann")).toMatchObject({
    failure: { code: "UNKNOWN_CLIENT" },
  });
});
