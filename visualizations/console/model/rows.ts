/** The response tables of all clients together, as rows come and change. */
import { bounds } from "./bounds.ts";
import type { FeedFact, FeedFactOf, ResponseRow } from "./feed.ts";
import type { Screen } from "./screen.ts";

export type Rows = Map<string, ResponseRow>;
type RowChange = Extract<FeedFactOf<"response.row">["data"], { change: true }>["row"];
/** What became of rows that are not here, at most `rowsMax`: a client's own page has fetched them. */
export type RowChanges = Map<string, RowChange>;

export function takeRowChange(rows: Rows, changes: RowChanges, fact: FeedFact): void {
  if (fact.type !== "ticketclient.response.row" || !fact.data.change) return;
  const { row } = fact.data;
  const name = nameOf(row);
  if (rows.has(name)) return;
  changes.set(name, { ...changes.get(name), ...row });
  const [oldest] = changes.keys();
  if (changes.size > bounds.rowsMax && oldest !== undefined) changes.delete(oldest);
}

function nameOf({ requestId, attempt }: Pick<ResponseRow, "requestId" | "attempt">): string {
  return `${requestId}/${attempt}`;
}

export function takeRowFact(rows: Rows, fact: FeedFact): void {
  if (fact.type === "ticketclient.responses.cleared") clear(rows, fact.data.clientId);
  if (fact.type !== "ticketclient.response.row") return;
  const { data } = fact;
  if (!data.change) return keepRow(rows, data.row);
  const name = nameOf(data.row);
  const known = rows.get(name);
  if (known !== undefined) rows.set(name, { ...known, ...data.row });
}

export function keepRow(rows: Rows, row: ResponseRow): void {
  rows.set(nameOf(row), row);
  if (rows.size <= bounds.rowsMax) return;
  const [oldest] = rows.keys();
  if (oldest !== undefined) rows.delete(oldest);
}

/** Unsettled rows stay, as in the engine (G6). */
function clear(rows: Rows, clientId: string | null): void {
  for (const [name, row] of rows)
    if ((clientId === null || row.clientId === clientId) && isSettled(row)) rows.delete(name);
}

function isSettled({ status, asyncStatus }: ResponseRow): boolean {
  return status !== "sending" && status !== "inDoubt" && asyncStatus !== "awaited";
}

/** Newest first, of one client; `fetched`: what the engine gave when asked, changed by what came since. */
export function rowsOf(
  { rows, rowChanges }: Pick<Screen, "rows" | "rowChanges">,
  clientId: string,
  fetched: readonly ResponseRow[],
): ResponseRow[] {
  const all = new Map(fetched.map((row) => [nameOf(row), { ...row, ...rowChanges.get(nameOf(row)) }]));
  for (const [name, row] of rows) if (row.clientId === clientId) all.set(name, row);
  return [...all.values()].sort((one, other) => other.sentAt - one.sentAt || other.attempt - one.attempt);
}

/** What is told of a search that gave nothing to decide on. */
export type FailedSearch = Pick<ResponseRow, "clientId" | "service" | "sentAt" | "status" | "code" | "cause">;

/** Oldest first: those of the last minutes, however many other rows came since. */
export function failedWith(failed: readonly FailedSearch[], fact: FeedFact): readonly FailedSearch[] {
  if (fact.type === "ticketclient.responses.cleared") {
    const { clientId } = fact.data;
    return failed.filter((one) => clientId !== null && one.clientId !== clientId);
  }
  if (fact.type !== "ticketclient.response.row" || fact.data.change || !isFailedSearch(fact.data.row))
    return failed;
  const { clientId, service, sentAt, status, code, cause } = fact.data.row;
  const since = sentAt - bounds.failuresShownMinutes * 60_000;
  const recent = failed.filter((one) => one.sentAt > since).slice(1 - bounds.failuresMax);
  return [...recent, { clientId, service, sentAt, status, code, cause }];
}

function isFailedSearch({ command, status }: ResponseRow): boolean {
  return command === "search" && status !== "ok" && status !== "ack" && status !== "sending";
}
