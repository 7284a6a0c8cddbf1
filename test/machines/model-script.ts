/** What a run of the model is told to do: alarms, faults of the service, the network and the engine, settings. */
import type { Delays } from "../../machines/facts.ts";
import type { Notification } from "../../machines/vocabulary.ts";

/** What the service, the network or the engine does to one attempt. */
export interface Behaviour {
  readonly send:
    | "ack"
    | "ackWithoutId"
    | "ackLateEffect"
    | "nack"
    | "notOwner"
    | "busy"
    | "refused"
    | "unreachable"
    | "lostAnswer"
    | "lostRequest"
    | "lateEffect"
    | "engineStops";
  /** Of services with async results: when the result comes and what it says. */
  readonly async: "ok" | "early" | "twice" | "never" | "late" | "error";
}

/** What happens to a flow at one of its steps. */
export type Trouble = "none" | "searchFails" | "crash" | "expire" | "force" | "restart";

export interface Script {
  readonly arrivals: readonly { readonly afterMs: number; readonly notification: Notification }[];
  readonly behaviours: readonly Behaviour[];
  readonly troubles: readonly Trouble[];
  readonly reopenSeconds: number;
  readonly delays: Delays;
  readonly maxOpenTickets: number;
  /** The second key's element lies beneath the first's; null: there is no topology. */
  readonly topology: "works" | "fails" | null;
  /** Somebody else closes a key's ticket, or has it vanish. */
  readonly strangers: readonly {
    readonly afterMs: number;
    readonly key: string;
    readonly act: "close" | "remove";
  }[];
}
