/**
 * `POST /v1/alarms/alertmanager`: the webhook of Prometheus' Alertmanager, payload version 4.
 *   A4 fingerprint, startsAt and status name a notification: a repeat of a firing alert, or the same from a
 *   second Alertmanager, is a duplicate whatever its annotations say by then.
 * Raise and clear are paired by the fingerprint alone: where several Prometheus report one alert, its
 * startsAt can move to an earlier one between the two.
 * Source: Alertmanager's webhook payload version 4.
 */
import { z } from "zod";

import { parseInstant } from "../../actors/alarm-schema.ts";
import { limits } from "../../machines/limits.ts";
import type { Instant, Notification, Severity } from "../../machines/vocabulary.ts";
import type { AlarmFormat, AlarmItem, BodyReading, FormatSettings } from "./alarm-format.ts";
import {
  asDetails,
  instantText,
  problemOf,
  readJsonObject,
  readTranslated,
  refusalOf,
  refusalOfIssue,
} from "./alarm-format.ts";

/** Label `severity`, any case, to X.733. Any other word, and none: indeterminate. */
const severities: Readonly<Record<string, Severity>> = {
  critical: "critical",
  emergency: "critical",
  disaster: "critical",
  page: "critical",
  p1: "critical",
  major: "major",
  error: "major",
  high: "major",
  p2: "major",
  minor: "minor",
  medium: "minor",
  average: "minor",
  p3: "minor",
  warning: "warning",
  warn: "warning",
  low: "warning",
  ticket: "warning",
  p4: "warning",
  info: "indeterminate",
  information: "indeterminate",
};

/** Labels that may say what the alert is about, best first. */
const objectLabels = [
  "alarmed_object",
  "instance",
  "node",
  "host",
  "hostname",
  "device",
  "target",
  "pod",
  "service",
  "job",
  "cluster",
  "alertname",
] as const;

const instant = (what: string) => {
  const expected = `${what}: an RFC 3339 date and time with a zone`;
  return z.string(expected).transform((value, context) => {
    const parsed = parseInstant(value);
    if (parsed !== null) return parsed;
    context.issues.push({ code: "custom", message: expected, input: value });
    return z.NEVER;
  });
};
const texts = (what: string) =>
  z.record(z.string(), z.string(`${what}: an object of texts`), `${what}: an object of texts`);

const alertSchema = z.object(
  {
    status: z.enum(["firing", "resolved"], "status: firing or resolved"),
    labels: texts("labels"),
    annotations: texts("annotations").optional(),
    startsAt: instant("startsAt"),
    // Of a firing alert it lies in the future or in the year 1.
    endsAt: z.string("endsAt: text").optional(),
    generatorURL: z.string("generatorURL: text").optional(),
    fingerprint: z
      .string("fingerprint: text")
      .regex(/^[\w.:-]{1,128}$/, "fingerprint: 1 to 128 letters, digits and . : _ -"),
  },
  "an alert object",
);

const payloadSchema = z.object({
  version: z.literal("4", 'version: "4"'),
  truncatedAlerts: z.number().optional(),
  alerts: z
    .array(z.unknown(), "alerts: a list of alerts")
    .max(limits.alarmsPerRequestMax, `alerts: at most ${limits.alarmsPerRequestMax}; set max_alerts`),
});

export const alertmanagerFormat: AlarmFormat = {
  paths: ["/v1/alarms/alertmanager"],
  mediaTypes: ["application/json"],
  success: 200,
  read(body, { settings }): BodyReading {
    const json = readJsonObject(body, "an Alertmanager webhook payload");
    if (!json.ok) return json;
    const read = payloadSchema.safeParse(json.value);
    if (!read.success) return { ok: false, refusal: refusalOfIssue(json.value, read.error, "") };
    const { alerts, truncatedAlerts = 0 } = read.data;
    const items = alerts.map((alert, index) => readAlert(alert, `/alerts/${index}`, settings));
    const warning = `${truncatedAlerts} alerts were left out by the sender (max_alerts); they are not known here`;
    return truncatedAlerts > 0 ? { ok: true, items, warning } : { ok: true, items };
  },
  successBody: (results) => ({ results }),
  refusal: problemOf,
};

const source = "urn:alertmanager";

function readAlert(raw: unknown, place: string, settings: FormatSettings): AlarmItem {
  const read = alertSchema.safeParse(raw);
  if (!read.success) return { kind: "refused", refusal: refusalOfIssue(raw, read.error, place) };
  const alert = read.data;
  const { labels, fingerprint } = alert;
  const startsAt = instantText(alert.startsAt);
  const id = `${fingerprint}/${startsAt}/${alert.status}`;
  const word = (labels["severity"] ?? "").trim().toLowerCase();
  if (word === "none")
    return { kind: "ignored", source, id, detail: "severity none: proof that alerting works, no alarm" };
  const isClear = alert.status === "resolved";
  const endsAt = isClear ? parseInstant(alert.endsAt ?? "") : null;
  const object = objectLabels
    .map((name) => labels[name])
    .find((value) => value !== undefined && value !== "");
  if (object === undefined)
    return {
      kind: "refused",
      refusal: refusalOf(
        "MISSING",
        `${place}/labels`,
        `expected one of the labels ${objectLabels.join(", ")}`,
        {
          source,
          id,
        },
      ),
    };
  const item = readTranslated(
    {
      source,
      id,
      type: `org.tmforum.alarm.${isClear ? "AlarmStateChangeEvent" : "AlarmCreateEvent"}`,
      time: endsAt === null ? startsAt : instantText(endsAt),
      data: {
        externalAlarmId: fingerprint,
        sourceSystemId: "alertmanager",
        alarmedObject: { id: object },
        alarmType: labels["alertname"] || "alert",
        probableCause: labels["alertname"] || "alert",
        perceivedSeverity: isClear
          ? "cleared"
          : Object.hasOwn(severities, word)
            ? severities[word]
            : "indeterminate",
        state: isClear ? "cleared" : "raised",
        alarmRaisedTime: startsAt,
        ...(endsAt === null ? undefined : { alarmClearedTime: instantText(endsAt) }),
        alarmDetails: detailsOf(alert),
      },
    },
    settings,
    place,
    { "/data/alarmedObject/id": "/labels", "/data/alarmType": "/labels", "/data/probableCause": "/labels" },
  );
  if (item.kind !== "alarm") return item;
  const { notification } = item;
  return {
    ...item,
    // The id says all of the state; annotations and endsAt may differ from one delivery to the next.
    digest: settings.digest(id),
    // A8: after Prometheus was out of reach an alert that was resolved fires again as it did before.
    anew: () =>
      endsOrBegins(notification, settings.activeSince(notification))
        ? { ...notification, id: `${id}/${instantText(settings.now())}` }
        : null,
  };
}

/** Not where it ended before that which is active now began: that is a late repeat. */
function endsOrBegins({ clearedAt }: Notification, activeSince: Instant | null): boolean {
  if (clearedAt === undefined) return activeSince === null;
  return activeSince !== null && activeSince <= clearedAt;
}

function detailsOf({ annotations = {}, generatorURL }: z.output<typeof alertSchema>): string {
  const lines = Object.entries(annotations).map(([name, value]) => `${name}: ${value}`);
  return asDetails(generatorURL ? [...lines, generatorURL] : lines);
}
