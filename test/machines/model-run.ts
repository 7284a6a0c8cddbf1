/**
 * The pure pieces of machines/ run by hand against a `FakeTicketing`: alarms come in, flows start, ask, forward
 * and end; answers get lost, come late or contradict; the engine stops and starts. Everything happens through
 * facts, in simulated time, in an order that the script alone decides.
 */
import { nextGroup, parkingOf, readiness } from "../../machines/admission.ts";
import { withAnswer } from "../../machines/automatic-flow.machine.ts";
import { endFlow, type Ending } from "../../machines/flow-end.ts";
import {
  noFindings,
  type FlowFindings,
  type FlowInput,
  type SearchFailure,
} from "../../machines/flow-input.ts";
import { byTheWall } from "../../machines/decision.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { recover } from "../../machines/recovery.ts";
import { judgeAsync } from "../../machines/async-result.ts";
import { judgeAnswer, type Answer } from "../../machines/request.ts";
import type { Parking } from "../../machines/facts.ts";
import { delaysOf, type KeyState } from "../../machines/state.ts";
import { roomForTickets, surroundings } from "../../machines/surroundings.ts";
import type { PathReading } from "../../machines/upstream.ts";
import { settleAlarms } from "../../machines/settlement.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import type { TicketRequest } from "../../machines/vocabulary.ts";
import type { FakeTicketing } from "./fake-ticketing.ts";
import { answer, History, settings, ended } from "./given.ts";
import type { Behaviour, Script, Trouble } from "./model-script.ts";

interface Run {
  readonly input: FlowInput;
  findings: FlowFindings;
}

const stepMs = 40;
/** Covers are looked at for ever; a run ends so long after its last alarm. */
const horizonMs = 6 * 3_600_000;

export class ModelRun {
  readonly history: History;
  readonly service: FakeTicketing;
  /** How often what happened, to fail when something never did. */
  readonly seen = new Map<string, number>();
  readonly sent = new Map<string, { times: number; readonly payloads: Set<string> }>();
  readonly broken: string[] = [];
  readonly #agenda: { readonly at: number; readonly order: number; readonly act: () => void }[] = [];
  readonly #behaviours: Behaviour[];
  readonly #troubles: Trouble[];
  readonly #runs = new Map<string, Run>();
  readonly #refused = new Set<string>();
  readonly #wakers = new Set<string>();
  readonly #settings: typeof settings;
  readonly #topology: Script["topology"];
  readonly #horizon: number;
  #order = 0;
  #process = 0;

  constructor(script: Script, service: FakeTicketing) {
    this.service = service;
    const { reopenSeconds, delays, maxOpenTickets } = script;
    this.history = new History({ reopenSeconds, delays, maxOpenTickets, maxResponseRows: 3 });
    this.#settings = { ...settings, reopenSeconds, maxOpenTickets };
    this.#topology = script.topology;
    this.#behaviours = [...script.behaviours];
    this.#troubles = [...script.troubles];
    for (const { afterMs, key, act } of script.strangers) {
      this.#after(afterMs, () => {
        if (service.take(key, act, this.history.now)) this.#count("ticket taken");
      });
    }
    let at = this.history.now;
    for (const { afterMs, notification } of script.arrivals) {
      at += afterMs;
      this.#at(at, () => this.history.accept(notification.id, notification));
    }
    this.#horizon = at + horizonMs;
  }

  /** Until nothing more happens. */
  run(): void {
    for (let turn = 0; turn < 20_000; turn += 1) {
      this.#wake();
      this.#agenda.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#agenda.shift();
      if (next === undefined) return;
      this.history.now = Math.max(this.history.now, next.at);
      next.act();
      // R1: what a snapshot kept goes on like the live state.
      if (turn % 16 === 0) {
        this.history.state = stateFromText(stateText(this.history.state));
        for (const [name, run] of this.#runs)
          this.#runs.set(name, { ...run, input: { ...run.input, ...this.#inputOf(name) } });
      }
    }
    this.broken.push("The run does not come to an end.");
  }

  #count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  #at(at: number, act: () => void): void {
    this.#order += 1;
    this.#agenda.push({ at, order: this.#order, act });
  }

  #after(ms: number, act: () => void): void {
    this.#at(this.history.now + ms, act);
  }

  /** Only while the same engine process runs. */
  #soon(ms: number, act: () => void): void {
    const process = this.#process;
    this.#after(ms, () => {
      if (process === this.#process) act();
    });
  }

  #wake(): void {
    const { state } = this.history;
    for (const key of [...state.keys.values()].sort(byAge)) {
      const parking = parkingOf(key, delaysOf(state));
      const due = this.#isDue(key.key, parking);
      if (readiness(key, due, delaysOf(state)) !== null) this.#start(key.key, due ? null : parking);
    }
  }

  #isDue(name: string, parking: Parking | null): boolean {
    if (parking === null) return true;
    if (parking.reason === "storm") return roomForTickets(this.history.state) > 0;
    const { until } = parking;
    if (until === null || until <= this.history.now) return until !== null;
    const waker = `${name} ${until}`;
    if (this.#wakers.has(waker) || (parking.reason === "covered" && until > this.#horizon)) return false;
    this.#count(`parked ${parking.reason}`);
    this.#at(until, () => this.#wakers.delete(waker));
    this.#wakers.add(waker);
    return false;
  }

  /** `held`: what it is parked for, and not due: only what cancels out may go. */
  #start(name: string, held: Parking | null): void {
    const { history } = this;
    const key = history.key(name);
    let together: Pick<FlowInput, "group"> | null = null;
    if (key.request === null) {
      const { cancelled, flow } = nextGroup(key, true, held !== null);
      for (const { ref } of cancelled) {
        this.#count(held === null ? "cancelled out" : `cancelled out in ${held.reason}`);
        const how = ended("coalesced");
        history.add(...settleAlarms(key, [ref], history.now, how));
      }
      if (flow.length === 0) return;
      if (flow.length > 1) this.#count("coalesced");
      together = { group: flow }; // as it was before the others were cancelled: the engine does both in one commit
    }
    const clientId = `client-${name}`;
    const input = history.start(name, {
      clientId,
      settings: this.#settings,
      hasTopology: this.#topology !== null,
      ...(key.request === null ? { service: this.service.info } : {}),
      ...together,
    });
    if (key.flow?.again === true) this.#count("decided again");
    this.#runs.set(name, { input, findings: noFindings });
    this.#soon(1, () => this.#step(name, input.lockGuid, null));
  }

  #step(name: string, lockGuid: string, failure: SearchFailure | null): void {
    const run = this.#running(name, lockGuid);
    if (run === undefined || this.#trouble(name, run)) return;
    const { history } = this;
    const step = nextStep(run.input, run.findings, failure, history.now);
    switch (step.step) {
      case "end":
        for (const { fact } of step.entries)
          if (fact.type === "key.parked" && fact.body.parking.reason === "storm") this.#count("storm");
        history.add(...step.entries);
        this.#end(name, step.result);
        return;
      case "forward":
        history.add(...step.entries);
        this.#soon(stepMs, () => this.#send(name, lockGuid, step.request));
        return;
      case "search":
        this.#count(`search ${step.purpose}`);
        this.#soon(stepMs, () => {
          const now = this.#running(name, lockGuid);
          if (now === undefined) return;
          const tickets = this.service.search(step.criteria, history.now);
          const known = withAnswer(now.findings, step, tickets);
          now.findings = step.look === undefined ? known : { ...known, path: this.#path(step.look) };
          this.#step(name, lockGuid, null);
        });
    }
  }

  #inputOf(name: string): Pick<FlowInput, "key" | "around"> {
    return {
      key: this.history.key(name),
      around: surroundings(this.history.state, name, (known) => byTheWall(this.history.now)(known)),
    };
  }

  #path(elementId: string): PathReading {
    const { now } = this.history;
    if (this.#topology === "fails") return { elementId, path: null, failure: "it is down.", at: now };
    const ids = elementId === "NE-2" ? [elementId, "NE-1"] : [elementId];
    const nothing = { name: null, type: null, interface: null, networkService: null };
    const hops = ids.map((id, hopNo) => ({ hopNo, elementId: id, ...nothing }));
    return { elementId, path: { elementId, hops, loadedAt: 0 }, failure: null, at: now };
  }

  #running(name: string, lockGuid: string): Run | undefined {
    const run = this.#runs.get(name);
    return run?.input.lockGuid === lockGuid && this.history.key(name).flow?.lockGuid === lockGuid
      ? run
      : undefined;
  }

  #end(name: string, result: "settled" | "parked"): void {
    this.history.end(result, name);
    this.#runs.delete(name);
  }

  /** True when the flow does not go on. */
  #trouble(name: string, run: Run): boolean {
    const trouble = this.#troubles.shift() ?? "none";
    if (trouble === "none") return false;
    this.#count(trouble);
    if (trouble === "restart") this.#restart();
    else if (trouble === "searchFails") {
      const failure = { code: "TIMEOUT", cause: "no answer", permanent: false };
      const step = nextStep(run.input, run.findings, failure, this.history.now);
      if (step.step !== "end") throw new Error("A failed search ends the flow.");
      this.history.add(...step.entries);
      this.#end(name, step.result);
    } else {
      const forced: Ending = { how: "forced", by: "ann", reason: "stuck" };
      const crashed: Ending = { how: "crashed", cause: "thrown" };
      this.#endForcibly(
        name,
        trouble === "crash" ? crashed : trouble === "force" ? forced : { how: "expired" },
      );
    }
    return true;
  }

  #endForcibly(name: string, ending: Ending): void {
    const end = endFlow(this.history.state, `client-${name}`, ending, this.history.now);
    if (end !== null) this.history.add(...end.entries);
    this.#runs.delete(name);
  }

  #restart(): void {
    this.#process += 1;
    this.#runs.clear();
    this.history.open();
    this.history.add(...recover(this.history.state, false, this.history.now));
    if (recover(this.history.state, false, this.history.now).length > 0)
      this.broken.push("R2: recovered twice.");
  }

  #send(name: string, lockGuid: string, request: TicketRequest): void {
    const { history } = this;
    const { requestId } = request;
    // L3: the claim of the flow must stand, and the request be unsettled, when the sending commits.
    if (this.#running(name, lockGuid) === undefined) return;
    if (history.key(name).request?.requestId !== requestId) {
      this.#count("settled before it was sent again");
      this.#end(name, "parked");
      return;
    }
    const behaviour = this.#behaviours.shift() ?? { send: "ack", async: "ok" };
    history.send(name);
    this.#note(request, behaviour);
    // The holder may lose its lock while the request is in flight (L4).
    this.#soon(stepMs / 2, () => {
      const run = this.#running(name, lockGuid);
      const [trouble = "none"] = this.#troubles;
      if (run === undefined || history.key(name).request?.status !== "sending") return;
      if (!["expire", "force", "restart"].includes(trouble)) return;
      this.#count(`${trouble} in flight`);
      this.#trouble(name, run);
    });
    this.#answer(name, lockGuid, request, behaviour);
  }

  #note(request: TicketRequest, behaviour: Behaviour): void {
    const known = this.sent.get(request.requestId) ?? { times: 0, payloads: new Set<string>() };
    if (this.#refused.has(request.requestId))
      this.broken.push(`G3: ${request.requestId} was sent after a final NACK.`);
    if (behaviour.send !== "unreachable") known.times += 1;
    known.payloads.add(JSON.stringify(request.payload));
    this.sent.set(request.requestId, known);
    this.#count(behaviour.send);
  }

  #answer(name: string, lockGuid: string, request: TicketRequest, behaviour: Behaviour): void {
    const { info } = this.service;
    const told = (what: Answer): void => this.#soon(stepMs, () => this.#judge(name, lockGuid, request, what));
    const effect = (): ReturnType<FakeTicketing["apply"]> => this.service.apply(request, this.history.now);
    const inDoubt = answer("inDoubt", { code: "TIMEOUT" });
    switch (behaviour.send) {
      case "ackLateEffect":
        if (info.asyncSeconds > 0) {
          this.#after(40_000, () => void this.service.apply(request, this.history.now));
          return told(answer("ack"));
        }
        return this.#acknowledge(name, request, behaviour, told);
      case "ack":
      case "ackWithoutId":
        return this.#acknowledge(name, request, behaviour, told);
      case "nack":
        // The promise `requestId` holds for refusals too: what was done is not refused, what was refused not done.
        if (!this.service.refuse(request.requestId)) return this.#acknowledge(name, request, behaviour, told);
        return told(answer("nack", { code: "NACK" }));
      case "notOwner":
        return told(answer("nack", { code: "NOT_OWNER" }));
      case "busy":
        return told(answer("nack", { code: "BUSY" }));
      case "refused":
        return told(answer("refused", { code: "UNAVAILABLE", retryAfterMs: 700 }));
      case "unreachable":
        return told(answer("unreachable", { code: "UNREACHABLE" }));
      case "lostAnswer": {
        const { ok, ticketId } = effect();
        if (ok && info.asyncSeconds > 0)
          this.#asyncResult(name, request.requestId, "OK", ticketId, behaviour);
        return told(inDoubt);
      }
      case "lateEffect":
        // Transit 40 s and an index up to 20 s behind keep a promise of 60 s from the socket's end.
        this.#after(40_000, () => void this.service.apply(request, this.history.now));
        return told(inDoubt);
      case "lostRequest":
        return told(inDoubt);
      case "engineStops":
        effect();
        return this.#soon(stepMs, () => this.#restart());
    }
  }

  #acknowledge(
    name: string,
    request: TicketRequest,
    behaviour: Behaviour,
    told: (what: Answer) => void,
  ): void {
    const isAsync = this.service.info.asyncSeconds > 0;
    if (isAsync && behaviour.async === "error") {
      this.#asyncResult(name, request.requestId, "ERROR", null, behaviour);
      return told(answer("ack"));
    }
    const { ok, code, ticketId } = this.service.apply(request, this.history.now);
    if (!ok) return told(answer("nack", { code }));
    if (isAsync) this.#asyncResult(name, request.requestId, "OK", ticketId, behaviour);
    told(answer("ack", { ticketId: behaviour.send === "ack" && !isAsync ? ticketId : null }));
  }

  #judge(name: string, lockGuid: string, request: TicketRequest, what: Answer): void {
    const { history } = this;
    const key = history.key(name);
    if (key.request?.requestId !== request.requestId) {
      this.broken.push(`${request.requestId} was settled while it was in flight.`);
      return;
    }
    if (what.code === "NACK") this.#refused.add(request.requestId);
    const verdict = judgeAnswer(key, key.request, { ...what, answeredAt: history.now }, this.#settings);
    history.add(...verdict.entries);
    if (this.#running(name, lockGuid) !== undefined) this.#end(name, verdict.result);
    else this.#count("answer after its flow");
  }

  #asyncResult(
    name: string,
    requestId: string,
    result: "OK" | "ERROR",
    ticketId: string | null,
    behaviour: Behaviour,
  ): void {
    const delays = {
      early: stepMs / 2,
      late: (this.service.info.asyncSeconds + 400) * 1000,
      ok: 5_000,
      twice: 5_000,
      error: 5_000,
      never: 0,
    };
    if (behaviour.async === "never") return this.#count("async never");
    const tell = (): void => {
      const { state, now } = this.history;
      const before =
        state.settledRequests.get(requestId) ??
        this.history.key(name).unknown.find((one) => one.requestId === requestId) ??
        null;
      this.#count(`async ${behaviour.async}${before === null ? "" : " after the outcome"}`);
      const input = { requestId, result, ticketId, code: null, cause: null, text: "" };
      this.history.add(...judgeAsync(this.history.key(name), before, input, now, state.tables));
    };
    this.#after(delays[behaviour.async], tell);
    if (behaviour.async === "twice") this.#after(delays.twice + 900_000, tell);
  }
}

function byAge(a: KeyState, b: KeyState): number {
  return (a.waiting[0]?.ref.position ?? 0) - (b.waiting[0]?.ref.position ?? 0);
}
