/**
 * The public API: a supervisor over a pool of Ticket Clients, their gateways, and the ledger they act on.
 *   A1 accepted means durable.  A6 overload is refused before the acknowledgement.  L6 force actions name
 *   the lock that the operator saw.  R2 recovery may be cut off and repeated.  R3 a broken ledger stops it all.
 * Source: architecture.md, "Supervisor API"; its names are a contract.
 */
import { createActor } from "xstate";
import { decide as defaultDecision, type Decision, type DecisionInput } from "../machines/decision.ts";
import { entry, type Entry, type Expectation } from "../machines/entry.ts";
import { alarmStream, type Fact } from "../machines/facts.ts";
import { fail, FailureError, ok, type Result } from "../machines/failure.ts";
import { keyOfHand, leaveRequest } from "../machines/flow-end.ts";
import { cancelRequest, doubtDelay, park } from "../machines/settlement.ts";
import { limits } from "../machines/limits.ts";
import { recover } from "../machines/recovery.ts";
import { judgeAsync } from "../machines/async-result.ts";
import {
  clientStream,
  keyStream,
  openTicketsOf,
  unsettledAlarms,
  type KeyState,
  type State,
} from "../machines/state.ts";
import { clientNames, crashReport, gatewayChild, supervisorMachine } from "../machines/supervisor.machine.ts";
import {
  busyStatus,
  type TicketClientContext,
  type TicketClientRef,
} from "../machines/ticket-client.machine.ts";
import type { GatewayRef } from "../machines/gateway.machine.ts";
import type {
  ClientCondition,
  Instant,
  Notification,
  Position,
  ServiceInfo,
} from "../machines/vocabulary.ts";
import { resolveConfig, type Config, type ConfigInput } from "./config.ts";
import { Dispatcher } from "./dispatcher.ts";
import { explainAlarm, explainKey, type Explanation } from "./explain.ts";
import { gatewayLogic } from "./gateway.ts";
import { HeldClient } from "./held-client.ts";
import { Journal, type FactListener } from "./journal.ts";
import type {
  Acceptance,
  AlarmSink,
  AsyncResult,
  Clock,
  Ids,
  Ledger,
  Log,
  TicketingService,
} from "./ports.ts";
import { endForcibly, ticketClientLogic } from "./ticket-client.ts";

export interface SupervisorOptions {
  /** Unset members take their defaults; see config.ts. */
  readonly config?: ConfigInput;
  readonly ledger: Ledger;
  readonly service: TicketingService;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The Service Info Table of the first start; later starts take the ledger's. At least one row. */
  readonly services: readonly ServiceInfo[];
  /** Instead of the default decision D0–D13. Must be pure; when it throws, the flow crashes (R6). */
  readonly decide?: (input: DecisionInput) => Decision;
  /** Once, when the ledger fails (R3): the process should stop. */
  readonly onBroken?: (error: unknown) => void;
}

export interface ClientView {
  readonly clientId: string;
  readonly state: ClientCondition;
  readonly lockStatus: "locked" | "unlocked";
  readonly lockGuid: string | null;
  readonly lockTime: Instant | null;
  readonly fence: number | null;
  readonly busyStatus: "busy" | "notBusy";
  readonly processingData: string;
}

export interface EngineSnapshot {
  readonly ledger: string;
  readonly position: Position;
  readonly clients: readonly ClientView[];
  readonly queue: {
    readonly create: number;
    readonly update: number;
    readonly close: number;
    readonly parked: number;
  };
  readonly gateway: {
    readonly inFlight: readonly { readonly service: string; readonly requestId: string }[];
  };
  readonly services: { readonly rows: readonly ServiceInfo[]; readonly selected: string | null };
  readonly counters: EngineCounters;
}

export interface EngineCounters {
  readonly accepted: number;
  readonly duplicates: number;
  readonly settled: number;
  readonly unsettled: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly rows: {
    readonly inserted: number;
    readonly present: number;
    readonly evicted: number;
    readonly cleared: number;
  };
  readonly openTickets: number;
  readonly claimsNotKept: number;
}

export interface ForceOptions {
  /** The lock that the operator saw: a newer one is never released (L6). */
  readonly lockGuid: string;
  readonly by: string;
  readonly reason: string;
}

/** Starts an engine: resolves when it has recovered and its clients are idle. */
export async function createSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const config = resolveConfig(options.config ?? {});
  if (!config.ok) throw new FailureError(config.failure.code, config.failure.detail);
  const supervisor = new Supervisor(
    options,
    config.value,
    await Journal.open(options.ledger, (error) => options.onBroken?.(error)),
  );
  await supervisor.begin();
  return supervisor;
}

export class Supervisor implements AlarmSink {
  readonly config: Config;
  readonly #options: SupervisorOptions;
  readonly #journal: Journal;
  readonly #dispatcher: Dispatcher;
  readonly #actor;
  readonly #views = new Map<string, ClientView>();
  readonly #stateListeners = new Set<(view: ClientView) => void>();
  readonly #inFlight = new Map<string, string>();
  #duplicates = 0;
  #accepting = 0;
  #stopping = false;
  #idleAll: (() => void) | null = null;

  /** Use `createSupervisor`. */
  constructor(options: SupervisorOptions, config: Config, journal: Journal) {
    this.config = config;
    this.#options = options;
    this.#journal = journal;
    const { clock, ids, service } = options;
    const client = ticketClientLogic({
      journal,
      service,
      clock,
      ids,
      gateway: (name) => this.#gateway(name),
      onIdle: (clientId) => this.#onIdle(clientId),
      onState: (clientId, state, context) => this.#show(viewOf(clientId, state, context)),
    });
    const gateway = gatewayLogic({
      journal,
      service,
      clock,
      settings: config.gateway,
      onFlight: (name, item) => {
        if (item === null) this.#inFlight.delete(name);
        else this.#inFlight.set(name, item.request.requestId);
      },
    });
    const logic = supervisorMachine.provide({
      actors: { client, gateway },
      actions: {
        reportCrash: ({ context, event }) => void this.#crashed(crashReport(context, event), false),
        reportQuarantine: ({ context, event }) => void this.#crashed(crashReport(context, event), true),
      },
    });
    this.#actor = createActor(logic, {
      id: "supervisor",
      clock,
      logger: () => {},
      input: { clients: config.clients, monotonicMs: () => clock.monotonicMs() },
    });
    this.#dispatcher = new Dispatcher({
      journal,
      clock,
      ids,
      config,
      decide: options.decide ?? defaultDecision,
      client: (clientId) => this.#client(clientId),
      service: () => selectedService(journal.state),
    });
  }

  /** Recovery, then the pool. Called once, by `createSupervisor`. */
  async begin(): Promise<void> {
    const { journal, config } = { journal: this.#journal, config: this.config };
    const { ledger, clock, services } = this.#options;
    const at = clock.now();
    const entries: Entry[] = [
      entry("settings", at, "ledger.opened", { engine: "ticket-client", clients: config.clients }),
    ];
    const { maxResponseRows, reopenSeconds, clockSkewSeconds, dedupDays } = config;
    const settings = { maxResponseRows, reopenSeconds, clockSkewSeconds, dedupDays };
    const known: object = journal.state.settings;
    const changed = Object.entries(settings).some(([name, value]) => Reflect.get(known, name) !== value);
    if (journal.state.position === 0 || changed)
      entries.push(entry("settings", at, "settings.changed", settings));
    if (journal.state.services.length === 0) {
      const [first] = services;
      if (first === undefined)
        throw new FailureError(
          "CONFIGURATION_INVALID",
          "The Service Info Table is empty; give at least one ticketing service.",
        );
      const selected = services.find((one) => one.name === config.services.selected) ?? first;
      entries.push(entry("services", at, "services.imported", { services, by: "first start" }));
      entries.push(entry("services", at, "service.selected", { name: selected.name, by: "first start" }));
    }
    entries.push(...recover(journal.state, ledger.head().restored, at));
    await journal.append(entries);
    for (const clientId of clientNames(config.clients))
      this.#views.set(clientId, viewOf(clientId, "restarting", null));
    this.#actor.start();
    this.#actor.send({ type: "supervisor.start" });
    this.#dispatcher.begin();
  }

  // --- alarms

  /** A1, A4: resolves when durable. */
  async accept(notification: Notification, digest: string): Promise<Acceptance> {
    if (this.#stopping) return { kind: "stopping" };
    if (unsettledAlarms(this.#journal.state) + this.#accepting >= limits.unsettledAlarmsMax) {
      return { kind: "overloaded", retryAfterMs: limits.overloadedRetryAfterMs }; // A6
    }
    const stream = alarmStream(notification.source, notification.id);
    const fact = entry(stream, this.#options.clock.now(), "alarm.accepted", { notification, digest });
    this.#accepting += 1;
    try {
      const result = await this.#journal.append([fact], [{ stream, revision: 0 }]); // A4
      if (result.kind === "committed")
        return { kind: "accepted", position: result.position, duplicate: false };
    } finally {
      this.#accepting -= 1;
    }
    const [first] = await this.#options.ledger.readStream(stream);
    if (first?.type !== "alarm.accepted")
      throw new Error(`The stream ${stream} is not empty and holds no accepted alarm.`);
    if (first.body.digest !== digest) return { kind: "conflict", position: first.position };
    this.#duplicates += 1;
    return { kind: "accepted", position: first.position, duplicate: true };
  }

  /** As `accept`, for programs: throws a FailureError (CONFLICT, OVERLOADED, STOPPING) where it is refused. */
  async raise(
    notification: Notification,
    digest: string = JSON.stringify(notification),
  ): Promise<{ position: Position; duplicate: boolean }> {
    const told = await this.accept(notification, digest);
    switch (told.kind) {
      case "accepted":
        return { position: told.position, duplicate: told.duplicate };
      case "conflict":
        throw new FailureError(
          "CONFLICT",
          `Alarm ${notification.id} of ${notification.source} was accepted before with other content.`,
        );
      case "overloaded":
        throw new FailureError(
          "OVERLOADED",
          `Too many alarms are unsettled; try again in ${told.retryAfterMs} ms.`,
        );
      case "stopping":
        throw new FailureError("STOPPING", "The engine is stopping; send the alarm again after its restart.");
    }
  }

  /** G5: the service's async result; resolves when durable. */
  async deliverAsync(result: AsyncResult): Promise<void> {
    const { state } = this.#journal;
    for (;;) {
      const before = state.settledRequests.get(result.requestId) ?? unknownRequest(state, result.requestId);
      const name = state.requests.get(result.requestId) ?? before?.key;
      const key = name === undefined ? null : (state.keys.get(name) ?? null);
      const entries = judgeAsync(key, before, result, this.#options.clock.now());
      const expect: Expectation[] =
        key === null ? [] : [{ stream: keyStream(key.key), revision: key.revision }];
      const done = await this.#journal.append(entries, expect);
      if (done.kind === "committed") return;
    }
  }

  // --- flows written by hand

  /** Takes hold of a client, before waiting automatic flows. Throws LOCK_TIMEOUT when none is idle in time. */
  async lock({
    timeoutSeconds = limits.lockWaitSecondsDefault,
  }: { readonly timeoutSeconds?: number } = {}): Promise<HeldClient> {
    if (this.#stopping) throw new FailureError("STOPPING", "The engine is stopping.");
    const held = await this.#dispatcher.lockByHand(timeoutSeconds * 1000);
    if (held === null)
      throw new FailureError(
        "LOCK_TIMEOUT",
        `No Ticket Client became idle within ${timeoutSeconds} s; raise \`clients\` or wait longer.`,
      );
    const { clock, ids } = this.#options;
    return new HeldClient({
      clientId: held.clientId,
      lock: held.lock,
      client: () => this.#client(held.clientId),
      service: () => selectedService(this.#journal.state),
      journal: this.#journal,
      clock,
      ids,
    });
  }

  // --- operators

  /** L4, L6. Resolves when it is durable and the client is free. */
  async forceUnlock(clientId: string, force: ForceOptions): Promise<Result<null>> {
    const seen = this.#seen(clientId, force);
    if (!seen.ok) return seen;
    const { lockGuid, fence } = seen.value;
    // The lock that the operator saw may end while we append: then the ledger refuses, and a newer one stands.
    const done = await endForcibly(
      { journal: this.#journal, clock: this.#options.clock },
      clientId,
      { how: "forced", by: force.by, reason: force.reason },
      lockGuid,
    );
    if (!done.ok) return done.failure.code === "STALE_GUID" ? this.#moved(clientId) : done;
    this.#client(clientId)?.send({ type: "client.forceUnlock", lockGuid, fence });
    return ok(null);
  }

  /** L4, L6: ends the command being executed, not the lock. */
  async forceNotBusy(clientId: string, force: ForceOptions): Promise<Result<null>> {
    for (;;) {
      const seen = this.#seen(clientId, force);
      if (!seen.ok) return seen;
      if (this.#views.get(clientId)?.busyStatus !== "busy")
        return fail("NOT_BUSY", `${clientId} is not executing a command.`);
      const { lockGuid, fence } = seen.value;
      const { state } = this.#journal;
      const client = state.clients.get(clientId);
      const at = this.#options.clock.now();
      const entries: Entry[] = [
        entry(clientStream(clientId), at, "client.notBusyForced", {
          clientId,
          lockGuid,
          fence,
          by: force.by,
          reason: force.reason,
        }),
      ];
      const expect: Expectation[] = [{ stream: clientStream(clientId), revision: client?.revision ?? 0 }];
      const name = client?.key ?? keyOfHand(state, lockGuid);
      const key = name === null ? undefined : state.keys.get(name);
      const request = key?.request ?? null;
      if (key !== undefined) {
        expect.push({ stream: keyStream(key.key), revision: key.revision });
        const because = `An operator ended the command: ${force.reason}`;
        if (request !== null && this.#views.get(clientId)?.state === "forwarding") {
          entries.push(...leaveRequest(key, request, at, because, true));
        }
      }
      const done = await this.#journal.append(entries, expect);
      if (done.kind === "conflict") continue;
      const claim = done.facts[0]?.position ?? done.position;
      this.#client(clientId)?.send({
        type: "client.forceNotBusy",
        lockGuid,
        fence,
        sending: request !== null && request.status !== "planned" && request.status !== "retry",
        claim,
        at,
      });
      return ok(null);
    }
  }

  // --- what is there

  snapshot(): EngineSnapshot {
    const { state } = this.#journal;
    return {
      ledger: this.#options.ledger.head().ledger,
      position: state.position,
      clients: [...this.#views.values()],
      queue: this.#dispatcher.waiting(),
      gateway: { inFlight: [...this.#inFlight].map(([service, requestId]) => ({ service, requestId })) },
      services: { rows: state.services, selected: state.selectedService },
      counters: this.counters(),
    };
  }

  counters(): EngineCounters {
    const { state } = this.#journal;
    const rows = { inserted: 0, present: 0, evicted: 0, cleared: 0 };
    for (const table of state.tables.values()) {
      rows.inserted += table.inserted;
      rows.evicted += table.evicted;
      rows.cleared += table.cleared;
      rows.present += table.settled.length + Object.keys(table.unsettled).length;
    }
    const { accepted, settled, outcomes, claimsNotKept } = state.counters;
    return {
      accepted,
      duplicates: this.#duplicates,
      settled,
      unsettled: unsettledAlarms(state),
      outcomes: { ...outcomes },
      rows,
      openTickets: openTicketsOf(state),
      claimsNotKept,
    };
  }

  /** The fold, read-only: never change it. */
  get state(): State {
    return this.#journal.state;
  }

  /** Facts as they become durable. Returns a function that ends it. */
  onFacts(listener: FactListener): () => void {
    return this.#journal.listen(listener);
  }

  /** Every change of a client's live state. Returns a function that ends it. */
  onClient(listener: (view: ClientView) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Facts after a position, and on as they come, until the signal aborts. */
  subscribe(
    listener: (fact: Fact) => void,
    { after, signal }: { readonly after: Position; readonly signal: AbortSignal },
  ): Promise<void> {
    const { ledger } = this.#options;
    return (async () => {
      for await (const fact of ledger.follow(after, signal)) listener(fact);
    })();
  }

  /** Durable facts after a position, in order, at most `limit`. */
  readFacts(after: Position, limit: number): AsyncIterable<Fact> {
    return this.#options.ledger.read(after, limit);
  }

  explain(alarm: { readonly source: string; readonly id: string }): Promise<Explanation | null> {
    return explainAlarm(this.#options.ledger, alarm.source, alarm.id);
  }

  explainKey(key: string, count: number): Promise<Explanation[]> {
    return explainKey(this.#options.ledger, key, count);
  }

  /** Accepts nothing more, lets running flows end for at most `drainSeconds`, then stops in reverse order. */
  async stop({
    drainSeconds = limits.drainSecondsDefault,
  }: { readonly drainSeconds?: number } = {}): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#dispatcher.stop();
    const { clock } = this.#options;
    if (!this.#allIdle()) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(resolve, drainSeconds * 1000);
        this.#idleAll = () => {
          clock.clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#actor.send({ type: "supervisor.stop" });
    await this.#journal.settled();
    await this.#journal
      .saveSnapshot()
      .catch((error: unknown) => this.#options.log.warn("snapshot.failed", { error: String(error) }));
    await this.#options.service.close();
    await this.#options.ledger.close();
  }

  // --- inside

  #client(clientId: string): TicketClientRef | undefined {
    return this.#actor.getSnapshot().children[clientId] as TicketClientRef | undefined;
  }

  #gateway(service: string): GatewayRef {
    const name = gatewayChild(service);
    if (this.#actor.getSnapshot().children[name] === undefined)
      this.#actor.send({ type: "gateway.open", service });
    return this.#actor.getSnapshot().children[name] as unknown as GatewayRef;
  }

  #onIdle(clientId: string): void {
    this.#dispatcher.idle(clientId);
    if (this.#idleAll !== null && this.#allIdle()) this.#idleAll();
  }

  #allIdle(): boolean {
    for (const view of this.#views.values()) if (view.lockStatus === "locked") return false;
    return true;
  }

  #show(view: ClientView): void {
    this.#views.set(view.clientId, view);
    for (const listener of this.#stateListeners) listener(view);
  }

  #seen(clientId: string, force: ForceOptions): Result<{ lockGuid: string; fence: number }> {
    const view = this.#views.get(clientId);
    if (view === undefined)
      return fail(
        "UNKNOWN_CLIENT",
        `There is no Ticket Client ${clientId}; they are named client-01 and so on.`,
      );
    if (view.lockGuid === null || view.fence === null)
      return fail("NOT_LOCKED", `${clientId} is not locked; there is nothing to force.`);
    if (view.lockGuid !== force.lockGuid) return this.#moved(clientId);
    return ok({ lockGuid: view.lockGuid, fence: view.fence });
  }

  #moved(clientId: string): Result<never> {
    const holder = this.#views.get(clientId)?.lockGuid ?? null;
    return fail(
      "STALE_GUID",
      holder === null
        ? `${clientId} is free by now; the lock you saw has ended.`
        : `${clientId} is held by ${holder} by now; look at that flow before forcing it.`,
    );
  }

  /** R6: the crash becomes durable, then the child may live again. */
  async #crashed(
    report: { readonly child: string; readonly cause: string; readonly crashes: number },
    quarantined: boolean,
  ): Promise<void> {
    const { child, cause, crashes } = report;
    const { log, clock } = this.#options;
    log.error("child.crashed", { child, cause, crashes, quarantined });
    try {
      if (child.startsWith("gateway:")) await this.#doubtInFlight(child.slice("gateway:".length), cause);
      else {
        this.#dispatcher.gone(child);
        this.#show(viewOf(child, quarantined ? "quarantined" : "restarting", null));
        await endForcibly({ journal: this.#journal, clock }, child, { how: "crashed", cause }, null);
        if (quarantined)
          await this.#journal.append([
            entry(clientStream(child), clock.now(), "client.quarantined", {
              clientId: child,
              crashes,
              cause,
            }),
          ]);
      }
    } catch (error) {
      log.error("crash.unrecorded", { child, error: String(error) });
      return;
    }
    if (!quarantined) this.#actor.send({ type: "child.recover", child });
  }

  /** A gateway that crashed took the answer of its request with it: nobody knows. */
  async #doubtInFlight(service: string, cause: string): Promise<void> {
    const { state } = this.#journal;
    const at = this.#options.clock.now();
    const entries: Entry[] = [];
    for (const name of state.requests.values()) {
      const key = state.keys.get(name);
      const request = key?.request ?? null;
      if (key === undefined || request === null || request.service.name !== service) continue;
      if (request.status === "planned")
        entries.push(
          ...cancelRequest(key, request, at, `The gateway crashed before it was sent: ${cause}`, false),
        );
      if (request.status !== "sending") continue;
      const { requestId, attempts } = request;
      entries.push(
        entry(keyStream(name), at, "request.answered", {
          requestId,
          key: name,
          attempt: attempts,
          answer: "inDoubt",
          code: "RESET",
          cause,
          ticketId: null,
        }),
        park(
          key,
          at,
          "inDoubt",
          doubtDelay(request),
          `The gateway crashed while it was being sent: ${cause}`,
        ),
      );
    }
    this.#inFlight.delete(service);
    const waiting = [...this.#views.values()].filter((view) => view.state === "forwarding");
    if (entries.length > 0) await this.#journal.append(entries);
    for (const { clientId, lockGuid, fence } of waiting) {
      // Its answer died with the gateway: what became of the request is a fact by now, and the flow goes on.
      const key = state.keys.get(
        state.clients.get(clientId)?.key ?? (lockGuid === null ? "" : (keyOfHand(state, lockGuid) ?? "")),
      );
      if (
        lockGuid === null ||
        fence === null ||
        (key?.request !== null && key?.request?.service.name !== service)
      )
        continue;
      const claim = state.clients.get(clientId)?.revision ?? 0;
      this.#client(clientId)?.send({
        type: "client.forceNotBusy",
        lockGuid,
        fence,
        sending: true,
        claim,
        at,
      });
    }
  }
}

export function selectedService(state: State): ServiceInfo | null {
  return state.services.find((one) => one.name === state.selectedService) ?? null;
}

function unknownRequest(state: State, requestId: string): KeyState["unknown"][number] | null {
  for (const key of state.keys.values()) {
    const found = key.unknown.find((one) => one.requestId === requestId);
    if (found !== undefined) return found;
  }
  return null;
}

function viewOf(clientId: string, state: ClientCondition, context: TicketClientContext | null): ClientView {
  const lock = context?.lock ?? null;
  return {
    clientId,
    state,
    lockStatus: lock === null ? "unlocked" : "locked",
    lockGuid: lock?.lockGuid ?? null,
    lockTime: lock?.lockTime ?? null,
    fence: lock?.fence ?? null,
    busyStatus: busyStatus(state),
    processingData: context?.processingData ?? "",
  };
}
