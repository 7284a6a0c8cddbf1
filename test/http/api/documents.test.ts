/** The documents are what they say they are, complete, and true of what the sockets say. */
import { createRequire } from "node:module";
import { once } from "node:events";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { systemClock } from "../../../adapters/clock/system.ts";
import { apiOperations } from "../../../adapters/http/api/api.ts";
import { asyncApiDocument } from "../../../adapters/http/api/asyncapi.ts";
import { feedTypes } from "../../../actors/feed-messages.ts";
import { startApi, type ApiUnderTest } from "./rig.ts";

interface AsyncApi {
  readonly channels: Record<string, { readonly address: string; readonly messages: object }>;
  readonly components: { readonly messages: Record<string, { readonly payload: object }> };
}

/** The table alone is looked at: nothing is asked of the topology. */
function operationPorts({ engine }: ApiUnderTest): Parameters<typeof apiOperations>[0] {
  const never = () => Promise.reject(new Error("not asked"));
  const topology = { database: { details: never }, load: never, folder: "" };
  return { supervisor: engine.supervisor, clock: systemClock, topology };
}

test("the OpenAPI document is OpenAPI 3.1, and names every operation of the table and no other", async () => {
  const api = await startApi();
  const { text } = await api.ask("GET", "/api/openapi.json");
  const checked = await new Validator().validate(JSON.parse(text) as Record<string, unknown>);
  expect(checked).toMatchObject({ valid: true });
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, { operationId: string }>> };
  const documented = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((one) => one.operationId),
  );
  const table = apiOperations(operationPorts(api)).map(({ id }) => id);
  expect(new Set(documented).size).toBe(table.length);
  expect(documented.sort()).toEqual(table.sort());
  expect(text).not.toContain("$defs");
});

test("the AsyncAPI document is AsyncAPI 3.0, and names every type of the feed", async () => {
  const api = await startApi();
  const { text } = await api.ask("GET", "/api/asyncapi.json");
  const require = createRequire(import.meta.url);
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  addFormats.default(ajv);
  const validate = ajv.compile(require("@asyncapi/specs/schemas/3.0.0.json") as object);
  const document = JSON.parse(text) as AsyncApi;
  validate(document);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ ...document, info: undefined })).toBe(false);
  expect(Object.values(document.channels).map(({ address }) => address)).toEqual([
    "/v1/alarms",
    "/v1/feed",
    "/inspect",
  ]);
  const messages = Object.keys(document.components.messages);
  for (const type of feedTypes) expect(messages).toContain(`feed.${type}`);
});

/** Whether a frame is one of a channel's messages, by its type. */
function messageChecker(): (channel: string, type: string, frame: unknown) => string {
  const document = asyncApiDocument();
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(document, "asyncapi");
  return (channel, type, frame) => {
    const name = `${channel}.${type}`;
    const validate = ajv.getSchema(`asyncapi#/components/messages/${name}/payload`);
    if (validate === undefined) return `${name} is not in the document`;
    return validate(frame) === true
      ? ""
      : `${name}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(frame)}`;
  };
}

interface Frame {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** Frames of a socket as they come, until `last` is among them. */
async function frames(
  api: ApiUnderTest,
  path: string,
  last: (frame: Frame) => boolean,
  onOpen: (socket: WebSocket) => void = () => undefined,
  subprotocols: string[] = ["cloudevents.json"],
): Promise<Frame[]> {
  const socket = new WebSocket(`${api.engine.url.replace("http", "ws")}${path}`, subprotocols);
  const heard: Frame[] = [];
  const done = Promise.withResolvers<void>();
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString("utf8")) as Frame;
    heard.push(frame);
    if (last(frame)) done.resolve();
  });
  await once(socket, "open");
  onOpen(socket);
  await done.promise;
  socket.terminate();
  return heard;
}

test("what the feed says is what the document says: snapshot, states, and the facts of flows, forces and verdicts", async () => {
  const api = await startApi({
    config: { clients: 2 },
    row: { idempotency: "none", settleSeconds: 0.01, timeoutSeconds: 1 },
    desk: {
      idempotency: "none",
      faults: [{ match: { command: "create" }, fault: "reset-before", times: 1 }],
    },
  });
  const { supervisor } = api.engine;
  const settled = (frame: Frame) => frame.type === "ticketclient.operator.acted";
  const watching = frames(api, "/v1/feed", settled);
  const states = frames(
    api,
    "/v1/feed?types=client.state,counters",
    ({ type }) => type === "ticketclient.counters",
  );
  await api.raise("1");
  await api.fact(({ type }) => type === "alarm.settled");
  const held = await supervisor.lock();
  const force = { lockGuid: held.lockGuid, by: "ann", reason: "x" };
  await supervisor.forceUnlock(held.clientId, force);
  await supervisor.operators.changeSettings({ maxResponseRows: 5 }, "ann");
  await supervisor.operators.clearResponses(null, "ann");
  const [requestId = ""] = supervisor.state.unknown.keys();
  await supervisor.resolve(requestId, { verdict: "notApplied", ticketId: null, by: "ann", reason: "x" });
  const heard = [...(await watching), ...(await states)];
  const ledger = supervisor.snapshot().ledger;
  heard.push(...(await frames(api, `/v1/feed?after=${ledger}:0`, settled)));

  const check = messageChecker();
  const types = new Set(heard.map(({ type }) => type.replace("ticketclient.", "")));
  expect(
    heard
      .map((frame) => check("feed", frame.type.replace("ticketclient.", ""), frame))
      .filter((one) => one !== ""),
  ).toEqual([]);
  for (const type of [
    "feed.snapshot",
    "client.state",
    "counters",
    "ledger.opened",
    "settings.changed",
    "alarm.settled",
    "request.planned",
    "response.row",
    "responses.cleared",
    "client.lockForced",
    "operator.acted",
  ])
    expect(types).toContain(type);
});

test("what the alarm intake says and hears is what the document says", async () => {
  const api = await startApi();
  const time = "2026-11-23T08:00:00Z";
  const alarm = {
    specversion: "1.0",
    id: "1",
    source: "urn:test",
    type: "org.tmforum.alarm.AlarmCreateEvent",
    time,
    sequence: "00000000000000000001",
    data: {
      alarmRaisedTime: time,
      alarmType: "communicationsAlarm",
      alarmedObject: { id: "node-1" },
      perceivedSeverity: "major",
      probableCause: "lossOfSignal",
      sourceSystemId: "ems",
      state: "raised",
    },
  };
  let answers = 0;
  const heard = await frames(
    api,
    "/v1/alarms",
    ({ type }) => /accepted|rejected/.test(type) && ++answers === 3,
    (socket) => {
      socket.send(JSON.stringify(alarm));
      socket.send(JSON.stringify({ ...alarm, id: "2", data: { ...alarm.data, perceivedSeverity: "awful" } }));
      socket.send(JSON.stringify({ ...alarm, id: "3", sequence: "00000000000000000009" }));
    },
  );
  const check = messageChecker();
  const types = heard.map(({ type }) => type.replace("ticketclient.ack.", ""));
  expect(new Set(types)).toEqual(new Set(["hello", "accepted", "rejected", "gap"]));
  expect(
    heard.map((frame, index) => check("alarms", types[index] ?? "", frame)).filter((one) => one !== ""),
  ).toEqual([]);
  expect(check("alarms", "alarm", alarm)).toBe("");
  expect(check("alarms", "alarm", { ...alarm, id: 7 })).not.toBe("");
});

test("what the inspector says is what the document says", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const seen = new Set<string>();
  const watch = ({ type }: Frame): boolean => {
    // What happens is told from the first frame on.
    if (seen.size === 0) void api.raise("1");
    return seen.add(type).size === 3;
  };
  const heard = await frames(api, "/inspect", watch, () => undefined, []);
  const check = messageChecker();
  const wrong = heard.map((frame) => check("inspect", frame.type.replace("@", ""), frame));
  expect(wrong.filter((one) => one !== "")).toEqual([]);
});
