/**
 * One alarm event, from the text of a frame to a Notification or a refusal that names code and place.
 *   A4 the digest tells a repeat from a conflict.  S3 S7 bounds and prototypes, before anything reads on.
 * Never throws. A clear that lies before its raise is not refused here: clocks differ, and the machines
 * pair it (D0).
 * Source: wire.md, "Alarm intake"; laws.md, "Bad input and what it gets".
 */
import type { z } from "zod";

import { limits } from "../machines/limits.ts";
import type { Notification, NotificationKind } from "../machines/vocabulary.ts";
import type { JsonObject } from "./alarm-json.ts";
import { isObject, JsonWalk, pointer, scanJson } from "./alarm-json.ts";
import type { CorrelationKey } from "./alarm-key.ts";
import { alarmIdentity } from "./alarm-key.ts";
import type { ReadAlarmEvent } from "./alarm-schema.ts";
import { alarmEventSchema } from "./alarm-schema.ts";

export type AlarmRefusalCode = "INVALID" | "MISSING" | "CONFLICT" | "TOO_DEEP" | "TOO_LARGE";

/** Why an event is not taken. Sending it again unchanged gets the same answer. */
export interface AlarmRefusal {
  /** As sent, however wrong otherwise; null where there is no text to read. */
  readonly source: string | null;
  readonly id: string | null;
  readonly code: AlarmRefusalCode;
  /** JSON Pointer into the event; "" = the whole event. */
  readonly field: string;
  /** A sentence that says what was expected. */
  readonly detail: string;
}

export interface AlarmSettings {
  readonly correlationKey: CorrelationKey;
  /** Hex SHA-256 of a text. */
  digest(text: string): string;
}

/** `sequence`: the sender's count, 20 digits, where given and readable. */
export type AlarmReading = { readonly sequence: string | null } & (
  | { readonly ok: true; readonly notification: Notification; readonly digest: string }
  | { readonly ok: false; readonly refusal: AlarmRefusal }
);

/** Reads the text of one frame. */
export function parseAlarmEvent(text: string, settings: AlarmSettings): AlarmReading {
  if (bytesOf(text) > limits.alarmBytesMax)
    return refuse(null, "TOO_LARGE", "", `expected at most ${limits.alarmBytesMax} bytes`);
  const scan = scanJson(text);
  let event: unknown;
  try {
    // Safe at any depth that fits the bound above: V8 parses nesting in a loop (200,000 levels tried).
    event = JSON.parse(text);
  } catch {
    return refuse(null, "INVALID", "", "not JSON; expected one CloudEvents 1.0 object");
  }
  return readAlarmEvent(event, settings, scan.members);
}

/** In UTF-8; counted only where it could matter. */
function bytesOf(text: string): number {
  return text.length * 3 > limits.alarmBytesMax ? new TextEncoder().encode(text).length : text.length;
}

/**
 * Reads a value that `JSON.parse` gave. `membersWritten`: how many members the text had (`scanJson`);
 * a doubled name is refused, because which of the two counts is anyone's guess. Without it that is not checked.
 */
export function readAlarmEvent(
  event: unknown,
  settings: AlarmSettings,
  membersWritten?: number,
): AlarmReading {
  if (!isObject(event)) return refuse(null, "INVALID", "", "expected one CloudEvents 1.0 object");
  const walk = new JsonWalk();
  const content = contentOf(event, walk);
  if (walk.fault !== null) return refuse(event, walk.fault.code, walk.fault.field, walk.fault.detail);
  if (membersWritten !== undefined && membersWritten !== walk.members)
    return refuse(event, "INVALID", "", "a member name is there twice in one object; expected each once");
  const read = alarmEventSchema.safeParse(event);
  if (!read.success) return refuseIssue(event, read.error.issues[0]);
  return accept(event, read.data, content, settings);
}

function accept(
  event: JsonObject,
  read: ReadAlarmEvent,
  content: string,
  settings: AlarmSettings,
): AlarmReading {
  const alarm = read.data;
  const correlation = settings.correlationKey.of(alarm);
  if ("missing" in correlation)
    return refuse(
      event,
      "MISSING",
      pointer(["data", ...correlation.missing.split(".")]),
      `expected ${correlation.missing}: the configured correlation key needs it`,
    );
  if (correlation.key.length > limits.alarmTextCharsMax)
    return refuse(
      event,
      "TOO_LARGE",
      "/data",
      `expected a correlation key of at most ${limits.alarmTextCharsMax} characters`,
    );
  const kind = kindOf(read);
  const notification: Notification = {
    source: read.source,
    id: read.id,
    kind,
    // One text where they are equal: a storm keeps a hundred thousand.
    key: correlation.key === alarm.alarmedObject.id ? alarm.alarmedObject.id : correlation.key,
    alarm: alarmIdentity(alarm),
    alarmedObject: alarm.alarmedObject.id,
    alarmType: alarm.alarmType,
    probableCause: alarm.probableCause,
    sourceSystemId: alarm.sourceSystemId,
    severity:
      alarm.perceivedSeverity === "cleared" || kind === "clear" ? "indeterminate" : alarm.perceivedSeverity,
    raisedAt: alarm.alarmRaisedTime,
    plannedOutage: isPlanned(alarm.plannedOutageIndicator),
    ...(alarm.specificProblem ? { specificProblem: alarm.specificProblem } : undefined),
    ...(kind === "clear" ? { clearedAt: alarm.alarmClearedTime ?? read.time } : undefined),
    ...(alarm.alarmDetails ? { details: alarm.alarmDetails } : undefined),
  };
  return { ok: true, notification, digest: settings.digest(content), sequence: read.sequence ?? null };
}

/** What makes two deliveries the same event. Left out: sequence, partition key, trace and other transport attributes. */
const contentNames = new Set(["source", "id", "type", "time", "data"]);

/** Walks the whole event and returns the canonical text of its content. */
function contentOf(event: JsonObject, walk: JsonWalk): string {
  let content = "";
  const names = Object.keys(event);
  walk.members += names.length;
  for (const name of names.toSorted()) {
    const text = walk.member(name, event[name], 1);
    if (walk.fault !== null) return "";
    if (contentNames.has(name)) content += text;
  }
  return content;
}

function kindOf({ type, data }: ReadAlarmEvent): NotificationKind {
  if (data.state === "cleared" || data.perceivedSeverity === "cleared") return "clear";
  if (type === "org.tmforum.alarm.AlarmDeleteEvent") return "clear";
  return type === "org.tmforum.alarm.AlarmCreateEvent" && data.state === "raised" ? "raise" : "change";
}

const plannedWords = new Set(["true", "yes", "y", "planned", "inmaintenance", "outofservice"]);

function isPlanned(indicator: string | boolean | null | undefined): boolean {
  if (typeof indicator === "string") return plannedWords.has(indicator.trim().toLowerCase());
  return indicator === true;
}

function refuseIssue(event: JsonObject, issue: z.core.$ZodIssue | undefined): AlarmReading {
  if (issue === undefined) return refuse(event, "INVALID", "", "expected a CloudEvent with an alarm");
  const found = valueAt(event, issue.path);
  const absent = found === undefined || found === null;
  const code = absent ? "MISSING" : issue.code === "too_big" ? "TOO_LARGE" : "INVALID";
  return refuse(
    event,
    code,
    pointer(issue.path),
    `expected ${issue.message}${absent ? "; it is missing" : ""}`,
  );
}

function valueAt(event: JsonObject, path: readonly PropertyKey[]): unknown {
  let value: unknown = event;
  for (const step of path) value = isObject(value) ? value[String(step)] : undefined;
  return value;
}

function refuse(
  event: JsonObject | null,
  code: AlarmRefusalCode,
  field: string,
  detail: string,
): AlarmReading {
  const source = event?.["source"];
  const id = event?.["id"];
  const sequence = event?.["sequence"];
  return {
    ok: false,
    sequence: typeof sequence === "string" && /^\d{20}$/.test(sequence) ? sequence : null,
    refusal: {
      source: typeof source === "string" && source !== "" ? source : null,
      id: typeof id === "string" && id !== "" ? id : null,
      code,
      field,
      detail,
    },
  };
}
