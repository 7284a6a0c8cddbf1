/** Each mutant that survived is explained, and the explanations outlive a new measure. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { csvOf, kinds, survivorsFile, survivorsIn, withSurvivors, type Survivor } from "./survivors.ts";

const survivor = (code: string, became = "false"): Survivor => ({
  file: "machines/a.ts",
  code,
  was: "x === null",
  became,
});

test("a new measure keeps what was explained, drops what is gone, and leaves other files alone", () => {
  const [one, two, other] = [survivor('if (x === null) return "a, b";'), survivor("y"), survivor("z")];
  const explained = { kind: "impossible", why: 'never "null"' };
  const before = csvOf([
    { ...one, ...explained },
    { ...two, ...explained },
    { ...other, ...explained, file: "machines/b.ts" },
  ]);
  const after = withSurvivors(before, ["machines/a.ts"], [one, survivor("new")]);
  expect(after).toEqual([
    { ...one, ...explained },
    { ...survivor("new"), kind: "", why: "" },
    { ...other, ...explained, file: "machines/b.ts" },
  ]);
  expect(survivorsIn(csvOf(after))).toEqual(after);
});

test("each that the list holds has its kind, a reason of its own, and stands in its file", () => {
  const files = new Map<string, string>();
  const textOf = (file: string): string => {
    const known = files.get(file) ?? readFileSync(file, "utf8");
    files.set(file, known);
    return known;
  };
  const list = survivorsIn(readFileSync(survivorsFile, "utf8"));
  expect(list.length).toBeGreaterThan(0);
  for (const one of list) {
    expect(kinds, JSON.stringify(one)).toContain(one.kind);
    expect(one.why, JSON.stringify(one)).toMatch(/^\S.{9,}\S$/);
    expect(textOf(one.file).includes(one.code), `no longer there: ${JSON.stringify(one)}`).toBe(true);
  }
});
