/**
 * The Service Info CSV, as the first start reads it: all rows or none, every error with line and column.
 * Source: wire.md, "Configuration".
 */
import { readFileSync } from "node:fs";
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { fail, ok, type Result } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";

const columns = [
  "name",
  "host",
  "port",
  "path",
  "protocol",
  "idempotency",
  "settleSeconds",
  "timeoutSeconds",
  "asyncSeconds",
  "user",
  "passwordFile",
  "notes",
] as const;

const seconds = (lowest: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, "expected whole seconds")
    .transform(Number)
    .pipe(z.number().min(lowest).max(86_400));
const optional = z.string().transform((text) => (text === "" ? undefined : text));

const row = z.object({
  name: z.string().min(1).max(64),
  host: z.string().regex(/^[A-Za-z0-9.:_-]{1,255}$/, "expected a host name or an address"),
  port: z
    .string()
    .regex(/^\d{1,5}$/, "expected a port")
    .transform(Number)
    .pipe(z.number().min(1).max(65_535)),
  path: z.string().regex(/^\/[\x21-\x7e]{0,1023}$/, "expected a path that begins with /"),
  protocol: z.literal("osb", "expected osb, the protocol this version speaks"),
  idempotency: z.enum(["requestId", "settles", "none"]),
  settleSeconds: seconds(0),
  timeoutSeconds: seconds(1),
  asyncSeconds: seconds(0),
  user: optional,
  passwordFile: optional,
  notes: optional,
});

/** What counts where there is no file: the embedded desk's usual place. */
export const defaultServices: readonly [ServiceInfo] = [
  {
    name: "OSB",
    host: "127.0.0.1",
    port: limits.deskPortDefault,
    path: "/TicketService",
    protocol: "osb",
    idempotency: "requestId",
    settleSeconds: limits.serviceSettleSecondsDefault,
    timeoutSeconds: limits.serviceTimeoutSecondsDefault,
    asyncSeconds: 0,
  },
];

/** Fails CONFIGURATION_INVALID. */
export function readServices(csv: string, fileName: string): Result<readonly ServiceInfo[]> {
  let lines: string[][];
  try {
    lines = parse(csv, { bom: true, skip_empty_lines: true, relax_column_count: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return fail("CONFIGURATION_INVALID", `${fileName}: ${error.message}; expected comma-separated text.`);
  }
  const [header, ...rows] = lines;
  if (header?.join(",") !== columns.join(","))
    return fail("CONFIGURATION_INVALID", `${fileName}, line 1: expected the header ${columns.join(",")}.`);
  const wrong: string[] = [];
  const services: ServiceInfo[] = [];
  for (const [index, cells] of rows.entries()) {
    const line = `line ${index + 2}`;
    if (cells.length !== columns.length) {
      wrong.push(`${line}: ${cells.length} columns, expected ${columns.length}`);
      continue;
    }
    const read = row.safeParse(Object.fromEntries(columns.map((name, column) => [name, cells[column]])));
    if (!read.success) {
      for (const { path, message } of read.error.issues) wrong.push(`${line}, ${path.join(".")}: ${message}`);
    } else if (services.some(({ name }) => name === read.data.name))
      wrong.push(`${line}, name: ${read.data.name} stands in an earlier line`);
    else services.push(withoutEmpty(read.data));
  }
  if (rows.length === 0) wrong.push("expected at least one service below the header");
  if (rows.length > limits.servicesMax) wrong.push(`expected at most ${limits.servicesMax} services`);
  return wrong.length === 0
    ? ok(services)
    : fail("CONFIGURATION_INVALID", `${fileName}: ${wrong.join("; ")}.`);
}

function withoutEmpty({ user, passwordFile, notes, ...rest }: z.output<typeof row>): ServiceInfo {
  return {
    ...rest,
    ...(user === undefined ? undefined : { user }),
    ...(passwordFile === undefined ? undefined : { passwordFile }),
    ...(notes === undefined ? undefined : { notes }),
  };
}

/** `mayBeMissing`: then `defaultServices` count. Fails CONFIGURATION_INVALID. */
export function loadServices(file: string, mayBeMissing: boolean): Result<readonly ServiceInfo[]> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    if (code === "ENOENT" && mayBeMissing) return ok(defaultServices);
    return fail("CONFIGURATION_INVALID", `services.file: ${file} cannot be read (${code}).`);
  }
  return readServices(text, file);
}
