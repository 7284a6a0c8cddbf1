import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import type { EventParts, Rig } from "./rig.ts";
import { Sender, startIntake, textOf } from "./rig.ts";

/** `{"a":{"a":…` with so many levels in all when put into `data`. */
const nested = (levels: number) => {
  let value: unknown = 1;
  for (let level = 2; level < levels; level++) value = { a: value };
  return value;
};
const changed = (from: string, to: string) => {
  const text = textOf();
  if (!text.includes(from)) throw new Error(`no ${from} to change`);
  return text.replace(from, to);
};
const alarm = (members: NonNullable<EventParts["alarm"]>) => textOf({ alarm: members });
const event = (members: NonNullable<EventParts["event"]>) => textOf({ event: members });

/** What is wrong, the frame, the code, the JSON Pointer, what the sentence says. The connection lives. */
const refusedRows: readonly [string, string, string, string, string][] = [
  ["not a CloudEvent: no specversion", event({ specversion: undefined }), "MISSING", "/specversion", '"1.0"'],
  ["not a CloudEvent: specversion 0.3", event({ specversion: "0.3" }), "INVALID", "/specversion", '"1.0"'],
  ["not a CloudEvent: no data", event({ data: undefined }), "MISSING", "/data", "Alarm object"],
  ["data is a list", event({ data: [] }), "INVALID", "/data", "Alarm object"],
  ["data is XML", event({ datacontenttype: "text/xml" }), "INVALID", "/datacontenttype", "application/json"],
  ["event type unknown", event({ type: "com.example.x" }), "INVALID", "/type", "AlarmCreateEvent"],
  ["sequence of 3 digits", event({ sequence: "001" }), "INVALID", "/sequence", "20 digits"],
  ["depth 17", alarm({ x: nested(17) }), "TOO_DEEP", "/data/x" + "/a".repeat(14), "16 levels"],
  [
    "depth 60,000 in arrays",
    changed('"raised"', `"raised","x":${"[".repeat(30_000)}${"]".repeat(30_000)}`),
    "TOO_DEEP",
    "/data/x" + "/0".repeat(14),
    "16 levels",
  ],
  [
    "__proto__",
    changed('"raised"', '"raised","__proto__":{"isAdmin":true}'),
    "INVALID",
    "/data/__proto__",
    "prototype",
  ],
  [
    "__proto__, escaped",
    changed('"raised"', '"raised","\\u005f_proto__":{}'),
    "INVALID",
    "/data/__proto__",
    "prototype",
  ],
  [
    "constructor.prototype",
    alarm({ constructor: { prototype: {} } }),
    "INVALID",
    "/data/constructor",
    "prototype",
  ],
  ["a name twice", changed('"raised"', '"raised","state":"cleared"'), "INVALID", "", "twice"],
  [
    "numeric externalAlarmId",
    alarm({ externalAlarmId: 5 }),
    "INVALID",
    "/data/externalAlarmId",
    "text on one line",
  ],
  [
    "numeric object id",
    alarm({ alarmedObject: { id: 7 } }),
    "INVALID",
    "/data/alarmedObject/id",
    "text on one line",
  ],
  ["1e999", changed('"raised"', '"raised","count":1e999'), "INVALID", "/data/count", "finite number"],
  ["lone surrogate", changed("lossOfSignal", "\\ud800"), "INVALID", "/data/probableCause", "Unicode"],
  [
    "lone surrogate in a name",
    changed('"raised"', '"raised","\\udc00":1'),
    "INVALID",
    "/data/\udc00",
    "Unicode",
  ],
  ["CR LF in the event's id", textOf({ id: "a\r\nb" }), "INVALID", "/id", "control characters"],
  [
    "LF in an object's id",
    alarm({ alarmedObject: { id: "a\nb" } }),
    "INVALID",
    "/data/alarmedObject/id",
    "control characters",
  ],
  [
    "NUL in the details",
    alarm({ alarmDetails: "a\u0000" }),
    "INVALID",
    "/data/alarmDetails",
    "control characters",
  ],
  [
    "no character of XML in an object's id",
    alarm({ alarmedObject: { id: "a\ufffe" } }),
    "INVALID",
    "/data/alarmedObject/id",
    "U+FFFE",
  ],
  [
    "no character of XML in the details",
    alarm({ alarmDetails: "a\uffff" }),
    "INVALID",
    "/data/alarmDetails",
    "U+FFFF",
  ],
  ["id of 257 characters", textOf({ id: "x".repeat(257) }), "TOO_LARGE", "/id", "256"],
  [
    "details of 8,193 characters",
    alarm({ alarmDetails: "x".repeat(8_193) }),
    "TOO_LARGE",
    "/data/alarmDetails",
    "8192",
  ],
  [
    "severity unknown",
    alarm({ perceivedSeverity: "fatal" }),
    "INVALID",
    "/data/perceivedSeverity",
    "critical, major",
  ],
  [
    "severity in capitals",
    alarm({ perceivedSeverity: "MAJOR" }),
    "INVALID",
    "/data/perceivedSeverity",
    "lower case",
  ],
  ["no severity", alarm({ perceivedSeverity: undefined }), "MISSING", "/data/perceivedSeverity", "missing"],
  ["no object", alarm({ alarmedObject: undefined }), "MISSING", "/data/alarmedObject", "alarmedObject"],
  ["object without id", alarm({ alarmedObject: {} }), "MISSING", "/data/alarmedObject/id", "object's id"],
  ["empty object id", alarm({ alarmedObject: { id: "" } }), "INVALID", "/data/alarmedObject/id", "1 to 256"],
  ["state unknown", alarm({ state: "open" }), "INVALID", "/data/state", "raised, updated, cleared"],
  [
    "date without zone",
    alarm({ alarmRaisedTime: "2026-11-23T08:00:00" }),
    "INVALID",
    "/data/alarmRaisedTime",
    "with a zone",
  ],
  [
    "30 February",
    alarm({ alarmRaisedTime: "2026-02-30T08:00:00Z" }),
    "INVALID",
    "/data/alarmRaisedTime",
    "RFC 3339",
  ],
  [
    "before 1970",
    alarm({ alarmRaisedTime: "1969-12-31T23:59:59Z" }),
    "INVALID",
    "/data/alarmRaisedTime",
    "1970",
  ],
  [
    "after 2200",
    alarm({ alarmRaisedTime: "2201-01-01T00:00:00Z" }),
    "INVALID",
    "/data/alarmRaisedTime",
    "2200",
  ],
  [
    "clear without a date",
    alarm({ state: "cleared", alarmClearedTime: "soon" }),
    "INVALID",
    "/data/alarmClearedTime",
    "RFC 3339",
  ],
  ["no time", event({ time: undefined }), "MISSING", "/time", "RFC 3339"],
];

/** What is wrong, the frame, close code, what the reason says. */
const closedRows: readonly [string, string | Buffer, number, string][] = [
  ["not JSON", "alarm!", 4400, "not JSON"],
  ["NaN is not JSON", changed('"raised"', '"raised","count":NaN'), 4400, "not JSON"],
  ["a list", "[]", 4400, "CloudEvents"],
  ["nothing but brackets, 30,000 deep", "[".repeat(30_000) + "]".repeat(30_000), 4400, "CloudEvents"],
  ["null", "null", 4400, "CloudEvents"],
  ["empty", "", 4400, "not JSON"],
  ["numeric event id", event({ id: 5 }), 4400, "INVALID /id"],
  ["no source", event({ source: undefined }), 4400, "MISSING /source"],
  ["binary", Buffer.from(textOf()), 1003, "text"],
  ["over 64 KiB", alarm({ padding: "x".repeat(65_537) }), 1009, ""],
];

/** What is odd, the frame: kept all the same. */
const takenRows: readonly [string, EventParts][] = [
  [
    "a clear that lies before its raise",
    { alarm: { state: "cleared", alarmClearedTime: "2026-11-23T07:59:00Z" } },
  ],
  ["a raise with alarmType nobody knows", { alarm: { alarmType: "our own words" } }],
  ["depth 16", { alarm: { x: nested(16) } }],
  ["members nobody knows, a big number, null for absent", { alarm: { externalAlarmId: null, n: 2 ** 60 } }],
  ["lines in the specific problem", { alarm: { specificProblem: "first\r\nsecond" } }],
  ["id of 256 characters", { id: "x".repeat(256) }],
  ["the last day", { alarm: { alarmRaisedTime: "2200-12-31T23:59:59.999Z" } }],
  ["data that is JSON by its subtype", { event: { datacontenttype: "text/json; charset=utf-8" } }],
];

describe("bad alarms over a real socket", () => {
  const sink = new MemoryAlarmSink();
  let rig: Rig;
  beforeAll(async () => {
    rig = await startIntake(sink);
  });
  afterAll(() => rig.close());

  test.each(refusedRows)(
    "%s is rejected and the connection lives",
    async (title, frame, code, field, says) => {
      const sender = await Sender.open(rig.url);
      const before = sink.kept.length;
      sender.send(frame, textOf({ id: `after ${title}` }));
      const [answer, after] = await sender.take(2);
      expect(answer).toMatchObject({ kind: "rejected", source: "urn:test", code, field, retryAfterMs: null });
      expect(answer?.kind === "rejected" && answer.detail).toContain(says);
      expect(after).toMatchObject({ kind: "accepted", id: `after ${title}`, duplicate: false });
      expect(sink.kept.length).toBe(before + 1);
      expect(Object.hasOwn(Object.prototype, "isAdmin")).toBe(false);
      sender.webSocket.terminate();
    },
  );

  test.each(closedRows)("%s closes the connection", async (_title, frame, code, says) => {
    const sender = await Sender.open(rig.url);
    const before = sink.kept.length;
    sender.webSocket.send(frame);
    const closed = await sender.closed;
    expect(closed.code).toBe(code);
    expect(closed.reason).toContain(says);
    expect(sink.kept.length).toBe(before);
  });

  test.each(takenRows)("%s is kept", async (title, parts) => {
    const sender = await Sender.open(rig.url);
    sender.send(textOf({ id: title, ...parts }));
    expect(await sender.next()).toMatchObject({ kind: "accepted", duplicate: false });
    sender.webSocket.terminate();
  });

  test("A4: same source and id with other content is a conflict, and the connection lives", async () => {
    const sender = await Sender.open(rig.url);
    sender.send(
      textOf({ id: "c" }),
      textOf({ id: "c", alarm: { perceivedSeverity: "minor" } }),
      textOf({ id: "c" }),
    );
    const answers = await sender.take(3);
    expect(answers).toMatchObject([
      { kind: "accepted", duplicate: false },
      { kind: "rejected", code: "CONFLICT", field: "/id", retryAfterMs: null },
      { kind: "accepted", duplicate: true },
    ]);
    sender.webSocket.terminate();
  });
});
