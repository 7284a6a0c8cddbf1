import { createActor, transition, type ActorRefFrom } from "xstate";
import { getShortestPaths } from "xstate/graph";
import { describe, expect, test } from "vitest";
import {
  automaticFlowMachine,
  withAnswer,
  withoutAnswer,
  type AutomaticFlowEvent,
  type AutomaticFlowInput,
  type FlowCommand,
} from "../../machines/automatic-flow.machine.ts";
import { entry } from "../../machines/entry.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { keyStream } from "../../machines/state.ts";
import { limits } from "../../machines/limits.ts";
import type { ForwardReply, SearchReply } from "../../machines/client-commands.ts";
import { noFindings, type FlowFindings, type FlowInput } from "../../machines/flow-input.ts";
import type { FlowStep, SearchPurpose } from "../../machines/flow-step.ts";
import type { SearchCriteria, Ticket } from "../../machines/vocabulary.ts";
import { found } from "./client-rig.ts";
import { manualClock, type ManualClock } from "../service/manual-clock.ts";
import {
  answer,
  createPayload,
  KEY,
  noon,
  service,
  settings,
  settledReply,
  ticket,
  withTicket,
} from "./given.ts";
import { checkChart, checkTable } from "./transition-table.ts";
import { accepted, answered, north, send, unknownCreate } from "./steps.ts";

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

function input(asked: FlowCommand[], change: Partial<FlowInput> = {}): AutomaticFlowInput {
  return { ...accepted().start(KEY, change), ask: (command) => void asked.push(command) };
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

/** A flow of which every search may be made to fail. */
function failing(started: FlowInput) {
  const clock = manualClock(noon);
  const asked: FlowCommand[] = [];
  const ask = (command: FlowCommand): void => void asked.push(command);
  const actor = createActor(automaticFlowMachine, { clock, input: { ...started, ask } }).start();
  const fail = (): void => {
    actor.send({ type: "search.done", reply: failed(false) });
    clock.advance(60_000);
  };
  return { actor, asked, fail };
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

  describe("what a search brought is added to what is known", () => {
    const known = {
      ...noFindings,
      verified: new Map([["T9", null]]),
      unknown: new Map([["r9", []]]),
    };
    const two = [ticket("T2"), ticket("T1")];
    const step = (purpose: SearchPurpose, criteria: SearchCriteria = {}): FlowStep => ({
      step: "search",
      purpose,
      criteria,
      service: service(),
    });

    test.each([
      [step("key"), { ...known, doubt: { ...known.doubt, byKey: two } }],
      [step("elements"), { ...known, elements: two }],
      [step("requestedBy"), { ...known, doubt: { ...known.doubt, byRequest: two } }],
      [step("ticketId"), { ...known, doubt: { ...known.doubt, byTicket: two } }],
      [
        step("verify", { ticketId: "T1" }),
        { ...known, verified: new Map([...known.verified, ["T1", ticket("T1")]]) },
      ],
      [
        step("verify", { ticketId: "T3" }),
        { ...known, verified: new Map([...known.verified, ["T3", null]]) },
      ],
      [
        step("unknown", { requestedBy: "r1" }),
        { ...known, unknown: new Map<string, readonly Ticket[]>([...known.unknown, ["r1", two]]) },
      ],
      [{ step: "end", result: "settled", entries: [] } as const, known],
    ] satisfies [FlowStep, FlowFindings][])("%j", (asked, expected) => {
      expect(withAnswer(known, asked, two)).toEqual(expected);
      expect([known.verified.size, known.unknown.size], "the former stays what it was").toEqual([1, 1]);
    });
  });

  describe("a list that the service cut off", () => {
    const search = { step: "search", service: service() } as const;

    test.each([
      ["key", { clientReference: "NE-1" }, "OSB cut off its list of tickets of NE-1: more may be open."],
      ["elements", {}, "OSB cut off its list of tickets on the path: more may be open."],
      ["requestedBy", { requestedBy: "r1" }, null],
      ["ticketId", { ticketId: "T1" }, null],
    ] as [SearchPurpose, SearchCriteria, string | null][])(
      "is known to be one, by %s",
      (purpose, criteria, note) => {
        const known = withAnswer(noFindings, { ...search, purpose, criteria }, [], true);
        expect(known.cut).toEqual(new Set([purpose]));
        expect(known.notes).toEqual(note === null ? [] : [note]);
        expect(withAnswer(noFindings, { ...search, purpose, criteria }, []).cut).toEqual(new Set());
      },
    );

    test("without the ticket that was to be read, says nothing of it: it counts as it is known", () => {
      const step = { ...search, purpose: "verify", criteria: { ticketId: "T1" } } as const;
      const known = withAnswer(noFindings, step, [ticket("T2")], true);
      expect([known.verified.size, [...known.unread]]).toEqual([0, ["T1"]]);
      expect(known.notes).toEqual(["OSB did not show ticket T1, and cut off its list."]);
      expect(withAnswer(noFindings, step, [ticket("T1")], true).verified.get("T1")).toEqual(ticket("T1"));
    });
  });

  test("without the look-up of a lost create it goes on: not found this time, and its reason says so", () => {
    const failure = { code: "TIMEOUT", cause: "no answer", permanent: false };
    const step = { step: "search", criteria: { requestedBy: "r1" }, service: service() } as const;
    expect(withoutAnswer(noFindings, { ...step, purpose: "unknown" }, service(), failure)).toEqual({
      ...noFindings,
      unknown: new Map([["r1", []]]),
      notes: ["Create r1 could not be looked up at OSB (TIMEOUT): no answer."],
    });
    for (const purpose of ["key", "elements", "requestedBy", "ticketId", "verify"] as const)
      expect(withoutAnswer(noFindings, { ...step, purpose }, service(), failure), purpose).toBeNull();
    for (const purpose of ["key", "elements", "requestedBy", "ticketId"] as const)
      expect(withoutAnswer(noFindings, { ...step, purpose }, north, failure), purpose).toBeNull();
    const ended = { step: "end", result: "settled", entries: [] } as const;
    expect(withoutAnswer(noFindings, ended, service(), failure)).toBeNull();
  });

  test("D1: a lost create is looked up three times, and then it goes on without", () => {
    const history = unknownCreate();
    history.accept("n2", { alarm: "a2" });
    const { asked, fail } = failing(history.start());
    for (let tries = 1; tries <= limits.searchTriesMax; tries += 1) {
      expect(asked.at(-1)).toMatchObject({ criteria: { requestedBy: expect.any(String) }, attempt: tries });
      fail();
    }
    expect(asked.at(-1)).toMatchObject({ criteria: { clientReference: KEY }, attempt: 1 });
  });

  test("D1: a ticket at a service that is not selected is looked up once, and then it goes on without", () => {
    const history = withTicket();
    history.now += 3_600_000;
    history.accept("n2", { alarm: "a2" });
    const { actor, asked, fail } = failing(history.start(KEY, { service: north }));
    actor.send({ type: "search.done", reply: found() });
    expect(asked.at(-1)).toMatchObject({ criteria: { ticketId: "T1" }, service: service() });
    fail();
    expect(asked.at(-1)).toMatchObject({ type: "client.close", result: "settled" });
  });

  test("each answer is judged by itself, where two are tried at one moment", () => {
    const before = flowRig().actor.getSnapshot();
    const states = ["search.done/fails", "search.done/nothing", "search.done/ticket"].map((name) => {
      const [after] = transition(automaticFlowMachine, before, events[name] as AutomaticFlowEvent);
      return after.value;
    });
    expect(states).toEqual(["pausing", "forwarding", "ended"]);
  });

  test("without the look-up of a ticket at another service it goes on: as it is known, and its reason says so", () => {
    const failure = { code: "TIMEOUT", cause: "no answer", permanent: false };
    const step = {
      step: "search",
      purpose: "verify",
      criteria: { ticketId: "T1" },
      service: service(),
    } as const;
    expect(withoutAnswer(noFindings, step, service({ name: "NORTH" }), failure)).toEqual({
      ...noFindings,
      unread: new Set(["T1"]),
      notes: ["Ticket T1 could not be looked up at OSB (TIMEOUT): no answer."],
    });
  });

  test("its client's answers reach it, each where it was asked for", () => {
    const rig = flowRig();
    const [search] = rig.asked;
    if (search?.type === "client.search") search.reply(found());
    expect(rig.state()).toBe("forwarding");
    const [, forward] = rig.asked;
    if (forward?.type === "client.forward") forward.reply(settledReply);
    expect(rig.state()).toBe("ended");
    expect(rig.actor.getSnapshot().status).toBe("done");
  });

  test.each([
    [settledReply, "settled"],
    [{ ...settledReply, result: "parked" }, "parked"],
    [{ ...settledReply, result: "left" }, "parked"],
    [{ ...settledReply, result: "cancelled" }, "parked"],
    [{ ok: false, failure: { code: "LOCK_EXPIRED", detail: "" }, at: noon }, "parked"],
  ] as [ForwardReply, string][])(
    "A2: a request that ended as %j leaves the flow %s, with nothing more to say",
    (reply, result) => {
      const rig = flowRig();
      rig.send("search.done/nothing");
      rig.actor.send({ type: "forward.done", reply });
      expect(rig.asked.at(-1)).toMatchObject({ type: "client.close", entries: [], result });
    },
  );

  test("D5: where there is a topology it asks for the path beside its first search, then for what lies above", () => {
    const asked: FlowCommand[] = [];
    const actor = createActor(automaticFlowMachine, { input: input(asked, { hasTopology: true }) }).start();
    expect(asked[0]).toMatchObject({ type: "client.search", look: "NE-1" });
    const hop = { name: null, type: null, interface: null, networkService: null };
    const hops = ["NE-1", "HUB"].map((elementId, hopNo) => ({ ...hop, elementId, hopNo }));
    const path = {
      elementId: "NE-1",
      path: { elementId: "NE-1", hops, loadedAt: noon },
      failure: null,
      at: noon,
    };
    actor.send({ type: "search.done", reply: { ...found(), path } });
    expect(actor.getSnapshot().value).toBe("searching");
    expect(asked).toHaveLength(2);
    expect(asked[1]).not.toHaveProperty("look");
    expect(actor.getSnapshot().context).toMatchObject({ step: { purpose: "elements" }, findings: { path } });
    const above = ticket("T9", { clientReference: "HUB", networkElements: ["HUB"] });
    actor.send({ type: "search.done", reply: found(above) });
    const close = asked.at(-1);
    expect(close?.type === "client.close" ? close.entries.map(({ fact }) => fact.type) : []).toContain(
      "key.parked",
    );
  });

  test("a request that may go again is forwarded at once, without a search", () => {
    const history = accepted();
    send(history, createPayload, service());
    answered(history, "nack", "BUSY");
    const asked: FlowCommand[] = [];
    const ask = (command: FlowCommand): void => void asked.push(command);
    const actor = createActor(automaticFlowMachine, { input: { ...history.start(), ask } }).start();
    expect(asked.map(({ type }) => type)).toEqual(["client.forward"]);
    expect(actor.getSnapshot().value).toBe("forwarding");
  });

  test("what has been told meanwhile ends it at once", () => {
    const history = accepted();
    history.plan(createPayload, service({ asyncSeconds: 90 }));
    history.add(
      ...judgeAnswer(history.key(), history.send(), answer("inDoubt", { code: "TIMEOUT" }), settings).entries,
      entry(keyStream(KEY), history.now, "request.async", {
        requestId: history.request().requestId,
        key: KEY,
        result: "OK",
        ticketId: "T1",
        code: null,
        cause: null,
      }),
    );
    history.end("parked");
    const asked: FlowCommand[] = [];
    const ask = (command: FlowCommand): void => void asked.push(command);
    const actor = createActor(automaticFlowMachine, { input: { ...history.start(), ask } }).start();
    expect(asked.map(({ type }) => type)).toEqual(["client.close"]);
    expect(actor.getSnapshot().status).toBe("done");
  });

  test("R6: what a decision throws is what the flow fails with", async () => {
    let asked = 0;
    const decide = (): never => {
      asked += 1; // once: another time it might say something else
      throw new Error(`a defect of ours, ${asked}`);
    };
    const actor = createActor(automaticFlowMachine, { input: input([], { decide }) });
    const failure = new Promise((resolve) => actor.subscribe({ error: resolve }));
    actor.start();
    actor.send({ type: "search.done", reply: found() });
    expect(await failure).toEqual(new Error("a defect of ours, 1"));
    expect(asked).toBe(1);
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
