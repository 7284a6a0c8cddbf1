/** What crosses on its way to the disk or in the gateway's line, and requests that go from one client to another. */
import { expect, test } from "vitest";
import type { Batch } from "../../actors/ports.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { readResponses } from "../../actors/response-rows.ts";
import { turn, World, type EngineUnderTest, type WorldOptions } from "./engine-under-test.ts";
import { acceptAll, createOf, notification } from "./notifications.ts";
import { slowToTell } from "./slow-ledger.ts";

const operator = { by: "ann", reason: "it hangs" };
const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;

/** A world whose ledger tells of the batches that `isHeld` names only when `release` is called. */
function holding(isHeld: (batch: Batch) => boolean, options: WorldOptions = {}) {
  const told = Promise.withResolvers<void>();
  const storage = createMemoryStorage();
  const openLedger = () =>
    Promise.resolve(
      slowToTell(createMemoryLedger(storage), (batch) => (isHeld(batch) ? told.promise : null)),
    );
  return { world: new World({ ...options, openLedger }), release: () => told.resolve() };
}

const has =
  (type: string) =>
  ({ facts }: Batch): boolean =>
    facts.some(({ fact }) => fact.type === type);

async function rowsOf(engine: EngineUnderTest) {
  const query = { client: undefined, limit: 100 };
  const { rows } = await readResponses(engine.ledger, engine.supervisor.state, query);
  return rows.filter(({ command }) => command !== "search");
}

test("G6: the row of a request that another client sends again is settled where it stands", async () => {
  const world = new World({ idempotency: "requestId", config: { clients: 2 } });
  const engine = await world.open();
  world.onSend = () => (world.sends === 1 ? { answer: reset } : undefined);
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const [first] = await engine.facts("request.sending");
  const held = [await engine.supervisor.lock(), await engine.supervisor.lock()];
  await held.find(({ clientId }) => clientId !== first?.body.clientId)?.close();
  await engine.until(() => engine.supervisor.counters().unsettled === 0);
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  const rows = await rowsOf(engine);
  expect(rows.map(({ attempt, status }) => [attempt, status])).toEqual([
    [2, "ack"],
    [1, "ok"],
  ]);
  expect(new Set(rows.map(({ clientId }) => clientId)).size).toBe(2);
  expect(await engine.broken()).toEqual([]);
});

test.each(["in time", "after its deadline"])(
  "L4: what is planned by hand while a force of its lock is on its way ends, its turn coming %s",
  async (when) => {
    const { world, release } = holding(has("request.planned"));
    const engine = await world.open();
    const held = await engine.supervisor.lock();
    const forwarded = held.forward("node-1", createOf("node-1"));
    await Promise.resolve();
    await Promise.resolve();
    const { clientId, lockGuid } = held;
    const forced = engine.supervisor.forceUnlock(clientId, { lockGuid, ...operator });
    if (when !== "in time") world.clock.pause(700_000);
    release();
    await engine.quiet();
    expect(await forced).toMatchObject({ ok: true });
    await forwarded;
    expect(world.sends).toBe(0);
    expect(engine.supervisor.state.requests.size).toBe(0);
    expect(engine.supervisor.counters().commandsRefused, "L3: at the commit too").toBe(1);
    expect(await engine.broken()).toEqual([]);
  },
);

test("T1: a create that waits for its turn is not sent once a late OK has told of a ticket of its key", async () => {
  const world = new World({ row: { asyncSeconds: 30 }, config: { clients: 2 } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  const sent: string[] = [];
  world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } }); // the index lags
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    const answer = { kind: "ack", ticketId: null } as const;
    return request.key === "node-0" ? { hold: gate.promise, answer } : { answer };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const [requestId = ""] = sent;
  await acceptAll(engine, notification("0", { key: "node-0" }));
  await engine.quiet();
  const error = { result: "ERROR", ticketId: null, code: "E42", cause: "busy", text: "" } as const;
  await engine.supervisor.deliverAsync({ requestId, ...error });
  await engine.until(() => [...engine.supervisor.state.requests.values()].includes("node-1"));
  expect(engine.supervisor.state.keys.get("node-1")?.request?.status).toBe("planned");
  const ok = { result: "OK", ticketId: "MEM-1", code: null, cause: null, text: "" } as const;
  await engine.supervisor.deliverAsync({ requestId, ...ok });
  gate.resolve();
  await engine.quiet();
  expect(sent).toHaveLength(2); // node-1's first and node-0's
  await engine.settled();
  expect(await engine.outcomes()).toMatchObject({ 1: "adopted" });
  expect(await engine.broken()).toEqual([]);
});

test("L4: an unlock ends what its flow has under way, not what it has left in doubt before", async () => {
  const world = new World({ idempotency: "settles", config: { clients: 2 } });
  const engine = await world.open();
  const gate = Promise.withResolvers<void>();
  world.onSend = ({ request }) =>
    request.key === "node-1"
      ? { answer: reset }
      : request.key === "node-0"
        ? { hold: gate.promise }
        : undefined;
  const held = await engine.supervisor.lock();
  await held.forward("node-1", createOf("node-1"));
  await acceptAll(engine, notification("0", { key: "node-0" }));
  await engine.quiet();
  const second = held.forward("node-2", createOf("node-2"));
  await engine.quiet();
  const { clientId, lockGuid } = held;
  const parked = (await engine.facts("key.parked")).length;
  expect(await engine.supervisor.forceUnlock(clientId, { lockGuid, ...operator })).toMatchObject({
    ok: true,
  });
  expect(await engine.facts("key.parked")).toHaveLength(parked);
  expect(engine.supervisor.state.keys.get("node-2")?.request).toBeNull();
  gate.resolve();
  await second;
  await engine.settled();
  expect(await engine.broken()).toEqual([]);
});

test("A1: what a flow written by hand is told of its request is durable", async () => {
  const { world, release } = holding(has("request.settled"));
  const engine = await world.open();
  const held = await engine.supervisor.lock();
  let told = false;
  const forwarded = held.forward("node-1", createOf("node-1")).then((answer) => {
    told = true;
    return answer;
  });
  // oxlint-disable-next-line no-await-in-loop -- turns of the event loop follow each other
  for (let turns = 0; turns < 20; turns += 1) await turn();
  expect([world.sends, told]).toEqual([1, false]);
  release();
  expect(await forwarded).toMatchObject({ ok: true, value: { outcome: "ok" } });
  expect(await engine.broken()).toEqual([]);
});
