/**
 * A whole engine in a simulated world, from one seed: the real machines, fold and actors; clock, disk, services,
 * sockets, operators and readers are simulated. After every step of the clock everything comes to rest and the laws
 * are looked at.
 *   Safety: faults to the very end. Liveness: then the faults stop, and everything must settle.
 */
import { limits } from "../../machines/limits.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import { AlarmSource } from "./alarm-source.ts";
import { EngineHost } from "./engine-host.ts";
import { FactSituations } from "./fact-situations.ts";
import { FeedReaders } from "./feed-readers.ts";
import { LedgerLaws } from "./ledger-laws.ts";
import { LiveLaws, Shadow } from "./live-laws.ts";
import { Operators } from "./operators.ts";
import { Random } from "./random.ts";
import { drawScenario, type Act, type Scenario } from "./scenario.ts";
import { SendLaws } from "./send-laws.ts";
import { settledLaws, unrest } from "./settled-laws.ts";
import { SimulatedClock, type Life } from "./simulated-clock.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { SimulatedServices } from "./simulated-service.ts";
import { Counters } from "./situations.ts";
import { actAsStranger } from "./stranger.ts";

export type Mode = "safety" | "liveness";

export interface Result {
  readonly broken: readonly string[];
  readonly counters: Counters;
  readonly facts: number;
  readonly steps: number;
}

/** Far more than any scenario needs. */
const stepsMax = 40_000;
const slowestSyncMs = 3_000;
/** R1 is looked at every so many steps, and whenever a process ends. */
const stepsToCompare = 50;
/** How long the engine may take to settle once all is well. */
const settleMsMax = 6 * 3_600_000;

export interface Asked {
  readonly seed: number;
  readonly mode: Mode;
  /** Instead of what the seed draws. */
  readonly scenario?: Scenario;
  /** Told of every fact and every act; for people. */
  readonly tell?: (line: string) => void;
}

export function scenarioOf(seed: number): Scenario {
  return drawScenario(new Random(`${seed}`).stream("scenario"));
}

export function simulate(asked: Asked): Promise<Result> {
  return new Simulation(asked).run();
}

class Simulation {
  readonly #mode: Mode;
  readonly #scenario: Scenario;
  readonly #tell: (line: string) => void;
  readonly #counters = new Counters();
  readonly #clock = new SimulatedClock();
  readonly #laws = new LedgerLaws(() => this.#clock.monotonicMs());
  readonly #shadow = new Shadow((upTo) => this.#disk.facts(0, upTo));
  readonly #situations = new FactSituations(this.#counters);
  readonly #live: LiveLaws;
  readonly #sends: SendLaws;
  readonly #services: SimulatedServices;
  readonly #disk: SimulatedDisk;
  readonly #host: EngineHost;
  readonly #source: AlarmSource;
  readonly #operators: Operators;
  readonly #readers: FeedReaders;
  readonly #broken: string[] = [];
  #pool: number;
  #evicted = 0;
  #delivered = 0;
  #steps = 0;

  constructor({ seed, mode, scenario, tell }: Asked) {
    const random = new Random(`${seed}`);
    this.#mode = mode;
    this.#scenario = scenario ?? scenarioOf(seed);
    this.#tell = tell ?? (() => undefined);
    const { rates, config } = this.#scenario;
    const [clock, counters] = [this.#clock, this.#counters];
    this.#pool = config.clients ?? limits.clientsDefault;
    this.#live = new LiveLaws(config.lockSecondsMax ?? limits.lockSecondsMaxDefault, counters);
    this.#sends = new SendLaws(clock, this.#laws, () => this.#host.supervisor?.state ?? null);
    const syncs = random.stream("syncs");
    this.#disk = new SimulatedDisk({
      syncMs: () =>
        !this.#services.isWell && syncs.chance(rates.slowSync)
          ? syncs.int(50, slowestSyncMs)
          : syncs.int(0, 3),
      fails: () => this.#host.syncFails(),
      at: (moment) => this.#host.at(moment),
      durable: (facts) => {
        for (const fact of facts) {
          this.#tell(`${fact.position} ${fact.stream} ${fact.type} ${JSON.stringify(fact.body)}`);
          this.#shadow.observe(fact);
          this.#laws.observe(fact);
          this.#situations.observe(fact);
        }
      },
    });
    this.#services = new SimulatedServices({
      clock,
      random: random.stream("services"),
      rates,
      counters,
      hooks: {
        sending: (call) => this.#sends.sending(call),
        sent: () => this.#host.at("send"),
        ended: (call, certain) => {
          this.#host.activity += 1;
          this.#sends.ended(call, certain);
        },
        deliver: (result) => this.#deliver(result, 0),
      },
    });
    this.#source = new AlarmSource(this.#laws, counters);
    this.#readers = new FeedReaders(3, () => this.#disk.durable, counters);
    const { truth } = this.#services;
    this.#operators = new Operators({
      clock,
      truth,
      counters,
      restedMs: (requestId) => this.#sends.restedMs(requestId),
    });
    const parts = { clock, disk: this.#disk, services: this.#services, scenario: this.#scenario, counters };
    this.#host = new EngineHost(
      { ...parts, random: random.stream("host") },
      {
        ready: (supervisor, life) => this.#ready(supervisor, life),
        gone: (supervisor) => this.#gone(supervisor),
        settled: (sentence) => void this.#broken.push(sentence),
      },
    );
  }

  async run(): Promise<Result> {
    const { steps, endMs } = this.#scenario;
    for (const { atMs, act } of steps) this.#clock.setTimeout(() => this.#act(act), atMs);
    this.#clock.setTimeout(() => undefined, endMs);
    this.#host.open();
    try {
      await this.#goOn(() => this.#clock.monotonicMs() >= endMs, endMs);
      if (this.#mode === "liveness" && this.#found() === 0) await this.#settle();
      if (this.#found() === 0) this.#checkAtEnd();
    } catch (error) {
      this.#broken.push(
        `R6: thrown through the engine: ${error instanceof Error ? error.stack : String(error)}`,
      );
    }
    const broken = [...this.#broken, ...this.#laws.broken, ...this.#live.broken, ...this.#sends.broken];
    broken.push(...this.#services.truth.broken, ...this.#source.broken, ...this.#operators.broken);
    broken.push(...this.#readers.broken);
    this.#host.life.kill();
    return { broken, counters: this.#counters, facts: this.#disk.durable, steps: this.#steps };
  }

  /** Steps until `done`, or until the time is over; stops at the first breach. */
  async #goOn(done: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      await this.#host.untilStill(() => this.#activity());
      this.#look();
      if (this.#found() > 0) return false;
      if (done()) return true;
      const next = this.#clock.nextMs;
      if (next === null || next > untilMs) return false;
      this.#steps += 1;
      if (this.#steps > stepsMax) throw new Error("The simulation does not come to an end.");
      this.#clock.step();
    }
  }

  #activity(): number {
    const { written, answered } = this.#disk.counts;
    const { made, over } = this.#host.appends;
    return this.#host.activity + written + answered + made + over + this.#services.calls;
  }

  #look(): void {
    const { supervisor, appends } = this.#host;
    if (supervisor === null) return;
    const { state } = supervisor;
    const isCalm = appends.made === appends.over && !this.#host.isBroken;
    const commitMs = (this.#disk.groups + 1) * slowestSyncMs + 10;
    const { life } = this.#host;
    // A lock's deadline may be among what came in while the process stood still.
    const how = { isCalm, isPaused: life.isPaused || life.hasHeld, commitMs };
    this.#live.check(state, this.#clock.monotonicMs(), how);
    if (this.#steps % stepsToCompare === 0) this.#compare(supervisor);
    if (this.#scenario.config.delays?.createSeconds !== 0 && supervisor.snapshot().queue.parkedFor.holdDown)
      this.#counters.count("hold-down");
    let evicted = 0;
    for (const table of state.tables.values()) evicted += table.evicted;
    if (evicted > this.#evicted) this.#counters.count("row evicted", evicted - this.#evicted);
    this.#evicted = evicted;
  }

  #found(): number {
    return (
      this.#broken.length +
      this.#laws.broken.length +
      this.#live.broken.length +
      this.#sends.broken.length +
      this.#services.truth.broken.length +
      this.#source.broken.length +
      this.#operators.broken.length +
      this.#readers.broken.length
    );
  }

  // --- what happens

  #act(act: Act): void {
    this.#tell(`-- ${this.#clock.monotonicMs()} ms: ${JSON.stringify(act)}`);
    switch (act.act) {
      case "alarm":
        return this.#source.alarm(act, this.#clock.now());
      case "repeat":
        return this.#source.repeat(act);
      case "crash":
        return this.#host.arm(act);
      case "restart":
        return this.#host.restart(act.drainSeconds);
      case "pause":
        return this.#pause(act.ms);
      case "jump":
        this.#counters.count(act.ms > 0 ? "clock set forward" : "clock set back");
        return this.#clock.jump(act.ms);
      case "syncFails":
        return this.#host.failSyncs(act.forMs);
      case "outage":
        this.#counters.count("outage");
        this.#services.outage = { how: act.how, untilMs: this.#clock.monotonicMs() + act.ms };
        return;
      case "force":
        return this.#operators.force(act);
      case "stranger":
        if (actAsStranger(act, this.#services.truth, this.#scenario.services, this.#clock))
          this.#counters.count("ticket closed by a stranger");
        return;
      case "reader":
        return this.#readers.act(act.who, act.what);
      default:
        return this.#operators.act(act);
    }
  }

  #pause(ms: number): void {
    const { life } = this.#host;
    if (ms >= this.#lockMs()) this.#counters.count("pause past the lock");
    life.pause(ms);
  }

  #lockMs(): number {
    return (this.#scenario.config.lockSecondsMax ?? limits.lockSecondsMaxDefault) * 1_000;
  }

  /** G5: while the engine is away the service tries again, for a while. */
  #deliver(result: Parameters<Supervisor["deliverAsync"]>[0], tries: number): void {
    const { supervisor, life } = this.#host;
    const again = (): void => {
      if (tries < 5) this.#clock.setTimeout(() => this.#deliver(result, tries + 1), 3_000);
    };
    if (supervisor === null) return again();
    life.reach(() => {
      supervisor.deliverAsync(result).then(() => {
        this.#host.activity += 1;
        if (life.alive) this.#delivered += 1;
      }, again);
    });
  }

  // --- the engine comes and goes

  #ready(supervisor: Supervisor, life: Life): void {
    supervisor.onClient((view) => {
      this.#host.activity += 1;
      if (!life.alive) return;
      this.#live.view(view);
      this.#operators.onClient(view);
      if (supervisor.snapshot().clients.length !== this.#pool) this.#broken.push("L5: the pool has changed");
    });
    this.#operators.connect(supervisor, life);
    this.#readers.connect(supervisor, life);
    this.#source.connect(supervisor, life);
    this.#live.restarted();
    this.#evicted = 0;
  }

  #gone(supervisor: Supervisor | null): void {
    this.#source.disconnect();
    this.#operators.disconnect();
    this.#readers.disconnect();
    this.#source.check();
    if (supervisor !== null) this.#compare(supervisor);
  }

  /** R1. */
  #compare({ state }: Supervisor): void {
    if (state.position > this.#disk.durable)
      this.#broken.push(
        `A1: the engine had acted on ${state.position}, and ${this.#disk.durable} is what is left`,
      );
    else this.#broken.push(...this.#shadow.compare(state));
  }

  // --- liveness

  async #settle(): Promise<void> {
    this.#tell(`-- ${this.#clock.monotonicMs()} ms: all is well from now on`);
    this.#services.isWell = true;
    this.#services.outage = null;
    this.#services.truth.giveBack();
    this.#host.disarm();
    this.#operators.goHome();
    await this.#comeToRest("with the alarms that are left");
    this.#source.clearAll(this.#clock.now());
    await this.#comeToRest("after all alarms were cleared");
    this.#checkCleared();
  }

  async #comeToRest(when: string): Promise<void> {
    if (this.#found() > 0) return;
    const endMs = this.#clock.monotonicMs() + settleMsMax;
    let quietMs: number | null = null;
    let askedMs = -Infinity;
    const rested = await this.#goOn(() => {
      const ms = this.#clock.monotonicMs();
      const { supervisor } = this.#host;
      if (supervisor === null || this.#source.unacknowledged > 0 || unrest(supervisor.state) !== null)
        quietMs = null;
      else if (supervisor.state.unknown.size > 0) {
        quietMs = null;
        if (ms < askedMs + 60_000) return false;
        askedMs = ms;
        this.#operators.resolveAll();
        this.#clock.setTimeout(() => undefined, 60_000);
      } else {
        if (quietMs === null) this.#clock.setTimeout(() => undefined, 600_000);
        quietMs ??= ms;
      }
      return quietMs !== null && ms - quietMs >= 600_000;
    }, endMs);
    if (this.#found() > 0) return;
    const { supervisor } = this.#host;
    if (!rested)
      this.#broken.push(
        `A2: ${when} the engine does not settle: ${supervisor === null ? "it does not start" : (unrest(supervisor.state) ?? `${this.#source.unacknowledged} unacknowledged, ${supervisor.state.unknown.size} unknown`)}`,
      );
    else if (supervisor !== null)
      this.#broken.push(...settledLaws(supervisor.state, this.#laws, this.#services.truth));
  }

  /** A8, the other way round: nothing is active, so nothing waits and nothing is held open. */
  #checkCleared(): void {
    const state = this.#host.supervisor?.state;
    if (state === undefined || this.#found() > 0) return;
    for (const key of state.keys.values()) {
      if (key.waiting.length > 0) this.#broken.push(`A2: ${key.key} waits though everything is cleared`);
      if (key.active.size > 0)
        this.#broken.push(`A8: ${key.key} has active alarms though everything is cleared`);
      const { liedAbout } = this.#services.truth;
      if (this.#laws.isLeftOpen(key.key) || liedAbout.has(key.key)) continue;
      for (const ticketId of key.open.keys())
        if (!this.#laws.isTold(key.key, ticketId))
          this.#broken.push(`A8: ${key.key} is cleared, and ${ticketId} is open`);
    }
  }

  #checkAtEnd(): void {
    const { supervisor } = this.#host;
    if (supervisor !== null) this.#compare(supervisor);
    if (this.#laws.asyncResults < this.#delivered)
      this.#broken.push(
        `G5: ${this.#delivered} async results were taken, ${this.#laws.asyncResults} are in the ledger`,
      );
    for (const requestId of this.#laws.uncorrected)
      this.#broken.push(`A2: a late result said OK of ${requestId}, and its outcome was not corrected`);
    this.#broken.push(...this.#readers.check(this.#disk.facts(0, this.#disk.durable)));
  }
}
