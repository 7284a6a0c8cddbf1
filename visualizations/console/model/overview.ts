/** Exceptions first: what an operator should look at, the worst on top. Empty = nothing abnormal. Pure. */
import type { GatewayAnswer } from "./api-messages.ts";
import type { Place, Query } from "./address.ts";
import { bounds } from "./bounds.ts";
import { type Client, sinceOf } from "./clients.ts";
import type { Screen } from "./screen.ts";
import { ageText, countOf } from "./text.ts";

export interface Exception {
  readonly name: string;
  readonly level: "alarm" | "warning";
  readonly title: string;
  readonly detail: string;
  /** Where to look. */
  readonly place: Place;
  readonly query: Query;
}

/** What is said where there is no exception: that nothing is abnormal only once all has been looked at. */
export function calmText({ ledger }: Screen, gateway: GatewayAnswer | null): string {
  if (ledger === null) return "Waiting for the engine.";
  return gateway === null ? "Asking the gateway." : "Nothing abnormal.";
}

/** `gateway`: as last asked for; null: not yet. */
export function exceptionsOf(screen: Screen, gateway: GatewayAnswer | null, now: number): Exception[] {
  return [
    ...quarantined(screen),
    ...overAge(screen, now),
    ...busyTooLong(screen, now),
    ...inDoubt(gateway),
    ...failedSearches(screen, now),
    ...storm(screen),
    ...tablesDiffer(screen),
    ...heartbeatLate(screen),
  ];
}

function listed(clients: readonly Client[], say: (client: Client) => string): string {
  const rest = clients.length - bounds.exceptionsListed;
  const first = clients.slice(0, bounds.exceptionsListed).map(say).join(", ");
  return rest > 0 ? `${first} and ${rest} more` : first;
}

function quarantined({ clients }: Screen): Exception[] {
  const found = [...clients.values()].filter(({ view }) => view.state === "quarantined");
  if (found.length === 0) return [];
  return [
    {
      name: "quarantined",
      level: "alarm",
      title: `${countOf(found.length, "client")} quarantined`,
      detail: `${listed(found, ({ clientId }) => clientId)}: crashed too often and taken out of the pool for a while.`,
      place: { page: "clients" },
      query: { filter: "state:quarantined" },
    },
  ];
}

/** Held for most of the time a lock is given, or beyond it. */
export function isOverAge({ view, deadlineAt }: Client, now: number): boolean {
  if (view.lockTime === null || deadlineAt === null) return false;
  return now - view.lockTime > (deadlineAt - view.lockTime) * bounds.lockShareMax;
}

function overAge({ clients }: Screen, now: number): Exception[] {
  const found = [...clients.values()].filter((client) => isOverAge(client, now));
  if (found.length === 0) return [];
  found.sort((one, other) => (one.view.lockTime ?? 0) - (other.view.lockTime ?? 0));
  return [
    {
      name: "over-age-locks",
      level: "alarm",
      title: `${countOf(found.length, "lock")} near or past the end of its time`,
      detail: listed(
        found,
        ({ clientId, view }) => `${clientId} for ${ageText(now - (view.lockTime ?? now))}`,
      ),
      place: { page: "clients" },
      // Held, whatever it is doing: the oldest lock stands first.
      query: { filter: "age:>0s" },
    },
  ];
}

export function isBusyTooLong(client: Client, { services, selectedService }: Screen, now: number): boolean {
  const since = sinceOf(client);
  if (client.view.busyStatus !== "busy" || since === null) return false;
  const timeout = services.find(({ name }) => name === selectedService)?.timeoutSeconds ?? 30;
  return now - since > (timeout + bounds.busyGraceSeconds) * 1_000;
}

function busyTooLong(screen: Screen, now: number): Exception[] {
  const found = [...screen.clients.values()].filter((client) => isBusyTooLong(client, screen, now));
  if (found.length === 0) return [];
  return [
    {
      name: "busy-too-long",
      level: "warning",
      title: `${countOf(found.length, "client")} busy for longer than the service may take`,
      detail: listed(found, (client) => `${client.clientId} for ${ageText(now - (sinceOf(client) ?? now))}`),
      place: { page: "clients" },
      query: { filter: "busy:busy", sort: "time" },
    },
  ];
}

function inDoubt(gateway: GatewayAnswer | null): Exception[] {
  const found: Exception[] = [];
  const { unknown = 0, inDoubt: doubtful = 0 } = gateway?.counts ?? {};
  const place = { page: "gateway" } as const;
  if (unknown > 0)
    found.push({
      name: "unknown",
      level: "alarm",
      title: `${countOf(unknown, "request")} of unknown fate`,
      detail: "Nobody can say whether the service did it; the verdict of an operator is wanted.",
      place,
      query: {},
    });
  if (doubtful > 0)
    found.push({
      name: "in-doubt",
      level: "warning",
      title: `${countOf(doubtful, "request")} in doubt`,
      detail: "Sent, and not answered readably; the engine looks for what became of them.",
      place,
      query: {},
    });
  return found;
}

function failedSearches({ failedSearches: all }: Screen, now: number): Exception[] {
  const since = now - bounds.failuresShownMinutes * 60_000;
  const failed = all.filter(({ sentAt }) => sentAt > since);
  const last = failed.at(-1);
  if (last === undefined) return [];
  return [
    {
      name: "failed-searches",
      level: "warning",
      title: `${failed.length < bounds.failuresMax ? "" : "At least "}${countOf(failed.length, "failed search", "failed searches")} in the last ${bounds.failuresShownMinutes} minutes`,
      detail: `The last one at ${last.service}, by ${last.clientId}: ${last.code ?? last.status}${last.cause === null ? "" : `, ${last.cause}`}`,
      place: { page: "events" },
      query: { type: "response.row", text: last.code ?? last.status },
    },
  ];
}

function storm({ waiting }: Screen): Exception[] {
  const count = waiting?.parkedFor.storm ?? 0;
  if (count === 0) return [];
  return [
    {
      name: "storm",
      level: "alarm",
      title: `Event storm: ${countOf(count, "key")} held back`,
      detail: "As many tickets are open as may be; creates wait until some are closed.",
      place: { page: "gateway" },
      query: {},
    },
  ];
}

function tablesDiffer({ mismatch }: Screen): Exception[] {
  if (mismatch === null) return [];
  return [
    {
      name: "tables-differ",
      level: "alarm",
      title: "The gateway's service table differs: nothing is forwarded",
      detail: mismatch.because,
      place: { page: "gateway" },
      query: {},
    },
  ];
}

function heartbeatLate({ heartbeat }: Screen): Exception[] {
  const found: Exception[] = [];
  for (const [check, view] of Object.entries(heartbeat ?? {})) {
    if (
      view === null ||
      (view.missed === 0 && (view.lastFailure === null || (view.lastOkAt ?? 0) > view.lastFailure.at))
    )
      continue;
    found.push({
      name: `heartbeat-${check}`,
      level: "warning",
      title: check === "chain" ? "Heartbeat of the chain is late" : "Heartbeat of the engine is late",
      detail: view.lastFailure?.failure?.detail ?? view.lastFailure?.because ?? "The receiver took no beat.",
      place: { page: "events" },
      query: { type: "heartbeat" },
    });
  }
  return found;
}
