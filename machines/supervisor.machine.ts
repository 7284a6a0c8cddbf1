/**
 * The supervisor: spawns the Ticket Clients, the gateways and the heartbeat, restarts what crashes, quarantines what
 * crashes too often, stops in reverse order. OTP's words: children permanent, one_for_one, intensity
 * `restartIntensity` within `restartPeriodSeconds`.
 *   L5 idle + locked + restarting + quarantined = pool size.  R6 one crashing client disturbs nobody else.
 * Source: telenet-ticket-client.md, "About"; architecture.md, "The actors".
 */
import { produce } from "immer";
import { assign, enqueueActions, raise, setup, type AnyActorRef } from "xstate";
import { causeOf } from "./failure.ts";
import { gatewayMachine } from "./gateway.machine.ts";
import { heartbeatChecks, type HeartbeatCheck } from "./heartbeat.ts";
import { heartbeatMachine, type HeartbeatInput } from "./heartbeat.machine.ts";
import { limits } from "./limits.ts";
import { ticketClientMachine } from "./ticket-client.machine.ts";

export interface SupervisorContext {
  readonly clients: readonly string[];
  /** Monotonic time in ms, from the Clock port (R5). */
  readonly monotonicMs: () => number;
  /** Monotonic times of recent crashes, by child. */
  readonly crashes: Readonly<Record<string, readonly number[]>>;
  /** Children waiting for the facts of their crash. */
  readonly restarting: readonly string[];
  /** Checks of the heartbeat, each an actor; none once `heartbeat.stop` has come. */
  readonly heartbeats: readonly HeartbeatInput[];
  /** Quarantines in a row, by child. */
  readonly quarantined: Readonly<Record<string, number>>;
  /** Monotonic time since which the child has not crashed: of its last crash, or of the end of its quarantine. */
  readonly calmSince: Readonly<Record<string, number>>;
}

export type SupervisorEvent =
  | { readonly type: "supervisor.start" }
  | { readonly type: "gateway.open"; readonly service: string }
  /** The crash of a child is durable; it may live again. */
  | { readonly type: "child.recover"; readonly child: string }
  | { readonly type: "quarantine.over"; readonly child: string }
  /** The engine begins to stop: nothing beats any more, whatever else may still end in order. */
  | { readonly type: "heartbeat.stop" }
  | { readonly type: "supervisor.stop" };

export interface CrashReport {
  readonly child: string;
  readonly cause: string;
  /** Crashes in the period. */
  readonly crashes: number;
}

/** Children are named `client-07`, `gateway:OSB` and `heartbeat:chain`. */
export function gatewayChild(service: string): string {
  return `gateway:${service}`;
}

export function heartbeatChild(check: HeartbeatCheck): string {
  return `heartbeat:${check}`;
}

/** Whether the child is one of the heartbeat's checks, and which. */
export function heartbeatCheckOf(child: string): HeartbeatCheck | null {
  return heartbeatChecks.find((check) => heartbeatChild(check) === child) ?? null;
}

/** `client-01` …: as many digits as the pool's size has, at least two. */
export function clientNames(clients: number): string[] {
  const digits = Math.max(2, String(clients).length);
  return Array.from({ length: clients }, (_, index) => `client-${String(index + 1).padStart(digits, "0")}`);
}

function crashedChild(event: { readonly type: string }): string {
  return event.type.slice("xstate.error.actor.".length);
}

function recentCrashes(context: SupervisorContext, child: string): readonly number[] {
  const since = context.monotonicMs() - limits.restartPeriodSeconds * 1000;
  return (context.crashes[child] ?? []).filter((at) => at > since);
}

/** How often in a row it was quarantined; a child that was calm for long enough starts anew. */
function quarantinesInARow(
  { quarantined, calmSince, monotonicMs }: SupervisorContext,
  child: string,
): number {
  const calmMs = monotonicMs() - (calmSince[child] ?? 0);
  return calmMs >= limits.quarantineForgottenSeconds * 1000 ? 0 : (quarantined[child] ?? 0);
}

/** Of the `times`-th quarantine in a row. */
function quarantineMs(times: number): number {
  return Math.min(limits.quarantineSecondsMax, limits.quarantineSeconds * 2 ** (times - 1)) * 1000;
}

/** What the crash of a child was, from its `xstate.error.actor.*` event. */
export function crashReport(context: SupervisorContext, event: { readonly type: string }): CrashReport {
  const child = crashedChild(event);
  return { child, cause: causeOf(event), crashes: recentCrashes(context, child).length };
}

function isIdleClient(ref: AnyActorRef | undefined): boolean {
  return ref?.src === "client" && (ref.getSnapshot() as { readonly value?: unknown }).value === "idle";
}

function isActive(ref: AnyActorRef): boolean {
  return (ref.getSnapshot() as { readonly status?: unknown }).status === "active";
}

export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as {
      readonly clients: number;
      readonly monotonicMs: () => number;
      /** Default: none. */
      readonly heartbeats?: readonly HeartbeatInput[];
    },
  },
  actors: { client: ticketClientMachine, gateway: gatewayMachine, heartbeat: heartbeatMachine },
  delays: {
    quarantine: ({ context, event }) => quarantineMs(context.quarantined[crashedChild(event)] ?? 1),
  },
  guards: {
    isExhausted: ({ context, event }) =>
      recentCrashes(context, crashedChild(event)).length >= limits.restartIntensity,
    isRestarting: ({ context, event }) => "child" in event && context.restarting.includes(event.child),
  },
  actions: {
    spawnClients: assign(({ context, spawn }) => {
      for (const clientId of context.clients) spawn("client", { id: clientId, input: { clientId } });
      return {};
    }),
    spawnHeartbeats: assign(({ context, spawn }) => {
      for (const one of context.heartbeats)
        spawn("heartbeat", {
          id: heartbeatChild(one.check),
          input: { ...one, monotonicMs: context.monotonicMs },
        });
      return {};
    }),
    stopHeartbeats: enqueueActions(({ context, enqueue }) => {
      for (const { check } of context.heartbeats) enqueue.stopChild(heartbeatChild(check));
      enqueue.assign({ heartbeats: [] });
    }),
    spawnGateway: assign(({ event, spawn, self }) => {
      if (
        event.type !== "gateway.open" ||
        self.getSnapshot().children[gatewayChild(event.service)] !== undefined
      )
        return {};
      spawn("gateway", { id: gatewayChild(event.service), input: { service: event.service } });
      return {};
    }),
    respawn: assign(({ context, event, spawn, self }) => {
      if (event.type !== "child.recover" && event.type !== "quarantine.over") return {};
      const { child } = event;
      const restarting = context.restarting.filter((one) => one !== child);
      if (self.getSnapshot().children[child] !== undefined) return { restarting }; // G1: opened meanwhile
      const check = heartbeatCheckOf(child);
      const heartbeat = context.heartbeats.find((one) => one.check === check);
      if (heartbeat !== undefined)
        spawn("heartbeat", { id: child, input: { ...heartbeat, monotonicMs: context.monotonicMs } });
      else if (check !== null) return { restarting }; // the engine stops: nothing beats any more
      else if (child.startsWith("gateway:"))
        spawn("gateway", { id: child, input: { service: child.slice("gateway:".length) } });
      else spawn("client", { id: child, input: { clientId: child } });
      return { restarting };
    }),
    noteCrash: assign(({ context, event }) =>
      produce(context, (draft) => {
        const child = crashedChild(event);
        draft.crashes[child] = [...recentCrashes(context, child), context.monotonicMs()];
        draft.quarantined[child] = quarantinesInARow(context, child);
        draft.calmSince[child] = context.monotonicMs();
        draft.restarting = [...draft.restarting.filter((one) => one !== child), child];
      }),
    ),
    noteQuarantine: assign(({ context, event }) =>
      produce(context, (draft) => {
        const child = crashedChild(event);
        const times = quarantinesInARow(context, child) + 1;
        draft.quarantined[child] = times;
        draft.calmSince[child] = context.monotonicMs() + quarantineMs(times);
        draft.restarting = draft.restarting.filter((one) => one !== child);
        draft.crashes[child] = [];
      }),
    ),
    armQuarantine: raise(({ event }) => ({ type: "quarantine.over" as const, child: crashedChild(event) }), {
      delay: "quarantine",
    }),
    /** With what it had begun, which XState leaves running: an exchange beside the next gateway's (G1). */
    dropCrashed: enqueueActions(({ event, enqueue, self }) => {
      const child = crashedChild(event);
      const begun: Record<string, AnyActorRef> =
        self.getSnapshot().children[child]?.getSnapshot().children ?? {};
      for (const ref of Object.values(begun))
        if (isActive(ref)) enqueue(() => ref.send({ type: "xstate.stop" }));
      enqueue.stopChild(child);
    }),
    /** In reverse order. Idle clients have nothing to end: XState copies the list of children for each that it stops. */
    stopChildren: enqueueActions(({ enqueue, self }) => {
      const { children } = self.getSnapshot();
      for (const child of Object.keys(children).reverse())
        if (!isIdleClient(children[child])) enqueue.stopChild(child);
    }),
    /** Provided by actors/: makes the crash durable, then sends `child.recover`. */
    reportCrash: () => {},
    /** Provided by actors/: makes the crash and the quarantine durable. */
    reportQuarantine: () => {},
  },
}).createMachine({
  id: "supervisor",
  initial: "waiting",
  options: { maxIterations: limits.machineIterationsMax },
  context: ({ input }) => ({
    clients: clientNames(input.clients),
    monotonicMs: input.monotonicMs,
    heartbeats: input.heartbeats ?? [],
    crashes: {},
    restarting: [],
    quarantined: {},
    calmSince: {},
  }),
  states: {
    waiting: {
      on: { "supervisor.start": { target: "running", actions: ["spawnClients", "spawnHeartbeats"] } },
    },
    running: {
      on: {
        "gateway.open": { actions: "spawnGateway" },
        "child.recover": { guard: "isRestarting", actions: "respawn" },
        "quarantine.over": { actions: "respawn" },
        "heartbeat.stop": { actions: "stopHeartbeats" },
        "xstate.error.actor.*": [
          {
            guard: "isExhausted",
            actions: ["dropCrashed", "noteQuarantine", "armQuarantine", "reportQuarantine"],
          },
          {
            actions: ["dropCrashed", "noteCrash", "reportCrash"],
          },
        ],
        "supervisor.stop": { target: "stopped" },
      },
    },
    /** Not final: XState would then stop the idle clients too. */
    stopped: { entry: "stopChildren" },
  },
});
