/**
 * Alarm intake for senders without WebSocket: one request, one or more alarms, answered only when durable.
 *   A1 A5 A6 in ordered-admission.ts.  R3 a failed ledger is never answered with success.
 *   S1 the token before the body.  S3 bodies, items and requests at once are bounded.
 * Protocol: README.md beside this file.
 */
import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import type { CorrelationKey } from "../../actors/alarm-key.ts";
import type { AlarmRefusal } from "../../actors/alarm-message.ts";
import type { AlarmSink, Clock, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { Instant, Notification } from "../../machines/vocabulary.ts";
import { pathOf, readBytes, type Route } from "../http/server.ts";
import type { AlarmFormat, FormatSettings, ItemResult, RequestRefusal } from "./alarm-format.ts";
import { alertmanagerFormat } from "./alertmanager.ts";
import { cloudEventsFormat } from "./cloud-events.ts";
import { admitInOrder } from "./ordered-admission.ts";
import { tmf642Format } from "./tmf642.ts";
import { vesFormat } from "./ves.ts";

const formats: readonly AlarmFormat[] = [cloudEventsFormat, vesFormat, alertmanagerFormat, tmf642Format];

export interface HttpAlarmIntakeOptions {
  readonly sink: AlarmSink;
  /** Whether it was accepted before, under its source and id. */
  readonly wasAccepted: (notification: Notification) => Promise<boolean>;
  readonly log: Log;
  readonly clock: Pick<Clock, "now">;
  readonly correlationKey: CorrelationKey;
  /** Whether the last that was accepted about this alarm is its clear (TMF642: it stays cleared). */
  readonly isCleared: (notification: Notification) => boolean;
  /** When it was raised, as that says; null: it is no raise or change (Alertmanager: it may fire again). */
  readonly activeSince: (notification: Notification) => Instant | null;
  /** True lets a sender in; gets an Authorization header with a Bearer token. Without it everyone may send. */
  readonly authorize?: (authorization: string | undefined) => boolean;
}

export interface HttpAlarmIntake {
  readonly routes: readonly Route[];
  /** From now on 503; done when what was handed to the ledger is answered. */
  stop(): Promise<void>;
}

export function createHttpAlarmIntake(options: HttpAlarmIntakeOptions): HttpAlarmIntake {
  const intake = new Intake(options);
  return {
    routes: formats.flatMap((format) =>
      format.paths.map((path) => ({
        method: "POST" as const,
        path,
        answer: (request: IncomingMessage, response: ServerResponse) =>
          intake.answer(format, request, response),
      })),
    ),
    stop: () => intake.stop(),
  };
}

type Refusal = Omit<RequestRefusal, "results"> & {
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly results?: readonly ItemResult[];
};

interface Told {
  readonly results: readonly ItemResult[];
  readonly isArray: boolean;
}

class Intake {
  readonly #options: HttpAlarmIntakeOptions;
  readonly #settings: FormatSettings;
  #reading = 0;
  #admitting = 0;
  #stopping = false;
  #whenAnswered: (() => void) | null = null;

  constructor(options: HttpAlarmIntakeOptions) {
    this.#options = options;
    const { clock, correlationKey, isCleared, activeSince } = options;
    this.#settings = {
      correlationKey,
      isCleared,
      activeSince,
      now: () => clock.now(),
      digest: (text) => hash("sha256", text),
    };
  }

  async answer(format: AlarmFormat, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const unread = this.#judge(format, request);
    if (unread !== null) return this.#refuse(format, response, unread, true);
    this.#reading++;
    let body: Buffer | null;
    try {
      body = await readBytes(request, limits.alarmRequestBytesMax);
    } catch (error) {
      // The sender broke off: it still has its alarms, and nobody is there to be answered.
      this.#options.log.info("alarms.requestBrokenOff", { path: pathOf(request), reason: String(error) });
      response.destroy();
      return;
    } finally {
      this.#reading--;
    }
    if (body === null) return this.#refuse(format, response, tooLarge, true);
    await this.#take(format, request, response, body);
  }

  /** What is wrong before a byte of the body is read. */
  #judge(format: AlarmFormat, { headers }: IncomingMessage): Refusal | null {
    const { authorize } = this.#options;
    if (authorize !== undefined && !authorize(asBearer(headers.authorization))) return unauthorized; // S1
    if (this.#stopping) return stopping;
    const mediaType = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
    const encoding = headers["content-encoding"]?.toLowerCase() ?? "identity";
    if (!format.mediaTypes.includes(mediaType) || encoding !== "identity")
      return {
        status: 415,
        code: "INVALID",
        field: "",
        detail: `expected Content-Type ${format.mediaTypes.join(" or ")}, and no Content-Encoding`,
      };
    if (Number(headers["content-length"] ?? 0) > limits.alarmRequestBytesMax) return tooLarge;
    return this.#reading >= limits.alarmRequestsMax ? tooMany : null;
  }

  async #take(
    format: AlarmFormat,
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): Promise<void> {
    const text = textOf(body);
    if (text === null) return this.#refuse(format, response, notUtf8);
    const path = pathOf(request);
    const { headers, headersDistinct } = request;
    const reading = format.read(text, { path, headers, headersDistinct, settings: this.#settings });
    if (!reading.ok) return this.#refuse(format, response, asRefusal(reading.refusal));
    if (reading.warning !== undefined)
      this.#options.log.warn("alarms.requestIncomplete", { path, reason: reading.warning });
    if (this.#stopping) return this.#refuse(format, response, stopping);
    this.#admitting++;
    try {
      const results = await admitInOrder(reading.items, this.#options);
      this.#tell(format, response, path, { results, isArray: reading.isArray ?? false });
    } catch (error) {
      // R3
      this.#options.log.error("alarms.ledgerFailed", { path, reason: String(error) });
      this.#refuse(format, response, ledgerFailed);
    } finally {
      this.#admitting--;
      if (this.#admitting === 0) this.#whenAnswered?.();
    }
  }

  #tell(format: AlarmFormat, response: ServerResponse, path: string, { results, isArray }: Told): void {
    const count = (status: ItemResult["status"]) => results.filter((one) => one.status === status).length;
    const [ignored, rejected, notTried] = [count("ignored"), count("rejected"), count("notTried")];
    if (ignored > 0) this.#options.log.info("alarms.ignored", { path, ignored });
    if (rejected > 0) this.#options.log.warn("alarms.rejected", { path, rejected, notTried });
    const refusal = refusalIn(results, isArray);
    if (refusal !== null) return this.#refuse(format, response, { ...refusal, results });
    send(response, format.success, "application/json", format.successBody(results), retryAfter(results));
  }

  #refuse(
    format: AlarmFormat,
    response: ServerResponse,
    { headers, ...refusal }: Refusal,
    isBodyUnread = false,
  ): void {
    const { contentType, body } = format.refusal({ results: [], ...refusal });
    const close = isBodyUnread ? { Connection: "close" } : undefined;
    send(response, refusal.status, contentType, body, { ...headers, ...close });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#admitting === 0) return;
    await new Promise<void>((resolve) => (this.#whenAnswered = resolve));
  }
}

/**
 * Why the request is not a success, if it is none. Refused for now comes first: the sender sends all of it
 * again, and what was kept is then a duplicate. Where results are read one by one, something told is success.
 */
function refusalIn(results: readonly ItemResult[], isArray: boolean): Refusal | null {
  const later = results.find((one) => typeof one.retryAfterMs === "number");
  const wrong = results.find((one) => one.status === "rejected" && one.retryAfterMs === null);
  const hasFinal = results.some((one) => typeof one.retryAfterMs !== "number");
  if (later !== undefined && !(isArray && hasFinal))
    return {
      status: 503,
      code: later.code ?? "OVERLOADED",
      field: "",
      detail: later.detail ?? "",
      headers: retryAfter(results),
    };
  if (wrong === undefined || isArray) return null;
  const refusal = { code: "INVALID", field: "", detail: "", ...wrong };
  const others = results.filter((one) => one.status !== "rejected").length;
  const kept =
    results.length === 1 ? "" : `; the other ${others} of ${results.length} were taken, see results`;
  return {
    status: statusOf(refusal.code, refusal.field),
    code: refusal.code,
    field: refusal.field,
    detail: refusal.detail + kept,
  };
}

/** 413 is for what is too large as a whole; a member that is too long is a bad value. */
function statusOf(code: string, field: string): number {
  return code === "CONFLICT" ? 409 : code === "TOO_LARGE" && field === "" ? 413 : 400;
}

function asRefusal({ code, field, detail, source, id }: AlarmRefusal): Refusal {
  const results: readonly ItemResult[] =
    source === null && id === null
      ? []
      : [{ status: "rejected", source, id, code, field, detail, retryAfterMs: null }];
  return { status: statusOf(code, field), code, field, detail, results };
}

function retryAfter(results: readonly ItemResult[]): Record<string, string> {
  const longest = Math.max(0, ...results.map((one) => one.retryAfterMs ?? 0));
  return longest === 0 ? {} : { "Retry-After": String(Math.ceil(longest / 1_000)) };
}

/** VES senders know only Basic: the token is the password, the user's name is not looked at. */
function asBearer(authorization: string | undefined): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]{1,2048})$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return authorization;
  const pair = Buffer.from(encoded, "base64").toString("utf8");
  return `Bearer ${pair.slice(pair.indexOf(":") + 1)}`;
}

function textOf(body: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return null;
  }
}

function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: object,
  headers: Readonly<Record<string, string | string[]>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}

const wait = { "Retry-After": String(Math.ceil(limits.overloadedRetryAfterMs / 1_000)) };
const unauthorized: Refusal = {
  status: 401,
  code: "UNAUTHORIZED",
  field: "",
  detail: "Expected Authorization: Bearer (or Basic, as its password) with a token of role source.",
  // Java's clients, for one, send Basic only to who names it, in a line of its own.
  headers: { "WWW-Authenticate": ["Bearer", 'Basic realm="alarms"'] },
};
const stopping: Refusal = {
  status: 503,
  code: "STOPPING",
  field: "",
  detail: "the engine is stopping; expected the request again after its restart",
  headers: wait,
};
const tooMany: Refusal = {
  status: 503,
  code: "OVERLOADED",
  field: "",
  detail: `${limits.alarmRequestsMax} requests are being read; expected the request again later`,
  headers: wait,
};
const tooLarge: Refusal = {
  status: 413,
  code: "TOO_LARGE",
  field: "",
  detail: `expected at most ${limits.alarmRequestBytesMax} bytes in a request`,
};
const notUtf8: Refusal = { status: 400, code: "INVALID", field: "", detail: "expected UTF-8" };
const ledgerFailed: Refusal = {
  status: 503,
  code: "STOPPING",
  field: "",
  detail: "the ledger failed and the engine is stopping; nothing of this request is acknowledged",
};
