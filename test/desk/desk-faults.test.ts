/** Each fault of the desk: what its sender sees, and what is true (laws.md, "Faults to survive"). */
import { describe, expect, test } from "vitest";
import type { FaultRule } from "../../adapters/desk/fault-script.ts";
import { createPayload, searchCall, sendCall } from "../service/calls.ts";
import { cleanUpAfterEach, startReceiver, startRig, until } from "./desk-rig.ts";

cleanUpAfterEach();

const once = (rule: Omit<FaultRule, "match">, match: FaultRule["match"] = { command: "create" }) => ({
  faults: [{ match, times: 1, ...rule }],
});

describe("without effect", () => {
  test.each([
    ["refuse", { kind: "refused", code: "UNAVAILABLE", retryAfterMs: 3_000 }],
    ["nack", { kind: "nack", code: "BUSY" }],
    ["reset-before", { kind: "inDoubt", code: "RESET" }],
  ] as const)("%s: nothing is made, and the repeat makes one", async (fault, seen) => {
    const { desk, service, row } = await startRig(once({ fault, seconds: 3 }));
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject(seen);
    expect(desk.truth()).toMatchObject({ requests: 1, creates: 0, tickets: 0 });
    expect(await service.send(call)).toMatchObject({ kind: "ack" });
    expect(desk.truth()).toMatchObject({ requests: 2, creates: 1, tickets: 1 });
  });

  test("nack with a code of the script", async () => {
    const { service, row } = await startRig(once({ fault: "nack", code: "NOT_OWNER" }));
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "nack", code: "NOT_OWNER" });
  });
});

describe("requestId: a repeat gets the first answer, whatever the script says of it", () => {
  const match = { command: "create" } as const;

  test.each([
    { match, fault: "nack", code: "INVALID", every: 2 },
    { match, fault: "async-error", every: 2 },
  ] as const)("$fault after a create whose answer was lost", async (fault) => {
    const receiver = await startReceiver();
    const faults = [{ match, fault: "reset-after", times: 1 }, fault] as const;
    const { desk, service, row } = await startRig({ faults }, receiver.url);
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject({ kind: "inDoubt", code: "RESET" });
    expect(await service.send(call)).toMatchObject({ kind: "ack", ticketId: "TCK-000001" });
    expect(desk.faults()).toEqual({ "reset-after": 1 });
    expect(desk.truth()).toMatchObject({ requests: 2, creates: 1, tickets: 1 });
  });

  test("nack for good: so is the repeat", async () => {
    const { desk, service, row } = await startRig(once({ fault: "nack", code: "INVALID" }));
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject({ kind: "nack", code: "INVALID" });
    expect(await service.send(call)).toMatchObject({ kind: "nack", code: "INVALID" });
    expect(desk.truth()).toMatchObject({ requests: 2, creates: 0 });
  });
});

describe("with effect, and the sender does not know", () => {
  test.each([
    ["reset-after", "RESET"],
    ["echo", "UNREADABLE"],
    ["html", "UNREADABLE"],
    ["truncate", "UNREADABLE"],
  ] as const)("%s: in doubt %s, one ticket, found by its request id", async (fault, code) => {
    const { desk, service, row } = await startRig(once({ fault }));
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject({ kind: "inDoubt", code });
    expect(desk.truth()).toMatchObject({ requests: 1, creates: 1, tickets: 1 });
    const found = await service.search(searchCall(row, { requestedBy: call.request.requestId }));
    expect(found).toMatchObject({ kind: "found", tickets: [{ clientReference: "key-1" }] });
  });

  test("silent: it never answers; the sender's deadline ends it", async () => {
    const { clock, desk, service, row } = await startRig(once({ fault: "silent" }));
    const sent = service.send(sendCall(row));
    await until(() => desk.truth().creates === 1);
    clock.advance(30_000);
    expect(await sent).toMatchObject({ kind: "inDoubt", code: "TIMEOUT" });
  });

  test("slow: it answers after its seconds", async () => {
    const { clock, desk, service, row } = await startRig(once({ fault: "slow", seconds: 7 }));
    const sent = service.send(sendCall(row));
    await until(() => desk.truth().creates === 1);
    clock.advance(7_000);
    expect(await sent).toMatchObject({ kind: "ack", ticketId: "TCK-000001" });
  });
});

describe("T1: apply-late, by what the desk promises", () => {
  test("settles: within settleSeconds it takes effect", async () => {
    const { clock, desk, service, row } = await startRig({
      idempotency: "settles",
      settleSeconds: 5,
      ...once({ fault: "apply-late", seconds: 5 }),
    });
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "inDoubt", code: "RESET" });
    clock.advance(4_999);
    expect(desk.truth().creates).toBe(0);
    clock.advance(1);
    expect(desk.truth()).toMatchObject({ requests: 1, creates: 1 });
  });

  test("its async result comes as for any other, once, also where a repeat asks again", async () => {
    const receiver = await startReceiver();
    const { clock, desk, service, row } = await startRig(
      { asyncSeconds: 2, ...once({ fault: "apply-late", seconds: 5 }) },
      receiver.url,
    );
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject({ kind: "inDoubt", code: "RESET" });
    clock.advance(5_000);
    expect(await service.send(call)).toMatchObject({ kind: "ack", ticketId: null });
    clock.advance(1_000);
    expect(await receiver.received(1)).toMatchObject({ result: "OK", ticketId: "TCK-000001" });
    await until(() => clock.pending() === 0);
    expect(receiver.results).toHaveLength(1);
    expect(desk.truth()).toMatchObject({ requests: 2, creates: 1 });
  });

  test("requestId: where a repeat overtook it, that one's result is the only one", async () => {
    const receiver = await startReceiver();
    const { clock, service, row } = await startRig(
      { asyncSeconds: 2, ...once({ fault: "apply-late", seconds: 5 }) },
      receiver.url,
    );
    const call = sendCall(row);
    await service.send(call);
    expect(await service.send(call)).toMatchObject({ kind: "ack", ticketId: null });
    clock.advance(1_000);
    await receiver.received(1);
    await until(() => clock.pending() === 1); // the desk knows that it was taken; what is late still waits
    clock.advance(4_000);
    clock.advance(1_000);
    await until(() => clock.pending() === 0);
    expect(receiver.results).toHaveLength(1);
  });

  test("settles: later than that it never does", async () => {
    const { clock, desk, service, row } = await startRig({
      idempotency: "settles",
      settleSeconds: 5,
      ...once({ fault: "apply-late", seconds: 6 }),
    });
    await service.send(sendCall(row));
    clock.advance(3_600_000);
    expect(desk.truth()).toMatchObject({ requests: 1, creates: 0 });
  });

  test("requestId: a repeat that overtakes the late one is the only one", async () => {
    const { clock, desk, service, row } = await startRig(once({ fault: "apply-late", seconds: 90 }));
    const call = sendCall(row);
    await service.send(call);
    expect(await service.send(call)).toMatchObject({ kind: "ack" });
    clock.advance(90_000);
    expect(desk.truth()).toMatchObject({ requests: 2, creates: 1, duplicateOpen: 0 });
  });

  test("none: it comes whenever it comes, and a resend is a duplicate", async () => {
    const { clock, desk, service, row } = await startRig({
      idempotency: "none",
      ...once({ fault: "apply-late", seconds: 3_600 }),
    });
    const call = sendCall(row);
    await service.send(call);
    await service.send(call);
    clock.advance(3_600_000);
    expect(desk.truth()).toMatchObject({ requests: 2, creates: 2, duplicateOpen: 1 });
  });
});

describe("search-lag: the index knows later", () => {
  test("it lags beside another fault: reset after the effect, and the search by request id misses the ticket", async () => {
    const match = { command: "create" } as const;
    const { clock, desk, service, row } = await startRig({
      faults: [
        { match, fault: "reset-after", times: 1 },
        { match: {}, fault: "search-lag", seconds: 10 },
      ],
    });
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject({ kind: "inDoubt", code: "RESET" });
    const criteria = { requestedBy: call.request.requestId };
    expect(await service.search(searchCall(row, criteria))).toMatchObject({ kind: "found", tickets: [] });
    clock.advance(10_000);
    expect(await service.search(searchCall(row, criteria))).toMatchObject({ tickets: [{}] });
    // Searches have no index to lag in: only the create is counted.
    expect(desk.faults()).toEqual({ "reset-after": 1, "search-lag": 1 });
    expect(await (await fetch(new URL("/faults", desk.url))).json()).toEqual(desk.faults());
  });

  test("a new ticket is there, and no search finds it, by key or request, until its seconds are over", async () => {
    const { clock, desk, service, row } = await startRig(once({ fault: "search-lag", seconds: 10 }));
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject({ kind: "ack", ticketId: "TCK-000001" });
    expect(desk.truth().tickets).toBe(1);
    const criteria = [
      { clientReference: "key-1" },
      { requestedBy: call.request.requestId },
      { ticketId: "TCK-000001" },
    ];
    for (const each of criteria) {
      expect(await service.search(searchCall(row, each))).toMatchObject({ kind: "found", tickets: [] });
    }
    clock.advance(10_000);
    for (const each of criteria) {
      expect(await service.search(searchCall(row, each))).toMatchObject({
        tickets: [{ ticketId: "TCK-000001" }],
      });
    }
  });

  test("a changed ticket is still found as it was; others are not disturbed", async () => {
    const { clock, service, row } = await startRig(
      once({ fault: "search-lag", seconds: 10 }, { command: "close" }),
    );
    const first = sendCall(row);
    await service.send(first);
    await service.send(sendCall(row, createPayload({ clientReference: "key-2" })));
    const close = sendCall(row, {
      command: "close",
      ticketId: "TCK-000001",
      endAt: 0,
      closeCode: "cleared",
      alarmRefs: [],
    });
    expect(await service.send(close)).toMatchObject({ kind: "ack" });
    const find = async (criteria: Parameters<typeof searchCall>[1]) => {
      const answer = await service.search(searchCall(row, criteria));
      return answer.kind === "found" ? answer.tickets.map((t) => `${t.ticketId} ${t.status}`) : answer.code;
    };
    expect(await find({ status: ["acknowledged"] })).toEqual([
      "TCK-000001 acknowledged",
      "TCK-000002 acknowledged",
    ]);
    expect(await find({ status: ["closed"] })).toEqual([]);
    expect(await find({ requestedBy: first.request.requestId })).toEqual(["TCK-000001 acknowledged"]);
    expect(await find({ requestedBy: close.request.requestId })).toEqual([]);
    clock.advance(10_000);
    expect(await find({ status: ["closed"] })).toEqual(["TCK-000001 closed"]);
    expect(await find({ requestedBy: close.request.requestId })).toEqual(["TCK-000001 closed"]);
  });
});

describe("searches fail, too", () => {
  test.each([
    ["refuse", "UNAVAILABLE"],
    ["nack", "FAULT"],
    ["reset-before", "RESET"],
    ["apply-late", "RESET"],
    ["echo", "UNREADABLE"],
    ["html", "UNREADABLE"],
    ["truncate", "UNREADABLE"],
  ] as const)("%s → %s", async (fault, code) => {
    const { desk, service, row } = await startRig({
      faults: [{ match: { command: "search", key: "key-1" }, fault }],
    });
    expect(await service.search(searchCall(row))).toMatchObject({ kind: "error", code, permanent: false });
    expect(await service.search(searchCall(row, { clientReference: "key-2" }))).toMatchObject({
      kind: "found",
    });
    expect(desk.truth().requests).toBe(0);
  });
});

describe("G5: async results", () => {
  test("a create's ACK has no ticket id; its result brings it, matched by RelatesTo; an update's too", async () => {
    const receiver = await startReceiver();
    const { clock, service, row } = await startRig({ asyncSeconds: 4 }, receiver.url);
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject({ kind: "ack", ticketId: null });
    clock.advance(1_999);
    expect(receiver.results).toEqual([]);
    clock.advance(1);
    expect(await receiver.received(1)).toMatchObject({
      requestId: call.request.requestId,
      result: "OK",
      ticketId: "TCK-000001",
    });
    const update = sendCall(row, {
      command: "update",
      ticketId: "TCK-000001",
      severity: "minor",
      alarmRefs: [],
    });
    expect(await service.send(update)).toMatchObject({ kind: "ack", ticketId: "TCK-000001" });
    clock.advance(2_000);
    expect(await receiver.received(2)).toMatchObject({ requestId: update.request.requestId, result: "OK" });
  });

  test("a result is repeated, after 1, 2, 4 s, until a 2xx, and then no more", async () => {
    const receiver = await startReceiver([500, 404]);
    const { clock, desk, service, row } = await startRig({ asyncSeconds: 2 }, receiver.url);
    await service.send(sendCall(row));
    clock.advance(1_000);
    await receiver.received(1);
    await until(() => clock.nextInMs() === 1_000);
    clock.advance(999);
    expect(receiver.results).toHaveLength(1);
    clock.advance(1);
    await receiver.received(2);
    await until(() => clock.nextInMs() === 2_000);
    clock.advance(2_000);
    await receiver.received(3);
    await until(() => clock.pending() === 0);
    expect(receiver.results.map((result) => result.ticketId)).toEqual(Array(3).fill("TCK-000001"));
    expect(desk.truth().creates).toBe(1);
  });

  test("async-early: the result is there before the ACK", async () => {
    const receiver = await startReceiver();
    const { service, row } = await startRig(once({ fault: "async-early" }), receiver.url);
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "ack", ticketId: null });
    expect(receiver.results).toMatchObject([{ result: "OK", ticketId: "TCK-000001" }]);
  });

  test("async-twice: the same result two times", async () => {
    const receiver = await startReceiver();
    const { clock, service, row } = await startRig(once({ fault: "async-twice" }), receiver.url);
    await service.send(sendCall(row));
    clock.advance(1_000);
    await receiver.received(2);
    expect(receiver.results[0]).toMatchObject({ result: "OK", ticketId: "TCK-000001" });
    expect(receiver.results[1]).toEqual(receiver.results[0]);
  });

  test("async-never: made, and never told", async () => {
    const receiver = await startReceiver();
    const { clock, desk, service, row } = await startRig(
      { asyncSeconds: 2, ...once({ fault: "async-never" }) },
      receiver.url,
    );
    await service.send(sendCall(row));
    expect(clock.pending()).toBe(0);
    expect(desk.truth().creates).toBe(1);
    expect(receiver.results).toEqual([]);
  });

  test("async-late: after its seconds", async () => {
    const receiver = await startReceiver();
    const { clock, service, row } = await startRig(
      { asyncSeconds: 2, ...once({ fault: "async-late", seconds: 100 }) },
      receiver.url,
    );
    await service.send(sendCall(row));
    clock.advance(99_999);
    expect(receiver.results).toEqual([]);
    clock.advance(1);
    expect(await receiver.received(1)).toMatchObject({ ticketId: "TCK-000001" });
  });

  test("async-error: acknowledged, then ERROR, and nothing is made", async () => {
    const receiver = await startReceiver();
    const { clock, desk, service, row } = await startRig(
      { asyncSeconds: 2, ...once({ fault: "async-error" }) },
      receiver.url,
    );
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "ack", ticketId: null });
    clock.advance(1_000);
    expect(await receiver.received(1)).toMatchObject({ result: "ERROR", ticketId: null, code: "FAILED" });
    expect(desk.truth()).toMatchObject({ requests: 1, creates: 0, tickets: 0 });
  });

  test("a repeated request gets its first ACK and no second result", async () => {
    const receiver = await startReceiver();
    const { clock, desk, service, row } = await startRig({ asyncSeconds: 2 }, receiver.url);
    const call = sendCall(row);
    await service.send(call);
    expect(await service.send(call)).toMatchObject({ kind: "ack", ticketId: null });
    clock.advance(1_000);
    await receiver.received(1);
    await until(() => clock.pending() === 0);
    expect(receiver.results).toHaveLength(1);
    expect(desk.truth()).toMatchObject({ requests: 2, creates: 1 });
  });
});
