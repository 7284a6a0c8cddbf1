/**
 * Bytes of a CSV as text: UTF-8, UTF-16 with its mark, else windows-1252, which is what spreadsheets save.
 * Nothing is replaced on the way: what cannot be read is a fault.
 */
import { limits } from "../../machines/limits.ts";
import type { TableFault } from "../../machines/service-table.ts";

export type Decoding =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: TableFault };

const marks = [
  { encoding: "utf-8", name: "UTF-8", bytes: [0xef, 0xbb, 0xbf] },
  { encoding: "utf-16le", name: "UTF-16 LE", bytes: [0xff, 0xfe] },
  { encoding: "utf-16be", name: "UTF-16 BE", bytes: [0xfe, 0xff] },
] as const;

/** The text without its byte order mark. */
export function decodeCsv(csv: string | Uint8Array): Decoding {
  const bytes = typeof csv === "string" ? Buffer.byteLength(csv) : csv.byteLength;
  if (bytes > limits.servicesCsvBytesMax)
    return refuse("", `at most ${limits.servicesCsvBytesMax} bytes`, `${bytes} bytes`);
  if (typeof csv === "string") return checked(csv.replace(/^\uFEFF/, ""));
  const mark = marks.find((one) => one.bytes.every((byte, index) => csv[index] === byte));
  if (mark !== undefined) return decodeAs(mark.encoding, mark.name, csv);
  const text = tryDecode("utf-8", csv);
  return text === null ? decodeAs("windows-1252", "windows-1252", csv) : checked(text);
}

function decodeAs(encoding: string, name: string, csv: Uint8Array): Decoding {
  const text = tryDecode(encoding, csv);
  if (text !== null) return checked(text);
  const lossy = new TextDecoder(encoding).decode(csv);
  const at = lossy.indexOf("\uFFFD");
  return refuse(
    lossy.slice(0, Math.max(at, 0)),
    `text in ${name}, as its first bytes say`,
    "bytes that are none",
  );
}

function tryDecode(encoding: string, csv: Uint8Array): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(csv);
  } catch {
    return null;
  }
}

/** UTF-16 without a mark reads as text full of NUL characters. */
function checked(text: string): Decoding {
  const at = text.indexOf("\0");
  return at < 0
    ? { ok: true, text }
    : refuse(text.slice(0, at), "text in UTF-8, or in UTF-16 with a byte order mark", "a NUL character");
}

function refuse(before: string, expected: string, got: string): Decoding {
  const lines = before.split(/\r\n|\n|\r/);
  const column = String((lines.at(-1) ?? "").split(/[,;\t]/).length);
  return { ok: false, fault: { line: lines.length, column, expected, got } };
}
