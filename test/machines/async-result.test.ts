import { describe, expect, test } from "vitest";
import { isClosedSince, judgeAsync } from "../../machines/async-result.ts";
import type { AnswerKind } from "../../machines/facts.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { linked, settle } from "../../machines/settlement.ts";
import type { SettledRequest } from "../../machines/state.ts";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import {
  answer,
  closePayload,
  createPayload,
  History,
  KEY,
  noon,
  service,
  settings,
  ticket,
  updatePayload,
  withTicket,
} from "./given.ts";
import { closed, unknownOf } from "./steps.ts";

const asynchronous = service({ asyncSeconds: 90 });

function sending(alarms = 1): History {
  const history = new History();
  for (let index = 1; index <= alarms; index += 1) history.accept(`n${index}`, { alarm: `a${index}` });
  history.plan(createPayload, asynchronous);
  history.send();
  return history;
}

function answered(history: History, kind: AnswerKind, code: string | null = null): History {
  history.add(...judgeAnswer(history.key(), history.request(), answer(kind, { code }), settings).entries);
  history.end("parked");
  return history;
}

function acknowledged(alarms = 1): History {
  return answered(sending(alarms), "ack");
}

interface Told {
  readonly requestId?: string;
  readonly ticketId?: string | null;
  readonly code?: string;
}

/** An async result arrives; types of the facts it makes. */
function tell(
  history: History,
  result: "OK" | "ERROR",
  { requestId, ticketId = "T1", code }: Told = {},
): string[] {
  const known = [
    ...history.state.requests.keys(),
    ...history.state.settledRequests.keys(),
    ...history.key().unknown.map((one) => one.requestId),
  ];
  const id = requestId ?? known[0] ?? "";
  const before: SettledRequest | null =
    history.state.settledRequests.get(id) ??
    history.key().unknown.find((one) => one.requestId === id) ??
    null;
  const key = known.includes(id) ? history.key() : null;
  const told = {
    requestId: id,
    result,
    ticketId: result === "OK" ? ticketId : null,
    code: code ?? null,
    cause: null,
    text: "",
  };
  const entries = judgeAsync(key, before, told, history.now, history.state.tables);
  history.add(...entries);
  return entries.map(({ fact }) => fact.type);
}

function rows(history: History): {
  readonly inserted: number;
  readonly unsettled: number;
  readonly late: number;
} {
  const client = history.state.tables.get("client-01");
  return {
    inserted: client?.inserted ?? 0,
    unsettled: Object.keys(client?.unsettled ?? {}).length,
    late: history.state.tables.get("gateway")?.inserted ?? 0,
  };
}

describe("G5: async results", () => {
  test("G5: nothing is settled at the ACK; the OK settles the request and its alarms", () => {
    const history = acknowledged(2);
    expect(history.outcomes()).toEqual({});
    expect(history.key().parked).toMatchObject({ reason: "async", until: noon + 90_000 });
    expect(rows(history)).toEqual({ inserted: 1, unsettled: 1, late: 0 });
    tell(history, "OK");
    expect(history.outcomes()).toEqual({ n1: "created", n2: "coalesced" });
    expect([...history.key().open.keys()]).toEqual(["T1"]);
    expect(history.key().parked).toBeNull();
    expect(rows(history)).toEqual({ inserted: 1, unsettled: 0, late: 0 });
  });

  test.each(["OK", "ERROR"] as const)(
    "G5: %s for a request that was settled before says nothing of the one that is there now",
    (result) => {
      const history = acknowledged();
      const { requestId } = history.request();
      tell(history, "OK");
      history.accept("n2", { kind: "change", severity: "critical" });
      history.plan(updatePayload, asynchronous);
      history.send();
      answered(history, "ack");
      const now = structuredClone(history.request());
      expect(tell(history, result, { requestId })).toEqual(["request.async", "response.row"]);
      expect(history.request()).toEqual(now);
      expect(history.outcomes()).toEqual({ n1: "created" });
      expect(rows(history).late).toBe(1);
    },
  );

  test("G5: OK before the ACK settles with the ACK", () => {
    const history = sending();
    expect(tell(history, "OK")).toEqual(["request.async", "response.row"]);
    expect(history.outcomes()).toEqual({});
    answered(history, "ack");
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });

  test("G5: OK before an answer that never comes settles too", () => {
    const history = sending();
    tell(history, "OK");
    answered(history, "inDoubt", "TIMEOUT");
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect(rows(history).unsettled).toBe(0);
  });

  test("G5: ERROR before the ACK contradicts it: in doubt", () => {
    const history = sending();
    tell(history, "ERROR");
    answered(history, "ack");
    expect(history.outcomes()).toEqual({});
    expect(history.request().status).toBe("inDoubt");
    expect(history.key().parked?.reason).toBe("inDoubt");
  });

  test.each([
    ["unreachable", "UNREACHABLE"],
    ["refused", "UNAVAILABLE"],
    ["failed", "BAD_CONFIGURATION"],
    ["inDoubt", "TIMEOUT"],
    ["ack", null],
  ] as const)("T1 G5: OK and then ERROR before the answer %s: what was done once is done", (kind, code) => {
    const history = sending();
    tell(history, "OK");
    tell(history, "ERROR");
    answered(history, kind, code);
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect([...history.key().open.keys()]).toEqual(["T1"]);
    expect(history.state.requests.size).toBe(0);
  });

  test.each(["OK", "ERROR"] as const)(
    "T1 G5: %s while an OK and a NACK are in doubt is a row and no second create",
    (result) => {
      const history = sending();
      tell(history, "OK");
      answered(history, "nack", "NACK");
      expect(tell(history, result)).toEqual(["request.async", "response.row"]);
      expect(history.key().parked?.reason).toBe("inDoubt");
      expect(history.request().asyncResult).toMatchObject({ result: "OK", ticketId: "T1" });
    },
  );

  test.each([
    ["close", closePayload, "ok"],
    ["update", updatePayload, "notApplied"],
  ] as [string, RequestPayload, string][])(
    "A8: an ERROR that says the ticket is closed already: a %s of it is done as asked, or decided again",
    (_command, payload, result) => {
      const history = withTicket();
      history.accept("n1", payload.command === "close" ? { kind: "clear" } : { kind: "change" });
      history.plan(payload, asynchronous);
      history.send();
      answered(history, "ack");
      tell(history, "ERROR", { code: "ALREADY_CLOSED" });
      expect(history.facts.findLast(({ type }) => type === "request.settled")?.body).toMatchObject({
        result,
      });
    },
  );

  test("G5: ERROR after one attempt: the alarms are decided once more, and fail the second time", () => {
    const history = acknowledged();
    tell(history, "ERROR");
    expect(history.outcomes()).toEqual({});
    expect(history.key().request).toBeNull();
    expect(history.key().waiting.map(({ ref }) => ref.id)).toEqual(["n1"]);
    history.plan(createPayload, asynchronous);
    history.send();
    answered(history, "ack");
    const { requestId } = history.request();
    tell(history, "ERROR", { requestId });
    expect(history.outcomes()).toEqual({ n1: "failed" });
  });

  test("G5: ERROR after several attempts may be of any of them: in doubt", () => {
    const history = answered(sending(), "inDoubt", "TIMEOUT");
    history.start();
    history.send();
    answered(history, "ack");
    tell(history, "ERROR");
    expect(history.outcomes()).toEqual({});
    expect(history.request().status).toBe("inDoubt");
    expect(history.key().parked?.reason).toBe("inDoubt");
  });

  test("G5: OK while the request is in doubt settles it", () => {
    const history = answered(sending(), "inDoubt", "TIMEOUT");
    tell(history, "OK");
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect(rows(history)).toEqual({ inserted: 1, unsettled: 0, late: 0 });
  });

  test("G5: the same OK twice: the second is a row and nothing else", () => {
    const history = acknowledged();
    tell(history, "OK");
    expect(tell(history, "OK")).toEqual(["request.async", "response.row"]);
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect(rows(history).late).toBe(1);
  });

  test("G5: ERROR after OK changes no outcome, and is a row", () => {
    const history = acknowledged();
    tell(history, "OK");
    expect(tell(history, "ERROR")).toEqual(["request.async", "response.row"]);
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect(rows(history).late).toBe(1);
  });

  test("G5: a result for a request nobody knows is a row of the gateway", () => {
    const history = acknowledged();
    expect(tell(history, "OK", { requestId: "stranger" })).toEqual(["request.async", "response.row"]);
    expect(rows(history).late).toBe(1);
    expect(history.outcomes()).toEqual({});
  });

  test.each(["failed", "unknown", "rejected"] as const)(
    "A2 G5: OK after the alarms were settled as %s replaces the outcome, and names it",
    (result) => {
      const history = acknowledged(2);
      history.add(...settle(history.key(), history.request(), noon, { result, ticketId: null, because: "" }));
      expect(history.outcomes()).toEqual({ n1: result, n2: "coalesced" });
      const settledAt = history.facts.findLast(
        (fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "n1",
      );
      tell(history, "OK");
      expect(history.outcomes()).toEqual({ n1: "created", n2: "coalesced" });
      const replaced = history.facts.findLast(
        (fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "n1",
      );
      expect(replaced?.body).toMatchObject({
        supersedes: { position: settledAt?.position, outcome: result },
      });
      expect([...history.key().open.keys()]).toEqual(["T1"]);
      expect(history.key().unknown).toEqual([]);
      expect(history.state.counters).toMatchObject({
        accepted: 2,
        settled: 2,
        outcomes: { created: 1, [result]: 0 },
      });
    },
  );

  test("G5: ERROR after the outcome `unknown` changes nothing", () => {
    const history = acknowledged();
    history.add(
      ...settle(history.key(), history.request(), noon, { result: "unknown", ticketId: null, because: "" }),
    );
    expect(tell(history, "ERROR")).toEqual(["request.async", "response.row"]);
    expect(history.outcomes()).toEqual({ n1: "unknown" });
    expect(history.key(KEY).unknown).toHaveLength(1);
  });

  test("A2: a late OK of a create whose key had adopted another ticket meanwhile is about its own", () => {
    const history = acknowledged();
    const how = { result: "notApplied", ticketId: "T1", because: "", outcome: "adopted" } as const;
    history.add(
      ...settle(history.key(), history.request(), noon, how),
      linked(history.key(), "OSB", ticket("T1"), noon),
    );
    tell(history, "OK", { ticketId: "T2" });
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect([...history.key().open.keys()]).toEqual(["T1", "T2"]);
  });
});

describe("A8: whether the ticket of a request was closed since", () => {
  const reopened = { intent: "reopened" } as const;

  /** Each outcome of the request came so many facts after the close, or before it. */
  test.each([
    ["an update, whenever it got its outcome", {}, [1], true],
    ["a reopening that got its outcomes before", reopened, [-2, -1], true],
    ["a reopening that got its outcomes after", reopened, [1, 2], false],
    ["a reopening of which one came after", reopened, [-1, 1], false],
    ["a close: it closes, whoever else has", { command: "close" }, [-1], false],
    ["a ticket of that name at another service", { service: "NORTH" }, [-1], false],
  ] as [string, Partial<SettledRequest>, number[], boolean][])("%s", (_what, change, after, expected) => {
    const key = closed(1).key();
    const at = key.closed.get("T1")?.position ?? 0;
    const [update] = unknownOf(updatePayload).key().unknown;
    if (update === undefined) throw new Error("Nothing is unknown.");
    const outcomes = after.map((facts) => ({
      ref: { source: "urn:test", id: "n1", position: 1 },
      position: at + facts,
      outcome: "updated" as const,
    }));
    expect(isClosedSince(key, { ...update, ...change, outcomes }, "T1")).toBe(expected);
  });
});
