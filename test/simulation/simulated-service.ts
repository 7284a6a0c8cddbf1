/**
 * The ticketing services of a simulated world: they outlive the processes that call them, keep their promise and their
 * truth, and give every answer of the fault table. One call, one exchange over one socket, which ends with the answer,
 * at the time-out, when it is given up, or with the process.
 */
import type {
  AsyncResult,
  RequestAnswer,
  SearchAnswer,
  TicketingService,
  Topology,
} from "../../actors/ports.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";
import { planResults, type Delivery } from "./async-plan.ts";
import { nowhere } from "./claim-laws.ts";
import type { Random } from "./random.ts";
import { parents, type FaultRates } from "./scenario.ts";
import {
  searchFaults,
  searchTold,
  sendFaults,
  sendFaultsOfNone,
  told,
  topologyFaults,
  topologyTold,
  type SendFault,
} from "./service-faults.ts";
import type { Life, SimulatedClock } from "./simulated-clock.ts";
import type { Counters, Situation } from "./situations.ts";
import { TicketTruth, type Effect } from "./ticket-truth.ts";

export type SendCall = Parameters<TicketingService["send"]>[0];
type SearchCall = Parameters<TicketingService["search"]>[0];
type Bare<T> = T extends unknown ? Omit<T, "texts"> : never;
type Answer = Bare<RequestAnswer>;

const inDoubt = (code: string, cause: string): Answer => ({ kind: "inDoubt", code, cause });

export interface ServiceHooks {
  /** Before the first byte leaves; the process may be dead when it returns. */
  readonly sending: (call: SendCall) => void;
  readonly sent: (call: SendCall) => void;
  /** The socket of an attempt has ended; `certain`: its sender knows what became of it. */
  readonly ended: (call: SendCall, certain: boolean) => void;
  readonly deliver: (result: AsyncResult) => void;
}

export interface Outage {
  readonly how: "unreachable" | "refused" | "silent";
  readonly untilMs: number;
}

export class SimulatedServices {
  readonly truth: TicketTruth;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #rates: FaultRates;
  readonly #counters: Counters;
  readonly #hooks: ServiceHooks;
  /** Promise `requestId`: what a request id was answered first. */
  readonly #answers = new Map<string, Answer>();
  outage: Outage | null = null;
  /** No more faults from now on. */
  isWell = false;
  calls = 0;
  #searches = 0;

  constructor(parts: {
    readonly clock: SimulatedClock;
    readonly random: Random;
    readonly rates: FaultRates;
    readonly counters: Counters;
    readonly hooks: ServiceHooks;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#rates = parts.rates;
    this.#counters = parts.counters;
    this.#hooks = parts.hooks;
    this.truth = new TicketTruth(() => ({ at: this.#clock.now(), ms: this.#clock.monotonicMs() }));
  }

  /** As one process sees them. */
  port(life: Life): TicketingService {
    return {
      send: (call) => this.#send(life, call),
      search: (call) => this.#search(life, call),
      close: () => Promise.resolve(),
    };
  }

  /** Paths of the scenario's network; now and then an error, nothing, or silence. */
  topology(life: Life): Topology {
    let looks = 0;
    return {
      path: ({ elementId }) =>
        new Promise((resolve) => {
          looks += 1;
          const random = this.#random.stream(`path/${this.#searches}/${looks}`);
          const fault = this.#strikes(random, this.#rates.topology) ? random.pick(topologyFaults) : null;
          if (fault !== null) this.#counters.count(topologyTold[fault]);
          if (fault === "silent") return;
          const loadedAt = 0;
          const hops: string[] = [];
          for (let at: string | undefined = elementId; at !== undefined; at = parents[at]) hops.push(at);
          const none = { name: null, type: null, interface: null, networkService: null };
          this.#later(life, random.int(0, 20), () =>
            resolve(
              fault === "error"
                ? { kind: "error", code: "TOPOLOGY_DOWN", cause: "refused" }
                : fault === "absent"
                  ? { kind: "absent", loadedAt }
                  : {
                      kind: "found",
                      path: {
                        elementId,
                        loadedAt,
                        ...(fault === "loop" ? { end: fault } : {}),
                        // It comes back to where it began.
                        hops: (fault === "loop" ? [...hops, elementId] : hops).map((one, hopNo) => ({
                          hopNo,
                          elementId: one,
                          ...none,
                        })),
                      },
                    },
            ),
          );
        }),
      close: () => Promise.resolve(),
    };
  }

  #strikes(random: Random, share: number): boolean {
    return !this.isWell && random.chance(share);
  }

  #later(life: Life, ms: number, fn: () => void): void {
    this.#clock.setTimeout(() => life.reach(fn), ms);
  }

  #down(): Outage | null {
    if (this.isWell || this.outage === null || this.outage.untilMs <= this.#clock.monotonicMs()) return null;
    return this.outage;
  }

  // --- requests

  #send(life: Life, call: SendCall): Promise<RequestAnswer> {
    if (!life.alive) return never();
    this.calls += 1;
    const { request, attempt } = call;
    const random = this.#random.stream(`send/${request.requestId}/${attempt}`);
    if (this.#strikes(random, this.#rates.gatewayCrash)) {
      this.#counters.count("gateway crashed");
      throw new Error("A defect in the sending of a request.");
    }
    this.#hooks.sending(call);
    if (!life.alive) return never();
    const texts = { request: `${request.payload.command} ${request.requestId}`, answer: "" };
    const answered = new Promise<RequestAnswer>((resolve) => {
      this.#exchange(life, call, random, (answer) => resolve({ ...answer, texts }));
    });
    this.#hooks.sent(call);
    return answered;
  }

  #exchange(life: Life, call: SendCall, random: Random, resolve: (answer: Answer) => void): void {
    const { service, signal } = call;
    let isOpen = true;
    let arrival: unknown = null;
    let lateMs: number | null = null;
    const end = (answer: Answer | null): void => {
      if (!isOpen) return;
      isOpen = false;
      life.clearTimeout(timer);
      forget();
      if (lateMs !== null) arrive(lateMs, () => undefined);
      this.#hooks.ended(call, answer !== null && answer.kind !== "inDoubt");
      if (answer !== null) resolve(answer);
    };
    const timer = life.setTimeout(() => end(inDoubt("TIMEOUT", "no answer")), service.timeoutSeconds * 1_000);
    signal.addEventListener("abort", () => end(inDoubt("TIMEOUT", "given up")), { once: true });
    const forget = life.atEnd(() => {
      // Its bytes have left, or they never will.
      if (random.chance(0.4)) {
        this.#clock.clearTimeout(arrival);
        lateMs = null;
      } else if (arrival !== null || lateMs !== null) this.#counters.count("effect after a restart");
      end(null);
    });
    const back = (ms: number, answer: Answer): void => this.#later(life, ms, () => end(answer));

    const down = this.#down();
    const fault = down?.how ?? this.#faultOf(call, random);
    const situation = told[fault as SendFault];
    if (situation !== undefined) this.#counters.count(situation);
    const transitMs = random.int(0, 30);
    const arrive = (ms: number, then: (answer: Answer) => void): void => {
      arrival = this.#clock.setTimeout(() => {
        arrival = null;
        if (!isOpen) this.#counters.count("effect after the socket's end");
        then(this.#take(call, random, { claimsFalsely: fault === "falseClaim", isLate: !isOpen }));
      }, ms);
    };

    switch (fault) {
      case "unreachable":
        return back(0, { kind: "unreachable", code: "UNREACHABLE", cause: "connection refused" });
      case "refused":
        return back(transitMs, {
          kind: "refused",
          code: "UNAVAILABLE",
          cause: "503",
          retryAfterMs: random.pick([null, 700, 5_000]),
        });
      case "busy":
        return back(transitMs, { kind: "nack", code: "BUSY", cause: "later", ticketId: null });
      case "notOwner":
        return back(transitMs, { kind: "nack", code: "NOT_OWNER", cause: "somebody else", ticketId: null });
      case "failed":
        return back(transitMs, { kind: "failed", code: "BAD_CONFIGURATION", cause: "404" });
      case "nack":
        return back(transitMs, this.#refuse(call));
      case "silent":
        return;
      case "silentBefore":
        this.#helpOut(call, random);
        return;
      case "resetBefore":
        this.#helpOut(call, random);
        return back(transitMs, inDoubt("RESET", "reset before it was read"));
      case "resetAfter":
        return arrive(transitMs, () => back(random.int(0, 20), inDoubt("RESET", "reset after it was read")));
      case "unreadable":
        if (random.chance(0.4)) return back(transitMs, inDoubt("UNREADABLE", "the request came back"));
        return arrive(transitMs, () => back(0, inDoubt("UNREADABLE", "half an answer")));
      case "silentAfter":
        return arrive(transitMs, () => undefined);
      case "late":
        lateMs = this.#lateMs(service, random);
        return;
      case "slow":
        return arrive(transitMs, (answer) => back(service.timeoutSeconds * 900, answer));
      case "noId":
        return arrive(transitMs, (answer) =>
          back(5, answer.kind === "ack" ? { ...answer, ticketId: null } : answer),
        );
      default:
        return arrive(transitMs, (answer) => back(random.int(0, 30), answer));
    }
  }

  #faultOf({ request, attempt, service }: SendCall, random: Random): SendFault | null {
    if (attempt === 1 && request.payload.command === "create" && this.#strikes(random, this.#rates.refuse))
      return "nack";
    if (!this.#strikes(random, this.#rates.send)) return null;
    return random.weighted<SendFault>(service.idempotency === "none" ? sendFaultsOfNone : sendFaults);
  }

  /** Somebody makes the ticket by hand, as nothing came of the request. */
  #helpOut({ request: { service, key, payload } }: SendCall, random: Random): void {
    if (payload.command === "create" && random.chance(0.5))
      this.truth.makeByHand(service.name, "MO", key, 0, key);
  }

  /** After the socket's end: within the time that the promise gives it; where there is none, often after both look-ups. */
  #lateMs({ idempotency, settleSeconds }: ServiceInfo, random: Random): number {
    const share = idempotency === "none" ? random.pick([0, 2, 3]) + random.next() : random.next() * 0.65;
    return Math.round(share * settleSeconds * 1_000);
  }

  /** The request has come in; what is said of it. */
  #take(
    call: SendCall,
    random: Random,
    how: { readonly claimsFalsely: boolean; readonly isLate: boolean },
  ): Answer {
    const { request, attempt } = call;
    const { service, requestId, payload } = request;
    // Somebody was faster.
    if (payload.command !== "create" && this.#strikes(random, this.#rates.send * 0.2))
      this.truth.touch(request.key, "close");
    const first = service.idempotency === "requestId" ? this.#answers.get(requestId) : undefined;
    if (first !== undefined) {
      if (first.kind === "ack" && service.asyncSeconds > 0)
        this.#promise(call, random, this.truth.effectOf(requestId), how.isLate);
      return first;
    }
    if (how.claimsFalsely && payload.command === "create" && service.asyncSeconds === 0) {
      return this.#keep(requestId, { kind: "ack", ticketId: `${nowhere}${requestId}-${attempt}` });
    }
    if (service.asyncSeconds > 0)
      return this.#keep(requestId, this.#promise(call, random, undefined, how.isLate));
    const effect = this.truth.apply(request, this.#lagMs(service, random));
    return this.#keep(requestId, effect);
  }

  /** Acknowledged at once; the result comes by the callback. */
  #promise(call: SendCall, random: Random, known: Effect | undefined, isLate: boolean): Answer {
    const { request } = call;
    const { service } = request;
    const apply = (): Effect => this.truth.apply(request, this.#lagMs(service, random));
    const isFaulty = this.#strikes(random, this.#rates.async);
    const plan = planResults(call, random, { isFaulty, isLate }, known, apply, (code) =>
      this.truth.bar(request.requestId, code),
    );
    if (plan.lies) this.truth.liedAbout.add(request.key);
    for (const { afterMs, result, counted } of plan.deliveries) this.#deliver(afterMs, result, counted);
    return plan.answer;
  }

  #deliver(afterMs: number, result: Delivery["result"], counted: Situation | null): void {
    this.#clock.setTimeout(() => {
      const due = typeof result === "function" ? result() : result;
      if (due === null) return;
      if (counted !== null) this.#counters.count(counted);
      this.#counters.count("async result");
      this.#hooks.deliver(due);
    }, afterMs);
  }

  #keep(requestId: string, answer: Answer): Answer {
    const isTemporary = answer.kind === "nack" && (answer.code === "BUSY" || answer.code === "NOT_OWNER");
    if (!isTemporary && !this.#answers.has(requestId)) this.#answers.set(requestId, answer);
    return answer;
  }

  #refuse({ request }: SendCall): Answer {
    const { service, requestId } = request;
    const first = service.idempotency === "requestId" ? this.#answers.get(requestId) : undefined;
    if (first !== undefined) return first;
    if (service.idempotency === "requestId") this.truth.bar(requestId, "NOT_WITH_US");
    return this.#keep(requestId, {
      kind: "nack",
      code: "NOT_WITH_US",
      cause: "refused for good",
      ticketId: null,
    });
  }

  /** With the transit of a late effect it stays within the settling time, where one is promised. */
  #lagMs({ settleSeconds, idempotency }: ServiceInfo, random: Random): number {
    if (this.isWell || random.chance(0.4)) return 0;
    if (idempotency === "none" && random.chance(0.4)) return random.int(0, settleSeconds * 4_000);
    return random.int(0, settleSeconds * 300);
  }

  // --- searches

  #search(life: Life, call: SearchCall): Promise<SearchAnswer> {
    if (!life.alive) return never();
    this.calls += 1;
    this.#searches += 1;
    const random = this.#random.stream(`search/${call.requestId}`);
    if (this.#strikes(random, this.#rates.clientCrash)) {
      this.#counters.count("client crashed");
      return Promise.reject(new Error("A defect in the search."));
    }
    const { service, criteria, signal } = call;
    const texts = { request: `search ${call.requestId}`, answer: "" };
    const failed = (code: string, permanent = false): SearchAnswer => ({
      kind: "error",
      code,
      cause: code,
      permanent,
      texts,
    });
    return new Promise((resolve) => {
      const timer = life.setTimeout(() => resolve(failed("TIMEOUT")), service.timeoutSeconds * 1_000);
      signal.addEventListener("abort", () => resolve(failed("TIMEOUT")), { once: true });
      const back = (ms: number, answer: () => SearchAnswer): void =>
        this.#later(life, ms, () => {
          life.clearTimeout(timer);
          resolve(answer());
        });
      const down = this.#down();
      const struck = this.#strikes(random, this.#rates.search);
      const fault = down === null ? (struck ? random.weighted(searchFaults) : null) : down.how;
      if (struck && down === null) this.#counters.count(searchTold[fault as keyof typeof searchFaults]);
      if (fault === "silent") return;
      if (fault === "unreachable" || fault === "refused") return back(0, () => failed("UNREACHABLE"));
      if (fault === "error") return back(random.int(0, 20), () => failed("UNAVAILABLE"));
      if (fault === "permanent") return back(random.int(0, 20), () => failed("BAD_CONFIGURATION", true));
      back(fault === "slow" ? service.timeoutSeconds * 900 : random.int(0, 40), () => {
        const { tickets, isBehind } = this.truth.search(service.name, criteria);
        if (isBehind) this.#counters.count("index behind");
        return { kind: "found", tickets, truncated: false, texts };
      });
    });
  }
}

/** What a dead process asks for. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
