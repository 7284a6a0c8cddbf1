/** What an import of services would do, and the rows that stand in its way. Pure. */
import type { ProblemAnswer } from "./api-messages.ts";

export type ImportFault = NonNullable<ProblemAnswer["errors"]>[number];

/** The lines of the file that a fault names, under its header. */
export function badRows(csv: string, faults: readonly ImportFault[]): string {
  const lines = csv.split(/\r\n|\n|\r/);
  const wanted = new Set(faults.map(({ line }) => line ?? 0).filter((line) => line > 1));
  return [lines[0] ?? "", ...lines.filter((_, index) => wanted.has(index + 1))].join("\r\n");
}

/** As the engine reads it: by its mark, else UTF-8, else as Windows wrote it. */
export function csvText(csv: string | Uint8Array): string {
  if (typeof csv === "string") return csv;
  const [first, second] = csv;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(csv);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(csv);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(csv);
  } catch {
    return new TextDecoder("windows-1252").decode(csv);
  }
}
