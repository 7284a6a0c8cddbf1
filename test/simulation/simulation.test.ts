/** A few seeds of the simulation, and that it repeats itself; `npm run simulate` goes through many. */
import { expect, test } from "vitest";
import { minimise } from "./minimise.ts";
import { Random } from "./random.ts";
import { scenarioOf, simulate, type Mode } from "./simulation.ts";
import { Counters } from "./situations.ts";

/** What even so few seeds must have met. */
const usual = [
  "crash at random",
  "crash between sync and answer",
  "torn tail",
  "in doubt",
  "sent again",
  "forced unlock",
  "async result",
  "early clear",
  "reader resumed",
] as const;

test.each<Mode>(["safety", "liveness"])("every law holds in 60 simulated worlds: %s", async (mode) => {
  const counters = new Counters();
  for (let seed = 1; seed <= 60; seed += 1) {
    const result = await simulate({ seed, mode });
    expect(result.broken, `npm run simulate -- --seeds 1 --from ${seed} --mode ${mode} --verbose`).toEqual(
      [],
    );
    counters.add(result.counters);
  }
  // A run that tried nothing proves nothing.
  expect(usual.filter((what) => counters.of(what) === 0)).toEqual([]);
});

test("one seed is one world: the same facts at the same moments", async () => {
  const told: string[][] = [[], []];
  for (const lines of told)
    await simulate({ seed: 7, mode: "liveness", tell: (line) => void lines.push(line) });
  expect(told[0]?.length).toBeGreaterThan(100);
  expect(told[0]).toEqual(told[1]);
});

test("chance is the same everywhere, and its streams do not touch each other", () => {
  const random = new Random("1");
  const drawn = Array.from({ length: 4 }, () => random.int(0, 999));
  expect(drawn).toEqual(
    Array.from(
      { length: 4 },
      (
        (again) => () =>
          again.int(0, 999)
      )(new Random("1")),
    ),
  );
  expect(random.stream("a").next()).toBe(new Random("1").stream("a").next());
  expect(random.stream("a").next()).not.toBe(random.stream("b").next());
});

test("a scenario that breaks nothing cannot be made shorter", async () => {
  const seeds = Array.from({ length: 60 }, (_, index) => index + 1);
  const shortest = seeds.reduce((a, b) => (scenarioOf(a).steps.length <= scenarioOf(b).steps.length ? a : b));
  const { steps } = scenarioOf(shortest);
  expect((await minimise(shortest, "safety", "T1")).steps).toEqual(steps);
});
