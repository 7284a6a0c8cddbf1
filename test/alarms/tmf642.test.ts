/** A listener of TMF642 v4. */
import { describe, expect, test } from "vitest";

import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import { limits } from "../../machines/limits.ts";
import { startHttpIntake, tmfEventOf } from "./http-rig.ts";

const path = "/v1/alarms/tmf642";

async function rig(options: Parameters<typeof startHttpIntake>[1] = {}) {
  const sink = new MemoryAlarmSink();
  return { sink, intake: await startHttpIntake(sink, options) };
}

test("the alarm as the specification types it: an integer id is its identity as text, and 201 has the specification's members", async () => {
  const { sink, intake } = await rig();
  const said = await intake.post(path, tmfEventOf("AlarmCreateEvent"));
  expect(said).toMatchObject({
    status: 201,
    body: { id: "e-AlarmCreateEvent", callback: path, results: [{ status: "accepted", position: 1 }] },
  });
  expect(sink.kept).toMatchObject([
    {
      source: "urn:tmf642:nms-1",
      id: "e-AlarmCreateEvent",
      kind: "raise",
      alarm: '["ems-1","4711"]',
      alarmedObject: "node-1",
      severity: "major",
    },
  ]);
});

test.each([
  ["AlarmAttributeValueChangeEvent", { perceivedSeverity: "critical", state: "updated" }, "change"],
  ["AlarmStateChangeEvent", { state: "updated" }, "change"],
  ["AlarmStateChangeEvent", { state: "cleared", perceivedSeverity: "cleared" }, "clear"],
  ["AlarmDeleteEvent", {}, "clear"],
])("%s with %j is a %s of the same alarm", async (type, alarm, kind) => {
  const { sink, intake } = await rig();
  expect((await intake.post(path, tmfEventOf(type, alarm))).status).toBe(201);
  expect(sink.kept).toMatchObject([{ kind, alarm: '["ems-1","4711"]' }]);
});

test("an id of null counts as absent: the alarm is known by what it says of the fault", async () => {
  const { sink, intake } = await rig();
  expect((await intake.post(path, tmfEventOf("AlarmCreateEvent", { id: null }))).status).toBe(201);
  expect(sink.kept).toMatchObject([{ alarm: expect.stringContaining('["node-1",') as string }]);
});

test("a system whose name is long when it is percent-encoded is a source like any other", async () => {
  const { sink, intake } = await rig();
  const reportingSystemId = "Система".repeat(10);
  const event = tmfEventOf("AlarmCreateEvent", { reportingSystemId });
  expect((await intake.post(path, event)).status).toBe(201);
  expect((await intake.post(path, event)).body.results?.[0]?.status).toBe("duplicate");
  const other = tmfEventOf("AlarmCreateEvent", { reportingSystemId: `${reportingSystemId}2` });
  expect((await intake.post(path, other)).status).toBe(201);
  expect(sink.kept).toHaveLength(2);
});

test("A4: the same event again is a duplicate, and 201; the same id with another alarm 409", async () => {
  const { intake } = await rig();
  const event = tmfEventOf("AlarmCreateEvent");
  await intake.post(path, event);
  expect((await intake.post(path, event)).body.results?.[0]?.status).toBe("duplicate");
  const other = tmfEventOf("AlarmCreateEvent", { perceivedSeverity: "minor" });
  expect(await intake.post(path, other)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
});

test("A8: a change of a cleared alarm is refused: cleared cannot be left; its clear and a new raise are not", async () => {
  const { sink, intake } = await rig({ isCleared: () => true });
  const change = tmfEventOf("AlarmStateChangeEvent", { state: "updated" });
  expect(await intake.post(path, change)).toMatchObject({
    status: 400,
    body: { code: "INVALID", reason: expect.stringContaining("AlarmCreateEvent") },
  });
  expect(sink.kept).toEqual([]);
  await intake.post(path, tmfEventOf("AlarmDeleteEvent"));
  await intake.post(path, tmfEventOf("AlarmCreateEvent"));
  expect(sink.kept.map(({ kind }) => kind)).toEqual(["clear", "raise"]);
});

describe("the listener's own paths", () => {
  test("name the event, with or without eventType", async () => {
    const { sink, intake } = await rig();
    const event = { ...tmfEventOf("AlarmDeleteEvent"), eventType: undefined };
    expect((await intake.post(`${path}/listener/alarmDeleteEvent`, event)).status).toBe(201);
    expect(sink.kept).toMatchObject([{ kind: "clear" }]);
    expect(await intake.post(path, event)).toMatchObject({ status: 400, body: { code: "MISSING" } });
  });

  test("an event of another kind is refused there", async () => {
    const { intake } = await rig();
    const said = await intake.post(`${path}/listener/alarmCreateEvent`, tmfEventOf("AlarmDeleteEvent"));
    expect(said).toMatchObject({ status: 400, body: { code: "INVALID" } });
  });
});

describe("tasks on alarms", () => {
  const task = (type: string, event: object) => ({ ...tmfEventOf(type), event });
  const alarm = () => (tmfEventOf("x").event as { alarm: object }).alarm;

  test.each([
    "AckAlarmsCreateEvent",
    "UnAckAlarmsStateChangeEvent",
    "CommentAlarmsCreateEvent",
    "GroupAlarmsCreateEvent",
  ])("%s is no alarm and said to be none", async (type) => {
    const { sink, intake } = await rig();
    const said = await intake.post(path, task(type, { any: {} }));
    expect(said).toMatchObject({ status: 201, body: { results: [{ status: "ignored" }] } });
    expect(sink.kept).toEqual([]);
  });

  test("alarms that a ClearAlarms task has cleared are cleared, each once", async () => {
    const { sink, intake } = await rig();
    const clearAlarms = {
      state: "done",
      alarmClearedTime: "2026-11-23T09:00:00Z",
      clearedAlarm: [alarm(), { ...alarm(), id: 4712 }],
    };
    const event = task("ClearAlarmsStateChangeEvent", { clearAlarms });
    const said = await intake.post(path, event);
    expect(said.body.results?.map(({ status }) => status)).toEqual(["accepted", "accepted"]);
    expect(sink.kept).toMatchObject([
      { kind: "clear", alarm: '["ems-1","4711"]', clearedAt: Date.parse("2026-11-23T09:00:00Z") },
      { kind: "clear", alarm: '["ems-1","4712"]' },
    ]);
    expect((await intake.post(path, event)).body.results?.[1]?.status).toBe("duplicate");
  });

  test("an alarm that a task names only by reference cannot be paired, and is refused with the member that is missing", async () => {
    const { intake } = await rig();
    const clearAlarms = { clearedAlarm: [alarm(), { id: 4711, href: "/alarm/4711" }] };
    const said = await intake.post(path, task("ClearAlarmsStateChangeEvent", { clearAlarms }));
    expect(said.status).toBe(400);
    expect(said.body.results).toMatchObject([
      { status: "accepted" },
      {
        status: "rejected",
        code: "MISSING",
        field: expect.stringMatching(/^\/event\/clearAlarms\/clearedAlarm\/1\//),
      },
    ]);
  });

  test("S3: an event id that is too long is refused once, and not once for each of its alarms", async () => {
    const { intake } = await rig();
    const clearedAlarm = Array.from({ length: 1_000 }, () => ({}));
    const event = task("ClearAlarmsCreateEvent", { clearAlarms: { clearedAlarm } });
    const of = (count: number) => intake.post(path, { ...event, eventId: "e".repeat(count) });
    expect((await of(limits.alarmIdCharsMax)).body.results).toHaveLength(1_000);
    expect(await of(limits.alarmIdCharsMax + 1)).toMatchObject({
      status: 400,
      body: { code: "TOO_LARGE", reason: expect.stringContaining("/eventId"), results: [] },
    });
  });

  test("S3: a time of the task that is no text is refused once, and not once for each of its alarms", async () => {
    const { sink, intake } = await rig();
    const alarmClearedTime = Array.from({ length: 1_000 }, () => 1);
    const clearAlarms = { alarmClearedTime, clearedAlarm: [alarm(), { ...alarm(), id: 4712 }] };
    const said = await intake.post(path, task("ClearAlarmsCreateEvent", { clearAlarms }));
    expect(said).toMatchObject({
      status: 400,
      body: { code: "INVALID", reason: expect.stringContaining("/event/clearAlarms/alarmClearedTime") },
    });
    expect(said.body.results).toHaveLength(1);
    expect(sink.kept).toEqual([]);
  });

  test("a task that has cleared nothing yet is no alarm", async () => {
    const { intake } = await rig();
    const said = await intake.post(
      path,
      task("ClearAlarmsCreateEvent", { clearAlarms: { state: "acknowledged" } }),
    );
    expect(said).toMatchObject({ status: 201, body: { results: [{ status: "ignored" }] } });
  });
});

test.each([
  ["no eventId", { eventId: undefined }, {}, "MISSING", "/eventId"],
  ["a number for an eventId", { eventId: 1 }, {}, "INVALID", "/eventId"],
  ["no eventTime", { eventTime: undefined }, {}, "MISSING", "/eventTime"],
  ["a date that is none", { eventTime: "2026-02-30T00:00:00Z" }, {}, "INVALID", "/eventTime"],
  ["an unknown event", { eventType: "AlarmEvent" }, {}, "INVALID", "/eventType"],
  ["no alarm", { event: {} }, {}, "MISSING", "/event/alarm"],
  ["no object", {}, { alarmedObject: undefined }, "MISSING", "/event/alarm/alarmedObject"],
  ["an object without an id", {}, { alarmedObject: {} }, "MISSING", "/event/alarm/alarmedObject/id"],
  ["a severity in capitals", {}, { perceivedSeverity: "MAJOR" }, "INVALID", "/event/alarm/perceivedSeverity"],
  ["an id that JSON cannot keep", {}, { id: 2 ** 53 }, "INVALID", "/event/alarm/id"],
])("%s is refused in TMF's form", async (_name, event, alarm, code, field) => {
  const { sink, intake } = await rig();
  const said = await intake.post(path, { ...tmfEventOf("AlarmCreateEvent", alarm), ...event });
  expect(said).toMatchObject({
    status: 400,
    type: "application/json",
    body: { code, reason: expect.stringContaining(field), status: "400" },
  });
  expect(sink.kept).toEqual([]);
});

test("the time is read as the specification spells it, too", async () => {
  const { intake } = await rig();
  const event = {
    ...tmfEventOf("AlarmCreateEvent"),
    eventTime: undefined,
    timeOcurred: "2026-11-23T08:00:00Z",
  };
  expect((await intake.post(path, event)).status).toBe(201);
});
