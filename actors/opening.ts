/**
 * The facts of a start: the new epoch, the settings the fold reads, the first Service Info Table, and what
 * recovery makes of things unfinished.
 *   R1 settings the fold reads are facts too.  R2 recovery may be cut off and repeated.
 * Source: laws.md, "Recovery"; architecture.md, "The ledger".
 */
import { entry, type Entry } from "../machines/entry.ts";
import type { FoldSettings } from "../machines/facts.ts";
import { FailureError } from "../machines/failure.ts";
import { recover } from "../machines/recovery.ts";
import type { State } from "../machines/state.ts";
import type { Instant, ServiceInfo } from "../machines/vocabulary.ts";
import type { Config } from "./config.ts";

/** To be appended in one commit. Throws CONFIGURATION_INVALID when no ticketing service is known. */
export function openingEntries(
  state: State,
  config: Config,
  services: readonly ServiceInfo[],
  restored: boolean,
  at: Instant,
): Entry[] {
  const entries: Entry[] = [
    entry("settings", at, "ledger.opened", { engine: "ticket-client", clients: config.clients }),
  ];
  const configured = configuredSettings(config);
  const settings = settingsAtStart(state, configured);
  if (state.position === 0 || !isSame(settings, state.settings) || !isSame(configured, state.configured))
    entries.push(entry("settings", at, "settings.changed", { ...settings, configured }));
  const isFirst = state.services.length === 0;
  const selected = selectedAtStart(isFirst ? services : state.services, config.services.selected);
  if (selected === undefined)
    throw new FailureError(
      "CONFIGURATION_INVALID",
      "The Service Info Table is empty; give at least one ticketing service.",
    );
  if (isFirst) entries.push(entry("services", at, "services.imported", { services, by: "first start" }));
  // A8: a table that was imported before the first start has none.
  if (isFirst || state.selectedService === null)
    entries.push(entry("services", at, "service.selected", { name: selected.name, by: "first start" }));
  entries.push(...recover(state, restored, at));
  return entries;
}

/** Where nobody has selected one yet. */
export function selectedAtStart(services: readonly ServiceInfo[], wished: string): ServiceInfo | undefined {
  return services.find(({ name }) => name === wished) ?? services[0];
}

/**
 * The facts of an opening for one operator's command, beside no engine: the same recovery, no clients, and
 * settings and services stay as they are. To be appended in one commit.
 */
export function commandOpeningEntries(state: State, restored: boolean, at: Instant): Entry[] {
  return [
    entry("settings", at, "ledger.opened", { engine: "ticket-client", clients: 0 }),
    ...recover(state, restored, at),
  ];
}

/** The settings that the fold reads. */
function configuredSettings(config: Config): FoldSettings {
  const { maxResponseRows, reopenSeconds, clockSkewSeconds, dedupDays, relatedElements } = config;
  const { delays, maxOpenTickets } = config;
  return {
    maxResponseRows,
    reopenSeconds,
    clockSkewSeconds,
    dedupDays,
    relatedElements,
    delays,
    maxOpenTickets,
  };
}

/** What the configuration says, but for what an operator changed since it last said something new. */
function settingsAtStart({ settings, configured: before }: State, configured: FoldSettings): FoldSettings {
  if (before === null) return configured;
  const kept = Object.entries(settings).filter(([name]) =>
    isSame(Reflect.get(configured, name), Reflect.get(before, name)),
  );
  return { ...configured, ...Object.fromEntries(kept) };
}

/** Of JSON values, whatever the order of their members. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSame(Reflect.get(a, name), Reflect.get(b, name)));
}
