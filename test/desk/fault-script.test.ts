import { describe, expect, test } from "vitest";
import { createFaultPicker, parseFaultScript } from "../../adapters/desk/fault-script.ts";

describe("a wrong script is refused, naming rule and field", () => {
  test.each([
    ["not JSON", "[", /not JSON/],
    ["no list", "{}", /the whole: .*array/],
    ["an unknown fault", '[{"match":{},"fault":"explode"}]', /rule 0, "fault": .*reset-before/],
    [
      "an unknown command",
      '[{"match":{},"fault":"nack"},{"match":{"command":"delete"},"fault":"nack"}]',
      /rule 1, "match.command"/,
    ],
    ["no match", '[{"fault":"nack"}]', /rule 0, "match"/],
    ["every 0", '[{"match":{},"fault":"nack","every":0}]', /rule 0, "every"/],
    ["times 1.5", '[{"match":{},"fault":"nack","times":1.5}]', /rule 0, "times"/],
    ["negative seconds", '[{"match":{},"fault":"slow","seconds":-1}]', /rule 0, "seconds"/],
    ["an unknown field", '[{"match":{},"fault":"slow","second":1}]', /rule 0: .*second/],
    [
      "too many rules",
      JSON.stringify(Array.from({ length: 101 }, () => ({ match: {}, fault: "nack" }))),
      /the whole/,
    ],
  ])("%s", (_title, text, message) => {
    const read = parseFaultScript(text);
    expect(read).toMatchObject({ ok: false, failure: { code: "CONFIGURATION_INVALID" } });
    if (!read.ok) expect(read.failure.detail).toMatch(message);
  });

  test("a right one is read as it stands", () => {
    const rules = [
      { match: { command: "create", key: "k" }, fault: "nack", every: 2, times: 3, seconds: 0, code: "X" },
    ];
    expect(parseFaultScript(JSON.stringify(rules))).toEqual({ ok: true, value: rules });
  });
});

describe("which request a rule meets", () => {
  test("every n-th matching one, at most so many times; others are not counted", () => {
    const pick = createFaultPicker([
      { match: { command: "create", key: "k" }, fault: "refuse", every: 3, times: 2 },
    ]);
    const fired: number[] = [];
    for (let n = 1; n <= 12; n += 1) {
      expect(pick("update", "k")).toBeUndefined();
      expect(pick("create", "other")).toBeUndefined();
      if (pick("create", "k") !== undefined) fired.push(n);
    }
    expect(fired).toEqual([3, 6]);
  });

  test("the first rule that is due wins; the next keeps its turn", () => {
    const pick = createFaultPicker([
      { match: {}, fault: "refuse", times: 1 },
      { match: {}, fault: "nack", times: 1 },
    ]);
    expect([1, 2, 3].map(() => pick("create", undefined)?.fault)).toEqual(["refuse", "nack", undefined]);
  });
});
