/** Machines whose actors/ have given them nothing: each fails, and says what is missing. */
import { createActor, fromPromise, type AnyStateMachine } from "xstate";
import { expect, test } from "vitest";
import type { ForwardReply } from "../../machines/client-commands.ts";
import { gatewayMachine, type ClaimResult, type QueuedRequest } from "../../machines/gateway.machine.ts";
import type { HeartbeatCheck } from "../../machines/heartbeat.ts";
import { heartbeatMachine } from "../../machines/heartbeat.machine.ts";
import { ticketClientMachine } from "../../machines/ticket-client.machine.ts";
import { clientEvent, wayTo } from "./client-rig.ts";
import { createPayload, KEY, service } from "./given.ts";

/** What it fails with. */
function failure(
  machine: AnyStateMachine,
  input: unknown,
  events: readonly { readonly type: string }[] = [],
) {
  return new Promise<string>((resolve) => {
    const actor = createActor(machine, { input });
    actor.subscribe({ error: (error) => resolve(error instanceof Error ? error.message : String(error)) });
    actor.start();
    for (const event of events) if (actor.getSnapshot().status === "active") actor.send(event);
  });
}

const reply = (_answer: ForwardReply): void => {};
const request = { requestId: "r1", key: KEY, clientId: "client-01", lockGuid: "guid-1", service: service() };
const item: QueuedRequest = {
  request: { ...request, payload: createPayload },
  age: 1,
  attempt: 1,
  claim: 1,
  isPlanned: () => true,
  openBefore: new Set(),
  reply,
};
const queued = [{ type: "gateway.enqueue", item }];

test("a Ticket Gateway", async () => {
  expect(await failure(gatewayMachine, { service: "OSB" }, queued)).toBe("No claim provided.");
  const claim = fromPromise<ClaimResult, { readonly items: readonly QueuedRequest[] }>(({ input }) =>
    Promise.resolve(input.items),
  );
  const claims = gatewayMachine.provide({ actors: { claim } });
  expect(await failure(claims, { service: "OSB" }, queued)).toBe("No send provided.");
});

test("a heartbeat", async () => {
  const input = { periodMs: 1, monotonicMs: () => 0 };
  expect(await failure(heartbeatMachine, { ...input, check: "chain" })).toBe("No announce provided.");
  expect(await failure(heartbeatMachine, { ...input, check: "engine" })).toBe("No report provided.");
  const announced = heartbeatMachine.provide({
    actors: {
      announce: fromPromise<{ readonly rid: string }, { readonly check: HeartbeatCheck }>(() =>
        Promise.resolve({ rid: "1" }),
      ),
    },
  });
  expect(await failure(announced, { ...input, check: "chain" })).toBe("No probe provided.");
});

test.each([
  ["searching", "No search provided."],
  ["forwarding", "No forward provided."],
  ["closing", "No release provided."],
] as const)("a Ticket Client that is %s", async (state, expected) => {
  const events = wayTo[state].map((type) => clientEvent(type, []));
  expect(await failure(ticketClientMachine, { clientId: "client-01" }, events)).toBe(expected);
});
