/**
 * The wire's shape of an alarm event: CloudEvents 1.0 (JSON) around a TMF642 v4 Alarm. Every message
 * completes the sentence "expected …". The raw object is validated, not one a library built from it.
 * Source: CloudEvents 1.0.2; TMF642 v4.0.0; wire.md, "Alarm intake".
 */
import { z } from "zod";

import { limits } from "../machines/limits.ts";
import type { Instant } from "../machines/vocabulary.ts";
import { severities } from "../machines/vocabulary.ts";

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d{1,9}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const latest = Date.UTC(limits.latestYear + 1, 0, 1);

/**
 * RFC 3339 with a zone to milliseconds (finer digits cut), or null: no zone, no such day, or not within
 * 1970–2200 in UTC. `Date.parse` would take 30 February for 2 March and a missing zone for ours.
 */
export function parseInstant(text: string): Instant | null {
  const parts = rfc3339.exec(text);
  if (parts === null) return null;
  const year = Number(parts[1]);
  const month = Number(parts[2]);
  const day = Number(parts[3]);
  if (month < 1 || month > 12 || day < 1 || day > (daysOfMonth[month - 1] ?? 0)) return null;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return null;
  // `Date.UTC` takes years below 100 for 19xx; they are out of range anyway.
  if (year < limits.earliestYear - 1) return null;
  const fraction = parts[7] === undefined ? 0 : Number((parts[7] + "00").slice(0, 3));
  let instant = Date.UTC(
    year,
    month - 1,
    day,
    Number(parts[4]),
    Number(parts[5]),
    Number(parts[6]),
    fraction,
  );
  if (parts[8] !== undefined)
    instant -= (parts[8] === "-" ? -1 : 1) * (Number(parts[9]) * 60 + Number(parts[10])) * 60_000;
  return instant >= 0 && instant < latest ? instant : null;
}

/** A text on one line: C0, DEL and C1 controls and the two Unicode line ends would split logs and headers; U+FFFE, U+FFFF
 * are no XML characters, so that a service would get another id than was sent. */
// oxlint-disable-next-line no-control-regex
const oneLine = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]+$/;
/** Free text: lines and tabs are fine, other C0 controls, U+FFFE and U+FFFF are not (XML cannot carry them). */
// oxlint-disable-next-line no-control-regex
const freeText = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]*$/;

function lineOf(what: string, charsMax: number) {
  const expected = `${what}: text on one line, 1 to ${charsMax} characters, no control characters, U+FFFE or U+FFFF`;
  return z.string(expected).max(charsMax, expected).regex(oneLine, expected);
}

function freeTextOf(what: string, charsMax: number) {
  const expected = `${what}: at most ${charsMax} characters, no control characters but line ends and tabs, no U+FFFE or U+FFFF`;
  return z.string(expected).max(charsMax, expected).regex(freeText, expected);
}

function instantOf(what: string) {
  const expected =
    `${what}: an RFC 3339 date and time with a zone, ` +
    `${limits.earliestYear}–${limits.latestYear}, such as 2026-11-23T08:00:00Z`;
  return z.string(expected).transform((value, context): Instant => {
    const parsed = parseInstant(value);
    if (parsed !== null) return parsed;
    context.issues.push({ code: "custom", message: expected, input: value });
    return z.NEVER;
  });
}

const id = (what: string) => lineOf(what, limits.alarmIdCharsMax);

export const eventTypes = [
  "org.tmforum.alarm.AlarmCreateEvent",
  "org.tmforum.alarm.AlarmAttributeValueChangeEvent",
  "org.tmforum.alarm.AlarmStateChangeEvent",
  "org.tmforum.alarm.AlarmDeleteEvent",
] as const;

/** What is read of a TMF642 v4 Alarm; other members are allowed and ignored. `null` counts as absent. */
export const alarmSchema = z.object(
  {
    alarmRaisedTime: instantOf("alarmRaisedTime"),
    alarmClearedTime: instantOf("alarmClearedTime").nullish(),
    alarmType: id("alarmType"),
    alarmedObject: z.object({ id: id("the alarmed object's id") }, "alarmedObject: an object with an id"),
    /** TMF642 spells them in lower case; `MAJOR` is refused, not guessed. */
    perceivedSeverity: z.enum(
      [...severities, "cleared"],
      `perceivedSeverity: one of ${severities.join(", ")}, cleared, in lower case`,
    ),
    probableCause: id("probableCause"),
    specificProblem: freeTextOf("specificProblem", limits.alarmTextCharsMax).nullish(),
    sourceSystemId: id("sourceSystemId"),
    externalAlarmId: id("externalAlarmId").nullish(),
    state: z.enum(["raised", "updated", "cleared"], "state: one of raised, updated, cleared"),
    /** Free text in TMF642; a real boolean is what its senders mean. */
    plannedOutageIndicator: z
      .union(
        [freeTextOf("plannedOutageIndicator", limits.alarmTextCharsMax), z.boolean()],
        `plannedOutageIndicator: text of at most ${limits.alarmTextCharsMax} characters`,
      )
      .nullish(),
    alarmDetails: freeTextOf("alarmDetails", limits.alarmDetailsCharsMax).nullish(),
  },
  "data: a TMF642 Alarm object",
);

/** A CloudEvent in JSON with an alarm in it; extension attributes are allowed and ignored. */
export const alarmEventSchema = z.object({
  specversion: z.literal("1.0", 'specversion: "1.0"'),
  id: id("id"),
  source: id("source"),
  type: z.enum(eventTypes, `type: one of ${eventTypes.join(", ")}`),
  time: instantOf("time"),
  subject: id("subject").nullish(),
  datacontenttype: z
    .string("datacontenttype: application/json or absent")
    .regex(
      /^(?:application|text)\/(?:[\w.+-]+\+)?json(?:\s*;.*)?$/i,
      "datacontenttype: application/json or absent",
    )
    .nullish(),
  sequence: z
    .string("sequence: 20 digits")
    .regex(/^\d{20}$/, "sequence: 20 digits")
    .nullish(),
  partitionkey: id("partitionkey").nullish(),
  data: alarmSchema,
});

/** As read: times are Instants. */
export type ReadAlarmEvent = z.output<typeof alarmEventSchema>;
export type Alarm = z.output<typeof alarmSchema>;
