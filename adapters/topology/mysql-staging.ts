/**
 * A load into MySQL or MariaDB: new tables are filled beside the old ones, and one RENAME TABLE puts all of them in place
 * at once. What a load leaves that was killed before, the next one drops; a lock of the server keeps a second one out
 * and goes with its connection.
 */
import type { Connection } from "mysql2/promise";
import type { Clock } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { startDeadline } from "./deadline.ts";
import { forms } from "./forms.ts";
import { loadRow, type SqlRow } from "./look-up.ts";
import { asUnavailable, codeOf, connectionOptions, cutOff } from "./mysql-connection.ts";
import type { MysqlAddress } from "./mysql-url.ts";
import { type Cell, columnsOf, indexColumns, type Staging, type TableName, tableNames } from "./store.ts";

/** 15,000 parameters of a statement's 65,535: more rows at once are not faster. */
const rowsOfInsert = 1_000;
/** Rows of a transaction: the server keeps what it could roll back. */
const rowsOfCommit = 20_000;
const allTables = [...tableNames, "topology_load"] as const;

/** Rejects with FailureError TOPOLOGY_BUSY or TOPOLOGY_UNAVAILABLE. */
export async function stageInMysql(address: MysqlAddress, clock: Clock): Promise<Staging> {
  const loader = await connectLoader(address, clock);
  try {
    await loader.lock();
    const left = allTables.flatMap((name) => [`new_${name}`, `old_${name}`]);
    await loader.run(`DROP TABLE IF EXISTS ${left.join(", ")}`);
    for (const name of allTables) await loader.run(tableStatement(name, `new_${name}`));
    return createStaging(loader);
  } catch (error) {
    await loader.close();
    throw asUnavailable(address, error);
  }
}

interface Loader {
  run(statement: string, parameters?: readonly Cell[]): Promise<readonly SqlRow[]>;
  lock(): Promise<void>;
  /** Ends the lock too. */
  close(): Promise<void>;
  readonly address: MysqlAddress;
}

async function connectLoader(address: MysqlAddress, clock: Clock): Promise<Loader> {
  let connection: Connection;
  try {
    const { createConnection } = await import("mysql2/promise");
    connection = await createConnection({ ...connectionOptions(address), maxPreparedStatements: 16 });
  } catch (error) {
    throw asUnavailable(address, error);
  }
  connection.on("error", () => undefined); // shows at the next statement
  let isCut = false;
  /** The driver's own time-out leaves out the preparing of a statement. */
  async function inTime<T>(asking: Promise<T>): Promise<T> {
    const what = `A statement of a load into ${address.shown}`;
    const deadline = startDeadline(clock, undefined, what, limits.topologyStatementMs);
    try {
      return await deadline.within(asking);
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      // What came after it on this connection would wait for its answer, without an end of its own.
      isCut = true;
      cutOff(connection);
      const detail = `${error.failure.detail} Check the server and load again.`;
      throw new FailureError("TOPOLOGY_UNAVAILABLE", detail);
    } finally {
      deadline.end();
    }
  }
  const run: Loader["run"] = async (sql, parameters) => {
    const [rows] = await inTime(
      parameters === undefined ? connection.query(sql) : connection.execute(sql, [...parameters]),
    );
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- whoever asked for rows knows them
    return rows as unknown as readonly SqlRow[];
  };
  return {
    address,
    run,
    async lock() {
      // The swap waits for whoever has a table open in a transaction, and look-ups wait behind it: not for long.
      await run(`SET SESSION lock_wait_timeout = ${limits.topologyLoadWaitMs / 1_000}`);
      const [row] = await run("SELECT GET_LOCK(?, ?) AS granted", [
        lockName(address),
        limits.topologyLoadWaitMs / 1_000,
      ]);
      if (Number(row?.["granted"]) !== 1)
        throw new FailureError(
          "TOPOLOGY_BUSY",
          `Another load of ${address.shown} is under way. Wait for its end and load again.`,
        );
    },
    close: () => (isCut ? Promise.resolve() : connection.end().catch(() => cutOff(connection))),
  };
}

/** Locks are the server's, not the database's. */
function lockName({ database }: MysqlAddress): string {
  return `topology ${database}`.slice(0, 64);
}

function createStaging(loader: Loader): Staging {
  const pending = new Map<TableName, Cell[]>(tableNames.map((name) => [name, []]));
  let uncommitted = 0;
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (codeOf(error) !== "ER_LOCK_WAIT_TIMEOUT") throw asUnavailable(loader.address, error);
      const detail = `Somebody has a table of ${loader.address.shown} open in a transaction. End it and load again.`;
      throw new FailureError("TOPOLOGY_BUSY", detail, { cause: error });
    }
  };

  /** Whole inserts only, so that one prepared statement does; `all`: what is left as well. */
  async function insertPending(all: boolean): Promise<void> {
    for (const [name, cells] of pending) {
      const width = columnsOf(name).length;
      const whole = width * rowsOfInsert;
      const end = all ? cells.length : cells.length - (cells.length % whole);
      for (let at = 0; at < end; at += whole) {
        const part = cells.slice(at, Math.min(at + whole, end));
        if (uncommitted === 0) await loader.run("START TRANSACTION");
        await loader.run(insertStatement(name, part.length / width), part);
        uncommitted += part.length / width;
        if (uncommitted >= rowsOfCommit) await commitRows();
      }
      cells.splice(0, end);
    }
  }

  async function commitRows(): Promise<void> {
    await loader.run("COMMIT");
    uncommitted = 0;
  }

  return {
    add(table, cells) {
      const into = pending.get(table);
      for (const cell of cells) into?.push(cell);
    },
    drained() {
      for (const [name, cells] of pending)
        if (cells.length >= columnsOf(name).length * rowsOfInsert) return guarded(() => insertPending(false));
      return null;
    },
    async commit(summary) {
      await guarded(async () => {
        await insertPending(true);
        if (uncommitted > 0) await commitRows();
        await loader.run("INSERT INTO new_topology_load VALUES (1, ?, ?, ?, ?, ?, ?)", loadRow(summary));
        for (const name of tableNames) await loader.run(indexStatement(name));
        // The first load finds none: then there are empty ones to put aside.
        for (const name of allTables) await loader.run(tableStatement(name, name));
        await loader.run(`RENAME TABLE ${allTables.map(renaming).join(", ")}`);
      });
      // From here on it is loaded; what cannot be dropped now is dropped by the next load.
      await dropAll(loader, "old");
      await loader.close();
    },
    async abandon() {
      await dropAll(loader, "new");
      await loader.close();
    },
  };
}

async function dropAll(loader: Loader, prefix: "old" | "new"): Promise<void> {
  try {
    await loader.run(`DROP TABLE IF EXISTS ${allTables.map((name) => `${prefix}_${name}`).join(", ")}`);
  } catch (error) {
    if (codeOf(error) === "" && !(error instanceof FailureError)) throw error;
  }
}

function renaming(name: string): string {
  return `${name} TO old_${name}, new_${name} TO ${name}`;
}

function tableStatement(name: (typeof allTables)[number], as: string): string {
  return `CREATE TABLE IF NOT EXISTS ${as} (${columnDefinitions(name)})
    ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`;
}

function columnDefinitions(name: (typeof allTables)[number]): string {
  if (name === "topology_load")
    return `one INT PRIMARY KEY, loaded_at BIGINT NOT NULL, elements INT NOT NULL, roots INT NOT NULL,
      addresses INT NOT NULL, hops INT NOT NULL, files LONGTEXT NOT NULL`;
  const columns = forms[name].map((column) => {
    if (column.kind === "hop") return `${column.name} INT NOT NULL`;
    const chars = column.kind === "text" ? limits.topologyTextCharsMax : limits.topologyIdCharsMax;
    return `${column.name} VARCHAR(${chars})${column.kind === "id" ? " NOT NULL" : ""}`;
  });
  return columns.join(", ");
}

function indexStatement(name: TableName): string {
  const unique = name === "network_element" ? "UNIQUE " : "";
  return `ALTER TABLE new_${name} ADD ${unique}INDEX ${name}_index (${indexColumns[name].join(", ")})`;
}

function insertStatement(name: TableName, rows: number): string {
  const row = `(${columnsOf(name)
    .map(() => "?")
    .join(", ")})`;
  return `INSERT INTO new_${name} VALUES ${Array.from({ length: rows }, () => row).join(", ")}`;
}
