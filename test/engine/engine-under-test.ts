/**
 * A world for engine tests: one clock, one ledger storage and one ticketing service that outlive any number of
 * openings of the engine. What must hold at every send (G1, G2, G3) and at every change of a client (L1, L5)
 * is watched all the time; `laws.ts` checks the ledger afterwards.
 */
import { createSupervisor, type Supervisor, type SupervisorOptions } from "../../actors/supervisor.ts";
import type { ConfigInput } from "../../actors/config.ts";
import type { Clock, Ids, Ledger, Log, TicketingService } from "../../actors/ports.ts";
import { createMemoryLedger, createMemoryStorage, type MemoryStorage } from "../../adapters/ledger/memory.ts";
import {
  createMemoryService,
  type MemoryOptions,
  type MemoryService,
} from "../../adapters/service/memory.ts";
import type { Fact, FactOf, FactType } from "../../machines/facts.ts";
import type { Idempotency, Outcome, ServiceInfo } from "../../machines/vocabulary.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { lawsBroken, outcomesOf } from "./laws.ts";

export type SendHook = NonNullable<MemoryOptions["onSend"]>;
export type SearchHook = NonNullable<MemoryOptions["onSearch"]>;

export interface WorldOptions {
  readonly idempotency?: Idempotency;
  readonly row?: Partial<ServiceInfo>;
  readonly config?: ConfigInput;
  readonly decide?: NonNullable<SupervisorOptions["decide"]>;
  /** Instead of the memory ledger over `storage`. */
  readonly openLedger?: () => Promise<Ledger>;
  /** Wraps the service that the engine sees. */
  readonly wrap?: (service: TicketingService) => TicketingService;
  /** Further options of `createSupervisor`. */
  readonly more?: Partial<SupervisorOptions>;
}

/** One turn of the event loop: what was appended in it is durable and folded afterwards. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class World {
  readonly clock = new ManualClock();
  readonly service: MemoryService;
  readonly row: ServiceInfo;
  /** What a test changes as it goes; asked at every call. */
  onSend: SendHook = () => undefined;
  onSearch: SearchHook = () => undefined;
  storage: MemoryStorage = createMemoryStorage();
  /** Sentences about laws broken while running; must stay empty. */
  readonly broken: string[] = [];
  sends = 0;
  searches = 0;
  /** Appends on their way to the disk. */
  appending = 0;
  readonly #options: WorldOptions;
  #ids = 0;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    const idempotency = options.idempotency ?? "requestId";
    this.row = {
      name: "OSB",
      host: "127.0.0.1",
      port: 8650,
      path: "/TicketService",
      protocol: "osb",
      idempotency,
      settleSeconds: 60,
      timeoutSeconds: 30,
      asyncSeconds: 0,
      ...options.row,
    };
    this.service = createMemoryService({
      idempotency,
      now: () => this.clock.now(),
      onSend: (call) => this.onSend(call),
      onSearch: (call) => this.onSearch(call),
    });
  }

  /** Opens the engine on what the world holds. */
  async open(
    more: Pick<WorldOptions, "config" | "decide" | "openLedger" | "wrap" | "more"> = {},
  ): Promise<EngineUnderTest> {
    const options = { ...this.#options, ...more };
    const ledger = this.#counted(await (options.openLedger?.() ?? createMemoryLedger(this.storage)));
    const clock = new MortalClock(this.clock);
    const logged: string[] = [];
    const log: Log = {
      info: () => undefined,
      warn: (event) => void logged.push(event),
      error: (event, { error } = {}) => {
        logged.push(event);
        // What a test expects in a listener is nobody else's to hear.
        if (event === "listener.failed") this.broken.push(`A listener threw: ${String(error)}`);
      },
    };
    const ids: Ids = { uuid: () => `id-${++this.#ids}`, random: () => 0 };
    const failures: unknown[] = [];
    const watched = this.#watch(ledger);
    const supervisor = await createSupervisor({
      config: { clients: 4, ...options.config },
      ledger,
      service: options.wrap?.(watched) ?? watched,
      clock,
      ids,
      log,
      services: [this.row],
      onBroken: (error) => failures.push(error),
      ...(options.decide === undefined ? {} : { decide: options.decide }),
      ...options.more,
    });
    return new EngineUnderTest(this, supervisor, ledger, clock, { failures, logged });
  }

  /** Counts appends, so that `quiet` waits for a disk that takes its time. */
  #counted(ledger: Ledger): Ledger {
    const landed = () => void (this.appending -= 1);
    return {
      append: (batch) => {
        this.appending += 1;
        const appended = ledger.append(batch);
        appended.then(landed, landed);
        return appended;
      },
      read: (after, limit) => ledger.read(after, limit),
      readStream: (stream) => ledger.readStream(stream),
      readKey: (key, limit) => ledger.readKey(key, limit),
      follow: (after, signal) => ledger.follow(after, signal),
      head: () => ledger.head(),
      loadSnapshot: () => ledger.loadSnapshot(),
      saveSnapshot: (position, parts) => ledger.saveSnapshot(position, parts),
      close: () => ledger.close(),
    };
  }

  /** G1, G2, G3 at every send. */
  #watch(ledger: Ledger): TicketingService {
    const inFlight = new Map<string, number>();
    const payloads = new Map<string, string>();
    return {
      send: async (call) => {
        this.sends += 1;
        const { request, attempt } = call;
        const { name } = call.service;
        const now = (inFlight.get(name) ?? 0) + 1;
        inFlight.set(name, now);
        if (now > 1) this.broken.push(`G1: ${now} requests in flight at ${name}`);
        if (!(await isSending(ledger, request.requestId, attempt))) {
          this.broken.push(`G2: attempt ${attempt} of ${request.requestId} leaves before it is durable`);
        }
        const payload = JSON.stringify(request.payload);
        if ((payloads.get(request.requestId) ?? payload) !== payload) {
          this.broken.push(`G3: the payload of ${request.requestId} has changed`);
        }
        payloads.set(request.requestId, payload);
        try {
          return await this.service.send(call);
        } finally {
          inFlight.set(name, (inFlight.get(name) ?? 1) - 1);
        }
      },
      search: (call) => {
        this.searches += 1;
        return this.service.search(call);
      },
      close: () => Promise.resolve(),
    };
  }
}

export class EngineUnderTest {
  readonly world: World;
  readonly supervisor: Supervisor;
  readonly ledger: Ledger;
  /** What `onBroken` was called with. */
  readonly failures: readonly unknown[];
  readonly logged: readonly string[];
  readonly #clock: MortalClock;

  constructor(
    world: World,
    supervisor: Supervisor,
    ledger: Ledger,
    clock: MortalClock,
    told: { readonly failures: unknown[]; readonly logged: string[] },
  ) {
    this.world = world;
    this.supervisor = supervisor;
    this.ledger = ledger;
    this.failures = told.failures;
    this.logged = told.logged;
    this.#clock = clock;
    const pool = supervisor.snapshot().clients.length;
    supervisor.onClient((view) => {
      const parts = [view.lockGuid, view.lockTime, view.fence].map((part) => part !== null);
      if (new Set([...parts, view.lockStatus === "locked"]).size > 1) world.broken.push("L1: half a lock");
      const free = ["idle", "restarting", "quarantined"].includes(view.state);
      if (free === (view.lockStatus === "locked")) world.broken.push(`L5: ${view.state} ${view.lockStatus}`);
      if (supervisor.snapshot().clients.length !== pool) world.broken.push("L5: the pool has changed");
    });
  }

  /** Until nothing moves without the clock. */
  async quiet(): Promise<this> {
    const mark = () =>
      `${this.supervisor.state.position} ${this.world.sends} ${this.world.searches} ${this.failures.length}`;
    for (let still = 0, last = ""; still < 4;) {
      // oxlint-disable-next-line no-await-in-loop -- turns of the event loop follow each other
      await turn();
      const now = mark();
      still = now === last && this.world.appending === 0 ? still + 1 : 0;
      last = now;
    }
    return this;
  }

  /** Steps from timer to timer until `done`, at most so long. */
  async until(done: () => boolean, secondsMax = 3_600): Promise<this> {
    const { clock } = this.world;
    const end = clock.monotonicMs() + secondsMax * 1000;
    await this.quiet();
    while (!done()) {
      const next = clock.nextInMs;
      if (next === null || clock.monotonicMs() + next > end) {
        throw new Error(`Not reached in ${secondsMax} s: ${JSON.stringify(this.supervisor.snapshot())}`);
      }
      clock.advance(next);
      // oxlint-disable-next-line no-await-in-loop -- time passes in order
      await this.quiet();
    }
    return this;
  }

  settled(secondsMax?: number): Promise<this> {
    return this.until(() => this.supervisor.counters().unsettled === 0 && this.#allIdle(), secondsMax);
  }

  async pass(seconds: number): Promise<this> {
    const { clock } = this.world;
    const end = clock.monotonicMs() + seconds * 1000;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- time passes in order
      await this.quiet();
      const left = end - clock.monotonicMs();
      if (left <= 0) return this;
      clock.advance(Math.min(left, clock.nextInMs ?? left));
    }
  }

  async facts<T extends FactType>(type: T): Promise<FactOf<T>[]> {
    const found: FactOf<T>[] = [];
    for (const fact of await this.history()) if (fact.type === type) found.push(fact as FactOf<T>);
    return found;
  }

  async history(): Promise<Fact[]> {
    return listed(this.ledger.read(0, 10_000_000));
  }

  /** Current outcome by alarm id. */
  async outcomes(): Promise<Record<string, Outcome>> {
    return outcomesOf(await this.history());
  }

  async because(id: string, source = "urn:test"): Promise<string> {
    return (await this.supervisor.explain({ source, id }))?.because ?? "";
  }

  /** Sentences about broken laws, those watched while running included. */
  async broken(): Promise<string[]> {
    const { supervisor, world } = this;
    return [...world.broken, ...lawsBroken(await this.history(), supervisor.state)];
  }

  /** As kill -9: nothing of this opening happens any more; the storage is what was durable. */
  kill(): void {
    const { world } = this;
    this.#clock.kill();
    const { storage } = world;
    world.storage = {
      ...storage,
      facts: [...storage.facts],
      epochs: [...storage.epochs],
      factsMax: Infinity,
    };
  }

  #allIdle(): boolean {
    return this.supervisor.snapshot().clients.every((client) => client.lockStatus === "unlocked");
  }
}

async function listed(facts: AsyncIterable<Fact>): Promise<Fact[]> {
  const list: Fact[] = [];
  for await (const fact of facts) list.push(fact);
  return list;
}

/** Whether the ledger says so, read from its end: the fact is among the newest, or in a large commit. */
async function isSending(ledger: Ledger, requestId: string, attempt: number): Promise<boolean> {
  const { position } = ledger.head();
  for (const back of [100, 2_000, 100_000]) {
    // oxlint-disable-next-line no-await-in-loop -- the second is rarely needed
    const newest = await listed(ledger.read(Math.max(0, position - back), back));
    const found = newest.some(
      ({ type, body }) =>
        type === "request.sending" && body.requestId === requestId && body.attempt === attempt,
    );
    if (found) return true;
  }
  return false;
}

/** The time of one process: its timers die with it. */
class MortalClock implements Clock {
  readonly #world: Clock;
  readonly #timers = new Set<unknown>();
  #alive = true;

  constructor(world: Clock) {
    this.#world = world;
  }
  now(): number {
    return this.#world.now();
  }
  monotonicMs(): number {
    return this.#world.monotonicMs();
  }
  setTimeout(fn: () => void, ms: number): unknown {
    if (!this.#alive) return 0;
    const id = this.#world.setTimeout(() => {
      this.#timers.delete(id);
      fn();
    }, ms);
    this.#timers.add(id);
    return id;
  }
  clearTimeout(id: unknown): void {
    this.#timers.delete(id);
    this.#world.clearTimeout(id);
  }
  kill(): void {
    this.#alive = false;
    for (const id of this.#timers) this.#world.clearTimeout(id);
  }
}
