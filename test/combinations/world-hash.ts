/**
 * What of a world at rest decides how it goes on, as one short text: two worlds with the same text have the same future,
 * fault for fault. Looked at when no commit is under way: then a process is its fold, its timers and, while it waits for a
 * service, its actors; a dead one is its ledger.
 *
 * Left out, because nothing reads it back: response tables (with room for all rows nothing is evicted), counters but for
 * open tickets, sentences and codes for people, revisions, fences and claims of locks that have ended, the heartbeat's
 * record, the audit, and what services remember of requests that nobody will ask for again. Renamed, because only
 * equality and order count: ids, positions, tickets. Moments are told as their distance from now, as far as anything
 * compares them with now (`looksBackMs`); further back they are all the same.
 */
import { hash } from "node:crypto";
import type { AnyActorRef } from "xstate";
import type { Fact } from "../../machines/facts.ts";
import { applyFact } from "../../machines/fold.ts";
import { emptyState, type State } from "../../machines/state.ts";
import type { Instant } from "../../machines/vocabulary.ts";
import type { LedgerLaws } from "../simulation/ledger-laws.ts";
import type { SendLaws } from "../simulation/send-laws.ts";
import type { ScriptedServices } from "./scripted-services.ts";
import { TextWriter } from "./world-text.ts";
import type { WorldTimer } from "./world-timers.ts";

export interface WorldAtRest {
  /** null: the process is dead. */
  readonly state: State | null;
  readonly history: () => readonly Fact[];
  /** Where actors wait for others: all of them. null: none waits. */
  readonly actors: AnyActorRef | null | undefined;
  /** Both kinds of time; of a dead process: those of its next start. */
  readonly nowAt: Instant;
  readonly nowMs: number;
  readonly services: ScriptedServices;
  readonly laws: LedgerLaws;
  readonly sends: SendLaws;
  /** Of the world outside the engine. */
  readonly timers: readonly WorldTimer[];
  /** When timers of any kind fire; of a dead process none. */
  readonly dueMs: readonly number[];
  readonly rest: readonly unknown[];
}

export function worldHash(world: WorldAtRest): string {
  return hash("sha1", worldText(world), "base64");
}

const unread = new Set(
  [
    "because cause code detail details summary description comment",
    "settings results processingData",
    "lockTime fence revision epoch lastAt lastUpdateAt startAt",
  ].flatMap((names) => names.split(" ")),
);

/** How long ago a moment may lie and still be told apart from others; by its name. Default: two hours. */
const looksBackMs: Readonly<Record<string, number>> = {
  endAt: 0,
  keepUntil: 0,
  // The services' settling time.
  confirmedAt: 10_000,
  // That, and the longest `reopenSeconds` of the flows.
  closedAt: 600_000,
};
const looksBackMsMax = 2 * 3_600_000;

export function worldText(world: WorldAtRest): string {
  const { services, laws, sends, nowAt, nowMs } = world;
  const { truth } = services;
  const state = world.state ?? folded(world.history());
  const { keys, requests, selectedService, services: table, settledRequests, unknown, counters } = state;
  // Spread, so that a key is told as what it is and not by its name.
  const fold = [
    [...keys.values()].map((key) => ({ ...key, revision: undefined })),
    requests,
    settledRequests,
    unknown,
  ];
  const due = world.timers.map(({ atMs, name }) => [Math.max(0, Math.round(atMs - nowMs)), name] as const);
  const asked = new Set([
    ...state.requests.keys(),
    ...state.unknown.keys(),
    ...state.settledRequests.keys(),
    ...due.flatMap(([, name]) => name.match(/\bid-\d+/g) ?? []),
  ]);
  const isOfUse = (requestId: string): boolean => asked.has(requestId);
  const active = new Map<number, string>();
  let hasEarlyClear = false;
  for (const key of state.keys.values()) {
    for (const { ref } of key.active.values()) active.set(ref.position, ref.id);
    for (const at of key.cleared.values()) hasEarlyClear ||= at !== null;
  }
  const writer = new TextWriter({
    unread,
    named,
    moment(name, at) {
      if (name === "openedAt") return `opened ${at}`;
      if (name === "raisedAt" && !hasEarlyClear) return undefined;
      const before = nowAt - at;
      return before > (looksBackMs[name] ?? looksBackMsMax) ? "long ago" : -before;
    },
  });
  return writer.write({
    isAlive: world.state !== null,
    underWay: services.underWay(),
    actors: world.actors,
    held: [...state.clients].map(([clientId, { lock, revision }]) =>
      lock === null ? null : [clientId, lock.lockGuid, { claim: revision }],
    ),
    fold: [...fold, table, selectedService, counters.openTickets],
    tickets: truth.memory(nowMs, isOfUse),
    answers: services.memory(isOfUse),
    timers: due,
    due: world.dueMs.map((ms) => Math.max(0, Math.round(ms - nowMs))),
    rest: world.rest,
    isLeftOpen: [...state.keys.keys()].map((key) => laws.isLeftOpen(key)),
    uncorrected: [...laws.uncorrected],
    outcomes: [...laws.outcomes]
      .filter(([position]) => active.has(position))
      .map(([position, { outcome, rule }]) => [active.get(position), outcome, rule]),
    wrong: [...laws.outcomes.values()].some(({ outcome }) =>
      ["rejected", "failed", "aborted", "unknown"].includes(outcome),
    ),
    requests: [...state.requests.keys(), ...state.unknown.keys()].map((requestId) => {
      const { spent, isRefused, isSending, isSettled } = laws.requests.get(requestId) ?? {};
      return [requestId, spent, isRefused, isSending, isSettled, sends.memory(requestId)];
    }),
  });
}

/** What stands for something that is told elsewhere by its name: a key of the fold, a service. */
function named(value: object): string | undefined {
  if ("key" in value && "waiting" in value && "revision" in value && value.revision !== undefined)
    return value.key as string;
  if ("name" in value && "settleSeconds" in value) return value.name as string;
  return undefined;
}

function folded(history: readonly Fact[]): State {
  const state = emptyState();
  for (const fact of history) applyFact(state, fact);
  return state;
}
