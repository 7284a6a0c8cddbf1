/** What a test needs of the machine it runs on. */

/**
 * Whether the test is to be skipped for it. With CI=true (`.ci/run`) nothing is: what is missing there throws, and the
 * file fails.
 */
export function isMissing(need: string, isThere: boolean): boolean {
  if (!isThere && process.env["CI"] === "true")
    throw new Error(`Needs ${need}. It is missing here, and with CI=true no test is skipped.`);
  return !isThere;
}
