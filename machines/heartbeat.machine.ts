/**
 * One check of the heartbeat, as an actor: `chain` reports whether a probe of the whole chain worked,
 * `engine` that the process is alive. They are two actors, so that neither delays or ends the other.
 *   H1 a success of the chain follows a probe that worked since the beat before; the timer alone sends nothing.
 *   R5 a period counts from the begin of the run before, on monotonic time.
 * Source: domain.md, "The heartbeat"; telenet-ticket-client.md, "About".
 */
import { assign, fromPromise, setup } from "xstate";
import type { HeartbeatCheck } from "./heartbeat.ts";
import { escalate } from "./failure.ts";
import { limits } from "./limits.ts";

/** What a probe came to. */
export interface ProbeVerdict {
  /** A client was locked, its search answered, and its unlock is durable. */
  readonly ok: boolean;
  /** In plain words. */
  readonly because: string;
  readonly lockGuid: string | null;
  readonly durationMs: number;
}

export interface HeartbeatInput {
  readonly check: HeartbeatCheck;
  /** From the begin of a run to the begin of the next, in ms; a run that takes longer is followed after `heartbeatRestMsMin`. */
  readonly periodMs: number;
}

export interface HeartbeatContext extends HeartbeatInput {
  /** Monotonic time in ms, from the Clock port (R5). */
  readonly monotonicMs: () => number;
  readonly beganMs: number;
  /** Id of the run under way; null before its start was announced, and always for `engine`. */
  readonly rid: string | null;
  /** Of this run's probe; null before it has ended, and always for `engine`. */
  readonly verdict: ProbeVerdict | null;
}

/** It takes no events but its own timer's and those of the actors that it invokes. */
export interface HeartbeatEvent {
  readonly type: "heartbeat takes no events";
}

export interface ReportInput {
  readonly check: HeartbeatCheck;
  readonly rid: string | null;
  readonly verdict: ProbeVerdict | null;
}

export const heartbeatMachine = setup({
  types: {
    context: {} as HeartbeatContext,
    events: {} as HeartbeatEvent,
    input: {} as HeartbeatInput & { readonly monotonicMs: () => number },
  },
  actors: {
    /** Provided by actors/: tells the receiver that a run begins, taken or not; resolves with the run's id. */
    announce: fromPromise<{ readonly rid: string }, { readonly check: HeartbeatCheck }>(() =>
      Promise.reject(new Error("No announce provided.")),
    ),
    /** Provided by actors/: locks, searches, unlocks. Bounded; holds nothing once it has ended or was stopped. */
    probe: fromPromise<ProbeVerdict>(() => Promise.reject(new Error("No probe provided."))),
    /** Provided by actors/: sends the beat and notes what became of it. */
    report: fromPromise<void, ReportInput>(() => Promise.reject(new Error("No report provided."))),
  },
  delays: {
    rest: ({ context }) =>
      Math.max(limits.heartbeatRestMsMin, context.beganMs + context.periodMs - context.monotonicMs()),
  },
  guards: { needsProbe: ({ context }) => context.check === "chain" },
  actions: {
    begin: assign({ beganMs: ({ context }) => context.monotonicMs(), rid: null, verdict: null }), // H1
    noteRun: assign((_, params: { readonly rid: string }) => ({ rid: params.rid })),
    noteVerdict: assign((_, params: { readonly verdict: ProbeVerdict }) => ({ verdict: params.verdict })),
    escalate,
  },
}).createMachine({
  id: "heartbeat",
  initial: "due",
  options: { maxIterations: limits.machineIterationsMax },
  context: ({ input }) => ({ ...input, beganMs: 0, rid: null, verdict: null }),
  states: {
    due: {
      entry: "begin",
      always: [{ guard: "needsProbe", target: "starting" }, { target: "reporting" }],
    },
    starting: {
      invoke: {
        src: "announce",
        input: ({ context }) => ({ check: context.check }),
        onDone: {
          target: "probing",
          actions: { type: "noteRun", params: ({ event }) => event.output },
        },
        onError: { actions: "escalate" },
      },
    },
    probing: {
      invoke: {
        src: "probe",
        onDone: {
          target: "reporting",
          actions: { type: "noteVerdict", params: ({ event }) => ({ verdict: event.output }) },
        },
        onError: { actions: "escalate" },
      },
    },
    reporting: {
      invoke: {
        src: "report",
        input: ({ context: { check, rid, verdict } }) => ({ check, rid, verdict }),
        onDone: { target: "resting" },
        onError: { actions: "escalate" },
      },
    },
    resting: { after: { rest: { target: "due" } } },
  },
});
