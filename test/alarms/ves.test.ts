/** VES events as ONAP's collector is tested with them, and what becomes of each here. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import { limits } from "../../machines/limits.ts";
import { startHttpIntake } from "./http-rig.ts";

const folder = new URL("ves/onap-vescollector/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");

const pilot =
  "raise critical of scfx0001vm002cap001: PilotNumberPoolExhaustion, Calls cannot complete - pilot numbers are unavailable";
const loss = "raise critical of owb-rdm-003: lossOfSignal, lossOfSignal";
const gnb = "raise indeterminate of scfx0001vm002cap001: 1, xyz";
const header = "event.commonEventHeader";

/** `202 <status of each>` and the alarms kept, or `400 <message id> <attribute>`. */
const table: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "event4xjson.txt": ["202 accepted", loss],
  "ves4_valid.json": ["202 accepted", loss],
  "ves4_invalid.json": [`400 SVC2006 ${header}.sourceName`],
  "measurement5x.json": ["202 ignored"],
  "measurement7x.json": ["202 ignored"],
  "ves7_valid_30_1_1_event.json": ["202 accepted", pilot],
  "ves7_invalid_30_1_1_event.json": [`400 SVC0002 ${header}.vesEventListenerVersion`],
  "eventsAfterTransformation__ves7_valid_event.json": ["202 accepted", pilot],
  // batches
  "ves7_batch_valid.json": [
    "202 accepted accepted",
    pilot,
    "raise critical of scfx0001vm002cap001: RecordingServerUnreachable, Recording server unreachable",
  ],
  // ONAP's collector wants one domain in a batch, for each has a stream of its own there; here each event stands for itself.
  "ves7_batch_valid_two_different_domain.json": ["202 accepted accepted", pilot, gnb],
  "ves7_batch_with_stndDefined_valid.json": ["202 accepted duplicate", gnb],
  "ves7_batch_stdnDefined_withSameStndDefinedNamespace.json": ["202 accepted duplicate", gnb],
  "ves7_batch_stdnDefined_withDifferentStndDefinedNamespace.json": ["202 accepted ignored", gnb],
  // stndDefined
  "ves_stdnDefined_valid.json": ["202 accepted", gnb],
  "eventsAfterTransformation__ves_stdnDefined_valid.json": [
    "202 accepted",
    "raise major of Nokia123456: xyz, xyz",
  ],
  // "Valid" as an event; its namespace is nobody's.
  "ves_stdnDefined_valid_unknown_topic.json": ["202 ignored"],
  "ves_stdnDefined_missing_namespace_invalid.json": [`400 SVC2006 ${header}.stndDefinedNamespace`],
  "ves_stdnDefined_empty_namespace_invalid.json": [`400 SVC2006 ${header}.stndDefinedNamespace`],
  "eventsAfterTransformation__ves_stdnDefined_missing_namespace_invalid.json": [
    `400 SVC2006 ${header}.stndDefinedNamespace`,
  ],
  "eventsAfterTransformation__ves_stdnDefined_empty_namespace_invalid.json": [
    `400 SVC2006 ${header}.stndDefinedNamespace`,
  ],
  "ves_stdnDefined_invalid.json": ["400 SVC0002 event.stndDefinedFields.data.alarmId"],
  "ves_stdnDefined_missing_local_schema_reference.json": [
    "400 SVC0002 event.stndDefinedFields.schemaReference",
  ],
  "ves_stdnDefined_wrong_internal_file_reference.json": [
    "400 SVC0002 event.stndDefinedFields.schemaReference",
  ],
  "ves_stdnDefined_with_empty_stndDefined_fields_data.json": [
    "400 SVC2006 event.stndDefinedFields.data.notificationType",
  ],
  // The collector looks no further without a schema; an alarm without its kind cannot be taken here.
  "ves_stdnDefined_without_schema_reference.json": [
    "400 SVC2006 event.stndDefinedFields.data.notificationType",
  ],
  // pnfRegistration with addresses
  ...Object.fromEntries(
    readdirSync(folder)
      .filter((name) => /^ves7_(?:in)?valid_ip/.test(name))
      .map((name): [string, [string]] => {
        const field = `event.pnfRegistrationFields.oam${/v4|ipv4/.test(name.slice(0, 20)) ? "V4" : "V6"}IpAddress`;
        return [name, [name.startsWith("ves7_valid") ? "202 ignored" : `400 SVC0002 ${field}`]];
      }),
  ),
};

test("every file of the collector's is in the table", () => {
  const files = readdirSync(folder).filter((name) => /\.json$|\.txt$/.test(name));
  expect(Object.keys(table).toSorted()).toEqual(files.toSorted());
  expect(files.length).toBe(42);
});

test.each(Object.entries(table))("%s: %j", async (name, [answer, ...alarms]) => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  const said = await intake.post("/v1/alarms/ves", read(name));
  expect(said.type).toBe("application/json");
  const error = said.body as {
    requestError?: { ServiceException: { messageId: string; variables: string[] } };
  };
  const { messageId, variables = [] } = error.requestError?.ServiceException ?? {};
  const told =
    said.status === 202
      ? (said.body.results ?? []).map(({ status }) => status)
      : [messageId, variables.find((one) => one.startsWith("event"))];
  expect(`${said.status} ${told.join(" ")}`).toBe(answer);
  expect(
    sink.kept.map(
      ({ kind, severity, alarmedObject, probableCause, specificProblem }) =>
        `${kind} ${severity} of ${alarmedObject}: ${probableCause}, ${specificProblem}`,
    ),
  ).toEqual(alarms);
  if (answer.includes("ignored"))
    expect(said.body.results?.find(({ status }) => status === "ignored")?.detail).toMatch(
      /no alarm|not read/,
    );
});

interface Parts {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly fault?: Readonly<Record<string, unknown>>;
}

function fault({ header: more, fault: fields }: Parts = {}) {
  const event = JSON.parse(read("ves7_valid_30_1_1_event.json")) as {
    event: { commonEventHeader: object; faultFields: object };
  };
  Object.assign(event.event.commonEventHeader, more);
  Object.assign(event.event.faultFields, fields);
  return event;
}

function notify(notificationType: string, data: Readonly<Record<string, unknown>> = {}, sequence = 1) {
  const event = JSON.parse(read("ves_stdnDefined_valid.json")) as {
    event: { commonEventHeader: object; stndDefinedFields: { data: object } };
  };
  Object.assign(event.event.commonEventHeader, { sequence });
  Object.assign(event.event.stndDefinedFields.data, { notificationType, ...data });
  return event;
}

describe("fault", () => {
  test("the whole alarm: identity, times, texts", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    await intake.post("/v1/alarms/ves", read("ves4_valid.json"));
    expect(sink.kept[0]).toEqual({
      source: "urn:ves:owb-rdm-003",
      id: "owb-rdm-003 1/0/1469528413000",
      kind: "raise",
      key: "owb-rdm-003",
      alarm: '["owb-rdm-003","owb-rdm-003 1"]',
      alarmedObject: "owb-rdm-003",
      alarmType: "port",
      probableCause: "lossOfSignal",
      specificProblem: "lossOfSignal",
      sourceSystemId: "owb-rdm-003",
      severity: "critical",
      raisedAt: 1_469_528_413,
      plannedOutage: false,
      details: "Interface: 1/0/0 E1\nDIR: tx\nLOC: NEND\nTYPE: communication\nCKTID: circuit-1",
    });
  });

  test("A4: one eventId from raise to clear: a higher sequence is another notification of the same alarm, NORMAL its clear", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const at = (sequence: number, eventSeverity: string) =>
      fault({
        header: { sequence, lastEpochMicrosec: 1_413_378_172_000_000 + sequence * 1_000_000 },
        fault: { eventSeverity },
      });
    const events = [at(1, "MINOR"), at(2, "CRITICAL"), at(2, "CRITICAL"), at(3, "NORMAL")];
    const statuses: unknown[] = [];
    for (const event of events)
      statuses.push((await intake.post("/v1/alarms/ves", event)).body.results?.[0]?.status);
    expect(statuses).toEqual(["accepted", "accepted", "duplicate", "accepted"]);
    expect(sink.kept.map(({ kind, severity }) => [kind, severity])).toEqual([
      ["raise", "minor"],
      ["raise", "critical"],
      ["clear", "indeterminate"],
    ]);
    expect(new Set(sink.kept.map(({ alarm }) => alarm)).size).toBe(1);
    expect(sink.kept[2]).toMatchObject({ raisedAt: 1_413_378_172_000, clearedAt: 1_413_378_175_000 });
  });

  test.each([
    ["no eventId", { header: { eventId: undefined } }, "SVC2006", "commonEventHeader.eventId"],
    ["a number for an eventId", { header: { eventId: 7 } }, "SVC0002", "commonEventHeader.eventId"],
    ["an unknown domain", { header: { domain: "faults" } }, "SVC0002", "commonEventHeader.domain"],
    ["an unknown priority", { header: { priority: "Top" } }, "SVC0002", "commonEventHeader.priority"],
    ["a sequence below 0", { header: { sequence: -1 } }, "SVC0002", "commonEventHeader.sequence"],
    [
      "a time in nanoseconds",
      { header: { startEpochMicrosec: 1e19 } },
      "SVC0002",
      "commonEventHeader.startEpochMicrosec",
    ],
    ["no severity", { fault: { eventSeverity: undefined } }, "SVC2006", "faultFields.eventSeverity"],
    ["an unknown severity", { fault: { eventSeverity: "BAD" } }, "SVC0002", "faultFields.eventSeverity"],
    [
      "a condition that is too long",
      { fault: { alarmCondition: "x".repeat(257) } },
      "SVC0002",
      "faultFields.alarmCondition",
    ],
    [
      "additional information in numbers",
      { fault: { alarmAdditionalInformation: { a: 1 } } },
      "SVC0002",
      "faultFields.alarmAdditionalInformation",
    ],
  ] as const)("%s is refused by name, and nothing is kept", async (_name, parts, messageId, attribute) => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const said = await intake.post("/v1/alarms/ves", fault(parts));
    expect(said.status).toBe(400);
    expect(said.body.results?.[0]).toMatchObject({
      status: "rejected",
      field: `/event/${attribute.replaceAll(".", "/")}`,
    });
    expect(said.body["requestError"]).toMatchObject({
      ServiceException: { messageId },
    });
    expect(sink.kept).toEqual([]);
  });

  test("a batch with one bad event is refused by name, and the good ones are kept", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const eventList = [
      fault().event,
      fault({ header: { eventId: "2" }, fault: { eventSeverity: "BAD" } }).event,
      fault({ header: { eventId: "3" } }).event,
    ];
    const said = await intake.post("/v1/alarms/ves", { eventList });
    expect(said).toMatchObject({
      status: 400,
      body: {
        requestError: {
          ServiceException: {
            messageId: "SVC0002",
            variables: ["eventList.1.faultFields.eventSeverity", expect.stringContaining("the other 2 of 3")],
          },
        },
        results: [{ status: "accepted" }, { status: "rejected" }, { status: "accepted" }],
      },
    });
    expect(sink.kept.length).toBe(2);
  });

  test.each([
    ["neither event nor eventList", {}],
    ["both", { event: fault().event, eventList: [fault().event] }],
    ["an empty list", { eventList: [] }],
    ["something else in the list", { eventList: [7] }],
    ["too many", { eventList: Array.from({ length: limits.alarmsPerRequestMax + 1 }, () => 1) }],
  ])("%s is refused in VES's form", async (_name, body) => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    const said = await intake.post("/v1/alarms/ves", body);
    expect([400, 413]).toContain(said.status);
    expect(said.body["requestError"]).toMatchObject({ ServiceException: { text: expect.any(String) } });
  });

  test("the paths that senders build themselves, single and batch", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    for (const path of ["eventListener/v4", "eventListener/v7", "eventListener/v7/eventBatch"])
      expect((await intake.post(`/v1/alarms/ves/${path}`, fault())).status).toBe(202);
    expect(sink.kept.length).toBe(1);
  });
});

describe("3GPP alarms in stndDefined", () => {
  test("new, changed, cleared: one alarm; what is about alarms and is none is said to be", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const eventTime = "2026-11-23T08:00:00Z";
    const eventList = [
      notify("notifyNewAlarm", { eventTime, perceivedSeverity: "MINOR" }),
      notify("notifyChangedAlarm", { eventTime, perceivedSeverity: "CRITICAL" }, 2),
      notify("notifyAckStateChanged", {}, 3),
      notify("notifyComments", {}, 4),
      notify("notifyAlarmListRebuiltAlarm", {}, 5),
      notify("notifyClearedAlarm", { eventTime: "2026-11-23T08:05:00Z", perceivedSeverity: "CLEARED" }, 6),
    ].map(({ event }) => event);
    const said = await intake.post("/v1/alarms/ves", { eventList });
    expect(said.status).toBe(202);
    expect(said.body.results?.map(({ status }) => status)).toEqual([
      "accepted",
      "accepted",
      "ignored",
      "ignored",
      "ignored",
      "accepted",
    ]);
    expect(said.body.results?.[4]?.detail).toContain("send its active alarms again");
    expect(sink.kept.map(({ kind, severity }) => [kind, severity])).toEqual([
      ["raise", "minor"],
      ["change", "critical"],
      ["clear", "indeterminate"],
    ]);
    expect(sink.kept[0]?.raisedAt).toBe(Date.parse(eventTime));
    expect(sink.kept[2]?.clearedAt).toBe(Date.parse("2026-11-23T08:05:00Z"));
    expect(new Set(sink.kept.map(({ alarm }) => alarm))).toEqual(new Set(['["scfx0001vm002cap001","1"]']));
  });

  test("an unknown notification is refused, not guessed", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const said = await intake.post("/v1/alarms/ves", notify("notifySomething"));
    expect(said.status).toBe(400);
    expect(sink.kept).toEqual([]);
  });
});

test("a network element whose name is long when it is percent-encoded is an alarm's object like any other", async () => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  const sourceName = "基站".repeat(20);
  const text = read("ves7_valid_30_1_1_event.json").replace(
    /"sourceName":\s*"[^"]*"/,
    `"sourceName": "${sourceName}"`,
  );
  expect((await intake.post("/v1/alarms/ves", text)).status).toBe(202);
  expect(sink.kept).toMatchObject([{ alarmedObject: sourceName, sourceSystemId: sourceName }]);
});
