/**
 * Stands in for `vitest` in a mutation run: collects the tests of the files that are imported, and calls them one by
 * one in this process. A run of Vitest starts a thread and loads everything for each mutant, half a second; this takes
 * as long as the tests do. What it does not know, no test of machines/ uses.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { expect as vitestExpect } from "vitest";

export { vi } from "vitest";

type TestBody = (...given: unknown[]) => unknown;

export interface CollectedTest {
  /** File and names, and a number where two are alike: the same in every process. */
  readonly id: string;
  readonly name: string;
  readonly file: string;
  readonly run: () => Promise<void>;
}

const collected: CollectedTest[] = [];
const ids = new Map<string, number>();
const groups: string[] = [];
/** Of the group that is being collected, outermost first. */
let hooks: (() => unknown)[] = [];
let file = "";
let finishers: (() => unknown)[] = [];

/** The tests of a file, in order. */
export async function collect(path: string): Promise<readonly CollectedTest[]> {
  const from = collected.length;
  file = path;
  hooks = [];
  await import(join(process.cwd(), path));
  return collected.slice(from);
}

function add(title: string, body: TestBody, given: readonly unknown[]): void {
  const name = [...groups, title].join(" > ");
  const times = (ids.get(`${file} ${name}`) ?? 0) + 1;
  ids.set(`${file} ${name}`, times);
  const after = hooks;
  const place = file;
  collected.push({
    id: `${file}#${name}${times === 1 ? "" : ` (${times})`}`,
    name,
    file,
    async run() {
      finishers = [];
      running = place;
      try {
        await body(...given);
      } finally {
        for (const call of [...after, ...finishers.reverse()]) await call();
      }
    },
  });
}

export function test(title: string, body: TestBody): void {
  add(title, body, []);
}

/** Arrays are spread; the title takes `%s` and `$member` as Vitest's does, well enough to tell tests apart. */
test.each =
  (cases: readonly unknown[]) =>
  (title: string, body: TestBody): void => {
    for (const one of cases) add(titled(title, one), body, Array.isArray(one) ? one : [one]);
  };

test.for =
  (cases: readonly unknown[]) =>
  (title: string, body: TestBody): void => {
    for (const one of cases) add(titled(title, one), body, [one]);
  };

export function describe(title: string, body: () => void): void {
  const before = hooks;
  groups.push(title);
  try {
    body();
  } finally {
    groups.pop();
    hooks = before;
  }
}

export function afterEach(call: () => unknown): void {
  hooks = [...hooks, call];
}

export function onTestFinished(call: () => unknown): void {
  finishers.push(call);
}

function titled(title: string, given: unknown): string {
  const values = Array.isArray(given) ? [...given] : [given];
  return title
    .replaceAll(/%[sdifjo]/g, () => String(values.shift()))
    .replaceAll(/\$([\w.]+)/g, (whole, path: string) => {
      let value: unknown = given;
      for (const name of path.split("."))
        value = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
      return value === undefined ? whole : inspect(value);
    });
}

let running = "";

/** Two of Vitest's checks ask for its own runner: here the soft one is hard, and a record is compared, never written. */
function check(value: unknown, message?: string): unknown {
  const checks = vitestExpect(value, message);
  return new Proxy(checks, {
    get(target, name) {
      if (name !== "toMatchFileSnapshot") return Reflect.get(target, name, target);
      return (path: string) =>
        vitestExpect(value).toBe(readFileSync(join(process.cwd(), running, "..", path), "utf8"));
    },
  });
}

export const expect: typeof check & Partial<typeof vitestExpect> = Object.assign(check, vitestExpect, {
  soft: check,
});

/** Where this module is: what imports `vitest` elsewhere is given it. */
export const standIn = fileURLToPath(import.meta.url);
