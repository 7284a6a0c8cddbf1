/**
 * One load: the files are read as streams, every row is checked and staged, and only a whole without a complaint is
 * put in place. A dry run goes the same way and stages nowhere.
 */
import { basename } from "node:path";
import { limits } from "../../machines/limits.ts";
import { Complaints } from "./complaints.ts";
import { type CsvFile, inspectCsvFile, readCsvFile } from "./csv-file.ts";
import type { FormName } from "./forms.ts";
import { createNetworkReader } from "./network-reader.ts";
import { nowhere, type Staging, type TopologyStore } from "./store.ts";
import type { LoadCounts, LoadedFile, LoadOrder, LoadOutcome, LoadSummary } from "./topology.ts";

/** Links make the parents of elements; addresses and hops belong to elements. */
const readingOrder: readonly FormName[] = ["link", "network_element", "address", "network_path"];

/** Rejects as `TopologyDatabase.load`. */
export async function loadTopology(
  store: TopologyStore,
  order: LoadOrder & { readonly now: () => number },
): Promise<LoadOutcome> {
  const complaints = new Complaints();
  const files = await inspectFiles(order.files, complaints);
  if (complaints.count > 0) return refused(complaints);
  const staging = order.dryRun === true ? nowhere : await store.stage();
  try {
    const before = await store.loaded(); // after a load that ran until now
    const { counts, rows } = await readFiles(files, { staging, complaints, order });
    if (complaints.count === 0 && order.acceptDrop !== true) complainOfDrop(before, counts, complaints);
    if (complaints.count > 0) {
      await staging.abandon();
      return refused(complaints);
    }
    const summary: LoadSummary = {
      ...counts,
      loadedAt: order.now(),
      files: files.map(({ path, header, encoding }, index): LoadedFile => {
        return { name: basename(path), form: header.form, rows: rows[index] ?? 0, encoding };
      }),
    };
    if (order.dryRun === true) return { kind: "checked", summary };
    await staging.commit(summary);
    return { kind: "loaded", summary };
  } catch (error) {
    await staging.abandon().catch(() => undefined); // the first failure is the one to report
    throw error;
  }
}

function refused({ told, count }: Complaints): LoadOutcome {
  return { kind: "refused", complaints: told, count };
}

/** In the order in which they are to be read. */
async function inspectFiles(paths: readonly string[], complaints: Complaints): Promise<readonly CsvFile[]> {
  const files: CsvFile[] = [];
  if (paths.length > limits.topologyFilesMax) {
    complaints.add({
      detail: `${paths.length} files; expected at most ${limits.topologyFilesMax} in one load`,
    });
    return files;
  }
  for (const path of paths) {
    const file = await inspectCsvFile(path, complaints);
    if (file !== null) files.push(file);
  }
  const has = (form: FormName) => files.some(({ header }) => header.form === form);
  if (complaints.count === 0 && !has("network_element") && !has("link"))
    complaints.add({
      detail: "no elements; expected network_element.csv or link.csv: a load replaces everything",
    });
  return files.sort((a, b) => readingOrder.indexOf(a.header.form) - readingOrder.indexOf(b.header.form));
}

interface Reading {
  readonly staging: Staging;
  readonly complaints: Complaints;
  readonly order: LoadOrder;
}

async function readFiles(
  files: readonly CsvFile[],
  { staging, complaints, order: { onProgress } }: Reading,
): Promise<{ readonly counts: LoadCounts; readonly rows: readonly number[] }> {
  const bytesOf = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const names = files.map(({ path }) => path);
  const network = createNetworkReader({ names, staging, complaints, hasLinks: hasLinks(files) });
  const rows: number[] = [];
  let bytesBefore = 0;
  let rowsBefore = 0;
  for (const [number, file] of files.entries()) {
    const read = network.file(number, file.header);
    const rowsOfFile = await readCsvFile(
      file,
      {
        row: read,
        part(bytesRead, rowsRead) {
          const done = { bytes: bytesBefore + bytesRead, rows: rowsBefore + rowsRead };
          onProgress?.({ phase: "reading", bytesOf, ...done });
          return staging.drained();
        },
      },
      complaints,
    );
    if (rowsOfFile === 0 && complaints.count === 0)
      complaints.add({ file: file.path, detail: "holds no row below the header; expected at least one" });
    rows.push(rowsOfFile);
    rowsBefore += rowsOfFile;
    bytesBefore += file.bytes;
    if (files[number + 1]?.header.form !== file.header.form) await network.endOf(file.header.form);
  }
  const done = { bytes: bytesOf, bytesOf, rows: rowsBefore };
  onProgress?.({ phase: "checking", ...done });
  const counts = network.end();
  onProgress?.({ phase: "storing", ...done });
  return { counts, rows };
}

function hasLinks(files: readonly CsvFile[]): "none" | "alone" | "beside elements" {
  const has = (form: FormName) => files.some(({ header }) => header.form === form);
  if (!has("link")) return "none";
  return has("network_element") ? "beside elements" : "alone";
}

/** An export cut off half-way looks like a small network. */
function complainOfDrop(before: LoadSummary | null, counts: LoadCounts, complaints: Complaints): void {
  if (before === null) return;
  for (const name of ["elements", "addresses", "hops"] as const) {
    const lost = before[name] - counts[name];
    if (lost <= limits.topologyDropRowsMin || lost <= before[name] * limits.topologyDropShareMax) continue;
    const share = `${Math.round((lost / before[name]) * 100)} %`;
    complaints.add({
      detail:
        `${counts[name]} ${name}, where ${before[name]} are in place: ${share} fewer; expected at most ` +
        `${limits.topologyDropShareMax * 100} % fewer. Is a file cut off or missing? If not, load with --accept-drop`,
    });
  }
}
