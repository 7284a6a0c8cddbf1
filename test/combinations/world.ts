/**
 * One combination of faults, run to its end: the real machines, fold and actors over the simulation's disk and clock,
 * and services that do what the plan says. After every step of the clock everything comes to rest and the laws are
 * looked at; when the story is over the faults stop and everything must settle, then be cleared, then be closed.
 */
import type { Supervisor } from "../../actors/supervisor.ts";
import { createMemoryReceiver } from "../../adapters/heartbeat/memory.ts";
import { fail } from "../../machines/failure.ts";
import type { HeartbeatReceiver } from "../../actors/ports.ts";
import type { ClientStateName, Idempotency, ServiceInfo } from "../../machines/vocabulary.ts";
import { AlarmSource } from "../simulation/alarm-source.ts";
import { EngineHost } from "../simulation/engine-host.ts";
import { LedgerLaws } from "../simulation/ledger-laws.ts";
import { LiveLaws, Shadow } from "../simulation/live-laws.ts";
import { Operators } from "../simulation/operators.ts";
import { SendLaws } from "../simulation/send-laws.ts";
import { settledLaws, unrest } from "../simulation/settled-laws.ts";
import { SimulatedClock, type Life } from "../simulation/simulated-clock.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";
import { Counters } from "../simulation/situations.ts";
import { Fate } from "./fate.ts";
import { FaultPlan, type PlannedFault } from "./fault-plan.ts";
import type { FaultAt, FaultName, Point, PointKind } from "./faults.ts";
import type { FlowAct, FlowKind } from "./flow-kinds.ts";
import { holdByHand } from "./held-by-hand.ts";
import { forgetTurns, turnsText } from "./line-turns.ts";
import { ScriptedServices } from "./scripted-services.ts";
import { settledTruth } from "./settled-truth.ts";
import { worldHash } from "./world-hash.ts";
import { WorldTimers } from "./world-timers.ts";

export interface Asked {
  readonly flow: FlowKind;
  readonly promise: Idempotency;
  readonly faults: readonly PlannedFault[];
  /** For trying the laws: what is late comes later than the service promises. */
  readonly breaksPromise?: boolean;
  /** Told at every moment of rest after the last fault; true: this future is known, and need not be gone through. */
  readonly isKnown?: (hash: string) => boolean;
  /** For people. */
  readonly tell?: (line: string) => void;
}

export interface Ended {
  readonly broken: readonly string[];
  readonly plan: FaultPlan;
  /** Stopped where `isKnown` said so. */
  readonly isKnown: boolean;
  readonly steps: number;
  /** Outcomes of the alarms, in the order accepted. */
  readonly outcomes: readonly string[];
}

const stepsMax = 20_000;
/** How long the engine may take to settle once all is well; and how long it must stay so. */
const settleMsMax = 12 * 3_600_000;
const quietMsMin = 600_000;
/** A killed process is back at the next whole one of these, however long that is. */
const startsEveryMs = 5_000;
const lockSecondsMax = 60;
const slowSyncMs = 2_000;
/** As many slow syncs as there are faults at once. */
const commitMs = 3 * slowSyncMs + 10;
const settleMs = 10_000;
let moments = 0;
const twoDaysMs = 172_800_000;

export class World {
  readonly #asked: Asked;
  readonly #tell: (line: string) => void;
  readonly #clock = new SimulatedClock();
  readonly #timers = new WorldTimers(this.#clock);
  readonly #fate = new Fate();
  readonly #counters = new Counters();
  readonly #laws = new LedgerLaws(() => this.#clock.monotonicMs());
  readonly #live = new LiveLaws(lockSecondsMax, this.#counters);
  readonly #plan: FaultPlan;
  readonly #services: ScriptedServices;
  readonly #sends: SendLaws;
  readonly #disk: SimulatedDisk;
  readonly #host: EngineHost;
  readonly #source: AlarmSource;
  readonly #operators: Operators;
  readonly #broken: string[] = [];
  readonly #given = new Map<string, FaultName>();
  readonly #seen = new Map<PointKind, number>();
  /** Faults may strike, and points count. */
  #isOpen = false;
  #isSyncSlow = false;
  /** Flows by hand and beats that are under way. */
  #busy = 0;
  #stepsLeft: number;
  #delivered = 0;
  /** Requests that left, and those whose exchange has ended. */
  #sent = 0;
  #answered = 0;
  #steps = 0;
  #startsAtMs: number | null = null;
  /** When the process that runs was opened, and when its clock was set last. */
  #begunMs = 0;
  #setMs = -Infinity;
  #wasQuiet = false;
  #waitedFor = "";
  #stopped = false;

  constructor(asked: Asked) {
    this.#asked = asked;
    this.#tell = asked.tell ?? (() => undefined);
    const { flow, promise } = asked;
    this.#stepsLeft = flow.steps.length;
    this.#plan = new FaultPlan(asked.faults, (point, fault) => this.#classOf(point, fault), this.#tell);
    for (const { kind, nth, fault } of flow.given ?? []) this.#given.set(`${kind} ${nth}`, fault);
    const clock = this.#clock;
    this.#services = new ScriptedServices({
      clock,
      timers: this.#timers,
      lateSettles: asked.breaksPromise === true ? 3 : 0.5,
      at: (point) => this.#at(point),
      kill: () => this.#kill(),
      sending: (call) => {
        this.#sent += 1;
        this.#sends.sending(call);
      },
      ended: (call, certain) => {
        this.#host.activity += 1;
        this.#answered += 1;
        this.#sends.ended(call, certain);
      },
      deliver: (result) => this.#deliver(result, 0),
    });
    this.#sends = new SendLaws(clock, this.#laws, () => this.#host.supervisor?.state ?? null);
    this.#disk = new SimulatedDisk({
      syncMs: () => this.#syncMs(),
      fails: () => this.#host.syncFails(),
      at: (moment) => {
        this.#host.at(moment);
        this.#atDisk(moment);
      },
      durable: (facts) => {
        for (const fact of facts) {
          if (asked.tell !== undefined)
            this.#tell(`${fact.position} ${fact.stream} ${fact.type} ${JSON.stringify(fact.body)}`);
          this.#laws.observe(fact);
        }
      },
    });
    this.#source = new AlarmSource(this.#laws, this.#counters);
    const restedMs = (requestId: string): number => this.#sends.restedMs(requestId);
    const { truth } = this.#services;
    this.#operators = new Operators({ clock, truth, counters: this.#counters, restedMs });
    const config = {
      clients: 1,
      coalesce: true,
      lockSecondsMax,
      gateway: { notOwnerRetrySeconds: 5 },
      ...(flow.hasHeartbeat === true
        ? { heartbeat: { url: "http://127.0.0.1/chain", probeSeconds: 86_400 } }
        : {}),
      ...flow.config,
    };
    this.#host = new EngineHost(
      {
        clock,
        disk: this.#disk,
        services: this.#services,
        scenario: {
          config,
          services: servicesOf(promise, flow.asyncSeconds ?? 0),
          hasTopology: flow.hasTopology ?? false,
          rates: { decide: 0 },
        },
        random: this.#fate,
        counters: this.#counters,
        ...(flow.hasHeartbeat === true ? { options: { heartbeatReceiver: () => this.#receiver() } } : {}),
      },
      {
        ready: (supervisor, life) => this.#ready(supervisor, life),
        gone: (supervisor) => this.#gone(supervisor),
        settled: (sentence) => void this.#broken.push(sentence),
      },
    );
  }

  /** Points after the last fault, so far. */
  get points(): FaultPlan["after"] {
    return this.#plan.after;
  }

  async run(): Promise<Ended> {
    const { flow } = this.#asked;
    const from = flow.from ?? 0;
    for (const atMs of new Set(flow.steps.map((step) => step.atMs)))
      this.#timers.later(atMs, `steps at ${atMs}`, () => {
        for (const [index, { act }] of flow.steps.entries()) {
          if (flow.steps[index]?.atMs !== atMs) continue;
          this.#tell(`-- ${this.#clock.monotonicMs()} ms: ${JSON.stringify(act)}`);
          if (index >= from) this.#isOpen = true;
          this.#stepsLeft -= 1;
          this.#act(act);
        }
      });
    forgetTurns();
    this.#isOpen = from === 0;
    this.#host.open();
    try {
      await this.#untilRest("while faults may strike", () => false);
      if (!this.#stopped && this.#found() === 0) await this.#settle();
      if (!this.#stopped && this.#found() === 0) this.#checkAtEnd();
    } catch (error) {
      const what = error instanceof Error ? error.stack : String(error);
      this.#broken.push(`R6: thrown through the engine: ${what}`);
    }
    const outcomes = [...this.#laws.outcomes.values()].map(({ outcome }) => outcome);
    this.#host.life.kill();
    return {
      broken: this.#found() === 0 ? [] : this.#all(),
      plan: this.#plan,
      isKnown: this.#stopped,
      steps: this.#steps,
      outcomes,
    };
  }

  // --- one step after the other

  /** Until all steps are done and nothing has moved for a while, or `isEnough`; a breach ends it. */
  async #untilRest(when: string, isEnough: () => boolean): Promise<void> {
    const endMs = this.#clock.monotonicMs() + settleMsMax * (1 + this.#stepsLeft);
    let restMs: number | null = null;
    for (;;) {
      await this.#host.untilStill(() => this.#activity());
      this.#look();
      if (this.#found() > 0 || this.#stopped || isEnough()) return;
      const ms = this.#clock.monotonicMs();
      const why = this.#stepsLeft > 0 ? "steps are left" : this.#unrest();
      if (why !== null) restMs = null;
      else {
        if (restMs === null) this.#timers.later(quietMsMin, "rest", () => undefined);
        restMs ??= ms;
        if (ms - restMs >= quietMsMin) return;
      }
      const next = this.#clock.nextMs;
      this.#steps += 1;
      if (next === null || next > endMs || this.#steps > stepsMax) {
        this.#broken.push(`A2: ${when} the engine does not settle: ${why ?? "it has nothing to wait for"}`);
        return;
      }
      this.#clock.step();
    }
  }

  #activity(): number {
    const { written, answered } = this.#disk.counts;
    const { made, over } = this.#host.appends;
    return this.#host.activity + written + answered + made + over + this.#services.calls + this.#busy;
  }

  #unrest(): string | null {
    const { supervisor } = this.#host;
    if (supervisor === null) return "it does not start";
    if (this.#source.unacknowledged > 0) return `${this.#source.unacknowledged} unacknowledged`;
    if (this.#busy > 0) return `${this.#busy} by hand`;
    return unrest(supervisor.state);
  }

  #look(): void {
    const { supervisor, appends } = this.#host;
    const { life } = this.#host;
    // A lock's deadline may be among what came in while the process stood still.
    const isPaused = life.alive && (life.isPaused || life.hasHeld);
    if (supervisor !== null) {
      const how = { isCalm: appends.made === appends.over && !this.#host.isBroken, isPaused, commitMs };
      this.#live.check(supervisor.state, this.#clock.monotonicMs(), how);
    }
    this.#whenCalm();
  }

  /** Comparing where nothing is under way but what others do; and where not even that is, a point of its own. */
  #whenCalm(): void {
    if (!this.#isOpen || this.#found() > 0) return;
    const isQuiet = this.#isQuiet();
    const entered = isQuiet && !this.#wasQuiet;
    this.#wasQuiet = isQuiet;
    const waitsFor = this.#services.underWay();
    const isNew = entered || (!isQuiet && waitsFor !== this.#waitedFor && this.#hasOneKey && this.#isCalm());
    if (!isNew) return;
    this.#waitedFor = waitsFor;
    if (this.#plan.isDone && this.#asked.isKnown?.(this.#hash(isQuiet)) === true) {
      this.#stopped = true;
      return;
    }
    if (!entered || this.#host.supervisor === null) return;
    const fault = this.#at({ kind: "quiet", name: `nothing moves at ${this.#laws.outcomes.size} outcomes` });
    if (fault === "kill") this.#kill();
    else if (fault !== null) this.#setClock(fault);
  }

  #hash(isQuiet: boolean): string {
    const { supervisor } = this.#host;
    const ms = this.#clock.monotonicMs();
    return worldHash({
      state: supervisor?.state ?? null,
      history: () => this.#disk.facts(0, this.#disk.durable),
      actors: isQuiet ? null : supervisor?.root,
      nowAt: this.#clock.now() + (this.#startsAtMs ?? ms) - ms,
      nowMs: this.#startsAtMs ?? ms,
      services: this.#services,
      laws: this.#laws,
      sends: this.#sends,
      timers: this.#timers.pending(),
      dueMs: supervisor === null ? [] : this.#clock.dueMs(),
      rest: [
        this.#source.unacknowledged,
        this.#delivered - this.#laws.asyncResults,
        this.#hasOneKey ? "" : turnsText(),
        this.#isSyncSlow,
        this.#sinceConfirmed(supervisor === null ? 0 : ms - this.#begunMs),
      ],
    });
  }

  /**
   * What the process knows of a ticket's age besides the fold (R5): tickets of before its start count from there. Just
   * after its clock was set the ages that the fold shows tell nothing, and no world is like another.
   */
  #sinceConfirmed(processMs: number): unknown {
    if (this.#clock.monotonicMs() - this.#setMs < settleMs) return `moment ${(moments += 1)}`;
    return Math.min(processMs, settleMs);
  }

  /** Where several keys wait in one line it is more than what can be looked into. */
  get #hasOneKey(): boolean {
    const keys = new Set(this.#asked.flow.steps.map(({ act }) => ("key" in act ? act.key : "")));
    return keys.size <= 1;
  }

  /** No commit is under way, and nobody but the engine knows how far it has come. */
  #isCalm(): boolean {
    const { supervisor, life, appends } = this.#host;
    if (supervisor === null || !life.alive || life.isPaused || life.hasHeld) return false;
    return appends.made === appends.over && this.#busy === 0 && this.#source.unacknowledged === 0;
  }

  #isQuiet(): boolean {
    const { supervisor, life } = this.#host;
    if (supervisor === null)
      return !life.alive && this.#startsAtMs !== null && (this.#clock.nextMs ?? 0) >= this.#startsAtMs;
    if (!this.#isCalm() || this.#services.open > 0) return false;
    const { state } = supervisor;
    for (const { lock } of state.clients.values()) if (lock !== null) return false;
    for (const key of state.keys.values()) if (key.flow !== null) return false;
    return supervisor.snapshot().clients.every((one) => one.state === "idle");
  }

  #all(): string[] {
    const { truth } = this.#services;
    const all = [...this.#broken, ...this.#laws.broken, ...this.#live.broken, ...this.#sends.broken];
    return [...all, ...truth.broken, ...this.#source.broken, ...this.#operators.broken];
  }

  #found(): number {
    return (
      this.#broken.length +
      this.#laws.broken.length +
      this.#live.broken.length +
      this.#sends.broken.length +
      this.#services.truth.broken.length +
      this.#source.broken.length +
      this.#operators.broken.length
    );
  }

  // --- points

  #at<K extends PointKind>(point: Point & { readonly kind: K }): FaultAt<K> | null {
    const nth = (this.#seen.get(point.kind) ?? 0) + 1;
    this.#seen.set(point.kind, nth);
    const given = this.#given.get(`${point.kind} ${nth}`);
    if (given !== undefined) return given as FaultAt<K>;
    return this.#isOpen ? this.#plan.at(point) : null;
  }

  /**
   * What follows from the fault, as far as that can be said without running it. A kill leaves what is durable, what the
   * services know and what is on its way from them; a force comes with the next step; a clock that nobody reads in
   * between may be set sooner or later. null: only a run can tell.
   */
  #classOf({ kind }: Point, fault: FaultName): string | null {
    const { steps, set, reads } = this.#clock.uses;
    if (fault === "kill" || fault === "killLost" || fault === "killKept") {
      // The exchange that it cuts off begins or has ended with it.
      if (kind === "send" || kind === "async" || kind === "beat") return null;
      const { durable } = this.#disk;
      const kept = fault === "killKept" ? this.#disk.written : durable;
      const timers = this.#timers
        .pending()
        .flatMap(({ atMs, name, isOut }) => (isOut ? [`${atMs} ${name}`] : []));
      const known = [kept, this.#startsAt(), this.#source.unacknowledged, this.#delivered];
      return `kill ${[...known, this.#sent, this.#answered, ...timers].join()}`;
    }
    if (kind !== "client") return null;
    if (fault === "unlock" || fault === "notBusy") return `${fault} ${steps} ${set}`;
    if (fault === "pause") return `pause ${steps} ${set}`;
    return `${fault} ${steps} ${set} ${reads}`;
  }

  #atDisk(moment: "written" | "synced" | "answered"): void {
    const named = (): string => {
      const facts = this.#disk.facts(Math.max(0, this.#disk.durable - 8), this.#disk.durable + 20);
      return facts.length === 0 ? "" : `position ${facts.at(-1)?.position}, ${facts.at(-1)?.type}`;
    };
    const name = this.#asked.tell === undefined ? "a commit" : `the commit up to ${named()}`;
    if (moment !== "written") {
      if (this.#at({ kind: moment, name }) === "kill") this.#kill();
      return;
    }
    switch (this.#at({ kind: moment, name })) {
      case "killLost":
        return this.#kill();
      case "killKept":
        this.#fate.keepsBytes = true;
        this.#kill();
        this.#fate.keepsBytes = false;
        return;
      case "syncFails":
        return this.#host.failSyncs(0);
      case "syncSlow":
        this.#isSyncSlow = true;
        return;
      case null:
    }
  }

  #syncMs(): number {
    const ms = this.#isSyncSlow ? slowSyncMs : 0;
    this.#isSyncSlow = false;
    return ms;
  }

  #kill(): void {
    const { life } = this.#host;
    if (!life.alive) return;
    this.#startsAtMs = this.#startsAt();
    this.#host.die("now", this.#startsAtMs - this.#clock.monotonicMs(), 0, null);
  }

  /** When a process that dies now is back. */
  #startsAt(): number {
    const ms = this.#clock.monotonicMs();
    const left = startsEveryMs - (ms % startsEveryMs);
    return ms + (left < 1_000 ? left + startsEveryMs : left);
  }

  #atClient(clientId: string, state: ClientStateName): void {
    const fault = this.#at({ kind: "client", name: `${clientId} is ${state}` });
    if (fault === null) return;
    if (fault === "pause") return this.#host.life.pause(lockSecondsMax * 1_000 + 10_000);
    if (fault !== "unlock" && fault !== "notBusy") return this.#setClock(fault);
    const client = Number(clientId.slice("client-".length)) - 1;
    const force = (guid: "seen" | "old", times: number): void =>
      this.#operators.force({ act: "force", what: fault, client, state: null, guid, times });
    this.#timers.later(0, `force ${fault} ${clientId}`, () => force("seen", 2));
    if (fault === "unlock") this.#timers.later(1_000, `force again ${clientId}`, () => force("old", 1));
  }

  #setClock(fault: "clockForward" | "clockBack"): void {
    this.#setMs = this.#clock.monotonicMs();
    this.#clock.jump(fault === "clockForward" ? twoDaysMs : -twoDaysMs);
  }

  /** G5: what does not get through is delivered again, for a while. */
  #deliver(result: Parameters<Supervisor["deliverAsync"]>[0], tries: number): void {
    const again = (): void => {
      if (tries < 5)
        this.#timers.later(3_000, `result ${result.requestId} ${result.result} again ${tries}`, () =>
          this.#deliver(result, tries + 1),
        );
    };
    const { supervisor, life } = this.#host;
    if (supervisor === null) return again();
    const fault = this.#at({ kind: "async", name: `async result ${result.result}` });
    if (fault === "kill") this.#kill();
    if (fault !== null) return again();
    life.reach(() => {
      supervisor.deliverAsync(result).then(() => {
        this.#host.activity += 1;
        if (life.alive) this.#delivered += 1;
      }, again);
      life.atEnd(again);
    });
  }

  // --- what happens

  #act(act: FlowAct): void {
    const { truth } = this.#services;
    switch (act.act) {
      case "alarm":
        return this.#source.alarm(
          { alarm: "a", severity: "major", plannedOutage: false, agoMs: 0, ...act },
          this.#clock.now(),
        );
      case "repeat":
        return this.#source.repeat({ act: "repeat", back: 0, changed: act.changed });
      case "select":
        return this.#withEngine(
          (supervisor) => void supervisor.selectService(act.service, { by: "ann" }).catch(() => undefined),
        );
      case "resolve":
        return this.#operators.resolveAll();
      case "hand":
        return this.#withEngine((supervisor, life) => {
          this.#busy += 1;
          let isBusy = true;
          const over = (): void => {
            if (isBusy) this.#busy -= 1;
            isBusy = false;
          };
          life.atEnd(over);
          holdByHand(supervisor, act, this.#clock.now()).then(over, over);
        });
      case "stranger":
        if (act.what === "plan") truth.makeByHand("OSB", "PLM", act.key, act.ms);
        else if (act.what === "sameKey") truth.makeByHand("OSB", "MO", act.key, 0, act.key);
        else truth.touch(act.key, act.what);
    }
  }

  /** What an operator does waits until the engine is there. */
  #withEngine(what: (supervisor: Supervisor, life: Life) => void): void {
    const { supervisor, life } = this.#host;
    if (supervisor === null)
      this.#timers.later(startsEveryMs, "an operator waits", () => this.#withEngine(what));
    else life.reach(() => what(supervisor, life));
  }

  #receiver(): HeartbeatReceiver {
    const { life } = this.#host;
    const memory = createMemoryReceiver({ clock: life });
    return {
      ...memory,
      beat: async (beat, signal) => {
        const fault = this.#at({ kind: "beat", name: `the beat ${beat.kind}` });
        this.#host.activity += 1;
        if (fault === "kill") this.#kill();
        if (fault === "refused") return fail("BEAT_REFUSED", "the receiver refused it");
        if (fault !== "silent") return memory.beat(beat, signal);
        this.#busy += 1;
        await new Promise<void>((resolve) => {
          life.setTimeout(resolve, 5_000);
          life.atEnd(resolve);
        });
        this.#busy -= 1;
        return fail("BEAT_UNANSWERED", "no answer in time");
      },
    };
  }

  // --- the engine comes and goes

  #ready(supervisor: Supervisor, life: Life): void {
    this.#startsAtMs = null;
    this.#begunMs = this.#clock.monotonicMs();
    supervisor.onClient((view) => {
      this.#host.activity += 1;
      if (!life.alive) return;
      this.#live.view(view);
      this.#operators.onClient(view);
      const { state } = view;
      if (state !== "idle" && state !== "restarting" && state !== "quarantined")
        this.#atClient(view.clientId, state);
    });
    this.#operators.connect(supervisor, life);
    this.#source.connect(supervisor, life);
    this.#live.restarted();
  }

  #gone(supervisor: Supervisor | null): void {
    forgetTurns();
    this.#source.disconnect();
    this.#operators.disconnect();
    this.#source.check();
    if (supervisor !== null) this.#compare(supervisor);
  }

  /** R1. */
  #compare({ state }: Supervisor): void {
    if (state.position > this.#disk.durable)
      this.#broken.push(
        `A1: the engine had acted on ${state.position}, and ${this.#disk.durable} is what is left`,
      );
    else this.#broken.push(...new Shadow((upTo) => this.#disk.facts(0, upTo)).compare(state));
  }

  // --- the end

  async #settle(): Promise<void> {
    this.#tell(`-- ${this.#clock.monotonicMs()} ms: all is well from now on`);
    this.#broken.push(...this.#plan.misfits);
    for (const { at, fault } of this.#plan.missed)
      this.#broken.push(`The combination: point ${at}, for ${fault}, never came`);
    this.#plan.isOver = true;
    this.#services.truth.giveBack();
    this.#host.disarm();
    await this.#settled("with the alarms that are left");
    if (this.#stopped) return;
    this.#source.clearAll(this.#clock.now());
    await this.#settled("after all alarms were cleared");
    const state = this.#host.supervisor?.state;
    if (state !== undefined && !this.#stopped && this.#found() === 0)
      this.#broken.push(...settledTruth(state, this.#laws, this.#services.truth));
  }

  async #settled(when: string): Promise<void> {
    if (this.#found() > 0) return;
    for (let asked = 0; asked < 60; asked += 1) {
      await this.#untilRest(when, () => false);
      const { supervisor } = this.#host;
      if (this.#found() > 0 || this.#stopped || supervisor === null) return;
      if (supervisor.state.unknown.size === 0) {
        this.#broken.push(...settledLaws(supervisor.state, this.#laws, this.#services.truth));
        return;
      }
      this.#operators.resolveAll();
    }
    this.#broken.push(`G4: ${when} an operator's verdicts do not end what is unknown`);
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
  }
}

/** Two rows with one promise: a ticket may live at either. */
function servicesOf(idempotency: Idempotency, asyncSeconds: number): ServiceInfo[] {
  return [
    { name: "OSB", port: 8_650 },
    { name: "NORTH", port: 8_651 },
  ].map((row) => ({
    ...row,
    host: "127.0.0.1",
    path: "/TicketService",
    protocol: "osb",
    idempotency,
    settleSeconds: settleMs / 1_000,
    timeoutSeconds: 5,
    asyncSeconds,
  }));
}
