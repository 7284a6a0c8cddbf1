/** A8: what covers the element of a key's leading alarm says nothing of other elements under the same key. */
import { describe, expect, test } from "vitest";
import { withAnswer, withoutAnswer } from "../../machines/automatic-flow.machine.ts";
import type { Entry } from "../../machines/entry.ts";
import { noFindings, type FlowFindings } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import type { Waiting } from "../../machines/state.ts";
import { ticketName } from "../../machines/ticket-index.ts";
import type { PathReading } from "../../machines/upstream.ts";
import { body, type History, KEY, noon, service, ticket } from "./given.ts";
import { accepted, entriesOf, searched, stopped } from "./steps.ts";

const hop = { elementId: "HUB-1", hopNo: 1, name: "", type: "", interface: "", networkService: "" };
const path: PathReading = {
  elementId: KEY,
  path: { elementId: KEY, hops: [hop], end: "root", loadedAt: noon },
  failure: null,
  at: noon,
};
const maintenance = ticket("P9", {
  kind: "PLM",
  networkElements: ["HUB-1"],
  clientReference: "plan",
  endAt: noon + 3_600_000,
});
const covered: FlowFindings = { ...searched(), path, elements: [maintenance] };

function decided(history: History, group?: readonly Waiting[]): readonly Entry[] {
  const input = history.start(KEY, { hasTopology: true, ...(group === undefined ? {} : { group }) });
  return entriesOf(nextStep(input, covered, null, history.now));
}

function ended(entries: readonly Entry[]): unknown[] {
  return entries.flatMap(({ fact }) => (fact.type === "alarm.settled" ? [fact.body.alarm.id] : []));
}

const reconsidered = (entries: readonly Entry[]) =>
  entries.filter(({ fact }) => fact.type === "alarm.reconsidered").length;

describe("of the alarms of a flow", () => {
  test("those of the covered element end; what is in line stays there", () => {
    const history = accepted({ severity: "critical" });
    history.accept("n2", { alarm: "a2", alarmedObject: "ELSEWHERE", severity: "minor" });
    history.accept("n3", { alarm: "a3", severity: "minor" });
    const entries = decided(history);
    expect(ended(entries)).toEqual(["n1", "n3"]);
    expect(body(entries, "key.parked").parking.cover?.alarms.map(({ id }) => id)).toEqual(["n1", "n3"]);
    expect(reconsidered(entries)).toBe(0);
  });

  function replacing(history: History, other: Waiting): Waiting {
    const position = history.state.position;
    return { ...other, replaces: { position, outcome: "stopped" } };
  }

  test("what had rested on another cover comes back, with what it replaces", () => {
    const history = accepted({ severity: "minor" });
    history.accept("n2", { alarm: "a2", alarmedObject: "ELSEWHERE", severity: "minor" });
    const [same, other] = history.key().waiting;
    if (same === undefined || other === undefined) throw new Error("Nothing waits.");
    history.start();
    for (const _ of [same, other]) stopped(history, "D2");
    history.end("settled");
    const lead = history.accept("n3", { alarm: "a3", severity: "critical" });
    const back = replacing(history, other);
    const entries = decided(history, [replacing(history, same), lead, back]);
    expect(ended(entries)).toEqual(["n3"]);
    expect(reconsidered(entries)).toBe(1);
    expect(body(entries, "alarm.reconsidered")).toEqual({
      alarm: other.ref,
      key: KEY,
      notification: other.notification,
      replaces: back.replaces,
      because: `What covers another element of ${KEY} need not cover ELSEWHERE.`,
    });
  });

  test("what comes back already is not brought back twice", () => {
    const history = accepted({ severity: "critical" });
    const [lead] = history.key().waiting;
    const other = history.accept("n2", { alarm: "a2", alarmedObject: "ELSEWHERE", severity: "minor" });
    if (lead === undefined) throw new Error("Nothing waits.");
    expect(reconsidered(decided(history, [lead, replacing(history, other)]))).toBe(0);
  });
});

describe("a parent's ticket at another service", () => {
  const step = {
    step: "search",
    purpose: "parent",
    criteria: { ticketId: "T9" },
    service: service({ name: "NORTH" }),
  } as const;

  test.each([
    ["is open", [ticket("T8", { status: "closed" }), ticket("T9")], false, true],
    ["is closed", [ticket("T8"), ticket("T9", { status: "closed" })], false, false],
    ["is closed, in a list that was cut off", [ticket("T9", { status: "closed" })], true, false],
    ["is not there", [ticket("T8")], false, false],
    ["is not there, in a list that was cut off: it counts as known", [ticket("T8")], true, true],
  ])("%s", (_what, tickets, isCut, counts) => {
    const before = { ...noFindings, parents: new Map([["another", true]]) };
    const { parents } = withAnswer(before, step, tickets, isCut);
    expect([...parents]).toEqual([
      ["another", true],
      [ticketName("NORTH", "T9"), counts],
    ]);
  });

  test("that cannot be read counts as known, and the decision says so", () => {
    const failure = { code: "TIMEOUT", cause: "no answer", permanent: false };
    const before = { ...noFindings, notes: ["before"] };
    const known = withoutAnswer(before, step, service(), failure);
    expect([...(known?.parents ?? [])]).toEqual([[ticketName("NORTH", "T9"), true]]);
    expect(known?.notes).toEqual([
      "before",
      "Ticket T9 could not be looked up at NORTH (TIMEOUT): no answer.",
    ]);
  });
});
