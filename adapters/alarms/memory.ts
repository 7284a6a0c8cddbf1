/** An alarm sink that keeps everything in memory: for development, tests and measurements. */
import type { Acceptance, AlarmSink } from "../../actors/ports.ts";
import type { Notification } from "../../machines/vocabulary.ts";

export class MemoryAlarmSink implements AlarmSink {
  /** Accepted notifications, in order; position = index + 1. */
  readonly kept: Notification[] = [];
  readonly #known = new Map<string, { readonly digest: string; readonly position: number }>();
  /** Refuses what is new while it returns a number of milliseconds. */
  overloadedFor: (notification: Notification) => number | null = () => null;

  accept(notification: Notification, digest: string): Promise<Acceptance> {
    return Promise.resolve(this.#judge(notification, digest));
  }

  #judge(notification: Notification, digest: string): Acceptance {
    const name = JSON.stringify([notification.source, notification.id]);
    const known = this.#known.get(name);
    if (known !== undefined)
      return known.digest === digest
        ? { kind: "accepted", position: known.position, duplicate: true }
        : { kind: "conflict", position: known.position };
    const retryAfterMs = this.overloadedFor(notification);
    if (retryAfterMs !== null) return { kind: "overloaded", retryAfterMs };
    const position = this.kept.push(notification);
    this.#known.set(name, { digest, position });
    return { kind: "accepted", position, duplicate: false };
  }
}
