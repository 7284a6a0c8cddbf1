/** S3: every limit stands in one place, with its reason, and limits something. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";

const cwd = fileURLToPath(new URL("../..", import.meta.url));
const product = globSync("{machines,actors,adapters,visualizations}/**/*.{ts,tsx}", { cwd });
const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

test("S3: every limit is used by the product", () => {
  const texts = product.filter((file) => file !== "machines/limits.ts").map(read);
  expect(texts.length).toBeGreaterThan(150);
  const used = new Set(
    texts.flatMap((text) => [...text.matchAll(/\blimits\.(\w+)/g)].map(([, name]) => name)),
  );
  const isTakenOut = (name: string): boolean =>
    texts.some((text) => new RegExp(String.raw`\{[^{}]*\b${name}\b[^{}]*\} = limits;`).test(text));
  expect(Object.keys(limits).filter((name) => !used.has(name) && !isTakenOut(name))).toEqual([]);
});
