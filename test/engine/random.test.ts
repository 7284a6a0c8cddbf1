/**
 * Any alarms of a small network under any delays, bounds and crashes: the whole engine in simulated time. A failing
 * run prints its seed and its script.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parkingOf } from "../../machines/admission.ts";
import { delaysOf } from "../../machines/state.ts";
import type { TicketingService } from "../../actors/ports.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, clear, notification } from "./notifications.ts";
import { brokenTopology, network, silent } from "./network.ts";

const parents = { "node-a": "hub", "node-b": "hub", "modem-1": "node-a", "modem-2": "node-b" };
const elements = ["hub", ...Object.keys(parents)];

const scripts = fc.record({
  steps: fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          what: fc.constantFrom("raise", "raise", "clear", "change"),
          key: fc.constantFrom(...elements),
          alarm: fc.constantFrom("a", "b"),
          severity: fc.constantFrom("minor", "major", "critical"),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ what: fc.constant("pass"), seconds: fc.constantFrom(0, 5, 20, 90, 400) }),
      },
      { weight: 1, arbitrary: fc.record({ what: fc.constantFrom("crash", "settle") }) },
    ),
    { minLength: 5, maxLength: 50 },
  ),
  delays: fc.constantFrom(
    { createSeconds: 0, updateSeconds: 0, closeSeconds: 0 },
    { createSeconds: 30, updateSeconds: 10, closeSeconds: 15 },
  ),
  maxOpenTickets: fc.constantFrom(1, 2, 500),
  coalesce: fc.boolean(),
  clients: fc.constantFrom(1, 3),
  topology: fc.constantFrom("works", "works", "silent", "none"),
  // Fewer than the attempts of a request: each is done in the end.
  faults: fc.array(fc.constantFrom("none", "none", "lost", "refused", "unreachable"), { maxLength: 3 }),
});
type Script = typeof scripts extends fc.Arbitrary<infer T> ? T : never;

const seen = new Map<string, number>();
const count = (what: string, times = 1): void => void seen.set(what, (seen.get(what) ?? 0) + times);

function faults(world: World, script: Script): void {
  const left = [...script.faults];
  world.onSend = () => {
    switch (left.shift()) {
      case "lost":
        return { answer: { kind: "inDoubt", code: "TIMEOUT", cause: "no answer" } };
      case "refused":
        return {
          applied: false,
          answer: { kind: "refused", code: "UNAVAILABLE", cause: "later", retryAfterMs: null },
        };
      case "unreachable":
        return { applied: false, answer: { kind: "unreachable", code: "UNREACHABLE", cause: "refused" } };
      default:
        return undefined;
    }
  };
}

/** What a killed process has not sent never leaves. */
function mortal(life: { readonly alive: boolean }): (service: TicketingService) => TicketingService {
  return (service) => ({
    search: (call) => service.search(call),
    send: (call) => (life.alive ? service.send(call) : new Promise(() => undefined)),
    close: () => service.close(),
  });
}

/** D7, and A8: every active alarm has a ticket of its key, or rests on something that can be named. */
function check(engine: EngineUnderTest, script: Script): void {
  const { state } = engine.supervisor;
  const { open } = engine.world.service.truth();
  expect(open, "D7").toBeLessThanOrEqual(script.maxOpenTickets);
  for (const key of state.keys.values()) {
    const parking = parkingOf(key, delaysOf(state));
    if (parking !== null) count(`parked ${parking.reason}`);
    if (key.active.size === 0 || key.open.size > 0 || key.flow !== null || key.waiting.length > 0) continue;
    if (key.request === null)
      expect(key.cover, `A8: ${key.key} has active alarms and nothing they rest on`).not.toBeNull();
  }
  const { queue } = engine.supervisor.snapshot();
  const reasons = Object.values(queue.parkedFor).reduce((sum, one) => sum + one, 0);
  expect(reasons, "every parked key has its reason").toBe(queue.parked);
}

async function run(script: Script): Promise<void> {
  const { delays, maxOpenTickets, coalesce, clients } = script;
  const world = new World({ config: { delays, maxOpenTickets, coalesce, clients } });
  faults(world, script);
  const topology =
    script.topology === "works"
      ? await network(world.clock, parents)
      : script.topology === "silent"
        ? brokenTopology(silent)
        : undefined;
  let life = { alive: true };
  const open = () => {
    life = { alive: true };
    const more = topology === undefined ? {} : { topology };
    return world.open({ more, wrap: mortal(life) });
  };
  let engine = await open();
  const active = new Map<string, { key: string; alarm: string }>();
  let told = 0;
  for (const step of script.steps) {
    if ("key" in step) {
      const { key, what, severity } = step;
      const alarm = `${key}/${step.alarm}`;
      told += 1;
      const one =
        what === "clear"
          ? clear(`${told}`, { key, alarm })
          : notification(`${told}`, { key, alarm, kind: what as "raise", severity: severity as "major" });
      if (what === "clear") active.delete(alarm);
      else active.set(alarm, { key, alarm });
      // oxlint-disable-next-line no-await-in-loop -- one step after the other
      await acceptAll(engine, one);
    } else if ("seconds" in step) {
      // oxlint-disable-next-line no-await-in-loop
      await engine.pass(step.seconds);
      check(engine, script);
    } else if (step.what === "crash") {
      count("crash");
      life.alive = false;
      engine.kill();
      // oxlint-disable-next-line no-await-in-loop
      engine = await open();
    } else {
      // oxlint-disable-next-line no-await-in-loop
      await engine.pass(1_000);
      check(engine, script);
    }
  }
  await engine.pass(2_000);
  check(engine, script);
  for (const fact of await engine.facts("flow.decided")) count(fact.body.rule);
  for (const fact of await engine.facts("flow.started"))
    if (fact.body.alarms.length > 0 && (await wasSettled(engine, fact))) count("decided again");
  // All is well again: whatever was open is closed, whoever waited is settled.
  world.onSend = () => undefined;
  await acceptAll(engine, ...[...active.values()].map((one, index) => clear(`end ${index}`, one)));
  await engine.settled(20_000);
  expect(await engine.broken()).toEqual([]);
  expect(world.service.truth()).toMatchObject({ open: 0, duplicateOpen: 0 });
  expect(engine.supervisor.snapshot().queue).toMatchObject({ parked: 0, parkedFor: {} });
  expect(engine.supervisor.counters()).toMatchObject({ unsettled: 0, openTickets: 0 });
}

async function wasSettled(
  engine: EngineUnderTest,
  flow: {
    readonly position: number;
    readonly body: { readonly alarms: readonly { readonly position: number }[] };
  },
): Promise<boolean> {
  const [first] = flow.body.alarms;
  const settled = await engine.facts("alarm.settled");
  return settled.some(
    ({ position, body }) => position < flow.position && body.alarm.position === first?.position,
  );
}

test("A2 A5 A8 T1 D7 R1: any alarms, delays, bounds and crashes: each ends once, rests on something, and nothing is left", async () => {
  await fc.assert(fc.asyncProperty(scripts, run), { numRuns: 150, seed: 20_261_123 });
  const situations = [
    "parked holdDown",
    "parked covered",
    "parked storm",
    "parked inDoubt",
    "parked outage",
    "decided again",
    "crash",
    "D5",
    "D7",
    "D8",
    "D11",
  ];
  // A run that tried nothing proves nothing.
  expect(situations.filter((what) => !seen.has(what))).toEqual([]);
}, 120_000);
