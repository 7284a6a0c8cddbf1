/** Alarms: the text of one event, the frames of a WebSocket, what a replay reads and is told. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { IncomingMessage } from "node:http";
import { duplexPair, type Duplex } from "node:stream";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { Socket } from "node:net";
import { parseAlarmEvent, type AlarmSettings } from "../../../actors/alarm-message.ts";
import { factSchemas } from "../../../actors/fact-schemas.ts";
import { intakeSchemas } from "../../../actors/socket-messages.ts";
import { readAckMessage } from "../../../adapters/alarms/ack-message.ts";
import { readHuaweiAlarms } from "../../../adapters/alarms/huawei.ts";
import { attachAlarmIntake } from "../../../adapters/alarms/intake.ts";
import { MemoryAlarmSink } from "../../../adapters/alarms/memory.ts";
import { readCloudEvents } from "../../../adapters/alarms/recorded.ts";
import { limits } from "../../../machines/limits.ts";
import { ManualClock } from "../../alarms/manual-clock.ts";
import { correlationKey, countingIds, eventOf, textOf } from "../../alarms/rig.ts";
import { demand, demandEqual, type Edge } from "../edge.ts";

const recording = readFileSync(
  new URL("../../../adapters/alarms/huawei-neurips2023/alarm.csv", import.meta.url),
  "utf8",
);
const [header = "", ...rows] = recording.trim().split(/\r?\n/);
const someRows = [header, ...rows.filter((_row, index) => index % 6_000 === 0)].join("\n");

function replayed(): readonly string[] {
  const read = readHuaweiAlarms(someRows, "alarm.csv");
  if (!read.ok) throw new Error(read.failure.detail);
  return read.value.map(({ text }) => text);
}

const texts = [
  ...replayed(),
  textOf({ sequence: 1 }),
  textOf({ event: { subject: "s", partitionkey: "p", datacontenttype: "text/json" } }),
  textOf({
    event: { type: "org.tmforum.alarm.AlarmAttributeValueChangeEvent" },
    alarm: {
      state: "updated",
      specificProblem: "Löschung 🙂",
      externalAlarmId: "4711",
      plannedOutageIndicator: "inMaintenance",
      serviceAffecting: true,
      alarmDetails: "line 1\nline 2",
      parentAlarm: [{ id: "1", href: "/alarm/1" }],
    },
  }),
  textOf({
    event: { type: "org.tmforum.alarm.AlarmDeleteEvent", time: "2026-11-23T09:00:00.5+01:00" },
    alarm: { state: "cleared", perceivedSeverity: "cleared", alarmClearedTime: "2026-11-23T08:30:00Z" },
  }),
  JSON.stringify({ ...eventOf(), extension: { deep: [[[[{ a: 1 }]]]] } }),
];

const settings: AlarmSettings = { correlationKey: correlationKey(), digest: (text) => hash("sha256", text) };
const refusalCodes = ["INVALID", "MISSING", "TOO_DEEP", "TOO_LARGE"];

export const alarmText: Edge = {
  name: "alarm",
  reads: "the text of one alarm event",
  sources: [
    "actors/alarm-message.ts",
    "actors/alarm-json.ts",
    "actors/alarm-schema.ts",
    "actors/alarm-key.ts",
  ],
  seeds: texts.map((text) => Buffer.from(text)),
  open: () => ({
    run(input) {
      const text = input.toString("utf8");
      const reading = parseAlarmEvent(text, settings);
      if (!reading.ok) {
        const { code, field, detail } = reading.refusal;
        demand(refusalCodes.includes(code), `${code} is no code of a refusal`);
        demand(/^(?:\/|$)/.test(field), `${field} is no JSON Pointer`);
        demand(detail.length > 0 && detail.length < 1_000, `a detail of ${detail.length} characters`);
        return "refused";
      }
      const { notification, digest } = reading;
      demand(
        factSchemas["alarm.accepted"].safeParse({ notification, digest }).success,
        "what is accepted cannot be a fact",
      );
      demand(notification.key.length <= limits.alarmTextCharsMax, "the key is too long");
      // The same event in another order of its members is the same event (A4).
      const again = parseAlarmEvent(JSON.stringify(turned(JSON.parse(text))), settings);
      demandEqual(again, reading, "written anew it reads otherwise");
      return "accepted";
    },
  }),
};

/** Members of objects in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, inner]) => [name, turned(inner)]),
  );
}

/** A frame of a client; masked with zeros, so that its text can be read, and changed, as it stands. */
function frame(opcode: number, payload: string | Buffer, isLast = true): Buffer {
  const body = Buffer.from(payload);
  const head = body.length < 126 ? Buffer.from([0x80 | body.length]) : Buffer.alloc(3, 0x80 | 126);
  if (body.length >= 126) head.writeUInt16BE(body.length, 1);
  return Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | opcode]), head, Buffer.alloc(4), body]);
}

const [first = "", second = ""] = texts;
const frames = [
  ...texts.map((text) => frame(1, text)),
  Buffer.concat([frame(1, first), frame(1, second), frame(1, first)]),
  Buffer.concat([frame(1, first.slice(0, 100), false), frame(0, first.slice(100))]),
  Buffer.concat([frame(9, "ping"), frame(10, "pong"), frame(1, second), frame(8, Buffer.from([3, 232]))]),
  Buffer.concat([frame(2, "binary"), frame(1, second)]),
  Buffer.concat(Array.from({ length: limits.fragmentsMax + 1 }, (_, n) => frame(n === 0 ? 1 : 0, "", false))),
  Buffer.concat(Array<Buffer>(limits.pingsPerIntervalMax + 1).fill(frame(9, ""))),
];

/** RFC 6455, 7.4: what may stand in a close frame. */
function mayBeThePeers(code: number): boolean {
  return (code >= 3_000 && code <= 4_999) || (code >= 1_007 && code <= 1_014);
}

const closeCodes = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1013, 4400]);

export const alarmSocket: Edge = {
  name: "alarm-socket",
  reads: "the bytes of an open WebSocket at the alarm intake",
  sources: [
    "adapters/alarms/connection.ts",
    "adapters/alarms/frames.ts",
    "adapters/alarms/sequence-watch.ts",
    "node_modules/ws/lib/receiver.js",
  ],
  seeds: frames,
  lifeExecutions: 1_000,
  open() {
    const sink = new MemoryAlarmSink();
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const intake = attachAlarmIntake({
      sink,
      clock: new ManualClock(),
      ids: countingIds(),
      log: quiet,
      settings: { correlationKey: correlationKey(), allowedOrigins: [], allowedHosts: ["127.0.0.1"] },
    });
    return {
      async run(input) {
        const keptBefore = sink.kept.length;
        const said = await connectionOver(input, (stream) =>
          intake.handleUpgrade(upgradeRequest(), stream, Buffer.alloc(0)),
        );
        demand(intake.connections === 0, "the connection outlives its socket");
        let accepted = 0;
        let answered = 0;
        for (const { opcode, payload } of framesIn(said)) {
          // Whoever closes is answered as it closed: without a code, or with its own (RFC 6455, 5.5.1).
          const code = opcode === 8 && payload.length > 0 ? payload.readUInt16BE(0) : null;
          demand(code === null || closeCodes.has(code) || mayBeThePeers(code), `closed ${code}`);
          if (opcode !== 1) continue;
          const message = JSON.parse(payload.toString("utf8")) as {
            type: string;
            data: { duplicate?: boolean };
          };
          const schema = intakeSchemas[message.type.replace("ticketclient.ack.", "")];
          demand(
            schema?.safeParse(message).success === true,
            `no message of the protocol: ${payload.toString("utf8")}`,
          );
          if (message.data.duplicate === false) accepted += 1;
          if (message.data.duplicate !== undefined) answered += 1;
        }
        // A1: what is acknowledged is kept; the last of it may go unanswered when the peer has gone.
        demand(sink.kept.length - keptBefore >= accepted, "acknowledged and not kept");
        return answered > 0 ? "accepted" : "refused";
      },
    };
  },
};

function upgradeRequest(): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = "/v1/alarms";
  request.headers = {
    host: "127.0.0.1",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "cloudevents.json",
  };
  return request;
}

/** Sends the bytes, ends, and gives what came back by then. */
async function connectionOver(bytes: Buffer, open: (stream: Duplex) => void): Promise<Buffer> {
  const [ours, theirs] = duplexPair();
  const said: Buffer[] = [];
  ours.on("data", (chunk: Buffer) => said.push(chunk));
  ours.on("error", () => undefined);
  open(theirs);
  const ended = once(theirs, "close");
  if (bytes.length > 0) ours.write(bytes);
  // Events are taken one a tick; all of these are by then.
  for (let turns = 0; turns < 3; turns += 1) await turn(); // oxlint-disable-line no-await-in-loop -- that is the purpose
  ours.end();
  await ended;
  return Buffer.concat(said);
}

/** Frames of a server, behind the answer to the upgrade. */
function* framesIn(said: Buffer): Generator<{ readonly opcode: number; readonly payload: Buffer }> {
  for (let at = said.indexOf("\r\n\r\n") + 4; at + 2 <= said.length;) {
    const opcode = (said[at] ?? 0) & 0x0f;
    let length = (said[at + 1] ?? 0) & 0x7f;
    at += 2;
    if (length === 126) {
      length = said.readUInt16BE(at);
      at += 2;
    }
    yield { opcode, payload: said.subarray(at, at + length) };
    at += length;
  }
}

export const replayCsv: Edge = {
  name: "replay-csv",
  reads: "Huawei's alarm CSV, as replay does",
  sources: ["adapters/alarms/huawei.ts"],
  seeds: [Buffer.from(someRows), Buffer.from(`${header}\n7,"NE 1",0,1\n8,NE-2,9,3\n`)],
  open: () => ({
    run(input) {
      const text = input.toString("utf8");
      const read = readHuaweiAlarms(text, "a b.csv");
      if (!read.ok) {
        demand(
          read.failure.code === "INVALID" && read.failure.detail.startsWith("a b.csv"),
          read.failure.detail,
        );
        return "refused";
      }
      const { value: events } = read;
      demand(events.length % 2 === 0, "a row without its two events");
      demand(
        events.every((event, index) => index === 0 || event.at >= (events[index - 1]?.at ?? 0)),
        "not in order of time",
      );
      demand(new Set(events.map(({ id }) => id)).size === events.length, "an id twice");
      for (const { text: sent, id } of events) {
        const reading = parseAlarmEvent(sent, settings);
        demandEqual(
          reading.ok ? reading.notification.id : reading.refusal.id,
          id,
          "the intake reads another id",
        );
      }
      return "accepted";
    },
  }),
};

export const replayNdjson: Edge = {
  name: "replay-ndjson",
  reads: "recorded CloudEvents, one a line, as replay does",
  sources: ["adapters/alarms/recorded.ts", "actors/alarm-schema.ts"],
  seeds: [Buffer.from(texts.slice(0, 4).join("\n")), Buffer.from(`\ufeff${first}\r\n\r\n${second}\r\n`)],
  open: () => ({
    run(input) {
      const read = readCloudEvents(input.toString("utf8"), "a.ndjson");
      if (!read.ok) {
        demand(
          read.failure.code === "INVALID" && /^a\.ndjson, line \d+: /.test(read.failure.detail),
          read.failure.detail,
        );
        return "refused";
      }
      const again = readCloudEvents(read.value.map(({ text }) => text).join("\n"), "a.ndjson");
      demandEqual(again, read, "written anew it reads otherwise");
      return "accepted";
    },
  }),
};

const answers = [
  { type: "ticketclient.ack.hello", data: { connectionId: "c", maxInFlight: 1_024, pingIntervalMs: 15_000 } },
  { type: "ticketclient.ack.accepted", data: { source: "s", id: "1", duplicate: false, position: 7 } },
  {
    type: "ticketclient.ack.rejected",
    data: {
      source: "s",
      id: null,
      code: "INVALID",
      field: "/id",
      detail: "d",
      retryable: true,
      retryAfterMs: 5,
    },
  },
  { type: "ticketclient.ack.gap", data: { source: "s", expected: "0", got: "1" } },
].map((one) => Buffer.from(JSON.stringify({ specversion: "1.0", source: "/v1/alarms", id: "c-1", ...one })));

export const intakeAnswer: Edge = {
  name: "intake-answer",
  reads: "what an alarm intake says to a replay",
  sources: ["adapters/alarms/ack-message.ts"],
  seeds: answers,
  open: () => ({
    run(input) {
      const message = readAckMessage(input.toString("utf8"));
      if (message === null) return "refused";
      for (const value of Object.values(message))
        demand(
          value === null || ["string", "number", "boolean"].includes(typeof value),
          "a member of no plain type",
        );
      return "accepted";
    },
  }),
};
