/**
 * The machine that the engine runs on: starts it, kills it at the moments that a scenario names, starts it again. What
 * outlives a process (disk, services, time) belongs to the world; what lives in it (timers, sockets, promises) dies.
 */
import { FailureError } from "../../machines/failure.ts";
import type { ConfigInput } from "../../actors/config.ts";
import type { Ledger } from "../../actors/ports.ts";
import type { SupervisorOptions } from "../../actors/supervisor-options.ts";
import { createSupervisor, type Supervisor } from "../../actors/supervisor.ts";
import { csvCodec } from "../../adapters/service-table/csv.ts";
import { decide, type Decision, type DecisionInput } from "../../machines/decision.ts";
import type { Random } from "./random.ts";
import type { CrashMoment, Scenario } from "./scenario.ts";
import { Life, type SimulatedClock } from "./simulated-clock.ts";
import type { DiskMoment, SimulatedDisk } from "./simulated-disk.ts";
import type { SimulatedServices } from "./simulated-service.ts";
import type { Counters, Situation } from "./situations.ts";

interface Trap {
  readonly moment: CrashMoment;
  after: number;
  readonly downMs: number;
  /** How many of the next openings are cut off as well. */
  readonly again: number;
}

export interface HostParts {
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  readonly services: Pick<SimulatedServices, "port" | "topology">;
  readonly scenario: Pick<Scenario, "config" | "services" | "hasTopology"> & {
    readonly rates: Pick<Scenario["rates"], "decide">;
  };
  /** What the engine is given besides. */
  readonly options?: Partial<SupervisorOptions>;
  readonly random: Random;
  readonly counters: Counters;
}

export interface HostHooks {
  readonly ready: (supervisor: Supervisor, life: Life) => void;
  /** The process is gone; what is left of it is what the disk holds. */
  readonly gone: (supervisor: Supervisor | null) => void;
  readonly settled: (sentence: string) => void;
}

const told: Readonly<Record<CrashMoment, Situation>> = {
  now: "crash at random",
  send: "crash in the middle of a send",
  written: "crash before the sync",
  synced: "crash between sync and answer",
  answered: "crash between commit and effect",
};

/** An orderly stop may take its drain and this. */
const stopMsMax = 120_000;

export class EngineHost {
  supervisor: Supervisor | null = null;
  life: Life;
  /** R3: its ledger failed; it records nothing any more, and stops. */
  isBroken = false;
  /** Batches given to the ledger, and those that came back. */
  readonly appends = { made: 0, over: 0 };
  /** What goes on between two steps: anything but the clock. */
  activity = 0;
  readonly #parts: HostParts;
  readonly #hooks: HostHooks;
  #trap: Trap | null = null;
  #recovering = 0;
  #lives = 0;
  #syncFailsUntilMs: number | null = null;
  #stopping = false;
  readonly #thrown = new Map<string, number>();
  #ids = 0;

  constructor(parts: HostParts, hooks: HostHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.life = new Life(parts.clock);
  }

  /** Starts the engine; `ready` tells when it is there. */
  open(): void {
    this.#lives += 1;
    this.#stopping = false;
    this.isBroken = false;
    const { clock, disk, services, scenario, random, counters } = this.#parts;
    const life = new Life(clock);
    this.life = life;
    const ledger = this.#counted(disk.open(life));
    const config: ConfigInput = scenario.config;
    const quiet = (): void => undefined;
    const chance = random.stream(`life/${this.#lives}`);
    createSupervisor({
      config,
      ledger,
      service: services.port(life),
      ...(scenario.hasTopology ? { topology: services.topology(life) } : {}),
      clock: life,
      ids: { uuid: () => `id-${(this.#ids += 1)}`, random: () => chance.next() },
      log: { info: quiet, warn: quiet, error: (event, fields) => this.#hear(event, fields) },
      services: scenario.services,
      serviceTableCodec: csvCodec,
      decide: (input) => this.#decide(input),
      ...this.#parts.options,
      // R3: the process stops.
      onBroken: (error) => {
        this.isBroken = true;
        if (error instanceof FailureError && error.failure.code === "ENGINE_DEFECT")
          this.#hooks.settled(`R6: ${error.message}`);
        life.setTimeout(() => this.die("now", random.int(0, 2_000), 0, null), random.int(0, 200));
      },
    }).then(
      (supervisor) => {
        this.activity += 1;
        if (!life.alive) return;
        this.supervisor = supervisor;
        this.#recovering = 0;
        this.#hooks.ready(supervisor, life);
      },
      () => {
        this.activity += 1;
        if (!life.alive) return;
        counters.count("start refused by the disk");
        this.die("now", 5_000, 0, null);
      },
    );
  }

  /** What a listener throws is a defect of the checks, which stops nothing and would be heard by nobody. */
  #hear(event: string, fields: Record<string, unknown> = {}): void {
    if (event === "listener.failed") this.#hooks.settled(`a listener threw: ${String(fields["error"])}`);
  }

  /** The next moment of this kind is the last one of the process. */
  arm(trap: Trap): void {
    if (trap.moment === "now") this.die("now", trap.downMs, trap.again);
    else this.#trap = { ...trap };
  }

  disarm(): void {
    this.#trap = null;
    this.#recovering = 0;
    this.#syncFailsUntilMs = null;
  }

  /** A moment has come at which the process may die. */
  at(moment: DiskMoment | "send"): void {
    this.activity += 1;
    const trap = this.#trap;
    if (trap === null || trap.moment !== moment || !this.life.alive) return;
    trap.after -= 1;
    if (trap.after >= 0) return;
    this.#trap = null;
    this.die(moment, trap.downMs, trap.again);
  }

  /**
   * Until nothing moves without the clock: every turn of the event loop takes all promises that can go on.
   * `activity`: rises with whatever happens.
   */
  async untilStill(activity: () => number): Promise<void> {
    const { appends } = this;
    for (let still = 0; still < 2;) {
      const before = activity();
      await new Promise((resolve) => setImmediate(resolve));
      if (activity() !== before) still = 0;
      else if (appends.made === appends.over) return;
      else still += 1;
    }
  }

  failSyncs(forMs: number): void {
    this.#syncFailsUntilMs = this.#parts.clock.monotonicMs() + forMs;
    this.#parts.counters.count(forMs === 0 ? "sync failed once" : "sync fails for long");
  }

  /** Whether the sync that ends now fails. */
  syncFails(): boolean {
    const until = this.#syncFailsUntilMs;
    if (until === null) return false;
    if (this.#parts.clock.monotonicMs() > until) this.#syncFailsUntilMs = null;
    // The one that was asked for fails in any case.
    return true;
  }

  /** As kill -9, and the engine is started again after a while. */
  die(moment: CrashMoment, downMs: number, again: number, counted: Situation | null = told[moment]): void {
    if (!this.life.alive) return;
    const { counters, disk, random, clock } = this.#parts;
    if (counted !== null) counters.count(counted);
    if (this.supervisor === null && counted !== null) {
      counters.count("crash during recovery");
      this.#recovering += 1;
      if (this.#recovering > 1) counters.count("crash while opening after that");
    }
    this.life.kill();
    const loss = disk.crash(random);
    if (loss.lostFacts > 0) counters.count("bytes lost");
    if (loss.torn) counters.count("torn tail");
    if (loss.keptFacts > 0) counters.count("unanswered commit survived");
    this.#end();
    clock.setTimeout(() => {
      this.open();
      if (again > 0)
        this.#trap = {
          moment: random.pick(["written", "synced", "answered"]),
          after: 0,
          downMs: 100,
          again: again - 1,
        };
    }, downMs);
  }

  restart(drainSeconds: number): void {
    const { supervisor, life } = this;
    const { clock, counters } = this.#parts;
    if (supervisor === null || this.#stopping) return;
    this.#stopping = true;
    // Twice, so that the second begins after any pause.
    const late = `R2: an orderly stop with ${drainSeconds} s of drain does not end`;
    const watch = (): unknown => life.setTimeout(() => this.#hooks.settled(late), stopMsMax);
    life.setTimeout(watch, drainSeconds * 1_000 + stopMsMax);
    const stopped = (): void => {
      this.activity += 1;
      if (!life.alive) return;
      counters.count("orderly restart");
      life.kill();
      this.#end();
      clock.setTimeout(() => this.open(), 1_000);
    };
    supervisor.stop({ drainSeconds }).then(stopped, () => {
      if (life.alive) this.die("now", 1_000, 0, null);
    });
  }

  #end(): void {
    this.appends.made = 0;
    this.appends.over = 0;
    const { supervisor } = this;
    this.supervisor = null;
    this.#hooks.gone(supervisor);
  }

  /** R6: some alarms are poison, now and then or for good. */
  #decide(input: DecisionInput): Decision {
    const { scenario, random, counters } = this.#parts;
    const id = input.group[0]?.ref.id ?? "";
    const poison = random.stream(`poison/${id}`);
    if (scenario.rates.decide > 0 && poison.chance(scenario.rates.decide)) {
      const times = this.#thrown.get(id) ?? 0;
      if (times < poison.pick([1, 2, 5])) {
        this.#thrown.set(id, times + 1);
        counters.count("decision crashed");
        throw new Error(`A defect in the decision about ${id}.`);
      }
    }
    return decide(input);
  }

  /** What is on its way to the disk is known, so that the world waits for it. */
  #counted(ledger: Ledger): Ledger {
    const { appends } = this;
    const { life } = this;
    const over = (): void => {
      if (!life.alive) return;
      appends.over += 1;
      this.activity += 1;
    };
    return {
      ...ledger,
      append: (batch) => {
        if (life.alive) appends.made += 1;
        const appended = ledger.append(batch);
        appended.then(over, over);
        return appended;
      },
    };
  }
}
