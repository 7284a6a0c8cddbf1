/**
 * A test runner for Stryker that runs the tests in its own process, without starting anything for a mutant. A test that
 * fails under a mutant must pass again without it: if not, the process is no longer what it was, and the mutant is tried
 * in a new one.
 */
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  determineHitLimitReached,
  DryRunStatus,
  MutantRunStatus,
  TestStatus,
  toMutantRunResult,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
} from "@stryker-mutator/api/test-runner";
import type { InstrumenterContext } from "@stryker-mutator/api/core";
import { testsVariable } from "./rooms.ts";
import { collect, standIn, type CollectedTest } from "./vitest-stand-in.ts";

registerHooks({
  resolve(specifier, context, next) {
    const wanted = specifier === "vitest" && context.parentURL !== pathToFileURL(standIn).href;
    return wanted ? { url: pathToFileURL(standIn).href, shortCircuit: true } : next(specifier, context);
  },
});

/** What the instrumented code reads and writes. */
type Mutation = { -readonly [Name in keyof InstrumenterContext]: InstrumenterContext[Name] | undefined };
// oxlint-disable-next-line no-underscore-dangle -- the name that Stryker chose
const mutation: Mutation = ((globalThis as { __stryker__?: Mutation }).__stryker__ ??= {});

class InProcessRunner implements TestRunner {
  #tests: readonly CollectedTest[] | null = null;
  /** Thrown where nobody could catch it: by a timer or an actor. */
  #uncaught: unknown[] = [];

  constructor() {
    process.on("uncaughtException", (error) => this.#uncaught.push(error));
  }

  /** A mutant of what runs while files are imported needs a new process. */
  capabilities() {
    return { reloadEnvironment: false };
  }

  async dryRun(): Promise<DryRunResult> {
    const tests: TestResult[] = [];
    for (const test of await this.#collected()) {
      mutation.currentTestId = test.id;
      const began = performance.now();
      const failure = await this.#failureOf(test);
      const { id, name, file: fileName } = test;
      const told = { id, name, fileName, timeSpentMs: performance.now() - began };
      tests.push(
        failure === null
          ? { ...told, status: TestStatus.Success }
          : { ...told, status: TestStatus.Failed, failureMessage: failure },
      );
    }
    mutation.currentTestId = undefined;
    const { mutantCoverage } = mutation;
    return {
      status: DryRunStatus.Complete,
      tests,
      ...(mutantCoverage === undefined ? {} : { mutantCoverage }),
    };
  }

  async mutantRun(asked: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, mutantActivation, testFilter, hitLimit } = asked;
    const mutant = activeMutant.id;
    if (mutantActivation === "static") mutation.activeMutant = mutant;
    const all = await this.#collected();
    const wanted = testFilter === undefined ? all : all.filter(({ id }) => testFilter.includes(id));
    mutation.hitCount = 0;
    mutation.hitLimit = hitLimit;
    mutation.activeMutant = mutant;
    let nrOfTests = 0;
    try {
      for (const test of wanted) {
        nrOfTests += 1;
        const failure = await this.#failureOf(test);
        const endless = determineHitLimitReached(mutation.hitCount ?? 0, hitLimit);
        if (endless !== undefined) return toMutantRunResult(endless);
        if (failure === null) continue;
        if (mutantActivation !== "static") await this.#proveSound(test);
        return { status: MutantRunStatus.Killed, killedBy: [test.id], failureMessage: failure, nrOfTests };
      }
      return { status: MutantRunStatus.Survived, nrOfTests };
    } finally {
      mutation.activeMutant = undefined;
      mutation.hitLimit = undefined;
    }
  }

  /** Throws: Stryker then starts a new process and tries the mutant again. */
  async #proveSound(test: CollectedTest): Promise<void> {
    mutation.activeMutant = undefined;
    mutation.hitLimit = undefined;
    const failure = await this.#failureOf(test);
    if (failure !== null) throw new Error(`${test.name} fails without the mutant too: ${failure}`);
  }

  async #collected(): Promise<readonly CollectedTest[]> {
    if (this.#tests !== null) return this.#tests;
    const tests: CollectedTest[] = [];
    for (const file of (process.env[testsVariable] ?? "").split(",")) tests.push(...(await collect(file)));
    this.#tests = tests;
    return tests;
  }

  /** null: it passed. */
  async #failureOf(test: CollectedTest): Promise<string | null> {
    this.#uncaught = [];
    try {
      await test.run();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    // What was thrown where nobody awaits it is heard a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    const [uncaught] = this.#uncaught;
    return uncaught === undefined ? null : `Uncaught: ${inspect(uncaught)}`;
  }
}

/** Read by Stryker. */
export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "in-process", InProcessRunner)];
