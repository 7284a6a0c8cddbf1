/**
 * Mutation testing of one file with Stryker: what became of each mutant. Goes on where it was broken off: what neither
 * the file nor its tests have changed since is not tried again.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Stryker } from "@stryker-mutator/core";
import { testsOf, testsVariable } from "./rooms.ts";

type LogLevel = NonNullable<ConstructorParameters<typeof Stryker>[0]["logLevel"]>;

export type MutantStatus = Awaited<ReturnType<Stryker["runMutationTest"]>>[number]["status"];

export interface Mutant {
  readonly mutator: string;
  readonly line: number;
  readonly column: number;
  /** The line of code, without the space around it. */
  readonly code: string;
  /** What stood there, and what the mutant put in its place. */
  readonly was: string;
  readonly became: string;
  readonly status: MutantStatus;
}

/** @param state where Stryker keeps its results and its copy of the project. */
export async function mutate(file: string, state: string, concurrency: number): Promise<Mutant[]> {
  mkdirSync(state, { recursive: true });
  process.env[testsVariable] = testsOf(file).join(",");
  const stryker = new Stryker({
    mutate: [file],
    plugins: [fileURLToPath(new URL("in-process-runner.ts", import.meta.url))],
    testRunner: "in-process",
    // TypeScript 7 has not the functions by which Stryker would rewrite the tsconfig; nothing in it needs that.
    tsconfigFile: "none.json",
    coverageAnalysis: "perTest",
    concurrency,
    incremental: true,
    incrementalFile: join(state, `${file.replaceAll("/", ".")}.json`),
    tempDirName: join(state, "copy"),
    ignorePatterns: ["dist", "data", "alarm.csv"],
    reporters: [],
    allowEmpty: true,
    logLevel: "error" as LogLevel,
  });
  const results = await stryker.runMutationTest();
  const lines = readFileSync(file, "utf8").split("\n");
  return results.map(({ mutatorName, location: { start, end }, replacement, status }) => ({
    mutator: mutatorName,
    line: start.line,
    column: start.column,
    code: (lines[start.line - 1] ?? "").trim(),
    was: textBetween(lines, start, end),
    became: replacement ?? "",
    status,
  }));
}

interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

function textBetween(lines: readonly string[], start: Place, end: Place): string {
  const text = lines.slice(start.line - 1, end.line);
  text[text.length - 1] = (text.at(-1) ?? "").slice(0, end.column - 1);
  text[0] = (text[0] ?? "").slice(start.column - 1);
  return text.join("\n");
}
