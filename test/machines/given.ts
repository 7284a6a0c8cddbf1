/**
 * States for the tests of machines/, made as the engine makes them: by facts through the fold, never by hand.
 * Time, ids and positions are counted; nothing here decides anything.
 */
import { nextGroup } from "../../machines/admission.ts";
import { membersOf } from "../../machines/cover.ts";
import { byTheWall, decide, type DecisionSettings } from "../../machines/decision.ts";
import type { ForwardReply } from "../../machines/client-commands.ts";
import { entry, type Entry } from "../../machines/entry.ts";
import { alarmStream, type Fact, type FactBodies, type FoldSettings } from "../../machines/facts.ts";
import type { FlowInput } from "../../machines/flow-input.ts";
import type { Answer } from "../../machines/request.ts";
import type { AlarmSettlement } from "../../machines/settlement.ts";
import { applyFact } from "../../machines/fold.ts";
import { surroundings } from "../../machines/surroundings.ts";
import {
  clientStream,
  emptyState,
  keyStream,
  type KeyState,
  type RequestState,
  type State,
  type Waiting,
} from "../../machines/state.ts";
import type {
  Notification,
  Outcome,
  RequestPayload,
  ResponseRow,
  ServiceInfo,
  Ticket,
} from "../../machines/vocabulary.ts";

export const noon = Date.UTC(2026, 10, 23, 12);
export const KEY = "NE-1";

export const settings: DecisionSettings & { readonly notOwnerRetrySeconds: number } = {
  reopenSeconds: 0,
  clockSkewSeconds: 300,
  notOwnerRetrySeconds: 60,
  maxOpenTickets: 500,
};

/** Of a forwarded create: the service has confirmed it. */
export const settledReply: ForwardReply = {
  ok: true,
  result: "settled",
  outcome: "ok",
  ticketId: "T1",
  because: "",
  at: noon,
};

export function service(change: Partial<ServiceInfo> = {}): ServiceInfo {
  return {
    name: "OSB",
    host: "127.0.0.1",
    port: 8650,
    path: "/",
    protocol: "osb",
    idempotency: "settles",
    settleSeconds: 60,
    timeoutSeconds: 30,
    asyncSeconds: 0,
    ...change,
  };
}

/** Its search must show by then what it has confirmed. */
export const settleMs = service().settleSeconds * 1000;

export function notification(id: string, change: Partial<Notification> = {}): Notification {
  return {
    source: "urn:test",
    id,
    kind: "raise",
    key: KEY,
    alarm: "a1",
    alarmedObject: "NE-1",
    alarmType: "equipmentAlarm",
    probableCause: "lossOfSignal",
    sourceSystemId: "test",
    severity: "major",
    raisedAt: noon,
    plannedOutage: false,
    ...change,
  };
}

/** A ticket of `KEY` as a search shows it. */
export function ticket(ticketId: string, change: Partial<Ticket> = {}): Ticket {
  return {
    ticketId,
    kind: "MO",
    status: "acknowledged",
    severity: "major",
    clientReference: KEY,
    networkElements: ["NE-1"],
    openedAt: noon,
    ...change,
  };
}

export function answer(kind: Answer["kind"], change: Partial<Answer> = {}): Answer {
  return {
    kind,
    code: null,
    cause: null,
    ticketId: null,
    retryAfterMs: null,
    answeredAt: noon,
    durationMs: 5,
    request: "",
    text: "",
    ...change,
  };
}

/** How alarms are settled without a request. */
export function ended(outcome: Outcome, rule: string | null = null): AlarmSettlement {
  return { outcome, because: "", lockGuid: null, rule, ticketId: null, failure: null, requestId: null };
}

export const createPayload: RequestPayload = {
  command: "create",
  kind: "MO",
  clientReference: KEY,
  networkElements: ["NE-1"],
  severity: "major",
  summary: "loss of signal",
  startAt: noon,
  alarmRefs: [],
};
export const updatePayload: RequestPayload = {
  command: "update",
  ticketId: "T1",
  severity: "critical",
  alarmRefs: [],
};
export const closePayload: RequestPayload = {
  command: "close",
  ticketId: "T1",
  endAt: noon,
  closeCode: "CLEARED",
  alarmRefs: [],
};

/** A ledger in memory and its fold. */
export class History {
  readonly facts: Fact[] = [];
  state: State = emptyState();
  now = noon;
  #epoch = 0;
  #ids = 0;

  constructor(fold: Partial<FoldSettings> = {}) {
    this.open();
    const known = { maxResponseRows: 1000, reopenSeconds: 0, clockSkewSeconds: 300, dedupDays: 7, ...fold };
    this.add(entry("settings", this.now, "settings.changed", known));
  }

  /** A new opening of the ledger: a new epoch. */
  open(): void {
    this.#epoch += 1;
    this.add(entry("audit", this.now, "ledger.opened", { engine: "test", clients: 2 }));
  }

  id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}-${this.#ids}`;
  }

  add(...entries: readonly Entry[]): void {
    for (const { stream, fact } of entries) {
      const position = this.facts.length + 1;
      const written = { ...fact, position, epoch: `epoch-${this.#epoch}`, stream } as Fact;
      this.facts.push(written);
      applyFact(this.state, written);
    }
  }

  key(name = KEY): KeyState {
    const key = this.state.keys.get(name);
    if (key === undefined) throw new Error(`No fact of ${name} yet.`);
    return key;
  }

  request(name = KEY): RequestState {
    const { request } = this.key(name);
    if (request === null) throw new Error(`No request of ${name}.`);
    return request;
  }

  accept(id: string, change: Partial<Notification> = {}): Waiting {
    const told = notification(id, change);
    this.add(
      entry(alarmStream(told.source, id), this.now, "alarm.accepted", { notification: told, digest: id }),
    );
    return this.key(told.key).waiting.at(-1) as Waiting;
  }

  /** Locks a client and starts a flow for what is next in line; what cancels out is for the test to settle. */
  start(name = KEY, change: Partial<FlowInput> = {}): FlowInput {
    const clientId = change.clientId ?? "client-01";
    const lockGuid = this.id("guid");
    const fence = (this.state.clients.get(clientId)?.fence ?? 0) + 1;
    const key = this.key(name);
    const next = key.request === null ? nextGroup(key, true).flow : membersOf(key, key.request.alarms);
    const group = change.group ?? next;
    const lock = { clientId, lockGuid, fence, lockTime: this.now, deadlineAt: this.now + 300_000 };
    const alarms = group.map((one) => one.ref);
    this.add(
      entry(clientStream(clientId), this.now, "client.locked", { ...lock, by: "flow" }),
      entry(keyStream(name), this.now, "flow.started", { key: name, lockGuid, clientId, fence, alarms }),
    );
    return {
      key,
      group,
      service: key.request?.service ?? service(),
      settings,
      decide,
      serviceNamed: (named) => (named === service().name ? service() : null),
      clientId,
      lockGuid,
      fence,
      requestId: this.id("request"),
      startedAt: this.now,
      hasTopology: false,
      around: surroundings(this.state, name, (known) => byTheWall(this.now)(known)),
      ...change,
    };
  }

  /** Ends the flow of the key and unlocks its client. */
  end(result: FactBodies["flow.ended"]["result"], name = KEY): void {
    const { flow } = this.key(name);
    if (flow === null) return;
    const { clientId, lockGuid, fence } = flow;
    this.add(
      entry(keyStream(name), this.now, "flow.ended", { key: name, lockGuid, result }),
      entry(clientStream(clientId), this.now, "client.unlocked", { clientId, lockGuid, fence }),
    );
  }

  /** A flow for what is in line plans this request. */
  plan(payload: RequestPayload, at: ServiceInfo, name = KEY): RequestState {
    const { lockGuid, clientId, group, requestId } = this.start(name);
    const intents = {
      create: "created",
      update: "updated",
      close: "closed",
      editNinasCounters: "updated",
    } as const;
    const planned = { requestId, key: name, clientId, lockGuid, service: at, payload };
    this.add(
      entry(keyStream(name), this.now, "request.planned", {
        ...planned,
        intent: intents[payload.command],
        alarms: group.map((one) => one.ref),
        rule: "D8",
        plannedAt: this.now,
      }),
    );
    return this.request(name);
  }

  /** Attempt n of the key's request leaves. */
  send(name = KEY): RequestState {
    const { requestId, key, clientId, lockGuid, attempts, service: at, payload } = this.request(name);
    const attempt = attempts + 1;
    const row = responseRow(requestId, {
      attempt,
      clientId,
      lockGuid,
      key,
      service: at.name,
      command: payload.command,
    });
    this.add(
      entry(keyStream(key), this.now, "request.sending", { requestId, key, clientId, lockGuid, attempt }),
      entry(keyStream(key), this.now, "response.row", { change: false, row }),
    );
    return this.request(name);
  }

  /** The outcome of each notification that has one, the newest fact winning (A2). */
  outcomes(): Record<string, string> {
    const outcomes: Record<string, string> = {};
    for (const fact of this.facts)
      if (fact.type === "alarm.settled") outcomes[fact.body.alarm.id] = fact.body.outcome;
    return outcomes;
  }
}

export function responseRow(requestId: string, change: Partial<ResponseRow> = {}): ResponseRow {
  return {
    requestId,
    attempt: 1,
    clientId: "client-01",
    lockGuid: "guid-1",
    service: "OSB",
    command: "create",
    key: KEY,
    sentAt: noon,
    answeredAt: null,
    durationMs: null,
    status: "sending",
    code: null,
    cause: null,
    asyncStatus: null,
    ticketIds: [],
    request: "",
    answer: "",
    ...change,
  };
}

/** That a request of `KEY` is settled: a close of T1 that worked, unless told otherwise. */
export function requestSettled(at: number, change: Partial<FactBodies["request.settled"]>): Entry {
  return entry(keyStream(KEY), at, "request.settled", {
    requestId: "r",
    key: KEY,
    result: "ok",
    command: "close",
    ticketId: "T1",
    service: "OSB",
    ticket: null,
    because: "",
    again: false,
    ...change,
  });
}

/** A key with an open ticket T1 that we made for alarm a1, still active; its confirmation is `now`. */
export function withTicket(history = new History(), severity: Notification["severity"] = "major"): History {
  history.accept("raise-a1", { severity });
  history.plan({ ...createPayload, severity } as RequestPayload, service());
  const { requestId } = history.send();
  const [alarm] = history.request().alarms;
  if (alarm === undefined) throw new Error("The request has no alarm.");
  const created = { ...ended("created", "D8"), ticketId: "T1", requestId, supersedes: null };
  history.add(
    requestSettled(history.now, {
      requestId,
      command: "create",
      ticket: { status: "acknowledged", severity, openedAt: noon },
    }),
    entry(keyStream(KEY), history.now, "alarm.settled", { ...created, alarm, key: KEY }),
  );
  history.end("settled");
  return history;
}

/** Types of the facts in a list of entries, in order. */
export function types(entries: readonly Entry[]): string[] {
  return entries.map(({ fact }) => fact.type);
}

export function body<T extends keyof FactBodies>(entries: readonly Entry[], type: T): FactBodies[T] {
  const found = entries.find(({ fact }) => fact.type === type);
  if (found === undefined) throw new Error(`No ${type} among ${types(entries).join(", ")}.`);
  return found.fact.body as FactBodies[T];
}
