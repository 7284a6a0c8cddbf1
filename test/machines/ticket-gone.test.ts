/** What becomes of alarms when the ticket that they rest on has gone. */
import { describe, expect, test } from "vitest";
import { readiness } from "../../machines/admission.ts";
import { coverAlarms } from "../../machines/cover.ts";
import { stepInDoubt } from "../../machines/doubt.ts";
import { endFlow } from "../../machines/flow-end.ts";
import { noFindings, type FlowInput } from "../../machines/flow-input.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { limits } from "../../machines/limits.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { linked, settle, settleAlarms } from "../../machines/settlement.ts";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import {
  answer,
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  service,
  settings,
  settleMs,
  ticket,
  updatePayload,
  withTicket,
} from "./given.ts";
import { carryOut, closed, decidedAgain, done, findGone, lose, none, searched, send } from "./steps.ts";

describe("A8: alarms that are active when their ticket has gone", () => {
  test("are decided again when another alarm's clear found it gone", () => {
    const history = withTicket();
    history.accept("raise-a2", { alarm: "a2" });
    carryOut(history, nextStep(history.start(), searched(ticket("T1")), null, history.now));
    history.end("settled");
    history.accept("clear-a2", { alarm: "a2", kind: "clear" });
    carryOut(history, findGone(history));
    history.end("settled");
    expect(history.outcomes()["clear-a2"], "D10: the other one is active").toBe("stopped");
    expect(decidedAgain(history)).toEqual(["raise-a1"]);
  });

  test("are decided again when the service refuses the ticket that was to take its place", () => {
    const history = withTicket();
    history.accept("raise-a2", { alarm: "a2" });
    carryOut(history, findGone(history));
    history.send();
    history.add(...judgeAnswer(history.key(), history.request(), answer("nack"), settings).entries);
    history.end("settled");
    expect(history.outcomes()["raise-a2"]).toBe("rejected");
    expect(decidedAgain(history)).toEqual(["raise-a1"]);
  });

  test("are content with the ticket that takes its place", () => {
    const history = withTicket();
    history.accept("raise-a2", { alarm: "a2" });
    carryOut(history, findGone(history));
    history.send();
    done(history, "T2");
    expect(readiness(history.key(), false)).toBeNull();
  });

  test("have one more decision and no endless ones: refused again, that is their outcome (A2)", () => {
    const history = withTicket();
    lose(history);
    carryOut(history, nextStep(history.start(), searched(), null, history.now));
    history.send();
    history.add(...judgeAnswer(history.key(), history.request(), answer("nack"), settings).entries);
    history.end("settled");
    expect(history.outcomes()).toEqual({ "raise-a1": "rejected" });
    expect(history.facts.findLast(({ type }) => type === "alarm.settled")?.body).toMatchObject({
      supersedes: { outcome: "created" },
    });
    expect(readiness(history.key(), false)).toBeNull();
  });

  test.each([
    { what: "cleared", change: { kind: "clear" as const } },
    {
      what: "by now planned, as they say themselves",
      change: { kind: "change" as const, plannedOutage: true },
    },
  ])("are left alone when $what meanwhile", ({ change }) => {
    const history = withTicket();
    lose(history);
    history.accept("next", change);
    carryOut(history, nextStep(history.start(), searched(), null, history.now));
    history.end("settled");
    expect(readiness(history.key(), false)).toBeNull();
  });

  test("have it from a snapshot too (R1)", () => {
    const history = withTicket();
    lose(history);
    history.state = stateFromText(stateText(history.state));
    expect(decidedAgain(history)).toEqual(["raise-a1"]);
  });

  test("and our own close makes none of them: the clear that asked for it is in line", () => {
    const history = withTicket();
    history.accept("clear", { kind: "clear" });
    send(history, closePayload);
    done(history);
    expect(history.key().cover).toBeNull();
  });

  test("a request found done whose ticket somebody closed since: its alarms are decided once more", () => {
    const history = new History();
    history.accept("raise-a1");
    send(history, createPayload);
    history.add(
      ...judgeAnswer(history.key(), history.request(), answer("inDoubt", { code: "TIMEOUT" }), settings)
        .entries,
    );
    history.end("parked");
    const found = { byRequest: [ticket("T1", { status: "closed" })], byTicket: null, byKey: null };
    const step = stepInDoubt(history.key(), history.request(), found, history.now);
    expect(step).toMatchObject({ step: "conclude", decision: "settle" });
    if (step.step === "conclude") history.add(...step.entries);
    expect(history.key().open.size).toBe(0);
    expect(decidedAgain(history)).toEqual(["raise-a1"]);
  });
});

describe("A8: a ticket that the service says is gone, while its search shows it open", () => {
  function refused(history = withTicket(), payload = updatePayload, code = "ALREADY_CLOSED"): History {
    history.accept("next", { kind: "change", severity: "critical" });
    send(history, payload, service());
    const told = answer("nack", { code, answeredAt: history.now });
    history.add(...judgeAnswer(history.key(), history.request(), told, settings).entries);
    history.end("settled");
    return history;
  }
  const next = (history: History) => {
    const reopening = { ...settings, reopenSeconds: 600 };
    const input = history.start(KEY, { settings: reopening });
    return nextStep(input, searched(ticket("T1")), null, history.now);
  };

  test.each([
    { after: settleMs - 1, does: { command: "create" } },
    { after: settleMs, does: { command: "update", ticketId: "T1" } },
  ])("$after ms later the index is answered with $does.command", ({ after, does }) => {
    const history = refused();
    history.now += after;
    expect(next(history)).toMatchObject({ step: "forward", request: { payload: does } });
  });

  test("nor is it opened again, be it one that we had closed", () => {
    const reopen: RequestPayload = {
      command: "update",
      ticketId: "T1",
      status: "inProgress",
      alarmRefs: [],
    };
    const history = refused(closed(1, 600), reopen);
    expect(next(history)).toMatchObject({ request: { payload: { command: "create" } } });
  });

  test("but what a search has shown as gone and then as open is open: the search wins", () => {
    const history = withTicket();
    lose(history);
    expect(history.key().closed.size).toBe(0);
    history.accept("n2", { alarm: "a2" });
    expect(next(history)).toMatchObject({ step: "end" });
  });

  test("is forgotten in time, as those that we close", () => {
    const history = withTicket();
    for (let gone = 0; gone < 2 * limits.closedTicketsKept; gone += 1) {
      const ticketId = `T1${gone}`;
      history.add(linked(history.key(), "OSB", ticket(ticketId), history.now));
      lose(history, { ticketId, status: null });
      history.now += settleMs + 1;
    }
    expect([...history.key().closed.keys()]).toEqual(["T14", "T15", "T16", "T17"]);
  });
});

describe("A2 A8: alarms decided again under a cover that has ended", () => {
  const upstream = { ticketId: "MO-31", service: "OSB", key: null, endAt: null };
  function uncovered(): { readonly history: History; readonly input: FlowInput } {
    const history = new History();
    history.accept("raise-a1");
    const alarms = history.start().group.map(({ ref }) => ref);
    history.add(
      coverAlarms(history.key(), alarms, upstream, "MO-31 covers it", history.now),
      ...settleAlarms(history.key(), alarms, history.now, ended("adopted", "D5")),
    );
    history.end("settled");
    return { history, input: history.start() };
  }

  test("forced: aborted, in place of the ticket that was said to cover it", () => {
    const { history } = uncovered();
    const end = endFlow(history.state, "client-01", { how: "forced", by: "ann", reason: "no" }, history.now);
    history.add(...(end?.entries ?? []));
    expect(history.outcomes()).toEqual({ "raise-a1": "aborted" });
    expect(readiness(history.key(), true)).toBeNull();
  });

  test.each([
    { how: "forced", by: "ann", reason: "no" },
    { how: "crashed", cause: "a defect" },
  ] as const)("$how while its create is being sent, and the create is refused: rejected", (ending) => {
    const { history, input } = uncovered();
    for (let crash = 1; crash < 3; crash += 1) {
      const end = endFlow(history.state, "client-01", { how: "crashed", cause: "a defect" }, history.now);
      history.add(...(end?.entries ?? []));
      history.start();
    }
    carryOut(history, nextStep(input, searched(), null, history.now));
    history.send();
    history.add(...(endFlow(history.state, "client-01", ending, history.now)?.entries ?? []));
    history.add(...judgeAnswer(history.key(), history.request(), answer("nack"), settings).entries);
    expect(history.outcomes()).toEqual({ "raise-a1": "rejected" });
    expect(readiness(history.key(), true)).toBeNull();
  });

  test("forced while its create is being sent, and the create is done: no third decision", () => {
    const { history, input } = uncovered();
    carryOut(history, nextStep(input, searched(), null, history.now));
    history.send();
    const end = endFlow(history.state, "client-01", { how: "forced", by: "ann", reason: "no" }, history.now);
    history.add(...(end?.entries ?? []));
    history.add(
      ...settle(history.key(), history.request(), history.now, { result: "ok", ticketId: "T1", because: "" }),
    );
    expect([...history.key().open.keys()]).toEqual(["T1"]);
    expect(readiness(history.key(), true)).toBeNull();
  });

  test("a search that fails for good: failed", () => {
    const { history, input } = uncovered();
    const failure = { code: "BAD_CONFIGURATION", cause: "404", permanent: true };
    carryOut(history, nextStep(input, noFindings, failure, history.now));
    history.end("settled");
    expect(history.outcomes()).toEqual({ "raise-a1": "failed" });
    expect(readiness(history.key(), true)).toBeNull();
  });

  test("R6: three crashes: unknown, and set aside", () => {
    const { history } = uncovered();
    for (let crash = 1; ; crash += 1) {
      const end = endFlow(history.state, "client-01", { how: "crashed", cause: "a defect" }, history.now);
      history.add(...(end?.entries ?? []));
      if (crash === 3) break;
      history.start();
    }
    expect(history.outcomes()).toEqual({ "raise-a1": "unknown" });
    expect(readiness(history.key(), true)).toBeNull();
    const told = history.facts.findLast((fact) => fact.type === "flow.decided");
    expect(told?.body).toEqual({
      key: history.key().key,
      lockGuid: history.facts.findLast((fact) => fact.type === "flow.ended")?.body.lockGuid,
      rule: "R6",
      decision: "fail",
      because:
        "The flow crashed: a defect. It crashed 3 times and is set aside; look into its alarm, then send it again under another id.",
      tickets: [],
      path: [],
    });
  });

  test("their flow finds the ticket of others gone, and its create is refused: the others are decided again", () => {
    const history = withTicket();
    history.accept("raise-a2", { alarm: "a2" });
    const alarms = history.start().group.map(({ ref }) => ref);
    history.add(
      coverAlarms(history.key(), alarms, upstream, "MO-31 covers it", history.now),
      ...settleAlarms(history.key(), alarms, history.now, ended("stopped", "D2")),
    );
    history.end("settled");
    carryOut(history, findGone(history));
    history.send();
    history.add(...judgeAnswer(history.key(), history.request(), answer("nack"), settings).entries);
    history.end("settled");
    expect(history.outcomes()["raise-a2"]).toBe("rejected");
    expect(decidedAgain(history)).toEqual(["raise-a1"]);
  });

  test("a ticket of its own: the outcome that named the cover stays, and says no more than is true", () => {
    const { history, input } = uncovered();
    carryOut(history, nextStep(input, searched(ticket("T1")), null, history.now));
    history.end("settled");
    expect(history.outcomes()).toEqual({ "raise-a1": "adopted" });
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });
});

describe("A8: an open ticket that only the search knows is linked, whatever the rule", () => {
  test.each([
    { rule: "D9", change: { kind: "change" as const } },
    { rule: "D9", change: { kind: "change" as const, severity: "critical" as const } },
    { rule: "D3", change: { severity: "critical" as const } },
  ])("$rule", ({ rule, change }) => {
    const history = new History();
    history.accept("n1", change);
    const step = nextStep(history.start(), searched(ticket("T1")), null, history.now);
    carryOut(history, step);
    expect(history.facts.findLast(({ type }) => type === "flow.decided")?.body).toMatchObject({ rule });
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });

  test("D10", () => {
    const history = new History();
    history.accept("n1");
    history.add(
      ...settleAlarms(
        history.key(),
        history.key().waiting.map(({ ref }) => ref),
        history.now,
        ended("rejected"),
      ),
    );
    history.accept("n2", { kind: "clear", alarm: "a2" });
    const step = nextStep(history.start(), searched(ticket("T1")), null, history.now);
    carryOut(history, step);
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });

  test("but one that we closed and the index still shows is not", () => {
    const history = withTicket();
    history.accept("clear", { kind: "clear" });
    send(history, closePayload);
    done(history);
    history.accept("n2", { kind: "change" });
    const step = nextStep(history.start(), searched(ticket("T1")), null, history.now);
    expect(step).toMatchObject({ request: { payload: { command: "create" } } });
  });

  test("T2: and one that we closed is, when it is shown as open after its settling time: it was never closed", () => {
    const history = withTicket();
    history.accept("clear", { kind: "clear" });
    send(history, closePayload);
    done(history);
    history.now += none.settleSeconds * 1_000;
    history.accept("n2", { kind: "change" });
    carryOut(history, nextStep(history.start(), searched(ticket("T1")), null, history.now));
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });
});
