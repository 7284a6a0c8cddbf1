import { hash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { compileCorrelationKey } from "../../actors/alarm-key.ts";
import { parseAlarmEvent, readAlarmEvent } from "../../actors/alarm-message.ts";
import { parseInstant } from "../../actors/alarm-schema.ts";
import type { EventParts } from "./rig.ts";
import { correlationKey, eventOf, textOf } from "./rig.ts";

const settings = { correlationKey: correlationKey(), digest: (text: string) => hash("sha256", text) };

function notificationOf(parts: EventParts) {
  const reading = parseAlarmEvent(textOf(parts), settings);
  if (!reading.ok) throw new Error(reading.refusal.detail);
  return reading.notification;
}
function digestOf(text: string) {
  const reading = parseAlarmEvent(text, settings);
  return reading.ok ? reading.digest : reading.refusal;
}
const type = (name: string) => ({ type: `org.tmforum.alarm.${name}` });

describe("what an event means", () => {
  test.each<[string, EventParts, string]>([
    ["create, raised", {}, "raise"],
    ["create, updated", { alarm: { state: "updated" } }, "change"],
    ["create, cleared", { alarm: { state: "cleared" } }, "clear"],
    ["value change, raised", { event: type("AlarmAttributeValueChangeEvent") }, "change"],
    ["state change, raised", { event: type("AlarmStateChangeEvent") }, "change"],
    ["severity cleared", { alarm: { perceivedSeverity: "cleared" } }, "clear"],
    ["delete", { event: type("AlarmDeleteEvent") }, "clear"],
  ])("%s", (_title, parts, kind) => {
    expect(notificationOf(parts).kind).toBe(kind);
  });

  test.each(["true", "YES", "y", "Planned", "inMaintenance", "OUTOFSERVICE", true])(
    "planned outage %s is yes",
    (plannedOutageIndicator) => {
      expect(notificationOf({ alarm: { plannedOutageIndicator } }).plannedOutage).toBe(true);
    },
  );

  test.each(["false", "no", "", "unplanned", null, false])(
    "planned outage %s is no",
    (plannedOutageIndicator) => {
      expect(notificationOf({ alarm: { plannedOutageIndicator } }).plannedOutage).toBe(false);
    },
  );

  test("a clear has its own time, else the event's; its severity is unknown", () => {
    const clear = { state: "cleared", perceivedSeverity: "critical" };
    expect(notificationOf({ alarm: clear })).toMatchObject({
      clearedAt: Date.UTC(2026, 10, 23, 8),
      severity: "indeterminate",
    });
    const own = notificationOf({ alarm: { ...clear, alarmClearedTime: "2026-11-23T09:30:00.5+01:00" } });
    expect(own.clearedAt).toBe(Date.UTC(2026, 10, 23, 8, 30, 0, 500));
    expect(notificationOf({})).not.toHaveProperty("clearedAt");
  });

  test("identity is (system, external id), else the four names, and never the one taken for the other", () => {
    const identities = [
      { externalAlarmId: "a" },
      { externalAlarmId: "b" },
      { externalAlarmId: "a", sourceSystemId: "ems-2" },
      {},
      { specificProblem: "p" },
      { alarmType: 'x","y' },
      { alarmType: "x", probableCause: 'y","z' },
    ].map((alarm) => notificationOf({ alarm }).alarm);
    expect(new Set(identities).size).toBe(identities.length);
    // What is not part of the identity does not change it.
    expect(
      notificationOf({ alarm: { externalAlarmId: "a", alarmType: "z", specificProblem: "q" } }).alarm,
    ).toBe(identities[0]);
  });

  test("the digest sees content and not transport", () => {
    const digest = digestOf(textOf());
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    const event = eventOf();
    const reversed = Object.fromEntries(Object.entries(event).toReversed());
    expect(digestOf(JSON.stringify(reversed, null, 2))).toBe(digest);
    expect(digestOf(textOf({ sequence: 5, event: { partitionkey: "p", traceparent: "t" } }))).toBe(digest);
    for (const parts of [
      { alarm: { perceivedSeverity: "minor" } },
      { alarm: { unknownMember: [1, 2] } },
      { event: { time: "2026-11-23T08:00:01Z" } },
      { id: "2" },
    ])
      expect(digestOf(textOf(parts))).not.toBe(digest);
    expect(digestOf(textOf({ alarm: { x: ["ab", "c"] } }))).not.toBe(
      digestOf(textOf({ alarm: { x: ["a", "bc"] } })),
    );
  });
});

test.each<[string, number | null]>([
  ["1970-01-01T00:00:00Z", 0],
  ["1970-01-01T00:00:00+00:01", null],
  ["1969-12-31T23:59:00-00:01", 0],
  ["2200-12-31T23:59:59.999Z", Date.UTC(2201, 0, 1) - 1],
  ["2200-12-31T23:59:59-00:01", null],
  ["2024-02-29T12:00:00.123456z", Date.UTC(2024, 1, 29, 12, 0, 0, 123)],
  ["2100-02-29T12:00:00Z", null],
  ["2000-02-29T00:00:00Z", Date.UTC(2000, 1, 29)],
  ["2026-13-01T00:00:00Z", null],
  ["2026-11-31T00:00:00Z", null],
  ["2026-11-23T24:00:00Z", null],
  ["2026-11-23T08:00:00", null],
  ["2026-11-23", null],
  ["2026-11-23 08:00:00Z", null],
  ["0001-01-01T00:00:00Z", null],
])("the date %s", (text, instant) => {
  expect(parseInstant(text)).toBe(instant);
});

describe("the correlation key", () => {
  test("is made of fields and the text between", () => {
    const alarm = { sourceSystemId: "ems", alarmType: "t" };
    const reading = parseAlarmEvent(textOf({ alarm }), {
      ...settings,
      correlationKey: correlationKey("x:{sourceSystemId}/{alarmType}."),
    });
    expect(reading.ok && reading.notification.key).toBe("x:ems/t.");
  });

  test.each([
    ["", "no field"],
    ["node", "no field"],
    ["{nodeName}", 'no field "nodeName"'],
    ["{constructor}", 'no field "constructor"'],
    ["{}", 'no field ""'],
    ["{alarmType", "brace"],
    ["alarmType}", "brace"],
    ["{{alarmType}}", "brace"],
    ["{alarmType}{probableCause}", "side by side"],
  ])("template %j is refused when the configuration is read", (template, says) => {
    const compiled = compileCorrelationKey(template);
    expect(compiled.ok ? "" : compiled.failure.detail).toContain(says);
  });

  test("an alarm without a field of the key is refused: a key with a hole would join strangers", () => {
    const reading = parseAlarmEvent(textOf(), {
      ...settings,
      correlationKey: correlationKey("{externalAlarmId}"),
    });
    expect(reading).toMatchObject({
      ok: false,
      refusal: { code: "MISSING", field: "/data/externalAlarmId" },
    });
  });
});

describe("whatever comes, the reader answers", () => {
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(null, "", "\ud800", "a\nb", 1e308, "cleared", "2026-02-30T00:00:00Z", [], {}),
    fc.dictionary(fc.constantFrom("__proto__", "constructor", "prototype", "id", "toString"), fc.jsonValue()),
  );
  const members = (names: readonly string[]) =>
    fc.dictionary(fc.constantFrom(...names), hostile, { maxKeys: 4 });

  test("any text: a refusal, and no throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
        const reading = parseAlarmEvent(text, settings);
        expect(reading.ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a good event with members replaced, or its text cut or changed: taken or refused with code and place", () => {
    const outcomes = { taken: 0, refused: 0 };
    // Often enough nothing is replaced, so that no draw of 3,000 takes too few.
    const orNone = <T>(some: fc.Arbitrary<T>) =>
      fc.oneof({ arbitrary: fc.constant({}), weight: 1 }, { arbitrary: some, weight: 2 });
    const alarmNames = [
      ...Object.keys(eventOf().data),
      "externalAlarmId",
      "alarmClearedTime",
      "specificProblem",
      "other",
    ];
    fc.assert(
      fc.property(
        orNone(members(Object.keys(eventOf()))),
        orNone(members(alarmNames)),
        fc.nat(500),
        fc.constantFrom("", '"', "\\", "{", "\u0000", "9"),
        (event, alarm, at, insert) => {
          const whole = textOf({ event, alarm });
          const text = insert === "" ? whole : whole.slice(0, at) + insert + whole.slice(at);
          const reading = parseAlarmEvent(text, settings);
          if (reading.ok) {
            outcomes.taken++;
            expect(reading.notification.raisedAt).toBeGreaterThanOrEqual(0);
            expect(reading.notification.key).not.toBe("");
          } else {
            outcomes.refused++;
            expect(reading.refusal.code).toMatch(/^(INVALID|MISSING|TOO_DEEP|TOO_LARGE)$/);
            expect(reading.refusal.field).toMatch(/^(\/|$)/);
            expect(reading.refusal.detail).not.toBe("");
          }
        },
      ),
      { numRuns: 3_000 },
    );
    // A run that took nothing, or refused nothing, would prove nothing.
    expect(outcomes.taken).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(500);
  });

  test("any value: no throw, prototypes untouched", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(readAlarmEvent(value, settings).ok).toBe(false);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});
