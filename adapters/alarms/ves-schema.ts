/**
 * What is required of a VES event: the common header of VES 4, 5 and 7, the fault fields, and what the
 * collector of ONAP checks beside them. Every message completes the sentence "expected …". Members that are
 * not listed are allowed.
 * Source: VES Event Listener 7.2.1, CommonEventFormat 27.2 (VES 4), 28.4.1 (VES 5), 30.2.1 (VES 7).
 */
import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";

import type { JsonObject } from "../../actors/alarm-json.ts";
import { isObject } from "../../actors/alarm-json.ts";
import { limits } from "../../machines/limits.ts";

const lastMicrosecond = Date.UTC(limits.latestYear + 1, 0, 1) * 1_000 - 1;

function text(what: string) {
  return z.string(`${what}: text`).min(1, `${what}: text that is not empty`);
}

function microseconds(what: string) {
  const expected = `${what}: microseconds since 1970, up to the year ${limits.latestYear}`;
  return z.number(expected).min(0, expected).max(lastMicrosecond, expected);
}

const domains = [
  "fault",
  "heartbeat",
  "measurement",
  "measurementsForVfScaling",
  "mobileFlow",
  "notification",
  "other",
  "perf3gpp",
  "pnfRegistration",
  "sipSignaling",
  "stateChange",
  "stndDefined",
  "syslog",
  "thresholdCrossingAlert",
  "voiceQuality",
] as const;
const priorities = ["High", "Medium", "Normal", "Low"] as const;

const common = {
  domain: z.enum(domains, `domain: one of ${domains.join(", ")}`),
  eventId: text("eventId"),
  lastEpochMicrosec: microseconds("lastEpochMicrosec"),
  priority: z.enum(priorities, `priority: one of ${priorities.join(", ")}`),
  reportingEntityName: text("reportingEntityName"),
  sequence: z.int("sequence: a whole number, 0 or more").min(0, "sequence: a whole number, 0 or more"),
  sourceName: text("sourceName"),
  startEpochMicrosec: microseconds("startEpochMicrosec"),
  stndDefinedNamespace: z.string("stndDefinedNamespace: text").optional(),
};
const number = z.number("version: a number, as VES 4 and 5 write it");

const header4 = z.object({
  ...common,
  functionalRole: z.string("functionalRole: text"),
  version: number.optional(),
});
const header5 = z.object({ ...common, eventName: text("eventName"), version: number });
const version7 = "version: text, 4.0, 4.0.1 or 4.1";
const listener7 = "vesEventListenerVersion: a version of VES 7, such as 7.2.1";
const header7 = z.object({
  ...common,
  eventName: text("eventName"),
  version: z.string(version7).regex(/^4\.\d+(?:\.\d+)?$/, version7),
  vesEventListenerVersion: z.string(listener7).regex(/^7\.\d+(?:\.\d+)?$/, listener7),
});

/** VES 7 writes its versions as text; VES 5 named the event, VES 4 the role. */
export function headerSchemaOf(header: JsonObject) {
  if (header["vesEventListenerVersion"] !== undefined || typeof header["version"] === "string")
    return header7;
  return header["functionalRole"] === undefined ? header5 : header4;
}

export type VesHeader = z.output<typeof header4> | z.output<typeof header5> | z.output<typeof header7>;

export const vesSeverities = {
  CRITICAL: "critical",
  MAJOR: "major",
  MINOR: "minor",
  WARNING: "warning",
  NORMAL: "cleared",
} as const;
const severityNames = Object.keys(vesSeverities) as (keyof typeof vesSeverities)[];
const vfStates = /^(?:active|idle|preparing to terminate|ready to terminate|requesting termination)$/i;
const additional = "alarmAdditionalInformation: an object of texts, or a list of {name, value}";

export const faultFieldsSchema = z.object(
  {
    alarmCondition: text("alarmCondition"),
    eventSeverity: z.enum(severityNames, `eventSeverity: one of ${severityNames.join(", ")}`),
    eventSourceType: text("eventSourceType"),
    specificProblem: z.string("specificProblem: text"),
    vfStatus: z
      .string("vfStatus: text")
      .regex(
        vfStates,
        "vfStatus: one of Active, Idle, Preparing to terminate, Ready to terminate, Requesting termination",
      ),
    eventCategory: z.string("eventCategory: text").optional(),
    alarmInterfaceA: z.string("alarmInterfaceA: text").optional(),
    alarmAdditionalInformation: z
      .union(
        [z.record(z.string(), z.string()), z.array(z.object({ name: z.string(), value: z.string() }))],
        additional,
      )
      .optional(),
  },
  "faultFields: an object, for the domain is fault",
);

const ipv4 = "oamV4IpAddress: an IPv4 address";
const ipv6 = "oamV6IpAddress: an IPv6 address";

export const pnfRegistrationSchema = z.object(
  {
    pnfRegistrationFieldsVersion: text("pnfRegistrationFieldsVersion"),
    oamV4IpAddress: z.string(ipv4).refine(isIPv4, ipv4).optional(),
    oamV6IpAddress: z.string(ipv6).refine(isIPv6, ipv6).optional(),
  },
  "pnfRegistrationFields: an object, for the domain is pnfRegistration",
);

/** Names one of 3GPP's notification schemas after `#`, wherever the file lies. */
const schemaReference =
  "schemaReference: a URI whose fragment names a notification, such as #components/schemas/NotifyNewAlarm";

export const stndDefinedFieldsSchema = z.object(
  {
    schemaReference: z.string(schemaReference).optional(),
    data: z.custom<JsonObject>(isObject, "data: an object"),
    stndDefinedFieldsVersion: z.literal("1.0", 'stndDefinedFieldsVersion: "1.0"'),
  },
  "stndDefinedFields: an object, for the domain is stndDefined",
);

export const faultSupervisionFieldsSchema = stndDefinedFieldsSchema.extend({
  schemaReference: z
    .string(schemaReference)
    .regex(/#\/?(?:\w+\/)*notify\w+(?:-NotifType)?$/i, schemaReference)
    .optional(),
});

const named = z.union([z.string().min(1), z.int()]);
const severity3gpp = "perceivedSeverity: one of INDETERMINATE, CRITICAL, MAJOR, MINOR, WARNING, CLEARED";

/** The part of a 3GPP alarm notification that is read. Causes and problems may be numbers there. */
export const faultNotificationSchema = z.object({
  alarmId: text("alarmId"),
  alarmType: text("alarmType"),
  probableCause: named.or(z.never("probableCause: text or a whole number")),
  perceivedSeverity: z
    .string(severity3gpp)
    .regex(/^(?:indeterminate|critical|major|minor|warning|cleared)$/i, severity3gpp),
  eventTime: z.string("eventTime: text").optional(),
  specificProblem: named.or(z.never("specificProblem: text or a whole number")).optional(),
  additionalText: z.string("additionalText: text").optional(),
  proposedRepairActions: z.string("proposedRepairActions: text").optional(),
});
