import { expect, test } from "vitest";
import type { UnitFigures } from "./enumeration.ts";
import { inPage, rowsOf, sumOf } from "./page.ts";

const figures = (flow: string, combinations: readonly number[]): UnitFigures => ({
  flow,
  promise: "none",
  points: 3,
  faults: 5,
  canonical: [],
  combinations,
  runs: combinations.map((one) => one - 1),
  merged: 0,
  unreached: [],
  states: 0,
  steps: 0,
  seconds: 1,
  breaches: [],
});
const empty = "before\n<!-- done -->\n\n<!-- /done -->\nafter\n";

test("a unit's row is made anew, the others stay, and the sum counts all", () => {
  const one = inPage(empty, figures("create", [1, 5]), 1, "day, commit");
  const two = inPage(one, figures("close", [1, 9]), 1, "day, commit");
  const again = inPage(two, figures("create", [1, 5, 20]), 2, "later, commit");
  expect([...rowsOf(again)].map(([name, { upTo }]) => [name, upTo])).toEqual([
    ["create none", 2],
    ["close none", 1],
  ]);
  expect(again).toContain("| create | none | 2 | 26 | 23 | 0 | later, commit |");
  expect(again).toContain("| all 2 |  |  | 36 | 31 | 0 |  |");
  expect(again.startsWith("before\n")).toBe(true);
  expect(again.endsWith("\nafter\n")).toBe(true);
});

test("its sum names the first and the last day", () => {
  const one = inPage(empty, figures("create", [1, 5]), 3, "2026-11-28, b");
  const two = inPage(one, figures("close", [1, 9]), 3, "2026-11-26, a");
  expect(sumOf(rowsOf(two))).toEqual({
    units: 2,
    combinations: 16,
    runs: 12,
    broken: 0,
    from: "2026-11-26",
    to: "2026-11-28",
  });
});

test("an empty page has no rows", () => {
  expect(rowsOf(empty).size).toBe(0);
  expect(sumOf(rowsOf(empty))).toMatchObject({ units: 0, from: null, to: null });
});
