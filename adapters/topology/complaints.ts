/** What is wrong with the files of a load: each with its place and what was expected; the first few told, all counted. */
import { limits } from "../../machines/limits.ts";

export interface Complaint {
  /** As it was given; null: of the load as a whole. */
  readonly file: string | null;
  /** From 1, where the row begins; null: of the file as a whole. */
  readonly line: number | null;
  /** Its name, or its number from 1 where the header has none; null: of the row as a whole. */
  readonly column: string | null;
  /** What is there, what was expected. */
  readonly detail: string;
}

export interface Place {
  readonly file: string;
  readonly line: number;
}

export class Complaints {
  readonly told: Complaint[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** At most `topologyErrorsMax` are kept. */
  add({ file, line, column, detail }: Partial<Complaint> & { readonly detail: string }): void {
    this.#count += 1;
    if (this.told.length < limits.topologyErrorsMax)
      this.told.push({ file: file ?? null, line: line ?? null, column: column ?? null, detail });
  }
}

/** `a.csv, line 3, column ne_id: …` */
export function complaintText({ file, line, column, detail }: Complaint): string {
  const place = [file, line === null ? null : `line ${line}`, column === null ? null : `column ${column}`];
  const named = place.filter((part) => part !== null).join(", ");
  return named === "" ? detail : `${named}: ${detail}`;
}

/** What a file holds, fit for a message: one line, no control characters, not long. */
export function quoted(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return `"${shown.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?")}"`;
}
