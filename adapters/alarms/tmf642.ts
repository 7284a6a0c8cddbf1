/**
 * `POST /v1/alarms/tmf642`: a listener of a TMF642 v4 alarm management system's hub.
 *   A8 a change of an alarm that is cleared is refused: in TMF642 a cleared alarm stays cleared, and as a raise
 *   it would make a ticket that nothing closes.
 * Source: TMF642 v4.0.0, "listener" operations and notification events.
 */
import { z } from "zod";

import type { JsonObject } from "../../actors/alarm-json.ts";
import { isObject } from "../../actors/alarm-json.ts";
import { limits } from "../../machines/limits.ts";
import type { AlarmFormat, AlarmItem, BodyReading, BodyRequest, FormatSettings } from "./alarm-format.ts";
import {
  readJsonObject,
  readTranslated,
  refusalOf,
  refusalOfIssue,
  refused,
  sourceOf,
} from "./alarm-format.ts";

const alarmEvents = [
  "AlarmCreateEvent",
  "AlarmAttributeValueChangeEvent",
  "AlarmStateChangeEvent",
  "AlarmDeleteEvent",
] as const;
/** Tasks of people and systems on alarms. Those that clear name the alarms they cleared; the others clear none. */
const clearEvents = ["ClearAlarmsCreateEvent", "ClearAlarmsStateChangeEvent"] as const;
const taskEvents = ["AckAlarms", "UnAckAlarms", "CommentAlarms", "GroupAlarms", "UnGroupAlarms"].flatMap(
  (task) => [`${task}CreateEvent`, `${task}StateChangeEvent`],
);
const eventTypes: readonly string[] = [...alarmEvents, ...clearEvents, ...taskEvents];

const basePath = "/v1/alarms/tmf642";
const listenerPath = (type: string) => `${basePath}/listener/${type[0]?.toLowerCase()}${type.slice(1)}`;
const typeOfPath = new Map(eventTypes.map((type) => [listenerPath(type), type]));

const eventIdExpected = `eventId: text of 1 to ${limits.alarmIdCharsMax} characters`;

const eventSchema = z.object({
  /** S3: it is said again for each alarm of a task. */
  eventId: z.string(eventIdExpected).min(1, eventIdExpected).max(limits.alarmIdCharsMax, eventIdExpected),
  eventTime: z.string("eventTime: an RFC 3339 date and time with a zone").nullish(),
  /** As the specification spells it, and as one would. */
  timeOcurred: z.string("timeOcurred: an RFC 3339 date and time with a zone").nullish(),
  timeOccurred: z.string("timeOccurred: an RFC 3339 date and time with a zone").nullish(),
  eventType: z
    .enum(eventTypes as [string, ...string[]], `eventType: one of ${eventTypes.join(", ")}`)
    .nullish(),
  event: z.custom<JsonObject>(isObject, "event: an object"),
});
type Event = z.output<typeof eventSchema>;

export const tmf642Format: AlarmFormat = {
  paths: [basePath, ...typeOfPath.keys()],
  mediaTypes: ["application/json"],
  success: 201,
  read(body, request): BodyReading {
    const json = readJsonObject(body, "a TMF642 event");
    if (!json.ok) return json;
    const read = eventSchema.safeParse(json.value);
    if (!read.success) return { ok: false, refusal: refusalOfIssue(json.value, read.error, "") };
    return itemsOf(read.data, request);
  },
  /** An EventSubscription, as the specification says of listeners, which has no better word; and the results. */
  successBody: (results) => ({ id: results[0]?.id ?? "", callback: basePath, results }),
  refusal: ({ status, code, field, detail, results }) => ({
    contentType: "application/json",
    body: {
      code,
      reason: field === "" ? detail : `${field}: ${detail}`,
      message: detail,
      status: String(status),
      results,
    },
  }),
};

function itemsOf(event: Event, { path, settings }: BodyRequest): BodyReading {
  const wrong = (code: "MISSING" | "INVALID" | "TOO_LARGE", field: string, detail: string) =>
    ({ ok: false, refusal: refusalOf(code, field, detail, { id: event.eventId }) }) as const;
  const listened = typeOfPath.get(path);
  const type = listened ?? event.eventType;
  if (!type) return wrong("MISSING", "/eventType", `expected eventType: one of ${eventTypes.join(", ")}`);
  if (event.eventType && event.eventType !== type)
    return wrong("INVALID", "/eventType", `expected ${type}, for that is what this path listens to`);
  const time = event.eventTime ?? event.timeOcurred ?? event.timeOccurred;
  if (!time) return wrong("MISSING", "/eventTime", "expected eventTime; it is missing");
  const alarmType = alarmEvents.find((one) => one === type);
  if (alarmType !== undefined) return { ok: true, items: [readAlarm(event, alarmType, time, settings)] };
  if (!type.startsWith("Clear"))
    return {
      ok: true,
      items: [ignored(event, `${type} is a task on alarms, and changes no fault`)],
    };
  const task = event.event["clearAlarms"];
  if (!isObject(task))
    return wrong("MISSING", "/event/clearAlarms", "expected clearAlarms: an object; it is missing");
  const { alarmClearedTime } = task;
  // S3: it is read again for each alarm of the task.
  if (alarmClearedTime !== undefined && alarmClearedTime !== null && typeof alarmClearedTime !== "string")
    return wrong(
      "INVALID",
      "/event/clearAlarms/alarmClearedTime",
      "expected alarmClearedTime: an RFC 3339 date and time with a zone",
    );
  const cleared = task["clearedAlarm"] ?? [];
  if (!Array.isArray(cleared))
    return wrong("INVALID", "/event/clearAlarms/clearedAlarm", "expected a list of alarms");
  if (cleared.length > limits.alarmsPerRequestMax)
    return wrong(
      "TOO_LARGE",
      "/event/clearAlarms/clearedAlarm",
      `expected at most ${limits.alarmsPerRequestMax}`,
    );
  if (cleared.length === 0)
    return { ok: true, items: [ignored(event, "a task to clear that has cleared nothing yet")] };
  return {
    ok: true,
    items: cleared.map((alarm, index) => readCleared(event, { task, alarm, index, time }, settings)),
  };
}

function ignored({ eventId }: Event, detail: string): AlarmItem {
  return { kind: "ignored", source: null, id: eventId, detail };
}

function readAlarm(
  { event, eventId }: Event,
  type: (typeof alarmEvents)[number],
  time: string,
  settings: FormatSettings,
): AlarmItem {
  const place = "/event/alarm";
  const alarm = withTextId(event["alarm"], place, eventId);
  if ("kind" in alarm) return alarm;
  const item = readTranslated(
    {
      source: systemOf(alarm.value, settings),
      id: eventId,
      type: `org.tmforum.alarm.${type}`,
      time,
      data: alarm.value,
    },
    settings,
    "",
    placesAt(place, alarm.value),
  );
  if (item.kind === "alarm" && item.notification.kind === "change" && settings.isCleared(item.notification))
    return {
      ...item,
      unlessRepeat: refusalOf(
        "INVALID",
        `${place}/state`,
        "expected cleared: this alarm is, and a cleared alarm stays cleared; raise a new one with AlarmCreateEvent",
        item.notification,
      ),
    };
  return item;
}

function readCleared(
  { eventId }: Event,
  {
    task,
    alarm: raw,
    index,
    time,
  }: { readonly task: JsonObject; readonly alarm: unknown; readonly index: number; readonly time: string },
  settings: FormatSettings,
): AlarmItem {
  const place = `/event/clearAlarms/clearedAlarm/${index}`;
  const alarm = withTextId(raw, place, eventId);
  if ("kind" in alarm) return alarm;
  const data = {
    ...alarm.value,
    alarmClearedTime: task["alarmClearedTime"] ?? alarm.value["alarmClearedTime"] ?? time,
    perceivedSeverity: "cleared",
    state: "cleared",
  };
  return readTranslated(
    {
      source: systemOf(data, settings),
      id: `${eventId}/${index}`,
      type: "org.tmforum.alarm.AlarmStateChangeEvent",
      time,
      data,
    },
    settings,
    "",
    placesAt(place, data),
  );
}

/** TMF642 types an alarm's `id` as integer and uses it as text; it stands in where `externalAlarmId` is absent. */
function withTextId(
  alarm: unknown,
  place: string,
  eventId: string,
): { readonly value: JsonObject } | Extract<AlarmItem, { kind: "refused" }> {
  const names = { id: eventId };
  if (!isObject(alarm))
    return refused(alarm === undefined ? "MISSING" : "INVALID", place, "expected alarm: an object", names);
  const { id, externalAlarmId } = alarm;
  if ((externalAlarmId !== undefined && externalAlarmId !== null) || id === undefined || id === null)
    return { value: alarm };
  if (typeof id === "string" || (typeof id === "number" && Number.isSafeInteger(id)))
    return { value: { ...alarm, externalAlarmId: String(id) } };
  return refused(
    "INVALID",
    `${place}/id`,
    `expected id: text, or a whole number of at most ${Number.MAX_SAFE_INTEGER}, which JSON keeps exactly`,
    names,
  );
}

/** Event ids are unique in the system that reports. */
function systemOf({ reportingSystemId, sourceSystemId }: JsonObject, settings: FormatSettings): string {
  const system = [reportingSystemId, sourceSystemId].find((one) => typeof one === "string" && one !== "");
  return sourceOf("tmf642", typeof system === "string" ? system : "", settings);
}

function placesAt(place: string, alarm: JsonObject): Readonly<Record<string, string>> {
  const inAlarm = [...Object.keys(alarm), ...alarmMembers].map((name) => [
    `/data/${name}`,
    `${place}/${name}`,
  ]);
  return {
    "/data/alarmedObject/id": `${place}/alarmedObject/id`,
    "/id": "/eventId",
    "/time": "/eventTime",
    "/source": `${place}/sourceSystemId`,
    ...Object.fromEntries(inAlarm),
  };
}

const alarmMembers = [
  "alarmRaisedTime",
  "alarmType",
  "alarmedObject",
  "perceivedSeverity",
  "probableCause",
  "sourceSystemId",
  "state",
];
