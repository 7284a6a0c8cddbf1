/** Clocks that are set while an index lags: law R5, for T1's sake. */
import { describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import type { Ticket } from "../../machines/vocabulary.ts";
import { World } from "./engine-under-test.ts";
import { clear, notification, oneByOne } from "./notifications.ts";

const day = 86_400_000;
const closedByNow: Ticket = {
  ticketId: "MEM-1",
  kind: "MO",
  status: "acknowledged",
  clientReference: "node-1",
  networkElements: ["node-1"],
};
const nothing = { kind: "found", tickets: [], truncated: false } as const;

describe("R5 L5: a holder that stays silent", () => {
  test.each([2 * day, -2 * day])(
    "loses the lock at its deadline, not before and not after, though the clock was set by %i ms",
    async (ms) => {
      const engine = await lockedFor(10, ms);
      await engine.pass(9.999);
      expect(await engine.facts("client.lockExpired")).toHaveLength(0);
      await engine.pass(0.001);
      expect(await engine.facts("client.lockExpired")).toHaveLength(1);
      expect(await engine.broken()).toEqual([]);
    },
  );

  /** A client is locked by hand, and then the clock is set. */
  async function lockedFor(lockSecondsMax: number, jumpMs: number) {
    const world = new World({ config: { clients: 1, lockSecondsMax } });
    const engine = await world.open();
    await engine.supervisor.lock();
    world.clock.jump(jumpMs);
    return engine;
  }
});

describe("R5 T1: a ticket that the index does not show yet", () => {
  test.each([2 * day, -2 * day])("counts as open, though the clock was set by %i ms", async (ms) => {
    const world = new World();
    const engine = await world.open();
    await oneByOne(engine, notification("1"));
    world.onSearch = () => ({ answer: nothing });
    world.clock.jump(ms);
    await oneByOne(engine, notification("2", { alarm: "node-1/fan" }));
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "adopted" });
    expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  });

  test("counts as open for its settling time after a restart, whatever the clock did meanwhile", async () => {
    const world = new World();
    const first = await world.open();
    await oneByOne(first, notification("1"));
    first.kill();
    world.clock.jump(2 * day);
    world.onSearch = () => ({ answer: nothing });
    const engine = await world.open();
    await oneByOne(engine, notification("2", { alarm: "node-1/fan" }));
    expect(await engine.outcomes()).toMatchObject({ 2: "adopted" });
    expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
  });

  test("is looked up once its settling time is over, also by a clock that was set back two days", async () => {
    const world = new World();
    const engine = await world.open();
    await oneByOne(engine, notification("1"));
    world.clock.jump(-2 * day);
    await engine.pass(61);
    world.onSearch = () => ({ answer: nothing });
    await oneByOne(engine, notification("2", { alarm: "node-1/fan" }));
    expect(await engine.facts("ticket.lost")).toHaveLength(1);
  });
});

describe("T2: after a restart", () => {
  test("a request about a ticket that failed says nothing of it: the ticket is looked up in its time", async () => {
    const world = new World();
    const first = await world.open();
    await oneByOne(first, notification("1", { severity: "minor" }));
    first.kill();
    world.onSearch = () => ({ answer: nothing });
    const engine = await world.open();
    await engine.pass(50);
    world.onSend = () => ({ answer: { kind: "nack", code: "NOT_WITH_US", cause: "no", ticketId: null } });
    await oneByOne(engine, notification("2", { alarm: "node-1/fan", severity: "critical" }));
    expect(await engine.outcomes()).toMatchObject({ 2: "rejected" });
    world.onSend = () => undefined;
    await engine.pass(11);
    await oneByOne(engine, notification("3", { alarm: "node-1/port", severity: "minor" }));
    expect(await engine.facts("ticket.lost")).toHaveLength(1);
  });
});

describe("R5 A8: a ticket that we closed and the index still shows", () => {
  test.each([2 * day, -2 * day])("is not adopted, though the clock was set by %i ms", async (ms) => {
    const world = new World();
    const engine = await world.open();
    await oneByOne(engine, notification("1"));
    await oneByOne(engine, clear("2"));
    world.onSearch = () => ({ answer: { ...nothing, tickets: [closedByNow] } });
    world.clock.jump(ms);
    await oneByOne(engine, notification("3"));
    expect(await engine.outcomes()).toMatchObject({ 2: "closed", 3: "created" });
  });

  test("is opened again within reopenSeconds that have passed, not that the clock says", async () => {
    const world = new World({ config: { reopenSeconds: 600 } });
    const engine = await world.open();
    await oneByOne(engine, notification("1"), clear("2"));
    world.clock.jump(2 * day);
    await oneByOne(engine, notification("3"));
    expect(await engine.outcomes()).toMatchObject({ 3: "reopened" });
  });

  test.each([
    { after: 599, outcome: "reopened" },
    { after: 601, outcome: "created" },
    { after: 172_800, outcome: "created" },
  ])("D6: closed $after s ago, with a restart in between: $outcome", async ({ after, outcome }) => {
    const world = new World({ config: { reopenSeconds: 600 } });
    const first = await world.open();
    await oneByOne(first, notification("1"), clear("2"));
    await first.pass(after - 10);
    first.kill();
    const engine = await world.open();
    await engine.pass(10);
    await oneByOne(engine, notification("3"));
    expect(await engine.outcomes()).toMatchObject({ 3: outcome });
  });
});

describe("R5 G3: a request that the service could not take now", () => {
  test.each([2 * day, -2 * day])(
    "rests before it is sent again, though the clock was set by %i ms while its answer was on its way",
    async (ms) => {
      const world = new World();
      const engine = await world.open();
      const sentMs: number[] = [];
      world.onSend = () => {
        sentMs.push(world.clock.monotonicMs());
        if (sentMs.length > 1) return undefined;
        return { applied: false, answer: { kind: "nack", code: "BUSY", cause: "later", ticketId: null } };
      };
      let toJump = ms;
      engine.supervisor.onClient(({ state }) => {
        if (state !== "closing") return;
        world.clock.jump(toJump);
        toJump = 0;
      });
      await oneByOne(engine, notification("1"));
      expect(await engine.outcomes()).toEqual({ 1: "created" });
      expect(sentMs.map((at) => at - (sentMs[0] ?? 0))).toEqual([0, limits.retryDelayMs]);
    },
  );
});
