/**
 * The Telenet Ticket Gateway towards one ticketing service: a waiting line and the one request in flight.
 *   G1 at most one request in flight per service, by lane then age, every fourth turn to the oldest.
 *   G2 "sending attempt n" is durable before its first byte leaves (`claim` before `send`).
 *   G4 only where a doubt costs nothing are requests claimed before it is their turn (`claimsTogether`).
 *   L3 a request whose flow lost its lock is not sent (`claim` refuses).
 * Source: telenet-ticket-client.md, "About": requests are "buffered in the Telenet Ticket Gateway and thus
 * handled in a sequential order".
 */
import { assign, fromPromise, setup, type ActorRefFrom } from "xstate";
import { lanes } from "./admission.ts";
import { escalate } from "./failure.ts";
import { Lanes } from "./lanes.ts";
import { limits } from "./limits.ts";
import { cancelled, type ForwardReply } from "./client-commands.ts";
import type { Position, ServiceInfo, TicketRequest } from "./vocabulary.ts";

export interface QueuedRequest {
  readonly request: TicketRequest;
  /** Position of the alarm that leads: the older goes first within its lane. */
  readonly age: number;
  /** Number of this attempt. */
  readonly attempt: number;
  /** Position of the lock that the request is sent under; sending is conditional on it (L3). */
  readonly claim: Position;
  /** Whether its plan is durable and folded: from then on a key that knows nothing of the request has ended it. */
  readonly isPlanned: () => boolean;
  /** Tickets of the key that were open when it was decided (T1). */
  readonly openBefore: ReadonlySet<string>;
  readonly reply: (answer: ForwardReply) => void;
}

export interface GatewayContext {
  readonly service: string;
  /** Owned and changed in place by this actor alone: a queue of thousands is not copied for each request. */
  readonly line: Lanes<QueuedRequest>;
  /** Taken out of the line, in the order they are sent: being claimed, or claimed and one of them in flight. */
  readonly taken: readonly QueuedRequest[];
  /** Of the last exchange, ms; null: none yet. */
  readonly exchangeMs: number | null;
}

export type GatewayEvent = { readonly type: "gateway.enqueue"; readonly item: QueuedRequest };

/** Those of the asked that are durable as sending, in their order. The claim of every other has fallen: it may not be sent. */
export type ClaimResult = readonly QueuedRequest[];

/** How long the last exchange took, from its first byte to its answer, in ms. */
export type SendResult = number;

/**
 * How many requests are claimed with one commit: as many as leave within `claimedMsMax` of it at the pace of the last
 * exchange. A claim that a crash overtakes is in doubt although it never left (G2), and a force no longer cancels it
 * (L4), so one at a time but where the service answers faster than a disk can sync and a doubt is ended by sending
 * again.
 */
export function claimsTogether(service: ServiceInfo, exchangeMs: number | null): number {
  if (service.idempotency !== "requestId" || exchangeMs === null) return 1;
  const inTime = Math.floor(
    limits.claimedMsMax / Math.max(exchangeMs, limits.claimedMsMax / limits.claimsMax),
  );
  return Math.max(1, inTime);
}

export const gatewayMachine = setup({
  types: {
    context: {} as GatewayContext,
    events: {} as GatewayEvent,
    input: {} as { readonly service: string },
  },
  actors: {
    /** Provided by actors/: makes "sending attempt n" of each durable, or finds that its claim has fallen. */
    claim: fromPromise<ClaimResult, { readonly items: readonly QueuedRequest[] }>(() =>
      Promise.reject(new Error("No claim provided.")),
    ),
    /**
     * Provided by actors/: exchanges with the service, each begun when the one before is answered (G1); the facts of an
     * answer are appended, and its asker is told, before the next one begins.
     */
    send: fromPromise<SendResult, { readonly items: readonly QueuedRequest[] }>(() =>
      Promise.reject(new Error("No send provided.")),
    ),
  },
  guards: {
    hasNext: ({ context }) => context.line.size > 0,
    isAnyClaimed: (_, params: { readonly claimed: ClaimResult }) => params.claimed.length > 0,
  },
  actions: {
    enqueue: ({ context, event }) => {
      const { item } = event;
      context.line.enter(item.request.requestId, lanes[item.request.payload.command], item.age, item);
    },
    // G1
    takeNext: assign({ taken: ({ context: { line, exchangeMs } }) => takeFrom(line, exchangeMs) }),
    keepClaimed: assign({ taken: (_, params: { readonly claimed: ClaimResult }) => params.claimed }),
    replyFallen: ({ context }, { claimed }: { readonly claimed: ClaimResult }) => {
      for (const item of context.taken)
        if (!claimed.includes(item)) item.reply(cancelled("It was ended before it was sent.", 0));
    },
    dropTaken: assign({
      taken: [],
      exchangeMs: (_, params: { readonly exchangeMs: SendResult }) => params.exchangeMs,
    }),
    escalate,
  },
}).createMachine({
  id: "gateway",
  initial: "idle",
  options: { maxIterations: limits.machineIterationsMax },
  context: ({ input }) => ({
    service: input.service,
    line: new Lanes<QueuedRequest>(),
    taken: [],
    exchangeMs: null,
  }),
  on: { "gateway.enqueue": { actions: "enqueue" } },
  states: {
    idle: { always: { guard: "hasNext", target: "claiming", actions: "takeNext" } },
    claiming: {
      invoke: {
        src: "claim",
        input: ({ context }) => ({ items: context.taken }),
        onDone: [
          {
            guard: { type: "isAnyClaimed", params: ({ event }) => ({ claimed: event.output }) },
            target: "sending",
            actions: [
              { type: "replyFallen", params: ({ event }) => ({ claimed: event.output }) },
              { type: "keepClaimed", params: ({ event }) => ({ claimed: event.output }) },
            ],
          },
          {
            target: "idle",
            actions: [
              { type: "replyFallen", params: ({ event }) => ({ claimed: event.output }) },
              { type: "keepClaimed", params: ({ event }) => ({ claimed: event.output }) },
            ],
          },
        ],
        onError: { actions: "escalate" },
      },
    },
    sending: {
      invoke: {
        src: "send",
        input: ({ context }) => ({ items: context.taken }),
        onDone: {
          target: "idle",
          actions: { type: "dropTaken", params: ({ event }) => ({ exchangeMs: event.output }) },
        },
        onError: { actions: "escalate" },
      },
    },
  },
});

/** The row of a service does not change while it has requests: what holds for the first holds for all in its line. */
function takeFrom(line: Lanes<QueuedRequest>, exchangeMs: number | null): readonly QueuedRequest[] {
  const taken: QueuedRequest[] = [];
  for (let next = line.next(); next !== undefined; next = line.next()) {
    taken.push(next);
    if (taken.length >= claimsTogether(next.request.service, exchangeMs) || line.size === 0) break; // G1: an empty line is no turn
  }
  return taken;
}

export type GatewayRef = ActorRefFrom<typeof gatewayMachine>;
