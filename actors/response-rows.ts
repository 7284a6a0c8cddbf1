/**
 * Pages of the response tables, newest first: which rows are there says the fold, what they hold the ledger.
 *   G6 a row is shown as long as its table has it.  F4 a page looks at a bounded number of rows.
 * Source: telenet-ticket-client.md, "Communication page".
 */
import type { FactOf } from "../machines/facts.ts";
import { limits } from "../machines/limits.ts";
import type { ResponseTable } from "../machines/response-table.ts";
import type { State } from "../machines/state.ts";
import type { Position, ResponseRow } from "../machines/vocabulary.ts";
import type { ResponsesMessage, ResponsesQuery } from "./api-messages.ts";
import type { Ledger } from "./ports.ts";

interface Place {
  readonly position: Position;
  readonly changes: readonly Position[];
}

/** Resolves with at most `limit` rows; `next` where older ones may be left. */
export async function readResponses(
  ledger: Pick<Ledger, "read">,
  state: State,
  query: ResponsesQuery,
): Promise<ResponsesMessage> {
  const rows: ResponsesMessage["rows"][number][] = [];
  const places = newestPlaces(state, query, limits.rowsExaminedMax + 1);
  for (const [index, place] of places.entries()) {
    if (rows.length === query.limit || index === limits.rowsExaminedMax)
      return { rows, next: place.position + 1 };
    const row = await rowAt(ledger, place);
    if (row !== null && isAsked(row, query))
      rows.push({ ...row, ticketIds: [...row.ticketIds], position: place.position });
  }
  return { rows, next: null };
}

/** From the tables' ends, so that a page costs what it shows and not what there is. */
function newestPlaces(state: State, { client, before = Infinity }: ResponsesQuery, count: number): Place[] {
  const places: Place[] = [];
  for (const [clientId, table] of state.tables) {
    if (client !== undefined && client !== clientId) continue;
    const unsettled = Object.values(table.unsettled).filter((position) => position < before);
    for (const position of unsettled) places.push(placeIn(table, position));
    let taken = 0;
    for (let at = table.settled.length - 1; at >= 0 && taken < count; at -= 1) {
      const position = table.settled[at] ?? 0;
      if (position >= before) continue;
      places.push(placeIn(table, position));
      taken += 1;
    }
  }
  return places.sort((a, b) => b.position - a.position).slice(0, count);
}

function placeIn(table: ResponseTable, position: Position): Place {
  return { position, changes: table.changes[position] ?? [] };
}

/** A row as its facts have made it. */
async function rowAt(
  ledger: Pick<Ledger, "read">,
  { position, changes }: Place,
): Promise<ResponseRow | null> {
  const inserted = await rowFact(ledger, position);
  if (inserted === null || inserted.body.change) return null;
  let row = inserted.body.row;
  for (const place of changes) {
    const changed = await rowFact(ledger, place);
    if (changed?.body.change === true) row = { ...row, ...changed.body.row };
  }
  return row;
}

async function rowFact(
  ledger: Pick<Ledger, "read">,
  position: Position,
): Promise<FactOf<"response.row"> | null> {
  for await (const fact of ledger.read(position - 1, 1)) if (fact.type === "response.row") return fact;
  return null;
}

function isAsked(row: ResponseRow, { status, command, key }: ResponsesQuery): boolean {
  return (
    (status === undefined || row.status === status) &&
    (command === undefined || row.command === command) &&
    (key === undefined || row.key === key)
  );
}
