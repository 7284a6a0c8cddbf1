/**
 * `POST /v1/alarms`: alarm events as on the WebSocket, one or a JSON array of them, or one in the binary
 * mode of CloudEvents (attributes in `ce-…` headers). Each item of an array is judged by itself.
 * Source: CloudEvents 1.0.2, HTTP protocol binding.
 */
import { scanJson } from "../../actors/alarm-json.ts";
import type { AlarmReading } from "../../actors/alarm-message.ts";
import { parseAlarmEvent, readAlarmEvent } from "../../actors/alarm-message.ts";
import { limits } from "../../machines/limits.ts";
import type { AlarmFormat, AlarmItem, BodyReading, BodyRequest } from "./alarm-format.ts";
import { problemOf, readJsonObject, refusalOf, refused } from "./alarm-format.ts";

const batchMediaType = "application/cloudevents-batch+json";

export const cloudEventsFormat: AlarmFormat = {
  paths: ["/v1/alarms"],
  mediaTypes: ["application/json", "application/cloudevents+json", batchMediaType],
  success: 202,
  read(body, request) {
    const mediaType = request.headers["content-type"]?.toLowerCase() ?? "";
    // A structured event may name its attributes in headers as well.
    const isStructured = mediaType.startsWith("application/cloudevents");
    if (!isStructured && request.headers["ce-specversion"] !== undefined) return binary(body, request);
    if (/^\s*\[/.test(body)) return batch(body, request);
    if (mediaType.startsWith(batchMediaType))
      return {
        ok: false,
        refusal: refusalOf("INVALID", "", `expected a JSON array of events, as ${batchMediaType} says`),
      };
    return one(itemOf(parseAlarmEvent(body, request.settings)));
  },
  successBody: (results) => ({ results }),
  refusal: problemOf,
};

function itemOf(reading: AlarmReading): AlarmItem {
  return reading.ok
    ? { kind: "alarm", notification: reading.notification, digest: reading.digest }
    : { kind: "refused", refusal: reading.refusal };
}

/** One event by itself: what is wrong with it is wrong with the request. */
function one(item: AlarmItem): BodyReading {
  return item.kind === "refused" ? { ok: false, refusal: item.refusal } : { ok: true, items: [item] };
}

function batch(body: string, { settings }: BodyRequest): BodyReading {
  const wrong = (code: "INVALID" | "TOO_LARGE", detail: string): BodyReading => ({
    ok: false,
    refusal: refusalOf(code, "", detail),
  });
  try {
    // The whole first: a torn array has no items that could be trusted.
    JSON.parse(body);
  } catch {
    return wrong("INVALID", "not JSON; expected a CloudEvents 1.0 object or an array of them");
  }
  const texts = itemsOf(body);
  if (texts.length > limits.alarmsPerRequestMax)
    return wrong("TOO_LARGE", `expected at most ${limits.alarmsPerRequestMax} events in a request`);
  return { ok: true, isArray: true, items: texts.map((text) => itemOf(parseAlarmEvent(text, settings))) };
}

/** The texts of an array's items. The body is JSON, and an array. */
function itemsOf(body: string): readonly string[] {
  const texts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < body.length; at++) {
    const sign = body[at];
    if (sign === '"') {
      for (at++; body[at] !== '"'; at++) if (body[at] === "\\") at++;
    } else if (sign === "[" || sign === "{") {
      if (++depth === 1) start = at + 1;
    } else if (sign === "]" || sign === "}") {
      if (--depth === 0) texts.push(body.slice(start, at));
    } else if (sign === "," && depth === 1) {
      texts.push(body.slice(start, at));
      start = at + 1;
    }
  }
  return texts.length === 1 && texts[0]?.trim() === "" ? [] : texts;
}

/** The attributes from the headers, the alarm from the body. */
function binary(body: string, { headersDistinct, settings }: BodyRequest): BodyReading {
  const data = readJsonObject(body, "an alarm, for the event is in the headers");
  if (!data.ok) return data;
  if (Buffer.byteLength(body) > limits.alarmBytesMax)
    return one(refused("TOO_LARGE", "", `expected at most ${limits.alarmBytesMax} bytes`));
  const attributes = attributesOf(headersDistinct);
  if (attributes === null)
    return one(refused("INVALID", "", "expected the ce- headers once each, percent-encoded as UTF-8"));
  const { members } = scanJson(body);
  const written = members + Object.keys(attributes).length + 1;
  return one(itemOf(readAlarmEvent({ ...attributes, data: data.value }, settings, written)));
}

function attributesOf(headers: BodyRequest["headersDistinct"]): Readonly<Record<string, string>> | null {
  const attributes: [string, string][] = [];
  for (const [name, [value, ...more] = []] of Object.entries(headers)) {
    if (!name.startsWith("ce-") || value === undefined || name === "ce-data") continue;
    if (more.length > 0) return null;
    try {
      attributes.push([name.slice(3), decodeURIComponent(unquoted(value))]);
    } catch {
      return null;
    }
  }
  return Object.fromEntries(attributes);
}

/** Senders of older versions of the binding quote a value and escape quotes in it (RFC 7230, 3.2.6). */
function unquoted(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  return quoted === undefined ? value : quoted.replaceAll(/\\(.)/g, "$1");
}
