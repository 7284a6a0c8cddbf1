/** Which tests reach which file of `machines/`: what a mutant in it must get past. */
import { globSync, readdirSync } from "node:fs";
import { basename } from "node:path";

/** Carries the list of tests to the runner, in a process of Stryker's. */
export const testsVariable = "MUTATION_TESTS";

/** Beside the tests of `machines/` themselves: where a file is tried through what stands on it. */
const besides: Readonly<Record<string, readonly string[]>> = {
  "service-host.ts": ["test/service-table/hosts.test.ts"],
  "service-table.ts": [
    "test/service-table/csv.test.ts",
    "test/service-table/import.test.ts",
    "test/service-table/gateway-table.test.ts",
  ],
  "verdict.ts": ["test/engine/verdict.test.ts"],
  "async-result.ts": [
    "test/engine/late-results.test.ts",
    "test/engine/async-results.test.ts",
    "test/engine/foreign-answers.test.ts",
    "test/engine/gateway.test.ts",
    "test/engine/unnamed-results.test.ts",
  ],
  "supervisor.machine.ts": ["test/engine/broken-off.test.ts"],
  "heartbeat.ts": ["test/heartbeat/chain.test.ts"],
  "heartbeat.machine.ts": ["test/heartbeat/chain.test.ts"],
};

/** Thousands of random histories: minutes a mutant where the others are seconds. */
const slow = "test/machines/model.test.ts";

/** Every file of `machines/`, so that a new one is not forgotten. */
export function mutatedFiles(): string[] {
  return readdirSync("machines")
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `machines/${name}`);
}

/** The file's own test first. */
export function testsOf(file: string): string[] {
  const name = basename(file);
  const own = `test/machines/${name.replace(/(\.machine)?\.ts$/, "")}.test.ts`;
  const all = globSync("test/machines/*.test.ts")
    .filter((one) => one !== slow)
    .sort();
  return [...(besides[name] ?? []), ...all.filter((one) => one === own), ...all.filter((one) => one !== own)];
}
