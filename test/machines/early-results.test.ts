/** Async results that come before the answer: every answer, at every attempt, after none, an OK and an ERROR. */
import { describe, expect, test } from "vitest";
import { judgeAsync } from "../../machines/async-result.ts";
import { stepInDoubt } from "../../machines/doubt.ts";
import { limits } from "../../machines/limits.ts";
import { judgeAnswer, type Answer } from "../../machines/request.ts";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import {
  answer,
  closePayload,
  createPayload,
  History,
  service,
  settings,
  updatePayload,
  withTicket,
} from "./given.ts";

const asynchronous = service({ asyncSeconds: 90 });
const unasked = { byRequest: null, byTicket: null, byKey: null };

type Early = "none" | "OK" | "ERROR";
type Attempt = "first" | "last" | "doubted";

/** The attempt is on its way. `last`: those before were answered BUSY; `doubted`: as last, and they had no answer. */
function sending(payload: RequestPayload, attempt: Attempt): History {
  const history = payload.command === "create" ? new History() : withTicket();
  history.accept("n1", payload.command === "close" ? { kind: "clear" } : { alarm: "a2" });
  history.plan(payload, asynchronous);
  history.send();
  if (attempt === "first") return history;
  for (let earlier = 1; earlier < limits.attemptsMax; earlier += 1) {
    judge(
      history,
      attempt === "last" ? answer("nack", { code: "BUSY" }) : answer("inDoubt", { code: "TIMEOUT" }),
    );
    history.send();
  }
  return history;
}

function judge(history: History, told: Answer): void {
  history.add(...judgeAnswer(history.key(), history.request(), told, settings).entries);
}

function tell(history: History, result: Early, ticketId: string | null): void {
  if (result === "none") return;
  const { requestId } = history.request();
  const input = {
    requestId,
    result,
    ticketId: result === "OK" ? ticketId : null,
    code: null,
    cause: null,
    text: "",
  };
  history.add(...judgeAsync(history.key(), null, input, history.now, history.state.tables));
}

/** What the facts since `from` say: of the request, of its alarm, of what its key waits for. */
function said(history: History, from: number): string {
  const words = history.facts.slice(from).flatMap((fact) => {
    if (fact.type === "request.settled") return [`${fact.body.result}${fact.body.again ? " again" : ""}`];
    if (fact.type === "alarm.settled") return [`${fact.body.outcome} ${fact.body.ticketId ?? "-"}`];
    return fact.type === "key.parked" ? [`parked ${fact.body.parking.reason}`] : [];
  });
  return words.join(", ");
}

const answers = {
  ack: answer("ack"),
  "ack T1": answer("ack", { ticketId: "T1" }),
  NACK: answer("nack", { code: "NACK" }),
  DUPLICATE: answer("nack", { code: "DUPLICATE" }),
  NOT_OWNER: answer("nack", { code: "NOT_OWNER" }),
  BUSY: answer("nack", { code: "BUSY" }),
  ALREADY_CLOSED: answer("nack", { code: "ALREADY_CLOSED" }),
  UNKNOWN_TICKET: answer("nack", { code: "UNKNOWN_TICKET" }),
  refused: answer("refused", { code: "UNAVAILABLE" }),
  unreachable: answer("unreachable", { code: "UNREACHABLE" }),
  failed: answer("failed", { code: "BAD_CONFIGURATION" }),
  inDoubt: answer("inDoubt", { code: "TIMEOUT" }),
};
/** Each line: the answer, and what it leads to at the first attempt, at the last, and where those before are in doubt. */
const tables: Record<string, string> = {
  "create none": `
    ack            | parked async              | parked async              | parked async
    ack T1         | parked async              | parked async              | parked async
    NACK           | rejected, rejected -      | rejected, rejected -      | rejected, rejected -
    DUPLICATE      | rejected, rejected -      | rejected, rejected -      | parked inDoubt
    NOT_OWNER      | parked notOwner           | rejected, rejected -      | parked inDoubt
    BUSY           | parked outage             | rejected, rejected -      | parked inDoubt
    ALREADY_CLOSED | notApplied again          | notApplied again          | notApplied again
    UNKNOWN_TICKET | notApplied again          | notApplied again          | notApplied again
    refused        | parked outage             | failed, failed -          | parked inDoubt
    unreachable    | notApplied, parked outage | notApplied, parked outage | parked inDoubt
    failed         | failed, failed -          | failed, failed -          | parked inDoubt
    inDoubt        | parked inDoubt            | parked inDoubt            | parked inDoubt`,
  // Applied, whatever became of the attempt; only a NACK that is final contradicts it.
  "create OK": `
    ack            | ok, created T7            | ok, created T7            | ok, created T7
    ack T1         | ok, created T7            | ok, created T7            | ok, created T7
    NACK           | parked inDoubt            | parked inDoubt            | parked inDoubt
    DUPLICATE      | parked inDoubt            | parked inDoubt            | parked inDoubt
    NOT_OWNER      | ok, created T7            | ok, created T7            | ok, created T7
    BUSY           | ok, created T7            | ok, created T7            | ok, created T7
    ALREADY_CLOSED | parked inDoubt            | parked inDoubt            | parked inDoubt
    UNKNOWN_TICKET | parked inDoubt            | parked inDoubt            | parked inDoubt
    refused        | ok, created T7            | ok, created T7            | ok, created T7
    unreachable    | ok, created T7            | ok, created T7            | ok, created T7
    failed         | ok, created T7            | ok, created T7            | ok, created T7
    inDoubt        | ok, created T7            | ok, created T7            | ok, created T7`,
  // As without it, but that an ACK contradicts it: what says "not applied" agrees, what says nothing is looked into.
  "create ERROR": `
    ack            | parked inDoubt            | parked inDoubt            | parked inDoubt
    ack T1         | parked inDoubt            | parked inDoubt            | parked inDoubt
    NACK           | rejected, rejected -      | rejected, rejected -      | rejected, rejected -
    DUPLICATE      | rejected, rejected -      | rejected, rejected -      | parked inDoubt
    NOT_OWNER      | parked notOwner           | rejected, rejected -      | parked inDoubt
    BUSY           | parked outage             | rejected, rejected -      | parked inDoubt
    ALREADY_CLOSED | notApplied again          | notApplied again          | notApplied again
    UNKNOWN_TICKET | notApplied again          | notApplied again          | notApplied again
    refused        | parked outage             | failed, failed -          | parked inDoubt
    unreachable    | notApplied, parked outage | notApplied, parked outage | parked inDoubt
    failed         | failed, failed -          | failed, failed -          | parked inDoubt
    inDoubt        | parked inDoubt            | parked inDoubt            | parked inDoubt`,
  "update OK": `
    ack            | ok, updated T1            | ok, updated T1            | ok, updated T1
    NACK           | parked inDoubt            | parked inDoubt            | parked inDoubt
    NOT_OWNER      | ok, updated T1            | ok, updated T1            | ok, updated T1
    BUSY           | ok, updated T1            | ok, updated T1            | ok, updated T1
    ALREADY_CLOSED | parked inDoubt            | parked inDoubt            | parked inDoubt
    UNKNOWN_TICKET | parked inDoubt            | parked inDoubt            | parked inDoubt
    refused        | ok, updated T1            | ok, updated T1            | ok, updated T1
    unreachable    | ok, updated T1            | ok, updated T1            | ok, updated T1
    failed         | ok, updated T1            | ok, updated T1            | ok, updated T1
    inDoubt        | ok, updated T1            | ok, updated T1            | ok, updated T1`,
  // ALREADY_CLOSED to a close says the same as OK.
  "close OK": `
    ack            | ok, closed T1             | ok, closed T1             | ok, closed T1
    NACK           | parked inDoubt            | parked inDoubt            | parked inDoubt
    NOT_OWNER      | ok, closed T1             | ok, closed T1             | ok, closed T1
    BUSY           | ok, closed T1             | ok, closed T1             | ok, closed T1
    ALREADY_CLOSED | ok, closed T1             | ok, closed T1             | ok, closed T1
    UNKNOWN_TICKET | parked inDoubt            | parked inDoubt            | parked inDoubt
    refused        | ok, closed T1             | ok, closed T1             | ok, closed T1
    unreachable    | ok, closed T1             | ok, closed T1             | ok, closed T1
    failed         | ok, closed T1             | ok, closed T1             | ok, closed T1
    inDoubt        | ok, closed T1             | ok, closed T1             | ok, closed T1`,
  "close ERROR": `
    ack            | parked inDoubt            | parked inDoubt            | parked inDoubt
    NACK           | rejected, rejected T1     | rejected, rejected T1     | rejected, rejected T1
    NOT_OWNER      | parked notOwner           | rejected, rejected T1     | parked inDoubt
    BUSY           | parked outage             | rejected, rejected T1     | parked inDoubt
    ALREADY_CLOSED | ok, closed T1             | ok, closed T1             | ok, closed T1
    UNKNOWN_TICKET | notApplied again          | notApplied again          | notApplied again
    refused        | parked outage             | failed, failed T1         | parked inDoubt
    unreachable    | notApplied, parked outage | notApplied, parked outage | parked inDoubt
    failed         | failed, failed T1         | failed, failed T1         | parked inDoubt
    inDoubt        | parked inDoubt            | parked inDoubt            | parked inDoubt`,
};

const payloads = { create: createPayload, update: updatePayload, close: closePayload };
const attempts = ["first", "last", "doubted"] as const;
const cells = Object.entries(tables).flatMap(([title, table]) => {
  const [command, early] = title.split(" ") as [keyof typeof payloads, Early];
  return table
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [told = "", ...row] = line.split("|").map((cell) => cell.trim());
      const name = told as keyof typeof answers;
      return attempts.map((attempt, index) => [command, early, attempt, name, row[index] ?? ""] as const);
    });
});

describe("G5 T1: an async result that came before the answer", () => {
  test.each(cells)("a %s, early %s, %s attempt, answer %s: %s", (command, early, attempt, told, expected) => {
    const history = sending(payloads[command], attempt);
    tell(history, early, command === "create" ? "T7" : null);
    const from = history.facts.length;
    judge(history, answers[told]);
    expect(said(history, from)).toBe(expected);
    if (early !== "OK") return;
    // T1 A8: not sent again, not decided again, and the ticket is known.
    if (history.key().request !== null) {
      history.end("parked");
      history.start();
      const step = stepInDoubt(history.key(), history.request(), unasked, history.now);
      if (step.step !== "conclude") throw new Error(`${step.step} of what is confirmed`);
      history.add(...step.entries);
    }
    expect(history.outcomes()["n1"]).toBe(`${command}d`);
    expect([...history.key().open.keys()]).toEqual({ create: ["T7"], update: ["T1"], close: [] }[command]);
    expect(history.key()).toMatchObject({ waiting: [], parked: null, request: null });
  });
});
