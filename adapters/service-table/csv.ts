/**
 * The Service Info CSV in and out: text cells with their places, or every fault of the text.
 *   S9 safe to open in a spreadsheet, and import undoes exactly what export did.
 * What the cells may hold is machines/service-table.ts's affair.
 * Source: wire.md, "Configuration"; laws.md, "Bad input and what it gets".
 */
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import type { ServiceTableCodec } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import {
  inOrder,
  serviceColumns,
  shown,
  type ServiceCells,
  type ServiceColumn,
  type TableFault,
  type TableText,
  type TextRow,
} from "../../machines/service-table.ts";
import { decodeCsv } from "./encoding.ts";

export const csvCodec: ServiceTableCodec = { parse: parseTable, format: formatTable };

/** What a spreadsheet may take for a formula (some take the full-width forms too), guards before it included. */
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/;
/** The other columns have a form of their own, which no formula has. */
const freeText: ReadonlySet<ServiceColumn> = new Set(["name", "user", "passwordFile", "notes"]);
const separators = [",", ";", "\t"] as const;

function formatTable(rows: readonly ServiceCells[]): string {
  const cells = rows.map((row) =>
    serviceColumns.map((column) => (formula.test(row[column]) ? `'${row[column]}` : row[column])),
  );
  return stringify([[...serviceColumns], ...cells], { quoted_match: /[^\w.:/-]/ });
}

function parseTable(csv: string | Uint8Array): TableText {
  const decoded = decodeCsv(csv);
  if (!decoded.ok) return { rows: [], faults: [decoded.fault] };
  const separator = separatorOf(decoded.text);
  const { records, broken } = split(decoded.text, separator);
  const [header, ...rest] = records;
  if (header === undefined) return { rows: [], faults: [broken ?? missingHeader("an empty file")] };
  const columns = readHeader(header);
  const faults = [...columns.faults];
  const rows: TextRow[] = [];
  if (faults.length === 0) {
    for (const record of rest) {
      if (record.cells.every((cell) => cell === "")) continue; // a spreadsheet's empty rows
      const row = readRecord(record, columns.names, faults);
      if (row !== null) rows.push(row);
    }
  }
  if (broken !== null)
    faults.push({ ...broken, column: columns.names[Number(broken.column) - 1] || broken.column });
  return { rows, faults: inOrder(faults) };
}

interface CsvRecord {
  /** Line of its first cell. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Records up to the first that cannot be read; `broken.column` is a number from 1. */
function split(
  text: string,
  separator: string,
): { readonly records: readonly CsvRecord[]; readonly broken: TableFault | null } {
  const bytes = Buffer.from(text);
  const records: CsvRecord[] = [];
  let end = 0;
  let line = 1;
  /** Passes empty lines and the end of the record before. */
  const begin = () => {
    const from = end;
    while (bytes[end] === 0x0a || bytes[end] === 0x0d) end += 1;
    line += lineBreaks(bytes.toString("utf8", from, end));
    return line;
  };
  try {
    parse(bytes, {
      delimiter: separator,
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      skip_empty_lines: true,
      to: limits.servicesMax + 2,
      on_record: (cells: string[], context) => {
        records.push({ line: begin(), cells });
        // Ends before the line break or after it, as csv-parse counts; `begin` passes what is left of it.
        const before = context.bytes;
        let last = before;
        while (last > end && (bytes[last - 1] === 0x0a || bytes[last - 1] === 0x0d)) last -= 1;
        line += lineBreaks(bytes.toString("utf8", end, last));
        end = last;
        return null;
      },
    });
    return { records, broken: null };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    begin();
    return { records, broken: quoteFault(error, bytes.toString("utf8", end), line, separator) };
  }
}

/** Where in the record that begins `rest` the bad quote stands, by the cells before it. */
function quoteFault(error: CsvError, rest: string, line: number, separator: string): TableFault {
  const index = Number(Reflect.get(error, "index") ?? 0);
  let at = 0;
  for (let cell = 0, quoted = false; cell < index && at < rest.length; at += 1) {
    if (rest[at] === '"') quoted = !quoted;
    else if (rest[at] === separator && !quoted) cell += 1;
  }
  const place = { line: line + lineBreaks(rest.slice(0, at)), column: String(index + 1) };
  const got = shown(rest.slice(at).split(/[\r\n]/)[0] ?? "");
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return { ...place, expected: 'a closing " before the end of the file', got };
    case "CSV_INVALID_CLOSING_QUOTE":
      return { ...place, expected: 'the separator or the end of the line after the closing "', got };
    case "INVALID_OPENING_QUOTE":
      return { ...place, expected: 'a " inside text doubled, and the whole cell in quotes', got };
    default:
      return { ...place, expected: "a cell of CSV", got: error.message };
  }
}

function lineBreaks(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

/** The one that finds most of the columns in the first line. */
function separatorOf(text: string): string {
  const [first = ""] = text.replace(/^[\r\n]+/, "").split(/[\r\n]/, 1);
  const found = (separator: string) =>
    first.split(separator).filter((cell) => isColumn(unquoted(cell.trim()))).length;
  const [best = ","] = [...separators].sort((a, b) => found(b) - found(a));
  return best;
}

function unquoted(cell: string): string {
  return cell.replace(/^"(.*)"$/, "$1");
}

function isColumn(text: string): text is ServiceColumn {
  return serviceColumns.some((column) => column === text);
}

/** Any order; each column once, none unknown, none missing. */
function readHeader({ line, cells }: CsvRecord): {
  readonly names: readonly string[];
  readonly faults: readonly TableFault[];
} {
  const names = cells.map((cell) => cell.trim());
  if (!names.some(isColumn)) return { names, faults: [missingHeader(shown(cells.join(",")), line)] };
  const faults: TableFault[] = [];
  for (const [index, name] of names.entries()) {
    const place = { line, column: String(index + 1), got: shown(name) };
    if (!isColumn(name)) faults.push({ ...place, expected: `one of ${serviceColumns.join(", ")}` });
    else if (names.indexOf(name) < index)
      faults.push({
        ...place,
        expected: `each column once: this one is column ${names.indexOf(name) + 1} too`,
      });
  }
  for (const column of serviceColumns)
    if (!names.includes(column))
      faults.push({ line, column, expected: "this column in the header", got: "a header without it" });
  return { names, faults };
}

function missingHeader(got: string, line = 1): TableFault {
  return { line, column: "1", expected: `the header ${serviceColumns.join(",")}`, got };
}

function readRecord(
  { line, cells }: CsvRecord,
  names: readonly string[],
  faults: TableFault[],
): TextRow | null {
  const texts: Partial<Record<ServiceColumn, string>> = {};
  const lines: Partial<Record<ServiceColumn, number>> = {};
  let at = line;
  for (const [index, cell] of cells.entries()) {
    const name = names[index];
    if (name !== undefined && isColumn(name)) {
      lines[name] = at;
      texts[name] = cell.replace(/^'(?='*[=+\-@\t\r\n＝＋－＠])/, "");
      if (freeText.has(name) && formula.test(cell) && !cell.startsWith("'"))
        faults.push({
          line: at,
          column: name,
          expected: "text that is no formula; if it is meant as it stands, put ' before it",
          got: shown(cell),
        });
    }
    at += lineBreaks(cell);
  }
  if (cells.length === names.length)
    return { cells: texts as ServiceCells, lines: lines as TextRow["lines"] };
  const column = names[cells.length] ?? String(names.length + 1);
  faults.push({ line: at, column, expected: `${names.length} cells`, got: `${cells.length}` });
  return null;
}
