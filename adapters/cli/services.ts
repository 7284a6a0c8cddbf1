/** `services`: the Service Info Table, in the ledger of a stopped engine or over HTTP of a running one. */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { FailureError, orThrow } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { faultLine, shown, type TableChange, type TableFault } from "../../machines/service-table.ts";
import { writeNewFile } from "./new-file.ts";
import { type Output, tell } from "./output.ts";
import type { ServicesPlace } from "./services-place.ts";
import { remoteServices } from "./services-remote.ts";
import { storedServices } from "./services-stored.ts";
import type { DataOptions } from "./settings.ts";

export interface ServicesOptions extends DataOptions {
  /** Of a running engine; without it the ledger of a stopped one is opened. */
  readonly url?: string;
  readonly token?: string;
}

function placeOf(options: ServicesOptions): ServicesPlace {
  return options.url === undefined ? storedServices(options) : remoteServices(options.url, options.token);
}

/** Who acts, where no token says so. A bare uid, as in a container, has no name. */
function operator(): string {
  let name: string;
  try {
    name = userInfo().username;
  } catch {
    name = `uid ${process.getuid?.() ?? "unknown"}`;
  }
  return `command line: ${name}`;
}

export async function runServicesExport(
  file: string,
  options: ServicesOptions,
  output: Output,
): Promise<number> {
  const csv = await placeOf(options).export();
  if (file === "-") {
    process.stdout.write(csv);
    return 0;
  }
  await writeNewFile(file, { mode: 0o666 }, async (stream) => void stream.write(csv));
  output.data({ file });
  output.line(`The Service Info Table is written to ${file}.`);
  return 0;
}

/** Resolves with the exit code: 1 where anything is wrong, and then nothing was changed. */
export async function runServicesImport(
  file: string,
  { dryRun, ...options }: ServicesOptions & { readonly dryRun: boolean },
  output: Output,
): Promise<number> {
  const csv = await readCsv(file);
  const result = await placeOf(options).import(csv, { by: operator(), dryRun });
  if (!result.ok) {
    const { failure, preview } = result;
    output.data({ ok: false, code: failure.code, detail: failure.detail, ...preview });
    for (const line of faultLines(file, preview.errors)) tell(line);
    if (preview.errors.length === 0) tell(`ticket-client: ${failure.detail}`);
    else tell("Nothing was changed.");
    return 1;
  }
  output.data({ ok: true, ...result.value });
  for (const line of changeLines(result.value)) output.line(line);
  output.line(result.value.applied ? "Imported." : "A dry run: nothing was changed.");
  return 0;
}

export async function runServicesSelect(
  name: string,
  options: ServicesOptions,
  output: Output,
): Promise<number> {
  orThrow(await placeOf(options).select(name, { by: operator() }));
  output.data({ ok: true, selected: name });
  output.line(
    `${shown(name)} is the service of every flow from now on; what is under way stays where it is.`,
  );
  return 0;
}

async function readCsv(file: string): Promise<Uint8Array> {
  try {
    return file === "-" ? await readStdin() : readFileSync(file);
  } catch (error) {
    throw new FailureError("INVALID", `The file ${file} cannot be read (${codeOf(error)}).`);
  }
}

/** Waits for what comes late. S3: what is over the limit is not read, and is refused for that. */
async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > limits.servicesCsvBytesMax) break;
  }
  return Buffer.concat(chunks);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}

function faultLines(file: string, errors: readonly TableFault[]): string[] {
  return errors.map((fault) => `${file}: ${faultLine(fault)}`);
}

function changeLines({ added, changed, removed, unchanged }: TableChange): string[] {
  return [
    ...added.map((name) => `  added      ${shown(name)}`),
    ...changed.map(({ name, columns }) => `  changed    ${shown(name)}: ${columns.join(", ")}`),
    ...removed.map((name) => `  removed    ${shown(name)}`),
    ...unchanged.map((name) => `  unchanged  ${shown(name)}`),
  ];
}
