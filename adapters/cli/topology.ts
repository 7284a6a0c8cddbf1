/** `topology load` and `topology path`: provisioning data in, an element's path out; beside a running engine too. */
import { formatDistanceStrict } from "date-fns/formatDistanceStrict";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { systemClock } from "../clock/system.ts";
import { complaintText } from "../topology/complaints.ts";
import { openTopology, topologyPlace } from "../topology/open.ts";
import type { Address, ElementDetails, LoadProgress, NetworkElement } from "../topology/topology.ts";
import { count, type Output, type Progress, tell } from "./output.ts";
import { type DataOptions, readSettings } from "./settings.ts";

export interface TopologyLoadOptions extends DataOptions {
  readonly dryRun: boolean;
  readonly acceptDrop: boolean;
}

/** Resolves with the exit code: 1 where the files are refused; then nothing has changed. */
export async function runTopologyLoad(
  files: readonly string[],
  { dryRun, acceptDrop, ...options }: TopologyLoadOptions,
  output: Output,
): Promise<number> {
  const config = readSettings(options);
  const place = topologyPlace(config);
  const topology = openTopology(config, systemClock);
  const from = systemClock.monotonicMs();
  const shown = showProgress(output);
  try {
    const outcome = await topology.load({ files, dryRun, acceptDrop, onProgress: shown.reach });
    const seconds = (systemClock.monotonicMs() - from) / 1_000;
    shown.end();
    if (outcome.kind === "refused") {
      output.data(outcome);
      tellRefusal(outcome.complaints.map(complaintText), outcome.count, place);
      return 1;
    }
    const { elements, roots, addresses, hops } = outcome.summary;
    output.data({ kind: outcome.kind, ...outcome.summary, seconds });
    for (const { name, form, rows, encoding } of outcome.summary.files)
      output.line(`${printable(name)}: ${form}, ${several(rows, "row")}, ${encoding}`);
    const what = `${several(elements, "element")} under ${several(roots, "root")}, ${several(addresses, "address", "addresses")}, ${several(hops, "hop")}`;
    output.line(
      dryRun
        ? `${what}: fit to be loaded; ${place} is as it was.`
        : `${what} loaded into ${place} in ${seconds.toFixed(1)} s.`,
    );
    return 0;
  } finally {
    await topology.close();
  }
}

interface LoadShown {
  readonly reach: (progress: LoadProgress) => void;
  readonly end: () => void;
}

function showProgress(output: Output): LoadShown {
  let bar: Progress | null = null;
  let rowsRead = 0;
  return {
    reach: ({ phase, bytes, bytesOf, rows }) => {
      bar ??= output.progress(bytesOf, "reading");
      rowsRead = rows;
      bar.reach(bytes, phase === "reading" ? `${count(rows)} rows read` : `${count(rows)} rows: ${phase}`);
    },
    end: () => bar?.end(`${count(rowsRead)} rows read`),
  };
}

function several(number: number, one: string, more = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : more}`;
}

function tellRefusal(complaints: readonly string[], all: number, place: string): void {
  const more = all > complaints.length ? [`… and ${count(all - complaints.length)} more.`] : [];
  const lines = [...complaints.map(printable), ...more, `Nothing is loaded; ${place} is as it was.`];
  for (const line of lines) tell(`ticket-client: ${line}`);
}

/** Resolves with the exit code: 1 where the element is not in the topology. */
export async function runTopologyPath(
  elementId: string,
  options: DataOptions,
  output: Output,
): Promise<number> {
  const config = readSettings(options);
  const topology = openTopology(config, systemClock);
  try {
    const answer = await topology.details({ elementId, signal: new AbortController().signal });
    if (answer.kind === "error") throw new FailureError("TOPOLOGY_UNAVAILABLE", answer.cause);
    if (answer.kind === "absent")
      throw new FailureError("INVALID", absence(elementId, answer.loadedAt, topologyPlace(config)));
    const { details } = answer;
    output.data({ ...details, ageSeconds: Math.round((systemClock.now() - details.path.loadedAt) / 1_000) });
    for (const line of detailLines(details)) output.line(line);
    return 0;
  } finally {
    await topology.close();
  }
}

function absence(elementId: string, loadedAt: number | null, place: string): string {
  return loadedAt === null
    ? `No topology was ever loaded into ${place}. Load one with: ticket-client topology load FILE…`
    : `The topology in ${place} holds no element ${printable(elementId)}; ${age(loadedAt)}.`;
}

function age(loadedAt: number): string {
  return `its data was loaded ${formatDistanceStrict(loadedAt, systemClock.now())} ago, at ${new Date(loadedAt).toISOString()}`;
}

const ends = {
  root: "",
  limit: `  … cut after ${limits.pathHopsMax} hops`,
  loop: "  … and from here back to an element above: the data has a loop",
  dangling: "  … and no further: the data has no row of the last element",
};

function detailLines({ element, addresses, path }: ElementDetails): string[] {
  const { elementId, parentId, ...attributes } = element;
  const known = Object.entries(attributes).flatMap(([name, value]) =>
    value === null ? [] : [`${words[name as keyof typeof words]} ${printable(value)}`],
  );
  const rows = path.hops.map((hop) => [
    String(hop.hopNo),
    hop.elementId,
    hop.type ?? "",
    hop.name ?? "",
    [hop.interface, hop.networkService].filter((part) => part !== null).join(", "),
  ]);
  const end = ends[path.end ?? "root"];
  return [
    `${printable(elementId)}${parentId === null ? ", a root" : `, under ${printable(parentId)}`}; ${age(path.loadedAt)}`,
    ...(known.length === 0 ? [] : [`  ${known.join(" · ")}`]),
    ...addresses.map(addressLine),
    "",
    ...columns(rows),
    ...(end === "" ? [] : [end]),
  ];
}

const words: Record<Exclude<keyof NetworkElement, "elementId" | "parentId">, string> = {
  name: "name",
  type: "type",
  region: "region",
  headend: "headend",
  chassis: "chassis",
  slot: "slot",
  port: "port",
  node: "node",
  ipAddress: "IP",
  mac: "MAC",
  vendor: "vendor",
  model: "model",
  status: "status",
};

function addressLine({ addressId, uau, street, houseNo, postcode, city }: Address): string {
  const place = [
    [street, houseNo],
    [postcode, city],
  ]
    .map((parts) => parts.filter((part) => part !== null).join(" "))
    .filter((part) => part !== "");
  const named = uau === null ? addressId : `${addressId} (UAU ${uau})`;
  return printable(`  address ${[named, ...place].join(", ")}`);
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(printable));
  const widths = (shown[0] ?? []).map((_, at) => Math.max(...shown.map((row) => row[at]?.length ?? 0)));
  return shown.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd());
}

/** What stands in a file must not steer a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
