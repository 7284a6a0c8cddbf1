/**
 * What look-ups and loads have in common: how a server is connected to, and what its errors mean.
 *   S4 no password in a message.
 */
import type { PoolOptions } from "mysql2/promise";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { MysqlAddress } from "./mysql-url.ts";

/** Ids are compared byte by byte: `NE-1` is not `ne-1`. */
export function connectionOptions({ host, port, user, password, database, tls }: MysqlAddress): PoolOptions {
  return {
    host,
    port,
    user,
    password,
    database,
    charset: "UTF8MB4_BIN",
    connectTimeout: limits.topologyConnectMs,
    multipleStatements: false,
    ...(tls ? { ssl: { rejectUnauthorized: true } } : undefined),
  };
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** S4: the server's words name user and host, never the password. */
export function asUnavailable(address: MysqlAddress, error: unknown): unknown {
  if (error instanceof FailureError || !(error instanceof Error)) return error;
  const code = codeOf(error);
  const words = error.message === "" ? code : error.message;
  const detail = `The topology at ${address.shown} cannot be used (${code === "" || words.includes(code) ? "" : `${code}: `}${words}). Check the server and topology.url.`;
  return new FailureError("TOPOLOGY_UNAVAILABLE", detail);
}
