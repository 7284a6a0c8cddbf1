/** Async results that name no ticket, or name it at another time: laws T1, A8. */
import { expect, test } from "vitest";
import type { AsyncResult } from "../../actors/ports.ts";
import { ack, asyncWorld, result as anyResult } from "./async-world.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, clear, createOf, notification } from "./notifications.ts";

const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;
const nothing = { answer: { kind: "found", tickets: [], truncated: false } } as const;
const unavailable = { kind: "refused", code: "UNAVAILABLE", cause: "503", retryAfterMs: null } as const;

function result(requestId: string, more: Partial<AsyncResult> = {}): AsyncResult {
  return anyResult(requestId, { ticketId: null, ...more });
}

async function told(engine: EngineUnderTest) {
  return {
    outcomes: await engine.outcomes(),
    settled: (await engine.facts("request.settled")).map(
      ({ body }) => `${body.result} ${body.ticketId} ${body.because}`,
    ),
    open: [...(engine.supervisor.state.keys.get("node-1")?.open.keys() ?? [])],
    broken: await engine.broken(),
  };
}

test("T1: an ERROR that names a ticket does not undo an OK that named none", async () => {
  const { world, engine, last } = await asyncWorld();
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  world.onSearch = () => nothing; // the index lags
  await engine.supervisor.deliverAsync(result(last()));
  await engine.supervisor.deliverAsync(result(last(), { result: "ERROR", ticketId: "MEM-1", code: "E1" }));
  await engine.quiet();
  await engine.pass(20);
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
});

test.each(["requestId", "settles"] as const)(
  "T1: an OK without a ticket that comes while a look-up runs is looked up afresh (%s)",
  async (idempotency) => {
    const { world, engine, sent } = await asyncWorld({ idempotency });
    const gate = Promise.withResolvers<void>();
    let lag = true;
    let hold = false;
    let held = false;
    world.onSearch = ({ criteria }) => {
      if (hold && criteria.requestedBy !== undefined) {
        held = true;
        return { ...nothing, hold: gate.promise };
      }
      return lag ? nothing : undefined;
    };
    world.onSend = ({ request }) => {
      sent.push(request.requestId);
      return { answer: reset };
    };
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    hold = true;
    await engine.until(() => held);
    hold = false;
    await engine.supervisor.deliverAsync(result(sent.at(-1) ?? ""));
    gate.resolve();
    await engine.quiet();
    world.onSend = () => undefined;
    await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
    await engine.quiet();
    lag = false;
    await engine.pass(200);
    expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  },
);

test.each([
  ["settles", unavailable],
  ["none", unavailable],
  ["requestId", unavailable],
  ["settles", reset],
] as const)(
  "T1: after an OK without a ticket nothing that waits for its turn goes again (%s, %o)",
  async (idempotency, answer) => {
    const world = new World({ idempotency, row: { asyncSeconds: 30 }, config: { clients: 4 } });
    const engine = await world.open();
    const gate = Promise.withResolvers<void>();
    const sent: string[] = [];
    world.onSearch = () => nothing;
    world.onSend = ({ request }) => {
      if (request.key === "node-0") return { hold: gate.promise, answer: ack };
      sent.push(request.requestId);
      return sent.length === 1 ? { answer } : {};
    };
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    await acceptAll(engine, notification("0", { key: "node-0" }));
    await engine.quiet();
    // until the resend waits behind node-0
    await engine.until(
      () => engine.supervisor.snapshot().clients.filter(({ state }) => state === "forwarding").length === 2,
      29 + 60,
    );
    await engine.supervisor.deliverAsync(result(sent[0] ?? ""));
    await engine.quiet();
    gate.resolve();
    await engine.quiet();
    expect(sent).toHaveLength(1);
  },
);

test.each(["killed", "NACK"] as const)(
  "T1: an early OK without a ticket, then %s: looked up when the index has settled",
  async (how) => {
    const { world, engine, sent } = await asyncWorld({ idempotency: "requestId" });
    const gate = Promise.withResolvers<void>();
    world.onSend = ({ request }) => {
      sent.push(request.requestId);
      return {
        answer: how === "NACK" ? { kind: "nack", code: "NACK", cause: "no", ticketId: null } : ack,
        hold: gate.promise,
      };
    };
    world.onSearch = () => nothing; // lags 30 s, less than settleSeconds 60
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    await engine.supervisor.deliverAsync(result(sent[0] ?? ""));
    let next = engine;
    if (how === "killed") {
      engine.kill();
      next = await world.open();
    } else gate.resolve();
    await next.pass(5);
    world.onSend = () => undefined;
    await acceptAll(next, notification("2", { alarm: "node-1/fan" }));
    await next.pass(25);
    world.onSearch = () => undefined;
    await next.pass(200);
    expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  },
);

test("G5: a second OK that names the ticket settles at once what the first left to be looked up", async () => {
  const { engine, last } = await asyncWorld();
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last()));
  expect(engine.supervisor.counters().settled).toBe(0);
  await engine.supervisor.deliverAsync(result(last(), { ticketId: "MEM-1" }));
  await engine.quiet();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect((await told(engine)).open).toEqual(["MEM-1"]);
});

test("A8: a ticket that only a second OK names is linked, though the request was settled", async () => {
  const { world, engine, last } = await asyncWorld();
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  world.onSearch = () => nothing;
  await engine.supervisor.deliverAsync(result(last()));
  await engine.pass(70);
  await engine.supervisor.deliverAsync(result(last(), { ticketId: "MEM-1" }));
  await engine.quiet();
  expect((await told(engine)).open).toEqual(["MEM-1"]);
});

test("A8: an OK that is repeated without the ticket takes nothing away", async () => {
  const { world, engine, sent } = await asyncWorld();
  const gate = Promise.withResolvers<void>();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { answer: ack, hold: gate.promise };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  world.onSearch = () => nothing;
  await engine.supervisor.deliverAsync(result(sent[0] ?? "", { ticketId: "MEM-1" }));
  await engine.supervisor.deliverAsync(result(sent[0] ?? ""));
  gate.resolve();
  await engine.pass(70);
  expect((await told(engine)).open).toEqual(["MEM-1"]);
});

test("T1: a late OK without a ticket leaves an unknown create unknown: no other is made beside it", async () => {
  const { world, engine, sent } = await asyncWorld({ idempotency: "none" });
  world.onSearch = () => nothing;
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { answer: reset };
  };
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.state.unknown.size === 1);
  await engine.supervisor.deliverAsync(result(sent[0] ?? ""));
  await engine.quiet();
  world.onSend = () => undefined;
  await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
  await engine.pass(20);
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
});

test("A8: a ticket that a late OK tells of, made by hand for a key whose alarms had gone before, is left open", async () => {
  const { world, engine, sent } = await asyncWorld({ idempotency: "settles" });
  await acceptAll(engine, notification("1"), clear("2"));
  await engine.quiet();
  world.onSearch = () => nothing;
  const commands = new Set<string>();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    commands.add(request.payload.command);
    return { applied: false, answer: reset };
  };
  const held = await engine.supervisor.lock();
  await held.forward("node-1", createOf("node-1"));
  await held.close();
  await engine.pass(1_000); // no attempt is answered: failed
  expect(engine.supervisor.state.requests.size).toBe(0);
  await engine.supervisor.deliverAsync(result(sent[0] ?? "", { ticketId: "T9" }));
  await engine.pass(10);
  expect([...commands]).toEqual(["create"]);
  expect((await told(engine)).open).toEqual(["T9"]);
});

test("G4: a person who looked has the last word over a late OK without a ticket", async () => {
  const { world, engine, sent } = await asyncWorld({ idempotency: "none" });
  world.onSearch = () => nothing;
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { answer: reset, applied: false };
  };
  await acceptAll(engine, notification("1"));
  await engine.until(() => engine.supervisor.state.unknown.size === 1);
  const [unknown = ""] = sent;
  await engine.supervisor.deliverAsync(result(unknown));
  world.onSearch = () => undefined;
  world.onSend = () => undefined; // acknowledged, and its result never comes
  const how = { verdict: "notApplied", ticketId: null, by: "ann", reason: "not there" } as const;
  expect(await engine.supervisor.resolve(unknown, how)).toMatchObject({ ok: true });
  await engine.pass(120);
  // Decided once more, and made: once.
  expect(await told(engine)).toMatchObject({ outcomes: { 1: "created" }, open: ["MEM-1"], broken: [] });
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
});

test("A8: a ticket that the ACK named is linked by an OK that does not name it", async () => {
  const { world, engine, sent } = await asyncWorld();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return {}; // true answer: ACK with the id
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  world.onSearch = () => nothing;
  await engine.supervisor.deliverAsync(result(sent[0] ?? ""));
  await engine.pass(70);
  expect((await told(engine)).open).toEqual(["MEM-1"]);
});

test("T1: an early OK of a close, a NACK, an ERROR: nothing goes again", async () => {
  const { world, engine, sent, last } = await asyncWorld();
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), { ticketId: "MEM-1" }));
  await engine.settled();
  const gate = Promise.withResolvers<void>();
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return sent.length === 2
      ? { hold: gate.promise, answer: { kind: "nack", code: "NACK", cause: "no", ticketId: null } }
      : { answer: ack };
  };
  await acceptAll(engine, clear("2"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last()));
  gate.resolve();
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), { result: "ERROR", ticketId: "MEM-1", code: "E1" }));
  await engine.pass(10);
  expect(sent).toHaveLength(2);
});

test("A2: a flow whose request was settled while it looked decides nothing any more", async () => {
  const { world, engine, sent } = await asyncWorld({ idempotency: "settles" });
  const gate = Promise.withResolvers<void>();
  let isHeld = false;
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    if (sent.length === 1) return { applied: false, answer: ack };
    if (sent.length === 2) return { applied: false, answer: reset };
    return { answer: ack };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(sent[0] ?? "", { result: "ERROR", code: "E" }));
  await engine.quiet();
  world.onSearch = ({ criteria }) => {
    if (criteria.requestedBy === undefined) return undefined;
    isHeld = true;
    return { hold: gate.promise };
  };
  await engine.until(() => isHeld);
  await engine.supervisor.deliverAsync(result(sent[1] ?? "", { result: "ERROR", code: "E" }));
  await engine.quiet();
  gate.resolve();
  await engine.pass(5);
  await engine.supervisor.deliverAsync(result(sent[2] ?? "", { ticketId: "MEM-1" }));
  await engine.pass(5);
  expect(sent).toHaveLength(2);
});
