/** Why is there (no) ticket? The decision record of an alarm: domain.md, "Settled". */
import { expect, test } from "vitest";
import { explainKey } from "../../actors/explain.ts";
import { limits } from "../../machines/limits.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";

const source = "urn:test";

test("explain: a created alarm names its rule, its request with every attempt, and its ticket", async () => {
  const world = new World();
  const engine = await world.open();
  let first = true;
  world.onSend = () => {
    if (!first) return undefined;
    first = false;
    return {
      applied: false,
      answer: { kind: "refused", code: "UNAVAILABLE", cause: "503", retryAfterMs: null },
    };
  };
  await oneByOne(engine, notification("1"));
  const record = await engine.supervisor.explain({ source, id: "1" });
  expect(record).toMatchObject({
    source,
    id: "1",
    key: "node-1",
    outcome: "created",
    ticketId: "MEM-1",
    notification: { alarmedObject: "node-1" },
    requests: [
      {
        command: "create",
        service: "OSB",
        result: "ok",
        attempts: [
          { attempt: 1, answer: "refused", code: "UNAVAILABLE", cause: "503" },
          { attempt: 2, answer: "ack", code: null, cause: null },
        ],
      },
    ],
  });
  expect(record?.decisions[0]).toMatchObject({ rule: "D8", decision: "create", tickets: [] });
  expect(record?.settledAt).toBe(world.clock.now());
});

test("explain: an adopted alarm names the ticket that covers it and made no request", async () => {
  const engine = await new World().open();
  await oneByOne(engine, notification("1"), notification("2", { alarm: "node-1/fan" }));
  const record = await engine.supervisor.explain({ source, id: "2" });
  expect(record).toMatchObject({ outcome: "adopted", ticketId: "MEM-1", requests: [] });
  expect(record?.decisions).toMatchObject([
    { rule: "D4", decision: "adopt", tickets: [{ ticketId: "MEM-1", kind: "MO" }] },
  ]);
  expect(record?.because).toContain("MEM-1");
});

test("explain: a stopped alarm names the rule that stopped it and why", async () => {
  const engine = await new World().open();
  await oneByOne(engine, clear("1"), notification("2", { key: "node-2", plannedOutage: true }));
  expect(await engine.supervisor.explain({ source, id: "1" })).toMatchObject({
    outcome: "stopped",
    ticketId: null,
    decisions: [{ rule: "D12", decision: "stop" }],
  });
  expect(await engine.supervisor.explain({ source, id: "2" })).toMatchObject({
    outcome: "stopped",
    decisions: [{ rule: "D2", decision: "stop" }],
  });
  expect(await engine.because("2")).toMatch(/planned maintenance/i);
});

test("explain: a parked alarm has no outcome yet and says what it waits for, one in line that it waits", async () => {
  const world = new World({ config: { clients: 1 } });
  const engine = await world.open();
  world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "connection refused", permanent: false },
  });
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.snapshot().queue.parked === 1);
  expect(await engine.supervisor.explain({ source, id: "1" })).toMatchObject({
    outcome: null,
    settledAt: null,
  });
  expect(await engine.because("1")).toContain("connection refused");
  await engine.supervisor.lock();
  await acceptAll(engine, notification("2", { key: "node-2" }));
  expect(await engine.because("2")).toContain("waits in line");
});

test("explain: a coalesced alarm names the flow it was folded into", async () => {
  const engine = await new World().open();
  await acceptAll(engine, notification("1"), notification("2", { alarm: "node-1/fan" }));
  await engine.settled();
  expect(await engine.supervisor.explain({ source, id: "2" })).toMatchObject({
    outcome: "coalesced",
    decisions: [{ rule: "D8" }],
  });
  expect(await engine.because("2")).toContain("created");
});

test("explain: an alarm never accepted has no record", async () => {
  const engine = await new World().open();
  expect(await engine.supervisor.explain({ source, id: "1" })).toBeNull();
});

test("explain: the newest alarms of a key, newest first, at most as many as asked", async () => {
  const engine = await new World().open();
  await oneByOne(engine, notification("1"), clear("2"), notification("3"));
  const records = await engine.supervisor.explainKey("node-1", 2);
  expect(records.map((record) => [record.id, record.outcome])).toEqual([
    ["3", "created"],
    ["2", "closed"],
  ]);
});

test("an alarm's record says what its request came to in the end", async () => {
  const world = new World({ idempotency: "none" });
  const engine = await world.open();
  world.onSearch = () => ({ answer: { kind: "found", tickets: [], truncated: false } });
  world.onSend = () => ({ answer: { kind: "inDoubt", code: "RESET", cause: "connection reset" } });
  await acceptAll(engine, notification("1"));
  await engine.settled();
  const [requestId = ""] = engine.supervisor.state.unknown.keys();
  await engine.supervisor.resolve(requestId, {
    verdict: "applied",
    ticketId: "MEM-1",
    by: "ann",
    reason: "seen",
  });
  expect(await engine.supervisor.explain({ source: "urn:test", id: "1" })).toMatchObject({
    outcome: "created",
    requests: [{ result: "ok" }],
  });
});

test("explain: what an earlier alarm waited for in a storm is not told of the next one of its key", async () => {
  const engine = await new World({ config: { clients: 1, maxOpenTickets: 1 } }).open();
  await oneByOne(engine, notification("1"));
  const other = { key: "node-2" };
  await acceptAll(engine, notification("2", other));
  await engine.until(() => engine.supervisor.snapshot().queue.parked === 1);
  expect(await engine.because("2")).toContain("storm");
  await oneByOne(engine, clear("3", other));
  await engine.supervisor.lock();
  await acceptAll(engine, notification("4", other));
  expect(await engine.because("4")).toContain("waits in line");
});

test("explain: a key's alarm is found however often its search was tried since", async () => {
  const world = new World();
  const engine = await world.open();
  world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "connection refused", permanent: false },
  });
  await acceptAll(engine, notification("1"));
  const ofKey = async () => (await engine.ledger.readKey("node-1", limits.explainFactsMax + 1)).length;
  for (let hours = 0; (await ofKey()) <= limits.explainFactsMax && hours < 1_000; hours += 10)
    await engine.pass(36_000);
  expect(await ofKey()).toBeGreaterThan(limits.explainFactsMax);
  const [record] = await engine.supervisor.explainKey("node-1", 10);
  expect(record).toMatchObject({ id: "1", outcome: null });
  expect(record?.because).toContain("connection refused");
});

test("S3: of a key that has rows only, as the heartbeat's, no more than the newest are read", async () => {
  const world = new World();
  const engine = await world.open();
  const asked: number[] = [];
  const readKey = (_key: string, limit: number) => {
    asked.push(limit);
    const fact = { type: "response.row", body: { change: true, row: { key: "rows" } } };
    return Promise.resolve(Array.from({ length: limit }, () => fact as never));
  };
  expect(await explainKey({ readKey }, "rows", 10, engine.supervisor.state)).toEqual([]);
  expect(asked).toEqual([limits.explainFactsMax]);
});
