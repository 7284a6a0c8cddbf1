/** The Service Info CSV as text: what is read, what is refused and where, and what comes back. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { csvCodec } from "../../adapters/service-table/csv.ts";
import { limits } from "../../machines/limits.ts";
import {
  cellsOf,
  faultLine,
  readTable,
  serviceProtocols,
  type TableRules,
} from "../../machines/service-table.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";
import { badTables, row, table, usualService } from "./tables.ts";

const rules: TableRules = { allowedHosts: ["127.0.0.1"], selected: "OSB", spoken: ["osb"] };
const anything: TableRules = { allowedHosts: null, selected: null, spoken: serviceProtocols };
const read = (csv: string | Uint8Array, by = rules) => readTable(csvCodec.parse(csv), by);

describe("a bad CSV is refused with line, column, what was expected and what was there", () => {
  test.for(badTables)("$what", ({ csv, line, column, expected }) => {
    const { faults } = read(csv);
    const fault = faults.find((one) => one.line === line && one.column === column);
    expect(fault?.expected, faults.map(faultLine).join("\n")).toContain(expected);
    expect(fault?.got).not.toBe("");
  });

  test("every fault at once, by line", () => {
    const csv = table(
      row({ port: "0", path: "x" }),
      "B",
      row({ name: "=C", host: "nowhere.example" }),
      row({ name: "D", timeoutSeconds: "soon" }),
    );
    expect(read(csv).faults.map(({ line, column }) => `${line} ${column}`)).toEqual([
      "2 port",
      "2 path",
      "3 host",
      "4 name",
      "4 host",
      "5 timeoutSeconds",
    ]);
  });

  test("S3: at most so many faults, services and bytes", () => {
    const many = Array.from({ length: limits.servicesMax }, (_, index) => row({ name: `s${index}` }));
    expect(read(table(...many), anything).faults).toEqual([]);
    const tooMany = read(table(...many, row({ name: "one" })), anything);
    expect(tooMany.faults).toMatchObject([{ line: 102, expected: "at most 100 services" }]);
    const bad = many.map((one) => one.replace("8650", "0").replace("/Ticket", "Ticket"));
    expect(read(table(...bad), anything).faults).toHaveLength(limits.tableFaultsMax);
    const padding = "\n".repeat(limits.servicesCsvBytesMax - table(row()).length);
    expect(read(table(row()) + padding).faults).toEqual([]);
    expect(read(`${table(row())}${padding}\n`).faults).toMatchObject([{ expected: "at most 1048576 bytes" }]);
  });

  test("what was there is told on one line, short, and without characters that a terminal obeys", () => {
    const { faults } = read(table(row({ notes: `\u009b31m\u202e${"x".repeat(200)}` })));
    expect(faults[0]?.got).toMatch(/^"\\u009b31m\\u202ex+…"$/);
    expect(faults[0]?.got.length).toBeLessThan(100);
  });
});

describe("encodings and separators", () => {
  const csv = table(row({ name: "OSB", notes: "café" }));
  const cells = read(csv).services;
  test.for([
    ["UTF-8", Buffer.from(csv)],
    ["UTF-8 with its mark", Buffer.from(`\uFEFF${csv}`)],
    ["text with a mark", `\uFEFF${csv}`],
    ["UTF-16 LE", Buffer.from(`\uFEFF${csv}`, "utf16le")],
    ["UTF-16 BE", Buffer.from(`\uFEFF${csv}`, "utf16le").swap16()],
    ["windows-1252", Buffer.from(csv, "latin1")],
    ["semicolons", csv.replaceAll(",", ";")],
    ["tabs", csv.replaceAll(",", "\t")],
    ["CRLF", csv.replaceAll("\n", "\r\n")],
    ["CR alone", csv.replaceAll("\n", "\r")],
    ["empty lines and a spreadsheet's empty rows", `\n${csv}\n,,,,,,,,,,,\n\n`],
    ["quoted header", csv.replace("name,host", '"name","host"')],
    [
      "columns in another order",
      table(row({ name: "127.0.0.1", host: "OSB", notes: "café" })).replace("name,host", "host,name"),
    ],
  ] as const)("%s", ([, text]) => {
    expect(read(text)).toEqual({ services: cells, faults: [] });
    expect(cells[0]).toMatchObject({ name: "OSB", host: "127.0.0.1", port: 8650, notes: "café" });
  });

  test("lines are counted over line breaks in cells and empty lines, whatever the line break", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = [
        "",
        table().trim(),
        row({ name: '"O', host: 'S"', port: "127.0.0.1,1" }).replace("O,S", `O${end}${end}S`),
        "",
        row({ name: "B", port: "0" }),
      ].join(end);
      const { faults } = read(text, anything);
      expect(faults).toMatchObject([{ line: 7, column: "port" }]);
    }
  });
});

describe("S9: safe to open in a spreadsheet, and import undoes exactly what export did", () => {
  const service: ServiceInfo = { ...usualService(), notes: "n" };
  const back = (services: readonly ServiceInfo[]) =>
    read(csvCodec.format(services.map(cellsOf)), anything).services;

  test.for([
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\tx",
    "\rx",
    "\nx",
    "＝1",
    "'=1",
    "''=1",
    "'x",
    "'",
    'a,b;c\td"e"\nf\r\ng',
    " x ",
    "é€\u{1F525}",
    '"',
    "\uFEFFx",
  ])("a name of %j", (name) => {
    const text = csvCodec.format([cellsOf({ ...service, name })]);
    expect(back([{ ...service, name }])).toEqual([{ ...service, name }]);
    // What a spreadsheet makes of the cell begins with none of these.
    expect(csvCodec.parse(text).rows).toHaveLength(1);
    const cell = text.slice(text.indexOf("\n") + 1).replace(/^"/, "");
    expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
  });

  test("any table at all", () => {
    const texts = (charsMax: number) =>
      fc
        .array(
          fc.oneof(
            { weight: 3, arbitrary: fc.constantFrom(..."=+-@'\"\t\r\n,; aé｜＝".split("")) },
            fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
          ),
          { maxLength: charsMax },
        )
        .map((parts) => parts.join(""))
        // oxlint-disable-next-line no-control-regex -- they are refused
        .map((text) => text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, ""));
    const seconds = (lowest: number) =>
      fc.integer({ min: lowest * 1_000, max: 86_400_000 }).map((ms) => ms / 1_000);
    const services = fc.uniqueArray(
      fc.record(
        {
          name: texts(20).filter((text) => text.trim() !== "" && text.length <= 64),
          host: fc.constantFrom("127.0.0.1", "osb.example", "2001:db8::1", "LOCALHOST"),
          port: fc.integer({ min: 1, max: 65_535 }),
          path: fc.constantFrom("/", "/a?b=1,2;3", '/"x"', "/'=x"),
          protocol: fc.constantFrom(...serviceProtocols),
          idempotency: fc.constantFrom("requestId" as const, "settles" as const, "none" as const),
          settleSeconds: seconds(1),
          timeoutSeconds: seconds(1),
          asyncSeconds: seconds(0),
          user: fc.constantFrom("u", "=u", "-u", "'@u"),
          passwordFile: fc.constantFrom("/run/secret", "=x", "a,b"),
          notes: texts(30).filter((text) => text !== ""),
        },
        {
          requiredKeys: [
            "name",
            "host",
            "port",
            "path",
            "protocol",
            "idempotency",
            "settleSeconds",
            "timeoutSeconds",
            "asyncSeconds",
          ],
        },
      ),
      { selector: ({ name }) => name, minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(services, (rows) => {
        expect(back(rows)).toEqual(rows);
      }),
      { numRuns: 500 },
    );
  });
});
