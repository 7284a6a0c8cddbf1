import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { parseAlarmEvent } from "../../actors/alarm-message.ts";
import { readHuaweiAlarms } from "../../adapters/alarms/huawei.ts";
import { LatencyHistogram } from "../../adapters/alarms/latency.ts";
import { readCloudEvents } from "../../adapters/alarms/recorded.ts";
import { correlationKey, textOf } from "./rig.ts";

const csv = readFileSync(
  new URL("../../adapters/alarms/huawei-neurips2023/alarm.csv", import.meta.url),
  "utf8",
);
const header = "alarm_id,device_id,start_timestamp,end_timestamp";
const settings = { correlationKey: correlationKey(), digest: (text: string) => text };

function read(text: string) {
  const result = readHuaweiAlarms(text, "alarm.csv");
  if (!result.ok) throw new Error(result.failure.detail);
  return result.value;
}

describe("the shipped real alarms", () => {
  const events = read(csv);

  test("are 61,382 events that the intake takes, in order of time, then row, then raise before clear", () => {
    expect(events.length).toBe(61_382);
    let before = { at: -1, row: 0, isClear: 0 };
    for (const { at, id, text } of events) {
      const [row, kind] = id.split("/");
      const now = { at, row: Number(row), isClear: kind === "clear" ? 1 : 0 };
      const order = now.at - before.at || now.row - before.row || now.isClear - before.isClear;
      if (order <= 0) throw new Error(`${id} is out of order`);
      before = now;
      const reading = parseAlarmEvent(text, settings);
      if (!reading.ok) throw new Error(`${id}: ${reading.refusal.detail}`);
    }
  });

  test("hold exactly 5 rows that end before they start; their clears are sent first", () => {
    const raised = new Set<string>();
    const early: string[] = [];
    for (const { id } of events) {
      const [row = "", kind] = id.split("/");
      if (kind === "raise") raised.add(row);
      else if (!raised.has(row)) early.push(row);
    }
    expect(early.map(Number).toSorted((a, b) => a - b)).toEqual([8594, 14053, 14329, 24069, 24080]);
  });

  test("are paired by row: raise and clear have one alarm identity, no two rows share one", () => {
    const sample = events.slice(0, 2_000).map(({ text }) => parseAlarmEvent(text, settings));
    const names = new Map<string, Set<string>>();
    for (const reading of sample) {
      if (!reading.ok) throw new Error(reading.refusal.detail);
      const { alarm, id } = reading.notification;
      names.set(alarm, (names.get(alarm) ?? new Set()).add(id.split("/")[0] ?? ""));
    }
    expect([...names.values()].every((rows) => rows.size === 1)).toBe(true);
  });
});

test("an alarm without length is raised before it is cleared", () => {
  const ids = read(`${header}\n1,2,10,10\n1,2,10,10\n1,2,5,10\n`).map(({ id }) => id);
  expect(ids).toEqual(["3/raise", "1/raise", "1/clear", "2/raise", "2/clear", "3/clear"]);
});

test.each([
  ["no header", "1,2,3,4", "line 1: expected the header"],
  ["a short row", `${header}\n1,2,3,4\n1,2,3`, "line 3: 3 columns"],
  ["a time that is none", `${header}\n1,2,3,x`, 'line 2: column 4 (end_timestamp) is "x"'],
  ["a time after 2200", `${header}\n1,2,9999999999,1`, "line 2: column 3"],
  ["no device", `${header}\n1,,3,4`, "line 2: column 2 (device_id)"],
  ["an open quote", `${header}\n1,"2,3,4`, "Quote"],
])("a CSV with %s is refused as a whole, with its place", (_title, text, says) => {
  const result = readHuaweiAlarms(text, "alarm.csv");
  expect(result.ok ? "" : result.failure.detail).toContain(says);
});

test("recorded CloudEvents are read line by line, or refused with the line", () => {
  const result = readCloudEvents(`\ufeff${textOf({ id: "a" })}\r\n\n${textOf({ id: "b" })}\n`, "x.ndjson");
  expect(result.ok && result.value.map(({ id, at }) => [id, at])).toEqual([
    ["a", Date.UTC(2026, 10, 23, 8)],
    ["b", Date.UTC(2026, 10, 23, 8)],
  ]);
  for (const [line, says] of [
    ["{", "line 2: not JSON"],
    ["[]", "line 2: expected a CloudEvents object"],
    [textOf({ event: { id: 1 } }), "line 2: expected source and id"],
    [textOf({ event: { time: "now" } }), "line 2: expected time"],
  ] as const) {
    const refused = readCloudEvents(`${textOf()}\n${line}`, "x.ndjson");
    expect(refused.ok ? "" : refused.failure.detail).toContain(says);
  }
});

test("percentiles are within 2 % whatever the number of measurements", () => {
  const histogram = new LatencyHistogram();
  expect(histogram.percentile(0.5)).toBe(0);
  for (let ms = 1; ms <= 10_000; ms++) histogram.add(ms);
  for (const share of [0.5, 0.99, 1])
    expect(Math.abs(histogram.percentile(share) / (10_000 * share) - 1)).toBeLessThan(0.021);
});
