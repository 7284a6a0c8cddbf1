import { describe, expect, test } from "vitest";
import { judgeAsync } from "../../machines/async-result.ts";
import { noFindings } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { limits } from "../../machines/limits.ts";
import { checkCounters, isRepeatable, type NinasCounters } from "../../machines/ninas-counters.ts";
import { judgeAnswer } from "../../machines/request.ts";
import type { Idempotency } from "../../machines/vocabulary.ts";
import { answer, History, KEY, service, settings, types } from "./given.ts";

const delta: NinasCounters = {
  command: "editNinasCounters",
  kind: "MO",
  networkElement: "NE-1",
  counters: [{ name: "customers", delta: -3 }],
};
const value: NinasCounters = { ...delta, counters: [{ name: "customers", value: 0 }] };

describe("what is refused", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `c${index}`, delta: 1 }));
  test.each([
    ["no element", { networkElement: " " }, "networkElement is empty"],
    ["no counter", { counters: [] }, "0 counters"],
    ["too many", { counters: many(limits.ninasCountersMax + 1) }, "101 counters"],
    ["no name", { counters: [{ name: " ", delta: 1 }] }, "counters[0]: name"],
    [
      "one name twice",
      {
        counters: [
          { name: "a", delta: 1 },
          { name: "a", value: 1 },
        ],
      },
      "counters[1]: a is there twice",
    ],
    ["neither delta nor value", { counters: [{ name: "a" }] }, "either delta or value"],
    ["both", { counters: [{ name: "a", delta: 1, value: 1 }] }, "not both"],
    ["half a customer", { counters: [{ name: "a", delta: 0.5 }] }, "whole number, got 0.5"],
    ["more than can be counted", { counters: [{ name: "a", value: 2 ** 53 }] }, "whole number"],
    ["not a number", { counters: [{ name: "a", value: Number.NaN }] }, "whole number"],
  ] as [string, Partial<NinasCounters>, string][])("%s", (_what, change, says) => {
    const checked = checkCounters({ ...delta, ...change });
    expect(checked.ok).toBe(false);
    if (!checked.ok)
      expect(checked.failure).toMatchObject({ code: "INVALID", detail: expect.stringContaining(says) });
  });

  test("one to a hundred are taken", () => {
    expect(checkCounters(delta).ok && checkCounters(value).ok).toBe(true);
    expect(checkCounters({ ...delta, counters: many(limits.ninasCountersMax) }).ok).toBe(true);
  });
});

/** Sent by hand, no alarm behind it. */
function sent(payload: NinasCounters, idempotency: Idempotency, asyncSeconds = 0): History {
  const history = new History();
  history.accept("n1");
  history.plan(payload, service({ idempotency, asyncSeconds }));
  history.send();
  return history;
}

const none: ReturnType<typeof answer> = answer("inDoubt", { code: "TIMEOUT" });

describe("counters are no ticket", () => {
  test("an answer that carries a ticket's id links none", () => {
    const history = sent(delta, "settles");
    const verdict = judgeAnswer(
      history.key(),
      history.request(),
      answer("ack", { ticketId: "T1" }),
      settings,
    );
    history.add(...verdict.entries);
    expect(verdict.outcome).toBe("ok");
    expect(history.key().open.size).toBe(0);
  });

  test("a late async result of a failed one links none", () => {
    const history = sent(delta, "settles", 30);
    const verdict = judgeAnswer(history.key(), history.request(), answer("nack", { code: "NACK" }), settings);
    history.add(...verdict.entries);
    const [before] = history.state.settledRequests.values();
    const late = {
      requestId: before?.requestId ?? "",
      result: "OK",
      ticketId: "T1",
      code: null,
      cause: null,
      text: "",
    } as const;
    history.add(...judgeAsync(history.key(), before ?? null, late, history.now, history.state.tables));
    expect(history.key().open.size).toBe(0);
    expect(history.outcomes()["n1"]).toBe("updated");
  });

  test("a second async result of what is done corrects nothing, whatever ticket it names", () => {
    const history = sent(delta, "settles", 30);
    history.add(...judgeAnswer(history.key(), history.request(), answer("ack"), settings).entries);
    const { requestId } = history.request();
    const tell = (ticketId: string | null): string[] => {
      const told = { requestId, result: "OK", ticketId, code: null, cause: null, text: "" } as const;
      const before = history.state.settledRequests.get(requestId) ?? null;
      const entries = judgeAsync(history.key(), before, told, history.now, history.state.tables);
      history.add(...entries);
      return types(entries);
    };
    expect(tell(null)).toContain("request.settled");
    expect(tell("T1")).toEqual(["request.async", "response.row"]);
  });
});

describe("G4: in doubt, they cannot be looked up", () => {
  test.each([
    { idempotency: "requestId", payload: delta, next: "forward" },
    { idempotency: "settles", payload: delta, next: "end" },
    { idempotency: "none", payload: delta, next: "end" },
    { idempotency: "settles", payload: value, next: "forward" },
    { idempotency: "none", payload: value, next: "forward" },
  ] as const)(
    "promise $idempotency, repeatable: $payload.counters: $next",
    ({ idempotency, payload, next }) => {
      const history = sent(payload, idempotency);
      history.add(...judgeAnswer(history.key(), history.request(), none, settings).entries);
      history.end("parked");
      history.now += 60_000;
      const step = nextStep(history.start(), noFindings, null, history.now);
      expect(step.step).toBe(next);
      if (step.step !== "end") return;
      history.add(...step.entries);
      expect(history.key().request).toBeNull();
      expect(history.outcomes()["n1"]).toBe("unknown");
    },
  );

  test("G3: the same values again, at most four times in all", () => {
    const history = sent(value, "settles");
    for (let attempt = 1; attempt < limits.attemptsMax; attempt += 1) {
      history.add(...judgeAnswer(history.key(), history.request(), none, settings).entries);
      history.end("parked");
      expect(nextStep(history.start(), noFindings, null, history.now).step).toBe("forward");
      history.send();
    }
    history.add(...judgeAnswer(history.key(), history.request(), none, settings).entries);
    history.end("parked");
    expect(nextStep(history.start(KEY), noFindings, null, history.now).step).toBe("end");
  });

  test("setting is repeatable, counting up and down is not", () => {
    expect([isRepeatable(value), isRepeatable(delta)]).toEqual([true, false]);
    const both = { ...delta, counters: [...value.counters, ...delta.counters] };
    expect(isRepeatable(both)).toBe(false);
  });
});
