/** What a user's installation brings along. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly license?: string;
}

const directMax = 15;
const allMax = 60;

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"));
}

const { packages } = read("package-lock.json") as { readonly packages: Readonly<Record<string, Locked>> };
const installed = Object.entries(packages).filter(
  ([path, { dev, devOptional }]) => path !== "" && dev !== true && devOptional !== true,
);

test("S12: few runtime dependencies, and none of them, however deep, runs a script when it is installed", () => {
  const { dependencies } = read("package.json") as { readonly dependencies: object };
  expect(Object.keys(dependencies).length).toBeLessThanOrEqual(directMax);
  expect(installed.length).toBeGreaterThan(Object.keys(dependencies).length / 2);
  expect(installed.length).toBeLessThanOrEqual(allMax);
  expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
});

test("S12: what is installed may be passed on: only licences that ask for nothing but their text", () => {
  const free = new Set(["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0"]);
  expect(installed.filter(([, { license }]) => !free.has(license ?? "none"))).toEqual([]);
});
