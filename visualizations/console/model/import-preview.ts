/** What an import of services would do, and the rows that stand in its way. Pure. */
import type { ProblemAnswer } from "./api-messages.ts";

export type ImportFault = NonNullable<ProblemAnswer["errors"]>[number];

/** The lines of the file that a fault names, under its header. */
export function badRows(csv: string, faults: readonly ImportFault[]): string {
  const lines = csv.split(/\r\n|\n|\r/);
  const wanted = new Set(faults.map(({ line }) => line ?? 0).filter((line) => line > 1));
  return [lines[0] ?? "", ...lines.filter((_, index) => wanted.has(index + 1))].join("\r\n");
}
