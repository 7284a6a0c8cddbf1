import * as fc from "fast-check";
import { createActor, fromPromise, type ActorRefFrom } from "xstate";
import { describe, expect, test } from "vitest";
import {
  claimsTogether,
  gatewayMachine,
  type ClaimResult,
  type GatewayEvent,
  type QueuedRequest,
  type SendResult,
} from "../../machines/gateway.machine.ts";
import type { ForwardReply } from "../../machines/client-commands.ts";
import type { RequestPayload, ServiceInfo } from "../../machines/vocabulary.ts";
import { closePayload, createPayload, service, settledReply, updatePayload } from "./given.ts";
import { checkChart, checkTable, endOfActor } from "./transition-table.ts";

/* `queues`: stays, and the request waits in line. `crash`: the supervisor starts it anew. `.`: cannot occur there. */
const table = `
state    | gateway.enqueue | claim done/claimed | claim done/fallen | send done | claim fails | send fails
idle     | claiming        | .                  | .                 | .         | .           | .
claiming | queues          | sending            | idle              | .         | crash       | .
sending  | queues          | .                  | .                 | idle      | .           | crash
`;

const payloads = { create: createPayload, update: updatePayload, close: closePayload } as const;

function item(
  requestId: string,
  age = 1,
  command: keyof typeof payloads = "create",
  replies: ForwardReply[] = [],
  promise: ServiceInfo["idempotency"] = "settles",
): QueuedRequest {
  const payload: RequestPayload = payloads[command];
  const request = {
    requestId,
    key: "NE-1",
    clientId: "client-01",
    lockGuid: "guid-1",
    service: service({ idempotency: promise }),
    payload,
  };
  return {
    request,
    age,
    attempt: 1,
    claim: 3,
    isPlanned: () => true,
    openBefore: new Set(),
    reply: (reply) => void replies.push(reply),
  };
}

interface GatewayRig {
  readonly actor: ActorRefFrom<typeof gatewayMachine>;
  /** Ids as they were asked to be claimed and to be sent, together with commas between them. */
  readonly claimed: string[];
  readonly sent: string[];
  readonly crashes: unknown[];
  state(): string;
  /** The end of the actor that now runs. `claimed`: of all that were taken, but for those that have `fallen`. */
  end(event: string, how?: { readonly fallen?: readonly string[]; readonly exchangeMs?: number }): void;
}

const never = new Promise<never>(() => {});

function gatewayRig(): GatewayRig {
  const claimed: string[] = [];
  const sent: string[] = [];
  const crashes: unknown[] = [];
  const logic = gatewayMachine.provide({
    actors: {
      claim: fromPromise<ClaimResult, { readonly items: readonly QueuedRequest[] }>(({ input }) => {
        claimed.push(input.items.map(({ request }) => request.requestId).join());
        return never;
      }),
      send: fromPromise<SendResult, { readonly items: readonly QueuedRequest[] }>(({ input }) => {
        sent.push(input.items.map(({ request }) => request.requestId).join());
        return never;
      }),
    },
  });
  const actor = createActor(logic, { input: { service: "OSB" } });
  actor.subscribe({ error: (error) => crashes.push(error) });
  actor.start();
  const state = (): string => actor.getSnapshot().value;
  return {
    actor,
    claimed,
    sent,
    crashes,
    state,
    end(event, { fallen = [], exchangeMs = 30 } = {}) {
      const type = endOfActor(gatewayMachine, state(), event.split("/")[0] ?? "");
      const { taken } = actor.getSnapshot().context;
      const stand = taken.filter(({ request }) => !fallen.includes(request.requestId));
      const isSent = event.startsWith("send");
      if (event === "send done") for (const { reply } of taken) reply(settledReply); // as the actor does
      const output = isSent ? exchangeMs : event.endsWith("claimed") ? stand : [];
      actor.send({ type, output, error: new Error("thrown") } as unknown as GatewayEvent);
    },
  };
}

function rigIn(state: string): GatewayRig {
  const rig = gatewayRig();
  if (state !== "idle") rig.actor.send({ type: "gateway.enqueue", item: item("r0") });
  if (state === "sending") rig.end("claim done/claimed");
  return rig;
}

/** Brings the gateway to claim `count` requests, r1 …, after an exchange that took so long. */
function paced(rig: GatewayRig, exchangeMs: number, count: number, replies: ForwardReply[] = []): void {
  rig.actor.send({ type: "gateway.enqueue", item: item("first", 1) });
  rig.end("claim done/claimed");
  for (let n = 1; n <= count; n += 1)
    rig.actor.send({ type: "gateway.enqueue", item: item(`r${n}`, 10 + n, "create", replies, "requestId") });
  rig.end("send done", { exchangeMs });
}

function probe(state: string, event: string): string {
  const rig = rigIn(state);
  expect(rig.state()).toBe(state);
  const { size } = rig.actor.getSnapshot().context.line;
  if (event === "gateway.enqueue") rig.actor.send({ type: event, item: item("r1") });
  else if (endOfActor(gatewayMachine, state, event.split("/")[0] ?? "") === null) return ".";
  else rig.end(event);
  if (rig.crashes.length > 0) return "crash";
  if (rig.state() === state && rig.actor.getSnapshot().context.line.size === size + 1) return "queues";
  return rig.state();
}

describe("gateway", () => {
  test("every state answers every event as its table says", () => {
    checkTable(gatewayMachine, table, probe);
  });

  test("the chart keeps the laws of all charts", () => {
    checkChart(gatewayMachine);
  });

  test("G2: nothing is sent before its claim is durable, and never when the claim has fallen", () => {
    const rig = gatewayRig();
    const replies: ForwardReply[] = [];
    rig.actor.send({ type: "gateway.enqueue", item: item("r1", 1, "create", replies) });
    expect([rig.claimed, rig.sent]).toEqual([["r1"], []]);
    rig.end("claim done/fallen");
    expect(rig.sent).toEqual([]);
    expect(replies).toMatchObject([
      { ok: true, result: "cancelled", ticketId: null, because: "It was ended before it was sent." },
    ]);
    rig.actor.send({ type: "gateway.enqueue", item: item("r2", 1, "create", replies) });
    rig.end("claim done/claimed");
    expect(rig.sent).toEqual(["r2"]);
    rig.end("send done");
    expect(replies[1]).toEqual(settledReply);
  });

  test("G1: creates before updates before closes, the older first, every fourth turn the oldest of all", () => {
    const rig = gatewayRig();
    rig.actor.send({ type: "gateway.enqueue", item: item("first", 50) });
    const queue: [string, number, keyof typeof payloads][] = [
      ["close-1", 1, "close"],
      ["update-2", 2, "update"],
      ["create-9", 9, "create"],
      ["create-7", 7, "create"],
      ["create-8", 8, "create"],
    ];
    for (const one of queue) rig.actor.send({ type: "gateway.enqueue", item: item(...one) });
    for (let turn = 0; turn < 6; turn += 1) {
      rig.end("claim done/claimed");
      rig.end("send done");
    }
    expect(rig.claimed).toEqual(["first", "create-7", "create-8", "close-1", "create-9", "update-2"]);
    expect(rig.state()).toBe("idle");
  });

  test("G4: only what leaves within a millisecond at the last pace is claimed together, where doubt is ended by sending again", () => {
    const fast = service({ idempotency: "requestId" });
    expect(
      [null, 0, 0.01, 0.2, 0.5, 0.6, 1, 1.1, 30_000].map((exchangeMs) => claimsTogether(fast, exchangeMs)),
    ).toEqual([1, 32, 32, 5, 2, 1, 1, 1, 1]);
    for (const idempotency of ["settles", "none"] as const)
      expect(claimsTogether(service({ idempotency }), 0)).toBe(1);
  });

  test("G1: requests claimed together are sent in their order; the next group waits until all are answered", () => {
    const rig = gatewayRig();
    paced(rig, 0.2, 7);
    expect(rig.claimed).toEqual(["first", "r1,r2,r3,r4,r5"]);
    rig.end("claim done/claimed");
    expect(rig.sent).toEqual(["first", "r1,r2,r3,r4,r5"]);
    expect(rig.claimed).toHaveLength(2);
    rig.end("send done", { exchangeMs: 40 });
    expect(rig.claimed.slice(2), "a slow answer: one at a time again").toEqual(["r6"]);
  });

  test("G1: an empty line is no turn: after three requests the oldest of all is next, claimed together or not", () => {
    const rig = gatewayRig();
    paced(rig, 0.2, 2);
    rig.end("claim done/claimed");
    rig.actor.send({ type: "gateway.enqueue", item: item("create-9", 9) });
    rig.actor.send({ type: "gateway.enqueue", item: item("close-1", 1, "close") });
    rig.end("send done");
    expect(rig.claimed).toEqual(["first", "r1,r2", "close-1"]);
  });

  test("L3: of requests claimed together those whose claim has fallen are answered as cancelled and never sent", () => {
    const rig = gatewayRig();
    const replies: ForwardReply[] = [];
    paced(rig, 0, 3, replies);
    rig.end("claim done/claimed", { fallen: ["r1", "r3"] });
    expect(rig.sent).toEqual(["first", "r2"]);
    expect(replies.map((reply) => reply.ok && reply.result)).toEqual(["cancelled", "cancelled"]);
    rig.end("send done");
    expect([rig.state(), rig.sent, replies.length]).toEqual(["idle", ["first", "r2"], 3]);
  });

  // Its line is changed in place, so that xstate/graph, which runs no such action, cannot follow it.
  test("G1: on any path one request at most is in flight, none is lost or taken twice, each is answered once", () => {
    const moves = fc.array(fc.constantFrom("enqueue", "enqueue", "claimed", "fallen", "done"), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(moves, (path) => {
        const rig = gatewayRig();
        const answered: string[] = [];
        let queued = 0;
        let ended = 0;
        const step = (move: string): void => {
          const state = rig.state();
          if (move === "enqueue") {
            queued += 1;
            const name = `r${queued}`;
            const made = item(name, queued, queued % 3 === 0 ? "create" : "close", [], "requestId");
            rig.actor.send({
              type: "gateway.enqueue",
              item: { ...made, reply: () => void answered.push(name) },
            });
          } else if (state === "claiming" && move !== "done") rig.end(`claim done/${move}`);
          else if (state === "sending") {
            ended += 1;
            rig.end("send done", { exchangeMs: queued % 2 === 0 ? 0.4 : 30 });
          }
          const { taken } = rig.actor.getSnapshot().context;
          const asked = rig.claimed.flatMap((ids) => ids.split(","));
          expect(taken.length === 0, "in hand exactly while busy").toBe(rig.state() === "idle");
          expect(asked.length - answered.length, "in hand").toBe(taken.length);
          expect(rig.sent.length - ended, "under way").toBe(rig.state() === "sending" ? 1 : 0);
        };
        for (const move of path) step(move);
        for (let rest = 0; rest < 2 * queued; rest += 1) step("claimed");
        const all = Array.from({ length: queued }, (_, index) => `r${index + 1}`).sort();
        expect(rig.claimed.flatMap((ids) => ids.split(",")).sort()).toEqual(all);
        expect(answered.sort()).toEqual(all);
        expect(rig.state()).toBe("idle");
      }),
    );
  });
});
