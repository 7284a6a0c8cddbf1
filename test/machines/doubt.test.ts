/** G4: what a search must show before a request in doubt is taken for done. */
import { describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { stepInDoubt, type DoubtFindings } from "../../machines/doubt.ts";
import { entry } from "../../machines/entry.ts";
import type { SearchPurpose } from "../../machines/flow-step.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { keyStream } from "../../machines/state.ts";
import type { Idempotency, RequestPayload, Ticket } from "../../machines/vocabulary.ts";
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
  withTicket,
} from "./given.ts";

/** What a flow does about it, once the service shows these by the ticket's id. */
function step(payload: RequestPayload, byTicket: readonly Ticket[]) {
  const history = withTicket();
  history.accept("n1", payload.command === "close" ? { kind: "clear" } : { kind: "change" });
  history.plan(payload, service());
  const lost = answer("inDoubt", { code: "TIMEOUT" });
  history.add(...judgeAnswer(history.key(), history.send(), lost, settings).entries);
  history.end("parked");
  history.now += 3_600_000;
  return stepInDoubt(history.key(), history.request(), { byRequest: [], byTicket, byKey: null }, history.now);
}

const reopened = { command: "update", ticketId: "T1", status: "inProgress", alarmRefs: [] } as const;

describe("G4: an update or a close in doubt", () => {
  test.each([
    ["severity as asked", updatePayload, ticket("T1", { severity: "critical" })],
    ["status as asked", reopened, ticket("T1", { status: "inProgress" })],
    [
      "both as asked",
      { ...reopened, severity: "critical" },
      ticket("T1", { status: "inProgress", severity: "critical" }),
    ],
    ["closed as asked", closePayload, ticket("T1", { status: "closed" })],
  ] as [string, RequestPayload, Ticket][])("%s: it is done", (_what, payload, shown) => {
    expect(step(payload, [ticket("T0"), shown])).toMatchObject({
      step: "conclude",
      decision: "settle",
      because: "Ticket T1 is already as asked.",
    });
  });

  test.each([
    ["another severity", updatePayload, ticket("T1", { severity: "minor" })],
    ["another status", reopened, ticket("T1", { status: "acknowledged" })],
    [
      "the severity as asked, another status",
      { ...reopened, severity: "critical" },
      ticket("T1", { status: "acknowledged", severity: "critical" }),
    ],
    [
      "the status as asked, another severity",
      { ...reopened, severity: "critical" },
      ticket("T1", { status: "inProgress", severity: "minor" }),
    ],
    ["open still", closePayload, ticket("T1")],
    ["another ticket", updatePayload, ticket("T2", { severity: "critical" })],
  ] as [string, RequestPayload, Ticket][])("%s: it is sent again", (_what, payload, shown) => {
    expect(step(payload, [shown])).toMatchObject({ step: "resend" });
  });
});

test("G4: a ticket that is shown for the request's id and names no reference is the create's", () => {
  const history = new History();
  history.accept("n1");
  history.plan(createPayload, service());
  const lost = answer("inDoubt", { code: "TIMEOUT" });
  history.add(...judgeAnswer(history.key(), history.send(), lost, settings).entries);
  const { clientReference: _unsaid, ...unsaid } = ticket("T1");
  const found = { byRequest: [unsaid], byTicket: null, byKey: null };
  expect(stepInDoubt(history.key(), history.request(), found, history.now)).toMatchObject({
    decision: "settle",
    because: "Ticket T1 was found by its request id.",
  });
});

test.each([
  [null, "TIMEOUT"],
  ["RESET", "RESET"],
])("G3: attempts used up and not found: failed as its last answer said (%s)", (code, told) => {
  const history = new History();
  history.accept("n1");
  history.plan(createPayload, service({ idempotency: "settles" }));
  for (let attempt = 1; attempt <= limits.attemptsMax; attempt += 1)
    history.add(...judgeAnswer(history.key(), history.send(), answer("inDoubt", { code }), settings).entries);
  const found = { byRequest: [], byTicket: null, byKey: [] };
  const last = stepInDoubt(history.key(), history.request(), found, history.now);
  const entries = last.step === "conclude" ? last.entries : [];
  expect(body(entries, "alarm.settled")).toMatchObject({ outcome: "failed", failure: { code: told } });
});

describe("G4: a list that the service cut off, and that shows no ticket of the request, proves nothing", () => {
  type Cut = NonNullable<DoubtFindings["cut"]>;
  const cutAt = (...lists: SearchPurpose[]): Cut => new Set(lists);
  /** A first look, and a second after the settling time, of a request whose lists were cut off. */
  function looks(idempotency: Idempotency, payload: RequestPayload, cut: Cut): readonly string[] {
    const history = withTicket();
    history.accept("n1", { kind: "change", severity: "critical" });
    history.plan(payload, service({ idempotency }));
    const lost = answer("inDoubt", { code: "TIMEOUT" });
    history.add(...judgeAnswer(history.key(), history.send(), lost, settings).entries);
    const found = { byRequest: [], byTicket: [], byKey: [], cut };
    return [1, 2].map(() => {
      const next = stepInDoubt(history.key(), history.request(), found, history.now);
      if (next.step !== "conclude") return next.step;
      const { decision, because } = next;
      const record = { key: KEY, lockGuid: "g", rule: "D8", tickets: [], path: [] };
      history.add(entry(keyStream(KEY), history.now, "flow.decided", { ...record, decision, because }));
      const [settled] = next.entries;
      return settled?.fact.type === "request.settled" ? settled.fact.body.result : decision;
    });
  }

  test.each([
    ["settles", "a create", createPayload, cutAt("requestedBy"), ["park", "unknown"]],
    ["settles", "a create", createPayload, cutAt("key"), ["park", "unknown"]],
    ["settles", "an update", updatePayload, cutAt("ticketId"), ["park", "unknown"]],
    [
      "settles",
      "an update whose ticket could be read",
      updatePayload,
      cutAt("requestedBy"),
      ["resend", "resend"],
    ],
    ["settles", "a create, of another search", createPayload, cutAt("elements"), ["resend", "resend"]],
    ["none", "a create", createPayload, cutAt("requestedBy"), ["park", "unknown"]],
    ["requestId", "a create", createPayload, cutAt("requestedBy", "key"), ["resend", "resend"]],
  ] as [Idempotency, string, RequestPayload, Cut, string[]][])(
    "with %s, %s: %s",
    (idempotency, _what, payload, cut, expected) => {
      expect(looks(idempotency, payload, cut)).toEqual(expected);
    },
  );
});
