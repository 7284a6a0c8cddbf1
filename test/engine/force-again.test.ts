/** Operators who force a client while alarms are decided again that have lost what they rested on: laws A8 and L4. */
import { expect, test } from "vitest";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { turn, World } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";
import { slowToTell } from "./slow-ledger.ts";

const operator = { by: "operator", reason: "it hangs" };
const nothing = { kind: "found", tickets: [], truncated: false } as const;

/** The ticket of node-1 has gone, alarm 1 is active still, and the flow that decides it again searches until `gate`. */
async function searchingAgain() {
  const told = Promise.withResolvers<void>();
  const storage = createMemoryStorage();
  const world = new World({
    config: { clients: 1 },
    openLedger: () =>
      Promise.resolve(
        slowToTell(createMemoryLedger(storage), ({ facts }) =>
          facts.some(({ fact }) => fact.type === "client.notBusyForced") ? told.promise : null,
        ),
      ),
  });
  const engine = await world.open();
  await oneByOne(engine, notification("1"), notification("2", { alarm: "node-1/fan" }));
  await engine.pass(61);
  const gate = Promise.withResolvers<void>();
  const isGone = () => engine.supervisor.state.keys.get("node-1")?.open.size === 0;
  world.onSearch = () => ({ answer: nothing, ...(isGone() ? { hold: gate.promise } : {}) });
  await acceptAll(engine, clear("3", { alarm: "node-1/fan" }));
  await engine.quiet();
  const view = () => engine.supervisor.snapshot().clients[0];
  expect([isGone(), view()?.state]).toEqual([true, "searching"]);
  return { world, engine, gate, told, view, lockGuid: view()?.lockGuid ?? "" };
}

test("A8 L4: forced not busy, told when the request was about to be planned: its alarm is decided all the same", async () => {
  const { world, engine, gate, told, view, lockGuid } = await searchingAgain();
  const forced = engine.supervisor.forceNotBusy("client-01", { lockGuid, ...operator });
  await turn();
  gate.resolve();
  // oxlint-disable-next-line no-await-in-loop -- the flow goes on turn by turn
  while (view()?.state !== "forwarding") await turn();
  told.resolve();
  expect(await forced).toMatchObject({ ok: true });
  await engine.settled();
  await engine.pass(1);
  expect(world.service.truth(), "the plan under the old claim was never sent").toMatchObject({ creates: 2 });
  expect([...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])]).toEqual(["MEM-2"]);
  expect((await engine.facts("flow.ended")).at(-2)?.body.result).toBe("parked");
  expect(await engine.broken()).toEqual([]);
});
