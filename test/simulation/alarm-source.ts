/**
 * Who sends the alarms: in order, without waiting, and again whatever was not acknowledged when the engine comes back.
 *   A1 what was acknowledged is in the ledger.  A4 a repeat is a repeat, other content under the id a conflict.
 */
import type { Supervisor } from "../../actors/supervisor.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { notification } from "../engine/notifications.ts";
import type { Act } from "./scenario.ts";
import type { Life } from "./simulated-clock.ts";
import type { LedgerLaws } from "./ledger-laws.ts";
import type { Counters } from "./situations.ts";

export class AlarmSource {
  readonly broken: string[] = [];
  readonly #laws: LedgerLaws;
  readonly #counters: Counters;
  readonly #sent: Notification[] = [];
  #unacknowledged: Notification[] = [];
  readonly #acknowledged = new Map<string, number>();
  #engine: { readonly supervisor: Supervisor; readonly life: Life } | null = null;

  constructor(laws: LedgerLaws, counters: Counters) {
    this.#laws = laws;
    this.#counters = counters;
  }

  get unacknowledged(): number {
    return this.#unacknowledged.length;
  }

  /** The engine is there: what it has not acknowledged comes first. */
  connect(supervisor: Supervisor, life: Life): void {
    this.#engine = { supervisor, life };
    for (const one of this.#unacknowledged) this.#offer(one);
  }

  disconnect(): void {
    this.#engine = null;
  }

  alarm(act: Extract<Act, { act: "alarm" }>, at: number): void {
    const { key, kind, severity, plannedOutage, agoMs } = act;
    const isClear = kind === "clear";
    const one = notification(`n${this.#sent.length + 1}`, {
      key,
      kind,
      alarm: `${key}/${act.alarm}`,
      severity: isClear ? "indeterminate" : severity,
      raisedAt: at - agoMs,
      plannedOutage: plannedOutage && !isClear,
      ...(isClear ? { clearedAt: at - (agoMs % 60_000) } : {}),
    });
    this.#sent.push(one);
    this.#unacknowledged.push(one);
    this.#offer(one);
  }

  /** A clear for each alarm whose last word was another one. */
  clearAll(at: number): void {
    const last = new Map(this.#sent.map((one) => [one.alarm, one]));
    for (const { alarm, key, kind } of last.values()) {
      if (kind === "clear") continue;
      const name = alarm.slice(key.length + 1);
      this.alarm(
        { act: "alarm", kind: "clear", key, alarm: name, severity: "minor", plannedOutage: false, agoMs: 0 },
        at,
      );
    }
  }

  repeat({ back, changed }: Extract<Act, { act: "repeat" }>): void {
    const one = this.#sent.at(-1 - back);
    if (one === undefined || !this.#acknowledged.has(one.id)) return;
    this.#offer(changed ? { ...one, details: "other content" } : one);
  }

  /** A1: after a crash. */
  check(): void {
    for (const [id, position] of this.#acknowledged)
      if (this.#laws.placeOf("urn:test", id) !== position)
        this.broken.push(`A1: ${id} was acknowledged at ${position} and is not in the ledger`);
  }

  #offer(one: Notification): void {
    if (this.#engine === null) return;
    const { supervisor, life } = this.#engine;
    life.reach(() => {
      supervisor.accept(one, JSON.stringify(one)).then(
        (told) => {
          if (life.alive) this.#acknowledge(one, told);
        },
        () => undefined, // R3: not acknowledged, and sent again
      );
    });
  }

  #acknowledge(one: Notification, told: Awaited<ReturnType<Supervisor["accept"]>>): void {
    const before = this.#acknowledged.get(one.id);
    const isChanged = one.details !== undefined;
    if (told.kind === "conflict") {
      if (!isChanged) this.broken.push(`A4: ${one.id} is refused as a conflict with itself`);
      this.#counters.count("conflict");
      return;
    }
    if (told.kind !== "accepted") return;
    if (isChanged) this.broken.push(`A4: other content under ${one.id} is accepted`);
    if (this.#laws.placeOf(one.source, one.id) !== told.position)
      this.broken.push(`A1: ${one.id} is acknowledged at ${told.position} and is not durable`);
    if (before !== undefined && (before !== told.position || !told.duplicate))
      this.broken.push(`A4: ${one.id} is accepted again, at ${told.position} after ${before}`);
    if (told.duplicate) this.#counters.count(before === undefined ? "repeat after a crash" : "repeat");
    this.#acknowledged.set(one.id, told.position);
    this.#unacknowledged = this.#unacknowledged.filter(({ id }) => id !== one.id);
  }
}
