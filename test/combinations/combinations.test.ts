/**
 * Every single fault at every point of every kind of flow, and pairs and triples from a fixed seed; `npm run
 * combinations` goes through all of them. And that what is left out as equal is equal.
 */
import { expect, test } from "vitest";
import { compareFutures } from "./sameness.ts";
import { Enumeration, planFrom, unitsOf } from "./enumeration.ts";
import { fitting } from "./faults.ts";
import { flowKinds, promises } from "./flow-kinds.ts";
import { sample } from "./sample.ts";
import { World } from "./world.ts";

const minutes = 60_000;

function unit(name: string, promise: (typeof promises)[number] = "requestId") {
  const [found] = unitsOf(
    flowKinds.filter((one) => one.name === name),
    [promise],
  );
  if (found === undefined) throw new Error(`There is no flow ${name} under ${promise}.`);
  return found;
}

test.each(flowKinds)(
  "every law holds with any one fault: $name",
  async (flow) => {
    for (const each of unitsOf([flow], promises)) {
      const { breaches, combinations, faults, points } = await new Enumeration(each, { upTo: 1 }).run();
      const again = breaches.map(
        (one) => `--flow ${one.flow} --promise ${one.promise} --faults ${one.faults}`,
      );
      expect(breaches, again.join("\n")).toEqual([]);
      expect(combinations).toEqual([1, faults]);
      // A run that tried nothing proves nothing.
      expect(points).toBeGreaterThan(5);
    }
  },
  5 * minutes,
);

test(
  "every law holds with two and three faults, drawn from one seed",
  async () => {
    const { breaches, runs } = await sample(unitsOf(flowKinds, promises), { walks: 100, from: 1 });
    const again = breaches.map((one) => `--flow ${one.flow} --promise ${one.promise} --faults ${one.faults}`);
    expect(breaches, again.join("\n")).toEqual([]);
    expect(runs).toBeGreaterThan(350);
  },
  5 * minutes,
);

test.each([
  ["create", "settles"],
  ["async-create", "requestId"],
  ["overtaking", "none"],
] as const)(
  "worlds that are called equal go on alike: %s, %s",
  async (flow, promise) => {
    const { differ, compared, singles } = await compareFutures(unit(flow, promise));
    expect(differ).toEqual([]);
    // Most of them become equal to another somewhere.
    expect(compared).toBeGreaterThan(singles);
  },
  5 * minutes,
);

test(
  "combinations are counted as if each had been run",
  async () => {
    const { singles, pairs } = await compareFutures(unit("pair"));
    const { combinations, runs } = await new Enumeration(unit("pair"), { upTo: 2 }).run();
    expect(combinations).toEqual([1, singles, pairs]);
    expect(runs[2]).toBeLessThan(pairs);
  },
  5 * minutes,
);

/** What the enumeration of pairs has found, and was mended. */
test.each([
  ["maintenance", "requestId", "26:notBusy,30:syncSlow"], // forced before its request was planned
  ["maintenance", "requestId", "36:unlock,42:nack"], // forced while its request is on its way, which is then refused
  ["maintenance", "none", "36:unlock,42:silentBefore"],
  ["maintenance", "none", "38:killKept,46:unlock"],
  ["maintenance", "none", "41:throws,57:unlock"],
  ["cover-ends", "requestId", "36:unlock,42:unreachable"],
] as const)(
  "A8: what rested on a cover says how its second decision ended: %s, %s, %s",
  async (flow, promise, faults) => {
    const { broken, plan } = await new World({ ...unit(flow, promise), faults: planFrom(faults) }).run();
    expect(broken).toEqual([]);
    expect(plan.done).toHaveLength(2);
  },
);

test("one combination is one world: the same facts at the same moments, and the fault where it was planned", async () => {
  const told: string[][] = [[], []];
  for (const lines of told) {
    const faults = planFrom("16:killKept,19:kill");
    const { plan } = await new World({
      ...unit("create"),
      faults,
      tell: (line) => void lines.push(line),
    }).run();
    expect(plan.missed).toEqual([]);
    expect(plan.done).toHaveLength(2);
  }
  expect(told[0]?.length).toBeGreaterThan(50);
  expect(told[0]).toEqual(told[1]);
});

test("a fault that does not fit its point is refused, and one whose point never comes is told", async () => {
  const run = (plan: string) => new World({ ...unit("create"), faults: planFrom(plan) }).run();
  expect((await run("5:resetAfter")).broken[0]).toContain("resetAfter does not fit point 5");
  expect((await run("999:kill")).broken[0]).toContain("point 999, for kill, never came");
});

test("T1: a service that breaks its promise is found out", async () => {
  // Says `settles`, and lets the request take effect long after.
  const liar = { ...unit("create", "settles"), breaksPromise: true };
  const late = { at: 19, fault: "late" } as const;
  expect((await new World({ ...liar, faults: [late] }).run()).broken[0]).toContain(
    "T1: hub has the open tickets",
  );
});

test("which faults fit a point follows from what it is", () => {
  const effect = { kind: "effect", name: "", command: "create" } as const;
  expect(fitting(effect)).toEqual(["lag", "falseClaim"]);
  expect(fitting({ ...effect, isAsync: true })).toContain("asyncTwice");
  expect(fitting({ ...effect, command: "close" })).toEqual(["lag"]);
});
