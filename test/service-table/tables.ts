/** Tables as text, for tests: a header, and rows of which everything is given and any cell replaceable. */
import { readTable, serviceColumns, type ServiceCells, type TextRow } from "../../machines/service-table.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";

export const header = serviceColumns.join(",");

const usual: ServiceCells = {
  name: "OSB",
  host: "127.0.0.1",
  port: "8650",
  path: "/TicketService",
  protocol: "osb",
  idempotency: "requestId",
  settleSeconds: "60",
  timeoutSeconds: "30",
  asyncSeconds: "0",
  user: "",
  passwordFile: "",
  notes: "",
};

/** One line; the cells as they stand, unquoted. */
export function row(cells: Partial<ServiceCells> = {}): string {
  return Object.values({ ...usual, ...cells }).join(",");
}

export function table(...rows: readonly string[]): string {
  return `${[header, ...rows].join("\n")}\n`;
}

/** A row as it is parsed, all its cells on one line. */
export function textRow(cells: Partial<ServiceCells> = {}, line = 2): TextRow {
  const lines = Object.fromEntries(serviceColumns.map((column) => [column, line]));
  return { cells: { ...usual, ...cells }, lines: lines as TextRow["lines"] };
}

/** The usual row as a service. */
export function usualService(): ServiceInfo {
  const rules = { allowedHosts: null, selected: null, spoken: [] };
  const [service] = readTable({ rows: [textRow()], faults: [] }, rules).services;
  if (service === undefined) throw new Error("The usual row cannot be read.");
  return service;
}

/** Every kind of bad CSV, where its fault is, and what was expected there. */
export const badTables: readonly {
  readonly what: string;
  readonly csv: string | Uint8Array;
  readonly line: number;
  readonly column: string;
  readonly expected: string;
}[] = [
  { what: "an empty file", csv: "", line: 1, column: "1", expected: "the header" },
  {
    what: "an unclosed quote below a header with an empty cell",
    csv: `,\n"`,
    line: 2,
    column: "1",
    expected: "a closing",
  },
  { what: "no header", csv: `${row()}\n`, line: 1, column: "1", expected: "the header" },
  { what: "no row", csv: table(), line: 1, column: "name", expected: "at least one service" },
  {
    what: "a missing column",
    csv: table(row()).replace("port,", ""),
    line: 1,
    column: "port",
    expected: "this column",
  },
  {
    what: "a doubled column",
    csv: table(row()).replace("port", "host"),
    line: 1,
    column: "3",
    expected: "each column once",
  },
  {
    what: "an unknown column",
    csv: table(row()).replace("notes", "note"),
    line: 1,
    column: "12",
    expected: "one of name",
  },
  {
    what: "an unclosed quote",
    csv: table(row(), row({ name: '"B' }), row({ name: "C" })),
    line: 3,
    column: "name",
    expected: "a closing",
  },
  {
    what: "an unclosed quote behind a cell of two lines",
    csv: table(row(), row({ name: '"B\nB"', notes: '"x' })),
    line: 4,
    column: "notes",
    expected: "a closing",
  },
  {
    what: "a quote inside",
    csv: table(row({ notes: 'say "x"' })),
    line: 2,
    column: "notes",
    expected: "doubled",
  },
  {
    what: "text behind a quote",
    csv: table(row({ path: '"/x"y' })),
    line: 2,
    column: "path",
    expected: "after the closing",
  },
  { what: "a short row", csv: table(row(), "B,127.0.0.1"), line: 3, column: "port", expected: "12 cells" },
  { what: "a long row", csv: table(`${row()},x`), line: 2, column: "13", expected: "12 cells" },
  {
    what: "a name twice",
    csv: table(row(), row({ name: "B" }), row()),
    line: 4,
    column: "name",
    expected: "stands in line 2",
  },
  { what: "no name", csv: table(row(), row({ name: " " })), line: 3, column: "name", expected: "a name" },
  {
    what: "a name too long",
    csv: table(row(), row({ name: "x".repeat(65) })),
    line: 3,
    column: "name",
    expected: "at most 64",
  },
  { what: "port 0", csv: table(row({ port: "0" })), line: 2, column: "port", expected: "from 1 to 65535" },
  {
    what: "a port behind a cell of three lines",
    csv: table(row(), row({ name: '"B\r\nB\nB"', port: "0" })),
    line: 5,
    column: "port",
    expected: "from 1 to 65535",
  },
  { what: "port 65536", csv: table(row({ port: "65536" })), line: 2, column: "port", expected: "from 1 to" },
  {
    what: "a port in hex",
    csv: table(row({ port: "0x1F" })),
    line: 2,
    column: "port",
    expected: "a whole number",
  },
  {
    what: "a path without /",
    csv: table(row({ path: "x" })),
    line: 2,
    column: "path",
    expected: "begins with /",
  },
  {
    what: "a path of two lines",
    csv: table(row({ path: '"/x\r\nHost: evil"' })),
    line: 2,
    column: "path",
    expected: "visible ASCII",
  },
  {
    what: "an unknown protocol",
    csv: table(row(), row({ name: "B", protocol: "soap" })),
    line: 3,
    column: "protocol",
    expected: "one of osb, tmf621v4, tmf621v5, rt",
  },
  {
    what: "a protocol the selected service cannot have",
    csv: table(row({ protocol: "rt" })),
    line: 2,
    column: "protocol",
    expected: "osb for the selected",
  },
  {
    what: "an unknown promise",
    csv: table(row({ idempotency: "maybe" })),
    line: 2,
    column: "idempotency",
    expected: "one of requestId, settles, none",
  },
  {
    what: "settles at once",
    csv: table(row({ idempotency: "settles", settleSeconds: "0" })),
    line: 2,
    column: "settleSeconds",
    expected: "more than 0",
  },
  {
    what: "no time-out",
    csv: table(row({ timeoutSeconds: "0" })),
    line: 2,
    column: "timeoutSeconds",
    expected: "seconds from 1 to 86400",
  },
  {
    what: "negative seconds",
    csv: table(row({ asyncSeconds: "-1" })),
    line: 2,
    column: "asyncSeconds",
    expected: "seconds from 0",
  },
  { what: "a colon in user", csv: table(row({ user: "a:b" })), line: 2, column: "user", expected: "colon" },
  { what: "a formula", csv: table(row({ notes: "=1+1" })), line: 2, column: "notes", expected: "no formula" },
  {
    what: "a formula for a name",
    csv: table(row(), row({ name: "@SUM(A1)" })),
    line: 3,
    column: "name",
    expected: "no formula",
  },
  {
    what: "the selected service missing",
    csv: table(row({ name: "B" })),
    line: 1,
    column: "name",
    expected: "a row named OSB, the selected service",
  },
  {
    what: "a host outside allowedServiceHosts",
    csv: table(row(), row({ name: "B", host: "evil.example" })),
    line: 3,
    column: "host",
    expected: "one of allowedServiceHosts",
  },
  {
    what: "an octal address",
    csv: table(row({ host: "0177.0.0.1" })),
    line: 2,
    column: "host",
    expected: "four decimal numbers",
  },
  {
    what: "UTF-16 without a mark",
    csv: Buffer.from(table(row()), "utf16le"),
    line: 1,
    column: "1",
    expected: "byte order mark",
  },
  {
    what: "UTF-8 that is none behind its mark",
    csv: Buffer.concat([Buffer.from(`\uFEFF${table(row())}B,`), Buffer.from([0xc3, 0x28])]),
    line: 3,
    column: "2",
    expected: "text in UTF-8",
  },
  {
    what: "a control character",
    csv: table(row({ notes: "a\u0007b" })),
    line: 2,
    column: "notes",
    expected: "control characters",
  },
];
