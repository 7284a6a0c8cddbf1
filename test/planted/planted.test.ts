/** The list of planted defects is current, and its judge can tell caught from missed. `npm run planted` plants them. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defects, timesIn } from "./defects.ts";
import { inPage, pageFile, rowsOf } from "./page.ts";
import { verdictOf, type TestReport } from "./trial.ts";

/** A hundred files at most, each read once. */
const content = new Map(
  [...new Set(defects.map(({ file }) => file))].map((file) => [file, readFileSync(file, "utf8")]),
);

describe("planted defects", () => {
  test.each(defects)("$name: its text stands in $file exactly once", ({ file, was, becomes }) => {
    expect(timesIn(content.get(file) ?? "", was), "repair the defect's text, or plant another").toBe(1);
    expect(becomes).not.toBe(was);
  });

  test("each has a name of its own and names tests that are there", () => {
    expect(new Set(defects.map(({ name }) => name)).size).toBe(defects.length);
    expect(
      defects.flatMap(({ tests }) => tests).filter((one) => !existsSync(one.replace(/#.*/, ""))),
    ).toEqual([]);
  });

  test("the page says of each which test caught it, and of no other", () => {
    const rows = rowsOf(readFileSync(pageFile, "utf8"));
    expect([...rows.keys()].toSorted()).toEqual(defects.map(({ name }) => name).toSorted());
  });
});

describe("the judge", () => {
  const passed = { status: "passed", fullName: "lock > holds", title: "holds" };
  const failed = { status: "failed", fullName: "lock > L1: breaks", title: "L1: breaks" };
  function report(...files: readonly TestReport["testResults"][number][]): TestReport {
    return { testResults: files };
  }

  test("a failing test caught it, whatever else does not load", () => {
    const judged = report(
      { name: "/copy/test/a.test.ts", status: "failed", message: "no", assertionResults: [] },
      { name: "/copy/test/b.test.ts", status: "failed", assertionResults: [passed, failed] },
    );
    expect(verdictOf(judged, "/copy")).toMatchObject({
      kind: "caught",
      file: "test/b.test.ts",
      test: "lock > L1: breaks",
    });
  });

  test("passing tests missed it", () => {
    const judged = report({ name: "/copy/test/a.test.ts", status: "passed", assertionResults: [passed] });
    expect(verdictOf(judged, "/copy")).toEqual({ kind: "missed" });
  });

  test("code that does not load, and no test at all, prove nothing", () => {
    const judged = report({
      name: "/copy/test/a.test.ts",
      status: "failed",
      message: "SyntaxError",
      assertionResults: [],
    });
    expect(verdictOf(judged, "/copy")).toEqual({ kind: "broken", because: "test/a.test.ts: SyntaxError" });
    expect(verdictOf(report(), "/copy").kind).toBe("broken");
  });

  test("the page loses the row of a defect that is no longer caught", () => {
    const [first, second] = defects;
    if (first === undefined || second === undefined) throw new Error("No defects.");
    const caught = {
      kind: "caught",
      file: "test/a.test.ts",
      test: "L1: a|b",
      title: "L1: a|b",
      said: "",
    } as const;
    const page = inPage(
      "before <!-- caught --> <!-- /caught --> after",
      new Map([
        [first, caught],
        [second, caught],
      ]),
    );
    expect([...rowsOf(page).keys()]).toEqual([first.name, second.name]);
    expect(page).toMatch(/^before [\s\S]* after$/);
    const [row] = rowsOf(page).values();
    expect(row).toContain("a\\|b");
    expect([...rowsOf(inPage(page, new Map([[first, { kind: "missed" }]]))).keys()]).toEqual([second.name]);
  });
});
