/** One run of tests over a planted defect, and what it says about them. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

/** The first test that failed; nobody noticed; or the code no longer loads, which proves nothing about the tests. */
export type Verdict =
  | Caught
  | { readonly kind: "missed" }
  | { readonly kind: "broken"; readonly because: string };

export interface Caught {
  readonly kind: "caught";
  readonly file: string;
  /** Its full name, and its own title. */
  readonly test: string;
  readonly title: string;
  readonly said: string;
}

/** What Vitest's JSON reporter says of it. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly title: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** A run that has not ended by then never will. */
const runMsMax = 20 * 60_000;

/** Longer than on a machine at rest: a test that is only slow has caught nothing. */
const testMsMax = 120_000;

/** Runs the tests of a file, all or those whose titles match `file#title`, until one fails. */
export async function tryTests(dir: string, tests: string): Promise<Verdict> {
  const [file = "", title] = tests.split("#");
  const which = [file];
  if (title !== undefined) which.push("--testNamePattern", title);
  const report = await runTests(dir, [...which, "--bail=1"]);
  return typeof report === "string" ? { kind: "broken", because: report } : verdictOf(report, dir);
}

/** Of these tests, by their titles, those that fail where nothing is planted. */
export async function unsound(dir: string, caught: readonly Caught[]): Promise<ReadonlySet<Caught>> {
  if (caught.length === 0) return new Set();
  const titles = caught.map(({ title }) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const files = new Set(caught.map(({ file }) => file));
  const report = await runTests(dir, [...files, "--testNamePattern", `(${titles.join("|")})$`]);
  if (typeof report === "string") return new Set(caught);
  const passed = new Set(
    report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === "passed")
        .map(({ fullName }) => `${relative(dir, name)}#${fullName}`),
    ),
  );
  return new Set(caught.filter(({ file, test }) => !passed.has(`${file}#${test}`)));
}

/** What Vitest reports, or why it did not. */
async function runTests(dir: string, more: readonly string[]): Promise<TestReport | string> {
  const report = join(dir, "planted-report.json");
  rmSync(report, { force: true });
  const vitest = join(dir, "node_modules", "vitest", "vitest.mjs");
  const words = [vitest, "run", "--reporter=json", `--outputFile=${report}`];
  words.push(`--testTimeout=${testMsMax}`, `--hookTimeout=${testMsMax}`);
  words.push(...more);
  const said = await new Promise<string>((resolve) => {
    const child = spawn(process.execPath, words, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
    const timer = setTimeout(() => child.kill("SIGKILL"), runMsMax);
    child.on("close", () => {
      clearTimeout(timer);
      resolve(errors);
    });
  });
  if (!existsSync(report)) return `no report: ${said.trim()}`;
  return JSON.parse(readFileSync(report, "utf8")) as TestReport;
}

export function verdictOf({ testResults }: TestReport, dir: string): Verdict {
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === "failed");
    if (failed !== undefined) {
      const [said = ""] = failed.failureMessages?.[0]?.split("\n") ?? [];
      return { kind: "caught", file: relative(dir, name), test: failed.fullName, title: failed.title, said };
    }
  }
  const unloaded = testResults.find(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  if (unloaded !== undefined)
    return { kind: "broken", because: `${relative(dir, unloaded.name)}: ${unloaded.message ?? ""}` };
  if (testResults.length === 0) return { kind: "broken", because: "no test was run" };
  return { kind: "missed" };
}
