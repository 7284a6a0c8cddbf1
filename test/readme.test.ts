/** The README tells the truth: its example runs, its chart is the one the machine draws. */
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const project = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(project, "README.md"), "utf8");

function between(name: string): string {
  const [, after = ""] = readme.split(`<!-- ${name} -->`);
  return after.split(`<!-- /${name} -->`)[0] ?? "";
}

test("the example of embedding runs as it stands, on the project's own code", { timeout: 30_000 }, () => {
  const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const dir = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    const here = (path: string): string => JSON.stringify(new URL(path, new URL("..", import.meta.url)).href);
    const code = example
      .replace('"ticket-client"', here("actors/index.ts"))
      .replace('"ticket-client/adapters"', here("adapters/index.ts"));
    expect(code).not.toBe(example);
    writeFileSync(join(dir, "example.ts"), code);
    const said = execFileSync(process.execPath, ["example.ts"], { cwd: dir, encoding: "utf8" });
    expect(said.trim()).toBe("1");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("the chart of the Ticket Client is the one in visualizations/diagrams", () => {
  const drawn = readFileSync(join(project, "visualizations/diagrams/ticket-client.mmd"), "utf8");
  expect(between("chart")).toContain(drawn.trim());
  expect(between("chart")).toContain("](visualizations/diagrams/ticket-client.svg)");
});

test("both commands of the first screen stand with their output", () => {
  expect(between("demo")).toMatch(/= accepted/);
  expect(between("test")).toMatch(/passed/);
});
