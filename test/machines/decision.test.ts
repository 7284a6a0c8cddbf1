/** D0 to D4, D6 and D8 to D13: what the next notifications of a key get. D2 by ticket, D5 and D7 stand in decision-upstream. */
import { describe, expect, test } from "vitest";
import { leader, type Decision } from "../../machines/decision.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { History, KEY, noon, service, settings, ticket, withTicket } from "./given.ts";
import { closed, decided, findings, stopped, unknownCreate } from "./steps.ts";

function early(clearedAt: number): History {
  const history = new History();
  history.accept("clear", { kind: "clear", clearedAt });
  stopped(history, "D12");
  return history;
}

describe("D0: an alarm whose clear was accepted before its raise", () => {
  test.each([
    { skew: settings.clockSkewSeconds - 1, rule: "D0" },
    { skew: settings.clockSkewSeconds, rule: "D0" },
    { skew: settings.clockSkewSeconds + 1, rule: "D8" },
  ])("D0: raised $skew s after its clear's time: $rule", ({ skew, rule }) => {
    const history = early(noon);
    history.accept("raise", { raisedAt: noon + skew * 1000 });
    expect(decided(history).rule).toBe(rule);
  });

  test("D0: one that is decided again and was cleared meanwhile needs no ticket", () => {
    const history = new History();
    const raised = history.accept("raise");
    stopped(history, "D4");
    const again = { ...raised, replaces: { position: 1, outcome: "adopted" as const } };
    expect(decided(history, { group: [again] }).rule, "it is active").toBe("D8");
    history.accept("clear", { kind: "clear" });
    stopped(history, "D12");
    expect(decided(history, { group: [again] })).toMatchObject({
      act: "stop",
      rule: "D0",
      because: "The alarm was cleared before it could be decided again.",
    });
    expect(decided(history, { group: [raised] }).rule, "it is decided for the first time").toBe("D8");
  });

  test("D0: the clear is consumed; the next raise of the alarm counts", () => {
    const history = early(noon);
    history.accept("raise-1");
    stopped(history, "D0");
    expect(history.key().active.size).toBe(0);
    history.accept("raise-2");
    expect(decided(history).rule).toBe("D8");
  });

  test("D0: a repeated clear of an alarm that was raised is not an early one", () => {
    const history = closed(0);
    history.accept("clear-again", { kind: "clear", clearedAt: noon });
    expect(decided(history).rule).toBe("D12");
    stopped(history, "D12");
    history.accept("raise-again");
    expect(decided(history).rule).toBe("D8");
  });
});

describe("D2: planned maintenance", () => {
  test("D2: a raise flagged as planned outage makes no ticket, even beside an open one", () => {
    const history = withTicket();
    history.accept("planned", { alarm: "a2", plannedOutage: true, severity: "critical" });
    expect(decided(history, { findings: findings(ticket("T1")) })).toMatchObject({
      rule: "D2",
      act: "stop",
      outcome: "stopped",
    });
  });

  test("D2: nor where there is none: the outage is known, and nobody needs to be sent", () => {
    const history = new History();
    history.accept("planned", { plannedOutage: true });
    expect(decided(history)).toMatchObject({ rule: "D2", act: "stop", outcome: "stopped" });
  });
});

describe("an open ticket of the key", () => {
  const cases: [
    Notification["kind"],
    Notification["severity"],
    Notification["severity"],
    Partial<Decision>,
  ][] = [
    ["raise", "critical", "major", { rule: "D3", act: "request" }],
    ["raise", "major", "major", { rule: "D4", act: "adopt" }],
    ["raise", "warning", "major", { rule: "D4", act: "adopt" }],
    ["change", "critical", "major", { rule: "D9", act: "request" }],
    ["change", "major", "major", { rule: "D9", act: "stop" }],
    ["change", "minor", "major", { rule: "D9", act: "stop" }],
  ];
  test.each(cases)("D3 D4 D9: a %s with severity %s, ticket %s", (kind, severity, of, expected) => {
    const history = new History();
    history.accept("n1", { kind, severity });
    const decision = decided(history, { findings: findings(ticket("T1", { severity: of })) });
    expect(decision).toMatchObject(expected);
    if (decision.act === "request") {
      expect(decision).toMatchObject({
        intent: "updated",
        payload: { command: "update", ticketId: "T1", severity, alarmRefs: [{ alarmId: "n1" }] },
      });
    }
  });

  test("D4: a ticket whose severity nobody knows is adopted, not updated", () => {
    const history = new History();
    history.accept("n1", { severity: "critical" });
    const { severity: _unknown, ...bare } = ticket("T1");
    expect(decided(history, { findings: findings(bare) }).rule).toBe("D4");
  });

  test("D3: the highest severity of a group speaks for it, the oldest of equals", () => {
    const history = new History();
    history.accept("n1", { alarm: "a1", severity: "minor" });
    history.accept("n2", { alarm: "a2", severity: "critical" });
    history.accept("n3", { alarm: "a3", severity: "critical" });
    const decision = decided(history, { findings: findings(ticket("T1")) });
    expect(decision).toMatchObject({
      rule: "D3",
      payload: { severity: "critical", alarmRefs: [{ alarmId: "n1" }, { alarmId: "n2" }, { alarmId: "n3" }] },
    });
    expect(
      decision.act === "request" && decision.payload.command === "update" ? decision.payload.comment : "",
    ).toContain("n2");
  });

  test.each(["resolved", "closed", "cancelled"] as const)(
    "D8: a ticket that is %s does not count as open",
    (status) => {
      const history = new History();
      history.accept("n1");
      expect(decided(history, { findings: findings(ticket("T1", { status })) }).rule).toBe("D8");
    },
  );

  test("D8: tickets of another key and planned maintenance do not count as this key's", () => {
    const history = new History();
    history.accept("n1");
    expect(
      decided(history, {
        findings: findings(ticket("T1", { clientReference: "NE-2" }), ticket("T2", { kind: "PLM" })),
      }).rule,
    ).toBe("D8");
  });

  test("duplicates: the oldest open ticket is used and the rest are named", () => {
    const history = new History();
    history.accept("n1");
    const found = findings(
      ticket("T7", { openedAt: noon + 2 }),
      ticket("T9", { openedAt: noon + 1 }),
      ticket("T8", { openedAt: noon + 3 }),
    );
    const decision = decided(history, { findings: found });
    expect(decision).toMatchObject({ act: "adopt", ticket: { ticketId: "T9" } });
    expect(decision.because).toContain("T7, T8");
  });
});

test("nobody speaks for no notification", () => {
  expect(() => leader([])).toThrow("A flow needs at least one notification.");
});

describe("D6: a ticket closed lately is opened again", () => {
  const reopening = { ...settings, reopenSeconds: 100 };

  test.each([
    { after: 99, rule: "D6" },
    { after: 100, rule: "D8" },
    { after: 101, rule: "D8" },
  ])("D6: reopenSeconds 100, closed $after s ago: $rule", ({ after, rule }) => {
    const history = closed(after, 100);
    history.accept("n2");
    const decision = decided(history, { settings: reopening });
    expect(decision.rule).toBe(rule);
    if (rule === "D6")
      expect(decision).toMatchObject({
        intent: "reopened",
        payload: { command: "update", ticketId: "T1", status: "inProgress" },
      });
  });

  test("D6: without reopenSeconds never, and never a ticket of another service", () => {
    const history = closed(1, 100);
    history.accept("n2");
    expect(decided(history).rule).toBe("D8");
    expect(decided(history, { settings: reopening, service: service({ name: "other" }) }).rule).toBe("D8");
  });

  test("D6: nor where the clock was set back since, so that it is yet to be closed", () => {
    const history = closed(-1, 100);
    history.accept("n2");
    expect(decided(history).rule).toBe("D8");
    expect(decided(history, { settings: reopening }).rule).toBe("D6");
  });
});

describe("D8 D13: no ticket yet", () => {
  test("D8: a raise makes a Major Outage ticket that names the alarmed objects once", () => {
    const history = new History();
    history.accept("n1", { alarm: "a1", alarmedObject: "NE-1/1", details: "loss" });
    history.accept("n2", { alarm: "a2", alarmedObject: "NE-1/1" });
    expect(decided(history)).toMatchObject({
      rule: "D8",
      intent: "created",
      payload: {
        command: "create",
        kind: "MO",
        clientReference: KEY,
        networkElements: ["NE-1/1"],
        description: "loss",
        startAt: noon,
      },
    });
  });

  test("D13: a change without an open ticket is taken as a raise", () => {
    const history = new History();
    history.accept("n1", { kind: "change" });
    expect(decided(history)).toMatchObject({ rule: "D13", intent: "created" });
  });

  test("T1: a create that may or may not have worked blocks the next one, and says which it is", () => {
    const history = unknownCreate();
    const [unknown] = history.key().unknown;
    history.accept("n2", { alarm: "a2" });
    const decision = decided(history);
    expect(decision).toMatchObject({ rule: "D8", act: "stop", outcome: "unknown" });
    expect(decision.because).toContain(unknown?.requestId);
    expect(
      decided(history, { findings: findings(ticket("T5")) }).rule,
      "a ticket that is found is used",
    ).toBe("D4");
  });
});

describe("D10 D11 D12: clears", () => {
  test("D10: while other alarms of the key are active the ticket stays open", () => {
    const history = withTicket();
    history.accept("n2", { alarm: "a2" });
    stopped(history, "D4");
    history.accept("clear", { kind: "clear", clearedAt: noon });
    expect(decided(history, { findings: findings(ticket("T1")) })).toMatchObject({
      rule: "D10",
      act: "stop",
      ticketId: "T1",
      because: `1 other alarm of ${KEY} still active.`,
    });
    history.accept("n3", { alarm: "a3" });
    stopped(history, "D12"); // the clear
    stopped(history, "D4");
    history.accept("clear 2", { kind: "clear", alarm: "a9", clearedAt: noon });
    expect(decided(history)).toMatchObject({ because: `2 other alarms of ${KEY} still active.` });
  });

  test("D11: the last clear closes the ticket, at the time the alarm gives", () => {
    const history = withTicket();
    history.accept("clear", { kind: "clear", clearedAt: noon + 7 });
    expect(decided(history, { findings: findings(ticket("T1")) })).toMatchObject({
      rule: "D11",
      intent: "closed",
      payload: { command: "close", ticketId: "T1", endAt: noon + 7 },
    });
  });

  test("D11: clears that come together close it together", () => {
    const history = withTicket();
    history.accept("n2", { alarm: "a2" });
    stopped(history, "D4");
    history.accept("clear-1", { kind: "clear", clearedAt: noon });
    history.accept("clear-2", { kind: "clear", alarm: "a2", clearedAt: noon + 1 });
    expect(decided(history)).toMatchObject({ rule: "D11", payload: { endAt: noon + 1 } });
  });

  test("D12: a clear without a ticket closes nothing", () => {
    const history = new History();
    history.accept("clear", { kind: "clear", clearedAt: noon });
    expect(decided(history)).toMatchObject({ rule: "D12", act: "stop", outcome: "stopped" });
  });
});
