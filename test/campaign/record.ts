/** What a campaign has done so far, in a folder of its own for each state of the product. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
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

const suffix = ".result.json";
const nothing: PartRecord = { results: [], seconds: 0, endedAt: null };

export function recordOf(record: CampaignRecord, { name }: Pick<Part, "name">): PartRecord {
  return record[name] ?? nothing;
}

export type Verdict = "held" | "broken" | "unfinished";

export function verdictOf({ runs }: Pick<Part, "runs">, { results }: PartRecord): Verdict {
  if (results.some(({ ok }) => !ok)) return "broken";
  return results.length < runs ? "unfinished" : "held";
}

/** A file a part, so that parts may run side by side. */
export class RecordFolder {
  readonly folder: string;

  /** `product`: names the state of the code that is tried. Another state begins anew. */
  constructor(parent: string, product: string) {
    this.folder = join(parent, product);
    mkdirSync(this.folder, { recursive: true });
  }

  read(): CampaignRecord {
    const files = readdirSync(this.folder).filter((file) => file.endsWith(suffix));
    return Object.fromEntries(
      files.map((file) => [
        file.slice(0, -suffix.length),
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written below
        JSON.parse(readFileSync(join(this.folder, file), "utf8")) as PartRecord,
      ]),
    );
  }

  write(name: string, part: PartRecord): void {
    const file = join(this.folder, `${name}${suffix}`);
    writeFileSync(`${file}.new`, `${JSON.stringify(part, null, 1)}\n`);
    renameSync(`${file}.new`, file);
  }
}
