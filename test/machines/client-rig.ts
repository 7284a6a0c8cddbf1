/** A Ticket Client brought into any of its states, with nothing it begins ends unless the test says so. */
import { createActor, type ActorRefFrom, type AnyActorLogic } from "xstate";
import type { FlowInput } from "../../machines/flow-input.ts";
import {
  type ForwardCommand,
  type Holder,
  type SearchCommand,
  type SearchReply,
} from "../../machines/client-commands.ts";
import type { ReleaseInput, TicketClientEvent } from "../../machines/client-events.ts";
import { ticketClientMachine, type TicketClientContext } from "../../machines/ticket-client.machine.ts";
import type { ClientStateName, Ticket } from "../../machines/vocabulary.ts";
import { manualClock, type ManualClock } from "../service/manual-clock.ts";
import { createPayload, KEY, noon, service, settledReply } from "./given.ts";

export const holder: Holder = { lockGuid: "guid-1", fence: 7 };
export const lockMs = 300_000;

export interface ClientRig {
  readonly actor: ActorRefFrom<typeof ticketClientMachine>;
  readonly clock: ManualClock;
  /** Answers that commands got, in order: `ok`, or a code. */
  readonly answers: string[];
  readonly states: ClientStateName[];
  readonly released: ReleaseInput[];
  /** How many times it gave up a search. */
  abandoned(): number;
  /** What made the actor stop, if something did. */
  readonly crashes: unknown[];
  state(): string;
}

/** What a search shows. */
export function found(...tickets: readonly Ticket[]): Extract<SearchReply, { ok: true }> {
  return { ok: true, tickets, truncated: false, at: noon };
}

export function clientMachine(
  released: ReleaseInput[] = [],
  states: ClientStateName[] = [],
  clock = manualClock(noon),
  onAbandon = (): void => {},
): typeof ticketClientMachine {
  let deadline: unknown;
  return ticketClientMachine.provide({
    actions: {
      startSearch: () => {},
      abandonSearch: onAbandon,
      startForward: () => {},
      startRelease: (_, input) => void released.push(input),
      announceState: (_, { state }) => void states.push(state),
      armDeadline: ({ self }, { fence, dueMs }) => {
        const ms = dueMs - clock.monotonicMs();
        deadline = clock.setTimeout(() => self.send({ type: "lock.expired", fence }), ms);
      },
      disarmDeadline: () => clock.clearTimeout(deadline),
    },
  });
}

export function clientRig(): ClientRig {
  const clock = manualClock(noon);
  const released: ReleaseInput[] = [];
  const states: ClientStateName[] = [];
  const crashes: unknown[] = [];
  let abandoned = 0;
  const logic: AnyActorLogic = clientMachine(released, states, clock, () => (abandoned += 1));
  const actor = createActor(logic, { clock, input: { clientId: "client-01" } }) as ActorRefFrom<
    typeof ticketClientMachine
  >;
  actor.subscribe({ error: (error) => crashes.push(error) });
  actor.start();
  return {
    actor,
    clock,
    answers: [],
    states,
    released,
    abandoned: () => abandoned,
    crashes,
    state: () => actor.getSnapshot().value,
  };
}

type Answer = { readonly ok: true } | { readonly ok: false; readonly failure: { readonly code: string } };

/** A command or other event for the client; its answer goes to `answers`. */
export function clientEvent(
  type: string,
  answers: string[],
  by: Holder = holder,
  flow: FlowInput | null = null,
): TicketClientEvent {
  const reply = (answer: Answer): void => void answers.push(answer.ok ? "ok" : answer.failure.code);
  switch (type) {
    case "client.lock":
      return { type, lock: { ...by, lockTime: noon }, claim: 3, dueMs: lockMs, flow };
    case "client.search":
      return {
        type,
        ...by,
        criteria: { clientReference: KEY },
        service: service(),
        key: KEY,
        attempt: 1,
        reply,
      };
    case "client.forward": {
      const request = {
        requestId: "r1",
        key: KEY,
        clientId: "client-01",
        lockGuid: by.lockGuid,
        service: service(),
        payload: createPayload,
      };
      return { type, ...by, request, entries: [], reply };
    }
    case "client.close":
      return { type, ...by, entries: [], result: "settled", reply };
    case "client.forceNotBusy":
      return { type, ...by, request: "settled", claim: 4, at: noon };
    case "client.forceUnlock":
      return { type, ...by };
    case "lock.expired":
      return { type, fence: by.fence };
    case "search.ended":
      return { type, work: clientEvent("client.search", answers, by) as SearchCommand, reply: found() };
    case "forward.ended":
      return {
        type,
        work: clientEvent("client.forward", answers, by) as ForwardCommand,
        reply: settledReply,
      };
    case "release.ended":
      return { type, work: { how: "expired" }, result: { ok: true, value: null } };
    case "work.failed":
      return { type, work: { how: "expired" }, error: new Error("thrown") };
    default:
      throw new Error(`No event ${type}.`);
  }
}

/** The same event of what the client has begun, not of something older. */
export function ofOwnWork(
  event: TicketClientEvent,
  { command, release }: TicketClientContext,
): TicketClientEvent {
  return { ...event, work: release ?? command } as TicketClientEvent;
}

/** Events that bring an idle client to a state. */
export const wayTo: Record<ClientStateName, readonly string[]> = {
  idle: [],
  locked: ["client.lock"],
  searching: ["client.lock", "client.search"],
  forwarding: ["client.lock", "client.forward"],
  closing: ["client.lock", "client.close"],
};

export function rigIn(state: string): ClientRig {
  const rig = clientRig();
  for (const type of wayTo[state as ClientStateName]) rig.actor.send(clientEvent(type, []));
  return rig;
}
