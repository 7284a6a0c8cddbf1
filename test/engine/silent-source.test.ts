/** A7: a source that goes silent, over a real socket into a real engine, for hours of a simulated clock. */
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { type Rig, Sender, startIntake, textOf } from "../alarms/rig.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";

const hours = 6;
const intervals = (hours * 3_600_000) / limits.pingIntervalMs;

let rig: Rig;
afterEach(() => rig.close());

/** Three alarms, one of each of three elements, with a ticket each. */
async function raised(options: { readonly autoPong: boolean }) {
  const world = new World();
  const engine = await world.open();
  rig = await startIntake(engine.supervisor, { clock: world.clock });
  const sender = await Sender.open(rig.url, options);
  for (const id of ["1", "2", "3"])
    sender.send(textOf({ id, alarm: { alarmedObject: { id: `node-${id}` } } }));
  expect((await sender.take(3)).map(({ kind }) => kind)).toEqual(["accepted", "accepted", "accepted"]);
  await engine.settled();
  return { world, engine, sender };
}

async function expectNothingCleared(world: World, engine: EngineUnderTest): Promise<void> {
  expect(await engine.facts("alarm.accepted")).toHaveLength(3);
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created", 3: "created" });
  expect([...engine.supervisor.state.keys.values()].map(({ active }) => active.size)).toEqual([1, 1, 1]);
  expect(world.service.truth()).toMatchObject({ creates: 3, closes: 0, open: 3 });
  expect(await engine.broken()).toEqual([]);
}

test(`A7: a source that answers pings and sends nothing for ${hours} hours stays, and clears nothing`, async () => {
  const { world, engine, sender } = await raised({ autoPong: true });
  for (let interval = 0; interval < intervals; interval += 1) {
    const pinged = once(sender.webSocket, "ping");
    world.clock.advance(limits.pingIntervalMs);
    // oxlint-disable-next-line no-await-in-loop -- time passes in order
    await pinged;
    // The answer to a ping of its own: the intake has read the pong before it.
    const ponged = once(sender.webSocket, "pong");
    sender.webSocket.ping();
    // oxlint-disable-next-line no-await-in-loop
    await ponged;
  }
  await engine.quiet();
  expect(rig.intake.connections).toBe(1);
  await expectNothingCleared(world, engine);
  sender.webSocket.terminate();
});

test(`A7: a source that is gone without a word is cut off after two pings, and ${hours} hours later nothing is cleared; its clear then is`, async () => {
  const { world, engine, sender } = await raised({ autoPong: false });
  world.clock.advance(limits.pingIntervalMs);
  await once(sender.webSocket, "ping");
  expect(rig.intake.connections).toBe(1);
  world.clock.advance(2 * limits.pingIntervalMs);
  expect((await sender.closed).code).toBe(1006);
  await engine.pass(hours * 3_600);
  expect(rig.intake.connections).toBe(0);
  await expectNothingCleared(world, engine);

  const again = await Sender.open(rig.url);
  again.send(textOf({ id: "4", alarm: { alarmedObject: { id: "node-1" }, state: "cleared" } }));
  expect(await again.next()).toMatchObject({ kind: "accepted" });
  await engine.settled();
  expect(world.service.truth()).toMatchObject({ closes: 1, open: 2 });
});
