/**
 * What can be seen of a running engine: its clients, its queue, its counters. Read, never acted on.
 *   L1 locked ⇔ GUID, fence and lock time all set.
 * Source: architecture.md, "Supervisor API"; its names are a contract.
 */
import type { HeartbeatCheck, HeartbeatState } from "../machines/heartbeat.ts";
import { openTicketsOf, unsettledAlarms, type State } from "../machines/state.ts";
import { busyStatus, type TicketClientContext } from "../machines/ticket-client.machine.ts";
import type { ClientCondition, Instant, ParkReason, Position, ServiceInfo } from "../machines/vocabulary.ts";
import type { TableMismatch } from "./gateway-table.ts";

export interface ClientView {
  readonly clientId: string;
  readonly state: ClientCondition;
  readonly lockStatus: "locked" | "unlocked";
  readonly lockGuid: string | null;
  readonly lockTime: Instant | null;
  readonly fence: number | null;
  readonly busyStatus: "busy" | "notBusy";
  readonly processingData: string;
}

/** Each check of the heartbeat; null: switched off. `dropped`: not sent, for the sake of the receiver's rate. */
export type HeartbeatView = Readonly<
  Record<HeartbeatCheck, (Readonly<HeartbeatState> & { readonly dropped: number }) | null>
>;

export interface EngineSnapshot {
  readonly ledger: string;
  readonly position: Position;
  readonly clients: readonly ClientView[];
  readonly queue: {
    readonly create: number;
    readonly update: number;
    readonly close: number;
    /** Keys that wait without holding a client … */
    readonly parked: number;
    /** … by what they wait for. */
    readonly parkedFor: Readonly<Partial<Record<ParkReason, number>>>;
  };
  readonly gateway: {
    readonly inFlight: readonly { readonly service: string; readonly requestId: string }[];
  };
  readonly services: {
    readonly rows: readonly ServiceInfo[];
    readonly selected: string | null;
    /** Why nothing is forwarded: the gateway's own table differs. null: it does not. */
    readonly mismatch: TableMismatch | null;
  };
  readonly heartbeat: HeartbeatView;
  readonly counters: EngineCounters;
}

export interface EngineCounters {
  readonly accepted: number;
  readonly duplicates: number;
  readonly settled: number;
  readonly unsettled: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly rows: {
    readonly inserted: number;
    readonly present: number;
    readonly evicted: number;
    readonly cleared: number;
  };
  readonly openTickets: number;
  readonly claimsNotKept: number;
  /** L3: under a lock that had moved on, or beside another command. */
  readonly commandsRefused: number;
}

/** Counted by the process alone: they leave no fact. */
export interface ProcessCounters {
  readonly duplicates: number;
  readonly commandsRefused: number;
}

export function countersOf(state: State, { duplicates, commandsRefused }: ProcessCounters): EngineCounters {
  const rows = { inserted: 0, present: 0, evicted: 0, cleared: 0 };
  for (const table of state.tables.values()) {
    rows.inserted += table.inserted;
    rows.evicted += table.evicted;
    rows.cleared += table.cleared;
    rows.present += table.settled.length + Object.keys(table.unsettled).length;
  }
  const { accepted, settled, outcomes, claimsNotKept } = state.counters;
  return {
    accepted,
    duplicates,
    settled,
    unsettled: unsettledAlarms(state),
    outcomes: { ...outcomes },
    rows,
    openTickets: openTicketsOf(state),
    claimsNotKept,
    commandsRefused,
  };
}

/** A client as it stands; without a context: one that has no actor now. */
export function viewOf(
  clientId: string,
  state: ClientCondition,
  context: TicketClientContext | null,
): ClientView {
  const lock = context?.lock ?? null;
  return {
    clientId,
    state,
    lockStatus: lock === null ? "unlocked" : "locked",
    lockGuid: lock?.lockGuid ?? null,
    lockTime: lock?.lockTime ?? null,
    fence: lock?.fence ?? null,
    busyStatus: busyStatus(state),
    processingData: context?.processingData ?? "",
  };
}
