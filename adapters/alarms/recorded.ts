/**
 * Recorded alarms: what `replay` sends. One JSON object a line (NDJSON), each a CloudEvent with an alarm.
 * Nothing is judged here but what replay itself needs; the intake judges the rest.
 */
import { isObject } from "../../actors/alarm-json.ts";
import { parseInstant } from "../../actors/alarm-schema.ts";
import type { Result } from "../../machines/failure.ts";
import { fail, ok } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { Instant } from "../../machines/vocabulary.ts";

export interface RecordedEvent {
  /** The event's `time`; paces the replay. */
  readonly at: Instant;
  readonly source: string;
  readonly id: string;
  /** The frame, as it is sent. */
  readonly text: string;
}

/**
 * All events of an NDJSON text, in its order; empty lines are skipped. All or nothing: fails INVALID with
 * the line and what was expected there.
 */
export function readCloudEvents(ndjson: string, fileName: string): Result<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (const [index, line] of ndjson
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries()) {
    const text = line.trim();
    if (text === "") continue;
    const wrong = (what: string) => fail("INVALID", `${fileName}, line ${index + 1}: ${what}`);
    if (Buffer.byteLength(text) > limits.alarmBytesMax)
      return wrong(`expected at most ${limits.alarmBytesMax} bytes`);
    let event: unknown;
    try {
      event = JSON.parse(text);
    } catch {
      return wrong("not JSON; expected one CloudEvents object a line");
    }
    if (!isObject(event)) return wrong("expected a CloudEvents object");
    const { source, id, time } = event;
    if (typeof source !== "string" || typeof id !== "string" || source === "" || id === "")
      return wrong("expected source and id as text");
    const at = typeof time === "string" ? parseInstant(time) : null;
    if (at === null) return wrong("expected time as an RFC 3339 date and time with a zone");
    events.push({ at, source, id, text });
  }
  return ok(events);
}
