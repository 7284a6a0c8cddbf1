import { createActor, type ActorRefFrom } from "xstate";
import { getShortestPaths } from "xstate/graph";
import { describe, expect, test } from "vitest";
import {
  automaticFlowMachine,
  type AutomaticFlowEvent,
  type AutomaticFlowInput,
  type FlowCommand,
} from "../../machines/automatic-flow.machine.ts";
import { limits } from "../../machines/limits.ts";
import type { SearchReply } from "../../machines/client-commands.ts";
import { manualClock, type ManualClock } from "../service/manual-clock.ts";
import { History, noon, ticket } from "./given.ts";
import { checkChart, checkTable } from "./transition-table.ts";

/*
 * A raise of a key that nothing is known of: found nothing, it creates; found an open ticket, it adopts.
 * `–`: nothing happens. `passes`: no event is waited for there.
 */
const table = `
state      | search.done/nothing | search.done/ticket | search.done/fails | search.done/fails last | search.done/permanent | forward.done | after
deciding   | passes              | passes             | passes            | passes                 | passes                | passes       | passes
searching  | forwarding          | ended              | pausing           | ended                  | ended                 | –            | –
pausing    | –                   | –                  | –                 | –                      | –                     | –            | searching
forwarding | –                   | –                  | –                 | –                      | –                     | ended        | –
ended      | –                   | –                  | –                 | –                      | –                     | –            | –
`;

const failed = (permanent: boolean): SearchReply => ({
  ok: false,
  failure: { code: permanent ? "BAD_CONFIGURATION" : "TIMEOUT", cause: "no answer", permanent },
  at: noon,
});
const found = (...tickets: ReturnType<typeof ticket>[]): SearchReply => ({
  ok: true,
  tickets,
  truncated: false,
  at: noon,
});

const events: Record<string, AutomaticFlowEvent> = {
  "search.done/nothing": { type: "search.done", reply: found() },
  "search.done/ticket": { type: "search.done", reply: found(ticket("T1")) },
  "search.done/fails": { type: "search.done", reply: failed(false) },
  "search.done/fails last": { type: "search.done", reply: failed(false) },
  "search.done/permanent": { type: "search.done", reply: failed(true) },
  "forward.done": {
    type: "forward.done",
    reply: { ok: true, result: "settled", outcome: "ok", ticketId: "T1", because: "", at: noon },
  },
};

interface FlowRig {
  readonly actor: ActorRefFrom<typeof automaticFlowMachine>;
  readonly clock: ManualClock;
  readonly asked: FlowCommand[];
  send(name: string): void;
  state(): string;
}

function input(asked: FlowCommand[]): AutomaticFlowInput {
  const history = new History();
  history.accept("n1");
  return { ...history.start(), ask: (command) => void asked.push(command) };
}

function flowRig(): FlowRig {
  const clock = manualClock(noon);
  const asked: FlowCommand[] = [];
  const actor = createActor(automaticFlowMachine, { clock, input: input(asked) }).start();
  return {
    actor,
    clock,
    asked,
    send: (name) => actor.send(events[name] as AutomaticFlowEvent),
    state: () => actor.getSnapshot().value,
  };
}

const wayTo: Record<string, readonly string[]> = {
  searching: [],
  pausing: ["search.done/fails"],
  forwarding: ["search.done/nothing"],
  ended: ["search.done/ticket"],
};

function probe(state: string, event: string): string {
  const way = wayTo[state];
  if (way === undefined) return "passes";
  const rig = flowRig();
  for (const name of way) rig.send(name);
  expect(rig.state()).toBe(state);
  if (state === "searching" && event === "search.done/fails last") {
    for (let tries = 1; tries < limits.searchTriesMax; tries += 1) {
      rig.send("search.done/fails");
      rig.clock.advance(60_000);
    }
  }
  if (rig.actor.getSnapshot().status === "done") return "–"; // a final state takes nothing more
  const before = rig.asked.length;
  if (event === "after") rig.clock.advance(60_000);
  else rig.send(event);
  return rig.state() === state && rig.asked.length === before ? "–" : rig.state();
}

describe("automatic flow", () => {
  test("every state answers every event as its table says", () => {
    checkTable(automaticFlowMachine, table, probe);
  });

  test("the chart keeps the laws of all charts", () => {
    checkChart(automaticFlowMachine);
  });

  test("A2: every path that ends has asked its client to close once, with an outcome or a parking", () => {
    const options = {
      input: input([]),
      events: Object.values(events),
      serializeState: ({
        value,
        context,
      }: {
        readonly value: unknown;
        readonly context: { readonly tries: number };
      }) => `${String(value)} ${context.tries}`,
      serializeEvent: (event: AutomaticFlowEvent) => JSON.stringify(event),
    };
    const paths = getShortestPaths(automaticFlowMachine, options).filter(
      ({ state }) => state.value === "ended",
    );
    expect(paths.length).toBeGreaterThan(0);
    for (const { steps } of paths) {
      const rig = flowRig();
      for (const { event } of steps) {
        if (!event.type.startsWith("xstate.")) rig.actor.send(event);
        rig.clock.advance(60_000);
      }
      expect(rig.state()).toBe("ended");
      const closes = rig.asked.filter((command) => command.type === "client.close");
      expect(closes).toHaveLength(1);
      const [close] = closes;
      const said = close?.entries.map(({ fact }) => fact.type) ?? [];
      const forwarded = rig.asked.some((command) => command.type === "client.forward");
      expect(forwarded || said.includes("alarm.settled") || said.includes("key.parked")).toBe(true);
    }
  });

  test("D1: a search that fails is tried three times, 200 and 400 ms apart, then the key parks as outage", () => {
    const rig = flowRig();
    for (const wait of [200, 400]) {
      rig.send("search.done/fails");
      rig.clock.advance(wait - 1);
      expect(rig.state()).toBe("pausing");
      rig.clock.advance(1);
      expect(rig.state()).toBe("searching");
    }
    rig.send("search.done/fails");
    expect(
      rig.asked.map((command) => (command.type === "client.search" ? command.attempt : command.type)),
    ).toEqual([1, 2, 3, "client.close"]);
    const close = rig.asked.at(-1);
    const parked =
      close?.type === "client.close"
        ? close.entries.find(({ fact }) => fact.type === "key.parked")
        : undefined;
    expect(parked?.fact.body).toMatchObject({ parking: { reason: "outage" } });
  });

  test("D1: a permanent error ends the alarm as failed at once, with its code", () => {
    const rig = flowRig();
    rig.send("search.done/permanent");
    const close = rig.asked.at(-1);
    const entries = close?.type === "client.close" ? close.entries : [];
    expect(entries.map(({ fact }) => fact.body)).toContainEqual(
      expect.objectContaining({
        outcome: "failed",
        rule: "D1",
        failure: expect.objectContaining({ code: "BAD_CONFIGURATION" }),
      }),
    );
  });

  test("D1: tries are counted for each search anew", () => {
    const rig = flowRig();
    rig.send("search.done/fails");
    rig.clock.advance(200);
    rig.send("search.done/nothing");
    expect(rig.actor.getSnapshot().context.tries).toBe(0);
  });

  test("L3: everything a flow asks bears its GUID and fence", () => {
    const rig = flowRig();
    rig.send("search.done/nothing");
    rig.send("forward.done");
    const { lockGuid, fence } = rig.actor.getSnapshot().context.input;
    expect(rig.asked.map(({ type }) => type)).toEqual(["client.search", "client.forward", "client.close"]);
    for (const command of rig.asked) expect(command).toMatchObject({ lockGuid, fence });
  });
});
