/** T2: which tickets of a key count as open while the search's index lags: what it shows, and what our own facts say. */
import { describe, expect, test } from "vitest";
import { openTickets, ticketToVerify, type Findings } from "../../machines/decision.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import type { Ticket } from "../../machines/vocabulary.ts";
import { body, History, noon, service, settleMs, ticket, types, withTicket } from "./given.ts";
import { closed, decided, entriesOf, findings, searched } from "./steps.ts";

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
      expect(decided(history, { findings: { tickets: [], verified: new Map([["T1", told]]) } }).rule).toBe(
        "D8",
      );
    }
    expect(
      decided(history, { findings: { tickets: [], verified: new Map([["T1", ticket("T1")]]) } }).rule,
    ).toBe("D4");
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
      const ask = nextStep(input, searched(), null, history.now);
      expect(ask).toMatchObject({ step: "search", purpose: "verify", criteria: { ticketId: "T1" } });
      const step = nextStep(input, { ...searched(), verified: new Map([["T1", told]]) }, null, history.now);
      const entries = entriesOf(step);
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

  test("T2: a ticket of another service is verified there, after the settling time of that one", () => {
    const history = withTicket();
    const north = service({ name: "NORTH", settleSeconds: 0 });
    const verify = (found: Findings) =>
      ticketToVerify(history.key(), found, north, history.now, undefined, () => service())?.ticketId ?? null;
    expect(verify(findings())).toBeNull();
    history.now += settleMs;
    expect(verify(findings())).toBe("T1");
    expect(verify({ ...findings(), unread: new Set(["T1"]) }), "it could not be read").toBeNull();
  });

  test("a ticket of a service that is gone, and one that the search shows, need no verification", () => {
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
