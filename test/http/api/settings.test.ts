/** Which settings count at a start: the configuration's, or what an operator changed (R1). */
import { expect, test } from "vitest";
import { createMemoryLedger } from "../../../adapters/ledger/memory.ts";
import { turn, World } from "../../engine/engine-under-test.ts";
import { slowToTell } from "../../engine/slow-ledger.ts";

const by = "ann";

test("R1: an operator's change outlasts restarts until the configuration says something new", async () => {
  const world = new World();
  const rows = (engine: Awaited<ReturnType<World["open"]>>) =>
    engine.supervisor.reader.settings().maxResponseRows;
  const first = await world.open({ config: { maxResponseRows: 100 } });
  await first.supervisor.operators.changeSettings(
    { maxResponseRows: 7, relatedElements: { ticketGateway: "A" } },
    by,
  );
  first.kill();
  const same = await world.open({ config: { maxResponseRows: 100, reopenSeconds: 60 } });
  expect(rows(same)).toBe(7);
  expect(same.supervisor.state.settings.reopenSeconds).toBe(60);
  expect(same.supervisor.reader.settings().relatedElements.ticketGateway).toBe("A");
  same.kill();
  const other = await world.open({ config: { maxResponseRows: 200 } });
  expect(rows(other)).toBe(200);
  expect(other.supervisor.reader.settings().relatedElements.ticketGateway).toBe("A");
  expect(await other.broken()).toEqual([]);
  const { position } = other.supervisor.state;
  other.kill();
  const again = await world.open({ config: { maxResponseRows: 200 } });
  const facts = (await again.history()).filter(
    (fact) => fact.position > position && fact.type === "settings.changed",
  );
  expect(facts).toEqual([]);
});

test("R1: of two changes at one time neither is lost", async () => {
  const engine = await new World().open();
  const { operators, reader } = engine.supervisor;
  await Promise.all([
    operators.changeSettings({ maxResponseRows: 7, delays: { createSeconds: 3 } }, "ann"),
    operators.changeSettings({ relatedElements: { ticketGateway: "A" }, delays: { closeSeconds: 4 } }, "bob"),
  ]);
  expect(reader.settings()).toMatchObject({
    maxResponseRows: 7,
    relatedElements: { ticketGateway: "A" },
    delays: { createSeconds: 3, closeSeconds: 4 },
  });
  expect((await engine.facts("settings.changed")).map(({ body }) => body.by)).toEqual([
    undefined,
    "ann",
    "bob",
  ]);
  expect(await engine.broken()).toEqual([]);
});

test("R1: a change that another has just made is told once it is in force", async () => {
  const world = new World();
  const told = Promise.withResolvers<void>();
  let isSlow = false;
  const engine = await world.open({
    openLedger: () =>
      Promise.resolve(slowToTell(createMemoryLedger(world.storage), () => (isSlow ? told.promise : null))),
  });
  const { operators, reader } = engine.supervisor;
  isSlow = true;
  const first = operators.changeSettings({ maxResponseRows: 7 }, "ann");
  const { position } = engine.ledger.head();
  while (engine.ledger.head().position === position) await turn();
  const shown = operators.changeSettings({ maxResponseRows: 7 }, "bob").then(() => reader.settings());
  await turn();
  told.resolve();
  expect(await shown).toMatchObject({ maxResponseRows: 7 });
  await first;
  expect((await engine.facts("settings.changed")).map(({ body }) => body.by)).toEqual([undefined, "ann"]);
});
