/** RELIABILITY.md names tests and commands: they are there, and try what the page says they try. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const page = read("RELIABILITY.md");

/** As the design numbers them. */
const numbered = { A: 8, T: 2, L: 6, G: 6, F: 4, R: 6, H: 1, S: 12 };
const laws = Object.entries(numbered).flatMap(([letter, last]) =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`),
);

/** The cells of the table between the marks, without its head. */
function rowsBetween(mark: string): string[][] {
  const [, after = ""] = page.split(`<!-- ${mark} -->`);
  const [inner = ""] = after.split(`<!-- /${mark} -->`);
  const lines = inner.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
}

test("every law has its row, and each test that it names has the law in a title", () => {
  const rows = rowsBetween("laws");
  expect(rows.map(([law]) => law)).toEqual(laws);
  const missing = rows.flatMap(([law = "", , tests = ""]) => {
    const files = quoted(tests);
    if (files.length === 0) return [`${law} names no test`];
    const title = new RegExp(String.raw`["\`][^"\`\n]*\b${law}\b`);
    return files
      .filter((file) => !title.test(read(`test/${file}`)))
      .map((file) => `${law} is not in ${file}`);
  });
  expect(missing).toEqual([]);
});

test("every fault names what makes it: files that are there, scripts that package.json has", () => {
  const { scripts } = JSON.parse(read("package.json")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const rows = rowsBetween("faults");
  expect(rows.length).toBeGreaterThan(10);
  const wrong = rows.flatMap(([fault = "", , made = ""]) => {
    const names = quoted(made);
    const isThere = (name: string): boolean =>
      name.startsWith("npm run ")
        ? scripts[name.split(" ")[2] ?? ""] !== undefined
        : existsSync(new URL(name, root));
    return names.length === 0 ? [fault] : names.filter((name) => !isThere(name));
  });
  expect(wrong).toEqual([]);
});
