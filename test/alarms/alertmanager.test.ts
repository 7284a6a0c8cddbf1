/** Alertmanager's webhook, payload version 4. */
import { describe, expect, test } from "vitest";

import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import { limits } from "../../machines/limits.ts";
import { alertOf, startHttpIntake, webhookOf } from "./http-rig.ts";

const path = "/v1/alarms/alertmanager";
const statuses = (said: { body: { results?: readonly { status: string }[] } }) =>
  said.body.results?.map(({ status }) => status);

test("the whole alarm: identity, times, texts", async () => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  expect(await intake.post(path, webhookOf(alertOf()))).toMatchObject({
    status: 200,
    body: { results: [{ status: "accepted", position: 1 }] },
  });
  expect(sink.kept).toEqual([
    {
      source: "urn:alertmanager",
      id: "9b2fa1/2026-11-23T08:00:00.123Z/firing",
      kind: "raise",
      key: "node-1:9100",
      alarm: '["alertmanager","9b2fa1"]',
      alarmedObject: "node-1:9100",
      alarmType: "LinkDown",
      probableCause: "LinkDown",
      sourceSystemId: "alertmanager",
      severity: "critical",
      raisedAt: Date.parse("2026-11-23T08:00:00.123Z"),
      plannedOutage: false,
      details: "summary: Link down for 5 s\nhttp://prometheus/graph",
    },
  ]);
});

test("A4: a repeat is a duplicate, whatever its annotations and endsAt say by then, and however its time is written", async () => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  const repeats = [
    alertOf(),
    alertOf({ annotations: { summary: "Link down for 4 h" }, endsAt: "2026-11-23T12:04:00Z" }),
    alertOf({ startsAt: "2026-11-23T10:00:00.123456789+02:00", generatorURL: "http://other/graph" }),
  ];
  expect(statuses(await intake.post(path, webhookOf(...repeats)))).toEqual([
    "accepted",
    "duplicate",
    "duplicate",
  ]);
  const resolved = alertOf({ status: "resolved", endsAt: "2026-11-23T09:00:00Z" });
  const fromAnother = alertOf({ status: "resolved", endsAt: "2026-11-23T09:00:05Z" });
  expect(statuses(await intake.post(path, webhookOf(resolved, fromAnother)))).toEqual([
    "accepted",
    "duplicate",
  ]);
  const anew = alertOf({ startsAt: "2026-11-23T11:00:00Z" });
  expect(statuses(await intake.post(path, webhookOf(anew)))).toEqual(["accepted"]);
  expect(sink.kept.map(({ kind }) => kind)).toEqual(["raise", "clear", "raise"]);
  expect(sink.kept[1]?.clearedAt).toBe(Date.parse("2026-11-23T09:00:00Z"));
});

test("A8: a clear finds its raise though another Prometheus has moved startsAt in between", async () => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  const earlier = { startsAt: "2026-11-23T07:59:55Z" };
  await intake.post(path, webhookOf(alertOf()));
  await intake.post(path, webhookOf(alertOf({ ...earlier, status: "resolved" })));
  expect(sink.kept.map(({ kind, alarm }) => [kind, alarm])).toEqual([
    ["raise", '["alertmanager","9b2fa1"]'],
    ["clear", '["alertmanager","9b2fa1"]'],
  ]);
});

test.each([
  ["critical", "critical"],
  ["Page", "critical"],
  ["error", "major"],
  ["high", "major"],
  ["medium", "minor"],
  ["warning", "warning"],
  ["info", "indeterminate"],
  ["toString", "indeterminate"],
  [undefined, "indeterminate"],
])("severity %s is X.733 %s", async (severity, expected) => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  await intake.post(path, webhookOf(alertOf({ labels: { instance: "a", severity } })));
  expect(sink.kept[0]?.severity).toBe(expected);
});

test("severity none, a watchdog's, is no alarm and said to be none", async () => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  const said = await intake.post(path, webhookOf(alertOf({ labels: { severity: "none" } })));
  expect(said).toMatchObject({ status: 200, body: { results: [{ status: "ignored" }] } });
  expect(sink.kept).toEqual([]);
  expect(intake.logged).toContain("alarms.ignored");
});

test.each([
  [{ instance: "a", node: "b", job: "c" }, "a"],
  [{ alarmed_object: "x", instance: "a" }, "x"],
  [{ instance: "", pod: "p", job: "c" }, "p"],
  [{ alertname: "ClusterDown", severity: "critical" }, "ClusterDown"],
])("labels %j are about %s", async (labels, object) => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  await intake.post(path, webhookOf(alertOf({ labels })));
  expect(sink.kept[0]?.alarmedObject).toBe(object);
});

describe("refused, by name", () => {
  test.each([
    ["another version", { ...webhookOf(), version: "3" }, "INVALID", "/version"],
    ["no alerts", { version: "4" }, "MISSING", "/alerts"],
    [
      "too many alerts",
      { version: "4", alerts: Array.from({ length: limits.alarmsPerRequestMax + 1 }, () => 1) },
      "TOO_LARGE",
      "/alerts",
    ],
    ["no fingerprint", webhookOf(alertOf({ fingerprint: undefined })), "MISSING", "/alerts/0/fingerprint"],
    ["an unknown status", webhookOf(alertOf({ status: "gone" })), "INVALID", "/alerts/0/status"],
    [
      "a time without a zone",
      webhookOf(alertOf({ startsAt: "2026-11-23T08:00:00" })),
      "INVALID",
      "/alerts/0/startsAt",
    ],
    [
      "no label to name an object",
      webhookOf(alertOf({ labels: { severity: "page" } })),
      "MISSING",
      "/alerts/0/labels",
    ],
    [
      "a label that is a number",
      webhookOf(alertOf({ labels: { instance: 7 } })),
      "INVALID",
      "/alerts/0/labels/instance",
    ],
    [
      "a label on two lines",
      webhookOf(alertOf({ labels: { instance: "a\nb" } })),
      "INVALID",
      "/alerts/0/labels",
    ],
  ])("%s", async (_name, body, code, field) => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    expect(await intake.post(path, body)).toMatchObject({
      status: 400,
      type: "application/problem+json",
      body: { code, field },
    });
    expect(sink.kept).toEqual([]);
  });

  test("one bad alert of a group: the others are kept, and the answer is 400", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const said = await intake.post(
      path,
      webhookOf(alertOf(), alertOf({ fingerprint: "?" }), alertOf({ fingerprint: "b" })),
    );
    expect(said).toMatchObject({ status: 400, body: { field: "/alerts/1/fingerprint" } });
    expect(statuses(said)).toEqual(["accepted", "rejected", "accepted"]);
    expect(sink.kept.length).toBe(2);
  });
});

test("alerts that the sender left out are reported in the log", async () => {
  const intake = await startHttpIntake(new MemoryAlarmSink());
  await intake.post(path, { ...webhookOf(alertOf()), truncatedAlerts: 2 });
  expect(intake.logged).toContain("alarms.requestIncomplete");
});

test("annotations with control characters, and longer than details may be, are kept as far as they can be", async () => {
  const sink = new MemoryAlarmSink();
  const intake = await startHttpIntake(sink);
  const summary = `a\u0000b${"😀".repeat(limits.alarmDetailsCharsMax)}`;
  expect((await intake.post(path, webhookOf(alertOf({ annotations: { summary } })))).status).toBe(200);
  expect(sink.kept[0]?.details).toMatch(/^summary: a b😀/u);
  expect(sink.kept[0]?.details?.isWellFormed()).toBe(true);
});
