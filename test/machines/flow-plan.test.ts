import { describe, expect, test } from "vitest";
import type { Decision, DecisionInput } from "../../machines/decision.ts";
import { noFindings, type FlowFindings, type FlowInput } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { limits } from "../../machines/limits.ts";
import type { FactType } from "../../machines/facts.ts";
import type { Notification, Ticket } from "../../machines/vocabulary.ts";
import {
  body,
  closePayload,
  createPayload,
  History,
  KEY,
  noon,
  service,
  ticket,
  types,
  updatePayload,
  withTicket,
} from "./given.ts";
import { accepted, answered, entriesOf, north, searched, send, unknownCreate, unknownOf } from "./steps.ts";

describe("what a flow does next", () => {
  test("it searches its key's open tickets first, bounded", () => {
    const step = nextStep(accepted().start(), noFindings, null, 0);
    const criteria = { clientReference: KEY, kind: "MO", maxResults: limits.searchResultsMax };
    expect(step).toMatchObject({ step: "search", purpose: "key", criteria });
    expect(step.step === "search" ? step.criteria.status : []).toEqual([
      "acknowledged",
      "inProgress",
      "pending",
    ]);
  });

  test("A3: what it plans goes back to its alarms, its lock and its rule", () => {
    const history = accepted();
    history.accept("n2", { alarm: "a2" });
    const input = history.start();
    const planned = body(entriesOf(nextStep(input, searched(), null, history.now)), "request.planned");
    expect(planned).toMatchObject({
      requestId: input.requestId,
      lockGuid: input.lockGuid,
      clientId: "client-01",
      rule: "D8",
      intent: "created",
    });
    expect(planned.alarms.map(({ id }) => id)).toEqual(["n1", "n2"]);
  });

  test("D4: adopting links the ticket, says which rule and settles the alarms", () => {
    const history = accepted();
    const step = nextStep(history.start(), searched(ticket("T3")), null, history.now);
    expect(types(entriesOf(step))).toEqual(["flow.decided", "ticket.linked", "alarm.settled"]);
    expect(body(entriesOf(step), "flow.decided")).toMatchObject({
      rule: "D4",
      decision: "adopt",
      tickets: [{ ticketId: "T3" }],
    });
    history.add(...entriesOf(step));
    expect(history.outcomes()).toEqual({ n1: "adopted" });
  });

  test("the default decision can be replaced", () => {
    const history = accepted();
    const decide = () =>
      ({ act: "stop", rule: "D8", outcome: "stopped", because: "ours", ticketId: null }) as const;
    history.add(...entriesOf(nextStep(history.start(KEY, { decide }), searched(), null, history.now)));
    expect(history.outcomes()).toEqual({ n1: "stopped" });
  });

  test("one that gives up waits for no request, where there is none", () => {
    const history = accepted();
    const decide = () =>
      ({ act: "stop", rule: "D8", outcome: "unknown", because: "ours", ticketId: null }) as const;
    const step = nextStep(history.start(KEY, { decide }), searched(), null, history.now);
    expect(body(entriesOf(step), "alarm.settled")).toMatchObject({ outcome: "unknown", requestId: null });
  });

  test("G4: a request by hand that is in doubt is looked up, though no alarm asked for it", () => {
    const history = withTicket();
    send(history, updatePayload, service());
    answered(history, "inDoubt", "TIMEOUT");
    expect(nextStep(history.start(), noFindings, null, history.now)).toMatchObject({
      step: "search",
      purpose: "requestedBy",
    });
  });
});

describe("what a decision is given", () => {
  /** The first decision's input, and what became of it. */
  function given(history: History, found: FlowFindings, change: Partial<FlowInput> = {}) {
    let seen: DecisionInput | null = null;
    const decide = (input: DecisionInput): Decision => {
      seen = input;
      return { act: "stop", rule: "D8", outcome: "stopped", because: "ours", ticketId: null };
    };
    const step = nextStep(history.start(KEY, { decide, ...change }), found, null, history.now);
    return { step, seen: seen as DecisionInput | null };
  }

  test("tickets found by the ids of lost creates beside those of the key, each once", () => {
    const unknown = new Map([["r", [ticket("T1"), ticket("T5")]]]);
    const { seen } = given(accepted(), { ...searched(ticket("T1"), ticket("T2")), unknown });
    expect(seen?.findings.tickets.map(({ ticketId }) => ticketId)).toEqual(["T1", "T2", "T5"]);
    expect([...(seen?.findings.foundCreates ?? [])]).toEqual(["r"]);
    expect([...(given(accepted(), searched()).seen?.findings.foundCreates ?? ["none"])]).toEqual([]);
    const nowhere = given(accepted(), { ...searched(), unknown: new Map([["r", []]]) });
    expect([...(nowhere.seen?.findings.foundCreates ?? ["none"])]).toEqual([]);
  });

  test("of which tickets an update of unknown fate was found done; not of which a create was", () => {
    const updated = unknownOf(updatePayload);
    updated.accept("n3", { alarm: "a2" });
    const created = unknownCreate();
    const requestId = created.key().unknown[0]?.requestId ?? "";
    created.accept("n3", { alarm: "a2" });
    for (const [history, found, expected] of [
      [updated, searched(ticket("T1", { severity: "critical" })), ["T1"]],
      [created, { ...searched(), unknown: new Map([[requestId, [ticket("T1")]]]) }, []],
    ] as const) {
      const { step, seen } = given(history, found);
      expect(body(entriesOf(step), "request.settled")).toMatchObject({ result: "ok", ticketId: "T1" });
      expect([...(seen?.findings.updated ?? ["none"])]).toEqual(expected);
    }
  });

  test("without a topology no path, and nothing above", () => {
    const { seen } = given(
      accepted(),
      searched(ticket("T1", { clientReference: "HUB", networkElements: ["HUB"] })),
    );
    expect(seen).toMatchObject({ path: null, pathFailure: null, above: [] });
  });

  test("the path as it was read, or why it could not be", () => {
    const path = { elementId: "NE-1", hops: [], loadedAt: noon };
    const read = { elementId: "NE-1", path, failure: null, at: noon };
    const topology = { hasTopology: true };
    const elements: Ticket[] = [];
    expect(given(accepted(), { ...searched(), path: read, elements }, topology).seen).toMatchObject({
      path,
      pathFailure: null,
    });
    const failed = { ...read, path: null, failure: "it is down" };
    const told = given(accepted(), { ...searched(), path: failed, elements }, topology);
    expect(told.seen).toMatchObject({ path: null, pathFailure: "it is down" });
    expect(body(entriesOf(told.step), "flow.decided")).toMatchObject({
      because: "ours Decided without the path: it is down",
      path: [],
      tickets: [],
    });
  });
});

describe("A8: a ticket that a decision names is linked", () => {
  function naming(tickets: readonly Ticket[], decision: Partial<Decision> = {}, history = accepted()) {
    const decide = (): Decision =>
      ({
        act: "stop",
        rule: "D8",
        outcome: "stopped",
        because: "ours",
        ticketId: "T3",
        ...decision,
      }) as Decision;
    return types(
      entriesOf(nextStep(history.start(KEY, { decide }), searched(...tickets), null, history.now)),
    );
  }

  test.each([
    ["open, and of this key", [ticket("T0"), ticket("T3")], true],
    ["of another key", [ticket("T3", { clientReference: "HUB" })], false],
    ["planned maintenance", [ticket("T3", { kind: "PLM" })], false],
    ["closed", [ticket("T3", { status: "closed" })], false],
    ["not shown", [ticket("T0")], false],
  ] as const)("%s", (_what, tickets, isLinked) => {
    expect(naming(tickets).includes("ticket.linked")).toBe(isLinked);
  });

  test("the one named, not the one shown before it", () => {
    const history = accepted();
    const decide = (): Decision => ({
      act: "stop",
      rule: "D8",
      outcome: "stopped",
      because: "ours",
      ticketId: "T3",
    });
    const found = searched(ticket("T0"), ticket("T3"));
    const entries = entriesOf(nextStep(history.start(KEY, { decide }), found, null, history.now));
    expect(body(entries, "ticket.linked")).toMatchObject({ ticketId: "T3" });
  });

  test("D4: an adopted one with its own elements, whatever was shown before it", () => {
    const history = accepted();
    const found = searched(ticket("T9", { clientReference: "HUB", networkElements: ["HUB"] }), ticket("T3"));
    const entries = entriesOf(nextStep(history.start(), found, null, history.now));
    expect(body(entries, "ticket.linked")).toMatchObject({ ticketId: "T3", networkElements: ["NE-1"] });
  });

  test.each([
    ["an update", { payload: { ...updatePayload, ticketId: "T3" }, intent: "updated" }, true],
    [
      "a reopening links by its answer",
      { payload: { ...updatePayload, ticketId: "T3" }, intent: "reopened" },
      false,
    ],
    [
      "a close would link what it ends",
      { payload: { ...closePayload, ticketId: "T3" }, intent: "closed" },
      false,
    ],
  ] as const)("by a request: %s", (_what, request, isLinked) => {
    const facts = naming([ticket("T3")], { act: "request", ...request });
    expect(facts.includes("ticket.linked")).toBe(isLinked);
    expect(facts.at(-1)).toBe("request.planned");
  });
});

test("counters of an element are no ticket's: they go to the selected service, and are told as an update", () => {
  const history = withTicket();
  history.accept("n2", { alarm: "a2" });
  const payload = {
    command: "editNinasCounters",
    kind: "MO",
    networkElement: "NE-1",
    counters: [{ name: "customers", delta: 1 }],
  } as const;
  const decide = (): Decision => ({
    act: "request",
    rule: "D8",
    intent: "updated",
    because: "ours",
    payload,
  });
  const other = service({ name: "OTHER" });
  const input = history.start(KEY, { decide, service: other });
  const step = nextStep(input, searched(ticket("T1")), null, history.now);
  expect(step).toMatchObject({ step: "forward", request: { payload, service: other } });
  expect(body(entriesOf(step), "flow.decided").decision).toBe("update");
});

describe("T1: another service is selected meanwhile", () => {
  const other = service({ name: "OTHER", port: 8651 });
  const home = (name: string) => (name === "OSB" ? service() : null);

  test("G3: an attempt more goes where the first one went, with the same id and payload", () => {
    const history = accepted();
    history.plan(createPayload, service());
    const { requestId } = history.send();
    answered(history, "nack", "BUSY");
    const step = nextStep(history.start(KEY, { service: other }), noFindings, null, history.now);
    expect(step).toMatchObject({
      step: "forward",
      request: { requestId, payload: createPayload, service: service() },
    });
  });

  test("G4: a request in doubt is looked up where it went", () => {
    const history = accepted();
    send(history, createPayload, service());
    answered(history, "inDoubt", "TIMEOUT");
    const input = history.start(KEY, { service: other });
    expect(nextStep(input, noFindings, null, history.now)).toMatchObject({ service: service() });
    const doubt = { ...noFindings.doubt, byRequest: [] };
    expect(nextStep(input, { ...noFindings, doubt }, null, history.now)).toMatchObject({
      step: "search",
      purpose: "key",
      service: service(),
    });
  });

  test("a close goes where its ticket lives", () => {
    const history = withTicket();
    history.accept("down", { kind: "clear", clearedAt: noon });
    const input = history.start(KEY, { service: other, serviceNamed: home });
    expect(nextStep(input, searched(), null, history.now)).toMatchObject({
      step: "forward",
      request: { payload: { command: "close", ticketId: "T1" }, service: service() },
    });
  });

  test.each([
    ["a close", { kind: "clear" }],
    ["an update", { kind: "change", severity: "critical" }],
  ] as [string, Partial<Notification>][])(
    "%s goes nowhere, where that row has gone: failed, and why",
    (_what, change) => {
      const history = withTicket();
      history.accept("next", change);
      const input = history.start(KEY, { service: other, serviceNamed: () => null });
      const step = nextStep(input, searched(), null, history.now);
      expect(step).toMatchObject({ step: "end", result: "settled" });
      expect(body(entriesOf(step), "flow.decided")).toMatchObject({ decision: "fail" });
      expect(body(entriesOf(step), "alarm.settled")).toMatchObject({
        outcome: "failed",
        ticketId: "T1",
        failure: {
          code: "BAD_CONFIGURATION",
          detail: expect.stringContaining("ticket T1 is at OSB, whose row is not") as string,
        },
      });
      history.add(...entriesOf(step));
      expect([...history.key().open.keys()], "it is still linked").toEqual(["T1"]);
    },
  );
});

describe("D1: a search that failed", () => {
  const failure = { code: "UNREACHABLE", cause: "refused", permanent: false };

  test("D1: parks the key as outage, 1, 2, 4 … at most 30 s, its alarms staying in line", () => {
    const history = accepted();
    const waits: number[] = [];
    for (let again = 0; again < 7; again += 1) {
      const step = nextStep(history.start(), noFindings, failure, history.now);
      const { parking } = body(entriesOf(step), "key.parked");
      waits.push((parking.until ?? 0) - parking.since);
      expect(parking.reason).toBe("outage");
      history.add(...entriesOf(step));
      history.end("parked");
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(history.outcomes()).toEqual({});
  });

  test("D1: while a request is in doubt even a permanent failure only parks, and counts as no look-up (G4)", () => {
    const history = accepted();
    send(history, createPayload);
    answered(history, "inDoubt", "TIMEOUT");
    const step = nextStep(history.start(), noFindings, { ...failure, permanent: true }, history.now);
    history.add(...entriesOf(step));
    expect(history.key().parked?.reason).toBe("inDoubt");
    expect(history.request().lookups).toBe(0);
  });
});

describe("G4: a look-up that is refused for good", () => {
  const refused = { code: "BAD_CONFIGURATION", cause: "403", permanent: true };

  /** A create in doubt after so many attempts. */
  function lost(attempts: number, idempotency: "requestId" | "settles" | "none" = "requestId"): History {
    const history = accepted();
    history.plan(createPayload, service({ idempotency }));
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      history.send();
      answered(history, "inDoubt", "TIMEOUT");
      history.start();
    }
    history.end("parked");
    history.now += 3_600_000;
    return history;
  }

  test("comes from somebody: with `requestId` the same request goes again", () => {
    const history = lost(2);
    const { requestId } = history.request();
    const step = nextStep(history.start(), noFindings, refused, history.now);
    expect(step).toMatchObject({ step: "forward", request: { requestId, payload: createPayload } });
  });

  test.each([
    ["a failure that may pass", lost(2), noFindings, { ...refused, permanent: false }],
    ["another promise: settles", lost(2, "settles"), noFindings, refused],
    ["another promise: none", lost(1, "none"), noFindings, refused],
    ["attempts used up", lost(limits.attemptsMax), noFindings, refused],
    [
      "refused after the look-up was answered",
      lost(2),
      { ...noFindings, doubt: { ...noFindings.doubt, byRequest: [] } },
      refused,
    ],
  ] as const)("%s: it waits (D1)", (_what, history, found, failure) => {
    const step = nextStep(history.start(), found, failure, history.now);
    expect(step).toMatchObject({ step: "end", result: "parked" });
    expect(body(entriesOf(step), "flow.decided")).toMatchObject({ rule: "D1", decision: "fail" });
  });
});

describe("T1: a create nobody can say the fate of", () => {
  test("T1: the next flow of the key looks for it by its request id before anything else", () => {
    const history = unknownCreate();
    const [unknown] = history.key().unknown;
    history.accept("n2", { alarm: "a2" });
    const step = nextStep(history.start(), noFindings, null, history.now);
    expect(step).toMatchObject({
      step: "search",
      purpose: "unknown",
      criteria: { requestedBy: unknown?.requestId },
    });
  });

  test("T1: at the service it went to, whichever is selected; at the selected one where that is gone", () => {
    const other = service({ name: "OTHER" });
    for (const [home, expected] of [
      [service(), "OSB"],
      [null, "OTHER"],
    ] as const) {
      const history = unknownCreate();
      history.accept("n2", { alarm: "a2" });
      const input = history.start(KEY, { service: other, serviceNamed: () => home });
      expect(nextStep(input, noFindings, null, history.now)).toMatchObject({ service: { name: expected } });
    }
  });

  test("A2 T1: found, it is linked, its alarm's outcome is replaced by name, and creates are free again", () => {
    const history = unknownCreate();
    const requestId = history.key().unknown[0]?.requestId ?? "";
    history.accept("n2", { alarm: "a2" });
    const found = { ...searched(ticket("T1")), unknown: new Map([[requestId, [ticket("T1")]]]) };
    history.add(...entriesOf(nextStep(history.start(), found, null, history.now)));
    expect(history.outcomes()).toEqual({ n1: "created", n2: "adopted" });
    expect(history.key().unknown).toEqual([]);
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });

  test.each([
    ["adopted", { alarm: "a2" }, ["ticket.linked"], "OSB"],
    [
      "raised in severity",
      { alarm: "a2", severity: "critical" },
      ["ticket.linked", "request.planned"],
      "OSB",
    ],
    ["left, as others are active", { kind: "clear", alarm: "a9" }, ["ticket.linked"], "OSB"],
  ] as [string, Partial<Notification>, FactType[], string][])(
    "T1: found while another service is selected, it is %s where it lives",
    (_what, change, facts, home) => {
      const history = unknownCreate();
      const requestId = history.key().unknown[0]?.requestId ?? "";
      history.accept("n2", change);
      const input = history.start(KEY, { service: north });
      const found = { ...searched(), unknown: new Map([[requestId, [ticket("T1")]]]) };
      const entries = entriesOf(nextStep(input, found, null, history.now));
      for (const type of facts)
        expect(body(entries, type), type).toMatchObject(
          type === "request.planned" ? { service: { name: home } } : { service: home },
        );
      history.add(...entries);
      expect(history.key().open.get("T1")?.service).toBe(home);
    },
  );

  test("T1: not found, the next raise ends as unknown too, with the reason", () => {
    const history = unknownCreate();
    const requestId = history.key().unknown[0]?.requestId ?? "";
    history.accept("n2", { alarm: "a2" });
    const found = { ...searched(), unknown: new Map([[requestId, []]]) };
    history.add(...entriesOf(nextStep(history.start(), found, null, history.now)));
    expect(history.outcomes()).toEqual({ n1: "unknown", n2: "unknown" });
    const settled = history.facts.findLast((fact) => fact.type === "alarm.settled");
    expect(settled?.body, "what it waits for").toMatchObject({ requestId });
  });
});
