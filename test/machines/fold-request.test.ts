/** R1: what a settled request makes of tickets and of its key, and what is remembered of it and for how long. */
import { describe, expect, test } from "vitest";
import { entry } from "../../machines/entry.ts";
import { limits } from "../../machines/limits.ts";
import { byHand, keyStream } from "../../machines/state.ts";
import type { RequestPayload, ServiceInfo } from "../../machines/vocabulary.ts";
import {
  closePayload,
  createPayload,
  History,
  KEY,
  noon,
  requestSettled,
  service,
  updatePayload,
  withTicket,
} from "./given.ts";
import { north } from "./steps.ts";

const open = { status: "acknowledged", severity: "major", openedAt: noon } as const;
const closed = { status: "closed", severity: null, openedAt: null } as const;

function settled(history: History, body: Parameters<typeof requestSettled>[1]): void {
  history.add(requestSettled(history.now, body));
}

/** A request of the key without a flow; as one by hand it is made for no alarm. */
function planned(
  history: History,
  requestId: string,
  payload: RequestPayload,
  at: ServiceInfo = service(),
): void {
  history.add(
    entry(keyStream(KEY), history.now, "request.planned", {
      requestId,
      key: KEY,
      clientId: "client-01",
      lockGuid: "by hand",
      service: at,
      payload,
      intent: "updated",
      alarms: [],
      rule: byHand,
      plannedAt: history.now,
    }),
  );
}

function close(history: History, ticketId: string, at: ServiceInfo = service()): void {
  planned(history, `close ${ticketId}`, { ...closePayload, ticketId } as RequestPayload, at);
  settled(history, { requestId: `close ${ticketId}`, ticketId, service: at.name, ticket: closed });
}

const closedOnes = (history: History): string[] => [...history.key().closed.keys()];

describe("requests of unknown fate", () => {
  function unknown(history: History, requestId: string, ticketId: string, at = service()): void {
    planned(history, requestId, { ...updatePayload, ticketId } as RequestPayload, at);
    settled(history, { requestId, ticketId, service: at.name, command: "update", result: "unknown" });
  }
  const known = (history: History): string[] => history.key().unknown.map(({ requestId }) => requestId);

  test("the one that is settled leaves, the others stay; and it is remembered with its result", () => {
    const history = withTicket();
    unknown(history, "first", "T1");
    unknown(history, "second", "T1");
    settled(history, { requestId: "second", command: "update", ticket: open });
    expect(known(history)).toEqual(["first"]);
    expect([...history.state.unknown.keys()]).toEqual(["first"]);
    expect(history.state.settledRequests.get("second")?.result).toBe("ok");
  });

  test("told once more that nobody knows, it stays", () => {
    const history = withTicket();
    unknown(history, "first", "T1");
    settled(history, { requestId: "first", command: "update", result: "unknown" });
    expect(known(history)).toEqual(["first"]);
  });

  test("a ticket that ends takes those of its own along, at its own service", () => {
    const history = withTicket();
    unknown(history, "its own", "T1");
    unknown(history, "another's", "T2");
    unknown(history, "of the same name elsewhere", "T1", north);
    close(history, "T1");
    expect(known(history)).toEqual(["another's", "of the same name elsewhere"]);
    expect([...history.state.unknown.keys()].sort()).toEqual(["another's", "of the same name elsewhere"]);
  });
});

describe("tickets", () => {
  test("a closed one is remembered until the search must know, and while it may be opened again", () => {
    for (const [reopenSeconds, seconds] of [
      [0, 30],
      [30, 30],
      [3_600, 3_600],
    ] as const) {
      const history = withTicket(new History({ reopenSeconds }));
      close(history, "T1", service({ settleSeconds: 30 }));
      expect(history.key().closed.get("T1")).toMatchObject({
        closedAt: noon,
        keepUntil: noon + seconds * 1000,
        service: "OSB",
        elements: ["NE-1"],
      });
    }
    const late = withTicket();
    settled(late, { requestId: "nobody knows it", ticket: closed });
    expect(late.key().closed.get("T1")?.keepUntil).toBe(noon + limits.serviceSettleSecondsDefault * 1000);
  });

  test("the last one closed is the last in line, also when it was closed before", () => {
    const history = withTicket();
    for (const ticketId of ["T1", "T2", "T1"]) close(history, ticketId);
    expect(closedOnes(history)).toEqual(["T2", "T1"]);
  });

  test("one of which nothing was known lies on no element that we know of", () => {
    const history = withTicket();
    settled(history, { command: "update", ticketId: "T9", ticket: open });
    expect(history.key().open.get("T9")?.elements).toEqual([]);
  });

  test("A8: an update by hand that is found done on a ticket that has ended leaves no alarm to be decided again", () => {
    const history = withTicket();
    planned(history, "r", updatePayload);
    settled(history, { command: "update", ticket: closed, again: true });
    expect(history.key()).toMatchObject({ request: null, again: 0, cover: null });
  });

  test("one that is open again is not remembered as closed", () => {
    const history = withTicket();
    close(history, "T1");
    planned(history, "reopen", updatePayload);
    settled(history, { requestId: "reopen", command: "update", ticket: { ...open, severity: null } });
    expect(closedOnes(history)).toEqual([]);
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });

  test("a confirmation that tells no severity and no age leaves what is known", () => {
    const history = withTicket();
    planned(history, "update", updatePayload);
    const told = { status: "inProgress", severity: null, openedAt: null } as const;
    settled(history, { requestId: "update", command: "update", ticket: told });
    expect(history.key().open.get("T1")).toMatchObject({
      status: "inProgress",
      severity: "major",
      openedAt: noon,
    });
  });

  test("old ones are forgotten, but for the last few, and none before its time", () => {
    const history = new History();
    history.accept("n1");
    const many = limits.closedTicketsKept + 3;
    for (let number = 1; number <= many; number += 1) close(history, `T${number}`);
    expect(closedOnes(history)).toHaveLength(many);
    history.now += 60_000; // to the millisecond: not over yet
    close(history, "A");
    expect(closedOnes(history)).toHaveLength(many + 1);
    history.now += 1;
    close(history, "B");
    expect(closedOnes(history)).toHaveLength(limits.closedTicketsKept);
    expect(closedOnes(history).slice(-2)).toEqual(["A", "B"]);
  });

  test("A8: whoever closes one by hand, under alarms that are active, wants it so; a flow's close orphans them", () => {
    const atOnce = withTicket();
    close(atOnce, "T1");
    expect(atOnce.key().cover).toBeNull();
    const foundLater = withTicket();
    planned(foundLater, "r", closePayload);
    settled(foundLater, { result: "unknown" });
    settled(foundLater, { ticket: closed });
    expect(foundLater.key().cover).toBeNull();
    const byFlow = withTicket();
    byFlow.accept("n2", { alarm: "a2", kind: "clear" });
    byFlow.plan(closePayload, service());
    settled(byFlow, { requestId: byFlow.send().requestId, ticket: closed });
    expect(byFlow.key().cover?.alarms.map(({ ref }) => ref.id)).toEqual(["raise-a1"]);
  });
});

test("G5: settled requests of services with async results are remembered for a result that comes late, so many", () => {
  const history = new History();
  history.accept("n1");
  const asynchronous = service({ asyncSeconds: 90 });
  const settle = (requestId: string): void => {
    planned(history, requestId, createPayload, asynchronous);
    settled(history, { requestId, command: "create", ticketId: null, result: "rejected" });
  };
  for (let number = 1; number <= limits.settledRequestsKept; number += 1) settle(`r${number}`);
  expect(history.state.settledRequests.size).toBe(limits.settledRequestsKept);
  expect(history.state.settledRequests.has("r1")).toBe(true);
  settle("one more");
  expect(history.state.settledRequests.size).toBe(limits.settledRequestsKept);
  expect([history.state.settledRequests.has("r1"), history.state.settledRequests.has("r2")]).toEqual([
    false,
    true,
  ]);
});

test("G5: for those of which all is known, none is forgotten that a late result may correct", () => {
  const history = new History();
  history.accept("n1");
  const asynchronous = service({ asyncSeconds: 90 });
  const settle = (requestId: string, result: "ok" | "rejected"): void => {
    planned(history, requestId, createPayload, asynchronous);
    const ticketId = result === "ok" ? `ticket of ${requestId}` : null;
    settled(history, { requestId, command: "create", ticketId, result });
  };
  settle("refused", "rejected");
  for (let number = 1; number <= limits.settledRequestsKept; number += 1) settle(`r${number}`, "ok");
  const { settledRequests } = history.state;
  expect(settledRequests.size).toBe(limits.settledRequestsKept);
  expect([settledRequests.has("refused"), settledRequests.has("r1"), settledRequests.has("r2")]).toEqual([
    true,
    false,
    true,
  ]);
});
