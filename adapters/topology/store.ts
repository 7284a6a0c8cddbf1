/** Where a load is written: three tables with the columns of the files, and one row that says what was loaded, and when. */
import { forms } from "./forms.ts";
import type { LoadSummary } from "./topology.ts";

export type Cell = string | number | null;

export const tableNames = ["network_element", "address", "network_path"] as const;
export type TableName = (typeof tableNames)[number];

export interface TopologyStore {
  /** Throws as `TopologyDatabase.loaded`. */
  loaded(): Promise<LoadSummary | null>;
  /** Rejects with FailureError TOPOLOGY_BUSY while another load is under way. */
  stage(): Promise<Staging>;
}

/** A load that nobody sees yet. Ends with `commit` or `abandon`, each once; or with the process. */
export interface Staging {
  /** Cells in the order of the table's columns; the array is the caller's again when this returns. */
  add(table: TableName, cells: readonly Cell[]): void;
  /** To be waited for before more is added; null: go on. */
  drained(): Promise<void> | null;
  /** Builds the indexes and puts the new in place of the old, in one step. */
  commit(summary: LoadSummary): Promise<void>;
  abandon(): Promise<void>;
}

/** Writes nothing. */
export const nowhere: Staging = {
  add: () => undefined,
  drained: () => null,
  commit: () => Promise.resolve(),
  abandon: () => Promise.resolve(),
};

export function columnsOf(table: TableName): readonly string[] {
  return forms[table].map(({ name }) => name);
}

/** Columns by table of its index; the first table's is unique. */
export const indexColumns = {
  network_element: ["ne_id"],
  address: ["ne_id"],
  network_path: ["ne_id", "path_id", "hop_no"],
} as const satisfies Record<TableName, readonly string[]>;
