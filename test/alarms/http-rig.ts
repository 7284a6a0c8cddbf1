/** The HTTP intake on a real server, in front of a sink of the test's or of a whole engine with a desk. */
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

import { type ConfigInput, configSchema } from "../../actors/config.ts";
import type { AlarmSink, Log } from "../../actors/ports.ts";
import type { ItemResult } from "../../adapters/alarms/alarm-format.ts";
import type { HttpAlarmIntakeOptions } from "../../adapters/alarms/http-intake.ts";
import { createHttpAlarmIntake } from "../../adapters/alarms/http-intake.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { startDesk } from "../../adapters/desk/desk.ts";
import { type Engine, startEngine } from "../../adapters/engine.ts";
import { startHttpServer } from "../../adapters/http/server.ts";
import { serviceRow } from "../service/calls.ts";
import { correlationKey } from "./rig.ts";

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface Said {
  readonly status: number;
  readonly type: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Parsed JSON. */
  readonly body: {
    readonly results?: readonly ItemResult[];
    readonly [name: string]: unknown;
  };
}

/** Posts a text as it is, anything else as JSON. */
export function post(
  url: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string | string[]>> = {},
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      new URL(path, url),
      { method: "POST", agent: false, headers: { "content-type": "application/json", ...headers } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers["content-type"] ?? "",
            headers: response.headers,
            body: JSON.parse(text) as Said["body"],
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
}

export async function startHttpIntake(sink: AlarmSink, options: Partial<HttpAlarmIntakeOptions> = {}) {
  const logged: string[] = [];
  const listeners = new Map<string, () => void>();
  const note = (event: string) => {
    logged.push(event);
    listeners.get(event)?.();
  };
  const log: Log = { info: note, warn: note, error: note };
  const server = await startHttpServer(configSchema.parse({ listen: { port: 0 } }).listen, {
    clock: systemClock,
    log: quiet,
  });
  const intake = createHttpAlarmIntake({
    sink,
    log,
    correlationKey: correlationKey(),
    clock: systemClock,
    // No fold is behind it: what was accepted last is believed to stand.
    isCleared: () => false,
    wasAccepted: () => Promise.resolve(false),
    activeSince: ({ kind, raisedAt }) => (kind === "clear" ? null : raisedAt),
    ...options,
  });
  server.addRoutes(intake.routes);
  server.allAdded();
  onTestFinished(() => server.close());
  return {
    url: server.url,
    port: Number(new URL(server.url).port),
    intake,
    logged,
    /** Resolves when it is logged the next time. */
    heard: (event: string) => new Promise<void>((resolve) => listeners.set(event, resolve)),
    post: (path: string, body: unknown, headers?: Readonly<Record<string, string | string[]>>) =>
      post(server.url, path, body, headers),
  };
}

/** A desk and a folder that outlive the engines on them. */
export async function startPlant(config: ConfigInput = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-alarms-"));
  const desk = await startDesk({
    port: 0,
    dataDir: null,
    idempotency: "requestId",
    settleSeconds: 60,
    clock: systemClock,
  });
  const running = new Set<Engine>();
  const stop = async (engine: Engine) => {
    running.delete(engine);
    await engine.stop({ drainSeconds: 5 });
  };
  onTestFinished(async () => {
    await Promise.all([...running].map(stop));
    await desk.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    desk,
    stop,
    async start(): Promise<Engine> {
      const engine = await startEngine({
        config: { listen: { port: 0 }, ...config, dataDir },
        clock: systemClock,
        ids: systemIds,
        log: quiet,
        services: [serviceRow(desk.port)],
      });
      running.add(engine);
      return engine;
    },
  };
}

/** Resolves when so many alarms have their outcome. */
export function settled({ supervisor }: Engine, count: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (supervisor.counters().settled < count) return;
      end();
      resolve();
    };
    const end = supervisor.onFacts(look);
    look();
  });
}

/** A firing alert; parts replace members, `undefined` removes them. */
export function alertOf(parts: Readonly<Record<string, unknown>> = {}) {
  return {
    status: "firing",
    labels: { alertname: "LinkDown", instance: "node-1:9100", severity: "critical" },
    annotations: { summary: "Link down for 5 s" },
    startsAt: "2026-11-23T08:00:00.123Z",
    endsAt: "0001-01-01T00:00:00Z",
    generatorURL: "http://prometheus/graph",
    fingerprint: "9b2fa1",
    ...parts,
  };
}

/** Payload version 4 of Alertmanager. */
export function webhookOf(...alerts: readonly unknown[]) {
  return {
    version: "4",
    groupKey: '{}:{alertname="LinkDown"}',
    truncatedAlerts: 0,
    status: "firing",
    receiver: "tickets",
    groupLabels: { alertname: "LinkDown" },
    commonLabels: {},
    commonAnnotations: {},
    externalURL: "http://alertmanager",
    alerts,
  };
}

export function tmfEventOf(eventType: string, alarm: Readonly<Record<string, unknown>> = {}) {
  return {
    eventId: `e-${eventType}`,
    eventTime: "2026-11-23T08:00:00Z",
    eventType,
    event: {
      alarm: {
        id: 4711,
        alarmRaisedTime: "2026-11-23T08:00:00Z",
        alarmType: "communicationsAlarm",
        alarmedObject: { id: "node-1" },
        perceivedSeverity: "major",
        probableCause: "lossOfSignal",
        reportingSystemId: "nms-1",
        sourceSystemId: "ems-1",
        state: "raised",
        ...alarm,
      },
    } as Readonly<Record<string, unknown>>,
  };
}
