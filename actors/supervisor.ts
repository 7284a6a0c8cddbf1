/**
 * The public API: a supervisor over a pool of Ticket Clients, their gateways, and the ledger they act on.
 *   A1 accepted means durable.  A6 overload is refused before the acknowledgement.  L6 force actions name
 *   the lock that the operator saw.  R2 recovery may be cut off and repeated.  R3 a broken ledger stops it all.
 * Source: architecture.md, "Supervisor API"; its names are a contract.
 */
import { createActor, type AnyActorRef } from "xstate";
import { decide as defaultDecision } from "../machines/decision.ts";
import type { Fact } from "../machines/facts.ts";
import { FailureError, orThrow, type Result } from "../machines/failure.ts";
import type { GatewayRef } from "../machines/gateway.machine.ts";
import { limits } from "../machines/limits.ts";
import type { State } from "../machines/state.ts";
import { clientNames, crashReport, gatewayChild, supervisorMachine } from "../machines/supervisor.machine.ts";
import type { TicketClientRef } from "../machines/ticket-client.machine.ts";
import type { Verdict } from "../machines/verdict.ts";
import type { Notification, Position, ServiceInfo } from "../machines/vocabulary.ts";
import { resolveConfig, type Config } from "./config.ts";
import { observeActors, type ActorEvent } from "./actor-system.ts";
import { AlarmAdmission } from "./alarm-admission.ts";
import { deliverAsync } from "./async-delivery.ts";
import { CrashRecovery } from "./crash-recovery.ts";
import { DebugSearch } from "./debug-search.ts";
import { Dispatcher } from "./dispatcher.ts";
import {
  countersOf,
  viewOf,
  type ClientView,
  type EngineCounters,
  type EngineSnapshot,
} from "./engine-views.ts";
import { EngineReader } from "./engine-reader.ts";
import { explainAlarm, explainKey, type Explanation } from "./explain.ts";
import type { GatewayTable, TableMismatch } from "./gateway-table.ts";
import { gatewayLogic } from "./gateway.ts";
import {
  heartbeatInputs,
  heartbeatLogic,
  heartbeatView,
  openReceivers,
  type HeartbeatReceivers,
} from "./heartbeat.ts";
import { HeldClient } from "./held-client.ts";
import { Journal, type FactListener } from "./journal.ts";
import { openingEntries } from "./opening.ts";
import { guarded } from "./listeners.ts";
import { LockDeadlines } from "./lock-deadlines.ts";
import { RunningSearches } from "./running-searches.ts";
import { RefusedCommands } from "./refused-commands.ts";
import { OperatorCommands, type ForceOptions } from "./operator-commands.ts";
import type { Acceptance, AlarmSink, AsyncResult } from "./ports.ts";
import type { ImportOptions, ImportResult, ServiceCommands } from "./service-commands.ts";
import { openServiceTable } from "./service-table.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { ticketClientLogic } from "./ticket-client.ts";

export type { ClientView, EngineCounters, EngineSnapshot } from "./engine-views.ts";
export type { ForceOptions } from "./operator-commands.ts";
export type { ImportOptions, ImportResult, ServicesPreview } from "./service-commands.ts";
export type { SupervisorOptions } from "./supervisor-options.ts";

/** Starts an engine: resolves when it has recovered and its clients are idle. */
export async function createSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const config = orThrow(resolveConfig(options.config ?? {}));
  const supervisor = new Supervisor(
    options,
    config,
    await Journal.open(
      options.ledger,
      guarded(options.log, "onBroken", (error: unknown) => options.onBroken?.(error)),
    ),
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
  /** What an operator may do besides. */
  readonly operators: OperatorCommands;
  readonly debug: DebugSearch;
  readonly #services: ServiceCommands;
  readonly #gatewayTable: GatewayTable;
  readonly #crashes: CrashRecovery;
  readonly #deadlines: LockDeadlines;
  readonly #searches = new RunningSearches();
  readonly #refused = new RefusedCommands();
  readonly #admission: AlarmAdmission;
  /** What the HTTP API shows; bounded, never acted on. */
  readonly reader: EngineReader;
  readonly #receivers: HeartbeatReceivers;
  readonly #views = new Map<string, ClientView>();
  readonly #stateListeners = new Set<(view: ClientView) => void>();
  readonly #inFlight = new Map<string, string>();
  #stopping = false;
  #ended: Promise<void> | null = null;
  #idleAll: (() => void) | null = null;

  /** Use `createSupervisor`. */
  constructor(options: SupervisorOptions, config: Config, journal: Journal) {
    this.config = config;
    this.#options = options;
    this.#journal = journal;
    const { clock, ids, service } = options;
    this.#deadlines = new LockDeadlines(clock);
    const client = ticketClientLogic({
      journal,
      service,
      topology: options.topology ?? null,
      clock,
      ids,
      deadlines: this.#deadlines,
      searches: this.#searches,
      gateway: (name) => this.#gateway(name),
      refused: this.#refused,
      onIdle: (clientId) => this.#onIdle(clientId),
      onState: (clientId, state, context) => this.#show(viewOf(clientId, state, context)),
    });
    const gateway = gatewayLogic({
      journal,
      service,
      clock,
      deadlines: this.#deadlines,
      settings: config.gateway,
      refused: this.#refused,
      onFlight: (name, item) => {
        if (item === null) this.#inFlight.delete(name);
        else this.#inFlight.set(name, item.request.requestId);
      },
    });
    this.#receivers = openReceivers(config.heartbeat, options.heartbeatReceiver);
    const heartbeat = heartbeatLogic({
      receivers: this.#receivers,
      journal,
      clock,
      ids,
      log: options.log,
      lock: (how) => this.lock(how),
      forceUnlock: (clientId, force) => this.forceUnlock(clientId, force),
    });
    const logic = supervisorMachine.provide({
      actors: { client, gateway, heartbeat },
      actions: {
        reportCrash: ({ context, event }) => void this.#crashes.crashed(crashReport(context, event), false),
        reportQuarantine: ({ context, event }) =>
          void this.#crashes.crashed(crashReport(context, event), true),
      },
    });
    this.#actor = createActor(logic, {
      id: "supervisor",
      clock,
      logger: () => {},
      input: {
        clients: config.clients,
        monotonicMs: () => clock.monotonicMs(),
        heartbeats: heartbeatInputs(this.#receivers, config.heartbeat),
      },
    });
    this.#dispatcher = new Dispatcher({
      journal,
      clock,
      ids,
      config,
      decide: options.decide ?? defaultDecision,
      client: (clientId) => this.#client(clientId),
      service: () => selectedService(journal.state),
      hasTopology: options.topology !== undefined,
      held: () => this.#gatewayTable.holds,
      hurried: () => this.#admission.isHurried,
    });
    const table = openServiceTable({ ...options, config, journal, wake: () => this.#dispatcher.wake() });
    this.#gatewayTable = table.gatewayTable;
    this.#services = table.commands;
    const reach = {
      refused: this.#refused,
      journal,
      clock,
      views: this.#views,
      client: (clientId: string) => this.#client(clientId),
    };
    this.operators = new OperatorCommands(reach);
    this.debug = new DebugSearch({
      journal,
      service,
      clock,
      ids,
      selected: () => selectedService(journal.state),
      perSecond: config.gateway.debugSearchPerSecond,
    });
    const { ledger } = options;
    this.#admission = new AlarmAdmission({
      journal,
      ledger,
      clock,
      isStopping: () => this.#stopping,
      onCalm: () => this.#dispatcher.wake(),
    });
    this.reader = new EngineReader({
      ledger,
      state: () => journal.state,
      views: this.#views,
      results: (clientId) => this.#client(clientId)?.getSnapshot().context.results ?? null,
      waiting: () => this.#dispatcher.waiting(),
      mismatch: () => this.tableMismatch,
    });
    this.#crashes = new CrashRecovery({
      ...reach,
      log: options.log,
      show: (view) => this.#show(view),
      gone: (clientId) => this.#dispatcher.gone(clientId),
      landed: (name) => this.#inFlight.delete(name),
      revive: (child) => this.#actor.send({ type: "child.recover", child }),
    });
  }

  /** Recovery, then the pool. Called once, by `createSupervisor`. */
  async begin(): Promise<void> {
    const { ledger, clock, services } = this.#options;
    const { state } = this.#journal;
    await this.#journal.append(
      openingEntries(state, this.config, services, ledger.head().restored, clock.now()),
    );
    for (const clientId of clientNames(this.config.clients))
      this.#views.set(clientId, viewOf(clientId, "restarting", null));
    this.#actor.start();
    this.#actor.send({ type: "supervisor.start" });
    await this.#gatewayTable.check();
    this.#dispatcher.begin();
  }

  // --- alarms

  /** A1, A4: resolves when durable. */
  accept(notification: Notification, digest: string): Promise<Acceptance> {
    return this.#admission.accept(notification, digest);
  }

  /** As `accept`, for programs: throws a FailureError (CONFLICT, OVERLOADED, STOPPING) where it is refused. */
  async raise(
    notification: Notification,
    digest: string = JSON.stringify(notification),
  ): Promise<{ position: Position; duplicate: boolean }> {
    return this.#admission.raise(notification, digest);
  }

  /** G5: the service's async result; resolves when durable. */
  deliverAsync(result: AsyncResult): Promise<void> {
    return deliverAsync(this.#journal, result, this.#options.clock);
  }

  // --- flows written by hand

  /** Takes hold of a client, before waiting automatic flows. Throws LOCK_TIMEOUT when none is idle in time. */
  async lock({
    timeoutSeconds = limits.lockWaitSecondsDefault,
  }: { readonly timeoutSeconds?: number } = {}): Promise<HeldClient> {
    if (this.#stopping) throw new FailureError("STOPPING", "The engine is stopping.");
    const held = await this.#dispatcher.lockByHand(timeoutSeconds * 1000);
    if (held === null && this.#stopping) throw new FailureError("STOPPING", "The engine is stopping.");
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
      deadlines: this.#deadlines,
      service: () => selectedService(this.#journal.state),
      heldBecause: () => this.#gatewayTable.heldBecause,
      journal: this.#journal,
      clock,
      ids,
    });
  }

  // --- operators

  /** L4, L6. Resolves when it is durable and the client is free. */
  forceUnlock(clientId: string, force: ForceOptions): Promise<Result<null>> {
    return this.operators.forceUnlock(clientId, force);
  }

  /** L4, L6: ends the command being executed, not the lock. */
  forceNotBusy(clientId: string, force: ForceOptions): Promise<Result<null>> {
    return this.operators.forceNotBusy(clientId, force);
  }

  // --- the Service Info Table

  /** The whole table from CSV, or nothing of it; service-commands.ts. */
  importServices(csv: string | Uint8Array, options: ImportOptions): Promise<ImportResult> {
    return this.#services.importServices(csv, options);
  }

  /** The whole table as CSV. */
  exportServices(): string {
    return this.#services.exportServices();
  }

  /** New flows use this service; what is under way stays where it was planned. Refused UNKNOWN_SERVICE. */
  selectService(name: string, options: { readonly by: string }): Promise<Result<null>> {
    return this.#services.selectService(name, options);
  }

  /** Verdict on a request that nobody could say the fate of (A2). Resolves with its key when durable. */
  resolve(requestId: string, verdict: Verdict): Promise<Result<{ readonly key: string }>> {
    return this.operators.resolve(requestId, verdict);
  }

  // --- what is there

  /** Where the gateway's service table differs; nothing is forwarded meanwhile. */
  get tableMismatch(): TableMismatch | null {
    return this.#gatewayTable.mismatch;
  }

  snapshot(): EngineSnapshot {
    const { state } = this.#journal;
    return {
      ledger: this.#options.ledger.head().ledger,
      position: state.position,
      clients: [...this.#views.values()],
      queue: this.#dispatcher.waiting(),
      gateway: { inFlight: [...this.#inFlight].map(([service, requestId]) => ({ service, requestId })) },
      services: {
        rows: state.services,
        selected: state.selectedService,
        mismatch: this.tableMismatch,
      },
      heartbeat: heartbeatView(this.#journal, this.#receivers),
      counters: this.counters(),
    };
  }

  counters(): EngineCounters {
    return countersOf(this.#journal.state, {
      duplicates: this.#admission.duplicates,
      commandsRefused: this.#refused.count,
    });
  }

  /** The fold, read-only: never change it. */
  get state(): State {
    return this.#journal.state;
  }

  /** Facts as they become durable. Returns a function that ends it. */
  onFacts(listener: FactListener): () => void {
    return this.#journal.listen(guarded(this.#options.log, "onFacts", listener));
  }

  /** Every change of a client's live state. Returns a function that ends it. */
  onClient(listener: (view: ClientView) => void): () => void {
    const heard = guarded(this.#options.log, "onClient", listener);
    this.#stateListeners.add(heard);
    return () => this.#stateListeners.delete(heard);
  }

  /** The actors themselves, to look at: never send them anything (F4). */
  get root(): AnyActorRef {
    return this.#actor;
  }

  /** Everything that any actor does from now on. Returns a function that ends it. */
  inspect(observer: (event: ActorEvent) => void): () => void {
    return observeActors(this.#actor, guarded(this.#options.log, "inspect", observer));
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
    return explainAlarm(this.#options.ledger, alarm.source, alarm.id, this.#journal.state);
  }

  explainKey(key: string, count: number): Promise<Explanation[]> {
    return explainKey(this.#options.ledger, key, count, this.#journal.state);
  }

  /** R4: what is wrong with the ledger was found elsewhere: nothing more is acknowledged, and `onBroken` is told. */
  fall(error: unknown): void {
    this.#journal.fall(error);
  }

  /** Asked again, the same stop. Accepts nothing more, lets running flows end for at most `drainSeconds`, then stops in reverse order. */
  stop({
    drainSeconds = limits.drainSecondsDefault,
  }: { readonly drainSeconds?: number } = {}): Promise<void> {
    this.#ended ??= this.#stop(drainSeconds);
    return this.#ended;
  }

  async #stop(drainSeconds: number): Promise<void> {
    this.#stopping = true;
    this.#dispatcher.stop();
    this.#actor.send({ type: "heartbeat.stop" }); // H1: nothing beats for an engine that stops
    this.#gatewayTable.stop();
    const { clock } = this.#options;
    if (!this.#allIdle()) {
      const drained = Promise.withResolvers<void>();
      const timer = clock.setTimeout(drained.resolve, drainSeconds * 1000);
      this.#idleAll = drained.resolve;
      await Promise.race([drained.promise, this.#journal.fallen]);
      clock.clearTimeout(timer);
    }
    this.#actor.send({ type: "supervisor.stop" });
    this.#deadlines.stop();
    this.#searches.stop();
    await this.#journal.settled();
    await this.#journal
      .saveSnapshot()
      .catch((error: unknown) => this.#options.log.warn("snapshot.failed", { error: String(error) }));
    // What one of them cannot do keeps no other open.
    const ends = [this.#options.service, this.#options.topology].map(async (port) => port?.close());
    const ended = await Promise.allSettled(ends);
    await this.#options.ledger.close();
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }

  // --- inside

  /** None once the pool is stopped: a lock that was on its way to the disk ends with the process. */
  #client(clientId: string): TicketClientRef | undefined {
    if (this.#actor.getSnapshot().value === "stopped") return undefined;
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
}

export function selectedService(state: State): ServiceInfo | null {
  return state.services.find((one) => one.name === state.selectedService) ?? null;
}
