/** D7: as many tickets as `maxOpenTickets` allows and no more; who waits, what cancels it, who goes first. */
import { describe, expect, test } from "vitest";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "./notifications.ts";
import { network } from "./network.ts";

const up = (key: string, more = {}) => notification(`${key} up`, { key, ...more });
const down = (key: string) => clear(`${key} down`, { key });
const keys = (count: number, name = "n") => Array.from({ length: count }, (_, index) => `${name}${index}`);

function storm(maxOpenTickets: number, config = {}): World {
  return new World({ config: { maxOpenTickets, ...config } });
}

describe("D7: event storm", () => {
  test.each([
    { raises: 4, created: 4, parked: 0 },
    { raises: 5, created: 5, parked: 0 },
    { raises: 6, created: 5, parked: 1 },
    { raises: 60, created: 5, parked: 55 },
  ])(
    "of $raises raises at once and room for 5, $created get tickets and $parked wait",
    async ({ raises, created, parked }) => {
      const world = storm(5);
      const engine = await world.open();
      await acceptAll(engine, ...keys(raises).map((key) => up(key)));
      await engine.quiet();
      expect(world.service.truth()).toMatchObject({ creates: created, open: created });
      expect(engine.supervisor.snapshot().queue.parkedFor).toEqual(parked === 0 ? {} : { storm: parked });
      expect(engine.supervisor.counters().unsettled).toBe(parked);
      if (parked > 0)
        expect(await engine.because(`n${raises - 1} up`)).toContain("Event storm: 5 tickets are open");
      expect(await engine.broken()).toEqual([]);
    },
  );

  test("whoever waits longest gets the room that a close makes, one ticket for one", async () => {
    const world = storm(2);
    const engine = await world.open();
    await oneByOne(engine, up("a"), up("b"));
    for (const key of ["c", "d", "e"]) {
      // oxlint-disable-next-line no-await-in-loop -- the order is the point
      await acceptAll(engine, up(key));
      // oxlint-disable-next-line no-await-in-loop
      await engine.quiet();
    }
    await acceptAll(engine, down("a"));
    await engine.quiet();
    const outcomes = await engine.outcomes();
    expect([outcomes["c up"], outcomes["d up"], outcomes["e up"]]).toEqual(["created", undefined, undefined]);
    expect(world.service.truth()).toMatchObject({ creates: 3, open: 2 });
    await acceptAll(engine, down("b"), down("c"));
    await engine.settled();
    expect(world.service.truth()).toMatchObject({ creates: 5, closes: 3, open: 2 });
    expect(await engine.broken()).toEqual([]);
  });

  test.each([{ coalesce: true }, { coalesce: false }])(
    "the clear of a raise that waits cancels it, without a flow (coalesce $coalesce)",
    async ({ coalesce }) => {
      const world = storm(1, { coalesce });
      const engine = await world.open();
      await oneByOne(engine, up("a"));
      await acceptAll(engine, up("b"));
      await engine.quiet();
      const flows = (await engine.facts("flow.started")).length;
      await acceptAll(engine, down("b"));
      await engine.settled();
      expect(await engine.outcomes()).toMatchObject({ "b up": "coalesced", "b down": "coalesced" });
      expect(await engine.because("b up")).toContain("event storm");
      expect(await engine.facts("flow.started")).toHaveLength(flows);
      expect(engine.supervisor.snapshot().queue.parked).toBe(0);
      // Nothing is left of it: the next raise is decided anew.
      await acceptAll(engine, notification("b again", { key: "b" }), down("a"));
      await engine.settled();
      expect(await engine.outcomes()).toMatchObject({ "b again": "created" });
      expect(await engine.broken()).toEqual([]);
    },
  );

  test("a second alarm of a waiting key waits with it, and its clear takes only itself away", async () => {
    const world = storm(1);
    const engine = await world.open();
    await oneByOne(engine, up("a"));
    await acceptAll(engine, up("b"));
    await engine.quiet();
    await acceptAll(engine, notification("b2 up", { key: "b", alarm: "b/other" }), down("b"));
    await engine.quiet();
    expect(await engine.outcomes()).toMatchObject({ "b up": "coalesced" });
    await acceptAll(engine, down("a"));
    await engine.settled();
    expect(await engine.outcomes()).toMatchObject({ "b2 up": "created" });
    expect(await engine.broken()).toEqual([]);
  });

  test("what needs no new ticket is decided as ever: adopted, updated, closed, flagged as planned", async () => {
    const world = storm(1);
    const engine = await world.open();
    await oneByOne(
      engine,
      up("a"),
      notification("a2", { key: "a", alarm: "a/2" }),
      notification("a3", { key: "a", alarm: "a/3", severity: "critical" }),
      notification("p", { key: "p", plannedOutage: true }),
    );
    expect(await engine.outcomes()).toEqual({
      "a up": "created",
      a2: "adopted",
      a3: "updated",
      p: "stopped",
    });
  });

  test("closes go first meanwhile: before raises that came earlier, but for every fourth turn", async () => {
    const world = storm(12, { clients: 1 });
    const engine = await world.open();
    await oneByOne(engine, ...keys(12).map((key) => up(key)));
    await acceptAll(engine, up("first in the storm"));
    await engine.quiet();
    const started = (await engine.facts("flow.started")).length;
    await acceptAll(engine, ...keys(10, "late").map((key) => up(key)), ...keys(4).map((key) => down(key)));
    await engine.quiet();
    const order = (await engine.facts("flow.started"))
      .slice(started)
      .map(({ body }) => body.alarms[0]?.id ?? "");
    const closes = order.flatMap((id, index) => (id.endsWith("down") ? [index] : []));
    expect(Math.max(...closes.slice(0, 4))).toBeLessThanOrEqual(6);
    expect(await engine.broken()).toEqual([]);
  });

  test("a restart keeps them waiting, in their order; the room is taken once", async () => {
    const world = storm(1);
    const first = await world.open();
    await oneByOne(first, up("a"));
    await acceptAll(first, up("b"), up("c"));
    await first.quiet();
    first.kill();
    const second = await world.open();
    await second.quiet();
    expect(second.supervisor.snapshot().queue.parkedFor).toEqual({ storm: 2 });
    await acceptAll(second, down("a"));
    await second.quiet();
    expect(await second.outcomes()).toMatchObject({ "b up": "created" });
    expect(world.service.truth()).toMatchObject({ creates: 2, open: 1 });
    expect(await second.broken()).toEqual([]);
  });

  test("alarms that a parent covered wait like the others when it closes; their clear needs no room", async () => {
    const world = storm(1);
    const topology = await network(world.clock, { leaf: "hub" });
    const engine = await world.open({ more: { topology } });
    await oneByOne(engine, up("hub"), up("leaf"));
    await acceptAll(engine, up("other"));
    await engine.quiet();
    await acceptAll(engine, down("hub"));
    await engine.quiet();
    // One of them got the room, the other waits.
    expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({ storm: 1 });
    expect(world.service.truth().open).toBe(1);
    await acceptAll(engine, down("leaf"), down("other"));
    await engine.settled();
    expect(world.service.truth().open).toBe(0);
    expect(engine.supervisor.snapshot().queue.parked).toBe(0);
    expect(await engine.broken()).toEqual([]);
  });

  test("a clear that leads its line is settled though its key waits for room", async () => {
    const world = storm(1);
    const topology = await network(world.clock, { leaf: "hub", twig: "hub" });
    const engine = await world.open({ more: { topology } });
    await oneByOne(engine, up("hub"), up("leaf"), up("twig"));
    await acceptAll(engine, down("hub"));
    await engine.quiet();
    const [waiting = ""] = ["leaf", "twig"].filter(
      (name) => engine.supervisor.state.keys.get(name)?.parked !== null,
    );
    await acceptAll(engine, down(waiting));
    await engine.quiet();
    expect(await engine.outcomes()).toMatchObject({ [`${waiting} down`]: "stopped" });
    expect(engine.supervisor.snapshot().queue.parked).toBe(0);
  });

  test("requests in flight count: while a create hangs, nobody takes its place", async () => {
    const world = storm(2, { clients: 4 });
    const engine = await world.open();
    const answered = Promise.withResolvers<void>();
    world.onSend = ({ request }) => (request.key === "a" ? { hold: answered.promise } : undefined);
    await acceptAll(engine, up("a"), up("b"), up("c"));
    await engine.quiet();
    answered.resolve();
    await engine.quiet();
    expect(world.service.truth()).toMatchObject({ creates: 2, open: 2 });
    expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({ storm: 1 });
  });

  test("when creates fail, the room goes to the next; nobody waits for ever", async () => {
    const world = storm(2);
    const engine = await world.open();
    world.onSend = ({ request }) =>
      Number(request.key.slice(1)) < 4
        ? { applied: false, answer: { kind: "nack", code: "NACK", cause: "no", ticketId: null } }
        : undefined;
    await acceptAll(engine, ...keys(6).map((key) => up(key)));
    await engine.settled();
    expect(engine.supervisor.counters().outcomes).toEqual({ rejected: 4, created: 2 });
    expect(await engine.broken()).toEqual([]);
  });

  test("a thousand raises and their clears, room for ten: every one settled, never more than ten open", async () => {
    const world = storm(10);
    const engine = await world.open();
    let most = 0;
    world.onSend = () => {
      most = Math.max(most, world.service.truth().open);
      return undefined;
    };
    const all = keys(1_000);
    await acceptAll(engine, ...all.map((key) => up(key)));
    await engine.quiet();
    expect(engine.supervisor.snapshot().queue.parkedFor).toEqual({ storm: 990 });
    await acceptAll(engine, ...all.map((key) => down(key)));
    await engine.settled();
    expect(most).toBeLessThanOrEqual(10);
    expect(world.service.truth()).toMatchObject({ open: 0, duplicateOpen: 0 });
    expect(engine.supervisor.counters()).toMatchObject({ accepted: 2_000, settled: 2_000, openTickets: 0 });
    expect(await engine.broken()).toEqual([]);
  });
});
