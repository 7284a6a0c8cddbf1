/** A search that nobody waits for is cut off, and what it still brings reaches nobody (L3). */
import { expect, test } from "vitest";
import type { HeldClient } from "../../actors/held-client.ts";
import type { SearchAnswer, TicketingService } from "../../actors/ports.ts";
import { turn, World, type EngineUnderTest } from "./engine-under-test.ts";

const operator = { by: "ann", reason: "it hangs" };

/** Searches are answered when the test says so. */
class SlowSearches {
  readonly asked: { readonly signal: AbortSignal; readonly answer: (answer: SearchAnswer) => void }[] = [];
  readonly wrap = (service: TicketingService): TicketingService => ({
    search: ({ signal }) =>
      new Promise((answer) => {
        this.asked.push({ signal, answer });
      }),
    send: (order) => service.send(order),
    close: () => service.close(),
  });

  get cutOff(): boolean[] {
    return this.asked.map(({ signal }) => signal.aborted);
  }
}

const found: SearchAnswer = {
  kind: "found",
  tickets: [],
  truncated: false,
  texts: { request: "", answer: "" },
};

async function searching(): Promise<{ searches: SlowSearches; engine: EngineUnderTest; held: HeldClient }> {
  const searches = new SlowSearches();
  const engine = await new World({ config: { clients: 1 }, wrap: searches.wrap }).open();
  const held = await engine.supervisor.lock();
  void held.search({ clientReference: "node-1" });
  await turn();
  expect(searches.cutOff).toEqual([false]);
  return { searches, engine, held };
}

test.each([
  {
    what: "force unlock",
    state: "idle",
    end: ({ supervisor }: EngineUnderTest, lockGuid: string) =>
      supervisor.forceUnlock("client-01", { ...operator, lockGuid }),
  },
  {
    what: "force not busy",
    state: "locked",
    end: ({ supervisor }: EngineUnderTest, lockGuid: string) =>
      supervisor.forceNotBusy("client-01", { ...operator, lockGuid }),
  },
  { what: "the lock's deadline", state: "idle", end: (engine: EngineUnderTest) => engine.pass(301) },
])("L4 L5: by $what, and its late answer changes nothing", async ({ state, end }) => {
  const { searches, engine, held } = await searching();
  await end(engine, held.lockGuid);
  await turn();
  expect(searches.cutOff).toEqual([true]);
  searches.asked[0]?.answer(found);
  await turn();
  expect(engine.supervisor.snapshot().clients[0]).toMatchObject({ state, busyStatus: "notBusy" });
});

test("by the end of the engine", async () => {
  const { searches, engine } = await searching();
  const stopped = engine.supervisor.stop({ drainSeconds: 0 });
  await engine.pass(1);
  await stopped;
  expect(searches.cutOff).toEqual([true]);
});

test("not once it is answered, by what comes after", async () => {
  const { searches, engine, held } = await searching();
  searches.asked[0]?.answer(found);
  await turn();
  void held.search({ clientReference: "node-1" });
  await turn();
  expect(searches.cutOff).toEqual([false, false]);
  await engine.supervisor.forceUnlock("client-01", { ...operator, lockGuid: held.lockGuid });
  expect(searches.cutOff).toEqual([false, true]);
});
