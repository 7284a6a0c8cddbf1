/**
 * The topology in MySQL (8 or later) or MariaDB (10.6 or later): the same tables, the same look-ups as in SQLite.
 *   S4 no password in a message.  S10 bound parameters, read-only sessions where it reads, time-outs.
 */
import type { Pool, PoolConnection } from "mysql2/promise";
import type { Clock } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { type Deadline, startDeadline } from "./deadline.ts";
import { loadTopology } from "./load.ts";
import { type Ask, lookUpDetails, lookUpLoaded, lookUpPath, type SqlRow } from "./look-up.ts";
import { asUnavailable, codeOf, connectionOptions, cutOff } from "./mysql-connection.ts";
import { stageInMysql } from "./mysql-staging.ts";
import { type MysqlAddress, readMysqlUrl } from "./mysql-url.ts";
import type { TopologyDatabase } from "./topology.ts";

export interface MysqlTopologyOptions {
  /** `mysql://user:password@host:port/database`. The user needs SELECT; to load also CREATE, ALTER, DROP, INDEX, INSERT. */
  readonly url: string;
  readonly clock: Clock;
}

/**
 * Connects at the first look-up, and loads the driver then: it would be a tenth of the time until an engine is ready.
 * Throws FailureError CONFIGURATION_INVALID for a wrong URL.
 */
export function openMysqlTopology({ url, clock }: MysqlTopologyOptions): TopologyDatabase {
  const address = readMysqlUrl(url);
  let pool: Promise<Pool> | undefined;
  /** A driver that cannot be loaded (no more files may be open …) is loaded again by the next look-up. */
  function opened(): Promise<Pool> {
    pool ??= readingPool(address).catch((error: unknown) => {
      pool = undefined;
      throw error;
    });
    return pool;
  }
  const ask = createAsk(opened, address, clock);
  return {
    path: ({ elementId, signal }) => lookUpPath(ask, elementId, signal),
    details: ({ elementId, signal }) => lookUpDetails(ask, elementId, signal),
    loaded: () => lookUpLoaded(ask),
    load: (order) =>
      loadTopology(
        { loaded: () => lookUpLoaded(ask), stage: () => stageInMysql(address, clock) },
        { ...order, now: () => clock.now() },
      ),
    async close() {
      // What is left of a broken connection is gone anyway, and who could not open it was told.
      await pool?.then((open) => open.end()).catch(() => undefined);
    },
  };
}

async function readingPool(address: MysqlAddress): Promise<Pool> {
  const { createPool } = await import("mysql2/promise");
  const pool = createPool({
    ...connectionOptions(address),
    connectionLimit: limits.topologyConnectionsMax,
    queueLimit: limits.clientsMax,
    maxPreparedStatements: 16,
  });
  pool.on("connection", (connection) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the event hands out the connection with callbacks
    const { query } = connection as unknown as { query: (statement: string, done: () => void) => void };
    const set = (what: string) => query.call(connection, `SET SESSION ${what}`, () => undefined);
    set("TRANSACTION READ ONLY"); // S10
    // The server stops what we no longer wait for: MariaDB knows the first, MySQL the second.
    set(`max_statement_time = ${limits.topologyTimeoutMs / 1_000}`);
    set(`max_execution_time = ${limits.topologyTimeoutMs}`);
  });
  return pool;
}

function createAsk(pool: () => Promise<Pool>, address: MysqlAddress, clock: Clock): Ask {
  return async (statement, parameters, signal) => {
    const deadline = startDeadline(clock, signal, `A look-up at ${address.shown}`);
    try {
      const connection = await connect(await pool(), deadline);
      try {
        const [rows] = await deadline.within(connection.execute(statement, [...parameters]));
        connection.release();
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a SELECT gives rows
        return rows as unknown as readonly SqlRow[];
      } catch (error) {
        if (codeOf(error) === noSuchTable) {
          connection.release();
          return null;
        }
        cutOff(connection); // an answer that comes late must not be taken for another's
        throw error;
      }
    } catch (error) {
      throw asUnavailable(address, error);
    } finally {
      deadline.end();
    }
  };
}

/** A connection that comes after the deadline goes back to the pool. */
async function connect(pool: Pool, deadline: Deadline): Promise<PoolConnection> {
  const coming = pool.getConnection();
  try {
    return await deadline.within(coming);
  } catch (error) {
    coming.then(
      (late) => late.release(),
      () => undefined,
    );
    throw error;
  }
}

const noSuchTable = "ER_NO_SUCH_TABLE";
