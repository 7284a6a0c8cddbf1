import { describe, expect, test } from "vitest";
import type { AnswerKind } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import { stepInDoubt, type DoubtFindings, type DoubtStep } from "../../machines/doubt.ts";
import { judgeAnswer, type Answer } from "../../machines/request.ts";
import type { RequestPayload, ServiceInfo, Ticket } from "../../machines/vocabulary.ts";
import {
  answer,
  body,
  closePayload,
  createPayload,
  History,
  KEY,
  service,
  settings,
  ticket,
  updatePayload,
} from "./given.ts";

const promises = ["requestId", "settles", "none"] as const;

/** A request whose attempt n has just left; the ones before it were answered BUSY, or stayed without an answer. */
function sending(
  attempt: number,
  payload: RequestPayload,
  at: ServiceInfo,
  before: "busy" | "lost" = "busy",
): History {
  const history = new History();
  history.accept("n1");
  history.plan(payload, at);
  for (let earlier = 1; earlier < attempt; earlier += 1) {
    history.send();
    judge(
      history,
      before === "busy" ? answer("nack", { code: "BUSY" }) : answer("inDoubt", { code: "TIMEOUT" }),
    );
  }
  history.send();
  return history;
}

function judge(history: History, told: Answer): { readonly result: string; readonly text: string } {
  const before = history.facts.length;
  const { result, entries } = judgeAnswer(history.key(), history.request(), told, settings);
  history.add(...entries);
  const since = history.facts.slice(before);
  const parked = since.find((fact) => fact.type === "key.parked");
  const settled = since.find((fact) => fact.type === "request.settled");
  const outcome = since.find((fact) => fact.type === "alarm.settled");
  const words = [
    settled === undefined ? "" : `request ${settled.body.result}`,
    outcome === undefined ? "" : outcome.body.outcome,
    parked === undefined
      ? ""
      : `parked ${parked.body.parking.reason} ${(parked.body.parking.until ?? 0) - parked.body.parking.since}`,
  ];
  return { result, text: words.filter((word) => word !== "").join(", ") };
}

describe("G3 G4: what an answer makes of a create", () => {
  type Row = readonly [
    kind: AnswerKind,
    code: string | null,
    ticketId: string | null,
    first: string,
    last: string,
  ];
  const rows: readonly Row[] = [
    ["ack", null, "T1", "request ok, created", "request ok, created"],
    ["nack", "NACK", null, "request rejected, rejected", "request rejected, rejected"],
    ["nack", "DUPLICATE", null, "request rejected, rejected", "request rejected, rejected"],
    ["nack", "NOT_OWNER", null, "parked notOwner 60000", "request rejected, rejected"],
    ["nack", "BUSY", null, "parked outage 250", "request rejected, rejected"],
    ["refused", "UNAVAILABLE", null, "parked outage 250", "request failed, failed"],
    [
      "unreachable",
      "UNREACHABLE",
      null,
      "request notApplied, parked outage 1000",
      "request notApplied, parked outage 8000",
    ],
    ["failed", "BAD_CONFIGURATION", null, "request failed, failed", "request failed, failed"],
  ];
  const cells = rows.flatMap((row) => promises.map((promise) => [promise, ...row] as const));
  test.each(cells)(
    "%s: %s %s, ticket %s: first attempt %s; fourth %s",
    (idempotency, kind, code, ticketId, first, last) => {
      const told = answer(kind, { code, ticketId });
      expect(judge(sending(1, createPayload, service({ idempotency })), told).text).toBe(first);
      expect(judge(sending(limits.attemptsMax, createPayload, service({ idempotency })), told).text).toBe(
        last,
      );
    },
  );

  test.each([
    ["requestId", 250, 60_000],
    ["settles", 60_000, 60_000],
    ["none", 60_000, 60_000],
  ] as const)(
    "%s: no readable answer rests %i ms after the first attempt, %i ms after the fourth",
    (idempotency, first, last) => {
      const at = service({ idempotency });
      for (const told of [answer("inDoubt", { code: "TIMEOUT" }), answer("ack")]) {
        expect(judge(sending(1, createPayload, at), told).text).toBe(`parked inDoubt ${first}`);
        expect(judge(sending(4, createPayload, at), told).text).toBe(`parked inDoubt ${last}`);
      }
    },
  );

  test("an ACK without a ticket id is enough for an update and a close, whose ticket is known", () => {
    expect(judge(sending(1, updatePayload, service()), answer("ack")).text).toBe("request ok, updated");
    expect(judge(sending(1, closePayload, service()), answer("ack")).text).toBe("request ok, closed");
  });

  test("ALREADY_CLOSED to a close is a success", () => {
    expect(judge(sending(1, closePayload, service()), answer("nack", { code: "ALREADY_CLOSED" })).text).toBe(
      "request ok, closed",
    );
  });

  test.each([
    ["ALREADY_CLOSED", "an update", updatePayload],
    ["UNKNOWN_TICKET", "an update", updatePayload],
    ["UNKNOWN_TICKET", "a close", closePayload],
  ] as const)("A8: %s to %s: its alarms are decided once more, then rejected", (code, _what, payload) => {
    const history = sending(1, payload, service());
    expect(judge(history, answer("nack", { code })).text).toBe("request notApplied");
    expect(history.key().waiting.map(({ ref }) => ref.id)).toEqual(["n1"]);
    history.end("settled");
    history.plan(payload, service());
    history.send();
    expect(judge(history, answer("nack", { code })).text).toBe("request rejected, rejected");
  });

  test.each([
    ["ALREADY_CLOSED", "a create", createPayload, /^The service answered ALREADY_CLOSED .* names no ticket/],
    ["UNKNOWN_TICKET", "a create", createPayload, /^The service answered UNKNOWN_TICKET .* names no ticket/],
    ["ALREADY_CLOSED", "an update", updatePayload, /^The ticket to update is gone \(ALREADY_CLOSED\)\.$/],
  ] as const)("A8: %s to %s is told as what it is", (code, _what, payload, said) => {
    const history = sending(1, payload, service());
    judge(history, answer("nack", { code }));
    expect(history.facts.findLast(({ type }) => type === "request.settled")?.body).toMatchObject({
      result: "notApplied",
      because: expect.stringMatching(said) as string,
    });
    expect(history.facts.some(({ type }) => type === "ticket.lost")).toBe(false);
  });

  test("G3: an attempt of which no byte left does not count", () => {
    const history = sending(1, createPayload, service(), "lost");
    judge(history, answer("inDoubt", { code: "TIMEOUT" }));
    for (let again = 0; again < 6; again += 1) {
      history.send();
      expect(judge(history, answer("unreachable", { code: "UNREACHABLE" })).result).toBe("parked");
    }
    expect(history.request()).toMatchObject({ spent: 1, attempts: 7, status: "inDoubt" });
  });

  test.each(["refused", "unreachable", "failed"] as const)(
    "G4: an earlier attempt in doubt stays so when a later one is %s",
    (kind) => {
      const history = sending(2, createPayload, service(), "lost");
      expect(judge(history, answer(kind, { code: "UNAVAILABLE" })).text).toMatch(/^parked inDoubt/);
      expect(history.request().status).toBe("inDoubt");
      expect(history.request().openAttempts).toMatchObject([{ attempt: 1 }]);
    },
  );

  test("G4: the last permitted attempt refused while an earlier one is in doubt: looked up, not given up", () => {
    const history = sending(4, createPayload, service(), "lost");
    expect(judge(history, answer("refused", { code: "UNAVAILABLE" })).text).toMatch(/^parked inDoubt/);
  });

  test.each([updatePayload, closePayload])(
    "DUPLICATE to what makes no ticket says nothing of an earlier attempt: rejected ($command)",
    (payload) => {
      const history = sending(2, payload, service(), "lost");
      expect(judge(history, answer("nack", { code: "DUPLICATE" })).text).toBe("request rejected, rejected");
    },
  );

  test("refused without a code once the retries are used up: failed as UNAVAILABLE", () => {
    const history = sending(limits.attemptsMax, createPayload, service());
    judge(history, answer("refused"));
    expect(history.facts.findLast(({ type }) => type === "alarm.settled")?.body).toMatchObject({
      outcome: "failed",
      failure: { code: "UNAVAILABLE" },
    });
  });

  test("the service's Retry-After is honoured where it is longer than our own wait", () => {
    expect(judge(sending(1, createPayload, service()), answer("refused", { retryAfterMs: 700 })).text).toBe(
      "parked outage 700",
    );
    expect(judge(sending(1, createPayload, service()), answer("refused", { retryAfterMs: 100 })).text).toBe(
      "parked outage 250",
    );
  });

  test.each([
    { retryAfterMs: limits.retryAfterMsMax, waitMs: limits.retryAfterMsMax },
    { retryAfterMs: limits.retryAfterMsMax + 1, waitMs: limits.retryAfterMsMax },
  ])("a Retry-After of $retryAfterMs ms holds up the key for $waitMs ms", ({ retryAfterMs, waitMs }) => {
    const told = answer("refused", { retryAfterMs });
    expect(judge(sending(1, createPayload, service()), told).text).toBe(`parked outage ${waitMs}`);
  });

  test("waits between attempts double: 250, 500, 1000 ms", () => {
    const waits = [1, 2, 3].map(
      (attempt) => judge(sending(attempt, createPayload, service()), answer("nack", { code: "BUSY" })).text,
    );
    expect(waits).toEqual(["parked outage 250", "parked outage 500", "parked outage 1000"]);
  });

  test("A2: of the alarms that a request settles the first carries the outcome, the others are coalesced", () => {
    const history = new History();
    history.accept("n1", { alarm: "a1" });
    history.accept("n2", { alarm: "a2" });
    history.plan(createPayload, service());
    history.send();
    judge(history, answer("ack", { ticketId: "T1" }));
    expect(history.outcomes()).toEqual({ n1: "created", n2: "coalesced" });
    expect(history.key().open.get("T1")).toMatchObject({ service: "OSB", severity: "major" });
  });

  test("G6: every attempt's row is settled with its request", () => {
    const history = sending(3, createPayload, service(), "lost");
    judge(history, answer("ack", { ticketId: "T1" }));
    expect(history.state.tables.get("client-01")).toMatchObject({ inserted: 3, unsettled: {} });
  });
});

describe("what is done about a request in doubt", () => {
  const nothing: DoubtFindings = { byRequest: null, byTicket: null, byKey: null };
  const looked: DoubtFindings = { byRequest: [], byTicket: [], byKey: [] };

  function doubted(idempotency: ServiceInfo["idempotency"], payload: RequestPayload, attempts = 1): History {
    const history = sending(attempts, payload, service({ idempotency }), "lost");
    judge(history, answer("inDoubt", { code: "TIMEOUT" }));
    return history;
  }
  function step(history: History, found: DoubtFindings): DoubtStep {
    return stepInDoubt(history.key(), history.request(), found, history.now);
  }
  function say(history: History, found: DoubtFindings): string {
    const next = step(history, found);
    if (next.step === "resend") return "resend";
    if (next.step === "search") return `search ${next.by}`;
    const settled = next.entries.find(({ fact }) => fact.type === "alarm.settled");
    return settled?.fact.type === "alarm.settled"
      ? `${next.decision} ${settled.fact.body.outcome}`
      : next.decision;
  }

  type Row = readonly [
    idempotency: ServiceInfo["idempotency"],
    attempts: number,
    asked: string,
    found: string,
  ];
  const rows: readonly Row[] = [
    ["requestId", 1, "resend", "resend"],
    ["requestId", 3, "search requestedBy", "resend"],
    ["requestId", 4, "search requestedBy", "settle unknown"],
    ["settles", 1, "search requestedBy", "resend"],
    ["settles", 3, "search requestedBy", "resend"],
    ["settles", 4, "search requestedBy", "settle failed"],
    ["none", 1, "search requestedBy", "park"],
  ];
  test.each(rows)(
    "G4: %s, %i attempts, a create: %s; found nowhere: %s",
    (idempotency, attempts, asked, found) => {
      const history = doubted(idempotency, createPayload, attempts);
      expect(say(history, nothing)).toBe(asked);
      expect(say(history, looked)).toBe(found);
    },
  );

  test("G4: with no promise a create is searched for twice, then nobody can say; it is never sent again", () => {
    const history = doubted("none", createPayload);
    const park = {
      rule: "D8",
      decision: "park",
      because: "",
      tickets: [],
      path: [],
      key: KEY,
      lockGuid: "g",
    } as const;
    history.add({ stream: `key/${KEY}`, fact: { type: "flow.decided", at: history.now, body: park } });
    const next = step(history, looked);
    expect(say(history, looked)).toBe("settle unknown");
    if (next.step === "conclude") history.add(...next.entries);
    expect(history.key().unknown.map(({ command }) => command)).toEqual(["create"]);
  });

  test.each(promises)(
    "%s: a create found by its request id was created, found by its key only it is adopted",
    (idempotency) => {
      const history = doubted(idempotency, createPayload, 4);
      expect(say(history, { ...looked, byRequest: [ticket("T1")] })).toBe("settle created");
      expect(say(history, { ...looked, byKey: [ticket("T1")] })).toBe("adopt adopted");
      expect(say(history, { ...nothing, byRequest: [] })).toBe("search key");
    },
  );

  test.each([
    ["another key's", { clientReference: "NE-2" }],
    ["closed", { status: "closed" }],
    ["planned maintenance", { kind: "PLM" }],
  ] as const)(
    "a ticket that is %s does not answer for a create in doubt",
    (_what, change: Partial<Ticket>) => {
      expect(say(doubted("settles", createPayload), { ...looked, byKey: [ticket("T1", change)] })).toBe(
        "resend",
      );
    },
  );

  const asked: [string, string, RequestPayload, Partial<Ticket>][] = [
    ["an update whose severity stands", "settle updated", updatePayload, { severity: "critical" }],
    ["an update whose severity does not", "resend", updatePayload, { severity: "major" }],
    ["a close of a closed ticket", "settle closed", closePayload, { status: "closed" }],
    ["a close of an open ticket", "resend", closePayload, {}],
  ];
  test.each(asked)("%s: the ticket is read, then: %s", (_what, expected, payload, shows) => {
    const history = doubted("settles", payload);
    expect(say(history, { ...nothing, byRequest: [] })).toBe("search ticketId");
    expect(say(history, { ...looked, byTicket: [ticket("T1", shows)] })).toBe(expected);
  });

  test("what was answered as not applied is sent again without a look-up", () => {
    const history = sending(1, createPayload, service());
    judge(history, answer("nack", { code: "BUSY" }));
    expect(say(history, nothing)).toBe("resend");
  });

  test("adopting links the ticket to its key, and the request's row is settled", () => {
    const history = doubted("settles", createPayload);
    const next = step(history, { ...looked, byKey: [ticket("T5")] });
    const entries = next.step === "conclude" ? next.entries : [];
    expect(body(entries, "ticket.linked")).toMatchObject({ ticketId: "T5", service: "OSB" });
    history.add(...entries);
    expect([...history.key().open.keys()]).toEqual(["T5"]);
    expect(history.outcomes()).toEqual({ n1: "adopted" });
    expect(history.state.tables.get("client-01")?.unsettled).toEqual({});
  });
});
