/** The short version of `npm run feed-cuts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { endAll } from "../acceptance/processes.ts";
import { Findings } from "../storm/findings.ts";
import { feedCuts } from "./cuts.ts";

const scratch = mkdtempSync(join(tmpdir(), "ticket-client-feed-cuts-"));

afterEach(() => {
  endAll();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});

it("F1 F2 R1: readers cut off at twenty random bytes, and an engine killed in between, miss nothing and fold the same", async () => {
  const lines: string[] = [];
  const findings = new Findings("feed-cuts", (line) => lines.push(line));
  const settings = { scratch, seed: "7", cuts: 20, kills: 1, perSecond: 100, onProgress: () => undefined };
  await feedCuts(settings, findings);
  expect(findings.result().wrong, lines.join("\n")).toEqual([]);
}, 300_000);
