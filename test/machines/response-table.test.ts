import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  changeRow,
  clearSettled,
  emptyResponseTable,
  evict,
  insertRow,
  isChangeable,
  presentRows,
} from "../../machines/response-table.ts";
import type { ResponseStatus } from "../../machines/vocabulary.ts";
import { entry } from "../../machines/entry.ts";
import type { FactBodies } from "../../machines/facts.ts";
import { History, noon, responseRow } from "./given.ts";

type Move =
  | { readonly move: "insert"; readonly status: ResponseStatus }
  | {
      readonly move: "change";
      readonly row: number;
      readonly status: ResponseStatus;
      readonly awaited: boolean;
    }
  | { readonly move: "limit"; readonly rows: number }
  | { readonly move: "clear" };

const statuses = fc.constantFrom<ResponseStatus>(
  "sending",
  "ok",
  "ack",
  "nack",
  "timeout",
  "error",
  "inDoubt",
  "unknown",
);
const moves = fc.array(
  fc.oneof(
    fc.record({ move: fc.constant("insert" as const), status: statuses }),
    fc.record({
      move: fc.constant("change" as const),
      row: fc.nat(12),
      status: statuses,
      awaited: fc.boolean(),
    }),
    fc.record({ move: fc.constant("limit" as const), rows: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ move: fc.constant("clear" as const) }),
  ) satisfies fc.Arbitrary<Move>,
  // Fast-check's own choice of size would leave it at some ten moves.
  { maxLength: 60, size: "max" },
);

describe("G6: the response table", () => {
  test("a change is of a row that is there and not settled", () => {
    const row = responseRow("r1");
    const table = emptyResponseTable();
    expect(isChangeable(undefined, row)).toBe(false);
    expect(isChangeable(table, row)).toBe(false);
    insertRow(table, row, 1, 4);
    expect(isChangeable(table, row)).toBe(true);
    changeRow(table, { ...row, status: "ok" }, 2, 4);
    expect(isChangeable(table, row)).toBe(false);
  });

  test("G6: rows ≤ max(limit, unsettled) at every moment, inserted = present + evicted + cleared, the oldest settled leave first", () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const table = emptyResponseTable();
        const unsettled = new Map<number, string>();
        let settled: number[] = [];
        let limit = 4;
        let position = 0;
        let cleared = 0;
        for (const step of sequence) {
          if (step.move === "insert") {
            position += 1;
            insertRow(table, responseRow(`r${position}`, { status: step.status }), position, limit);
            if (step.status === "sending" || step.status === "inDoubt")
              unsettled.set(position, `r${position}`);
            else settled.push(position);
          } else if (step.move === "change") {
            const places = [...unsettled.keys()];
            const place = step.row < places.length * 2 ? (places[step.row % places.length] ?? 0) : 0;
            const requestId = `r${place}`;
            const asyncStatus = step.awaited ? ("awaited" as const) : null;
            changeRow(
              table,
              { requestId, attempt: 1, clientId: "client-01", key: "NE-1", status: step.status, asyncStatus },
              ++position,
              limit,
            );
            const settles = step.status !== "sending" && step.status !== "inDoubt" && !step.awaited;
            if (unsettled.has(place) && settles) {
              unsettled.delete(place);
              settled = [...settled, place].sort((a, b) => a - b);
            }
          } else if (step.move === "limit") {
            limit = step.rows;
            evict(table, limit);
          } else {
            cleared += settled.length;
            settled = [];
            clearSettled(table);
          }
          // The model: what is left when the oldest settled rows leave until it fits.
          settled = settled.slice(
            Math.max(0, Math.min(settled.length, settled.length + unsettled.size - limit)),
          );
          expect(table.settled).toEqual(settled);
          expect(Object.values(table.unsettled).sort((a, b) => a - b)).toEqual(
            [...unsettled.keys()].sort((a, b) => a - b),
          );
          expect(presentRows(table)).toBeLessThanOrEqual(Math.max(limit, unsettled.size));
          expect(table.inserted).toBe(presentRows(table) + table.evicted + table.cleared);
          expect(table.cleared).toBe(cleared);
          const present = new Set([...table.settled, ...Object.values(table.unsettled)]);
          expect(Object.keys(table.changes).filter((place) => !present.has(Number(place)))).toEqual([]);
        }
      }),
    );
  });

  test.each([
    { rows: 3, evicted: 0 },
    { rows: 2, evicted: 1 },
  ])("G6: three settled rows where $rows are allowed: $evicted leave", ({ rows, evicted }) => {
    const table = emptyResponseTable();
    for (let position = 1; position <= 3; position += 1)
      insertRow(table, responseRow(`r${position}`, { status: "ok" }), position, rows);
    expect(table).toMatchObject({ inserted: 3, evicted });
    expect(table.settled[0]).toBe(1 + evicted);
  });

  test("G6: an unsettled row is never evicted, and its settling needs no room", () => {
    const table = emptyResponseTable();
    for (let position = 1; position <= 3; position += 1)
      insertRow(table, responseRow(`r${position}`), position, 1);
    expect(presentRows(table)).toBe(3);
    changeRow(table, { requestId: "r2", attempt: 1, clientId: "client-01", key: "NE-1", status: "ok" }, 4, 1);
    expect(table).toMatchObject({ evicted: 1, settled: [], unsettled: { "r1#1": 1, "r3#1": 3 } });
  });

  test("G6: a row acknowledged whose result is awaited is not settled", () => {
    const table = emptyResponseTable();
    insertRow(table, responseRow("r1"), 1, 10);
    const change = { requestId: "r1", attempt: 1, clientId: "client-01", key: "NE-1" };
    changeRow(table, { ...change, status: "ack", asyncStatus: "awaited" }, 2, 10);
    expect(table.unsettled).toEqual({ "r1#1": 1 });
    changeRow(table, { ...change, status: "ok", asyncStatus: "ok" }, 3, 10);
    expect(table).toMatchObject({ unsettled: {}, settled: [1] });
  });

  test("G6 R1: what is cleared is counted, of one client or of all; unsettled rows stay", () => {
    const history = new History();
    const insert = (clientId: string, requestId: string, status: ResponseStatus) =>
      history.add(
        entry("key/NE-1", noon, "response.row", {
          change: false,
          row: { ...responseRow(requestId, { status }), clientId },
        }),
      );
    const clear = (clientId: string | null) =>
      history.add(entry("audit", noon, "responses.cleared", { clientId, by: "ann" }));
    const counts = (clientId: string) => {
      const table = history.state.tables.get(clientId);
      return table && [table.inserted, presentRows(table), table.evicted, table.cleared];
    };
    for (const clientId of ["client-01", "client-02"]) {
      insert(clientId, `${clientId}-a`, "ok");
      insert(clientId, `${clientId}-b`, "sending");
    }
    clear("client-01");
    expect([counts("client-01"), counts("client-02")]).toEqual([
      [2, 1, 0, 1],
      [2, 2, 0, 0],
    ]);
    clear(null);
    expect([counts("client-01"), counts("client-02")]).toEqual([
      [2, 1, 0, 1],
      [2, 1, 0, 1],
    ]);
    expect(history.state.audited).toHaveLength(2);
  });

  test("a row knows where it was changed until it leaves", () => {
    const table = emptyResponseTable();
    const change = { requestId: "r1", attempt: 1, clientId: "client-01", key: "NE-1" };
    insertRow(table, responseRow("r1"), 1, 10);
    changeRow(table, { ...change, answer: "late" }, 5, 10);
    changeRow(table, { ...change, status: "ok" }, 7, 10);
    expect(table.changes).toEqual({ 1: [5, 7] });
    clearSettled(table);
    expect(table.changes).toEqual({});
  });

  test("G6 R1: a maximum lowered live takes effect by its fact", () => {
    const history = new History({ maxResponseRows: 5 });
    for (let row = 1; row <= 5; row += 1) {
      history.add(
        entry("key/NE-1", noon, "response.row", {
          change: false,
          row: responseRow(`r${row}`, { status: "ok" }),
        }),
      );
    }
    history.add(
      entry("settings", noon, "settings.changed", { ...history.state.settings, maxResponseRows: 2 }),
    );
    const table = history.state.tables.get("client-01");
    expect(table).toMatchObject({ inserted: 5, evicted: 3 });
    expect(table?.settled).toHaveLength(2);
  });

  test("G6: below the number of unsettled rows too: those stay, and leave when they are settled", () => {
    const history = new History({ maxResponseRows: 5 });
    const add = (body: FactBodies["response.row"]): void =>
      history.add(entry("key/NE-1", noon, "response.row", body));
    add({ change: false, row: responseRow("s1", { status: "ok" }) });
    for (let row = 1; row <= 3; row += 1) add({ change: false, row: responseRow(`r${row}`) });
    history.add(
      entry("settings", noon, "settings.changed", { ...history.state.settings, maxResponseRows: 1 }),
    );
    const table = history.state.tables.get("client-01");
    expect(Object.keys(table?.unsettled ?? {})).toEqual(["r1#1", "r2#1", "r3#1"]);
    expect(table).toMatchObject({ inserted: 4, evicted: 1, settled: [] });
    for (let row = 1; row <= 3; row += 1) {
      const change = { requestId: `r${row}`, attempt: 1, clientId: "client-01", key: "NE-1" };
      add({ change: true, row: { ...change, status: "ok" } });
    }
    expect(table).toMatchObject({ inserted: 4, evicted: 3, unsettled: {} });
    expect(table?.settled).toHaveLength(1);
  });
});
