/**
 * What look-ups and loads have in common: how a server is connected to, and what its errors mean.
 *   S4 no password in a message.
 */
import { isIP } from "node:net";
import { Duplex } from "node:stream";
import type { Connection, PoolOptions } from "mysql2/promise";
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
    // The certificate must name the host, not only be somebody's. The driver compares names, and no addresses.
    ...(tls ? { ssl: { rejectUnauthorized: true, verifyIdentity: isIP(host) === 0 } } : undefined),
  };
}

/**
 * Ends the connection and its socket. The driver's own `destroy` only says that nothing more will come, and keeps the
 * socket until a server that hangs says so too.
 */
export function cutOff(connection: Connection): void {
  connection.destroy();
  const inner: unknown = Reflect.get(connection, "connection");
  const stream: unknown = typeof inner === "object" && inner !== null ? Reflect.get(inner, "stream") : null;
  if (stream instanceof Duplex) stream.destroy();
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
