/** From a real request over a whole engine to a ticket at a real desk, and to its close. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { file, folder, start } from "../cli/command-line.ts";
import { alertOf, post, settled, startPlant, tmfEventOf, webhookOf } from "./http-rig.ts";
import type { Engine } from "../../adapters/engine.ts";
import { eventOf, Sender, textOf } from "./rig.ts";

const pilot = JSON.parse(
  readFileSync(new URL("ves/onap-vescollector/ves7_valid_30_1_1_event.json", import.meta.url), "utf8"),
) as { event: { commonEventHeader: object; faultFields: object } };
const vesClear = {
  event: {
    ...pilot.event,
    commonEventHeader: {
      ...pilot.event.commonEventHeader,
      sequence: 2,
      lastEpochMicrosec: 1_413_378_200_000_000,
    },
    faultFields: { ...pilot.event.faultFields, eventSeverity: "NORMAL" },
  },
};
const clearedAlarm = {
  state: "cleared",
  perceivedSeverity: "cleared",
  alarmClearedTime: "2026-11-23T08:05:00Z",
};

const formats = [
  ["/v1/alarms", 202, eventOf(), eventOf({ id: "2", alarm: clearedAlarm })],
  ["/v1/alarms/ves", 202, pilot, vesClear],
  [
    "/v1/alarms/alertmanager",
    200,
    webhookOf(alertOf()),
    webhookOf(alertOf({ status: "resolved", endsAt: "2026-11-23T08:05:00Z" })),
  ],
  [
    "/v1/alarms/tmf642",
    201,
    tmfEventOf("AlarmCreateEvent"),
    tmfEventOf("AlarmStateChangeEvent", clearedAlarm),
  ],
] as const;

test.each(formats)(
  "%s: a raise makes one ticket, a repeat none, the clear closes it; a restart in between changes nothing",
  async (path, status, raise, clear) => {
    const plant = await startPlant();
    const first = await plant.start();
    const raised = await post(first.url, path, raise);
    expect(raised).toMatchObject({ status, body: { results: [{ status: "accepted" }] } });
    await settled(first, 1);
    expect(plant.desk.truth()).toMatchObject({ creates: 1, open: 1 });
    await plant.stop(first);

    const second = await plant.start();
    expect(await post(second.url, path, raise)).toMatchObject({
      status,
      body: { results: [{ status: "duplicate", position: raised.body.results?.[0]?.position }] },
    });
    expect(await post(second.url, path, clear)).toMatchObject({ status });
    await settled(second, 2);
    expect(second.supervisor.counters().outcomes).toEqual({ created: 1, closed: 1 });
    expect(plant.desk.truth()).toMatchObject({ creates: 1, closes: 1, tickets: 1, open: 0 });
  },
);

test("A1: answered with success, alarms of every format outlive a kill of the process right after", async () => {
  const dataDir = join(folder(), "data");
  const postAll = async () => {
    const engine = start(["serve", "--json", "--port", "0", "--data-dir", dataDir]);
    const { url } = JSON.parse(await engine.line()) as { url: string };
    const said = await Promise.all(formats.map(([path, , raise]) => post(url, path, raise)));
    engine.child.kill("SIGKILL");
    await engine.ended;
    expect(said.map(({ status }) => status)).toEqual(formats.map(([, status]) => status));
    return said.map(({ body }) => body.results?.[0]);
  };
  const first = await postAll();
  expect(first.map((one) => one?.status)).toEqual(formats.map(() => "accepted"));
  const again = first.map((one) => ({ status: "duplicate", position: one?.position }));
  expect(await postAll()).toMatchObject(again);
}, 30_000);

test("A5: an array of raises and clears takes effect in its order", async () => {
  const plant = await startPlant({ coalesce: false });
  const engine = await plant.start();
  const events = ["a", "b", "c"].flatMap((node) => [
    eventOf({ id: `${node}/raise`, alarm: { alarmedObject: { id: node } } }),
    eventOf({ id: `${node}/clear`, alarm: { ...clearedAlarm, alarmedObject: { id: node } } }),
  ]);
  const said = await post(engine.url, "/v1/alarms", events);
  const positions = (said.body.results ?? []).map(({ position = 0 }) => position);
  expect(positions.toSorted((a, b) => a - b)).toEqual(positions);
  await settled(engine, events.length);
  expect(engine.supervisor.counters().outcomes).toEqual({ created: 3, closed: 3 });
  expect(plant.desk.truth()).toMatchObject({ tickets: 3, open: 0 });
});

test("A8: in TMF642 a cleared alarm stays cleared, as far as the ledger knows of it", async () => {
  const plant = await startPlant();
  const engine = await plant.start();
  const path = "/v1/alarms/tmf642";
  const change = (id: string) => ({
    ...tmfEventOf("AlarmAttributeValueChangeEvent", { state: "updated", perceivedSeverity: "critical" }),
    eventId: id,
  });
  await post(engine.url, path, tmfEventOf("AlarmCreateEvent"));
  expect((await post(engine.url, path, change("c1"))).status).toBe(201);
  await post(engine.url, path, tmfEventOf("AlarmDeleteEvent"));
  // At once, while the clear may still wait for its flow; and when it is settled.
  expect((await post(engine.url, path, change("c2"))).status).toBe(400);
  await settled(engine, 3);
  expect((await post(engine.url, path, change("c3"))).status).toBe(400);
  // A4: what was accepted before the clear is a repeat, and with other content a conflict.
  expect(await post(engine.url, path, change("c1"))).toMatchObject({
    status: 201,
    body: { results: [{ status: "duplicate" }] },
  });
  const other = tmfEventOf("AlarmAttributeValueChangeEvent", {
    state: "updated",
    perceivedSeverity: "minor",
  });
  expect((await post(engine.url, path, { ...other, eventId: "c1" })).status).toBe(409);
  expect((await post(engine.url, path, { ...tmfEventOf("AlarmCreateEvent"), eventId: "r2" })).status).toBe(
    201,
  );
});

test("A8: an alert that Alertmanager resolved because Prometheus was out of reach fires again as it did before", async () => {
  const plant = await startPlant();
  const path = "/v1/alarms/alertmanager";
  const firing = webhookOf(alertOf());
  const resolved = webhookOf(alertOf({ status: "resolved", endsAt: "2026-11-23T08:05:00Z" }));
  const say = async ({ url }: Engine, body: object) =>
    (await post(url, path, body)).body.results?.map(({ status }) => status).join(" ");
  const first = await plant.start();
  expect(await say(first, firing)).toBe("accepted");
  await settled(first, 1);
  expect(await say(first, resolved)).toBe("accepted");
  await settled(first, 2);
  expect(await say(first, firing)).toBe("accepted");
  expect(await say(first, firing)).toBe("duplicate");
  await settled(first, 3);
  expect(plant.desk.truth()).toMatchObject({ creates: 2, closes: 1, open: 1 });
  await plant.stop(first);

  const second = await plant.start();
  expect(await say(second, firing)).toBe("duplicate");
  expect(await say(second, resolved)).toBe("accepted");
  expect(await say(second, resolved)).toBe("duplicate");
  await settled(second, 4);
  expect(plant.desk.truth()).toMatchObject({ creates: 2, closes: 2, open: 0 });
  expect(await say(second, firing)).toBe("accepted");
  await settled(second, 5);
  expect(plant.desk.truth()).toMatchObject({ creates: 3, closes: 2, open: 1 });
  // At once: the two may cancel each other out, or the clear may have its flow first.
  expect(await say(second, resolved)).toBe("accepted");
  expect(await say(second, firing)).toBe("accepted");
  await settled(second, 7);
  expect(plant.desk.truth()).toMatchObject({ open: 1, duplicateOpen: 0 });
});

test("A4, A8: what a second Alertmanager says late of an alert's end is a duplicate, though the alert fires anew", async () => {
  const plant = await startPlant();
  const engine = await plant.start();
  const say = async (alert: Readonly<Record<string, unknown>>) =>
    (await post(engine.url, "/v1/alarms/alertmanager", webhookOf(alertOf(alert)))).body.results?.[0]?.status;
  const resolved = { status: "resolved", endsAt: "2026-11-23T08:05:00Z" };
  expect(await say({})).toBe("accepted");
  await settled(engine, 1);
  expect(await say(resolved)).toBe("accepted");
  await settled(engine, 2);
  expect(await say({ startsAt: "2026-11-23T08:06:00Z" })).toBe("accepted");
  expect(await say(resolved)).toBe("duplicate");
  await settled(engine, 3);
  expect(await say(resolved)).toBe("duplicate");
  expect(plant.desk.truth()).toMatchObject({ creates: 2, closes: 1, open: 1 });
});

test("S1: tokens of role source, as Bearer or as the password of Basic; others are 401", async () => {
  const tokensFile = file(
    folder(),
    "tokens",
    ["source:mediator:send", "viewer:noc:see", "operator:lead:do"]
      .map((line) => line.replace(/[^:]+$/, (token) => hash("sha256", token)))
      .join("\n"),
  );
  const plant = await startPlant({ auth: { tokensFile } });
  const engine = await plant.start();
  const status = async (headers: Record<string, string>) =>
    (await post(engine.url, "/v1/alarms", textOf(), headers)).status;
  expect(await status({})).toBe(401);
  for (const token of ["see", "do", "wrong"])
    expect(await status({ authorization: `Bearer ${token}` })).toBe(401);
  expect(await status({ authorization: "Bearer send" })).toBe(202);
  expect(await status({ authorization: `Basic ${Buffer.from("ves:send").toString("base64")}` })).toBe(202);
});

test("A4: one path for both: what came over the WebSocket is a duplicate over HTTP", async () => {
  const plant = await startPlant();
  const engine = await plant.start();
  const sender = await Sender.open(`${engine.url.replace("http", "ws")}/v1/alarms`);
  sender.send(textOf());
  const { position } = (await sender.next()) as { position: number };
  expect((await post(engine.url, "/v1/alarms", textOf())).body.results).toMatchObject([
    { status: "duplicate", position },
  ]);
  sender.webSocket.close();
  await sender.closed;
});
