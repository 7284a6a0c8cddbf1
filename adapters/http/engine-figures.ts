/** The engine in figures: from the fold's counters and one look at the pool. Counts of the ledger outlive the process. */
import type { Clock } from "../../actors/ports.ts";
import type { EngineSnapshot, Supervisor } from "../../actors/supervisor.ts";
import { outcomes } from "../../machines/vocabulary.ts";

export interface Figure {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  /** Absent: one figure, under "". */
  readonly label?: string;
  readonly values: Readonly<Record<string, number>>;
}

const clientStates = [
  "idle",
  "locked",
  "searching",
  "forwarding",
  "closing",
  "restarting",
  "quarantined",
] as const;
const parkReasons = ["storm", "outage", "async", "inDoubt", "covered", "holdDown", "notOwner"] as const;
const requestResults = ["ok", "rejected", "failed", "notApplied", "cancelled", "unknown"] as const;
const searchStatuses = ["ok", "timeout", "error"] as const;

/** Each name of the closed set, with 0 where nothing is known: a series that is absent cannot be alerted on. */
function all(
  names: readonly string[],
  known: Readonly<Partial<Record<string, number>>>,
): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, known[name] ?? 0]));
}

export class EngineFigures {
  readonly #supervisor: Supervisor;
  readonly #clock: Pick<Clock, "now">;
  readonly #feedReaders: () => number;

  constructor(supervisor: Supervisor, clock: Pick<Clock, "now">, feedReaders: () => number) {
    this.#supervisor = supervisor;
    this.#clock = clock;
    this.#feedReaders = feedReaders;
  }

  read(): readonly Figure[] {
    const snapshot = this.#supervisor.snapshot();
    return [
      ...this.#alarms(snapshot),
      ...this.#clients(snapshot),
      ...this.#requests(),
      ...rows(snapshot),
      ...heartbeats(snapshot),
      gauge("ledger_position", "position of the newest fact", snapshot.position),
      gauge("feed_readers", "readers of the feed", this.#feedReaders()),
      gauge(
        "service_tables_differ",
        "1: the gateway's service table differs and nothing is forwarded",
        snapshot.services.mismatch === null ? 0 : 1,
      ),
    ];
  }

  #alarms({ counters, queue }: EngineSnapshot): readonly Figure[] {
    const { create, update, close } = queue;
    return [
      counter("alarms_accepted", "notifications accepted, repeats not counted", counters.accepted),
      counter(
        "alarm_repeats",
        "notifications recognised as repeats, since the process started",
        counters.duplicates,
      ),
      gauge("alarms_unsettled", "notifications accepted that have no outcome yet", counters.unsettled),
      gaugesBy(
        "alarms",
        "notifications by their current outcome",
        "outcome",
        all(outcomes, counters.outcomes),
      ),
      gaugesBy("queue_keys", "correlation keys in line for a client", "lane", { create, update, close }),
      gaugesBy(
        "parked_keys",
        "correlation keys that wait without a client",
        "reason",
        all(parkReasons, queue.parkedFor),
      ),
      gauge("open_tickets", "tickets linked to a key and not seen closed", counters.openTickets),
      counter(
        "claims_not_kept",
        "claims of the service that a later search did not bear out",
        counters.claimsNotKept,
      ),
      counter(
        "commands_refused",
        "commands under a lock that had moved on, or beside another, refused since the process started",
        counters.commandsRefused,
      ),
    ];
  }

  #clients({ clients }: EngineSnapshot): readonly Figure[] {
    const states: Record<string, number> = {};
    let oldestLock = Infinity;
    for (const { state, lockTime } of clients) {
      states[state] = (states[state] ?? 0) + 1;
      if (lockTime !== null && lockTime < oldestLock) oldestLock = lockTime;
    }
    const age = oldestLock === Infinity ? 0 : Math.max(0, this.#clock.now() - oldestLock) / 1000;
    return [
      gaugesBy("clients", "Ticket Clients by state", "state", all(clientStates, states)),
      gauge("oldest_lock_seconds", "age of the oldest lock, 0 without any", age),
    ];
  }

  #requests(): readonly Figure[] {
    const { reader, state } = this.#supervisor;
    const { requests, searches } = state.counters;
    const unsettled = { ...reader.requestsByStatus(), unknown: state.unknown.size };
    return [
      gaugesBy(
        "requests",
        "requests that are not settled, and those that wait for a verdict",
        "status",
        unsettled,
      ),
      countersBy(
        "requests_settled",
        "requests settled; one that is corrected later counts under both results",
        "result",
        all(requestResults, requests),
      ),
      countersBy("searches", "searches answered", "status", all(searchStatuses, searches)),
    ];
  }
}

function rows({ counters: { rows: table } }: EngineSnapshot): readonly Figure[] {
  return [
    gauge("response_rows", "rows of all response tables", table.present),
    counter("response_rows_inserted", "rows ever inserted", table.inserted),
    counter("response_rows_evicted", "rows that left for want of room", table.evicted),
    counter("response_rows_cleared", "rows that operators cleared", table.cleared),
  ];
}

/** Nothing where the heartbeat is off. */
function heartbeats({ heartbeat }: EngineSnapshot): readonly Figure[] {
  const checks = Object.entries(heartbeat).flatMap(([check, state]) =>
    state === null ? [] : [{ check, state }],
  );
  if (checks.length === 0) return [];
  const by = (figure: (state: (typeof checks)[number]["state"]) => number): Record<string, number> =>
    Object.fromEntries(checks.map(({ check, state }) => [check, figure(state)]));
  return [
    countersBy(
      "heartbeats_ok",
      "beats of success that the receiver took",
      "check",
      by(({ success }) => success),
    ),
    countersBy(
      "heartbeats_failed",
      "beats of failure that the receiver took",
      "check",
      by(({ fail }) => fail),
    ),
    countersBy(
      "heartbeats_not_taken",
      "beats that the receiver did not take",
      "check",
      by(({ notTaken }) => notTaken),
    ),
    gaugesBy(
      "heartbeat_last_ok_timestamp_seconds",
      "when the receiver last took a success, seconds since 1970; 0 never",
      "check",
      by(({ lastOkAt }) => (lastOkAt ?? 0) / 1000),
    ),
  ];
}

const prefix = "ticket_client_";

function gauge(name: string, help: string, value: number): Figure {
  return { name: `${prefix}${name}`, help, kind: "gauge", values: { "": value } };
}

function counter(name: string, help: string, value: number): Figure {
  return { name: `${prefix}${name}_total`, help, kind: "counter", values: { "": value } };
}

function gaugesBy(name: string, help: string, label: string, values: Record<string, number>): Figure {
  return { name: `${prefix}${name}`, help, kind: "gauge", label, values };
}

function countersBy(name: string, help: string, label: string, values: Record<string, number>): Figure {
  return { name: `${prefix}${name}_total`, help, kind: "counter", label, values };
}
