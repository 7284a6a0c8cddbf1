/**
 * 3GPP alarms inside VES events of domain `stndDefined`.
 * Source: 3GPP TS 28.532 release 16, faultMnS.yaml; VES 7.2, `stndDefinedFields`.
 */
import type { JsonObject } from "../../actors/alarm-json.ts";
import { parseInstant } from "../../actors/alarm-schema.ts";
import type { AlarmItem, FormatSettings } from "./alarm-format.ts";
import { asDetails, instantText, readTranslated, refusalOfIssue, refused } from "./alarm-format.ts";
import type { VesHeader } from "./ves-schema.ts";
import {
  faultNotificationSchema,
  faultSupervisionFieldsSchema,
  stndDefinedFieldsSchema,
} from "./ves-schema.ts";

export const faultNamespace = "3GPP-FaultSupervision";

const eventTypes = {
  notifyNewAlarm: "org.tmforum.alarm.AlarmCreateEvent",
  notifyChangedAlarm: "org.tmforum.alarm.AlarmAttributeValueChangeEvent",
  notifyChangedAlarmGeneral: "org.tmforum.alarm.AlarmAttributeValueChangeEvent",
  notifyClearedAlarm: "org.tmforum.alarm.AlarmStateChangeEvent",
} as const;

/** Notifications of the same interface that say nothing about whether a fault is there. */
const noAlarms: Readonly<Record<string, string>> = {
  notifyAckStateChanged: "who has seen an alarm",
  notifyComments: "comments on an alarm",
  notifyCorrelatedNotificationChanged: "how notifications belong together",
  notifyAlarmListRebuiltAlarm: "that its alarm list was rebuilt; let the source send its active alarms again",
  notifyAlarmListRebuilt: "that its alarm list was rebuilt; let the source send its active alarms again",
  notifyPotentialFaultyAlarmList:
    "that its alarm list may be wrong; let the source send its active alarms again when it is right",
};

interface Names {
  readonly source: string;
  readonly id: string;
}

export function readStndDefined(
  event: JsonObject,
  header: VesHeader,
  names: Names,
  place: string,
  settings: FormatSettings,
): AlarmItem {
  const isFault = header.stndDefinedNamespace === faultNamespace;
  const fields = (isFault ? faultSupervisionFieldsSchema : stndDefinedFieldsSchema).safeParse(
    event["stndDefinedFields"],
  );
  const fieldsPlace = `${place}/stndDefinedFields`;
  if (!fields.success)
    return {
      kind: "refused",
      refusal: refusalOfIssue(event["stndDefinedFields"], fields.error, fieldsPlace, names),
    };
  if (!isFault)
    return {
      kind: "ignored",
      ...names,
      detail: `namespace ${header.stndDefinedNamespace ?? ""} is not read; alarms come in ${faultNamespace}`,
    };
  return readNotification(fields.data.data, header, names, `${fieldsPlace}/data`, settings);
}

function readNotification(
  data: JsonObject,
  header: VesHeader,
  names: Names,
  place: string,
  settings: FormatSettings,
): AlarmItem {
  const type = data["notificationType"];
  const about = typeof type === "string" && Object.hasOwn(noAlarms, type) ? noAlarms[type] : undefined;
  if (about !== undefined) return { kind: "ignored", ...names, detail: `${String(type)} tells ${about}` };
  if (!isAlarm(type))
    return refused(
      type === undefined ? "MISSING" : "INVALID",
      `${place}/notificationType`,
      `expected notificationType: one of ${Object.keys(eventTypes).join(", ")}${type === undefined ? "; it is missing" : ""}`,
      names,
    );
  const read = faultNotificationSchema.safeParse(data);
  if (!read.success) return { kind: "refused", refusal: refusalOfIssue(data, read.error, place, names) };
  const alarm = read.data;
  const severity = type === "notifyClearedAlarm" ? "cleared" : alarm.perceivedSeverity.toLowerCase();
  const isClear = severity === "cleared";
  const told = parseInstant(alarm.eventTime ?? "");
  const raised = isClear ? null : told;
  const cleared = told ?? header.lastEpochMicrosec / 1_000;
  return readTranslated(
    {
      ...names,
      type: eventTypes[type],
      time: instantText(told ?? header.lastEpochMicrosec / 1_000),
      data: {
        externalAlarmId: alarm.alarmId,
        alarmedObject: { id: header.sourceName },
        alarmType: alarm.alarmType,
        probableCause: String(alarm.probableCause),
        perceivedSeverity: severity,
        sourceSystemId: header.sourceName,
        state: isClear ? "cleared" : type === "notifyNewAlarm" ? "raised" : "updated",
        alarmRaisedTime: instantText(raised ?? header.startEpochMicrosec / 1_000),
        ...(isClear ? { alarmClearedTime: instantText(cleared) } : undefined),
        ...(alarm.specificProblem === undefined
          ? undefined
          : { specificProblem: String(alarm.specificProblem) }),
        alarmDetails: detailsOf(data, alarm),
      },
    },
    settings,
    place,
    places,
  );
}

function isAlarm(type: unknown): type is keyof typeof eventTypes {
  return typeof type === "string" && Object.hasOwn(eventTypes, type);
}

function detailsOf(
  data: JsonObject,
  {
    additionalText,
    proposedRepairActions,
  }: { additionalText?: string | undefined; proposedRepairActions?: string | undefined },
): string {
  const named = ["systemDN", "href", "objectInstance"].flatMap((name) =>
    typeof data[name] === "string" ? [`${name}: ${data[name]}`] : [],
  );
  return asDetails([
    ...(additionalText === undefined ? [] : [additionalText]),
    ...(proposedRepairActions === undefined ? [] : [`Proposed repair: ${proposedRepairActions}`]),
    ...named,
  ]);
}

const places = {
  "/data/externalAlarmId": "/alarmId",
  "/data/alarmType": "/alarmType",
  "/data/probableCause": "/probableCause",
  "/data/specificProblem": "/specificProblem",
};
