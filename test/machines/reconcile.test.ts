/** What a search says about what was believed before: only what it shows, of the ticket and the service that was asked. */
import { describe, expect, test } from "vitest";
import type { Entry } from "../../machines/entry.ts";
import { noFindings } from "../../machines/flow-input.ts";
import { corrections, ownOnly, reconcile } from "../../machines/reconcile.ts";
import { linked } from "../../machines/settlement.ts";
import { byHand } from "../../machines/state.ts";
import type { RequestPayload, Ticket } from "../../machines/vocabulary.ts";
import { body, closePayload, History, service, ticket, types, updatePayload, withTicket } from "./given.ts";
import { done, north, send, unknownCreate, unknownOf } from "./steps.ts";

const closed = ticket("T1", { status: "closed" });
const { severity: _unsaid, ...unsaid } = ticket("T1");
const reopen: RequestPayload = { command: "update", ticketId: "T1", status: "inProgress", alarmRefs: [] };

function corrected(history: History, tickets: readonly Ticket[], at = service()): Entry[] {
  history.accept("next but one", { alarm: "a2" });
  const input = history.start("NE-1", { service: at });
  return corrections(input, noFindings, { tickets, verified: new Map() }, history.now);
}

describe("requests of unknown fate", () => {
  test.each([
    ["an update whose ticket is as severe", updatePayload, [ticket("T1", { severity: "critical" })]],
    [
      "an update whose ticket comes after another one",
      updatePayload,
      [ticket("T2"), ticket("T1", { severity: "critical" })],
    ],
    ["a reopening whose ticket is open", reopen, [ticket("T1", { status: "inProgress" })]],
    ["a close whose ticket is closed", closePayload, [closed]],
  ] as [string, RequestPayload, Ticket[]][])("are done: %s", (_what, payload, tickets) => {
    const entries = corrected(unknownOf(payload), tickets);
    expect(body(entries, "request.settled")).toMatchObject({
      result: "ok",
      ticketId: "T1",
      because: "Ticket T1 was found as the request had asked.",
    });
  });

  test.each([
    ["an update whose ticket is less severe", updatePayload, [ticket("T1")]],
    ["an update whose ticket tells no severity", updatePayload, [unsaid]],
    [
      "an update whose ticket is closed by now",
      updatePayload,
      [ticket("T1", { status: "closed", severity: "critical" })],
    ],
    [
      "an update where another ticket is as severe",
      updatePayload,
      [ticket("T2", { severity: "critical" }), ticket("T1")],
    ],
    ["a reopening whose ticket is closed", reopen, [closed]],
    ["a close whose ticket is open", closePayload, [ticket("T1")]],
    ["an update whose ticket is not shown", updatePayload, []],
    ["a close whose ticket is not shown", closePayload, [ticket("T2", { status: "closed" })]],
  ] as [string, RequestPayload, Ticket[]][])("stay so: %s", (_what, payload, tickets) => {
    expect(corrected(unknownOf(payload), tickets)).toEqual([]);
  });

  test("stay so where another service is asked, whose tickets may bear the same names", () => {
    expect(corrected(unknownOf(closePayload), [closed], north)).toEqual([]);
  });

  test("stay so where the ticket of that name that was read is another service's", () => {
    const history = unknownOf(closePayload);
    history.add(linked(history.key(), north.name, ticket("T1"), history.now));
    history.accept("next but one", { alarm: "a2" });
    const read = { tickets: [], verified: new Map([["T1", closed]]) };
    expect(corrections(history.start(), noFindings, read, history.now)).toEqual([]);
  });

  test("stay so: a create that nobody has looked up", () => {
    expect(corrected(unknownCreate(), [ticket("T1")])).toEqual([]);
  });

  test("a create that is found has the ticket as the search shows it, be it one that was closed since", () => {
    const history = unknownCreate();
    const [requestId = ""] = history.state.unknown.keys();
    history.add(linked(history.key(), "OSB", ticket("T1"), history.now));
    history.accept("clear", { kind: "clear" });
    send(history, closePayload, service());
    done(history);
    history.accept("next", { alarm: "a2" });
    const found = {
      ...noFindings,
      unknown: new Map([[requestId, [ticket("T1", { status: "inProgress" })]]]),
    };
    const entries = corrections(history.start(), found, { tickets: [], verified: new Map() }, history.now);
    expect(body(entries, "request.settled").ticket).toMatchObject({ status: "inProgress" });
  });

  test.each([
    ["of an alarm's create: of its kind, with its key's reference or none", "D8", ["T1", "T2"]],
    ["of a create by hand: of its kind, with any reference", byHand, ["T1", "T2", "T3"]],
  ])("the tickets %s", (_whose, rule, own) => {
    const [create] = unknownCreate().key().unknown;
    if (create === undefined) throw new Error("Nothing is unknown.");
    const key = { ...unknownCreate().key(), unknown: [{ ...create, rule }] };
    const { clientReference: _none, ...unnamed } = ticket("T2");
    const elsewhere = { clientReference: "elsewhere" };
    const shown = [ticket("T1"), unnamed, ticket("T3", elsewhere), ticket("T4", { kind: "PLM" })];
    const kept = ownOnly(key, new Map([[create.requestId, shown]])).get(create.requestId);
    expect(kept?.map(({ ticketId }) => ticketId)).toEqual(own);
  });
});

describe("T2: a linked ticket that is not open any more", () => {
  function reconciled(history: History, verified: Ticket | null, at = service()): Entry[] {
    history.now += 3_600_000;
    history.accept("next but one", { alarm: "a2" });
    const input = history.start("NE-1", { service: at });
    return reconcile(input, { tickets: [], verified: new Map([["T1", verified]]) }, history.now);
  }

  test.each([
    ["closed by somebody: its claim was kept", closed, { status: "closed", claimKept: true }],
    ["gone: its claim was not kept", null, { status: null, claimKept: false }],
  ])("%s", (_what, verified, told) => {
    expect(body(reconciled(withTicket(), verified), "ticket.lost")).toMatchObject({
      ticketId: "T1",
      ...told,
    });
  });

  test("is lost at the service where it lives, and by its promise, whichever is selected", () => {
    const selected = service({ name: "NORTH", idempotency: "none" });
    expect(body(reconciled(withTicket(), null, selected), "ticket.lost")).toMatchObject({
      ticketId: "T1",
      idempotency: service().idempotency,
    });
  });

  test("is lost by the promise of the selected service as the flow knows it", () => {
    const selected = service({ idempotency: "none" });
    expect(body(reconciled(withTicket(), null, selected), "ticket.lost").idempotency).toBe("none");
  });

  test("is lost when the selected service's own list shows it closed: its claim was kept", () => {
    const history = withTicket();
    history.now += 3_600_000;
    history.accept("next but one", { alarm: "a2" });
    const shown = { tickets: [closed], verified: new Map() };
    const [lost, ...more] = reconcile(history.start(), shown, history.now);
    expect(more).toEqual([]);
    expect(lost?.fact).toMatchObject({ type: "ticket.lost", body: { status: "closed", claimKept: true } });
  });

  test("is not lost when it lives at another service than the one that was asked", () => {
    const history = withTicket();
    history.now += 3_600_000;
    history.accept("next but one", { alarm: "a2" });
    const shown = { tickets: [closed], verified: new Map() };
    expect(reconcile(history.start("NE-1", { service: north }), shown, history.now)).toEqual([]);
  });

  test("is closed by our own close of unknown fate, at another service than the selected one", () => {
    const history = unknownOf(closePayload);
    history.accept("next but one", { alarm: "a2" });
    const input = history.start("NE-1", { service: north });
    const read = { tickets: [], verified: new Map([["T1", closed]]) };
    expect(body(corrections(input, noFindings, read, history.now), "request.settled")).toMatchObject({
      result: "ok",
      ticketId: "T1",
      service: "OSB",
    });
  });

  test("is not lost when our own close of unknown fate has closed it", () => {
    expect(reconciled(unknownOf(closePayload), closed)).toEqual([]);
  });

  test.each([
    ["an update of it is of unknown fate, and no update closes", unknownOf(updatePayload), closed],
    ["our close is of unknown fate, and the ticket is not there at all", unknownOf(closePayload), null],
  ])("is lost though %s", (_what, history, verified) => {
    expect(types(reconciled(history, verified))).toEqual(["ticket.lost"]);
  });

  test("is lost though our close of another ticket is of unknown fate", () => {
    const history = unknownOf({ ...closePayload, ticketId: "T2" } as RequestPayload);
    expect(types(reconciled(history, closed))).toEqual(["ticket.lost"]);
  });
});
