/** When a figure was measured, and of which commit, for the pages that show it. */
import { execFileSync } from "node:child_process";

export function measuredNow(): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  return `${new Date().toISOString().slice(0, 10)}, ${commit}`;
}
