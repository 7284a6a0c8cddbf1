/**
 * The Telenet Ticket Gateway towards one ticketing service: a waiting line and the one request in flight.
 *   G1 at most one request in flight per service, by lane then age, every fourth turn to the oldest.
 *   G2 "sending attempt n" is durable before its first byte leaves (`claim` before `send`).
 *   L3 a request whose flow lost its lock is not sent (`claim` refuses).
 * Source: telenet-ticket-client.md, "About": requests are "buffered in the Telenet Ticket Gateway and thus
 * handled in a sequential order".
 */
import { assign, fromPromise, setup, type ActorRefFrom } from "xstate";
import { lanes } from "./admission.ts";
import { Lanes } from "./lanes.ts";
import { limits } from "./limits.ts";
import { cancelled, type ForwardReply } from "./client-commands.ts";
import type { Position, TicketRequest } from "./vocabulary.ts";

export interface QueuedRequest {
  readonly request: TicketRequest;
  /** Position of the alarm that leads: the older goes first within its lane. */
  readonly age: number;
  /** Number of this attempt. */
  readonly attempt: number;
  /** Position of the lock that the request is sent under; sending is conditional on it (L3). */
  readonly claim: Position;
  readonly reply: (answer: ForwardReply) => void;
}

export interface GatewayContext {
  readonly service: string;
  /** Owned and changed in place by this actor alone: a queue of thousands is not copied for each request. */
  readonly line: Lanes<QueuedRequest>;
  readonly current: QueuedRequest | null;
  readonly attempt: number;
}

export type GatewayEvent = { readonly type: "gateway.enqueue"; readonly item: QueuedRequest };

/** `attempt`: its number, durable as sending; null: the claim no longer stands and nothing may be sent. */
export interface ClaimResult {
  readonly attempt: number | null;
}

export const gatewayMachine = setup({
  types: {
    context: {} as GatewayContext,
    events: {} as GatewayEvent,
    input: {} as { readonly service: string },
  },
  actors: {
    /** Provided by actors/: makes "sending attempt n" durable, or says that the claim has fallen. */
    claim: fromPromise<ClaimResult, { readonly item: QueuedRequest }>(() =>
      Promise.reject(new Error("No claim provided.")),
    ),
    /** Provided by actors/: one exchange with the service; its answer's facts are appended before it resolves. */
    send: fromPromise<ForwardReply, { readonly item: QueuedRequest; readonly attempt: number }>(() =>
      Promise.reject(new Error("No send provided.")),
    ),
  },
  guards: {
    hasNext: ({ context }) => context.line.size > 0,
    isClaimed: (_, params: ClaimResult) => params.attempt !== null,
  },
  actions: {
    enqueue: ({ context, event }) => {
      const { item } = event;
      context.line.enter(item.request.requestId, lanes[item.request.payload.command], item.age, item);
    },
    takeNext: assign({ current: ({ context }) => context.line.next() ?? null, attempt: 0 }), // G1
    noteAttempt: assign((_, params: ClaimResult) => ({ attempt: params.attempt ?? 0 })),
    replyCancelled: ({ context }) =>
      context.current?.reply(cancelled("Its flow lost the client before it was sent.", 0)),
    reply: ({ context }, params: { readonly answer: ForwardReply }) => context.current?.reply(params.answer),
    dropCurrent: assign({ current: null, attempt: 0 }),
    escalate: ({ event }) => {
      throw "error" in event ? event.error : new Error(`A Ticket Gateway failed at ${event.type}.`);
    },
  },
}).createMachine({
  id: "gateway",
  initial: "idle",
  options: { maxIterations: limits.machineIterationsMax },
  context: ({ input }) => ({
    service: input.service,
    line: new Lanes<QueuedRequest>(),
    current: null,
    attempt: 0,
  }),
  on: { "gateway.enqueue": { actions: "enqueue" } },
  states: {
    idle: { always: { guard: "hasNext", target: "claiming", actions: "takeNext" } },
    claiming: {
      invoke: {
        src: "claim",
        input: ({ context }) => ({ item: context.current as QueuedRequest }),
        onDone: [
          {
            guard: { type: "isClaimed", params: ({ event }) => event.output },
            target: "sending",
            actions: { type: "noteAttempt", params: ({ event }) => event.output },
          },
          { target: "idle", actions: ["replyCancelled", "dropCurrent"] },
        ],
        onError: { actions: "escalate" },
      },
    },
    sending: {
      invoke: {
        src: "send",
        input: ({ context }) => ({ item: context.current as QueuedRequest, attempt: context.attempt }),
        onDone: {
          target: "idle",
          actions: [{ type: "reply", params: ({ event }) => ({ answer: event.output }) }, "dropCurrent"],
        },
        onError: { actions: "escalate" },
      },
    },
  },
});

export type GatewayRef = ActorRefFrom<typeof gatewayMachine>;
