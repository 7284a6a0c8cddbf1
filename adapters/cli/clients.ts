/** `clients`, `force-unlock`, `force-not-busy`: the Ticket Clients of a running engine. L6: a force names the lock that was seen. */
import { differenceInSeconds } from "date-fns/differenceInSeconds";
import { clientSchema, clientsSchema, type ClientMessage } from "../../actors/api-messages.ts";
import type { Output } from "./output.ts";
import { remoteEngine, urlOf, type RemoteEngine } from "./remote-engine.ts";
import { readSettings } from "./settings.ts";

export interface RemoteOptions {
  readonly url?: string;
  readonly config?: string;
  readonly token?: string;
}

export interface ForceWords extends RemoteOptions {
  readonly guid: string;
  readonly reason: string;
}

export function engineOf({ url, config, token }: RemoteOptions): RemoteEngine {
  const settings = config === undefined ? {} : { config };
  return remoteEngine(url ?? urlOf(readSettings(settings)), token);
}

/** Resolves with the exit code. */
export async function runClients(options: RemoteOptions, output: Output): Promise<number> {
  const { clients } = await engineOf(options).ask({ method: "GET", path: "/api/clients" }, clientsSchema);
  output.data(clients);
  for (const line of clientTable(clients, Date.now())) output.line(line);
  return 0;
}

/** Resolves with the exit code. */
export async function runForce(
  verb: "force-unlock" | "force-not-busy",
  clientId: string,
  { guid, reason, ...options }: ForceWords,
  output: Output,
): Promise<number> {
  const client = await engineOf(options).ask(
    {
      method: "POST",
      path: `/api/clients/${encodeURIComponent(clientId)}/${verb}`,
      body: { lockGuid: guid, reason },
    },
    clientSchema,
  );
  output.data(client);
  output.line(
    verb === "force-unlock"
      ? `${clientId} is free: the lock ${guid} has ended. It is ${client.state} now.`
      : `${clientId} executes nothing: its command has ended, its lock ${guid} has not.`,
  );
  return 0;
}

const columns = ["client", "state", "busy", "lock age", "lock GUID", "key", "what is happening"] as const;

/** `now`: ms since 1970, by the clock of whoever looks. */
export function clientTable(clients: readonly ClientMessage[], now: number): string[] {
  const rows = clients.map(({ clientId, state, busyStatus, lockTime, lockGuid, key, processingData }) => [
    clientId,
    state,
    busyStatus,
    lockTime === null ? "" : `${Math.max(0, differenceInSeconds(now, lockTime))} s`,
    lockGuid ?? "",
    key ?? "",
    processingData,
  ]);
  const widths = columns.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [columns, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
