/**
 * The look-ups of both databases: the same statements, each one consistent in itself, and what their rows mean.
 *   S10 bound parameters only, rows capped.
 * The data may have been written by others: what a load would have refused must end a look-up all the same.
 */
import type { PathAnswer } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { Instant, PathEnd, PathHop } from "../../machines/vocabulary.ts";
import { forms } from "./forms.ts";
import type { DetailsAnswer, ElementDetails, LoadedFile, LoadSummary } from "./topology.ts";

export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs one statement; null: there are no tables yet. Rejects with FailureError TOPOLOGY_UNAVAILABLE or TOPOLOGY_TIMEOUT. */
export type Ask = (
  statement: string,
  parameters: readonly (string | number)[],
  signal?: AbortSignal,
) => Promise<readonly SqlRow[] | null>;

const loadedStatement = "SELECT loaded_at, elements, roots, addresses, hops, files FROM topology_load";

/** `load` when it was loaded; `given` the hops of network_path, if any; `parents` the way by parents. */
const pathStatement = `
  WITH RECURSIVE way (hop_no, ne_id) AS (
    SELECT 0, CAST(? AS CHAR(${limits.topologyIdCharsMax}))
    UNION ALL
    SELECT way.hop_no + 1, e.parent_ne_id FROM way JOIN network_element e ON e.ne_id = way.ne_id
    WHERE e.parent_ne_id IS NOT NULL AND way.hop_no < ${limits.pathHopsMax}
  )
  SELECT 'load' AS part, 0 AS hop_no, CAST(loaded_at AS CHAR(20)) AS ne_id, NULL AS held_id, NULL AS name,
    NULL AS type, NULL AS interface, NULL AS network_service FROM topology_load
  UNION ALL
  SELECT 'given', p.hop_no, p.hop_ne_id, e.ne_id, e.ne_name, COALESCE(p.hop_type, e.ne_type),
    p.interface, p.network_service
  FROM network_path p LEFT JOIN network_element e ON e.ne_id = p.hop_ne_id
  WHERE p.ne_id = ? AND p.path_id = (SELECT MIN(path_id) FROM network_path WHERE ne_id = ?)
    AND p.hop_no BETWEEN 0 AND ${limits.pathHopsMax}
  UNION ALL
  SELECT 'parents', way.hop_no, way.ne_id, e.ne_id, e.ne_name, e.ne_type, NULL, NULL
  FROM way LEFT JOIN network_element e ON e.ne_id = way.ne_id
  LIMIT ${3 * limits.pathHopsMax}`;

const elementStatement = `SELECT ${forms.network_element.map(({ name }) => name).join(", ")}
  FROM network_element WHERE ne_id = ?`;

const addressStatement = `SELECT ${forms.address.map(({ name }) => name).join(", ")}
  FROM address WHERE ne_id = ? ORDER BY address_id LIMIT ${limits.topologyAddressesShownMax}`;

export async function lookUpLoaded(ask: Ask): Promise<LoadSummary | null> {
  const [row] = (await ask(loadedStatement, [])) ?? [];
  if (row === undefined) return null;
  const { loaded_at, elements, roots, addresses, hops, files } = row;
  return {
    elements: Number(elements),
    roots: Number(roots),
    addresses: Number(addresses),
    hops: Number(hops),
    loadedAt: Number(loaded_at),
    files: filesOf(files),
  };
}

/** As `loadRow` wrote them. None where others did: a load must be able to take their place. */
function filesOf(text: unknown): readonly LoadedFile[] {
  try {
    const read: unknown = JSON.parse(String(text));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `loadRow`
    return Array.isArray(read) ? (read as readonly LoadedFile[]) : [];
  } catch {
    return [];
  }
}

/** What `loaded` reads back, in the order of topology_load's columns. */
export function loadRow({
  loadedAt,
  elements,
  roots,
  addresses,
  hops,
  files,
}: LoadSummary): (string | number)[] {
  return [loadedAt, elements, roots, addresses, hops, JSON.stringify(files)];
}

/** Never rejects. */
export async function lookUpPath(ask: Ask, elementId: string, signal: AbortSignal): Promise<PathAnswer> {
  try {
    return await askPath(ask, elementId, signal);
  } catch (error) {
    return asError(error);
  }
}

async function askPath(ask: Ask, elementId: string, signal: AbortSignal): Promise<PathAnswer> {
  const rows = await ask(pathStatement, [elementId, elementId, elementId], signal);
  if (rows === null) return { kind: "absent", loadedAt: null };
  return pathFromRows(elementId, rows);
}

interface PathRow extends PathHop {
  readonly part: string;
  /** Its element's row is there. */
  readonly isHeld: boolean;
}

export function pathFromRows(elementId: string, rows: readonly SqlRow[]): PathAnswer {
  let loadedAt: Instant | null = null;
  const given: PathRow[] = [];
  const parents: PathRow[] = [];
  for (const row of rows) {
    if (row["part"] === "load") loadedAt = instantOf(row["ne_id"]);
    else (row["part"] === "given" ? given : parents).push(asPathRow(row));
  }
  for (const part of [given, parents]) part.sort((a, b) => a.hopNo - b.hopNo);
  const [self] = parents;
  // Some databases compare ids without their trailing spaces: we do not.
  if (loadedAt === null || !self?.isHeld || rows.every(({ held_id }) => held_id !== elementId))
    return { kind: "absent", loadedAt };
  const way = given.length === 0 ? parents : given[0]?.elementId === elementId ? given : [self, ...given];
  return { kind: "found", path: { elementId, ...untilItEnds(way), loadedAt } };
}

/** Throws FailureError TOPOLOGY_UNAVAILABLE. */
function instantOf(value: unknown): Instant {
  const at = Number(value);
  if (value !== null && Number.isSafeInteger(at)) return at;
  throw new FailureError(
    "TOPOLOGY_UNAVAILABLE",
    `loaded_at of topology_load is ${JSON.stringify(String(value).slice(0, 40))}; expected milliseconds since 1970. Load the topology again.`,
  );
}

function untilItEnds(way: readonly PathRow[]): {
  readonly hops: readonly PathHop[];
  readonly end: PathEnd;
} {
  const hops: PathHop[] = [];
  const seen = new Set<string>();
  for (const { elementId, name, type, interface: port, networkService, isHeld } of way) {
    if (seen.has(elementId)) return { hops, end: "loop" };
    if (hops.length === limits.pathHopsMax) return { hops, end: "limit" };
    seen.add(elementId);
    hops.push({ hopNo: hops.length, elementId, name, type, interface: port, networkService });
    if (!isHeld) return { hops, end: "dangling" };
  }
  return { hops, end: "root" };
}

function asPathRow(row: SqlRow): PathRow {
  return {
    part: String(row["part"]),
    hopNo: Number(row["hop_no"]),
    elementId: String(row["ne_id"]),
    isHeld: row["held_id"] !== null,
    name: textOf(row["name"]),
    type: textOf(row["type"]),
    interface: textOf(row["interface"]),
    networkService: textOf(row["network_service"]),
  };
}

/** Statement after statement; again when a load came between them. Never rejects. */
export async function lookUpDetails(
  ask: Ask,
  elementId: string,
  signal: AbortSignal,
): Promise<DetailsAnswer> {
  try {
    for (let tries = 1; ; tries += 1) {
      const answer = await askPath(ask, elementId, signal);
      if (answer.kind !== "found") return answer;
      const [row] = (await ask(elementStatement, [elementId], signal)) ?? [];
      const addresses = (await ask(addressStatement, [elementId], signal)) ?? [];
      const loadedAfter = await lookUpLoaded((statement, none) => ask(statement, none, signal));
      if (row !== undefined && loadedAfter?.loadedAt === answer.path.loadedAt)
        return { kind: "found", details: { ...detailsOf(row, addresses), path: answer.path } };
      if (tries === limits.topologyDetailsTriesMax)
        throw new FailureError(
          "TOPOLOGY_UNAVAILABLE",
          `topology_load told of another load at each of ${tries} look-ups; expected one row. Load the topology again.`,
        );
    }
  } catch (error) {
    return asError(error);
  }
}

export function detailsOf(row: SqlRow, addresses: readonly SqlRow[]): Omit<ElementDetails, "path"> {
  const of = (name: string) => textOf(row[name]);
  return {
    element: {
      elementId: String(row["ne_id"]),
      name: of("ne_name"),
      type: of("ne_type"),
      parentId: of("parent_ne_id"),
      region: of("region"),
      headend: of("headend"),
      chassis: of("chassis"),
      slot: of("slot"),
      port: of("port"),
      node: of("node"),
      ipAddress: of("ip_address"),
      mac: of("mac"),
      vendor: of("vendor"),
      model: of("model"),
      status: of("status"),
    },
    addresses: addresses.map((address) => ({
      addressId: String(address["address_id"]),
      uau: textOf(address["uau"]),
      street: textOf(address["street"]),
      houseNo: textOf(address["house_no"]),
      postcode: textOf(address["postcode"]),
      city: textOf(address["city"]),
    })),
  };
}

function textOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : null;
}

/** A failure as an answer. */
export function asError(error: unknown): {
  readonly kind: "error";
  readonly code: string;
  readonly cause: string;
} {
  if (error instanceof FailureError)
    return { kind: "error", code: error.failure.code, cause: error.failure.detail };
  const cause = error instanceof Error ? error.message : String(error);
  return { kind: "error", code: "TOPOLOGY_UNAVAILABLE", cause };
}
