/**
 * Service Info Tables in files: the one that the first start takes, and the gateway's own.
 * Source: wire.md, "Configuration".
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { configSchema, type Config } from "../../actors/config.ts";
import type { GatewayTableSource } from "../../actors/ports.ts";
import { fail, ok, type Result } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { faultLine, readTable, shown, type TableRules } from "../../machines/service-table.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";
import { csvCodec } from "./csv.ts";

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

/** Fails CONFIGURATION_INVALID with every fault, by line and column. */
export function readServices(
  csv: string | Uint8Array,
  fileName: string,
  rules: TableRules,
): Result<readonly ServiceInfo[]> {
  const { services, faults } = readTable(csvCodec.parse(csv), rules);
  if (faults.length === 0) return ok(services);
  return fail("CONFIGURATION_INVALID", `${fileName}: ${faults.map(faultLine).join("; ")}.`);
}

/**
 * The table of a first start. `wished`: the row to select, where it is there; else the first.
 * `mayBeMissing`: then `defaultServices` count. Fails CONFIGURATION_INVALID.
 */
export function loadServices(
  file: string,
  mayBeMissing: boolean,
  { wished, ...rules }: Omit<TableRules, "selected"> & { readonly wished: string },
): Result<readonly ServiceInfo[]> {
  let csv: Uint8Array;
  try {
    csv = readFileSync(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT" && mayBeMissing) return ok(defaultServices);
    return fail("CONFIGURATION_INVALID", `services.file: ${file} cannot be read (${codeOf(error)}).`);
  }
  const read = readServices(csv, file, { ...rules, selected: null });
  if (!read.ok) return read;
  const selected = read.value.find(({ name }) => name === wished) ?? read.value[0];
  return readServices(csv, file, { ...rules, selected: selected?.name ?? null });
}

/** The table of a first start, from `services.file`; the default one may be missing. Fails CONFIGURATION_INVALID. */
export function seedServices(config: Config, spoken: TableRules["spoken"]): Result<readonly ServiceInfo[]> {
  const { file, selected } = config.services;
  const initial = configSchema.parse({}).services;
  const loaded = loadServices(file, file === initial.file, {
    allowedHosts: config.allowedServiceHosts,
    wished: selected,
    spoken,
  });
  // Nobody has to name one; whoever did wants no other.
  if (!loaded.ok || selected === initial.selected || loaded.value.some(({ name }) => name === selected))
    return loaded;
  const names = loaded.value.map(({ name }) => shown(name)).join(", ");
  return fail(
    "CONFIGURATION_INVALID",
    `services.selected: ${file} has no service ${shown(selected)}; expected one of ${names}.`,
  );
}

/** undefined: `gateway.servicesFile` is `services.file`, and the gateway follows every import. */
export function gatewayTableOf({ services, gateway }: Config): GatewayTableSource | undefined {
  const file = gateway.servicesFile;
  return file === null || resolve(file) === resolve(services.file) ? undefined : gatewayTableFile(file);
}

/** Read anew at every call; which hosts it names is the clients' table's affair. */
export function gatewayTableFile(file: string): GatewayTableSource {
  return {
    async read() {
      try {
        return readServices(await readFile(file), file, { allowedHosts: null, selected: null, spoken: [] });
      } catch (error) {
        return fail(
          "CONFIGURATION_INVALID",
          `gateway.servicesFile: ${file} cannot be read (${codeOf(error)}).`,
        );
      }
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}
