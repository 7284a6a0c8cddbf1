/**
 * The ticketing services and the topology of one combination: they do what a plan of faults says, keep their promise
 * and their truth. Every exchange takes two milliseconds, so that what happens at the same time meets in one order.
 */
import type {
  AsyncResult,
  RequestAnswer,
  SearchAnswer,
  TicketingService,
  Topology,
} from "../../actors/ports.ts";
import type { SearchCriteria, ServiceInfo } from "../../machines/vocabulary.ts";
import { parents } from "../simulation/scenario.ts";
import type { Life, SimulatedClock } from "../simulation/simulated-clock.ts";
import { TicketTruth, type Effect } from "../simulation/ticket-truth.ts";
import type { FaultAt, Point, PointKind } from "./faults.ts";
import type { WorldTimers } from "./world-timers.ts";

export type SendCall = Parameters<TicketingService["send"]>[0];
type SearchCall = Parameters<TicketingService["search"]>[0];
type Bare<T> = T extends unknown ? Omit<T, "texts"> : never;
type Answer = Bare<RequestAnswer>;

export interface ServicePorts {
  readonly clock: SimulatedClock;
  readonly timers: WorldTimers;
  /** When a late effect comes, in settling times; where one is promised. */
  readonly lateSettles: number;
  /** What goes wrong at a point. */
  readonly at: <K extends PointKind>(point: Point & { readonly kind: K }) => FaultAt<K> | null;
  /** As kill -9. */
  readonly kill: () => void;
  /** Before the first byte leaves. */
  readonly sending: (call: SendCall) => void;
  /** The socket of an attempt has ended; `certain`: its sender knows what became of it. */
  readonly ended: (call: SendCall, certain: boolean) => void;
  readonly deliver: (result: AsyncResult) => void;
}

/** From the call to the effect, and from there to the answer. */
const transitMs = 1;
const asyncMs = 2_000;

const inDoubt = (code: string, cause: string): Answer => ({ kind: "inDoubt", code, cause });

export class ScriptedServices {
  readonly truth: TicketTruth;
  readonly #ports: ServicePorts;
  /** Promise `requestId`: what a request id was answered first. */
  readonly #answers = new Map<string, Answer>();
  /** Calls that were made, and exchanges that are under way. */
  calls = 0;
  readonly #open = new Map<symbol, string>();

  constructor(ports: ServicePorts) {
    this.#ports = ports;
    const { clock } = ports;
    this.truth = new TicketTruth(() => ({ at: clock.now(), ms: clock.monotonicMs() }));
  }

  get open(): number {
    return this.#open.size;
  }

  /** What is under way, and what will go wrong with it. */
  underWay(): string {
    return [...this.#open.values()].join("; ");
  }

  /** What it remembers of those requests, for comparing two worlds. */
  memory(isOfUse: (requestId: string) => boolean): unknown {
    return [...this.#answers].filter(([requestId]) => isOfUse(requestId));
  }

  port(life: Life): TicketingService {
    return {
      send: (call) => this.#send(life, call),
      search: (call) => this.#search(life, call),
      close: () => Promise.resolve(),
    };
  }

  topology(life: Life): Topology {
    return {
      path: ({ elementId, signal }) => {
        if (!life.alive) return never();
        this.calls += 1;
        const fault = this.#ports.at({ kind: "path", name: `the path of ${elementId}` });
        return new Promise((resolve) => {
          const end = this.#under(life, `path ${elementId} ${fault ?? ""}`);
          const answer = (given: Parameters<typeof resolve>[0]): void => {
            end();
            resolve(given);
          };
          signal.addEventListener("abort", end, { once: true });
          if (fault === "silent") return;
          this.#ports.timers.reach(life, transitMs, `path ${elementId} ${fault ?? ""}`, () => {
            if (fault === "error") answer({ kind: "error", code: "TOPOLOGY_DOWN", cause: "refused" });
            else if (fault === "absent") answer({ kind: "absent", loadedAt: 0 });
            else answer({ kind: "found", path: { elementId, loadedAt: 0, hops: hopsOf(elementId) } });
          });
        });
      },
      close: () => Promise.resolve(),
    };
  }

  /** An exchange has begun; returns what ends it, once. */
  #under(life: Life, what: string): () => void {
    const mark = Symbol(what);
    this.#open.set(mark, what);
    const end = (): void => {
      if (this.#open.delete(mark)) forget();
    };
    const forget = life.atEnd(end);
    return end;
  }

  // --- requests

  #send(life: Life, call: SendCall): Promise<RequestAnswer> {
    if (!life.alive) return never();
    this.calls += 1;
    const { request, attempt } = call;
    const { command } = request.payload;
    const name = `${command} of ${request.key}, attempt ${attempt}`;
    const fault = this.#ports.at({ kind: "send", name, command });
    if (fault === "throws") throw new Error("A defect in the sending of a request.");
    this.#ports.sending(call);
    const texts = { request: `${command} ${request.requestId}`, answer: "" };
    return new Promise((resolve) => {
      this.#exchange(life, call, name, fault, (answer) => resolve({ ...answer, texts }));
    });
  }

  #exchange(
    life: Life,
    call: SendCall,
    name: string,
    fault: FaultAt<"send"> | null,
    resolve: (answer: Answer) => void,
  ): void {
    const { service, signal } = call;
    const { timers } = this.#ports;
    let isOpen = true;
    let arrival: unknown = null;
    const end = (answer: Answer | null): void => {
      if (!isOpen) return;
      isOpen = false;
      over();
      life.clearTimeout(timer);
      if (fault === "late" || fault === "killLate") {
        const ms =
          (service.idempotency === "none" ? 2 : this.#ports.lateSettles) * service.settleSeconds * 1_000;
        timers.later(ms, `late ${name} ${call.request.requestId}`, () => void this.#take(call, name));
      }
      this.#ports.ended(call, answer !== null && answer.kind !== "inDoubt");
      if (answer !== null) resolve(answer);
    };
    const over = this.#under(life, `${name} ${call.request.requestId} ${fault ?? ""}`);
    const timer = life.setTimeout(() => end(inDoubt("TIMEOUT", "no answer")), service.timeoutSeconds * 1_000);
    signal.addEventListener("abort", () => end(inDoubt("TIMEOUT", "given up")), { once: true });
    life.atEnd(() => {
      // What has left the machine arrives; it is one of the faults that it does not.
      if (fault === "killLost") timers.forget(arrival);
      end(null);
    });
    const back = (ms: number, answer: Answer): void =>
      timers.reach(life, ms, `answer ${name} ${JSON.stringify(answer)}`, () => end(answer));
    const arrive = (): void => {
      arrival = timers.later(transitMs, `arrival ${name} ${call.request.requestId}`, () => {
        const answer = this.#take(call, name);
        const wrong = this.#ports.at({
          kind: "answer",
          name: `the answer to ${name}`,
          command: call.request.payload.command,
          isAsync: service.asyncSeconds > 0,
        });
        this.#answer(wrong, answer, service, back);
      });
    };

    switch (fault) {
      case "unreachable":
        return back(2 * transitMs, { kind: "unreachable", code: "UNREACHABLE", cause: "connection refused" });
      case "refused":
      case "retryAfter":
        return back(2 * transitMs, {
          kind: "refused",
          code: "UNAVAILABLE",
          cause: "503",
          retryAfterMs: fault === "retryAfter" ? 5_000 : null,
        });
      case "busy":
        return back(2 * transitMs, { kind: "nack", code: "BUSY", cause: "later", ticketId: null });
      case "notOwner":
        return back(2 * transitMs, { kind: "nack", code: "NOT_OWNER", cause: "somebody", ticketId: null });
      case "failed":
        return back(2 * transitMs, { kind: "failed", code: "BAD_CONFIGURATION", cause: "404" });
      case "nack":
        return back(2 * transitMs, this.#refuse(call));
      case "resetBefore":
        return back(2 * transitMs, inDoubt("RESET", "reset before it was read"));
      case "unreadableBefore":
        return back(2 * transitMs, inDoubt("UNREADABLE", "the request came back"));
      case "silentBefore":
      case "late":
        return;
      case "killLost":
      case "killLate":
        return this.#ports.kill();
      default:
        return arrive();
    }
  }

  #answer(
    fault: FaultAt<"answer"> | null,
    answer: Answer,
    service: ServiceInfo,
    back: (ms: number, answer: Answer) => void,
  ): void {
    switch (fault) {
      case "resetAfter":
        return back(transitMs, inDoubt("RESET", "reset after it was read"));
      case "unreadableAfter":
        return back(transitMs, inDoubt("UNREADABLE", "half an answer"));
      case "silentAfter":
        return;
      case "slow":
        return back(service.timeoutSeconds * 900, answer);
      case "noId":
        return back(transitMs, answer.kind === "ack" ? { ...answer, ticketId: null } : answer);
      case "kill":
        return this.#ports.kill();
      default:
        return back(transitMs, answer);
    }
  }

  /** The request has come in; what is said of it. */
  #take(call: SendCall, name: string): Answer {
    const { request, attempt } = call;
    const { service, requestId, payload } = request;
    const isAsync = service.asyncSeconds > 0;
    const first = service.idempotency === "requestId" ? this.#answers.get(requestId) : undefined;
    if (first !== undefined) {
      if (first.kind === "ack" && isAsync)
        this.#tell(asyncMs, told(requestId, this.truth.effectOf(requestId)));
      return first;
    }
    const point = {
      kind: "effect",
      name: `the effect of ${name}`,
      command: payload.command,
      isAsync,
    } as const;
    const fault = this.#ports.at(point);
    if (fault === "falseClaim")
      return this.#keep(requestId, { kind: "ack", ticketId: `NOWHERE-${requestId}-${attempt}` });
    const lagMs =
      fault === "lag" ? (service.idempotency === "none" ? 2_500 : 300) * service.settleSeconds : 0;
    if (!isAsync) return this.#keep(requestId, this.truth.apply(request, lagMs));
    return this.#keep(requestId, this.#promise(call, fault, lagMs));
  }

  /** Acknowledged at once; the result comes by the callback. */
  #promise({ request }: SendCall, fault: FaultAt<"effect"> | null, lagMs: number): Effect {
    const { requestId, service } = request;
    const ack: Effect = { kind: "ack", ticketId: null };
    if (fault === "asyncLateEffect") {
      this.#ports.timers.later(500 * service.settleSeconds, `effect ${requestId}`, () => {
        this.#ports.deliver(told(requestId, this.truth.apply(request, lagMs)));
      });
      return ack;
    }
    if (fault === "asyncError") {
      this.#tell(asyncMs, told(requestId, this.truth.bar(requestId, "ASYNC_REFUSED")));
      return ack;
    }
    const effect = this.truth.apply(request, lagMs);
    if (effect.kind === "nack") return effect;
    const result = told(requestId, effect);
    switch (fault) {
      case "asyncNever":
        return ack;
      case "asyncEarly":
        this.#tell(0, result);
        return ack;
      case "asyncLate":
        this.#tell(service.asyncSeconds * 1_000 + 20_000, result);
        return ack;
      case "asyncTwice":
        this.#tell(asyncMs, result);
        this.#tell(asyncMs + 1_000, result);
        return ack;
      case "asyncContradicts":
        this.truth.liedAbout.add(request.key);
        this.#tell(asyncMs, told(requestId, undefined));
        this.#tell(asyncMs + 1_000, result);
        return ack;
      case "asyncNobody":
        this.#tell(asyncMs, { ...result, requestId: `nobody-${requestId}` });
        this.#tell(asyncMs, result);
        return ack;
      default:
        this.#tell(asyncMs, result);
        return ack;
    }
  }

  #tell(ms: number, result: AsyncResult): void {
    const name = `result ${result.requestId} ${result.result} ${result.ticketId}`;
    this.#ports.timers.later(ms, name, () => this.#ports.deliver(result));
  }

  #keep(requestId: string, answer: Answer): Answer {
    const isTemporary = answer.kind === "nack" && (answer.code === "BUSY" || answer.code === "NOT_OWNER");
    if (!isTemporary && !this.#answers.has(requestId)) this.#answers.set(requestId, answer);
    return answer;
  }

  #refuse({ request: { service, requestId } }: SendCall): Answer {
    const first = service.idempotency === "requestId" ? this.#answers.get(requestId) : undefined;
    if (first !== undefined) return first;
    if (service.idempotency === "requestId") this.truth.bar(requestId, "NOT_WITH_US");
    const nack: Answer = { kind: "nack", code: "NOT_WITH_US", cause: "refused for good", ticketId: null };
    return this.#keep(requestId, nack);
  }

  // --- searches

  #search(life: Life, call: SearchCall): Promise<SearchAnswer> {
    if (!life.alive) return never();
    this.calls += 1;
    const { service, criteria, signal, requestId } = call;
    const name = `search for ${criteriaText(criteria)}`;
    const fault = this.#ports.at({ kind: "search", name });
    if (fault === "kill") {
      this.#ports.kill();
      return never();
    }
    if (fault === "throws") return Promise.reject(new Error("A defect in the search."));
    const texts = { request: `search ${requestId}`, answer: "" };
    return new Promise((resolve) => {
      const over = this.#under(life, `${name} ${fault ?? ""}`);
      const end = (answer: SearchAnswer): void => {
        over();
        life.clearTimeout(timer);
        resolve(answer);
      };
      const fail = (code: string, permanent = false): void =>
        end({ kind: "error", code, cause: code, permanent, texts });
      const timer = life.setTimeout(() => fail("TIMEOUT"), service.timeoutSeconds * 1_000);
      signal.addEventListener("abort", () => fail("TIMEOUT"), { once: true });
      if (fault === "silent") return;
      const ms = fault === "slow" ? service.timeoutSeconds * 900 : 2 * transitMs;
      this.#ports.timers.reach(life, ms, `found ${name} ${fault ?? ""}`, () => {
        if (fault === "unreachable") fail("UNREACHABLE");
        else if (fault === "error") fail("UNAVAILABLE");
        else if (fault === "permanent") fail("BAD_CONFIGURATION", true);
        else {
          const { tickets } = this.truth.search(service.name, criteria);
          end({ kind: "found", tickets, truncated: false, texts });
        }
      });
    });
  }
}

function told(requestId: string, effect: Effect | undefined): AsyncResult {
  return effect?.kind === "ack"
    ? { requestId, result: "OK", ticketId: effect.ticketId, code: null, cause: null, text: "OK" }
    : {
        requestId,
        result: "ERROR",
        ticketId: null,
        code: effect?.code ?? "CONFUSED",
        cause: effect?.cause ?? "confused",
        text: "ERROR",
      };
}

function criteriaText({ clientReference, requestedBy, ticketId, networkElements }: SearchCriteria): string {
  if (clientReference !== undefined) return `key ${clientReference}`;
  if (requestedBy !== undefined) return "the request's own ticket";
  if (ticketId !== undefined) return "the ticket by its id";
  return `elements ${networkElements?.join() ?? ""}`;
}

function hopsOf(
  elementId: string,
): { hopNo: number; elementId: string; name: null; type: null; interface: null; networkService: null }[] {
  const hops: string[] = [];
  for (let at: string | undefined = elementId; at !== undefined; at = parents[at]) hops.push(at);
  const none = { name: null, type: null, interface: null, networkService: null };
  return hops.map((one, hopNo) => ({ hopNo, elementId: one, ...none }));
}

/** What a dead process asks for. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
