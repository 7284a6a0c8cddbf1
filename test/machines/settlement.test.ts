/** How a request comes to rest: whose row is changed, how long a doubt rests, what its alarms are told. */
import { describe, expect, test } from "vitest";
import { entry } from "../../machines/entry.ts";
import { limits } from "../../machines/limits.ts";
import { doubtDelay, row, senderOf, settle } from "../../machines/settlement.ts";
import { keyStream, type RequestState } from "../../machines/state.ts";
import { body, createPayload, History, KEY, noon, service, updatePayload, withTicket } from "./given.ts";
import { answered } from "./steps.ts";

function planned(promise: Parameters<typeof service>[0] = {}, alarms = 1): History {
  const history = new History();
  for (let index = 1; index <= alarms; index += 1) history.accept(`n${index}`, { alarm: `a${index}` });
  history.plan(createPayload, service(promise));
  return history;
}

describe("G6: the row of an attempt", () => {
  test("is in the table of who sent it, and of who planned the request where nobody did", () => {
    const history = planned();
    history.send();
    answered(history, "inDoubt", "TIMEOUT");
    const { requestId, lockGuid } = history.request();
    history.add(
      entry(keyStream(KEY), noon, "request.sending", {
        requestId,
        key: KEY,
        clientId: "client-02",
        lockGuid,
        attempt: 2,
      }),
    );
    expect([0, 1, 2, 3].map((attempt) => senderOf(history.request(), attempt))).toEqual([
      "client-01",
      "client-01",
      "client-02",
      "client-01",
    ]);
    expect(row(history.key(), history.request(), 2, noon, { status: "error" }).fact.body).toMatchObject({
      row: { attempt: 2, clientId: "client-02", status: "error" },
    });
  });
});

describe("how long a doubt rests", () => {
  const settleMs = service().settleSeconds * 1000;
  const told = (
    result: "OK" | "ERROR",
    ticketId: string | null = null,
  ): NonNullable<RequestState["asyncResult"]> => ({ result, ticketId, code: null, cause: null });

  test.each<[string, Partial<RequestState>, number]>([
    ["no result: the first wait between attempts", {}, limits.retryDelayMs],
    ["OK without its ticket: as long as the index may lag", { asyncResult: told("OK") }, settleMs],
    ["OK, and the ACK had named it", { asyncResult: told("OK"), named: "T1" }, limits.retryDelayMs],
    ["OK with its ticket", { asyncResult: told("OK", "T1") }, limits.retryDelayMs],
    ["ERROR", { asyncResult: told("ERROR") }, limits.retryDelayMs],
    ["attempts used up", { spent: limits.attemptsMax }, settleMs],
  ])("with `requestId`, %s", (_what, change, ms) => {
    const history = planned({ idempotency: "requestId" });
    history.send();
    expect(doubtDelay({ ...history.request(), ...change })).toBe(ms);
  });

  test("OK of an update needs no ticket to be named", () => {
    const history = withTicket();
    history.accept("n2", { kind: "change", severity: "critical" });
    history.plan(updatePayload, service({ idempotency: "requestId" }));
    history.send();
    expect(doubtDelay({ ...history.request(), asyncResult: told("OK") })).toBe(limits.retryDelayMs);
  });
});

describe("what alarms are told", () => {
  test("the first has the outcome, the others name it", () => {
    const history = planned({}, 2);
    const how = { result: "rejected", ticketId: null, because: "not with us" } as const;
    const told = settle(history.key(), history.request(), noon, how).flatMap(({ fact }) =>
      fact.type === "alarm.settled" ? [[fact.body.alarm.id, fact.body.outcome, fact.body.because]] : [],
    );
    expect(told).toEqual([
      ["n1", "rejected", "not with us"],
      ["n2", "coalesced", "Folded into one flow, which ended as rejected: not with us"],
    ]);
  });

  test("proven not applied, and not to be decided again: failed", () => {
    const history = planned();
    const how = { result: "notApplied", ticketId: null, because: "gone" } as const;
    const entries = settle(history.key(), history.request(), noon, how);
    expect(body(entries, "alarm.settled").outcome).toBe("failed");
  });
});
