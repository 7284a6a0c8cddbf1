/** RELIABILITY.md names tests and commands: they are there, and try what the page says they try. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { titlesIn } from "./test-titles.ts";

const root = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const isThere = (path: string): boolean => existsSync(new URL(path, root));
const page = read("RELIABILITY.md");
const { scripts } = JSON.parse(read("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** How many there are of each letter. */
const numbered = { A: 8, T: 2, L: 6, G: 6, F: 4, R: 6, H: 1, S: 12 };
const laws = Object.entries(numbered).flatMap(([letter, last]) =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`),
);

/** Each fault to survive. A row may be split or added; none may go. */
const faults = [
  "kill -9 at random under load",
  "kill -9 at every write and sync of one whole story",
  "power loss: bytes not synced lost, writes torn",
  "a sync that fails once, for ever; a disk that is full; one that is read-only",
  "crash during recovery; during an upgrade",
  "bits flipped, ends cut off, an old backup restored",
  "a client that throws or hangs; a poisonous alarm",
  "a pause longer than the lock",
  "the service refuses; resets before or after the send; never answers; answers half, late, HTML, the request echoed with 500; applies late; applies and does not answer; its search lags",
  "async results before the ACK, twice, late, never, for nobody, contradictory",
  "connections that are cut or half open, both ways",
  "topology down, slow, empty, cyclic",
  "10,000 alarms in a second",
  "one pair that flaps 8,000 times",
  "an event storm: more raises than tickets may be open",
  "a feed reader that never reads; 200 readers; a viewer that lies",
  "as many senders as may connect, all silent",
  "a clock set two days forward or back",
  "an operator forces in every state, twice, with an old GUID",
  "two engines on one ledger",
];

/** Each kind of bad input. */
const inputs = [
  "WebSocket",
  "alarms",
  "CSV",
  "service answers",
  "HTTP",
  "command line",
  "configuration",
  "every decoder",
  "secrets",
];

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

function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

const known = new Map<string, readonly string[]>();
function titlesOf(file: string): readonly string[] {
  const titles = known.get(file) ?? titlesIn(read(file));
  known.set(file, titles);
  return titles;
}

const cites = (title: string, law: string): boolean => new RegExp(String.raw`\b${law}\b`).test(title);

/**
 * What is wrong with a name: `npm run …` is a script; `test/….ts › words` a file that has a test with these words in its
 * title. Without words the title has one of the laws, where there are any.
 */
function wrongName(name: string, cited: readonly string[] | null): string[] {
  if (name.startsWith("npm run "))
    return scripts[name.split(" ")[2] ?? ""] === undefined ? [`no script: ${name}`] : [];
  const [file = "", words] = name.split(" › ");
  if (!file.startsWith("test/") || !isThere(file)) return [`no file: ${name}`];
  const titles = titlesOf(file);
  if (titles.length === 0) return [`no tests in ${name}`];
  if (words !== undefined) return titles.some((title) => title.includes(words)) ? [] : [`no title: ${name}`];
  if (cited === null || titles.some((title) => cited.some((law) => cites(title, law)))) return [];
  return [`no title with ${cited.join(", ") || "a law: say which test"}: ${name}`];
}

test("every law has its row, and each test that it names has the law in a title", () => {
  const rows = rowsBetween("laws");
  expect(rows.map(([law]) => law)).toEqual(laws);
  const wrong = rows.flatMap(([law = "", , tests = ""]) => {
    const files = quoted(tests);
    return files.length === 0
      ? [`${law} names no test`]
      : files.flatMap((file) => wrongName(`test/${file}`, [law]));
  });
  expect(wrong).toEqual([]);
});

test("every fault has its row, and what makes it is there: scripts, and tests by their title or the row's laws", () => {
  const rows = rowsBetween("faults");
  expect(rows.map(([fault]) => fault)).toEqual(faults);
  const wrong = rows.flatMap(([fault = "", expected = "", made = ""]) => {
    const names = quoted(made);
    const cited = laws.filter((law) => cites(expected, law));
    return names.length === 0
      ? [`${fault}: made by nothing`]
      : names.flatMap((name) => wrongName(name, cited));
  });
  expect(wrong).toEqual([]);
});

test("every bad input has its row, and the tests that it names are there", () => {
  const rows = rowsBetween("inputs");
  expect(rows.map(([input]) => input)).toEqual(inputs);
  const wrong = rows.flatMap(([input = "", tests = ""]) => {
    const names = quoted(tests);
    return names.length === 0
      ? [`${input}: tried by nothing`]
      : names.flatMap((name) => wrongName(name, null));
  });
  expect(wrong).toEqual([]);
});

test("whatever else the page names is there: links, scripts, files of tests", () => {
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, path = ""]) => path);
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((path) => !isThere(path))).toEqual([]);
  const names = quoted(page).filter((name) => /^(npm run |test\/)/.test(name));
  expect(names.length).toBeGreaterThan(50);
  const wrong = names.flatMap((name) => {
    if (name.endsWith("/")) return isThere(name) ? [] : [`no folder: ${name}`];
    return wrongName(name, null);
  });
  expect(wrong).toEqual([]);
});

test("a title is that of a test, and no text beside it", () => {
  const titles = titlesIn(`
    // test("A1: in a comment", run);
    const row = "A2: a text"; expect(x, "A3: a message").toBe("test");
    describe.skipIf(no)("A4: skipped", () => { test("A5: within", { timeout: 1 }, () => read("A6")); });
    test.each([["A7: first", "A8"], ["next", "A9"]] as const)("%s is filled in", run);
    test.each([{ what: "a member", other: "F1" }])("F2: $what", run);
    it(\`F3: number \${max + 1} is refused\`, run);
    re.test("F4");
  `);
  expect(titles).toEqual([
    "A4: skipped",
    "A5: within",
    "%s is filled in",
    "A7: first is filled in",
    "next is filled in",
    "F2: $what",
    "F2: a member",
    "F3: number … is refused",
  ]);
});
