import { expect, test } from "vitest";
import { withStop } from "../../machines/sentence.ts";

test.each([
  ["stuck", "stuck."],
  ["  stuck \n", "stuck."],
  ["stuck.", "stuck."],
  ["Is it stuck? Yes", "Is it stuck? Yes."],
  ["Stuck!", "Stuck!"],
  ["stuck…", "stuck…"],
])("what a person wrote, %j, ends as a sentence does", (text, expected) => {
  expect(withStop(text)).toBe(expected);
});
