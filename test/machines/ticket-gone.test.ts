/** What becomes of alarms, and of requests of unknown fate, when the ticket that they rest on has gone or is found. */
import { describe, expect, test } from "vitest";
import { nextGroup, readiness } from "../../machines/admission.ts";
import { coverAlarms } from "../../machines/cover.ts";
import { stepInDoubt } from "../../machines/doubt.ts";
import { entry } from "../../machines/entry.ts";
import { endFlow } from "../../machines/flow-end.ts";
import { noFindings, type FlowFindings, type FlowInput } from "../../machines/flow-input.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { settle, settleAlarms } from "../../machines/settlement.ts";
import { keyStream } from "../../machines/state.ts";
import type { RequestPayload, Ticket } from "../../machines/vocabulary.ts";
import {
  answer,
  body,
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  service,
  settings,
  ticket,
  types,
  updatePayload,
  withTicket,
} from "./given.ts";

const none = service({ idempotency: "none" });

function searched(...tickets: readonly Ticket[]): FlowFindings {
  return { ...noFindings, doubt: { ...noFindings.doubt, byKey: tickets } };
}

/** A flow of the key that finds T1 gone; ends it with what it decides. */
function findGone(history: History, status: Ticket["status"] | null = "closed"): ReturnType<typeof nextStep> {
  history.now += 3_600_000;
  const input = history.start();
  const verified = new Map([["T1", status === null ? null : ticket("T1", { status })]]);
  return nextStep(input, { ...searched(), verified }, null, history.now);
}

function carryOut(history: History, step: ReturnType<typeof nextStep>): void {
  if (step.step === "search") throw new Error("The flow searches still.");
  history.add(...step.entries);
}

function lose(history: History): void {
  history.add(
    entry(keyStream(KEY), history.now, "ticket.lost", {
      key: KEY,
      ticketId: "T1",
      status: "closed",
      claimKept: true,
      idempotency: "settles",
    }),
  );
}

function send(history: History, payload: RequestPayload, at = none): void {
  history.plan(payload, at);
  history.send();
}

function settleUnknown(history: History): void {
  history.add(
    ...settle(history.key(), history.request(), history.now, {
      result: "unknown",
      ticketId: null,
      because: "nobody knows",
    }),
  );
  history.end("settled");
}

function decidedAgain(history: History): string[] {
  expect(readiness(history.key(), false)).not.toBeNull();
  return nextGroup(history.key(), true).flow.map(({ ref }) => ref.id);
}

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
    history.add(
      ...settle(history.key(), history.request(), history.now, { result: "ok", ticketId: "T2", because: "" }),
    );
    history.end("settled");
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
    history.add(
      ...settle(history.key(), history.request(), history.now, { result: "ok", ticketId: null, because: "" }),
    );
    history.end("settled");
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
    history.add(
      ...settle(history.key(), history.request(), history.now, { result: "ok", ticketId: null, because: "" }),
    );
    history.end("settled");
    history.accept("n2", { kind: "change" });
    const step = nextStep(history.start(), searched(ticket("T1")), null, history.now);
    expect(step).toMatchObject({ request: { payload: { command: "create" } } });
  });
});

describe("G4: what is unknown does not stay so for ever", () => {
  /** An update or a close of T1 that nobody can say the fate of. */
  function unknownOf(payload: RequestPayload): History {
    const history = withTicket();
    if (payload.command === "close") history.accept("next", { kind: "clear" });
    else history.accept("next", { kind: "change", severity: "critical" });
    send(history, payload);
    settleUnknown(history);
    expect(history.state.unknown.size).toBe(1);
    return history;
  }

  test("an update: the next search shows its ticket as it asked", () => {
    const history = unknownOf(updatePayload);
    history.now += 60_000;
    history.accept("n3", { alarm: "a2" });
    const step = nextStep(
      history.start(),
      searched(ticket("T1", { severity: "critical" })),
      null,
      history.now,
    );
    carryOut(history, step);
    expect(history.outcomes()).toMatchObject({ next: "updated" });
    expect([history.state.unknown.size, history.key().unknown.length]).toEqual([0, 0]);
    expect(history.key().open.get("T1")?.severity).toBe("critical");
  });

  test("an update that the search does not show yet stays unknown", () => {
    const history = unknownOf(updatePayload);
    history.accept("n3", { alarm: "a2" });
    carryOut(history, nextStep(history.start(), searched(ticket("T1")), null, history.now));
    expect([history.state.unknown.size, history.outcomes()["next"]]).toEqual([1, "unknown"]);
  });

  test("a close: the next search finds its ticket closed, and it was no stranger who did it", () => {
    const history = unknownOf(closePayload);
    history.accept("n3", { alarm: "a2" });
    const step = findGone(history);
    carryOut(history, step);
    expect(step.step === "search" ? [] : types(step.entries)).not.toContain("ticket.lost");
    expect(history.outcomes()).toMatchObject({ next: "closed" });
    expect(history.state.unknown.size).toBe(0);
  });

  test.each([
    { what: "update", payload: updatePayload },
    { what: "close", payload: closePayload },
  ])("a $what: its ticket is closed by a later request, and nobody needs to know any more", ({ payload }) => {
    const history = unknownOf(payload);
    history.accept("clear", { kind: "clear", alarm: "a1" });
    send(history, closePayload);
    history.add(
      ...settle(history.key(), history.request(), history.now, { result: "ok", ticketId: null, because: "" }),
    );
    history.end("settled");
    expect([history.state.unknown.size, history.key().unknown.length]).toEqual([0, 0]);
    const [known] = [...history.state.settledRequests.values()];
    expect(known?.result, "a result that comes late still finds it").toBe("unknown");
  });

  test("its ticket is lost: the same", () => {
    const history = unknownOf(updatePayload);
    lose(history);
    expect(history.state.unknown.size).toBe(0);
  });

  describe("a create that is found by its id", () => {
    function lostCreate(): History {
      const history = new History();
      history.accept("n1");
      send(history, createPayload);
      settleUnknown(history);
      return history;
    }
    function find(history: History, found: Ticket): ReturnType<typeof nextStep> {
      const input = history.start();
      const [requestId] = [...history.state.unknown.keys()];
      const unknown = new Map([[requestId ?? "", [found]]]);
      return nextStep(input, { ...searched(found), unknown }, null, history.now);
    }
    function behind(history: History, id: string, alarm: string): void {
      history.accept(id, { alarm });
      const [requestId] = [...history.state.unknown.keys()];
      const unknown = new Map([[requestId ?? "", []]]);
      carryOut(history, nextStep(history.start(), { ...searched(), unknown }, null, history.now));
      history.end("settled");
      expect(history.outcomes()[id]).toBe("unknown");
    }

    test("those who had waited behind it are decided again", () => {
      const history = lostCreate();
      behind(history, "n2", "a2");
      history.accept("n3", { alarm: "a3" });
      carryOut(history, find(history, ticket("T1")));
      history.end("settled");
      expect(history.outcomes()).toMatchObject({ n1: "created", n3: "adopted" });
      expect(decidedAgain(history)).toEqual(["n2"]);
      carryOut(history, nextStep(history.start(), searched(ticket("T1")), null, history.now));
      expect(history.outcomes()).toMatchObject({ n2: "adopted" });
    });

    test("those whose alarm had ended meanwhile need no decision", () => {
      const history = lostCreate();
      behind(history, "n2", "a2");
      history.accept("n4", { alarm: "a2", kind: "clear" });
      history.add(
        ...settleAlarms(
          history.key(),
          history.key().waiting.map(({ ref }) => ref),
          history.now,
          ended("stopped", "D12"),
        ),
      );
      history.accept("n3", { alarm: "a3" });
      carryOut(history, find(history, ticket("T1")));
      history.end("settled");
      expect(history.outcomes()).toMatchObject({ n1: "created", n2: "stopped" });
    });

    test("closed by somebody since: it is unknown no longer, and another may be made", () => {
      const history = lostCreate();
      history.accept("n3", { alarm: "a3" });
      const step = find(history, ticket("T1", { status: "closed" }));
      expect(step).toMatchObject({ step: "forward", request: { payload: { command: "create" } } });
      carryOut(history, step);
      expect(history.key().open.size, "the closed one is not taken for open").toBe(0);
      expect(step.step === "forward" ? body(step.entries, "request.settled").result : null).toBe("ok");
    });
  });
});
