/** A supervisor with clients that do nothing and gateways that never claim, in any of its states; children crash when told. */
import { createActor, fromPromise, type ActorRefFrom } from "xstate";
import { expect } from "vitest";
import { gatewayMachine, type ClaimResult, type QueuedRequest } from "../../machines/gateway.machine.ts";
import type { HeartbeatCheck } from "../../machines/heartbeat.ts";
import { heartbeatMachine, type HeartbeatInput, type ReportInput } from "../../machines/heartbeat.machine.ts";
import { limits } from "../../machines/limits.ts";
import { crashReport, supervisorMachine, type CrashReport } from "../../machines/supervisor.machine.ts";
import { manualClock, type ManualClock } from "../service/manual-clock.ts";
import { clientEvent, clientMachine } from "./client-rig.ts";
import { noon } from "./given.ts";

export interface SupervisorRig {
  readonly actor: ActorRefFrom<typeof supervisorMachine>;
  readonly clock: ManualClock;
  readonly reports: (CrashReport & { readonly quarantined: boolean })[];
  readonly crashes: unknown[];
  state(): string;
  children(): string[];
  /** A child throws. */
  crash(child: string): void;
}

export const beating: readonly HeartbeatInput[] = [
  { check: "chain", periodMs: 300_000 },
  { check: "engine", periodMs: 60_000 },
];

function supervisorRig(clients = 2, heartbeats: readonly HeartbeatInput[] = []): SupervisorRig {
  const clock = manualClock(noon);
  const reports: SupervisorRig["reports"] = [];
  const crashes: unknown[] = [];
  const gateway = gatewayMachine.provide({
    actors: {
      claim: fromPromise<ClaimResult, { readonly items: readonly QueuedRequest[] }>(
        () => new Promise<never>(() => {}),
      ),
    },
  });
  const heartbeat = heartbeatMachine.provide({
    actors: {
      announce: fromPromise<{ readonly rid: string }, { readonly check: HeartbeatCheck }>(
        () => new Promise<never>(() => {}),
      ),
      report: fromPromise<void, ReportInput>(() => new Promise<never>(() => {})),
    },
  });
  const logic = supervisorMachine.provide({
    actors: { client: clientMachine(), gateway, heartbeat },
    actions: {
      reportCrash: ({ context, event }) =>
        void reports.push({ ...crashReport(context, event), quarantined: false }),
      reportQuarantine: ({ context, event }) =>
        void reports.push({ ...crashReport(context, event), quarantined: true }),
    },
  });
  const actor = createActor(logic, {
    clock,
    input: { clients, heartbeats, monotonicMs: () => clock.monotonicMs() },
  });
  actor.subscribe({ error: (error) => crashes.push(error) });
  actor.start();
  return {
    actor,
    clock,
    reports,
    crashes,
    state: () => actor.getSnapshot().value,
    children: () => Object.keys(actor.getSnapshot().children).sort(),
    crash(child) {
      const ref = actor.getSnapshot().children[child];
      if (ref === undefined) throw new Error(`No child ${child} to crash.`);
      ref.send(clientEvent("client.lock", []));
      ref.send(clientEvent("client.search", []));
      ref.send({ type: "xstate.error.actor.0.ticketClient.searching", error: new Error("thrown") } as never);
    },
  };
}

export function rigIn(state: string, heartbeats: readonly HeartbeatInput[] = []): SupervisorRig {
  const rig = supervisorRig(2, heartbeats);
  if (state !== "waiting") rig.actor.send({ type: "supervisor.start" });
  if (state === "stopped") rig.actor.send({ type: "supervisor.stop" });
  expect(rig.state()).toBe(state);
  return rig;
}

/** One crash more than the supervisor's intensity, each durable before the next. */
export function quarantine(
  rig: SupervisorRig,
  child: string,
  crash = (one: SupervisorRig, name: string): void => one.crash(name),
): void {
  for (let crashed = 0; crashed <= limits.restartIntensity; crashed += 1) {
    rig.actor.send({ type: "child.recover", child });
    crash(rig, child);
  }
}

/** A check of the heartbeat throws. */
export function throwIn(rig: SupervisorRig, child: string): void {
  const ref = rig.actor.getSnapshot().children[child];
  const state = String(ref?.getSnapshot().value);
  const error = new Error("thrown");
  ref?.send({ type: `xstate.error.actor.0.heartbeat.${state}`, error } as never);
}
