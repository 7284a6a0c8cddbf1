/** The end of the CI's log names what failed: `.ci/summary.mjs`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const passed = { fullName: "one that passes", status: "passed", failureMessages: [] };

/** A file of Vitest's JSON report. */
function file(name: string, status: "passed" | "failed", assertionResults: readonly unknown[], message = "") {
  return { name: resolve(name), status, message, assertionResults };
}

function summary(testResults: readonly unknown[], ...failedParts: readonly string[]) {
  const dir = mkdtempSync(join(tmpdir(), "ticket-client-ci-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "report.json");
  writeFileSync(path, JSON.stringify({ numPassedTests: 7, numPendingTests: 0, testResults }));
  const { stdout, status } = spawnSync(process.execPath, [".ci/summary.mjs", path, ...failedParts], {
    encoding: "utf8",
  });
  expect(status).toBe(0);
  return stdout.trimEnd().split("\n");
}

test("where all passed it is one line", () => {
  expect(summary([file("test/a.test.ts", "passed", [passed])])).toEqual(["7 passed, 0 failed"]);
});

test("a test that failed is told with its file and the lines of its own code", () => {
  const failureMessages = [
    "AssertionError: expected 1 to be 2\n    at a.test.ts:2:40\n    at x (/p/node_modules/vitest/y.js:1:1)",
  ];
  const failed = { fullName: "one that fails", status: "failed", failureMessages };
  expect(summary([file("test/a.test.ts", "failed", [passed, failed])], "tests")).toEqual([
    "× test/a.test.ts > one that fails",
    "AssertionError: expected 1 to be 2",
    "    at a.test.ts:2:40",
    "7 passed, 1 failed",
  ]);
});

test("a file that cannot be loaded, another part, and an error outside of the tests count as one each", () => {
  const unloaded = file("test/b.test.ts", "failed", [], "Cannot find module");
  expect(summary([unloaded], "tests", "check")).toEqual([
    "× test/b.test.ts",
    "Cannot find module",
    "7 passed, 2 failed",
  ]);
  expect(summary([], "tests").at(-1)).toBe("7 passed, 1 failed");
});
