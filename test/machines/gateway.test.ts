import * as fc from "fast-check";
import { createActor, fromPromise, type ActorRefFrom } from "xstate";
import { describe, expect, test } from "vitest";
import {
  gatewayMachine,
  type ClaimResult,
  type GatewayEvent,
  type QueuedRequest,
} from "../../machines/gateway.machine.ts";
import type { ForwardReply } from "../../machines/client-commands.ts";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import { closePayload, createPayload, noon, service, updatePayload } from "./given.ts";
import { checkChart, checkTable, endOfActor } from "./transition-table.ts";

/* `queues`: stays, and the request waits in line. `crash`: the supervisor starts it anew. `.`: cannot occur there. */
const table = `
state    | gateway.enqueue | claim done/claimed | claim done/fallen | send done | claim fails | send fails
idle     | claiming        | .                  | .                 | .         | .           | .
claiming | queues          | sending            | idle              | .         | crash       | .
sending  | queues          | .                  | .                 | idle      | .           | crash
`;

const settled: ForwardReply = {
  ok: true,
  result: "settled",
  outcome: "ok",
  ticketId: "T1",
  because: "",
  at: noon,
};
const payloads = { create: createPayload, update: updatePayload, close: closePayload } as const;

function item(
  requestId: string,
  age = 1,
  command: keyof typeof payloads = "create",
  replies: ForwardReply[] = [],
): QueuedRequest {
  const payload: RequestPayload = payloads[command];
  const request = {
    requestId,
    key: "NE-1",
    clientId: "client-01",
    lockGuid: "guid-1",
    service: service(),
    payload,
  };
  return { request, age, attempt: 1, claim: 3, reply: (reply) => void replies.push(reply) };
}

interface GatewayRig {
  readonly actor: ActorRefFrom<typeof gatewayMachine>;
  /** Ids as they were claimed, and as they were sent. */
  readonly claimed: string[];
  readonly sent: string[];
  readonly crashes: unknown[];
  state(): string;
  /** The end of the actor that now runs. */
  end(event: string): void;
}

const never = new Promise<never>(() => {});

function gatewayRig(): GatewayRig {
  const claimed: string[] = [];
  const sent: string[] = [];
  const crashes: unknown[] = [];
  const logic = gatewayMachine.provide({
    actors: {
      claim: fromPromise<ClaimResult, { readonly item: QueuedRequest }>(({ input }) => {
        claimed.push(input.item.request.requestId);
        return never;
      }),
      send: fromPromise<ForwardReply, { readonly item: QueuedRequest; readonly attempt: number }>(
        ({ input }) => {
          sent.push(`${input.item.request.requestId}#${input.attempt}`);
          return never;
        },
      ),
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
    end(event) {
      const type = endOfActor(gatewayMachine, state(), event.split("/")[0] ?? "");
      const output = event.startsWith("send") ? settled : { attempt: event.endsWith("claimed") ? 1 : null };
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
    expect(replies).toMatchObject([{ ok: true, result: "cancelled", ticketId: null }]);
    rig.actor.send({ type: "gateway.enqueue", item: item("r2", 1, "create", replies) });
    rig.end("claim done/claimed");
    expect(rig.sent).toEqual(["r2#1"]);
    rig.end("send done");
    expect(replies[1]).toEqual(settled);
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
        const step = (move: string): void => {
          const state = rig.state();
          if (move === "enqueue") {
            queued += 1;
            const name = `r${queued}`;
            const made = item(name, queued, queued % 3 === 0 ? "create" : "close");
            rig.actor.send({
              type: "gateway.enqueue",
              item: { ...made, reply: () => void answered.push(name) },
            });
          } else if (state === "claiming" && move !== "done") rig.end(`claim done/${move}`);
          else if (state === "sending") rig.end("send done");
          const { current } = rig.actor.getSnapshot().context;
          expect(current === null, "in hand exactly while busy").toBe(rig.state() === "idle");
          expect(rig.claimed.length - answered.length, "in flight").toBe(current === null ? 0 : 1);
        };
        for (const move of path) step(move);
        for (let rest = 0; rest < 2 * queued; rest += 1) step("claimed");
        const all = Array.from({ length: queued }, (_, index) => `r${index + 1}`).sort();
        expect([...rig.claimed].sort()).toEqual(all);
        expect(answered.sort()).toEqual(all);
        expect(rig.state()).toBe("idle");
      }),
    );
  });
});
