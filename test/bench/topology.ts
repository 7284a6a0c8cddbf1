/**
 * Loading a topology and looking up paths, in SQLite. The ceiling reads the same file with the same CSV parser and
 * inserts the same cells into one table, in one transaction: no checks, no index, no decoding, no swap.
 */
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { DatabaseSync } from "node:sqlite";
import { parse } from "csv-parse";
import { systemClock } from "../../adapters/clock/system.ts";
import { openSqliteTopology } from "../../adapters/topology/sqlite.ts";

export interface TopologyLoad {
  /** Where the database goes. */
  readonly parent: string;
  /** From `writeElements`. */
  readonly file: string;
  readonly elements: number;
  readonly lookUps: number;
}

export interface TopologyFigures {
  readonly rowsPerSecond: number;
  readonly megabytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const header =
  "ne_id;ne_name;ne_type;parent_ne_id;region;headend;chassis;slot;port;node;ip_address;mac;vendor;model;status";
const idOf = (n: number) => `NE-${String(n).padStart(7, "0")}`;

/** A tree of seven levels, all 15 columns filled, some 130 bytes a row. */
export function writeElements(file: string, elements: number): void {
  const fd = openSync(file, "w");
  let lines = [header];
  for (let n = 0; n < elements; n += 1) {
    const byte = (shift: number) => (n >> shift) & 255;
    const mac = [0, 26, 43, byte(16), byte(8), byte(0)]
      .map((one) => one.toString(16).padStart(2, "0"))
      .join(":");
    lines.push(
      `${idOf(n)};Modem ${n};modem;${n === 0 ? "" : idOf(Math.floor((n - 1) / 10))};Region ${n % 12};HE-${n % 40};` +
        `C${n % 9};${n % 16};${n % 48};N${n % 5_000};10.${byte(16)}.${byte(8)}.${byte(0)};${mac};Vendor;M-2492;active`,
    );
    if (lines.length >= 10_000 || n === elements - 1) {
      writeSync(fd, `${lines.join("\n")}\n`);
      lines = [];
    }
  }
  closeSync(fd);
}

export async function topologyLoad({
  parent,
  file,
  elements,
  lookUps,
}: TopologyLoad): Promise<TopologyFigures> {
  const dir = mkdtempSync(join(parent, "bench-topology-"));
  const topology = openSqliteTopology({ file: join(dir, "topology.db"), clock: systemClock });
  try {
    const from = performance.now();
    const outcome = await topology.load({ files: [file] });
    const seconds = (performance.now() - from) / 1_000;
    if (outcome.kind !== "loaded" || outcome.summary.elements !== elements)
      throw new Error(`Expected ${elements} elements: ${JSON.stringify(outcome)}`);
    const megabytes = process.resourceUsage().maxRSS / 1_024;
    const { signal } = new AbortController();
    const times: number[] = [];
    for (let n = 0; n < lookUps; n += 1) {
      const elementId = idOf((n * 7_919) % elements); // a prime: all over the file
      const asked = performance.now();
      const answer = await topology.path({ elementId, signal });
      times.push(performance.now() - asked);
      if (answer.kind !== "found" || answer.path.hops[0]?.elementId !== elementId)
        throw new Error(`No path of ${elementId}: ${JSON.stringify(answer)}`);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
    return { rowsPerSecond: elements / seconds, megabytes, p50Ms: at(0.5), p99Ms: at(0.99) };
  } finally {
    await topology.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function bareLoad({
  parent,
  file,
  elements,
}: TopologyLoad): Promise<Pick<TopologyFigures, "rowsPerSecond">> {
  const dir = mkdtempSync(join(parent, "bench-bare-"));
  const db = new DatabaseSync(join(dir, "bare.db"));
  try {
    const columns = header.split(";");
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -131072; CREATE TABLE bare (${columns.map((name) => `${name} TEXT`).join(", ")}) STRICT`);
    const insert = db.prepare(`INSERT INTO bare VALUES (${columns.map(() => "?").join(", ")})`);
    const from = performance.now();
    db.exec("BEGIN");
    const parser = parse({
      delimiter: ";",
      from: 2,
      on_record: (cells: string[]) => {
        insert.run(...cells);
        return null;
      },
    });
    createReadStream(file, { highWaterMark: 262_144 }).pipe(parser).resume();
    await finished(parser);
    db.exec("COMMIT");
    const seconds = (performance.now() - from) / 1_000;
    const { rows } = db.prepare("SELECT count(*) AS rows FROM bare").get() ?? {};
    if (rows !== elements) throw new Error(`Expected ${elements} rows, found ${Number(rows)}.`);
    return { rowsPerSecond: elements / seconds };
  } finally {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
