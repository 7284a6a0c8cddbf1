/** A check that did not run is no check: what a test cannot do without is there, or CI fails. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { isMissing } from "./needs.ts";

const cwd = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(new URL(path, new URL("..", import.meta.url)), "utf8");

afterEach(() => vi.unstubAllEnvs());

test("a tool that is missing skips a test, and fails it with CI=true", () => {
  vi.stubEnv("CI", undefined);
  expect([isMissing("a tool", false), isMissing("a tool", true)]).toEqual([true, false]);
  vi.stubEnv("CI", "true");
  expect(isMissing("a tool", true)).toBe(false);
  expect(() => isMissing("a tool: apt install it", false)).toThrow("Needs a tool: apt install it.");
});

test("no test is skipped in another way, and `.ci/run` sets CI", () => {
  const skips = globSync("test/**/*.ts", { cwd, exclude: ["test/needs.test.ts", "test/reliability.test.ts"] })
    .toSorted()
    .flatMap((file) =>
      [...read(file).matchAll(/\.(skip|skipIf|runIf|todo)\(.*/g)].map(([text]) => `${file}: ${text}`),
    );
  expect(skips.length).toBeGreaterThan(5);
  expect(skips.filter((text) => !text.includes(".skipIf(isMissing("))).toEqual([]);
  expect(read(".ci/run")).toMatch(/^export CI=true$/m);
});
