/** The topology in memory: for tests, and for networks that may be gone with the process. */
import type { Clock } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { startDeadline } from "./deadline.ts";
import { loadTopology } from "./load.ts";
import { asError, detailsOf, pathFromRows, type SqlRow } from "./look-up.ts";
import { columnsOf, type Staging, type TableName } from "./store.ts";
import type { LoadSummary, TopologyDatabase } from "./topology.ts";

/** Rows by the element that they belong to. */
type Tables = Readonly<Record<TableName, Map<string, SqlRow[]>>>;

export function createMemoryTopology({ clock }: { readonly clock: Clock }): TopologyDatabase {
  let tables = emptyTables();
  let loaded: LoadSummary | null = null;
  let closed = false;

  function stage(): Staging {
    const staged = emptyTables();
    return {
      add(table, cells) {
        const row = Object.fromEntries(columnsOf(table).map((name, index) => [name, cells[index] ?? null]));
        const rows = staged[table].get(String(row["ne_id"]));
        if (rows === undefined) staged[table].set(String(row["ne_id"]), [row]);
        else rows.push(row);
      },
      drained: () => null,
      async commit(summary) {
        tables = staged;
        loaded = summary;
      },
      abandon: () => Promise.resolve(),
    };
  }

  const element = (id: string) => tables.network_element.get(id)?.[0];

  function hopRow(part: string, hopNo: number, id: string, given: SqlRow = {}): SqlRow {
    const held = element(id);
    return {
      part,
      hop_no: hopNo,
      ne_id: id,
      held_id: held === undefined ? null : id,
      name: held?.["ne_name"],
      type: given["hop_type"] ?? held?.["ne_type"],
      interface: given["interface"],
      network_service: given["network_service"],
    };
  }

  function path(id: string): ReturnType<typeof pathFromRows> {
    const rows: SqlRow[] = loaded === null ? [] : [{ part: "load", ne_id: String(loaded.loadedAt) }];
    const given = tables.network_path.get(id) ?? [];
    const first = given.map((row) => String(row["path_id"])).sort()[0];
    for (const row of given)
      if (row["path_id"] === first)
        rows.push(hopRow("given", Number(row["hop_no"]), String(row["hop_ne_id"]), row));
    let next: unknown = id;
    for (let hopNo = 0; typeof next === "string" && hopNo <= limits.pathHopsMax; hopNo += 1) {
      rows.push(hopRow("parents", hopNo, next));
      next = element(next)?.["parent_ne_id"];
    }
    return pathFromRows(id, rows);
  }

  async function answer<T>(signal: AbortSignal, look: () => T): Promise<T | ReturnType<typeof asError>> {
    const deadline = startDeadline(clock, signal, "A look-up in memory");
    try {
      if (closed) throw new FailureError("TOPOLOGY_UNAVAILABLE", "The topology in memory is closed.");
      return await deadline.within(Promise.resolve(look()));
    } catch (error) {
      return asError(error);
    } finally {
      deadline.end();
    }
  }

  return {
    path: ({ elementId, signal }) => answer(signal, () => path(elementId)),
    details: ({ elementId, signal }) =>
      answer(signal, () => {
        const found = path(elementId);
        const row = element(elementId);
        if (found.kind !== "found" || row === undefined)
          return { kind: "absent", loadedAt: loaded?.loadedAt ?? null };
        const addresses = [...(tables.address.get(elementId) ?? [])].sort((a, b) =>
          String(a["address_id"]) < String(b["address_id"]) ? -1 : 1,
        );
        const shown = addresses.slice(0, limits.topologyAddressesShownMax);
        return { kind: "found", details: { ...detailsOf(row, shown), path: found.path } };
      }),
    loaded: () => Promise.resolve(loaded),
    load: (order) =>
      loadTopology(
        { loaded: () => Promise.resolve(loaded), stage: () => Promise.resolve(stage()) },
        { ...order, now: () => clock.now() },
      ),
    async close() {
      closed = true;
    },
  };
}

function emptyTables(): Tables {
  return { network_element: new Map(), address: new Map(), network_path: new Map() };
}
