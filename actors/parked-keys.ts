/**
 * Keys that wait without holding a client: what for, and until when.
 *   R5 waits run on monotonic time; absolute time counts only across a restart, as clamp(due − now, 0, duration).
 *   D7 keys parked as `storm` have no time: they are woken one by one, the oldest first, as there is room.
 */
import type { Parking } from "../machines/facts.ts";
import { Lanes } from "../machines/lanes.ts";
import type { KeyState } from "../machines/state.ts";
import type { ParkReason, Position } from "../machines/vocabulary.ts";
import type { Clock } from "./ports.ts";

interface Waker {
  readonly parking: Parking;
  /** null: only a fact wakes it. */
  readonly timer: unknown;
  due: boolean;
}

export class ParkedKeys {
  readonly #clock: Clock;
  readonly #openedAt: Position;
  readonly #wake: (name: string) => void;
  readonly #wakers = new Map<string, Waker>();
  readonly #storm = new Lanes<string>();
  /** Woken in the storm, and no flow has begun for them yet. */
  readonly #woken = new Set<string>();
  /** When this process heard of alarms that are held down: monotonic ms by position. */
  readonly #heard = new Map<Position, number>();

  /** `openedAt`: where this process began to write. `wake`: told when a key's time has come. */
  constructor(clock: Clock, openedAt: Position, wake: (name: string) => void) {
    this.#clock = clock;
    this.#openedAt = openedAt;
    this.#wake = wake;
  }

  /** How many keys wait, and what for. */
  counts(): { readonly parked: number; readonly parkedFor: Partial<Record<ParkReason, number>> } {
    const parkedFor: Partial<Record<ParkReason, number>> = {};
    for (const { parking } of this.#wakers.values())
      parkedFor[parking.reason] = (parkedFor[parking.reason] ?? 0) + 1;
    return { parked: this.#wakers.size, parkedFor };
  }

  /** Keys parked as `storm` and not woken. */
  get inStorm(): number {
    return this.#storm.size;
  }

  /** Keys woken in the storm whose flows have not begun: the room is theirs. */
  get woken(): number {
    return this.#woken.size;
  }

  /** An alarm was accepted just now: its hold-down counts from here, whatever the clock on the wall does. */
  heard(position: Position): void {
    this.#heard.set(position, this.#clock.monotonicMs());
  }

  forget(position: Position): void {
    this.#heard.delete(position);
  }

  /** Whether the key's parking, if any, has run out; arms its waker on the way. */
  isDue(key: KeyState, parking: Parking | null): boolean {
    const known = this.#wakers.get(key.key);
    if (known !== undefined && parking !== null && isSame(known.parking, parking)) return known.due;
    if (known !== undefined) this.#drop(key.key, known);
    if (parking === null) return true;
    const wait = this.#waitOf(key, parking);
    if (wait === 0) return true;
    const waker: Waker = { parking, due: false, timer: wait === null ? null : this.#arm(key.key, wait) };
    this.#wakers.set(key.key, waker);
    if (parking.reason === "storm")
      this.#storm.enter(key.key, 0, (key.waiting[0] ?? key.cover?.alarms[0])?.ref.position ?? 0, key.key);
    return false;
  }

  /** D7: the oldest keys in the storm, at most `room` with those woken before; they are due from now on. */
  wakeStorm(room: number): string[] {
    const woken: string[] = [];
    let left = room - this.#woken.size;
    while (left > 0) {
      const name = this.#storm.next();
      const waker = name === undefined ? undefined : this.#wakers.get(name);
      if (name === undefined || waker === undefined) break;
      waker.due = true;
      this.#woken.add(name);
      woken.push(name);
      left -= 1;
    }
    return woken;
  }

  stop(): void {
    for (const { timer } of this.#wakers.values()) this.#clock.clearTimeout(timer);
    this.#wakers.clear();
  }

  #drop(name: string, waker: Waker): void {
    if (waker.timer !== null) this.#clock.clearTimeout(waker.timer);
    this.#wakers.delete(name);
    this.#storm.leave(name);
    this.#woken.delete(name);
  }

  /** In ms; null: no time wakes it. */
  #waitOf(key: KeyState, { reason, since, until }: Parking): number | null {
    if (until === null) return null;
    const whole = until - since;
    // T1: a promise is counted from the socket's end or from the restart, never by a clock that may have been set.
    if (reason === "inDoubt") return whole;
    // Parked just now, so none of its rest is over. A cover ends by the clock on the wall, as its window does.
    const isOwn = key.revision > this.#openedAt;
    if (isOwn && (reason === "outage" || reason === "notOwner" || reason === "async")) return whole;
    const heard = reason === "holdDown" ? this.#heard.get(key.waiting[0]?.ref.position ?? -1) : undefined;
    const left = heard === undefined ? until - this.#clock.now() : heard + whole - this.#clock.monotonicMs();
    return Math.min(Math.max(left, 0), whole);
  }

  #arm(name: string, wait: number): unknown {
    return this.#clock.setTimeout(() => {
      const waker = this.#wakers.get(name);
      if (waker === undefined) return;
      waker.due = true;
      this.#wake(name);
    }, wait);
  }
}

/** What follows from the facts is made anew at each look. */
function isSame(a: Parking, b: Parking): boolean {
  return (
    a === b ||
    (a.reason === b.reason && a.since === b.since && a.until === b.until && a.because === b.because)
  );
}
