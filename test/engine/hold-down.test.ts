/** Hold-down: nothing is created, updated or closed before its delay, whatever dies or jumps meanwhile (R5). */
import { describe, expect, test } from "vitest";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";
import { network } from "./network.ts";

const delays = { createSeconds: 30, updateSeconds: 20, closeSeconds: 10 };

describe("a create is held down", () => {
  test("for exactly its delay", async () => {
    const world = new World({ config: { delays } });
    const engine = await world.open();
    await acceptAll(engine, notification("up"));
    await engine.pass(29);
    world.clock.advance(999);
    await engine.quiet();
    expect(world.searches).toBe(0);
    expect(engine.supervisor.snapshot().queue).toMatchObject({
      create: 0,
      parked: 1,
      parkedFor: { holdDown: 1 },
    });
    expect(await engine.because("up")).toBe("Held down for 30 s before a create.");
    world.clock.advance(1);
    await engine.quiet();
    expect(await engine.outcomes()).toEqual({ up: "created" });
    expect(await engine.broken()).toEqual([]);
  });

  test.each([{ coalesce: true }, { coalesce: false }])(
    "a clear meanwhile cancels it at once, without a flow (coalesce $coalesce)",
    async ({ coalesce }) => {
      const world = new World({ config: { delays, coalesce } });
      const engine = await world.open();
      await acceptAll(engine, notification("up"));
      await engine.pass(29);
      await acceptAll(engine, clear("down"));
      await engine.quiet();
      expect(await engine.outcomes()).toEqual({ up: "coalesced", down: "coalesced" });
      expect(await engine.because("up")).toContain("held down");
      await engine.pass(60);
      expect([world.searches, world.sends]).toEqual([0, 0]);
      expect(engine.supervisor.snapshot().queue.parked).toBe(0);
      expect(await engine.broken()).toEqual([]);
    },
  );

  test("a clear after it closes the ticket, after a delay of its own", async () => {
    const world = new World({ config: { delays } });
    const engine = await world.open();
    await acceptAll(engine, notification("up"));
    await engine.pass(30);
    await acceptAll(engine, clear("down"));
    await engine.pass(9);
    expect(world.service.truth()).toMatchObject({ creates: 1, closes: 0 });
    await engine.pass(1);
    expect(await engine.outcomes()).toEqual({ up: "created", down: "closed" });
  });

  test("each alarm of a key has its own delay: one cancelled does not hurry or hold the other", async () => {
    const world = new World({ config: { delays } });
    const engine = await world.open();
    await acceptAll(engine, notification("a"));
    await engine.pass(20);
    await acceptAll(engine, notification("b", { alarm: "other" }), clear("a down"));
    await engine.pass(29);
    expect(await engine.outcomes()).toEqual({ a: "coalesced", "a down": "coalesced" });
    await engine.pass(1);
    expect(await engine.outcomes()).toMatchObject({ b: "created" });
  });

  test("an update waits for its own delay; a raise that a ticket covers counts as an update", async () => {
    const world = new World({ config: { delays } });
    const engine = await world.open();
    await acceptAll(engine, notification("up"));
    await engine.pass(30);
    await acceptAll(engine, notification("worse", { kind: "change", severity: "critical" }));
    await engine.pass(19);
    expect(world.service.truth().updates).toBe(0);
    await engine.pass(1);
    expect(world.service.truth().updates).toBe(1);
    expect(await engine.outcomes()).toMatchObject({ worse: "updated" });
  });

  test("a clear with nothing to close is not held up", async () => {
    const world = new World({ config: { delays } });
    const engine = await world.open();
    await acceptAll(engine, clear("down"));
    await engine.quiet();
    expect(await engine.outcomes()).toEqual({ down: "stopped" });
  });

  test("alarms that a parent covered are held down like new ones when it closes: their clears come first", async () => {
    const world = new World({ config: { delays: { ...delays, closeSeconds: 0, updateSeconds: 0 } } });
    const topology = await network(world.clock, { leaf: "hub", twig: "hub" });
    const engine = await world.open({ more: { topology } });
    await acceptAll(engine, notification("hub up", { key: "hub" }));
    await engine.pass(30);
    await acceptAll(
      engine,
      notification("leaf up", { key: "leaf" }),
      notification("twig up", { key: "twig" }),
    );
    await engine.pass(30);
    await acceptAll(engine, clear("hub down", { key: "hub" }));
    await engine.pass(5);
    expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({ holdDown: 2 });
    await acceptAll(engine, clear("leaf down", { key: "leaf" }));
    await engine.pass(30);
    expect(await engine.outcomes()).toMatchObject({
      "leaf up": "adopted",
      "leaf down": "stopped",
      "twig up": "adopted",
    });
    expect(world.service.truth()).toMatchObject({ creates: 2, open: 1 });
    expect(await engine.broken()).toEqual([]);
  });
});

describe("R5: time", () => {
  test("a crash in the middle: what is left of the delay is waited for, no less and no more", async () => {
    const world = new World({ config: { delays } });
    const first = await world.open();
    await acceptAll(first, notification("up"));
    await first.pass(20);
    first.kill();
    const second = await world.open();
    await second.pass(9);
    expect(world.searches).toBe(0);
    expect(second.supervisor.snapshot().queue.parkedFor).toEqual({ holdDown: 1 });
    await second.pass(1);
    expect(await second.outcomes()).toEqual({ up: "created" });
    expect(await second.broken()).toEqual([]);
  });

  test("a crash in the middle, then the clear: cancelled all the same", async () => {
    const world = new World({ config: { delays } });
    const first = await world.open();
    await acceptAll(first, notification("up"));
    await first.pass(20);
    first.kill();
    const second = await world.open();
    await acceptAll(second, clear("down"));
    await second.pass(40);
    expect(await second.outcomes()).toEqual({ up: "coalesced", down: "coalesced" });
    expect(world.sends).toBe(0);
  });

  const twoDays = 2 * 86_400_000;
  test.each([
    { what: "two days ahead", jump: twoDays },
    { what: "two days back", jump: -twoDays },
  ])("the clock on the wall jumps $what while it runs: the delay stays what it is", async ({ jump }) => {
    const world = new World({ config: { delays } });
    const engine = await world.open();
    await acceptAll(engine, notification("a"));
    await engine.pass(10);
    await acceptAll(engine, notification("b", { alarm: "other" }));
    await engine.pass(5);
    world.clock.jump(jump);
    // The head of the line is another one now: its wait is counted anew, on monotonic time.
    await acceptAll(engine, clear("a down"));
    await engine.pass(24);
    expect(world.searches).toBe(0);
    await engine.pass(1);
    expect(await engine.outcomes()).toMatchObject({ b: "created" });
  });

  test.each([
    { what: "two days ahead: at once", jump: twoDays, after: 0 },
    { what: "two days back: the whole delay, not two days", jump: -twoDays, after: 30 },
  ])("the clock jumps while the engine is down, $what", async ({ jump, after }) => {
    const world = new World({ config: { delays } });
    const first = await world.open();
    await acceptAll(first, notification("up"));
    await first.pass(20);
    first.kill();
    world.clock.jump(jump);
    const second = await world.open();
    await second.pass(after === 0 ? 0 : after - 1);
    if (after > 0) expect(world.searches).toBe(0);
    await second.pass(after === 0 ? 0 : 1);
    expect(await second.outcomes()).toEqual({ up: "created" });
  });

  test("R1: new delays hold at once, for what waits already too", async () => {
    const world = new World({ config: { delays } });
    const first = await world.open();
    await acceptAll(first, notification("up"));
    await first.pass(5);
    first.kill();
    const second = await world.open({ config: { delays: { ...delays, createSeconds: 7 } } });
    await second.pass(1);
    expect(world.searches).toBe(0);
    await second.pass(1);
    expect(await second.outcomes()).toEqual({ up: "created" });
    expect((await second.facts("settings.changed")).at(-1)?.body.delays?.createSeconds).toBe(7);
    expect(await second.broken()).toEqual([]);
  });
});

test.each([
  { createSeconds: 7, left: 2 },
  { createSeconds: 0, left: 0 },
  { createSeconds: 60, left: 55 },
])(
  "an operator sets the delay to $createSeconds s while a raise waits for 5 s: $left s are left",
  async ({ createSeconds, left }) => {
    const world = new World({ config: { delays } });
    const engine = await world.open();
    await acceptAll(engine, notification("up"));
    await engine.pass(5);
    world.clock.jump(-86_400_000); // no matter to what this process has heard itself (R5)
    await engine.supervisor.operators.changeSettings({ delays: { createSeconds } }, "ann");
    await engine.quiet();
    if (left > 0) {
      world.clock.advance(left * 1000 - 1);
      await engine.quiet();
      expect(world.searches).toBe(0);
      world.clock.advance(1);
      await engine.quiet();
    }
    expect(await engine.outcomes()).toEqual({ up: "created" });
    expect(await engine.broken()).toEqual([]);
  },
);

test("without delays nothing is held down", async () => {
  const world = new World();
  const engine = await world.open();
  await oneByOne(engine, notification("up"), clear("down"));
  expect(world.clock.monotonicMs()).toBe(0);
  expect(await engine.outcomes()).toEqual({ up: "created", down: "closed" });
});
