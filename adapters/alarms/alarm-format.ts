/**
 * What the formats of the HTTP intake have in common: a body is read to items, each an alarm, something that
 * is no alarm, or a refusal; each gets one result.
 *   S3 S7 depth, doubled names, prototypes and odd numbers are judged before a format looks at a body.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { z } from "zod";

import type { JsonObject } from "../../actors/alarm-json.ts";
import { isObject, JsonWalk, pointer, scanJson } from "../../actors/alarm-json.ts";
import type { AlarmRefusal, AlarmRefusalCode, AlarmSettings } from "../../actors/alarm-message.ts";
import { readAlarmEvent } from "../../actors/alarm-message.ts";
import { limits } from "../../machines/limits.ts";
import type { Instant, Notification, Position } from "../../machines/vocabulary.ts";

export interface FormatSettings extends AlarmSettings {
  /** Whether the last that was accepted about this alarm is its clear. */
  readonly isCleared: (notification: Notification) => boolean;
  /** When it was raised, as that says; null: it is no raise or change. */
  readonly activeSince: (notification: Notification) => Instant | null;
  readonly now: () => Instant;
}

export type AlarmItem =
  | {
      readonly kind: "alarm";
      readonly notification: Notification;
      readonly digest: string;
      /** Asked where it was a repeat: the same under a new id, if it is none after all; null: it is one. */
      readonly anew?: () => Notification | null;
      /** A4: refused with this where it is no repeat of what was accepted before. */
      readonly unlessRepeat?: AlarmRefusal;
    }
  /** Well formed, and not about an alarm; `detail` says what it is. */
  | {
      readonly kind: "ignored";
      readonly source: string | null;
      readonly id: string | null;
      readonly detail: string;
    }
  | { readonly kind: "refused"; readonly refusal: AlarmRefusal };

/**
 * `ok: false`: nothing of the body is taken. `isArray`: the sender reads results one by one, so that one
 * refused item does not refuse the request. `warning`: what the body says is missing from it.
 */
export type BodyReading =
  | {
      readonly ok: true;
      readonly items: readonly AlarmItem[];
      readonly isArray?: boolean;
      readonly warning?: string;
    }
  | { readonly ok: false; readonly refusal: AlarmRefusal };

export interface BodyRequest {
  /** Without query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The same, each as often as it was sent. */
  readonly headersDistinct: IncomingMessage["headersDistinct"];
  readonly settings: FormatSettings;
}

/** What became of one item, as the sender reads it. */
export interface ItemResult {
  /** `notTried`: an earlier event of its source was refused for now, and is not overtaken (A6). */
  readonly status: "accepted" | "duplicate" | "ignored" | "rejected" | "notTried";
  readonly source: string | null;
  readonly id: string | null;
  /** Where it stands in the ledger. */
  readonly position?: Position;
  readonly code?: AlarmRefusalCode | "OVERLOADED" | "STOPPING";
  /** JSON Pointer into the body; of a CloudEvent into the event. */
  readonly field?: string;
  readonly detail?: string;
  /** Of `rejected` and `notTried`: when to send it again; null = never, unchanged. */
  readonly retryAfterMs?: number | null;
}

/** Why a request as a whole is not answered with success. */
export interface RequestRefusal {
  readonly status: number;
  readonly code: string;
  readonly field: string;
  readonly detail: string;
  readonly results: readonly ItemResult[];
}

/** One way to say alarms over HTTP. */
export interface AlarmFormat {
  readonly paths: readonly string[];
  /** Of the Content-Type, lower case, without parameters. */
  readonly mediaTypes: readonly string[];
  /** Status when everything is kept, or is no alarm. */
  readonly success: number;
  read(body: string, request: BodyRequest): BodyReading;
  successBody(results: readonly ItemResult[]): object;
  refusal(refusal: RequestRefusal): { readonly contentType: string; readonly body: object };
}

export function refusalOf(
  code: AlarmRefusalCode,
  field: string,
  detail: string,
  { source = null, id = null }: { readonly source?: string | null; readonly id?: string | null } = {},
): AlarmRefusal {
  return { source, id, code, field, detail };
}

export function refused(...words: Parameters<typeof refusalOf>): {
  readonly kind: "refused";
  readonly refusal: AlarmRefusal;
} {
  return { kind: "refused", refusal: refusalOf(...words) };
}

/** One JSON object, with nothing in it that no alarm may contain. */
export function readJsonObject(
  body: string,
  expected: string,
):
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly refusal: AlarmRefusal } {
  const wrong = (code: AlarmRefusalCode, field: string, detail: string) =>
    ({ ok: false, refusal: refusalOf(code, field, detail) }) as const;
  const scan = scanJson(body);
  if (scan.depth > limits.alarmDepthMax)
    return wrong("TOO_DEEP", "", `nested more than ${limits.alarmDepthMax} levels deep`);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return wrong("INVALID", "", `not JSON; expected ${expected}`);
  }
  if (!isObject(value)) return wrong("INVALID", "", `expected ${expected}`);
  const walk = new JsonWalk();
  walk.canonical(value, 1);
  if (walk.fault !== null) return wrong(walk.fault.code, walk.fault.field, walk.fault.detail);
  if (walk.members !== scan.members)
    return wrong("INVALID", "", "a member name is there twice in one object; expected each once");
  return { ok: true, value };
}

/** The first thing a schema found wrong. `prefix`: where the value stands in the body. */
export function refusalOfIssue(
  value: unknown,
  error: z.ZodError,
  prefix: string,
  names?: { readonly source: string | null; readonly id: string | null },
): AlarmRefusal {
  const issue = error.issues[0];
  const path = issue?.path ?? [];
  let found: unknown = value;
  for (const step of path)
    found =
      typeof found === "object" && found !== null
        ? (found as Readonly<Record<PropertyKey, unknown>>)[step]
        : undefined;
  const isAbsent = found === undefined || found === null;
  return refusalOf(
    isAbsent ? "MISSING" : issue?.code === "too_big" && issue.origin !== "number" ? "TOO_LARGE" : "INVALID",
    prefix + pointer(path),
    `expected ${issue?.message ?? "another value"}${isAbsent ? "; it is missing" : ""}`,
    names,
  );
}

/**
 * Reads an event that a format has put into our words. What is still wrong with it is told in the sender's:
 * `places` maps our JSON Pointers to theirs, `place` is where the item stands.
 */
export function readTranslated(
  event: { readonly source: string; readonly id: string; readonly [name: string]: unknown },
  settings: AlarmSettings,
  place: string,
  places: Readonly<Record<string, string>>,
): AlarmItem {
  const reading = readAlarmEvent({ specversion: "1.0", ...event }, settings);
  if (reading.ok) return { kind: "alarm", notification: reading.notification, digest: reading.digest };
  const { field } = reading.refusal;
  return { kind: "refused", refusal: { ...reading.refusal, field: place + (places[field] ?? "") } };
}

/** A source of a format's own, after the system that it names; by its digest where the name is too long for one. */
export function sourceOf(format: string, system: string, settings: AlarmSettings): string {
  const source = `urn:${format}:${encodeURIComponent(system)}`;
  return source.length <= limits.alarmIdCharsMax ? source : `urn:${format}:sha256:${settings.digest(system)}`;
}

/** Text that an alarm's details may hold: other control characters become spaces, what is too long is cut. */
export function asDetails(lines: readonly string[]): string {
  return (
    lines
      .join("\n")
      // oxlint-disable-next-line no-control-regex -- the ones XML cannot carry
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/g, " ")
      .slice(0, limits.alarmDetailsCharsMax)
      .replace(/[\ud800-\udbff]$/, "")
  );
}

export function instantText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** `application/problem+json` with the code, the place and the results. */
export function problemOf({ status, code, field, detail, results }: RequestRefusal): {
  readonly contentType: string;
  readonly body: object;
} {
  const title = titles[status] ?? "Error";
  return {
    contentType: "application/problem+json",
    body: { type: "about:blank", title, status, detail, code, field, results },
  };
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  409: "Conflict",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  503: "Service Unavailable",
};
