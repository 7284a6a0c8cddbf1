/** T1: an async result says that a create was done, and names no ticket: it is looked up, and nothing goes again. */
import { describe, expect, test } from "vitest";
import { createActor } from "xstate";
import { corrects, judgeAsync } from "../../machines/async-result.ts";
import { automaticFlowMachine, type FlowCommand } from "../../machines/automatic-flow.machine.ts";
import { stepInDoubt, type DoubtFindings } from "../../machines/doubt.ts";
import { entry } from "../../machines/entry.ts";
import { noFindings } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { keyStream, type SettledRequest } from "../../machines/state.ts";
import type { RequestPayload, ResponseRow, Ticket } from "../../machines/vocabulary.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { settle } from "../../machines/settlement.ts";
import {
  answer,
  body,
  createPayload,
  History,
  KEY,
  noon,
  service,
  settings,
  ticket,
  types,
} from "./given.ts";
import { answered, done, entriesOf, send } from "./steps.ts";

const asynchronous = service({ asyncSeconds: 90 });
const notAsked: DoubtFindings = noFindings.doubt;

interface Told {
  readonly result?: "OK" | "ERROR";
  readonly ticketId?: string | null;
  readonly code?: string | null;
  readonly cause?: string | null;
  readonly key?: null;
  readonly before?: SettledRequest | null;
}

/** An async result of the request that is there, or was there last. */
function tell(history: History, { key, before = null, ...told }: Told = {}) {
  const requestId = before?.requestId ?? history.key().request?.requestId ?? "nobody";
  const input = {
    requestId,
    result: "OK",
    ticketId: null,
    code: null,
    cause: null,
    text: "<result/>",
    ...told,
  } as const;
  const entries = judgeAsync(
    key === null ? null : history.key(),
    before,
    input,
    history.now,
    history.state.tables,
  );
  history.add(...entries);
  return entries;
}

function acknowledged(payload = createPayload, at = asynchronous): History {
  const history = new History();
  history.accept("n1");
  send(history, payload, at);
  answered(history, "ack");
  return history;
}

/** Acknowledged, and told OK without a ticket; a flow looks for it. */
function lookedUp(payload = createPayload): History {
  const history = acknowledged(payload);
  expect(types(tell(history))).toEqual(["request.async", "response.row", "request.answered", "key.parked"]);
  expect(history.key().parked).toMatchObject({
    reason: "inDoubt",
    until: noon + service().settleSeconds * 1000,
    because: "The async result said OK and named no ticket; it is looked up.",
  });
  history.now += 3_600_000;
  history.start();
  return history;
}

const next = (history: History, found: Partial<DoubtFindings>) =>
  stepInDoubt(history.key(), history.request(), { ...notAsked, ...found }, history.now);

describe("T1: a create that was confirmed without its ticket", () => {
  test("is searched by its own id, then by its key", () => {
    const history = lookedUp();
    expect(next(history, {})).toEqual({ step: "search", by: "requestedBy" });
    expect(next(history, { byRequest: [] })).toEqual({ step: "search", by: "key" });
  });

  test.each<[string, Partial<DoubtFindings>]>([
    ["its own id, and nobody asks for its key", { byRequest: [ticket("T9")] }],
    ["its own id, whatever its key shows", { byRequest: [ticket("T9")], byKey: [ticket("T8")] }],
    [
      "its key, past what does not cover it",
      {
        byRequest: [],
        byKey: [
          ticket("T1", { clientReference: "elsewhere" }),
          ticket("T2", { kind: "PLM" }),
          ticket("T3", { status: "closed" }),
          ticket("T9"),
        ],
      },
    ],
  ])("its ticket is found by %s", (_by, found) => {
    const history = lookedUp();
    const step = next(history, found);
    expect(step).toMatchObject({
      step: "conclude",
      decision: "settle",
      because: "Confirmed by the async result; its ticket is T9.",
    });
    history.add(...(step.step === "conclude" ? step.entries : []));
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect([...history.key().open.keys()]).toEqual(["T9"]);
  });

  test("it is done, where no search shows a ticket of it", () => {
    const history = lookedUp();
    const step = next(history, { byRequest: [], byKey: [ticket("T1", { clientReference: "elsewhere" })] });
    expect(step).toMatchObject({
      step: "conclude",
      decision: "settle",
      because: "Confirmed by the async result; no ticket of it was found.",
    });
    history.add(...(step.step === "conclude" ? step.entries : []));
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect(history.key().open.size).toBe(0);
    expect(history.key().request).toBeNull();
  });

  test.each(["requestedBy", "key"] as const)(
    "is looked up once more where the list by %s was cut off, and then unknown: no other is made beside it",
    (list) => {
      const history = lookedUp();
      const cut = new Set([list]);
      const notShown = "Not shown in a list that the service cut off";
      const because = `${notShown}; searched once more in 60 s.`;
      const first = next(history, { byRequest: [], byKey: [], cut });
      expect(first).toMatchObject({ step: "conclude", decision: "park", because });
      const parked = {
        key: KEY,
        lockGuid: "g",
        rule: "D8",
        decision: "park",
        because,
        tickets: [],
        path: [],
      } as const;
      history.add(entry(keyStream(KEY), history.now, "flow.decided", parked));
      const second = next(history, { byRequest: [], byKey: [], cut });
      expect(second).toMatchObject({
        decision: "settle",
        because: `Confirmed by the async result; its ticket was not found. ${notShown}: nobody can say which it is.`,
      });
      history.add(...(second.step === "conclude" ? second.entries : []));
      expect(history.outcomes()).toEqual({ n1: "unknown" });
      expect(history.key().unknown).toHaveLength(1);
    },
  );

  test("is looked for by its key where the look-up by its own id is refused for good", () => {
    const history = acknowledged(createPayload, service({ asyncSeconds: 90, idempotency: "requestId" }));
    tell(history);
    history.now += 3_600_000;
    const refused = { code: "BAD_CONFIGURATION", cause: "403", permanent: true };
    const input = history.start();
    expect(nextStep(input, noFindings, refused, history.now)).toMatchObject({
      step: "search",
      purpose: "key",
    });
    const shown = { ...noFindings, doubt: { ...notAsked, byKey: [ticket("T9")] } };
    const entries = entriesOf(nextStep(input, shown, refused, history.now));
    expect(body(entries, "request.settled")).toMatchObject({ result: "ok", ticketId: "T9" });
    expect(body(entries, "flow.decided").tickets, "shown for its own id").toEqual([]);
  });

  test("is asked for twice, and no more, of a service that refuses every search", () => {
    const history = acknowledged(createPayload, service({ asyncSeconds: 90, idempotency: "requestId" }));
    tell(history);
    history.now += 3_600_000;
    const asked: FlowCommand[] = [];
    const ask = (command: FlowCommand): void => void asked.push(command);
    const flow = createActor(automaticFlowMachine, { input: { ...history.start(), ask } }).start();
    const failure = { code: "BAD_CONFIGURATION", cause: "403", permanent: true } as const;
    for (let refusals = 0; refusals < 5 && asked.at(-1)?.type === "client.search"; refusals += 1)
      flow.send({ type: "search.done", reply: { ok: false, failure, at: history.now } });
    expect(asked).toMatchObject([
      { criteria: { requestedBy: history.request().requestId } },
      { criteria: { clientReference: KEY } },
      { type: "client.close" },
    ]);
  });

  test("a planned maintenance is done, and an outage of its key is no ticket of it", () => {
    const history = lookedUp({ ...createPayload, kind: "PLM" } as RequestPayload);
    expect(next(history, { byRequest: [], byKey: [ticket("T1")] })).toMatchObject({
      step: "conclude",
      because: "Confirmed by the async result; no ticket of it was found.",
    });
  });

  test("what was found before the result came says nothing: it is looked up afresh", () => {
    const history = acknowledged();
    history.now += 3_600_000;
    history.start();
    tell(history);
    const step = next(history, { byRequest: [], byKey: [] });
    expect(step).toMatchObject({
      step: "conclude",
      decision: "park",
      because: "Confirmed by the async result; its ticket is looked up.",
    });
    const entries = step.step === "conclude" ? step.entries : [];
    expect(types(entries)).toEqual(["key.parked"]);
    expect(body(entries, "key.parked").parking).toMatchObject({
      reason: "inDoubt",
      until: history.now + service().settleSeconds * 1000,
      because: "Confirmed by the async result; its ticket is looked up.",
    });
  });

  test("a second OK that names it settles it; one that does not, and an ERROR that names another, are rows", () => {
    const history = lookedUp();
    const rows = ["request.async", "response.row"];
    expect(types(tell(history))).toEqual(rows);
    expect(types(tell(history, { result: "ERROR", ticketId: "T7" }))).toEqual(rows);
    expect(history.request().asyncResult).toMatchObject({ result: "OK" });
    // The first is shown by the attempt's row, the others by rows of their own.
    expect(history.state.tables.get("gateway")?.inserted).toBe(2);
    const settled = tell(history, { ticketId: "T9" });
    expect(body(settled, "request.settled")).toMatchObject({
      result: "ok",
      ticketId: "T9",
      because: "Confirmed by a second async result, which names the ticket.",
    });
    expect(history.outcomes()).toEqual({ n1: "created" });
  });

  test("an OK that names none settles it with the ticket that its ACK has named", () => {
    const history = new History();
    history.accept("n1");
    send(history, createPayload, asynchronous);
    const told = answer("ack", { ticketId: "T9" });
    history.add(...judgeAnswer(history.key(), history.request(), told, settings).entries);
    history.end("parked");
    expect(body(tell(history), "request.settled")).toMatchObject({ result: "ok", ticketId: "T9" });
  });

  test("G5: one that was taken for failed is done, whose late OK names none; no ticket of its key is known by that", () => {
    const history = acknowledged();
    const { requestId } = history.request();
    const failed = { result: "failed", ticketId: null, because: "" } as const;
    history.add(...settle(history.key(), history.request(), history.now, failed));
    tell(history, { before: history.state.settledRequests.get(requestId) ?? null });
    expect(history.outcomes()).toEqual({ n1: "created" });
    expect([...history.key().open.keys()]).toEqual([]);
  });

  test("G5: an OK that names another ticket than the first is a row and no more", () => {
    const history = acknowledged();
    const { requestId } = history.request();
    tell(history, { ticketId: "T1" });
    const before = history.state.settledRequests.get(requestId) ?? null;
    expect(types(tell(history, { ticketId: "T2", before }))).toEqual(["request.async", "response.row"]);
    expect([...history.key().open.keys()]).toEqual(["T1"]);
  });

  describe("before its answer", () => {
    function early(): History {
      const history = new History();
      history.accept("n1");
      send(history, createPayload, asynchronous);
      expect(types(tell(history))).toEqual(["request.async", "response.row"]);
      return history;
    }

    test("an ACK that names no ticket either leaves it to be looked up", () => {
      const history = early();
      const { entries } = judgeAnswer(history.key(), history.request(), answer("ack"), settings);
      expect(types(entries)).toEqual(["request.answered", "response.row", "key.parked"]);
      expect(body(entries, "request.answered")).toMatchObject({ answer: "inDoubt", ticketId: null });
      expect(body(entries, "response.row").row).toMatchObject({ status: "inDoubt", asyncStatus: "ok" });
      expect(body(entries, "key.parked").parking).toMatchObject({
        reason: "inDoubt",
        until: noon + service().settleSeconds * 1000,
        because: "Acknowledged; the async result had come before. It named no ticket, which is looked up.",
      });
    });

    test("an ACK that names it settles it", () => {
      const history = early();
      const told = answer("ack", { ticketId: "T9" });
      history.add(...judgeAnswer(history.key(), history.request(), told, settings).entries);
      expect(history.outcomes()).toEqual({ n1: "created" });
      expect([...history.key().open.keys()]).toEqual(["T9"]);
    });

    test.each([
      ["the second", null, "T9"],
      ["the first", "T9", null],
    ])("two results, of which %s names it: an ACK settles it", (_which, first, second) => {
      const history = new History();
      history.accept("n1");
      send(history, createPayload, asynchronous);
      for (const ticketId of [first, second]) tell(history, { ticketId });
      history.add(...judgeAnswer(history.key(), history.request(), answer("ack"), settings).entries);
      expect([...history.key().open.keys()]).toEqual(["T9"]);
    });

    test("what a refusal names is no ticket of it", () => {
      const history = early();
      const told = answer("refused", { code: "UNAVAILABLE", ticketId: "T9" });
      history.add(...judgeAnswer(history.key(), history.request(), told, settings).entries);
      expect(history.outcomes()).toEqual({});
      expect(history.key().open.size).toBe(0);
    });
  });
});

describe("G5: the row of a result", () => {
  const rowOf = (entries: ReturnType<typeof tell>) => body(entries, "response.row").row as ResponseRow;

  test("of nobody's request names no key and says so; of a settled one it names the key it belongs to", () => {
    const history = acknowledged();
    const { requestId } = history.request();
    const stray = rowOf(tell(history, { key: null }));
    expect(stray).toMatchObject({ key: "", code: "UNKNOWN_REQUEST", asyncStatus: "late" });
    tell(history, { ticketId: "T1" });
    const before = history.state.settledRequests.get(requestId) ?? null;
    expect(rowOf(tell(history, { before, ticketId: "T1" }))).toMatchObject({ key: KEY, code: null });
  });

  test("takes over what the result says of code and cause, and leaves what the answer had said where it says nothing", () => {
    const silent = rowOf(tell(acknowledged()));
    expect(Object.keys(silent)).not.toContain("code");
    expect(Object.keys(silent)).not.toContain("cause");
    const told = rowOf(tell(acknowledged(), { result: "ERROR", code: "E7", cause: "no such element" }));
    expect(told).toMatchObject({ code: "E7", cause: "no such element", status: "error" });
  });

  test("is the attempt's while that is in doubt; of a second result it is one of its own", () => {
    const history = new History();
    history.accept("n1");
    send(history, createPayload, asynchronous);
    answered(history, "inDoubt", "TIMEOUT");
    const change = (entries: ReturnType<typeof tell>) => body(entries, "response.row").change;
    expect([change(tell(history)), change(tell(history))]).toEqual([true, false]);
  });

  test("corrects nothing where nobody knows the request", () => {
    expect(corrects(null, { result: "OK", ticketId: "T1" })).toBe(false);
  });
});

describe("what a flow concludes about a request that was acknowledged", () => {
  test("no result in time: parked, and its record names no ticket", () => {
    const history = acknowledged();
    history.now += 90_000;
    const step = nextStep(history.start(), noFindings, null, history.now);
    expect(step).toMatchObject({ step: "end", result: "parked" });
    expect(body(entriesOf(step), "flow.decided")).toMatchObject({ decision: "park", tickets: [] });
    expect(body(entriesOf(step), "request.answered").code).toBe("ASYNC_MISSING");
  });

  test("A2: settled while the flow looked: it decides nothing", () => {
    const history = acknowledged();
    const input = history.start();
    done(history, "T1");
    const shown: Ticket[] = [];
    expect(
      nextStep(input, { ...noFindings, doubt: { ...notAsked, byKey: shown } }, null, history.now),
    ).toEqual({
      step: "end",
      result: "settled",
      entries: [],
    });
  });
});
