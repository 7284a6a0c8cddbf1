/**
 * One Ticket Client: what an automatic flow (or a flow written by hand) holds while it talks to ticketing.
 *   L1 held by at most one flow.  L3 a stale GUID or fence changes nothing.  L4 losing the lock frees the client.
 *   R6 a crash of its flow ends that flow only.
 * The five state names are the product owner's. Its lock is a fact before `client.lock` arrives here, and
 * its release is a fact before it is idle again.
 * Source: telenet-ticket-client.md, "Automatic Flow"; domain.md, "The Ticket Client's states".
 */
import { assign, setup, stopChild, type ActorRefFrom } from "xstate";
import { automaticFlowMachine } from "./automatic-flow.machine.ts";
import type { ForwardCommand, SearchCommand } from "./client-commands.ts";
import type { ForwardInput, ReleaseInput, SearchInput, TicketClientEvent } from "./client-events.ts";
import { isHolder, tellForced, tellLost, tellRefused } from "./client-replies.ts";
import { causeOf, escalate, fail, type Result } from "./failure.ts";
import { limits } from "./limits.ts";
import { withReply, type SearchResults } from "./search-results.ts";
import type { ClientStateName, Lock, Position, SearchCriteria } from "./vocabulary.ts";

export interface TicketClientContext {
  readonly clientId: string;
  readonly lock: Lock | null;
  readonly claim: Position;
  readonly command: SearchCommand | ForwardCommand | null;
  readonly release: ReleaseInput["release"] | null;
  readonly closeReply: ((answer: Result<null>) => void) | null;
  readonly processingData: string;
  /** Kept until the next flow takes the client. */
  readonly results: SearchResults | null;
  /** Commands refused since the client was started (L3). */
  readonly refused: number;
}

/**
 * Not a delayed event of XState's: there, the end of any actor walks all scheduled events of the system, which
 * with thousands of locked clients took half of the engine's time.
 */
export interface DeadlineParams {
  readonly fence: number;
  readonly dueMs: number;
}

/** Held, and without a command. */
const waiting = { command: null, processingData: "waiting for the flow" } as const;

const machine = setup({
  types: {
    context: {} as TicketClientContext,
    events: {} as TicketClientEvent,
    input: {} as { readonly clientId: string },
  },
  actors: { flow: automaticFlowMachine },
  guards: {
    isHolder: ({ context, event }) => "lockGuid" in event && isHolder(context.lock, event),
    isHeldFence: ({ context, event }) => event.type === "lock.expired" && context.lock?.fence === event.fence,
    /** What was begun under a command or a lock that is over ends unheard (L3). */
    isOwnWork: ({ context, event }) =>
      "work" in event && (event.work === context.command || event.work === context.release),
  },
  actions: {
    /** Its flow, if it has one, begins with it. */
    takeLock: assign(({ event, spawn, self }) => {
      if (event.type !== "client.lock") return {};
      const { lock, claim, flow } = event;
      if (flow !== null)
        spawn("flow", { id: "flow", input: { ...flow, ask: (command) => self.send(command) } });
      const processingData = flow === null ? "held by hand" : `flow for ${flow.key.key}`;
      return { lock, claim, results: null, processingData };
    }),
    /** Provided by actors/: `lock.expired` with this fence at `dueMs`, unless disarmed. */
    armDeadline: (_args, _params: DeadlineParams) => {},
    /** Provided by actors/. */
    disarmDeadline: () => {},
    stopFlow: stopChild("flow"),
    /** Provided by actors/: one search at the service, its row written; `search.ended`, or `work.failed`. */
    startSearch: (_args, _params: SearchInput) => {
      throw new Error("No search provided.");
    },
    /** Provided by actors/: nobody waits for the search any more, if it is still under way. */
    abandonSearch: () => {},
    /** Provided by actors/: plans, queues at the gateway; `forward.ended` with what became of it, or `work.failed`. */
    startForward: (_args, _params: ForwardInput) => {
      throw new Error("No forward provided.");
    },
    /** Provided by actors/: makes the end of the flow durable; `release.ended`, or `work.failed`. */
    startRelease: (_args, _params: ReleaseInput) => {
      throw new Error("No release provided.");
    },
    dropLock: assign({ lock: null, command: null, release: null, closeReply: null, processingData: "" }), // L1
    takeCommand: assign(({ event }) => {
      if (event.type === "client.search")
        return {
          command: event,
          processingData: `searching ${describe(event.criteria)} (try ${event.attempt})`,
        };
      if (event.type === "client.forward")
        return {
          command: event,
          processingData: `forwarding ${event.request.payload.command} ${event.request.requestId}`,
        };
      return {};
    }),
    moveClaim: assign(({ event }) => (event.type === "client.forceNotBusy" ? { claim: event.claim } : {})),
    dropCommand: assign(waiting),
    keepResults: assign(({ context, event }) =>
      event.type === "search.ended" && event.reply.ok
        ? { ...waiting, results: withReply(context.results, event.reply, context.lock?.lockGuid ?? "") }
        : waiting,
    ),
    replySearch: ({ event }) => {
      if (event.type === "search.ended") event.work.reply(event.reply);
    },
    replyForward: ({ event }) => {
      if (event.type === "forward.ended") event.work.reply(event.reply);
    },
    replyForced: ({ context, event }) => {
      if (event.type === "client.forceNotBusy") tellForced(context.command, event.request, event.at);
    },
    replyLost: ({ context }) => tellLost(context, context.command),
    planClose: assign(({ event }) =>
      event.type === "client.close"
        ? {
            release: { how: "closed" as const, entries: event.entries, result: event.result },
            closeReply: event.reply ?? null,
            processingData: "ending the flow",
            command: null,
          }
        : {},
    ),
    planExpiry: assign(() => ({
      release: { how: "expired" as const }, // one of its own: the end of an older one is not its end
      closeReply: null,
      command: null,
      processingData: "the lock has expired",
    })),
    planCrash: assign(({ event }) => ({
      release: { how: "crashed" as const, cause: causeOf(event) },
      closeReply: null,
      command: null,
      processingData: "the flow crashed",
    })),
    replyClose: ({ context, event }) =>
      context.closeReply?.(
        event.type === "release.ended"
          ? event.result
          : fail("FORCED", "An operator took the client while the flow was ending."),
      ),
    /** L3 */
    refuse: assign(({ context, event, self }) => {
      if (event.type === "client.search" || event.type === "client.forward" || event.type === "client.close")
        tellRefused(context, event, self.getSnapshot().value as ClientStateName);
      return { refused: context.refused + 1 };
    }),
    /** Provided by actors/: L3, counted for the whole engine. */
    announceRefused: () => {},
    /** Provided by actors/: the client is idle and may be given to another flow. */
    announceIdle: () => {},
    /** Provided by actors/: the state that the feed shows has changed. */
    announceState: (_args, _params: { readonly state: ClientStateName }) => {},
    escalate,
  },
});

function describe(criteria: SearchCriteria): string {
  const [first] = Object.entries(criteria);
  return first === undefined ? "everything" : `${first[0]} ${String(first[1])}`;
}

/** Searching or forwarding: what an operator, the deadline or a crash may cut off. */
const cutOff = {
  "work.failed": { guard: "isOwnWork", actions: "escalate" },
  "client.forceNotBusy": {
    guard: "isHolder",
    target: "locked",
    actions: ["moveClaim", "replyForced", "dropCommand"],
  },
  "client.forceUnlock": { guard: "isHolder", target: "idle", actions: "replyLost" },
  "lock.expired": {
    guard: "isHeldFence",
    target: "closing",
    actions: ["stopFlow", "replyLost", "planExpiry"],
  },
  "xstate.error.actor.flow": { target: "closing", actions: "planCrash" },
} as const;

export const ticketClientMachine = machine.createMachine({
  id: "ticketClient",
  initial: "idle",
  options: { maxIterations: limits.machineIterationsMax },
  context: ({ input }) => ({
    clientId: input.clientId,
    lock: null,
    claim: 0,
    command: null,
    release: null,
    closeReply: null,
    processingData: "",
    results: null,
    refused: 0,
  }),
  on: {
    "client.search": { actions: ["refuse", "announceRefused"] },
    "client.forward": { actions: ["refuse", "announceRefused"] },
    "client.close": { actions: ["refuse", "announceRefused"] },
  },
  states: {
    idle: {
      entry: [
        "disarmDeadline",
        "stopFlow",
        "dropLock",
        { type: "announceState", params: { state: "idle" } },
        "announceIdle",
      ],
      on: {
        "client.lock": {
          target: "locked",
          actions: [
            "takeLock",
            {
              type: "armDeadline",
              params: ({ event }) => ({ fence: event.lock.fence, dueMs: event.dueMs }),
            },
          ],
        },
      },
    },
    locked: {
      entry: [{ type: "announceState", params: { state: "locked" } }],
      on: {
        "client.search": { guard: "isHolder", target: "searching", actions: "takeCommand" },
        "client.forward": { guard: "isHolder", target: "forwarding", actions: "takeCommand" },
        "client.close": { guard: "isHolder", target: "closing", actions: "planClose" },
        "client.forceNotBusy": { guard: "isHolder", actions: "moveClaim" },
        "client.forceUnlock": { guard: "isHolder", target: "idle" },
        "lock.expired": { guard: "isHeldFence", target: "closing", actions: ["stopFlow", "planExpiry"] },
        "xstate.error.actor.flow": { target: "closing", actions: "planCrash" },
      },
    },
    searching: {
      entry: [
        { type: "announceState", params: { state: "searching" } },
        {
          type: "startSearch",
          params: ({ context }) => ({
            command: context.command as SearchCommand,
            clientId: context.clientId,
          }),
        },
      ],
      exit: "abandonSearch",
      on: {
        "search.ended": { guard: "isOwnWork", target: "locked", actions: ["replySearch", "keepResults"] },
        ...cutOff,
      },
    },
    forwarding: {
      entry: [
        { type: "announceState", params: { state: "forwarding" } },
        {
          type: "startForward",
          params: ({ context }) => ({
            command: context.command as ForwardCommand,
            clientId: context.clientId,
            claim: context.claim,
          }),
        },
      ],
      on: {
        "forward.ended": {
          guard: "isOwnWork",
          target: "locked",
          actions: ["replyForward", "dropCommand"],
        },
        ...cutOff,
      },
    },
    closing: {
      entry: [
        "disarmDeadline",
        { type: "announceState", params: { state: "closing" } },
        {
          type: "startRelease",
          params: ({ context }) => ({
            clientId: context.clientId,
            lock: context.lock as Lock,
            claim: context.claim,
            release: context.release as ReleaseInput["release"],
          }),
        },
      ],
      on: {
        "release.ended": { guard: "isOwnWork", target: "idle", actions: "replyClose" },
        "work.failed": { guard: "isOwnWork", actions: "escalate" },
        "client.forceUnlock": { guard: "isHolder", target: "idle", actions: "replyClose" },
      },
    },
  },
});

export type TicketClientRef = ActorRefFrom<typeof ticketClientMachine>;

/** Busy status as the Communication page shows it. */
export function busyStatus(state: string): "busy" | "notBusy" {
  return state === "searching" || state === "forwarding" ? "busy" : "notBusy";
}
