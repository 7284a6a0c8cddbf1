/** The newest flows as they are shown while others end: console.md, "Flows". */
import { expect, test } from "vitest";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { limits } from "../../machines/limits.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification } from "./notifications.ts";

/** An engine with a flow that searches until it is let go, and a ledger whose next answer a test may hold back. */
async function searching() {
  const world = new World();
  const search = Promise.withResolvers<void>();
  const next: { hold: (() => Promise<void>) | null } = { hold: null };
  const held = async () => {
    const { hold } = next;
    next.hold = null;
    await hold?.();
  };
  world.onSearch = () => ({ hold: search.promise });
  const engine = await world.open({
    openLedger: () => {
      const ledger = createMemoryLedger(world.storage);
      return Promise.resolve({
        ...ledger,
        async *read(after: number, limit: number) {
          yield* ledger.read(after, limit);
          await held();
        },
        async readKey(key: string, limit: number) {
          const facts = await ledger.readKey(key, limit);
          await held();
          return facts;
        },
      });
    },
  });
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.snapshot().clients.some(({ state }) => state === "searching"));
  return { world, engine, search, next };
}

/** What is answered where the flow ends between the reading and the answer. */
async function endWhileRead<T>(
  { engine, search, next }: Awaited<ReturnType<typeof searching>>,
  ask: () => Promise<T>,
): Promise<T> {
  const asked = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  next.hold = () => {
    asked.resolve();
    return told.promise;
  };
  const answer = ask();
  await asked.promise;
  search.resolve();
  await engine.settled();
  told.resolve();
  return answer;
}

test("a flow that ends while the list is read is shown as running, and as ended by the next", async () => {
  const rig = await searching();
  const { reader } = rig.engine.supervisor;
  const during = await endWhileRead(rig, () => reader.flows(10));
  expect(during.flows).toMatchObject([{ key: "node-1", result: null }]);
  expect((await reader.flows(10)).flows).toMatchObject([{ result: "settled" }]);
});

test("a flow that ends while it is read alone is shown as running, with the facts of that moment", async () => {
  const rig = await searching();
  const { reader } = rig.engine.supervisor;
  const [flow] = (await reader.flows(10)).flows;
  const during = await endWhileRead(rig, () => reader.flow(flow?.lockGuid ?? "", null));
  expect(during).toMatchObject({ key: "node-1", result: null });
  expect(await reader.flow(flow?.lockGuid ?? "", null)).toMatchObject({ result: "settled" });
});

test("a flow whose end lies among facts that were passed over is left out, not told as abandoned", async () => {
  const { engine, search } = await searching();
  const { reader } = engine.supervisor;
  const before = reader.position;
  expect((await reader.flows(10)).flows).toMatchObject([{ key: "node-1", result: null }]);
  search.resolve();
  await engine.settled();
  const many = Array.from({ length: 4_000 }, (_, index) => clear(`c${index}`, { key: `key-${index}` }));
  await acceptAll(engine, ...many);
  await engine.settled();
  expect(reader.position - before).toBeGreaterThan(limits.flowFactsReadMax);
  const { flows } = await reader.flows(limits.flowsKept);
  expect(flows.length).toBeGreaterThan(1_000);
  expect(flows.filter(({ result }) => result !== "settled")).toEqual([]);
});

test("a flow that the engine's end cut off is abandoned", async () => {
  const { world, engine } = await searching();
  engine.kill();
  world.onSearch = () => undefined;
  const next = await world.open();
  await next.settled();
  const { flows } = await next.supervisor.reader.flows(10);
  expect(flows.map(({ result }) => result)).toEqual(["settled", "abandoned"]);
  const [, cut] = flows;
  expect(await next.supervisor.reader.flow(cut?.lockGuid ?? "", null)).toMatchObject({ result: "abandoned" });
});
