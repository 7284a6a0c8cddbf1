/** The process dies at every write of a whole run, and again while it recovers: laws R1, R2, T1, A1, A2, L5. */
import { expect, test } from "vitest";
import { applyFact } from "../../machines/fold.ts";
import { stateText } from "../../machines/fold-snapshot.ts";
import { limits } from "../../machines/limits.ts";
import { emptyState } from "../../machines/state.ts";
import type { Fact } from "../../machines/facts.ts";
import type { Idempotency } from "../../machines/vocabulary.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, clear, notification } from "./notifications.ts";

const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;

const canonical = [
  notification("up"),
  notification("worse", { kind: "change", severity: "critical" }),
  notification("fan", { alarm: "node-1/fan", severity: "minor" }),
  notification("other", { key: "node-2" }),
  clear("down"),
  clear("fan down", { alarm: "node-1/fan" }),
];

/** Keeps sending what was not acknowledged, as a source does, and lets everything settle. */
async function run(engine: EngineUnderTest, secondsMax = 3_600): Promise<void> {
  for (const one of canonical) {
    const told = engine.supervisor.accept(one, one.id).catch(() => null);
    // oxlint-disable-next-line no-await-in-loop -- one after another
    await engine.quiet();
    // oxlint-disable-next-line no-await-in-loop
    if ((await told) === null) return; // the ledger is gone, and with it the process
  }
  await engine.until(
    () => engine.failures.length > 0 || engine.supervisor.counters().unsettled === 0,
    secondsMax,
  );
}

interface Death {
  /** Facts that fit before the process dies. */
  readonly at: number;
  /** Whether a request whose sending was the last durable fact still reached the service. */
  readonly sent: boolean;
}

function canonicalWorld(idempotency: Idempotency): World {
  return new World({ idempotency, config: { clients: 2, coalesce: false } });
}

/** Runs until the ledger takes no more; the first answer of every create is lost on the way. */
async function runUntil(world: World, death: Death | null): Promise<EngineUnderTest> {
  world.storage.factsMax = death?.at ?? Infinity;
  const lost = new Set<string>();
  world.onSend = ({ request }) => {
    if (death !== null && world.storage.facts.length >= death.at && !death.sent)
      return { applied: false, answer: reset };
    if (request.payload.command !== "create" || lost.has(request.requestId)) return undefined;
    lost.add(request.requestId);
    return { answer: reset };
  };
  const engine = await world.open();
  await run(engine);
  return engine;
}

/** Positions of a run without a death, from its first alarm on. */
async function positionsOf(idempotency: Idempotency): Promise<number[]> {
  const engine = await runUntil(canonicalWorld(idempotency), null);
  expect(await engine.outcomes()).toEqual(expected);
  const [first] = await engine.facts("alarm.accepted");
  const { position } = engine.supervisor.state;
  return Array.from({ length: position }, (_, index) => index + 1).filter(
    (at) => at >= (first?.position ?? 0) - 1,
  );
}

const expected = {
  up: "created",
  worse: "updated",
  fan: "adopted",
  other: "created",
  down: "stopped",
  "fan down": "closed",
};

/** After any death: everything has the outcome a run without one gives, and the truth has no second ticket. */
async function verify(world: World, engine: EngineUnderTest, idempotency: Idempotency): Promise<void> {
  const outcomes = await engine.outcomes();
  expect(Object.keys(outcomes).toSorted()).toEqual(canonical.map((one) => one.id).toSorted());
  const { accepted, unsettled } = engine.supervisor.counters();
  expect([accepted, unsettled]).toEqual([canonical.length, 0]);
  const truth = world.service.truth();
  expect(truth.duplicateOpen).toBe(0);
  if (idempotency !== "none") {
    expect(outcomes).toEqual(expected);
    expect(truth).toMatchObject({ creates: 2, closes: 1, open: 1 });
  }
  expect(await engine.broken()).toEqual([]);
}

test.each(["requestId", "settles", "none"] as const)(
  "R1, R2, T1: dead at every write, with promise %s, every alarm gets its outcome and no key a second ticket",
  async (idempotency) => {
    const positions = await positionsOf(idempotency);
    expect(positions.length).toBeGreaterThan(50);
    for (const at of positions) {
      for (const sent of [true, false]) {
        const world = canonicalWorld(idempotency);
        // oxlint-disable-next-line no-await-in-loop -- worlds of their own, one after another
        const dead = await runUntil(world, { at, sent });
        dead.kill();
        world.onSend = () => undefined;
        // oxlint-disable-next-line no-await-in-loop
        const engine = await world.open();
        // oxlint-disable-next-line no-await-in-loop
        await run(engine);
        // oxlint-disable-next-line no-await-in-loop
        await verify(world, engine, idempotency);
      }
    }
  },
  120_000,
);

test.each(["requestId", "settles"] as const)(
  "R2: dead again at every write of the recovery, with promise %s, it recovers all the same",
  async (idempotency) => {
    const positions = await positionsOf(idempotency);
    for (const at of positions.filter((_, index) => index % 3 === 0)) {
      for (let more = 1; more <= 12; more += 1) {
        const world = canonicalWorld(idempotency);
        // oxlint-disable-next-line no-await-in-loop
        const dead = await runUntil(world, { at, sent: true });
        dead.kill();
        world.onSend = () => undefined;
        world.storage.factsMax = world.storage.facts.length + more;
        // oxlint-disable-next-line no-await-in-loop -- an opening that dies before it is ready rejects
        const second = await world.open().catch(() => null);
        // oxlint-disable-next-line no-await-in-loop
        if (second !== null) await run(second);
        second?.kill();
        world.storage.factsMax = Infinity;
        // oxlint-disable-next-line no-await-in-loop
        const third = await world.open();
        // oxlint-disable-next-line no-await-in-loop
        await run(third);
        // oxlint-disable-next-line no-await-in-loop
        await verify(world, third, idempotency);
      }
    }
  },
  120_000,
);

test("R1: at every commit of a run with losses the live state is the fold of the ledger from zero", async () => {
  const world = canonicalWorld("settles");
  const folded = emptyState();
  let compared = 0;
  const lost = new Set<string>();
  world.onSend = ({ request }) => {
    if (lost.has(request.requestId)) return undefined;
    lost.add(request.requestId);
    return { answer: reset };
  };
  const engine = await world.open();
  for (const fact of await engine.history()) applyFact(folded, fact);
  engine.supervisor.onFacts((facts: readonly Fact[]) => {
    for (const fact of facts) applyFact(folded, JSON.parse(JSON.stringify(fact)) as Fact);
    expect(stateText(engine.supervisor.state)).toBe(stateText(folded));
    compared += 1;
  });
  await run(engine);
  expect(compared).toBeGreaterThan(20);
});

test("R1: an engine that starts from a snapshot has the state of one that folds from zero", async () => {
  const world = canonicalWorld("settles");
  const first = await runUntil(world, null);
  await first.supervisor.stop();
  expect(world.storage.snapshots).toHaveLength(1);
  world.onSend = () => undefined;
  const second = await world.open();
  await second.quiet();
  expect(await second.broken()).toEqual([]);
  await second.supervisor.raise(notification("later", { key: "node-2", alarm: "node-2/fan" }));
  await second.settled();
  expect((await second.outcomes())["later"]).toBe("adopted");
  expect(await second.broken()).toEqual([]);
});

test("G2: a request that was being sent when the process died is in doubt and never simply sent again", async () => {
  const world = new World({ idempotency: "settles", config: { clients: 1 } });
  const first = await world.open();
  world.onSend = () => ({ hold: new Promise(() => undefined) });
  await first.supervisor.raise(notification("1"));
  await first.quiet();
  first.kill();
  world.onSend = () => undefined;
  const second = await world.open();
  await second.pass(59);
  expect([world.sends, second.supervisor.counters().settled]).toEqual([1, 0]);
  await second.settled();
  expect(await second.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ requests: 1, creates: 1 });
  expect(await second.broken()).toEqual([]);
});

test("L5: a restart ends every lock; flows that ran begin again and those parked keep their time", async () => {
  const world = new World({ config: { clients: 2 } });
  const first = await world.open();
  world.onSearch = ({ criteria }) =>
    criteria.clientReference === "node-1"
      ? { hold: new Promise(() => undefined) }
      : { answer: { kind: "error", code: "UNREACHABLE", cause: "down", permanent: false } };
  await first.supervisor.raise(notification("1"));
  await first.supervisor.raise(notification("2", { key: "node-2" }));
  await first.until(() => first.supervisor.snapshot().queue.parked === 1);
  first.kill();
  world.onSearch = () => undefined;
  const second = await world.open();
  expect(second.supervisor.snapshot().clients.map((one) => one.state)).toEqual(["idle", "idle"]);
  await second.quiet();
  expect(await second.outcomes()).toEqual({ 1: "created" });
  await second.settled(2);
  expect(await second.outcomes()).toEqual({ 1: "created", 2: "created" });
  expect(await second.broken()).toEqual([]);
});

test("R5: what was waited before a restart counts: a parked key waits for the rest of its time", async () => {
  const world = new World({ config: { clients: 1 } });
  world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "down", permanent: false },
  });
  const first = await world.open();
  await first.supervisor.raise(notification("1"));
  await first.until(() => first.supervisor.snapshot().queue.parked === 1);
  first.kill();
  world.onSearch = () => undefined;
  world.clock.advance(limits.outageDelayMs - 400);
  const second = await world.open();
  await second.pass(0.399);
  expect(await second.outcomes()).toEqual({});
  await second.pass(0.001);
  expect(await second.outcomes()).toEqual({ 1: "created" });
  expect(await second.broken()).toEqual([]);
});

test("R5: a clock set back two days while the engine was down delays a parked key by its own wait at most", async () => {
  const world = new World({ config: { clients: 1 } });
  const first = await world.open();
  world.onSearch = () => ({
    answer: { kind: "error", code: "UNREACHABLE", cause: "down", permanent: false },
  });
  await first.supervisor.raise(notification("1"));
  await first.until(() => first.supervisor.snapshot().queue.parked === 1);
  first.kill();
  // As if the wall clock had run two days ahead when the facts were written.
  const parked = world.storage.facts.findLast((fact) => fact.type === "key.parked");
  if (parked?.type !== "key.parked") throw new Error("nothing is parked");
  const { parking } = parked.body;
  const ahead = 2 * 86_400_000;
  const shifted = { ...parking, since: parking.since + ahead, until: (parking.until ?? 0) + ahead };
  world.storage.facts[parked.position - 1] = { ...parked, body: { ...parked.body, parking: shifted } };
  world.onSearch = () => undefined;
  const second = await world.open();
  await second.settled(2);
  expect(await second.outcomes()).toEqual({ 1: "created" });
});

test("T1 R5: a doubt is rested out after a restart, though the clock was set forward meanwhile", async () => {
  const world = new World({ idempotency: "settles", row: { settleSeconds: 60 } });
  world.onSend = () => ({ applied: false, answer: { kind: "inDoubt", code: "RESET", cause: "cut" } });
  const engine = await world.open();
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  expect(world.sends).toBe(1);
  await engine.pass(5);
  engine.kill();
  world.clock.jump(3_600_000);
  const next = await world.open();
  world.onSend = () => undefined;
  await next.pass(59);
  expect(world.sends).toBe(1);
  await next.pass(2);
  expect(world.sends).toBe(2);
  await next.settled();
  expect(await next.outcomes()).toEqual({ 1: "created" });
  expect(await next.broken()).toEqual([]);
});

test("R4 T1: a restored backup in which a doubt was just looked into waits its settling time before it sends again", async () => {
  const world = new World({ idempotency: "settles" });
  const engine = await world.open();
  const looked = Promise.withResolvers<void>();
  const found = { answer: { kind: "found", tickets: [], truncated: false } } as const;
  let isLooking = false;
  world.onSearch = ({ criteria }) => {
    if (criteria.requestedBy === undefined) return found;
    isLooking = true;
    return { hold: looked.promise, ...found };
  };
  const lost = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;
  world.onSend = () => ({ answer: lost, applied: false });
  await acceptAll(engine, notification("1"));
  await engine.until(() => isLooking);
  await engine.quiet();
  const { facts, epochs } = world.storage;
  const backup = { ...world.storage, facts: [...facts], epochs: [...epochs], snapshots: [] };
  // The engine goes on and sends it again; that takes effect within the settling time.
  const effect = Promise.withResolvers<void>();
  let again = 0;
  world.onSend = () => {
    again += 1;
    return { answer: lost, applied: effect.promise };
  };
  looked.resolve();
  world.onSearch = () => undefined;
  await engine.until(() => again === 1);
  engine.kill();
  world.storage = { ...backup, restored: true };
  world.onSend = () => undefined;
  const restored = await world.open();
  await restored.pass(1);
  effect.resolve();
  await restored.pass(300);
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
});
