import { expect, test } from "vitest";
import { causeOf, escalate, fail, FailureError, ok, orThrow } from "../../machines/failure.ts";

test("a failure that crosses a throw says its code and its sentence", () => {
  const cause = new Error("EIO");
  const error = new FailureError("LEDGER_DAMAGED", "Fact 7 is not what was written.", { cause });
  expect(error).toMatchObject({
    name: "FailureError",
    message: "LEDGER_DAMAGED: Fact 7 is not what was written.",
    failure: { code: "LEDGER_DAMAGED", detail: "Fact 7 is not what was written." },
    cause,
  });
});

test("what went well is its value; what did not is thrown as it was told", () => {
  expect(orThrow(ok(7))).toBe(7);
  const failure = { code: "LEDGER_DAMAGED", detail: "Fact 7 is not what was written." } as const;
  expect(() => orThrow(fail(failure.code, failure.detail))).toThrow(
    expect.objectContaining({ name: "FailureError", failure }),
  );
});

test.each([
  ["an error: its message", { type: "xstate.error.actor.flow", error: new Error("thrown") }, "thrown"],
  ["a text", { type: "xstate.error.actor.flow", error: "thrown" }, "thrown"],
  ["anything else: what ended", { type: "xstate.error.actor.flow", error: 7 }, "xstate.error.actor.flow"],
  ["no error at all", { type: "work.failed" }, "work.failed"],
])("R6: the cause of a crash that threw %s", (_what, event, expected) => {
  expect(causeOf(event)).toBe(expected);
});

test("R6: what an actor could not do is thrown on as it was; an event without an error by its name", () => {
  const error = new Error("thrown");
  expect(() => escalate({ event: { type: "work.failed", error } as { type: string } })).toThrow(error);
  expect(() => escalate({ event: { type: "work.failed" } })).toThrow("It failed at work.failed.");
});
