/**
 * Takes alarms in: durable first, then told to the sender.
 *   A1 accepted means durable.  A4 a repeat is recognised by source and id.  A6 overload is refused before the
 *   acknowledgement; before that flows are held up, for a sender waits and a flow can.
 * Source: domain.md, "An alarm's way".
 */
import { entry } from "../machines/entry.ts";
import { alarmStream } from "../machines/facts.ts";
import { FailureError } from "../machines/failure.ts";
import { limits } from "../machines/limits.ts";
import { unsettledAlarms } from "../machines/state.ts";
import type { Notification, Position } from "../machines/vocabulary.ts";
import { acceptedOrThrow } from "./acceptance.ts";
import type { Journal } from "./journal.ts";
import type { Acceptance, Clock, Ledger } from "./ports.ts";

export interface AdmissionPorts {
  readonly journal: Journal;
  readonly ledger: Pick<Ledger, "readStream">;
  readonly clock: Clock;
  readonly isStopping: () => boolean;
  /** What `isHurried` held up may go on. */
  readonly onCalm?: () => void;
}

export class AlarmAdmission {
  readonly #ports: AdmissionPorts;
  #duplicates = 0;
  #accepting = 0;

  constructor(ports: AdmissionPorts) {
    this.#ports = ports;
  }

  /** Repeats recognised in this life of the process: they leave no fact. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** So many alarms wait for their acknowledgement that flows are to leave it the time. */
  get isHurried(): boolean {
    return this.#accepting > limits.unacknowledgedCalmMax;
  }

  /** A1, A4: resolves when durable. Throws FailureError INVALID for names that the ledger cannot keep. */
  async accept(notification: Notification, digest: string): Promise<Acceptance> {
    const { journal, ledger, clock, isStopping } = this.#ports;
    if (isStopping()) return { kind: "stopping" };
    mustBeWhole(notification);
    if (unsettledAlarms(journal.state) + this.#accepting >= limits.unsettledAlarmsMax) {
      return { kind: "overloaded", retryAfterMs: limits.overloadedRetryAfterMs }; // A6
    }
    const stream = alarmStream(notification.source, notification.id);
    const fact = entry(stream, clock.now(), "alarm.accepted", { notification, digest });
    this.#accepting += 1;
    try {
      const result = await journal.append([fact], [{ stream, revision: 0 }]); // A4
      if (result.kind === "committed")
        return { kind: "accepted", position: result.position, duplicate: false };
    } finally {
      this.#accepting -= 1;
      if (this.#accepting === limits.unacknowledgedCalmMax) this.#ports.onCalm?.();
    }
    const [first] = await ledger.readStream(stream);
    if (first?.type !== "alarm.accepted")
      throw new Error(`The stream ${stream} is not empty and holds no accepted alarm.`);
    if (first.body.digest !== digest) return { kind: "conflict", position: first.position };
    this.#duplicates += 1;
    return { kind: "accepted", position: first.position, duplicate: true };
  }

  /** As `accept`, but throws a FailureError (CONFLICT, OVERLOADED, STOPPING) where it is refused. */
  async raise(
    notification: Notification,
    digest: string,
  ): Promise<{ position: Position; duplicate: boolean }> {
    return acceptedOrThrow(await this.accept(notification, digest), notification);
  }
}

/** R1, A4: a ledger of Unicode text would give other names back, and take two for one. */
function mustBeWhole({ source, id, key }: Notification): void {
  for (const name of [source, id, key])
    if (!name.isWellFormed())
      throw new FailureError(
        "INVALID",
        `The alarm's source, id or key ${JSON.stringify(name)} holds half a character (a lone surrogate); expected Unicode text.`,
      );
}
