/**
 * Gives waiting keys to idle clients: watches the fold, keeps the line, wakes what is parked.
 *   A5 one flow a key at a time.  L1 one flow a client.  L2 each lock a higher fence.
 *   R5 waits run on monotonic time; absolute time counts only across a restart.
 */
import { secondsToMilliseconds } from "date-fns/secondsToMilliseconds";
import { lanes, nextGroup, parkingOf, readiness } from "../machines/admission.ts";
import { membersOf } from "../machines/cover.ts";
import type { Decision, DecisionInput } from "../machines/decision.ts";
import { entry, type Entry, type Expectation } from "../machines/entry.ts";
import { keyOf, type Fact } from "../machines/facts.ts";
import type { FlowInput } from "../machines/flow-input.ts";
import { Lanes } from "../machines/lanes.ts";
import { settleAlarms } from "../machines/settlement.ts";
import { clientStream, delaysOf, keyStream, type KeyState, type Waiting } from "../machines/state.ts";
import { maxOpenTicketsOf, roomForTickets, surroundings } from "../machines/surroundings.ts";
import { ticketName } from "../machines/ticket-index.ts";
import type { TicketClientRef } from "../machines/ticket-client.machine.ts";
import type { Lock, ParkReason, Position, ServiceInfo } from "../machines/vocabulary.ts";
import type { Config } from "./config.ts";
import { Confirmations } from "./confirmations.ts";
import type { Journal } from "./journal.ts";
import { ParkedKeys } from "./parked-keys.ts";
import type { Clock, Ids } from "./ports.ts";

export interface DispatcherPorts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly config: Config;
  readonly decide: (input: DecisionInput) => Decision;
  readonly client: (clientId: string) => TicketClientRef | undefined;
  readonly service: () => ServiceInfo | null;
  /** Whether flows may ask a topology. Default false. */
  readonly hasTopology?: boolean;
  /** While true no waiting key is given a client; `wake` when it ends. */
  readonly held?: () => boolean;
  /** While true no flow is begun beside one that runs; `wake` when it ends. */
  readonly hurried?: () => boolean;
}

/** A client locked by hand: who holds it and under which claim. */
export interface HandLock {
  readonly clientId: string;
  readonly lock: Lock;
}

interface WaitingHand {
  /** null: none, it waits no longer. */
  readonly grant: (lock: HandLock | null) => void;
  readonly refuse: (error: unknown) => void;
}

export class Dispatcher {
  readonly #ports: DispatcherPorts;
  readonly #line = new Lanes<string>();
  readonly #idle = new Set<string>();
  /** Given away, and neither idle again nor gone. */
  readonly #busy = new Set<string>();
  readonly #starting = new Set<string>();
  readonly #parked: ParkedKeys;
  readonly #confirmations: Confirmations;
  readonly #hands: WaitingHand[] = [];
  #pumping = false;
  #stopped = false;
  /** Why no lock can be recorded any more; null: it can. */
  #failure: { readonly error: unknown } | null = null;

  constructor(ports: DispatcherPorts) {
    this.#ports = ports;
    this.#parked = new ParkedKeys(ports.clock, ports.journal.state.position, (name) => {
      this.#touch(name);
      this.#schedule();
    });
    this.#confirmations = new Confirmations(ports.journal, ports.clock);
    ports.journal.listen((facts) => this.#learn(facts));
    // Refused, which ends it: whoever waits is told why.
    void ports.journal.fallen.then(() => this.#commit(null, null, [], [], () => {}));
  }

  /** Keys in line by lane: creates, updates, closes. */
  waiting(): {
    readonly create: number;
    readonly update: number;
    readonly close: number;
    readonly parked: number;
    readonly parkedFor: Readonly<Partial<Record<ParkReason, number>>>;
  } {
    const sizes = this.#line.sizes();
    return {
      create: sizes[lanes.create] ?? 0,
      update: sizes[lanes.update] ?? 0,
      close: sizes[lanes.close] ?? 0,
      ...this.#parked.counts(),
    };
  }

  /** After recovery: puts every key of the fold in its place. */
  begin(): void {
    for (const key of this.#ports.journal.state.keys.values()) this.#touch(key.key);
    this.#schedule();
  }

  /** What was held may go on. */
  wake(): void {
    this.#schedule();
  }

  /** Nothing is started any more, and no hand waits any longer; what runs may end. */
  stop(): void {
    this.#stopped = true;
    for (const hand of this.#hands.splice(0)) hand.grant(null);
    this.#parked.stop();
  }

  idle(clientId: string): void {
    this.#busy.delete(clientId);
    this.#idle.add(clientId);
    this.#schedule();
  }

  gone(clientId: string): void {
    this.#busy.delete(clientId);
    this.#idle.delete(clientId);
  }

  get idleClients(): number {
    return this.#idle.size;
  }

  /**
   * A client for a flow written by hand, in the order asked, before waiting automatic flows; null: none came in time.
   * Rejects when the ledger cannot record it (R3).
   */
  lockByHand(timeoutMs: number): Promise<HandLock | null> {
    const { clock } = this.#ports;
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure.error);
        return;
      }
      const hand: WaitingHand = {
        grant: (lock) => {
          clock.clearTimeout(timer);
          resolve(lock);
        },
        refuse: (error) => {
          clock.clearTimeout(timer);
          reject(error);
        },
      };
      const timer = clock.setTimeout(() => {
        const at = this.#hands.indexOf(hand);
        if (at < 0) return; // being granted
        this.#hands.splice(at, 1);
        resolve(null);
      }, timeoutMs);
      this.#hands.push(hand);
      this.#schedule();
    });
  }

  #learn(facts: readonly Fact[]): void {
    const isDelayed = Object.values(delaysOf(this.#ports.journal.state)).some((seconds) => seconds > 0);
    for (const fact of facts) {
      const key = keyOf(fact);
      if (fact.type === "alarm.accepted" && isDelayed) this.#parked.heard(fact.position);
      if (key !== null && fact.type !== "response.row") this.#touch(key);
      if (fact.type === "alarm.settled") this.#parked.forget(fact.body.alarm.position);
      else if (fact.type === "settings.changed") this.begin();
      else if (fact.type === "request.settled" || fact.type === "ticket.lost") this.#touchCovered(fact);
    }
    this.#schedule();
  }

  #touch(name: string): void {
    const { state } = this.#ports.journal;
    const key = state.keys.get(name);
    if (key === undefined || this.#stopped) return;
    const delays = delaysOf(state);
    const due = this.#parked.isDue(key, parkingOf(key, delays));
    const place = this.#starting.has(name) ? null : readiness(key, due, delays);
    if (place === null) this.#line.leave(name);
    else this.#line.enter(name, place.lane, place.age, name);
  }

  /** The ticket may be what alarms of other keys rested on. */
  #touchCovered({ body }: Extract<Fact, { type: "request.settled" | "ticket.lost" }>): void {
    if (body.ticketId === null) return;
    const { state } = this.#ports.journal;
    const services = "service" in body ? [body.service] : state.services.map((one) => one.name);
    for (const service of services)
      for (const name of state.index.covered.get(ticketName(service, body.ticketId)) ?? []) this.#touch(name);
  }

  #isStorm(): boolean {
    const { state } = this.#ports.journal;
    const waiting = this.#parked.inStorm + this.#parked.woken;
    return waiting > 0 || state.counters.openTickets >= maxOpenTicketsOf(state);
  }

  /** D7: as many keys as there is room for tickets, the oldest first. */
  #wakeStorm(): void {
    if (this.#parked.inStorm === 0) return;
    for (const name of this.#parked.wakeStorm(roomForTickets(this.#ports.journal.state))) this.#touch(name);
  }

  /** Once a turn, after all that has happened in it. */
  #schedule(): void {
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#wakeStorm();
    while (this.#idle.size > 0 && !this.#stopped) {
      const hand = this.#hands.shift();
      if (hand !== undefined) {
        this.#startByHand(this.#takeIdle(), hand);
        continue;
      }
      if (this.#ports.held?.() === true) return;
      if (this.#busy.size > 0 && this.#ports.hurried?.() === true) return;
      // D7: in a storm closes go first: they make the room that the others wait for.
      const name = this.#line.next(this.#isStorm() ? lanes.close : undefined);
      if (name === undefined) return;
      const key = this.#ports.journal.state.keys.get(name);
      if (key !== undefined) this.#start(key);
    }
  }

  #takeIdle(): string {
    const [clientId = ""] = this.#idle;
    this.#idle.delete(clientId);
    this.#busy.add(clientId);
    return clientId;
  }

  #start(key: KeyState): void {
    const { clock, ids, config } = this.#ports;
    const service = key.request?.service ?? this.#ports.service();
    const at = clock.now();
    const group = this.#groupOf(key);
    const entries: Entry[] = [];
    const cancelled = group.cancelled;
    for (const one of cancelled) {
      entries.push(
        ...settleAlarms(key, [one.ref], at, {
          outcome: "coalesced",
          because: cancelledBecause(key, delaysOf(this.#ports.journal.state)),
          lockGuid: null,
          rule: null,
          ticketId: null,
          failure: null,
          requestId: null,
        }),
      );
    }
    if (group.flow.length === 0 && key.request === null) {
      if (entries.length === 0) return;
      this.#commit(
        key.key,
        null,
        entries,
        [{ stream: keyStream(key.key), revision: key.revision }],
        () => {},
      );
      return;
    }
    if (service === null) return; // no service is selected: the console says so, the key waits
    const clientId = this.#takeIdle();
    const lockGuid = ids.uuid();
    const locked = this.#lockEntry(clientId, lockGuid, "flow");
    const { fence } = locked.lock;
    const started = entry(keyStream(key.key), at, "flow.started", {
      key: key.key,
      lockGuid,
      clientId,
      fence,
      alarms: group.flow.map((one) => one.ref),
    });
    const expect = [locked.expect, { stream: keyStream(key.key), revision: key.revision }];
    this.#commit(key.key, clientId, [locked.entry, started, ...entries], expect, (claim) => {
      const flow: FlowInput = {
        key,
        group: group.flow,
        service,
        serviceNamed: (name) => this.#ports.journal.state.services.find((one) => one.name === name) ?? null,
        settings: config,
        decide: this.#ports.decide,
        clientId,
        lockGuid,
        fence,
        requestId: ids.uuid(),
        startedAt: at,
        hasTopology: this.#ports.hasTopology ?? false,
        around: surroundings(
          this.#ports.journal.state,
          key.key,
          this.#confirmations.sinceMs,
          this.#confirmations.closedForMs,
        ),
      };
      this.#ports.client(clientId)?.send({
        type: "client.lock",
        lock: locked.lock,
        claim,
        dueMs: locked.dueMs,
        flow,
      });
    });
  }

  #startByHand(clientId: string, hand: WaitingHand): void {
    const locked = this.#lockEntry(clientId, this.#ports.ids.uuid(), "hand");
    this.#commit(
      null,
      clientId,
      [locked.entry],
      [locked.expect],
      (claim) => {
        this.#ports.client(clientId)?.send({
          type: "client.lock",
          lock: locked.lock,
          claim,
          dueMs: locked.dueMs,
          flow: null,
        });
        hand.grant({ clientId, lock: locked.lock });
      },
      () => (this.#stopped ? hand.grant(null) : this.#hands.unshift(hand)),
    );
  }

  #lockEntry(
    clientId: string,
    lockGuid: string,
    by: "flow" | "hand",
  ): {
    readonly lock: Lock;
    readonly entry: Entry;
    readonly expect: Expectation;
    /** When it ends, on the monotonic clock (L5, R5). */
    readonly dueMs: number;
  } {
    const { journal, clock, config } = this.#ports;
    const at = clock.now();
    const lockMs = secondsToMilliseconds(config.lockSecondsMax);
    const dueMs = clock.monotonicMs() + lockMs;
    const client = journal.state.clients.get(clientId) ?? { revision: 0, fence: 0 };
    const lock = { lockGuid, fence: client.fence + 1, lockTime: at }; // L2
    return {
      lock,
      entry: entry(clientStream(clientId), at, "client.locked", {
        clientId,
        ...lock,
        deadlineAt: at + lockMs,
        by,
      }),
      expect: { stream: clientStream(clientId), revision: client.revision },
      dueMs,
    };
  }

  /** Appends; on a conflict the client is idle again and the key takes its place anew. */
  #commit(
    name: string | null,
    clientId: string | null,
    entries: readonly Entry[],
    expect: readonly Expectation[],
    then: (claim: Position) => void,
    otherwise?: () => void,
  ): void {
    if (name !== null) this.#starting.add(name);
    this.#ports.journal.append(entries, expect).then(
      (result) => {
        if (name !== null) this.#starting.delete(name);
        if (result.kind === "committed") then(result.facts[0]?.position ?? 0);
        else {
          if (clientId !== null) this.idle(clientId);
          otherwise?.();
        }
        if (name !== null) this.#touch(name);
        this.#schedule();
      },
      (error: unknown) => {
        // Nothing is started any more, and nobody else hears of an entry that was refused.
        this.#failure ??= { error };
        otherwise?.();
        for (const hand of this.#hands.splice(0)) hand.refuse(error);
        this.stop();
        this.#ports.journal.fall(error);
      },
    );
  }

  /** An unsettled request is taken up again with the alarms it was planned for. */
  #groupOf(key: KeyState): { readonly cancelled: readonly Waiting[]; readonly flow: readonly Waiting[] } {
    if (key.request !== null) return { cancelled: [], flow: membersOf(key, key.request.alarms) };
    const parking = parkingOf(key, delaysOf(this.#ports.journal.state));
    return nextGroup(key, this.#ports.config.coalesce, !this.#parked.isDue(key, parking));
  }
}

function cancelledBecause(key: KeyState, delays: Parameters<typeof parkingOf>[1]): string {
  const reason = parkingOf(key, delays)?.reason;
  if (reason === "storm")
    return "Raise and clear cancelled out while the event storm left no room for a ticket.";
  if (reason === "holdDown") return "Raise and clear cancelled out while the raise was held down.";
  return "Raise and clear cancelled out before any flow had begun.";
}
