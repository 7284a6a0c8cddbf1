/** The arrows machines ← actors ← adapters: every wrong import is refused by the compiler and by the linter. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const project = fileURLToPath(new URL("..", import.meta.url));
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "arrows-"));
  for (const name of [
    "machines",
    "actors",
    "adapters",
    "visualizations",
    "package.json",
    "tsconfig.base.json",
    ".oxlintrc.json",
  ]) {
    cpSync(join(project, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(project, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** What a tool of the project says when it refuses; empty: it found nothing. */
function refusal(tool: string, ...args: string[]): string {
  try {
    execFileSync(join(project, "node_modules/.bin", tool), args, {
      cwd: copy,
      encoding: "utf8",
      stdio: "pipe",
    });
    return "";
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr;
  }
}

const wrong: readonly {
  readonly from: string;
  readonly line: string;
  readonly says: string;
  readonly compiles?: true;
}[] = [
  {
    from: "machines",
    line: 'export { createSupervisor as wrong } from "../actors/supervisor.ts";',
    says: "machines/ says what happens",
  },
  {
    from: "machines",
    line: 'export { startEngine as wrong } from "../adapters/engine.ts";',
    says: "machines/ says what happens",
  },
  { from: "machines", line: 'export { readFileSync as wrong } from "node:fs";', says: "machines/ is pure" },
  {
    from: "machines",
    line: "export const wrong = (): unknown => setTimeout(() => {}, 1);",
    says: "setTimeout",
  },
  {
    from: "actors",
    line: 'export { startEngine as wrong } from "../adapters/engine.ts";',
    says: "actors/ reach the world through ports",
  },
  {
    from: "actors",
    line: 'export { readFileSync as wrong } from "node:fs";',
    says: "actors/ do no I/O",
    compiles: true,
  },
  {
    from: "adapters",
    line: 'export { wrong } from "../test/arrows.test.ts";',
    says: "adapters/ serve the built console",
  },
  {
    from: "visualizations",
    line: 'export { startEngine as wrong } from "../adapters/engine.ts";',
    says: "visualizations/ know the feed's message types only",
  },
  {
    from: "visualizations",
    line: 'export { limits as wrong } from "../machines/limits.ts";',
    says: "visualizations/ know the feed's message types only",
    compiles: true,
  },
  {
    from: "visualizations",
    line: 'export { createSupervisor as wrong } from "../actors/supervisor.ts";',
    says: "visualizations/ know the feed's message types only",
    compiles: true,
  },
];

test.each(wrong)(
  "in $from/, $line is refused by lint and compiler",
  { timeout: 60_000 },
  ({ from, line, says, compiles }) => {
    const file = join(copy, from, "wrong.ts");
    writeFileSync(file, `${line}\n`);
    try {
      expect(refusal("oxlint", `${from}/wrong.ts`)).toContain(says);
      if (compiles === undefined) expect(refusal("tsc", "-b", from)).toContain("wrong.ts");
    } finally {
      rmSync(file);
    }
  },
);

test("without a wrong import both are content", { timeout: 60_000 }, () => {
  expect(refusal("tsc", "-b", "actors", "visualizations")).toBe("");
  expect(refusal("oxlint", "machines", "actors", "visualizations")).toBe("");
});
