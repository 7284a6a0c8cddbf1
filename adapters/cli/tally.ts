/** The counts that `demo` and `ledger stats` report, in one shape. */
import type { State } from "../../machines/state.ts";
import { presentRows } from "../../machines/response-table.ts";
import { count, table } from "./output.ts";

export interface Tally {
  /** Notifications in the ledger. */
  readonly accepted: number;
  /** Sent again and recognised; null where only the ledger is asked, which keeps no trace of them. */
  readonly duplicates: number | null;
  readonly settled: number;
  /** Current outcomes; their sum is `settled`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of the response tables: inserted = present + evicted + cleared (G6). */
  readonly rows: {
    readonly inserted: number;
    readonly present: number;
    readonly evicted: number;
    readonly cleared: number;
  };
  readonly seconds: number;
  readonly flowsPerSecond: number;
  /** From a notification's sending to its acknowledgement; null where only the ledger is asked. */
  readonly ackMs: { readonly p50: number; readonly p99: number } | null;
}

export function tallyOf(
  state: State,
  measured: Pick<Tally, "duplicates" | "ackMs" | "seconds"> & { readonly flows: number },
): Tally {
  const { accepted, settled, outcomes } = state.counters;
  const rows = { inserted: 0, present: 0, evicted: 0, cleared: 0 };
  for (const one of state.tables.values()) {
    rows.inserted += one.inserted;
    rows.present += presentRows(one);
    rows.evicted += one.evicted;
    rows.cleared += one.cleared;
  }
  const { seconds, flows, duplicates, ackMs } = measured;
  return {
    accepted,
    duplicates,
    settled,
    outcomes: Object.fromEntries(Object.entries(outcomes).filter(([, n]) => n > 0)),
    rows,
    seconds: rounded(seconds),
    flowsPerSecond: seconds > 0 ? rounded(flows / seconds) : 0,
    ackMs: ackMs === null ? null : { p50: rounded(ackMs.p50), p99: rounded(ackMs.p99) },
  };
}

export function outcomeTable({ outcomes, settled, accepted, rows }: Tally): string[] {
  const listed = Object.entries(outcomes).toSorted(([, a], [, b]) => b - a);
  const waiting: [string, string][] =
    accepted === settled ? [] : [["not settled", count(accepted - settled)]];
  return [
    ...table([
      ...listed.map(([name, n]): [string, string] => [name, count(n)]),
      ...waiting,
      ["= accepted", count(accepted)],
    ]),
    "",
    `  response rows ${count(rows.inserted)} = ${count(rows.present)} present + ${count(rows.evicted)} evicted + ${count(rows.cleared)} cleared`,
  ];
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
