/**
 * A2 T1: the way to the ticketing service goes half open under the engine: connections stay and bytes are swallowed.
 * The real adapter over TCP, the desk behind it, and one simulated clock for all of them.
 */
import { afterEach, expect, test } from "vitest";
import { startDesk } from "../../adapters/desk/desk.ts";
import { createOsbService } from "../../adapters/service/osb.ts";
import type { Idempotency } from "../../machines/vocabulary.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { World, turn } from "./engine-under-test.ts";
import { HalfOpenProxy, ways } from "./half-open-proxy.ts";
import { acceptAll, notification } from "./notifications.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean(); // oxlint-disable-line no-await-in-loop
});

async function opened(idempotency: Idempotency) {
  let world: World | null = null;
  const idle = new ManualClock();
  const clock = {
    now: () => (world?.clock ?? idle).now(),
    setTimeout: (fn: () => void, ms: number) => (world?.clock ?? idle).setTimeout(fn, ms),
    clearTimeout: (id: unknown) => (world?.clock ?? idle).clearTimeout(id),
  };
  const desk = await startDesk({ port: 0, dataDir: null, idempotency, settleSeconds: 60, clock });
  const proxy = await HalfOpenProxy.start(desk.port);
  const osb = createOsbService({ callbackUrl: () => "", clock });
  let asking = 0;
  const counted = async <T>(answer: Promise<T>): Promise<T> => {
    asking += 1;
    try {
      return await answer;
    } finally {
      asking -= 1;
    }
  };
  world = new World({ idempotency, row: { port: proxy.port } });
  const engine = await world.open({
    wrap: () => ({
      send: (call) => counted(osb.send(call)),
      search: (call) => counted(osb.search(call)),
      close: () => osb.close(),
    }),
  });
  cleanups.push(
    () => desk.close(),
    () => proxy.close(),
    () => osb.close(),
  );

  /** Until nothing moves but by the clock: all answers are in, but those that were swallowed. */
  async function still(): Promise<void> {
    await engine.quiet();
    while (asking !== proxy.stuck) {
      // oxlint-disable-next-line no-await-in-loop -- until the sockets have said it
      await turn();
      // oxlint-disable-next-line no-await-in-loop
      await engine.quiet();
    }
  }
  async function pass(seconds: number, done: () => boolean = () => false): Promise<void> {
    const { clock: time } = engine.world;
    const end = time.monotonicMs() + seconds * 1000;
    await still();
    while (!done() && time.monotonicMs() < end) {
      time.advance(Math.min(end - time.monotonicMs(), time.nextInMs ?? Infinity));
      // oxlint-disable-next-line no-await-in-loop -- time passes in order
      await still();
    }
  }
  const settled = () => pass(3_600, () => engine.supervisor.counters().unsettled === 0);
  return { world, engine, desk, proxy, pass, settled };
}

const node = (n: number) => notification(`${n} up`, { key: `node-${n}` });

const cases = ways.flatMap((way) =>
  (["requestId", "settles", "none"] as const).flatMap((promise) =>
    (["SearchTicket", "CreateTicket"] as const).map((from) => {
      // A create that never arrives is not sent again with the promise `none`. With `requestId` it is, and after two
      // attempts nobody is asked again who does not answer a search (G3); with `settles` it rests until it is looked up.
      const mayBeLost = way !== "back from it" && promise === "none";
      return { way, promise, from, mayBeLost };
    }),
  ),
);

test.each(cases)(
  "A2 T1: half open $way for five minutes from a $from on, promise $promise: nothing is settled by a guess, then each alarm is, with no ticket twice",
  { timeout: 60_000 },
  async ({ way, promise, from, mayBeLost }) => {
    const { engine, desk, proxy, pass, settled } = await opened(promise);
    await acceptAll(engine, node(1));
    await settled();
    proxy.onRequest = (text) => {
      if (text.includes(`/${from}"`)) proxy.swallow(way);
    };
    await acceptAll(engine, node(2), node(3), node(4));
    await pass(300);
    expect(await engine.outcomes()).toEqual({ "1 up": "created" });
    expect(proxy.swallowed).toBeGreaterThan(5);

    proxy.onRequest = () => undefined;
    proxy.mend();
    await settled();
    const outcomes = Object.values(await engine.outcomes());
    expect(outcomes).toHaveLength(4);
    const created = outcomes.filter((outcome) => outcome === "created").length;
    if (mayBeLost) expect(outcomes.filter((outcome) => outcome === "unknown")).toHaveLength(4 - created);
    else expect(created).toBe(4);
    expect(desk.truth()).toMatchObject({ open: created, tickets: created, duplicateOpen: 0 }); // T1
    expect(await engine.broken()).toEqual([]);
  },
);
