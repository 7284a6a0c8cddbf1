/** Bad files, each with what is said of them: the file, the line, the column, what was expected. Nothing is loaded. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { complaintText } from "../../adapters/topology/complaints.ts";
import { createMemoryTopology } from "../../adapters/topology/memory.ts";
import type { LoadOutcome } from "../../adapters/topology/topology.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { addressHeader, elementHeader, elementLines, folder, hopHeader, writeFiles } from "./files.ts";

type Files = Readonly<Record<string, readonly string[] | Buffer>>;

async function load(files: Files): Promise<LoadOutcome> {
  const dir = folder();
  const outcome = await createMemoryTopology({ clock: new ManualClock() }).load({
    files: writeFiles(dir, files),
  });
  return JSON.parse(JSON.stringify(outcome).replaceAll(`${dir}/`, "")) as LoadOutcome;
}

const good = { "e.csv": elementLines({ root: "", a: "root", b: "root" }) };
const long = "x".repeat(limits.topologyIdCharsMax + 1);
const cases: readonly (readonly [name: string, files: Files, says: readonly (string | RegExp)[]])[] = [
  // the file
  ["empty file", { "e.csv": Buffer.alloc(0) }, ["e.csv, line 1: is empty; expected a header and rows"]],
  [
    "header alone",
    { "e.csv": [elementHeader] },
    ["e.csv: holds no row below the header; expected at least one"],
  ],
  ["header and empty lines", { "e.csv": [elementHeader, "", "  "] }, [/^e\.csv: holds no row/]],
  [
    "UTF-16",
    { "e.csv": Buffer.from("\ufeffne_id;x", "utf16le") },
    [/^e\.csv, line 1: is UTF-16; expected UTF-8 or/],
  ],
  [
    "zero byte",
    { "e.csv": Buffer.from("ne_id;ne_name\na;b\nc;\0d\n") },
    ["e.csv, line 3: a zero byte; expected text: is it a CSV file?"],
  ],
  [
    "UTF-8 with a byte that is none",
    {
      "e.csv": Buffer.concat([
        Buffer.from("ne_id;ne_name\nA;Café\n"),
        Buffer.from("B;S\xfcd\n", "latin1"),
        Buffer.from("C;Größe\n"),
      ]),
    },
    ["e.csv, line 3: a byte that is no UTF-8, as the rest is; expected one encoding: save it as UTF-8"],
  ],
  [
    "UTF-8 cut off in a character, far from its begin",
    { "e.csv": Buffer.from(`ne_id;ne_name\n${"x;€\n".repeat(100_000)}y;é`).subarray(0, -1) },
    [/^e\.csv, line 100002: a byte that is no UTF-8/],
  ],
  [
    "lines that end in CR alone",
    { "e.csv": Buffer.from("ne_id;ne_name\ra;A\rb;B\r") },
    ["e.csv, line 1: its lines end in CR alone; expected CR LF or LF: save it with those"],
  ],
  ["no separator", { "e.csv": ["ne_id", "a"] }, [/^e\.csv, line 1: no ; or , in "ne_id"; expected a header/]],
  ["TAB", { "e.csv": ["ne_id\tne_name", "a\tb"] }, [/^e\.csv, line 1: no ; or , in "ne_id\?ne_name"/]],
  [
    "endless first line",
    { "e.csv": Buffer.alloc(300_000, "x") },
    [/line 1: the first line is longer than 65536 bytes/],
  ],
  // the header
  [
    "foreign header",
    { "e.csv": ["name;age", "a;b"] },
    [
      /^e\.csv, line 1, column 1: the header begins with "name"; expected that of network_element\.csv \(ne_id;.*link\.csv \(ne_a;ne_b\)$/,
    ],
  ],
  [
    "misspelt column",
    { "e.csv": ["ne_id;parent_id", "a;"] },
    [
      /^e\.csv, line 1, column "parent_id": no column of network_element\.csv; expected ne_id, ne_name, .* or status$/,
    ],
  ],
  ["nameless column", { "e.csv": ["ne_id;;ne_name", "a;b;c"] }, [/^e\.csv, line 1, column 2: no column of/]],
  [
    "doubled column",
    { "e.csv": ["ne_id;NE_ID", "a;b"] },
    ["e.csv, line 1, column ne_id: stands in the header twice; expected once"],
  ],
  [
    "missing columns",
    { ...good, "h.csv": ["path_id;hop_ne_id", "P;a"] },
    [
      "h.csv, line 1, column ne_id: is missing in the header; network_path.csv needs it",
      "h.csv, line 1, column hop_no: is missing in the header; network_path.csv needs it",
    ],
  ],
  ["quotes in the header", { "e.csv": ['"ne_id;ne_name', "a;b"] }, [/^e\.csv, line 1: the quotes of/]],
  // rows
  [
    "short and long rows",
    { "e.csv": ["ne_id;ne_name;vendor", "a;b", "c;d;e;f", "g;h;i"] },
    [
      "e.csv, line 2, column vendor: the row has 2 cells; expected 3, as many as the header",
      "e.csv, line 3, column 4: the row has 4 cells; expected 3, as many as the header",
    ],
  ],
  [
    "a row too short by two",
    { "e.csv": ["ne_id;ne_name;vendor", "a"] },
    [/line 2, column ne_name: the row has 1 cells/],
  ],
  [
    "quote never closed",
    { "e.csv": ["ne_id;ne_name", "a;b", 'c;"d', "e;f"] },
    ['e.csv, line 3, column ne_name: a " opens and is never closed; expected a closing one'],
  ],
  [
    "quote never closed in a long file",
    { "e.csv": ["ne_id;ne_name", 'c;"d', ...Array.from({ length: 20_000 }, (_, n) => `${n};x`)] },
    ['e.csv, line 2, column ne_name: the row is longer than 65536 characters; is a " not closed?'],
  ],
  [
    "quote inside a cell",
    { "e.csv": ["ne_id;ne_name", 'a;b"c'] },
    [/^e\.csv, line 2, column ne_name: a " in the middle of a cell/],
  ],
  [
    "text after a quote",
    { "e.csv": ["ne_id;ne_name", 'a;"b"c'] },
    [/^e\.csv, line 2, column ne_name: text after a closing "/],
  ],
  [
    "lines are counted through CR LF, breaks in cells and empty lines",
    { "e.csv": Buffer.from('ne_id;ne_name\r\na;"1\r\n2\r\n3"\r\n\r\nb;"x\ny"\r\n;z\r\n') },
    ["e.csv, line 8, column ne_id: is empty; expected an id"],
  ],
  [
    "ids",
    { "e.csv": ["ne_id;parent_ne_id", ";a", `${long};`, '"a\nb";', "c\u0007;"] },
    [
      "e.csv, line 2, column ne_id: is empty; expected an id",
      `e.csv, line 3, column ne_id: ${long.length} characters; expected an id of at most ${limits.topologyIdCharsMax}`,
      'e.csv, line 4, column ne_id: "a?b" holds a control character; expected an id on one line',
      'e.csv, line 6, column ne_id: "c?" holds a control character; expected an id on one line',
    ],
  ],
  [
    "text too long",
    { "e.csv": ["ne_id;ne_name", `a;${"ä".repeat(limits.topologyTextCharsMax + 1)}`] },
    ["e.csv, line 2, column ne_name: 256 characters; expected at most 255"],
  ],
  // elements
  [
    "an element twice",
    { "e.csv": [...elementLines({ a: "" }), "a;;;;;;;;;;;;;;"] },
    ['e.csv, line 3, column ne_id: "a" stands in line 2 of e.csv already; expected once'],
  ],
  [
    "an element in two files",
    { "e.csv": elementLines({ a: "" }), "f.csv": elementLines({ b: "", a: "b" }) },
    ['f.csv, line 3, column ne_id: "a" stands in line 2 of e.csv already; expected once'],
  ],
  [
    "dangling parents, each told once, where it is named first",
    { "e.csv": elementLines({ a: "gone", b: "a", c: "gone", d: "lost" }) },
    [
      'e.csv, line 2, column parent_ne_id: "gone" has no row of its own; expected the ne_id of an element, or nothing for a root',
      'e.csv, line 5, column parent_ne_id: "lost" has no row of its own; expected the ne_id of an element, or nothing for a root',
    ],
  ],
  [
    "its own parent",
    { "e.csv": elementLines({ a: "", b: "b" }) },
    ['e.csv, line 3, column parent_ne_id: an element is its own parent: "b" → "b"; expected a way to a root'],
  ],
  [
    "two loops, each named once, whatever hangs from them",
    { "e.csv": elementLines({ x: "a", a: "b", b: "c", c: "a", d: "e", e: "d", y: "x" }) },
    [
      'e.csv, line 3, column parent_ne_id: the parents of 3 elements form a loop: "a" → "b" → "c" → "a"; expected a way to a root',
      'e.csv, line 6, column parent_ne_id: the parents of 2 elements form a loop: "d" → "e" → "d"; expected a way to a root',
    ],
  ],
  [
    "a long loop, its names cut",
    {
      "e.csv": elementLines(
        Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`n${n}`, `n${(n + 1) % 12}`])),
      ),
    },
    [/the parents of 12 elements form a loop: "n0" → .*"n7" → "…" → "n0"/],
  ],
  [
    "nobody is blamed for naming an element whose row could not be read",
    {
      "e.csv": ["ne_id;parent_ne_id", "a;b", "b;a;"],
      "a.csv": [addressHeader, "A1;b;;;;;", "A1;a;;;;;"],
      "h.csv": [hopHeader, "P;b;1;a;;;"],
    },
    [
      "e.csv, line 3, column 3: the row has 3 cells; expected 2, as many as the header",
      'a.csv, line 3, column address_id: "A1" stands in line 2 of a.csv already; expected once',
    ],
  ],
  // addresses
  [
    "addresses",
    { ...good, "a.csv": [addressHeader, "A1;a;;;;;", "A1;b;;;;;", "A2;gone;;;;;", ";a;;;;;"] },
    [
      'a.csv, line 3, column address_id: "A1" stands in line 2 of a.csv already; expected once',
      'a.csv, line 4, column ne_id: "gone" is no element of this load; expected the ne_id of one',
      "a.csv, line 5, column address_id: is empty; expected an id",
    ],
  ],
  // paths
  [
    "hops",
    {
      ...good,
      "h.csv": [
        hopHeader,
        "P;a;0;a;;;",
        "P;a;x;b;;;",
        `P;a;${limits.pathHopsMax};b;;;`,
        "P;a;1;gone;;;",
        "P;a;0;b;;;",
        "P;b;1;root;;;",
        "P;a;1;a;;;",
      ],
    },
    [
      'h.csv, line 3, column hop_no: "x"; expected a whole number from 0 to 63',
      'h.csv, line 4, column hop_no: "64"; expected a whole number from 0 to 63',
      'h.csv, line 5, column hop_ne_id: "gone" is no element of this load; expected the ne_id of one',
      'h.csv, line 6, column hop_no: hop 0 stands in path "P" twice, before in line 2 of h.csv; expected once',
      'h.csv, line 7, column ne_id: "b"; expected the element of path "P" in line 2 of h.csv',
      'h.csv, line 8, column hop_ne_id: "a" (a loop) stands in path "P" twice, before in line 2 of h.csv; expected once',
    ],
  ],
  [
    "a hop missing",
    { ...good, "h.csv": [hopHeader, "P;a;1;b;;;", "P;a;3;root;;;", "Q;b;2;root;;;"] },
    [
      'h.csv, line 2, column hop_no: path "P" has 2 hops numbered 1 to 3; expected every number from 0 or 1 on',
      'h.csv, line 4, column hop_no: path "Q" has 1 hops numbered 2 to 2; expected every number from 0 or 1 on',
    ],
  ],
  [
    "a path from the root down",
    { ...good, "h.csv": [hopHeader, "P;a;0;root;;;", "P;a;1;a;;;"] },
    [
      /^h\.csv, line 3, column hop_ne_id: path "P" comes to its own element at hop 1; expected it first or not at all/,
    ],
  ],
  // links
  [
    "links",
    { "l.csv": ["ne_a,ne_b", "a,b", "b,a", "c,c", "a,b", "d,"] },
    [
      'l.csv, line 3, column ne_a: the link of "b" and "a" stands in line 2 of l.csv already; expected once, in either order',
      'l.csv, line 4, column ne_b: "c" is linked to itself; expected another element',
      'l.csv, line 5, column ne_a: the link of "a" and "b" stands in line 2 of l.csv already; expected once, in either order',
      "l.csv, line 6, column ne_b: is empty; expected an id",
    ],
  ],
  [
    "links beside elements with parents, and to elements without a row",
    { "l.csv": ["ne_a,ne_b", "root,a", "b,gone"], ...good },
    [
      'e.csv, line 3, column parent_ne_id: "root"; expected nothing: link.csv gives the parents of this load',
      'e.csv, line 4, column parent_ne_id: "root"; expected nothing: link.csv gives the parents of this load',
      'l.csv, line 3, column ne_b: "gone" has no row of its own; expected the ne_id of an element',
    ],
  ],
  // the load
  [
    "no elements",
    { "a.csv": [addressHeader, "A;a;;;;;"] },
    [/^no elements; expected network_element\.csv or link\.csv/],
  ],
  [
    "the same file twice under two names",
    { "e.csv": elementLines({ a: "" }), "f.csv": elementLines({ a: "" }) },
    [/^f\.csv, line 2, column ne_id: "a" stands in line 2 of e\.csv/],
  ],
];

test.each(cases)("%s: refused with the place and what was expected", async (_, files, says) => {
  const outcome = await load(files);
  if (outcome.kind !== "refused") throw new Error(JSON.stringify(outcome));
  const told = outcome.complaints.map(complaintText);
  expect({ told, count: outcome.count }).toEqual({
    told: says.map((one) => (typeof one === "string" ? one : expect.stringMatching(one))),
    count: says.length,
  });
});

test("S3: of a hundred thousand errors the first are told and all are counted", async () => {
  const outcome = await load({ "e.csv": [elementHeader, ...Array.from({ length: 100_000 }, () => "a;b")] });
  if (outcome.kind !== "refused") throw new Error(JSON.stringify(outcome));
  expect(outcome.complaints).toHaveLength(limits.topologyErrorsMax);
  expect(outcome.complaints.at(-1)?.line).toBe(limits.topologyErrorsMax + 1);
  expect(outcome.count).toBe(100_000);
});

test("S3: more files than the limit are refused before any is read", async () => {
  const topology = createMemoryTopology({ clock: new ManualClock() });
  const files = Array.from({ length: limits.topologyFilesMax + 1 }, () => "/nowhere");
  const outcome = await topology.load({ files });
  expect(outcome).toMatchObject({ kind: "refused", count: 1 });
  expect(outcome.kind === "refused" && outcome.complaints[0]?.detail).toMatch(
    /^101 files; expected at most 100/,
  );
});

test("a file that is missing, a folder and a device are refused by name", async () => {
  const dir = folder();
  mkdirSync(join(dir, "sub"));
  const topology = createMemoryTopology({ clock: new ManualClock() });
  const outcome = await topology.load({ files: [join(dir, "none.csv"), join(dir, "sub"), "/dev/null"] });
  expect(outcome.kind === "refused" && outcome.complaints.map(complaintText)).toEqual([
    `${join(dir, "none.csv")}: cannot be read (ENOENT); expected a CSV file`,
    `${join(dir, "sub")}: is no regular file; expected a CSV file`,
    "/dev/null: is no regular file; expected a CSV file",
  ]);
});
