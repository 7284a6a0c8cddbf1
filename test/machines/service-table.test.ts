/** The Service Info Table's rules, cell by cell, at every boundary, word for word. CSV and import are tried in service-table/. */
import { describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import {
  changesInUse,
  differenceText,
  readTable,
  shown,
  tableDifferences,
  type RowUse,
  type ServiceCells,
  type ServiceColumn,
  type TableRules,
  type TextRow,
} from "../../machines/service-table.ts";
import { textRow } from "../service-table/tables.ts";
import { service } from "./given.ts";

const rules: TableRules = { allowedHosts: null, selected: null, spoken: ["osb", "rt"] };

function row(change: Partial<ServiceCells> = {}, line = 2): TextRow {
  return textRow({ path: "/", ...change }, line);
}

function faults(change: Partial<ServiceCells>, by: Partial<TableRules> = {}): string[] {
  const read = readTable({ rows: [row(change)], faults: [] }, { ...rules, ...by });
  return read.faults.map(({ line, column, expected, got }) => `${line} ${column}: ${expected}, got ${got}`);
}

describe("a cell that is fine at its bound", () => {
  const fine: [ServiceColumn, string][] = [
    ["name", "n".repeat(limits.serviceNameCharsMax)],
    ["name", "two\r\n\tlines"],
    ["port", "1"],
    ["port", "65535"],
    ["path", `/${"p".repeat(limits.servicePathCharsMax - 1)}`],
    ["settleSeconds", "0"],
    ["settleSeconds", "0.001"],
    ["timeoutSeconds", "1"],
    ["user", "u".repeat(limits.serviceUserCharsMax)],
    ["notes", "line\nbreaks\tand\r\nso on"],
    ["notes", "n".repeat(limits.serviceNotesCharsMax)],
  ];
  test.each(fine)("%s %j", (column, text) => {
    expect(faults({ [column]: text })).toEqual([]);
  });
});

describe("a cell that is wrong, and what is told", () => {
  const path = `a path that begins with /, of visible ASCII without #, at most ${limits.servicePathCharsMax} characters`;
  const wrong: [ServiceColumn, string, string][] = [
    ["name", " ", "a name"],
    ["name", "n".repeat(limits.serviceNameCharsMax + 1), `at most ${limits.serviceNameCharsMax} characters`],
    ["name", "bell\u0007", "text without control characters"],
    ["port", "0", "a whole number from 1 to 65535"],
    ["port", "65536", "a whole number from 1 to 65535"],
    ["port", "x80", "a whole number from 1 to 65535"],
    ["port", "80x", "a whole number from 1 to 65535"],
    ["port", "80.5", "a whole number from 1 to 65535"],
    ["path", "x/", path],
    ["path", "/#", path],
    ["path", "/ ", path],
    ["path", `/${"p".repeat(limits.servicePathCharsMax)}`, path],
    ["protocol", "soap", "one of osb, tmf621v4, tmf621v5, rt"],
    ["idempotency", "always", "one of requestId, settles, none"],
    ["settleSeconds", "1.0001", `seconds from 0 to ${limits.serviceSecondsMax}`],
    ["settleSeconds", "x1", `seconds from 0 to ${limits.serviceSecondsMax}`],
    ["timeoutSeconds", "0.5", `seconds from 1 to ${limits.serviceSecondsMax}`],
    ["asyncSeconds", "-1", `seconds from 0 to ${limits.serviceSecondsMax}`],
    ["user", "ann:b", "a name without a colon (HTTP Basic cannot carry one)"],
    ["user", "ann\nb", "text without control characters"],
    ["user", "ann\ud800", "text of whole characters"],
    ["user", "u".repeat(limits.serviceUserCharsMax + 1), `at most ${limits.serviceUserCharsMax} characters`],
    ["passwordFile", "a\tb", "text without control characters"],
    [
      "notes",
      "n".repeat(limits.serviceNotesCharsMax + 1),
      `at most ${limits.serviceNotesCharsMax} characters`,
    ],
    ["notes", "bell\u0007", "text without control characters"],
  ];
  test.each(wrong)("%s %j: %s", (column, text, expected) => {
    expect(faults({ [column]: text })).toEqual([`2 ${column}: ${expected}, got ${shown(text)}`]);
  });

  test("a promise about a time needs a time", () => {
    expect(faults({ idempotency: "settles", settleSeconds: "0" })).toEqual([
      "2 settleSeconds: more than 0: `settles` is a promise about this time, got 0",
    ]);
    expect(faults({ idempotency: "settles", settleSeconds: "1" })).toEqual([]);
  });

  test("the selected service speaks what this engine speaks; others may wait for it", () => {
    const tmf = { protocol: "tmf621v4" };
    expect(faults(tmf, { selected: "OSB" })).toEqual([
      "2 protocol: osb or rt for the selected service, got tmf621v4",
    ]);
    expect(faults(tmf)).toEqual([]);
    expect(faults({ protocol: "soap" }, { selected: "OSB" })).toHaveLength(1);
  });

  test("S5: a host that is not listed", () => {
    const allowedHosts = ["10.0.0.1", "osb.example"];
    expect(faults({}, { allowedHosts })).toEqual([
      "2 host: one of allowedServiceHosts: 10.0.0.1, osb.example, got 127.0.0.1",
    ]);
  });

  test("a row that is wrong is none, and one whose name stands above is told where", () => {
    const text = { rows: [row(), row({ port: "0" }, 3), row({ name: "B", notes: "kept" }, 4)], faults: [] };
    const read = readTable(text, rules);
    expect(read.services.map(({ name }) => name)).toEqual(["OSB", "B"]);
    expect(read.services[1]).toEqual({ ...service({ name: "B", idempotency: "requestId" }), notes: "kept" });
    expect(read.faults).toContainEqual({
      line: 3,
      column: "name",
      expected: "another name: this one stands in line 2",
      got: "OSB",
    });
  });

  test("more services than there may be: the first too many is told", () => {
    const rows = Array.from({ length: limits.servicesMax + 2 }, (_, index) =>
      row({ name: `s${index}` }, index + 2),
    );
    const read = readTable({ rows, faults: [] }, rules);
    expect(read.services).toHaveLength(limits.servicesMax);
    expect(read.faults).toEqual([
      {
        line: limits.servicesMax + 2,
        column: "name",
        expected: `at most ${limits.servicesMax} services`,
        got: "one more",
      },
    ]);
  });
});

describe("a cell as a message shows it", () => {
  const { faultTextCharsMax: most } = limits;
  test.each([
    ["", "nothing"],
    ["a.b:/_-9", "a.b:/_-9"],
    ["two words", '"two words"'],
    ["-=x", '"-=x"'],
    ["x=", '"x="'],
    ['say "hi"', '"say \\"hi\\""'],
    ["x".repeat(most), "x".repeat(most)],
    ["x".repeat(most + 1), `"${"x".repeat(most - 1)}…"`],
    ["\u202ebidi", '"\\u202ebidi"'],
  ])("%j: %s", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });
});

describe("a change that must wait", () => {
  const use = (change: Partial<RowUse>): RowUse => ({ requests: [], unknown: 0, tickets: 0, ...change });
  const removing = { added: [], changed: [], removed: ["OSB"], unchanged: [] };

  test.each([
    [{ requests: ["r1", "r2"], tickets: 3 }, "request r1 is not settled"],
    [{ tickets: 1 }, "1 open ticket lives there"],
    [{ tickets: 2, unknown: 1 }, "2 open tickets live there"],
    [{ unknown: 1 }, "1 request is unknown there"],
    [{ unknown: 2 }, "2 requests are unknown there"],
  ] as const)("removed: %j", (held, because) => {
    expect(changesInUse(removing, [], new Map([["OSB", use(held)]]))).toEqual([
      { line: 1, column: "name", expected: `a row named OSB, because ${because}`, got: "no such row" },
    ]);
  });

  test("changed: only while a request is under way, each column where it stands; what nobody uses is free", () => {
    const changing = {
      added: [],
      changed: [{ name: "OSB", columns: ["port", "path"] }],
      removed: ["B"],
      unchanged: [],
    } as const;
    const rows = [row({ name: "A" }, 2), row({ port: "1" }, 7)];
    expect(changesInUse(changing, rows, new Map([["OSB", use({ requests: ["r1"] })]]))).toEqual([
      { line: 7, column: "port", expected: "no change of this row before request r1 is settled", got: "1" },
      { line: 7, column: "path", expected: "no change of this row before request r1 is settled", got: "/" },
    ]);
    expect(changesInUse(changing, rows, new Map([["OSB", use({ tickets: 1 })]]))).toEqual([]);
  });
});

test("how the gateway's table differs, in words", () => {
  const [one, other] = [service(), service({ name: "B" })];
  expect(differenceText(tableDifferences([one, other], [other, one]))).toBe(
    "The gateway's service table equals the clients'.",
  );
  expect(differenceText(tableDifferences([one, other], [one]))).toBe(
    "The gateway's service table has no row B.",
  );
  expect(differenceText(tableDifferences([one], [other, one]))).toBe(
    "Only the gateway's service table has a row B.",
  );
  const moved = service({ name: "B", port: 1, path: "/x" });
  expect(differenceText(tableDifferences([one, other], [one, moved]))).toBe(
    "Row B, column port: 8650 here, 1 in the gateway's service table (and 1 more).",
  );
});
