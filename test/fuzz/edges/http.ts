/** HTTP: alarms in every form, the API with its paths, queries and bodies, and what stands before both. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configSchema } from "../../../actors/config.ts";
import type { Log } from "../../../actors/ports.ts";
import { createSupervisor } from "../../../actors/supervisor.ts";
import { createHttpAlarmIntake } from "../../../adapters/alarms/http-intake.ts";
import { MemoryAlarmSink } from "../../../adapters/alarms/memory.ts";
import { systemClock, systemIds } from "../../../adapters/clock/system.ts";
import { apiRoutes } from "../../../adapters/http/api/api.ts";
import { callbackRoutes } from "../../../adapters/http/callback.ts";
import { healthRoutes } from "../../../adapters/http/health.ts";
import { metricsRoute } from "../../../adapters/http/metrics.ts";
import { startHttpServer, type Route } from "../../../adapters/http/server.ts";
import { loadTokens } from "../../../adapters/http/tokens.ts";
import { createMemoryLedger } from "../../../adapters/ledger/memory.ts";
import { csvCodec } from "../../../adapters/service-table/csv.ts";
import { createMemoryService } from "../../../adapters/service/memory.ts";
import { createMemoryTopology } from "../../../adapters/topology/memory.ts";
import { notification } from "../../engine/notifications.ts";
import { correlationKey, eventOf } from "../../alarms/rig.ts";
import { serviceRow } from "../../service/calls.ts";
import { row, table } from "../../service-table/tables.ts";
import { demand, demandEqual, type Edge, type Life, type Verdict } from "../edge.ts";
import { scratchFolder } from "../scratch.ts";
import { HttpPeer, type RawAnswer } from "./http-peer.ts";

const requestOf = (
  line: string,
  body = "",
  type = "application/json",
  ...headers: readonly string[]
): Buffer =>
  Buffer.from(
    [`${line} HTTP/1.1`, ...(body === "" ? [] : [`Content-Type: ${type}`]), ...headers, "", body].join(
      "\r\n",
    ),
  );

/** Everything that a server of ours may say; 500 is a defect. */
const statuses = new Set([
  200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 411, 413, 415, 417, 422, 429, 431, 501, 503,
]);

interface Served {
  readonly routes: readonly Route[];
  close?(): Promise<void>;
}

async function serving(
  make: (log: Log) => Served | Promise<Served>,
  look: (answer: RawAnswer) => void,
): Promise<Life> {
  const errors: string[] = [];
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (event, fields) => void errors.push(`${event} ${JSON.stringify(fields)}`),
  };
  const server = await startHttpServer(configSchema.parse({ listen: { port: 0 } }).listen, {
    clock: systemClock,
    log,
  });
  const served = await make(log);
  server.addRoutes(healthRoutes(() => "ready"));
  server.addRoutes(served.routes);
  server.allAdded();
  const peer = new HttpPeer(Number(new URL(server.url).port));
  return {
    async run(input): Promise<Verdict> {
      const answer = await peer.ask(input);
      const [error] = errors.splice(0);
      demand(error === undefined, error ?? "");
      if (answer === null) return "refused"; // the peer ended before there was anything to answer
      demand(statuses.has(answer.status), `status ${answer.status}: ${answer.body.slice(0, 200)}`);
      if (answer.type === "application/problem+json" && answer.body !== "") {
        const problem = JSON.parse(answer.body) as { status: unknown; detail: unknown; title: unknown };
        demand(
          problem.status === answer.status && typeof problem.detail === "string" && problem.detail !== "",
          `a problem as ${answer.body}`,
        );
      }
      look(answer);
      return answer.status < 300 ? "accepted" : "refused";
    },
    async close() {
      peer.close();
      await served.close?.();
      await server.close();
    },
  };
}

const ves = new URL("../../alarms/ves/onap-vescollector/", import.meta.url);
const vesFiles = readdirSync(ves)
  .filter((name) => /json/.test(name))
  .map((name) => readFileSync(new URL(name, ves), "utf8"));
const alert = {
  status: "firing",
  labels: { alertname: "LinkDown", instance: "node-1:9100", severity: "critical" },
  annotations: { summary: "Link down for 5 s" },
  startsAt: "2026-11-23T08:00:00.123Z",
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "http://prometheus/graph",
  fingerprint: "9b2fa1",
};
const webhook = {
  version: "4",
  groupKey: '{}:{alertname="LinkDown"}',
  truncatedAlerts: 0,
  status: "firing",
  receiver: "tickets",
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: "http://alertmanager",
  alerts: [alert, { ...alert, status: "resolved", endsAt: "2026-11-23T09:00:00Z", fingerprint: "77" }],
};
const tmfAlarm = {
  id: 4711,
  alarmRaisedTime: "2026-11-23T08:00:00Z",
  alarmType: "communicationsAlarm",
  alarmedObject: { id: "node-1" },
  perceivedSeverity: "major",
  probableCause: "lossOfSignal",
  reportingSystemId: "nms-1",
  sourceSystemId: "ems-1",
  state: "raised",
};
const tmf = (eventType: string, event: object = { alarm: tmfAlarm }) =>
  JSON.stringify({ eventId: "e", eventTime: "2026-11-23T08:00:00Z", eventType, event });

const posts: Readonly<Record<string, readonly Buffer[]>> = {
  cloudevents: [
    requestOf("POST /v1/alarms", JSON.stringify(eventOf()), "application/cloudevents+json"),
    requestOf(
      "POST /v1/alarms",
      JSON.stringify([eventOf(), eventOf({ id: "2" })]),
      "application/cloudevents-batch+json",
    ),
    requestOf(
      "POST /v1/alarms",
      JSON.stringify(eventOf().data),
      "application/json",
      ...[
        "specversion: 1.0",
        "id: 1",
        "source: urn:test",
        "type: org.tmforum.alarm.AlarmCreateEvent",
        "time: 2026-11-23T08:00:00Z",
      ].map((one) => `ce-${one}`),
    ),
  ],
  ves: vesFiles.map((text, index) =>
    requestOf(
      index % 4 === 0 ? "POST /v1/alarms/ves/eventListener/v7/eventBatch" : "POST /v1/alarms/ves",
      JSON.stringify(JSON.parse(text)),
    ),
  ),
  alertmanager: [requestOf("POST /v1/alarms/alertmanager", JSON.stringify(webhook))],
  tmf642: [
    requestOf("POST /v1/alarms/tmf642", tmf("AlarmCreateEvent")),
    requestOf("POST /v1/alarms/tmf642/listener/alarmCreateEvent", tmf("AlarmCreateEvent")),
    requestOf(
      "POST /v1/alarms/tmf642",
      tmf("ClearAlarmsCreateEvent", { clearAlarm: { alarmPattern: [], clearedAlarms: [tmfAlarm] } }),
    ),
    requestOf(
      "POST /v1/alarms/tmf642",
      tmf("AlarmDeleteEvent", {
        alarm: { ...tmfAlarm, state: "cleared", alarmClearedTime: "2026-11-23T09:00:00Z" },
      }),
    ),
  ],
};

const itemStatuses = ["accepted", "duplicate", "ignored", "rejected", "notTried"];

function alarmForm(form: string, sources: readonly string[]): Edge {
  return {
    name: `http-${form}`,
    reads: `alarms over HTTP, as ${form}`,
    sources: [
      "adapters/alarms/alarm-format.ts",
      "adapters/alarms/http-intake.ts",
      "adapters/alarms/ordered-admission.ts",
      ...sources,
    ],
    seeds: posts[form] ?? [],
    bytesMax: 8_192,
    lifeExecutions: 1_000,
    async open() {
      const sink = new MemoryAlarmSink();
      let keptBefore = 0;
      return serving(
        (log) =>
          createHttpAlarmIntake({
            sink,
            log,
            correlationKey: correlationKey(),
            clock: systemClock,
            wasAccepted: (one) => Promise.resolve(one.id.length % 3 === 0),
            isCleared: (one) => one.id.length % 7 === 0,
            activeSince: (one) => (one.id.length % 5 === 0 ? one.raisedAt : null),
          }),
        ({ status, body }) => {
          const kept = sink.kept.length - keptBefore;
          keptBefore = sink.kept.length;
          if (body === "" || status === 404) return;
          const { results } = JSON.parse(body) as {
            results?: readonly { status: string; detail?: string; position?: number }[];
          };
          for (const { status: one, detail, position } of results ?? []) {
            demand(itemStatuses.includes(one), `an item is ${one}`);
            if (one === "rejected") demand((detail ?? "") !== "", "rejected without a word");
            if (one === "accepted") demand((position ?? 0) > 0, "accepted without a position");
          }
          // A1: as many as it says, no more and no less. TMF642's answer has the members of its specification instead.
          const told = results?.filter((one) => one.status === "accepted").length;
          if (told !== undefined) demandEqual(kept, told, "A1: kept and told differ");
        },
      );
    },
  };
}

export const httpAlarms: readonly Edge[] = [
  alarmForm("cloudevents", ["adapters/alarms/cloud-events.ts"]),
  alarmForm("ves", [
    "adapters/alarms/ves.ts",
    "adapters/alarms/ves-schema.ts",
    "adapters/alarms/ves-fault-supervision.ts",
  ]),
  alarmForm("alertmanager", ["adapters/alarms/alertmanager.ts"]),
  alarmForm("tmf642", ["adapters/alarms/tmf642.ts"]),
];

const guid = "6f1c2f6e-0000-4000-8000-000000000009";
const json = (line: string, body: object, ...headers: readonly string[]) =>
  requestOf(line, JSON.stringify(body), "application/json", ...headers);
const api: readonly Buffer[] = [
  ...[
    "clients",
    "clients/client-01",
    "clients/client-01/search-results",
    "responses?client=client-01&status=ack&command=create&key=NE-1&limit=10&before=5",
    "responses",
    "services",
    "services/export",
    "configuration",
    "flows?limit=5",
    `flows/${guid}`,
    "explain?source=urn:test&id=1",
    "explain?key=NE%2F1",
    "gateway",
    "audit?limit=3",
    "topology/path/NE-1",
    "openapi.json",
    "asyncapi.json",
  ].map((path) => requestOf(`GET /api/${path}`)),
  requestOf("DELETE /api/responses", "", "", "Idempotency-Key: k1"),
  json(
    "POST /api/clients/client-01/force-unlock",
    { lockGuid: guid, reason: "it hangs" },
    "Idempotency-Key: k2",
  ),
  json("POST /api/clients/client-02/force-not-busy", { lockGuid: guid, reason: "it hangs" }),
  json("PUT /api/services/selected", { name: "OSB" }),
  json("PATCH /api/configuration", {
    maxResponseRows: 50,
    delays: { createSeconds: 0 },
    relatedElements: { ticketGateway: "g" },
  }),
  json(`POST /api/gateway/requests/${guid}/resolve`, { verdict: "applied", ticketId: "T-1", reason: "seen" }),
  json("POST /api/topology/load", { files: ["a.csv"], dryRun: true }),
  json("POST /api/search", { clientReference: "node-1", status: ["acknowledged"], maxResults: 5 }),
  requestOf("POST /api/services/import?dryRun=true", table(row(), row({ name: "B" })), "text/csv"),
  requestOf(
    "POST /api/services/import",
    table(row(), row({ name: "B", notes: '"a;b"' })),
    "text/csv",
    "Idempotency-Key: k3",
  ),
  requestOf("GET /metrics"),
  requestOf("GET /healthz"),
  requestOf(
    "OPTIONS /api/clients",
    "",
    "",
    "Origin: http://127.0.0.1",
    "Access-Control-Request-Method: POST",
  ),
  requestOf("POST /osb/callback", "<a/>", "text/xml"),
];

export const httpApi: Edge = {
  name: "http-api",
  reads: "requests to the HTTP port: paths, queries, headers, bodies",
  sources: [
    "adapters/http/",
    "actors/operator-commands.ts",
    "actors/service-commands.ts",
    "actors/engine-reader.ts",
    "actors/debug-search.ts",
  ],
  seeds: api,
  lifeExecutions: 500,
  async open() {
    const dir = scratchFolder("api");
    const folder = join(dir, "topology");
    mkdirSync(folder);
    writeFileSync(join(folder, "a.csv"), "ne_a;ne_b\nHUB-1;NE-1\n");
    return serving(
      async (log) => {
        const clock = systemClock;
        const database = createMemoryTopology({ clock });
        const supervisor = await createSupervisor({
          config: { clients: 3, gateway: { debugSearchPerSecond: 100 } },
          ledger: createMemoryLedger(),
          service: createMemoryService({ idempotency: "requestId", now: () => clock.now() }),
          serviceTableCodec: csvCodec,
          topology: database,
          services: [serviceRow(8650)],
          clock,
          ids: systemIds,
          log,
        });
        await supervisor.raise(notification("1"));
        const tokens = loadTokens({ listen: configSchema.parse({}).listen, auth: {} });
        if (!tokens.ok) throw new Error(tokens.failure.detail);
        return {
          routes: [
            ...apiRoutes({
              supervisor,
              tokens: tokens.value,
              clock,
              topology: { database, load: (order) => database.load(order), folder },
            }),
            metricsRoute({ supervisor, tokens: tokens.value, clock, feedReaders: () => 0 }),
            ...callbackRoutes({ sink: supervisor, isAwaited: () => true, clock, log }),
          ],
          async close() {
            await supervisor.stop({ drainSeconds: 0 });
            rmSync(dir, { recursive: true, force: true });
          },
        };
      },
      () => undefined,
    );
  },
};
