/** What a campaign has done so far, in a folder of its own for each state of the product. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Part, Result } from "./parts.ts";

export interface PartRecord {
  readonly results: readonly Result[];
  /** Of all its runs, those that were cut off too. */
  readonly seconds: number;
  /** Of the last run that came to its end; ISO date. */
  readonly endedAt: string | null;
}

export type CampaignRecord = Readonly<Record<string, PartRecord>>;

const nothing: PartRecord = { results: [], seconds: 0, endedAt: null };

export function recordOf(record: CampaignRecord, { name }: Pick<Part, "name">): PartRecord {
  return record[name] ?? nothing;
}

export type Verdict = "held" | "broken" | "unfinished";

export function verdictOf({ runs }: Pick<Part, "runs">, { results }: PartRecord): Verdict {
  if (results.some(({ ok }) => !ok)) return "broken";
  return results.length < runs ? "unfinished" : "held";
}

export class RecordFile {
  readonly folder: string;
  readonly #file: string;

  /** `product`: names the state of the code that is tried. Another state begins anew. */
  constructor(parent: string, product: string) {
    this.folder = join(parent, product);
    mkdirSync(this.folder, { recursive: true });
    this.#file = join(this.folder, "record.json");
  }

  read(): CampaignRecord {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written below
      return JSON.parse(readFileSync(this.#file, "utf8")) as CampaignRecord;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
      throw error;
    }
  }

  write(name: string, part: PartRecord): void {
    writeFileSync(`${this.#file}.new`, `${JSON.stringify({ ...this.read(), [name]: part }, null, 1)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
