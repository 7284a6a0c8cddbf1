/** Runs of many seeds: what is cut off goes on, and several processes find what one does. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addReport, emptyRun, readRun, writeRun, type RunState } from "./run-state.ts";
import type { SeedReport } from "./seed-run.ts";
import { Counters } from "./situations.ts";
import { reports } from "./workers.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "runs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const report = (from: number, seeds: number): SeedReport => ({
  from,
  seeds,
  facts: 7,
  counters: { "in doubt": 2 },
  broken: from === 1 ? [] : [{ seed: from, mode: "safety", sentences: ["A2: no"] }],
});

test("a run that was cut off goes on behind what it has done, with its counters and its broken seeds", () => {
  const file = join(folder, "run.json");
  const state = emptyRun(1, "both");
  addReport(state, report(1, 20));
  writeRun(file, state);
  const again = readRun(file, 1, "both") as RunState;
  addReport(again, report(21, 5));
  expect({ next: again.next, facts: again.facts, broken: again.broken.map(({ seed }) => seed) }).toEqual({
    next: 26,
    facts: 14,
    broken: [21],
  });
  expect(Counters.read(again.counters).of("in doubt")).toBe(4);
});

test("seeds that were left out are noticed, and so is the file of another run", () => {
  const state = emptyRun(1, "both");
  expect(() => addReport(state, report(2, 1))).toThrow("Seed 2 does not follow 0.");
  const file = join(folder, "run.json");
  writeRun(file, state);
  expect(() => readRun(file, 2, "both")).toThrow("is of a run from 1, mode both");
  expect(() => readRun(file, 1, "safety")).toThrow("is of a run from 1, mode both");
  expect(readRun(join(folder, "none.json"), 1, "both")).toBe(null);
});

test("two processes report what one reports, in the order of the seeds", async () => {
  const found: { facts: number[]; counters: ReturnType<Counters["written"]> }[] = [];
  for (const workers of [1, 2]) {
    const counters = new Counters();
    const facts: number[] = [];
    for await (const one of reports({ from: 1, seeds: 41, modes: "both", workers })) {
      expect(one.broken).toEqual([]);
      facts.push(one.from, one.seeds, one.facts);
      counters.add(Counters.read(one.counters));
    }
    found.push({ facts, counters: counters.written() });
  }
  expect(found[1]).toEqual(found[0]);
  expect(found[0]?.facts.filter((_, index) => index % 3 === 0)).toEqual([1, 21, 41]);
}, 60_000);
