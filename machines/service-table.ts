/**
 * The Service Info Table: its columns, what each cell may hold, how two tables differ, and which rows are in use.
 * Pure; where the text comes from is an adapter's affair.
 *   S5 only allowed hosts.  S9 a row becomes text and the same row again.
 * Source: telenet-ticket-client.md, "Configuration of ticketing service"; domain.md, "The gateway".
 */
import { limits } from "./limits.ts";
import { isListed, readHost } from "./service-host.ts";
import type { State } from "./state.ts";
import type { Idempotency, ServiceInfo, ServiceProtocol } from "./vocabulary.ts";

/** In the order of the CSV. */
export const serviceColumns = [
  "name",
  "host",
  "port",
  "path",
  "protocol",
  "idempotency",
  "settleSeconds",
  "timeoutSeconds",
  "asyncSeconds",
  "user",
  "passwordFile",
  "notes",
] as const;
export type ServiceColumn = (typeof serviceColumns)[number];
export type ServiceCells = Readonly<Record<ServiceColumn, string>>;

/** A row as text, with the lines that its cells begin in. */
export interface TextRow {
  readonly cells: ServiceCells;
  readonly lines: Readonly<Record<ServiceColumn, number>>;
}

/** One thing wrong, where, and what would have been right. */
export interface TableFault {
  /** From 1; what is missing from the whole file is told of line 1. */
  readonly line: number;
  /** Its name, or its number from 1 where it has none. */
  readonly column: string;
  readonly expected: string;
  /** At most `faultTextCharsMax` characters. */
  readonly got: string;
}

export interface TableRules {
  /** S5: null = every host. */
  readonly allowedHosts: readonly string[] | null;
  /** A row of this name must be there; null: none is selected yet. */
  readonly selected: string | null;
  /** Protocols that the selected row may have: those this engine has an adapter for. */
  readonly spoken: readonly ServiceProtocol[];
}

export const serviceProtocols = [
  "osb",
  "tmf621v4",
  "tmf621v5",
  "rt",
] as const satisfies readonly ServiceProtocol[];
const idempotencies = ["requestId", "settles", "none"] as const satisfies readonly Idempotency[];

/** A table as text cells with their places, and what was wrong with the text itself. */
export interface TableText {
  /** Rows below the header that could be read; none when the header could not. */
  readonly rows: readonly TextRow[];
  readonly faults: readonly TableFault[];
}

/** Its rows, and every fault of the text and of them, by line, at most `tableFaultsMax`. */
export function readTable(
  { rows, faults: before }: TableText,
  rules: TableRules,
): { readonly services: readonly ServiceInfo[]; readonly faults: readonly TableFault[] } {
  const faults = [...before];
  const services: ServiceInfo[] = [];
  const firstLines = new Map<string, number>();
  for (const row of rows.slice(0, limits.servicesMax)) {
    const wrong = (column: ServiceColumn, expected: string) =>
      void faults.push({ line: row.lines[column], column, expected, got: shown(row.cells[column]) });
    const read = readRow(row.cells, rules, wrong);
    const { name } = row.cells;
    const earlier = firstLines.get(name);
    if (earlier === undefined) firstLines.set(name, row.lines.name);
    else wrong("name", `another name: this one stands in line ${earlier}`);
    if (read !== null) services.push(read);
  }
  const tooMany = rows[limits.servicesMax];
  if (tooMany !== undefined)
    faults.push({
      line: tooMany.lines.name,
      column: "name",
      expected: `at most ${limits.servicesMax} services`,
      got: "one more",
    });
  // A row that could not be read may be the one that seems to be missing.
  if (before.length > 0) return { services, faults: inOrder(faults) };
  if (rows.length === 0)
    faults.push({ line: 1, column: "name", expected: "at least one service below the header", got: "none" });
  else if (rules.selected !== null && !firstLines.has(rules.selected))
    faults.push({
      line: 1,
      column: "name",
      expected: `a row named ${shown(rules.selected)}, the selected service; select another first`,
      got: "no such row",
    });
  return { services, faults: inOrder(faults) };
}

/** By line, and no more than a person reads. */
export function inOrder(faults: readonly TableFault[]): TableFault[] {
  return [...faults].sort((a, b) => a.line - b.line).slice(0, limits.tableFaultsMax);
}

type Wrong = (column: ServiceColumn, expected: string) => void;

function readRow(cells: ServiceCells, rules: TableRules, wrong: Wrong): ServiceInfo | null {
  let isWhole = true;
  const note: Wrong = (column, expected) => {
    isWhole = false;
    wrong(column, expected);
  };
  readName(cells.name, note);
  checkHost(cells.host, rules.allowedHosts, note);
  const port = readNumber("port", cells.port, { lowest: 1, highest: 65_535, whole: true }, note);
  if (
    !/^\/[\x21-\x7e]*$/.test(cells.path) ||
    cells.path.includes("#") ||
    cells.path.length > limits.servicePathCharsMax
  )
    note(
      "path",
      `a path that begins with /, of visible ASCII without #, at most ${limits.servicePathCharsMax} characters`,
    );
  const protocol = readMember("protocol", cells.protocol, serviceProtocols, note);
  if (protocol !== null && cells.name === rules.selected && !rules.spoken.includes(protocol))
    note("protocol", `${rules.spoken.join(" or ")} for the selected service`);
  const idempotency = readMember("idempotency", cells.idempotency, idempotencies, note);
  const seconds = { highest: limits.serviceSecondsMax, whole: false };
  const settleSeconds = readNumber("settleSeconds", cells.settleSeconds, { lowest: 0, ...seconds }, note);
  if (idempotency === "settles" && settleSeconds === 0)
    note("settleSeconds", "more than 0: `settles` is a promise about this time");
  const timeoutSeconds = readNumber("timeoutSeconds", cells.timeoutSeconds, { lowest: 1, ...seconds }, note);
  const asyncSeconds = readNumber("asyncSeconds", cells.asyncSeconds, { lowest: 0, ...seconds }, note);
  if (cells.user.includes(":")) note("user", "a name without a colon (HTTP Basic cannot carry one)");
  checkText("user", cells.user, limits.serviceUserCharsMax, note);
  checkText("passwordFile", cells.passwordFile, limits.servicePathCharsMax, note);
  checkText("notes", cells.notes, limits.serviceNotesCharsMax, note, lineBreaks);
  if (!isWhole || protocol === null || idempotency === null) return null;
  return {
    name: cells.name,
    host: cells.host,
    port: port ?? 0,
    path: cells.path,
    protocol,
    idempotency,
    settleSeconds: settleSeconds ?? 0,
    timeoutSeconds: timeoutSeconds ?? 0,
    asyncSeconds: asyncSeconds ?? 0,
    ...(cells.user === "" ? undefined : { user: cells.user }),
    ...(cells.passwordFile === "" ? undefined : { passwordFile: cells.passwordFile }),
    ...(cells.notes === "" ? undefined : { notes: cells.notes }),
  };
}

const lineBreaks = /[\t\n\r]/g;

function readName(text: string, wrong: Wrong): void {
  if (text.trim() === "") wrong("name", "a name");
  checkText("name", text, limits.serviceNameCharsMax, wrong, lineBreaks);
}

function checkText(column: ServiceColumn, text: string, charsMax: number, wrong: Wrong, fine?: RegExp): void {
  if (text.length > charsMax) wrong(column, `at most ${charsMax} characters`);
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(fine === undefined ? text : text.replaceAll(fine, "")))
    wrong(column, "text without control characters");
  else if (!text.isWellFormed()) wrong(column, "text of whole characters");
}

function checkHost(host: string, allowed: readonly string[] | null, wrong: Wrong): void {
  const read = readHost(host);
  if (!read.ok) wrong("host", read.expected);
  else if (allowed !== null && !isListed(host, allowed))
    wrong("host", `one of allowedServiceHosts: ${allowed.join(", ")}`);
}

function readNumber(
  column: ServiceColumn,
  text: string,
  { lowest, highest, whole }: { readonly lowest: number; readonly highest: number; readonly whole: boolean },
  wrong: Wrong,
): number | null {
  const value = Number(text);
  if ((whole ? /^\d{1,5}$/ : /^\d{1,5}(\.\d{1,3})?$/).test(text) && value >= lowest && value <= highest)
    return value;
  wrong(column, `${whole ? "a whole number" : "seconds"} from ${lowest} to ${highest}`);
  return null;
}

function readMember<T extends string>(
  column: ServiceColumn,
  text: string,
  members: readonly T[],
  wrong: Wrong,
): T | null {
  const found = members.find((one) => one === text);
  if (found === undefined) wrong(column, `one of ${members.join(", ")}`);
  return found ?? null;
}

/** Control characters, and those that turn the direction of a line, which JSON leaves as they are. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unseen = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A cell as a message shows it: short, on one line. */
export function shown(text: string): string {
  if (text === "") return "nothing";
  const { faultTextCharsMax: charsMax } = limits;
  const cut = text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text;
  const quoted = JSON.stringify(cut.toWellFormed()).replaceAll(
    unseen,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return quoted === `"${text}"` && /^[\w.:/-]+$/.test(text) ? text : quoted;
}

/** One line for a person. */
export function faultLine({ line, column, expected, got }: TableFault): string {
  return `line ${line}, column ${column}: expected ${expected}; got ${got}`;
}

/** S9: the row as text; `readTable` makes the same row of it. */
export function cellsOf(service: ServiceInfo): ServiceCells {
  const cells = serviceColumns.map((column) => [column, String(service[column] ?? "")]);
  return Object.fromEntries(cells) as ServiceCells;
}

/** What an import does to the table, by name of the row. */
export interface TableChange {
  readonly added: readonly string[];
  readonly changed: readonly { readonly name: string; readonly columns: readonly ServiceColumn[] }[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
}

export function compareTables(before: readonly ServiceInfo[], after: readonly ServiceInfo[]): TableChange {
  const known = new Map(before.map((row) => [row.name, row]));
  const kept = new Set(after.map((row) => row.name));
  const added: string[] = [];
  const unchanged: string[] = [];
  const changed: { name: string; columns: readonly ServiceColumn[] }[] = [];
  for (const row of after) {
    const old = known.get(row.name);
    const columns = old === undefined ? [] : differingColumns(old, row);
    if (old === undefined) added.push(row.name);
    else if (columns.length === 0) unchanged.push(row.name);
    else changed.push({ name: row.name, columns });
  }
  return { added, changed, removed: before.flatMap(({ name }) => (kept.has(name) ? [] : [name])), unchanged };
}

function differingColumns(one: ServiceInfo, other: ServiceInfo): ServiceColumn[] {
  return serviceColumns.filter((column) => (one[column] ?? "") !== (other[column] ?? ""));
}

/** What holds on to a row. */
export interface RowUse {
  /** Unsettled requests planned with it, whatever their stage. */
  readonly requests: readonly string[];
  /** Requests nobody can say the fate of: they are still looked up there. */
  readonly unknown: number;
  /** Open tickets linked to alarms: updated and closed there. */
  readonly tickets: number;
}

/** By name of the row; a row that nothing holds on to is absent. */
export function rowsInUse(state: State): ReadonlyMap<string, RowUse> {
  const uses = new Map<string, { requests: string[]; unknown: number; tickets: number }>();
  const of = (name: string) => {
    const use = uses.get(name) ?? { requests: [], unknown: 0, tickets: 0 };
    uses.set(name, use);
    return use;
  };
  for (const key of state.keys.values()) {
    if (key.request !== null) of(key.request.service.name).requests.push(key.request.requestId);
    for (const { service } of key.unknown) of(service).unknown += 1;
    for (const { service } of key.open.values()) of(service).tickets += 1;
  }
  return uses;
}

/**
 * What of a change must wait. An unsettled request keeps its row from change and removal. Tickets and
 * `unknown` requests keep it from removal only: they find it by its name, and a service may move.
 */
export function changesInUse(
  change: TableChange,
  rows: readonly TextRow[],
  uses: ReadonlyMap<string, RowUse>,
): TableFault[] {
  const faults: TableFault[] = [];
  for (const { name, columns } of change.changed) {
    const [request] = uses.get(name)?.requests ?? [];
    const row = rows.find(({ cells }) => cells.name === name);
    if (request === undefined || row === undefined) continue;
    for (const column of columns)
      faults.push({
        line: row.lines[column],
        column,
        expected: `no change of this row before request ${request} is settled`,
        got: shown(row.cells[column]),
      });
  }
  for (const name of change.removed) {
    const use = uses.get(name);
    if (use === undefined) continue;
    faults.push({
      line: 1,
      column: "name",
      expected: `a row named ${shown(name)}, because ${useText(use)}`,
      got: "no such row",
    });
  }
  return faults;
}

function useText({ requests: [request], unknown, tickets }: RowUse): string {
  if (request !== undefined) return `request ${request} is not settled`;
  if (tickets > 0) return `${tickets} open ticket${tickets === 1 ? " lives" : "s live"} there`;
  return `${unknown} request${unknown === 1 ? " is" : "s are"} unknown there`;
}

/** A cell in which the gateway's own table differs; null: the row is missing on that side. */
export interface TableDifference {
  readonly name: string;
  readonly column: ServiceColumn;
  readonly clients: string | null;
  readonly gateway: string | null;
}

/** Row by row; empty when equal. Order and `notes` make no difference: nothing is sent by them. */
export function tableDifferences(
  clients: readonly ServiceInfo[],
  gateway: readonly ServiceInfo[],
): TableDifference[] {
  const change = compareTables(clients, gateway);
  const of = (rows: readonly ServiceInfo[], name: string) => rows.find((row) => row.name === name);
  const cell = (row: ServiceInfo | undefined, column: ServiceColumn) =>
    row === undefined ? null : String(row[column] ?? "");
  return [
    ...change.changed.flatMap(({ name, columns }) =>
      columns
        .filter((column) => column !== "notes")
        .map((column) => ({
          name,
          column,
          clients: cell(of(clients, name), column),
          gateway: cell(of(gateway, name), column),
        })),
    ),
    ...change.removed.map((name) => ({ name, column: "name", clients: name, gateway: null }) as const),
    ...change.added.map((name) => ({ name, column: "name", clients: null, gateway: name }) as const),
  ];
}

/** The first difference in words. */
export function differenceText(differences: readonly TableDifference[]): string {
  const [first] = differences;
  if (first === undefined) return "The gateway's service table equals the clients'.";
  const { name, column, clients, gateway } = first;
  const more = differences.length === 1 ? "" : ` (and ${differences.length - 1} more)`;
  if (gateway === null) return `The gateway's service table has no row ${shown(name)}${more}.`;
  if (clients === null) return `Only the gateway's service table has a row ${shown(name)}${more}.`;
  return `Row ${shown(name)}, column ${column}: ${shown(clients)} here, ${shown(gateway)} in the gateway's service table${more}.`;
}
