/**
 * The Communication - Response Table of each client, as counts and places in the ledger; the rows' texts
 * stay in the ledger.
 *   G6 rows of one client ≤ max(maxResponseRows, its unsettled rows); only settled rows leave, oldest first;
 *   inserted = present + evicted + cleared. Settling changes a row in place and never needs room.
 * Source: telenet-ticket-client.md, "Communication page" and "Configuration of related elements".
 */
import type { ResponseRowChange } from "./facts.ts";
import type { Position, ResponseRow } from "./vocabulary.ts";

export interface ResponseTable {
  inserted: number;
  evicted: number;
  cleared: number;
  /** Where each settled row was inserted, oldest first. */
  settled: Position[];
  /** Rows still waiting for their answer or their result, by `rowName`. */
  unsettled: Record<string, Position>;
  /** Where a row was changed, in order, by the place of its insertion; only of rows present that were. */
  changes: Record<Position, Position[]>;
}

export function emptyResponseTable(): ResponseTable {
  return { inserted: 0, evicted: 0, cleared: 0, settled: [], unsettled: {}, changes: {} };
}

export function rowName(row: { readonly requestId: string; readonly attempt: number }): string {
  return `${row.requestId}#${row.attempt}`;
}

export function presentRows(table: ResponseTable): number {
  return table.settled.length + Object.keys(table.unsettled).length;
}

function isSettled(
  row: Pick<ResponseRow, "status"> & { readonly asyncStatus?: ResponseRow["asyncStatus"] },
): boolean {
  return row.status !== "sending" && row.status !== "inDoubt" && row.asyncStatus !== "awaited";
}

export function insertRow(table: ResponseTable, row: ResponseRow, position: Position, rowsMax: number): void {
  table.inserted += 1;
  if (isSettled(row)) table.settled.push(position);
  else table.unsettled[rowName(row)] = position;
  evict(table, rowsMax);
}

/** Whether a change of the row would be seen: it is there, and not settled. */
export function isChangeable(
  table: ResponseTable | undefined,
  row: { readonly requestId: string; readonly attempt: number },
): boolean {
  return table?.unsettled[rowName(row)] !== undefined;
}

/** `at`: the place of the change itself. Of a row that is settled or gone nothing changes. */
export function changeRow(
  table: ResponseTable,
  change: ResponseRowChange,
  at: Position,
  rowsMax: number,
): void {
  const name = rowName(change);
  const position = table.unsettled[name];
  if (position === undefined) return;
  (table.changes[position] ??= []).push(at);
  if (change.status === undefined) return;
  if (!isSettled({ status: change.status, asyncStatus: change.asyncStatus ?? null })) return;
  delete table.unsettled[name];
  table.settled.splice(placeFor(table.settled, position), 0, position);
  evict(table, rowsMax);
}

/** G6: oldest settled rows leave until the table fits or only unsettled ones are left. */
export function evict(table: ResponseTable, rowsMax: number): void {
  const surplus = Math.min(presentRows(table) - rowsMax, table.settled.length);
  if (surplus <= 0) return;
  dropOldest(table, surplus);
  table.evicted += surplus;
}

/** G6: every settled row leaves; the others stay. */
export function clearSettled(table: ResponseTable): void {
  table.cleared += table.settled.length;
  dropOldest(table, table.settled.length);
}

function dropOldest(table: ResponseTable, count: number): void {
  for (const position of table.settled.splice(0, count)) delete table.changes[position];
}

function placeFor(sorted: readonly Position[], position: Position): number {
  let place = sorted.length;
  while (place > 0 && (sorted[place - 1] ?? 0) > position) place -= 1;
  return place;
}
