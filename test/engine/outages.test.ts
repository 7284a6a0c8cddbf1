/**
 * G3: no retry storm. What a service that is down is asked, second by second, and what it is asked once it is back.
 * Each key waits 1, 2, 4 … 30 s by itself; keys that are due together take turns at the clients, and at the line.
 */
import { expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

const down = { kind: "error", code: "UNREACHABLE", cause: "connect ECONNREFUSED", permanent: false } as const;
const unreachable = { kind: "unreachable", code: "UNREACHABLE", cause: "connect ECONNREFUSED" } as const;

const outageSeconds = 90;
/** Turns of one key in it: at 0, 1, 3, 7, 15, 31, 61 s, each later by what its searches last. */
const turnsMax = 7;
/** A flow asks at 0, 0.2 and 0.6 s: in no second more than twice as often. */
const asksInASecond = 2 * limits.searchTriesMax;

async function raised(world: World, keys: number): Promise<EngineUnderTest> {
  const engine = await world.open();
  const alarms = Array.from({ length: keys }, (_, n) => notification(`${n} up`, { key: `n${n}` }));
  await acceptAll(engine, ...alarms);
  return engine;
}

/** Counts what is asked, of which key, and in which second. */
class Asked {
  readonly #second: () => number;
  readonly #ofKey = new Map<string, number>();
  readonly #inSecond = new Map<number, number>();
  constructor({ clock }: World) {
    this.#second = () => Math.floor(clock.monotonicMs() / 1000);
  }
  count(key: string): void {
    this.#ofKey.set(key, (this.#ofKey.get(key) ?? 0) + 1);
    this.#inSecond.set(this.#second(), (this.#inSecond.get(this.#second()) ?? 0) + 1);
  }
  get keys(): number {
    return this.#ofKey.size;
  }
  get mostOfAKey(): number {
    return Math.max(...this.#ofKey.values());
  }
  get mostInASecond(): number {
    return Math.max(...this.#inSecond.values());
  }
}

test.each([
  { keys: 4, clients: 4 },
  { keys: 240, clients: 4 },
  { keys: 240, clients: 16 },
  { keys: 800, clients: 128 },
])(
  "G3: $keys keys and $clients clients, no search is answered: as many a second as the pool can ask, each key ever less often, and one search each when it is back",
  { timeout: 120_000 },
  async ({ keys, clients }) => {
    const world = new World({ config: { clients, maxOpenTickets: keys } });
    const asked = new Asked(world);
    world.onSearch = ({ criteria }) => {
      asked.count(JSON.stringify(criteria));
      return { answer: down };
    };
    const engine = await raised(world, keys);
    await engine.pass(outageSeconds);
    expect(asked.mostInASecond).toBeLessThanOrEqual(asksInASecond * clients);
    expect(asked.mostOfAKey).toBeLessThanOrEqual(turnsMax * limits.searchTriesMax);
    expect(world.sends).toBe(0);

    world.onSearch = () => undefined;
    const before = world.searches;
    await engine.settled();
    expect(world.searches - before).toBeLessThanOrEqual(keys);
    expect(engine.supervisor.counters().outcomes).toEqual({ created: keys });
    expect(await engine.broken()).toEqual([]);
  },
);

test(
  "G3: 240 keys whose creates cannot leave: one after the other, each key ever less often, and once each when it is back",
  { timeout: 120_000 },
  async () => {
    const keys = 240;
    const world = new World({ config: { clients: 16, maxOpenTickets: keys } });
    const asked = new Asked(world);
    world.onSend = ({ request }) => {
      asked.count(request.key);
      return { applied: false, answer: unreachable };
    };
    const engine = await raised(world, keys);
    await engine.pass(outageSeconds);
    expect(asked.keys).toBe(keys);
    expect(asked.mostOfAKey).toBeLessThanOrEqual(turnsMax);

    world.onSend = () => undefined;
    const before = world.sends;
    await engine.settled();
    expect(world.sends - before).toBe(keys);
    expect(engine.supervisor.counters().outcomes).toEqual({ created: keys });
    expect(await engine.broken()).toEqual([]); // G1: never two at a time
  },
);
