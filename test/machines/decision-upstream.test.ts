/** D2 by ticket, D5 and D7: which fits first, at every boundary, and what the record keeps. */
import { describe, expect, test } from "vitest";
import { byTheWall } from "../../machines/decision.ts";
import { noFindings, type FlowInput } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import type { FlowStep } from "../../machines/flow-step.ts";
import type { PathReading, TicketAbove } from "../../machines/upstream.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { body, noon, settings, ticket, types, withTicket } from "./given.ts";
import { accepted, decided, findings, searched } from "./steps.ts";

const parent: TicketAbove = {
  ticketId: "T9",
  service: "OSB",
  kind: "MO",
  key: "HUB",
  elementId: "HUB",
  hopNo: 2,
  openedAt: noon,
  startAt: null,
  endAt: null,
};
const maintenance: TicketAbove = {
  ...parent,
  ticketId: "P9",
  kind: "PLM",
  startAt: noon,
  endAt: noon + 60_000,
};

describe("D2 and D5 beside the other rules", () => {
  test.each([
    ["a raise", {}, "cover"],
    ["a change without a ticket, as a raise (D13)", { kind: "change" }, "cover"],
    ["a clear", { kind: "clear" }, "stop"],
  ] as [string, Partial<Notification>, string][])("%s under planned maintenance", (_what, change, act) => {
    expect(decided(accepted(change), { above: [maintenance] }).act).toBe(act);
    expect(decided(accepted(change), { above: [parent] }).act).toBe(act);
  });

  test("D2 before D3 and D4: maintenance stops what an open ticket of the key would take", () => {
    const history = withTicket();
    history.accept("n1", { alarm: "a2", severity: "critical" });
    const own = findings(ticket("T1"));
    expect(decided(history, { findings: own, above: [maintenance] })).toMatchObject({
      act: "cover",
      rule: "D2",
      outcome: "stopped",
      by: { ticketId: "P9", service: "OSB", key: "HUB", endAt: noon + 60_000 },
    });
  });

  test("D3 and D4 before D5: the key's own ticket before the parent's", () => {
    const own = findings(ticket("T1"));
    expect(decided(accepted(), { findings: own, above: [parent] })).toMatchObject({ rule: "D4" });
    expect(decided(accepted({ severity: "critical" }), { findings: own, above: [parent] }).rule).toBe("D3");
  });

  test("D2 before D5: maintenance before a parent", () => {
    expect(decided(accepted(), { above: [parent, maintenance] }).rule).toBe("D2");
  });

  test("D5 names the parent, its element, how far up it lies, and the alarmed one", () => {
    expect(decided(accepted(), { above: [parent] })).toEqual({
      act: "cover",
      rule: "D5",
      outcome: "adopted",
      because: "Ticket T9 on HUB, two hops upstream of NE-1, covers it.",
      by: { ticketId: "T9", service: "OSB", key: "HUB", endAt: null },
    });
  });

  test.each([
    [1, "one hop"],
    [2, "two hops"],
    [3, "three hops"],
    [4, "four hops"],
    [5, "five hops"],
    [6, "six hops"],
    [7, "seven hops"],
    [8, "eight hops"],
    [9, "nine hops"],
    [10, "ten hops"],
    [11, "11 hops"],
  ])("D5 %i up: %s", (hopNo, text) => {
    const { because } = decided(accepted(), { above: [{ ...parent, hopNo }] });
    expect(because).toBe(`Ticket T9 on HUB, ${text} upstream of NE-1, covers it.`);
  });

  test("D5 before D7: what a parent covers needs no room", () => {
    expect(decided(accepted(), { above: [parent], openTicketsTotal: 10_000 }).rule).toBe("D5");
  });
});

describe("D7: the bound of open tickets", () => {
  const most = settings.maxOpenTickets;
  test.each([
    { open: most - 1, kind: "raise", rule: "D8" },
    { open: most, kind: "raise", rule: "D7" },
    { open: most + 1, kind: "raise", rule: "D7" },
    { open: most - 1, kind: "change", rule: "D13" },
    { open: most, kind: "change", rule: "D7" },
    { open: most, kind: "clear", rule: "D12" },
  ] as const)("a $kind with $open tickets open: $rule", ({ open, kind, rule }) => {
    expect(decided(accepted({ kind }), { openTicketsTotal: open }).rule).toBe(rule);
  });

  test("parked, not settled: the flow says so and ends without an outcome", () => {
    const history = accepted();
    const around = {
      linkedOn: () => [],
      closedSinceMs: () => null,
      sinceMs: byTheWall(history.now),
      closedForMs: byTheWall(history.now),
      openTicketsTotal: () => most,
    };
    const input: FlowInput = { ...history.start(), around };
    const step = nextStep(input, searched(), null, history.now);
    if (step.step !== "end") throw new Error("It goes on.");
    expect(step.result).toBe("parked");
    expect(types(step.entries)).toEqual(["flow.decided", "key.parked"]);
    expect(body(step.entries, "key.parked").parking).toMatchObject({ reason: "storm", until: null });
  });
});

describe("what a flow asks when there is a topology", () => {
  const reading = (failure: string | null = null): PathReading => ({
    elementId: "NE-1",
    path:
      failure === null
        ? {
            elementId: "NE-1",
            hops: ["NE-1", "NODE"].map((elementId, hopNo) => ({
              hopNo,
              elementId,
              name: null,
              type: null,
              interface: null,
              networkService: null,
            })),
            loadedAt: noon,
          }
        : null,
    failure,
    at: noon,
  });
  const { doubt } = searched();

  function steps(
    change: Partial<Notification>,
    found: Partial<typeof noFindings>,
    hasTopology = true,
  ): FlowStep {
    const history = accepted(change);
    return nextStep({ ...history.start(), hasTopology }, { ...noFindings, ...found }, null, history.now);
  }

  test("the path beside the search for the key, then the tickets of the element and what lies upstream", () => {
    expect(steps({}, {})).toMatchObject({ step: "search", purpose: "key", look: "NE-1" });
    expect(steps({}, { doubt, path: reading() })).toMatchObject({
      purpose: "elements",
      criteria: { networkElements: ["NE-1", "NODE"] },
    });
  });

  test("without the path, the element alone; the record says why", () => {
    expect(steps({}, { doubt, path: reading("it is down") })).toMatchObject({
      purpose: "elements",
      criteria: { networkElements: ["NE-1"] },
    });
    const step = steps({}, { doubt, path: reading("it is down"), elements: [] });
    if (step.step !== "forward") throw new Error("It does not forward.");
    expect(body(step.entries, "flow.decided")).toMatchObject({
      rule: "D8",
      path: [],
      because: "No open ticket covers NE-1. Decided without the path: it is down",
    });
  });

  test.each([
    ["there is no topology", {}, { doubt }, false],
    ["it was never loaded", {}, { doubt }, true],
  ] as const)("nothing more where %s", (_what, change, found, hasTopology) => {
    expect(steps(change, found, hasTopology).step).toBe("forward");
  });

  test.each([
    ["a clear", { kind: "clear" }],
    ["an alarm flagged as planned", { plannedOutage: true }],
  ] as [string, Partial<Notification>][])("nothing upstream for %s", (_what, change) => {
    const asked = steps(change, {});
    expect(asked.step === "search" && asked.look).toBeUndefined();
    expect(steps(change, { doubt }).step).toBe("end");
  });

  test("the path is in the record, the tickets of both searches too", () => {
    const elements = [ticket("T9", { clientReference: "NODE", networkElements: ["NODE"] })];
    const step = steps({}, { doubt, path: reading(), elements });
    if (step.step !== "end") throw new Error("It goes on.");
    expect(types(step.entries)).toEqual(["flow.decided", "key.parked", "alarm.settled"]);
    expect(body(step.entries, "flow.decided")).toMatchObject({
      rule: "D5",
      decision: "adopt",
      path: ["NE-1", "NODE"],
      tickets: [{ ticketId: "T9" }],
    });
    expect(body(step.entries, "alarm.settled")).toMatchObject({ outcome: "adopted", ticketId: "T9" });
  });
});
