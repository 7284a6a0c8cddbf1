import { describe, expect, test } from "vitest";
import {
  decide,
  openTickets,
  ticketToVerify,
  type Decision,
  type Findings,
} from "../../machines/decision.ts";
import { entry } from "../../machines/entry.ts";
import { noFindings } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { nextGroup } from "../../machines/admission.ts";
import { settle } from "../../machines/settlement.ts";
import { keyStream } from "../../machines/state.ts";
import type { Notification, ServiceInfo, Ticket } from "../../machines/vocabulary.ts";
import {
  body,
  closePayload,
  createPayload,
  History,
  KEY,
  noon,
  service,
  settings,
  ticket,
  types,
  withTicket,
} from "./given.ts";

const settleMs = service().settleSeconds * 1000;

function findings(...tickets: Ticket[]): Findings {
  return { tickets, verified: new Map() };
}

/** Nothing is known of what lies above. */
const noPath = {
  path: null,
  pathFailure: null,
  above: [],
  openTicketsTotal: 0,
  service: service(),
  settings,
};

/** What the next notifications of the key get. */
function decided(
  history: History,
  found: Findings = findings(),
  change: Partial<typeof settings> = {},
  at: ServiceInfo = service(),
): Decision {
  const key = history.key();
  const group = nextGroup(key, true).flow;
  return decide({
    ...noPath,
    key,
    group,
    findings: found,
    service: at,
    settings: { ...settings, ...change },
    now: history.now,
  });
}

/** The next notification of the key is settled without a ticket. */
function stopped(history: History, rule: string): void {
  const [next] = history.key().waiting;
  if (next === undefined) throw new Error("Nothing waits.");
  const ended = {
    outcome: "stopped",
    because: "",
    lockGuid: null,
    rule,
    ticketId: null,
    failure: null,
    requestId: null,
    supersedes: null,
  } as const;
  history.add(entry(keyStream(KEY), history.now, "alarm.settled", { ...ended, alarm: next.ref, key: KEY }));
}

function early(clearedAt: number): History {
  const history = new History();
  history.accept("clear", { kind: "clear", clearedAt });
  stopped(history, "D12");
  return history;
}

/** T1, made by us, was closed `secondsAgo`. */
function closed(secondsAgo: number, reopenSeconds = 0): History {
  const history = withTicket(new History({ reopenSeconds }));
  history.accept("clear", { kind: "clear", clearedAt: noon });
  history.plan(closePayload, service());
  const request = history.send();
  history.add(...settle(history.key(), request, history.now, { result: "ok", ticketId: null, because: "" }));
  history.end("settled");
  history.now += secondsAgo * 1000;
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
    const input = { ...noPath, key: history.key(), findings: findings(), now: history.now };
    expect(decide({ ...input, group: [again] }).rule, "it is active").toBe("D8");
    history.accept("clear", { kind: "clear" });
    stopped(history, "D12");
    expect(decide({ ...input, group: [again] })).toMatchObject({
      act: "stop",
      rule: "D0",
      because: "The alarm was cleared before it could be decided again.",
    });
    expect(decide({ ...input, group: [raised] }).rule, "it is decided for the first time").toBe("D8");
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
    expect(decided(history, findings(ticket("T1")))).toMatchObject({
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
    const decision = decided(history, findings(ticket("T1", { severity: of })));
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
    expect(decided(history, findings(bare)).rule).toBe("D4");
  });

  test("D3: the highest severity of a group speaks for it, the oldest of equals", () => {
    const history = new History();
    history.accept("n1", { alarm: "a1", severity: "minor" });
    history.accept("n2", { alarm: "a2", severity: "critical" });
    history.accept("n3", { alarm: "a3", severity: "critical" });
    const decision = decided(history, findings(ticket("T1")));
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
      expect(decided(history, findings(ticket("T1", { status }))).rule).toBe("D8");
    },
  );

  test("D8: tickets of another key and planned maintenance do not count as this key's", () => {
    const history = new History();
    history.accept("n1");
    expect(
      decided(history, findings(ticket("T1", { clientReference: "NE-2" }), ticket("T2", { kind: "PLM" })))
        .rule,
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
    const decision = decided(history, found);
    expect(decision).toMatchObject({ act: "adopt", ticket: { ticketId: "T9" } });
    expect(decision.because).toContain("T7, T8");
  });
});

describe("what our own facts say while the search's index lags", () => {
  test.each([
    { after: settleMs - 1, rule: "D4", verify: null },
    { after: settleMs, rule: "D4", verify: "T1" },
  ])(
    "T2: our ticket, missed by the search $after ms after its confirmation: $rule, to verify $verify",
    ({ after, rule, verify }) => {
      const history = withTicket();
      history.now += after;
      history.accept("n2", { alarm: "a2" });
      expect(ticketToVerify(history.key(), findings(), service(), history.now)?.ticketId ?? null).toBe(
        verify,
      );
      expect(decided(history).rule).toBe(rule);
    },
  );

  test("T2: verified and known closed, or not known at all, the ticket no longer counts", () => {
    const history = withTicket();
    history.now += settleMs;
    history.accept("n2", { alarm: "a2" });
    for (const told of [null, ticket("T1", { status: "closed" })]) {
      expect(decided(history, { tickets: [], verified: new Map([["T1", told]]) }).rule).toBe("D8");
    }
    expect(decided(history, { tickets: [], verified: new Map([["T1", ticket("T1")]]) }).rule).toBe("D4");
  });

  test.each([
    { told: null, claimKept: false, status: null },
    { told: ticket("T1", { status: "closed" }), claimKept: true, status: "closed" },
  ])(
    "T2: a linked ticket that verification shows $status is lost, its claim kept: $claimKept",
    ({ told, claimKept, status }) => {
      const history = withTicket();
      history.now += settleMs;
      history.accept("n2", { alarm: "a2" });
      const input = history.start();
      const byKey = { ...noFindings, doubt: { ...noFindings.doubt, byKey: [] } };
      const ask = nextStep(input, byKey, null, history.now);
      expect(ask).toMatchObject({ step: "search", purpose: "verify", criteria: { ticketId: "T1" } });
      const step = nextStep(input, { ...byKey, verified: new Map([["T1", told]]) }, null, history.now);
      const entries = step.step === "search" ? [] : step.entries;
      expect(body(entries, "ticket.lost")).toMatchObject({
        ticketId: "T1",
        claimKept,
        status,
        idempotency: "settles",
      });
      history.add(...entries);
      expect(history.state.counters.claimsNotKept).toBe(claimKept ? 0 : 1);
      expect(history.key().open.size).toBe(0);
      expect(types(entries)).toContain("request.planned");
    },
  );

  test.each([
    { after: 59, open: [] },
    { after: 60, open: ["T1"] },
  ])("a ticket we closed $after s ago that the search shows open: $open", ({ after, open }) => {
    const history = closed(after);
    expect(
      openTickets(history.key(), findings(ticket("T1")), service(), history.now).map((one) => one.ticketId),
    ).toEqual(open);
  });

  test("a ticket of another service, and one that the search shows, need no verification", () => {
    const history = withTicket();
    history.now += settleMs;
    const verify = (found: Findings, at = service()) =>
      ticketToVerify(history.key(), found, at, history.now)?.ticketId ?? null;
    expect(verify(findings())).toBe("T1");
    expect(verify(findings(ticket("T2")))).toBe("T1");
    expect(verify(findings(ticket("T2"), ticket("T1")))).toBeNull();
    expect(verify(findings(), service({ name: "NORTH" }))).toBeNull();
  });

  test("what is known of each open ticket: found, linked or both; the oldest first, of equal age by id", () => {
    const history = withTicket();
    const open = (...found: Ticket[]) =>
      openTickets(history.key(), findings(...found), service(), history.now);
    const T1 = { ticketId: "T1", service: "OSB", status: "acknowledged", severity: "major", openedAt: noon };
    expect(open()).toEqual([expect.objectContaining({ ...T1, linked: true, found: false })]);
    expect(open(ticket("T1"))).toEqual([{ ...T1, linked: true, found: true }]);
    const { openedAt: _unsaid, ...unsaid } = ticket("T1");
    expect(open(unsaid)[0]?.openedAt).toBe(noon);
    const { openedAt: _unsaid2, ...unknown } = ticket("T9");
    expect(open(unknown, ticket("T0"))).toEqual([
      { ...T1, ticketId: "T9", openedAt: null, linked: false, found: true },
      { ...T1, ticketId: "T0", linked: false, found: true },
      expect.objectContaining({ ticketId: "T1" }),
    ]);
    expect(open(ticket("T2"), ticket("T0")).map(({ ticketId }) => ticketId)).toEqual(["T0", "T1", "T2"]);
  });

  test("one that another ticket is shown beside is not taken for it", () => {
    const history = withTicket();
    history.now += settleMs;
    const shown = findings(ticket("T2", { status: "closed" }), ticket("T1"));
    expect(openTickets(history.key(), shown, service(), history.now).map((one) => one.ticketId)).toEqual([
      "T1",
    ]);
    const gone = findings(ticket("T2"), ticket("T1", { status: "closed" }));
    expect(openTickets(history.key(), gone, service(), history.now).map((one) => one.ticketId)).toEqual([
      "T2",
    ]);
  });

  test("the severity that we confirmed counts until the index has had time to show it", () => {
    const history = withTicket(new History(), "critical");
    const stale = findings(ticket("T1", { severity: "minor" }));
    expect(openTickets(history.key(), stale, service(), history.now + settleMs - 1)[0]?.severity).toBe(
      "critical",
    );
    expect(openTickets(history.key(), stale, service(), history.now + settleMs)[0]?.severity).toBe("minor");
  });
});

describe("D6: a ticket closed lately is opened again", () => {
  test.each([
    { after: 99, rule: "D6" },
    { after: 100, rule: "D8" },
    { after: 101, rule: "D8" },
  ])("D6: reopenSeconds 100, closed $after s ago: $rule", ({ after, rule }) => {
    const history = closed(after, 100);
    history.accept("n2");
    const decision = decided(history, findings(), { reopenSeconds: 100 });
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
    expect(decided(history, findings(), { reopenSeconds: 100 }, service({ name: "other" })).rule).toBe("D8");
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
    const history = new History();
    history.accept("n1");
    history.plan(createPayload, service({ idempotency: "none" }));
    const request = history.send();
    history.add(
      ...settle(history.key(), request, history.now, { result: "unknown", ticketId: null, because: "" }),
    );
    history.end("settled");
    history.accept("n2", { alarm: "a2" });
    const decision = decided(history);
    expect(decision).toMatchObject({ rule: "D8", act: "stop", outcome: "unknown" });
    expect(decision.because).toContain(request.requestId);
    expect(decided(history, findings(ticket("T5"))).rule, "a ticket that is found is used").toBe("D4");
  });
});

describe("D10 D11 D12: clears", () => {
  test("D10: while other alarms of the key are active the ticket stays open", () => {
    const history = withTicket();
    history.accept("n2", { alarm: "a2" });
    stopped(history, "D4");
    history.accept("clear", { kind: "clear", clearedAt: noon });
    expect(decided(history, findings(ticket("T1")))).toMatchObject({
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
    expect(decided(history, findings(ticket("T1")))).toMatchObject({
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
