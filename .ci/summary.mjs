/**
 * The end of the CI's log: each test that failed and how, then how many passed. Who sees only this end sees the cause.
 *
 * `node .ci/summary.mjs REPORT [PART...]`: Vitest's JSON report, and the names of the parts that failed. A file that
 * could not be loaded, and a part other than the tests, counts as one failure.
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const charsMax = 2_000;

/** @param {string} text */
const withoutLibraries = (text) =>
  text
    .split("\n")
    .filter((line) => !line.includes("/node_modules/") && !line.includes("(<anonymous>)"))
    .join("\n")
    .slice(0, charsMax);

const [path, ...failedParts] = process.argv.slice(2);
const report = JSON.parse(readFileSync(path, "utf8"));

/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`);

let failed = failedParts.filter((part) => part !== "tests").length;
for (const { name, status, message, assertionResults } of report.testResults) {
  const file = relative(process.cwd(), name);
  const broken = assertionResults.filter((one) => one.status === "failed");
  for (const { fullName, failureMessages } of broken)
    say(`× ${file} > ${fullName}\n${withoutLibraries(failureMessages.join("\n"))}`);
  if (broken.length === 0 && status === "failed") say(`× ${file}\n${withoutLibraries(message)}`);
  if (status === "failed") failed += Math.max(1, broken.length);
}
// What fails outside of any file, such as an error that nobody caught.
if (failedParts.includes("tests")) failed = Math.max(failed, failedParts.length);

const { numPassedTests, numPendingTests } = report;
say(`${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ""}`);
