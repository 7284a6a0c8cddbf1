/**
 * One CSV file, read twice: first for what it is (encoding, separator, header), then row by row as a stream.
 *   S3 a row, and what stands before the first line's end, are bounded.
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { CsvError, parse, type Parser } from "csv-parse";
import { parse as parseText } from "csv-parse/sync";
import { limits } from "../../machines/limits.ts";
import { type Complaints, quoted } from "./complaints.ts";
import { createDamageSearch, createUtf8Check, decode, type Encoding } from "./encoding.ts";
import { type Header, readHeader } from "./forms.ts";

export interface CsvFile {
  /** As it was given. */
  readonly path: string;
  readonly bytes: number;
  readonly encoding: Encoding;
  readonly separator: Separator;
  readonly header: Header;
}

type Separator = ";" | ",";
const chunkBytes = 262_144;
const lineFeed = 0x0a;

/** Null after a complaint. */
export async function inspectCsvFile(path: string, complaints: Complaints): Promise<CsvFile | null> {
  const complain = (detail: string, line?: number): null => {
    complaints.add({ file: path, ...(line === undefined ? undefined : { line }), detail });
    return null;
  };
  let handle: FileHandle;
  try {
    // Before it is opened: opening a pipe waits for somebody to write into it.
    if (!(await stat(path)).isFile()) return complain("is no regular file; expected a CSV file");
    handle = await open(path, "r");
  } catch (error) {
    return complain(`cannot be read (${codeOf(error)}); expected a CSV file`);
  }
  try {
    const found = await look(handle);
    if (found.kind !== "text") return complain(found.detail, found.line);
    const { encoding, head, bytes } = found;
    const separator = separatorOf(head);
    if (separator === null)
      return complain(
        `no ; or , in ${quoted(head)}; expected a header, its columns parted by one of them`,
        1,
      );
    const names = headerNames(head, separator);
    if (names === null) return complain(`the quotes of ${quoted(head)} do not match; expected a header`, 1);
    const header = readHeader(path, names, complaints);
    return header && { path, bytes, encoding, separator, header };
  } catch (error) {
    return complain(`cannot be read (${codeOf(error)}); expected a CSV file`);
  } finally {
    await handle.close();
  }
}

type Look =
  | { readonly kind: "text"; readonly encoding: Encoding; readonly head: string; readonly bytes: number }
  | { readonly kind: "refused"; readonly detail: string; readonly line: number };

/** Reads it all once: the whole file must be UTF-8 to count as UTF-8. */
async function look(handle: FileHandle): Promise<Look> {
  const refused = (detail: string, line: number): Look => ({ kind: "refused", detail, line });
  const utf8 = createUtf8Check();
  let first: Buffer | null = null;
  let bytes = 0;
  let lines = 1;
  for await (const chunk of chunksOf(handle)) {
    first ??= Buffer.from(chunk.subarray(0, limits.topologyRowCharsMax));
    if (bytes === 0 && /^(?:\xff\xfe|\xfe\xff)/.test(chunk.toString("latin1", 0, 2)))
      return refused("is UTF-16; expected UTF-8 or windows-1252: save it as UTF-8", 1);
    const nul = chunk.indexOf(0);
    if (nul !== -1)
      return refused("a zero byte; expected text: is it a CSV file?", lines + lineFeeds(chunk, nul));
    lines += lineFeeds(chunk, chunk.length);
    bytes += chunk.length;
    utf8.add(chunk);
  }
  if (first === null) return refused("is empty; expected a header and rows", 1);
  const encoding = utf8.end() ? "utf-8" : "windows-1252";
  const damaged = encoding === "utf-8" ? null : await damagedLine(handle);
  if (damaged !== null)
    return refused(
      "a byte that is no UTF-8, as the rest is; expected one encoding: save it as UTF-8",
      damaged,
    );
  const end = first.indexOf(lineFeed);
  if (end === -1 && bytes > first.length)
    return refused(`the first line is longer than ${first.length} bytes; expected a header`, 1);
  const head = decode(end === -1 ? first : first.subarray(0, end), encoding)
    .replace(/^\ufeff/, "")
    .trim();
  if (head.includes("\r"))
    return refused("its lines end in CR alone; expected CR LF or LF: save it with those", 1);
  return { kind: "text", encoding, head, bytes };
}

/** Of text that was meant to be UTF-8. */
async function damagedLine(handle: FileHandle): Promise<number | null> {
  const damage = createDamageSearch();
  for await (const chunk of chunksOf(handle)) damage.add(chunk);
  return damage.end();
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function lineFeeds(chunk: Buffer, end: number): number {
  let count = 0;
  for (let at = chunk.indexOf(lineFeed); at !== -1 && at < end; at = chunk.indexOf(lineFeed, at + 1))
    count += 1;
  return count;
}

/** The one that the header has more of. */
function separatorOf(head: string): Separator | null {
  const semicolons = head.split(";").length;
  const commas = head.split(",").length;
  if (semicolons === 1 && commas === 1) return null;
  return semicolons >= commas ? ";" : ",";
}

function headerNames(head: string, delimiter: Separator): string[] | null {
  try {
    const [names]: string[][] = parseText(head, { delimiter });
    return names ?? null;
  } catch {
    return null;
  }
}

export interface RowReader {
  /** The cells, as many as the header has names; `line`: where the row begins. */
  row(cells: string[], line: number): void;
  /** After each part of the file; what it returns is waited for. */
  part(bytesRead: number, rowsRead: number): Promise<void> | null;
}

/** Gives every row that has the header's width; what cannot be read is a complaint, and ends the file. Returns how many rows there were. */
export async function readCsvFile(file: CsvFile, reader: RowReader, complaints: Complaints): Promise<number> {
  const rows = createRows(file, reader, complaints);
  const parser = parse({
    delimiter: file.separator,
    bom: true,
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    max_record_size: limits.topologyRowCharsMax,
    // Handed over and not queued: nothing is kept of a row that was read.
    on_record: (cells: string[]) => rows.take(cells),
  });
  parser.on("error", () => undefined); // told by the write that it ends
  const handle = await open(file.path, "r");
  try {
    let bytes = 0;
    for await (const chunk of chunksOf(handle)) {
      // The parser keeps what it has not read to its end: it must not be overwritten by the next chunk.
      const own = file.encoding === "utf-8" ? Buffer.from(chunk) : Buffer.from(decode(chunk, file.encoding));
      await write(parser, own);
      bytes += chunk.length;
      const wait = reader.part(bytes, rows.count());
      if (wait !== null) await wait;
    }
    await write(parser, null);
    await reader.part(bytes, rows.count()); // the last row may have had no line end
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    rows.unreadable(error);
  } finally {
    parser.destroy();
    await handle.close();
  }
  return rows.count();
}

function write(parser: Parser, chunk: Buffer | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (chunk === null) {
      parser.once("error", reject);
      parser.end(done);
    } else parser.write(chunk, done);
  });
}

/** Counts lines itself: the parser counts a CR LF inside quotes as two. */
function createRows(
  { path: file, header: { names } }: CsvFile,
  reader: RowReader,
  complaints: Complaints,
): { take(cells: string[]): null; count(): number; unreadable(error: CsvError): void } {
  let line = 1;
  let rows = 0;
  return {
    take(cells) {
      const at = line;
      line += 1;
      for (const cell of cells) if (cell.includes("\n")) line += cell.split("\n").length - 1;
      if (at === 1 || cells.every((cell) => cell.trim() === "")) return null; // the header, or an empty row
      rows += 1;
      if (cells.length === names.length) reader.row(cells, at);
      else {
        complaints.add({
          file,
          line: at,
          column: names[cells.length] ?? String(names.length + 1),
          detail: `the row has ${cells.length} cells; expected ${names.length}, as many as the header`,
        });
      }
      return null;
    },
    count: () => rows,
    unreadable(error) {
      const index = Number(error["column"] ?? 0);
      const column = names[index] ?? String(index + 1);
      complaints.add({ file, line, column, detail: csvFaults[error.code] ?? error.message });
    },
  };
}

const csvFaults: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a " opens and is never closed; expected a closing one',
  CSV_INVALID_CLOSING_QUOTE: 'text after a closing "; expected a separator, or "" for a quote inside quotes',
  INVALID_OPENING_QUOTE:
    'a " in the middle of a cell; expected the whole cell in quotes, and "" for each inside',
  CSV_MAX_RECORD_SIZE: `the row is longer than ${limits.topologyRowCharsMax} characters; is a " not closed?`,
};

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}
