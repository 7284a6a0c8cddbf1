/** `mysql://user:password@host:port/database[?tls=true]`. S4: the password stands in no message. */
import { FailureError } from "../../machines/failure.ts";

export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: boolean;
  /** For messages: without the password. */
  readonly shown: string;
}

const portDefault = 3_306;

/** Throws FailureError CONFIGURATION_INVALID. */
export function readMysqlUrl(text: string): MysqlAddress {
  const url = URL.parse(text);
  const database = url === null ? null : decoded(url.pathname.slice(1));
  const user = url === null ? null : decoded(url.username);
  const password = url === null ? null : decoded(url.password);
  const known = url === null || [...url.searchParams.keys()].every((name) => name === "tls");
  const tls = url?.searchParams.get("tls") ?? "false";
  if (
    url?.protocol !== "mysql:" ||
    url.hostname === "" ||
    !known ||
    !["true", "false"].includes(tls) ||
    database === null ||
    !/^[^/]{1,64}$/.test(database) ||
    user === null ||
    password === null
  )
    throw new FailureError(
      "CONFIGURATION_INVALID",
      "topology.url: expected mysql://user:password@host:port/database, with ?tls=true for an encrypted connection; " +
        "@, :, / and % in a name or password are written %40, %3A, %2F, %25. Mend it and start again.",
    );
  const host = url.hostname.replaceAll(/^\[|\]$/g, "");
  const port = url.port === "" ? portDefault : Number(url.port);
  const shown = `mysql://${user === "" ? "" : `${user}@`}${url.hostname}:${port}/${database}`;
  return { host, port, user, password, database, tls: tls === "true", shown };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
