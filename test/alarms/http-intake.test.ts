/** What all formats of the HTTP intake share, tried with CloudEvents. */
import { connect } from "node:net";
import { describe, expect, test } from "vitest";

import type { Acceptance, AlarmSink } from "../../actors/ports.ts";
import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import { limits } from "../../machines/limits.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { startHttpIntake } from "./http-rig.ts";
import { eventOf, textOf } from "./rig.ts";

const path = "/v1/alarms";
const paths = [path, "/v1/alarms/ves", "/v1/alarms/alertmanager", "/v1/alarms/tmf642"];
const ids = (sink: MemoryAlarmSink) => sink.kept.map(({ id }) => id);

/** Answers only when the test says so. */
class HeldSink implements AlarmSink {
  readonly held: {
    readonly id: string;
    readonly answer: (acceptance: Acceptance) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  #wanted: { readonly count: number; readonly resolve: () => void } | null = null;

  accept({ id }: Notification): Promise<Acceptance> {
    return new Promise((answer, fail) => {
      this.held.push({ id, answer, fail });
      if (this.#wanted !== null && this.held.length >= this.#wanted.count) this.#wanted.resolve();
    });
  }

  arrived(count: number): Promise<void> {
    if (this.held.length >= count) return Promise.resolve();
    return new Promise((resolve) => (this.#wanted = { count, resolve }));
  }
}

describe("one event", () => {
  test("A1: it is answered only when the sink says it is durable", async () => {
    const sink = new HeldSink();
    const intake = await startHttpIntake(sink);
    let answered = false;
    const said = intake.post(path, textOf()).then((one) => {
      answered = true;
      return one;
    });
    await sink.arrived(1);
    // Another request goes its whole way meanwhile.
    expect((await intake.post(path, "{")).status).toBe(400);
    expect(answered).toBe(false);
    sink.held[0]?.answer({ kind: "accepted", position: 7, duplicate: false });
    expect(await said).toMatchObject({
      status: 202,
      body: { results: [{ status: "accepted", source: "urn:test", id: "1", position: 7 }] },
    });
  });

  test("A4: again it is a duplicate; with other content 409", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    await intake.post(path, textOf());
    expect(await intake.post(path, textOf({ sequence: 4 }))).toMatchObject({
      status: 202,
      body: { results: [{ status: "duplicate", position: 1 }] },
    });
    expect(await intake.post(path, textOf({ alarm: { perceivedSeverity: "minor" } }))).toMatchObject({
      status: 409,
      type: "application/problem+json",
      body: { status: 409, code: "CONFLICT", field: "/id" },
    });
    expect(sink.kept.length).toBe(1);
  });

  test.each([
    ["not JSON", "{", 400, "INVALID", ""],
    ["empty", "", 400, "INVALID", ""],
    ["a number", "7", 400, "INVALID", ""],
    ["no source", { ...eventOf(), source: undefined }, 400, "MISSING", "/source"],
    ["a number for an id", { ...eventOf(), id: 9_007_199_254_740_992 }, 400, "INVALID", "/id"],
    [
      "an unknown severity",
      eventOf({ alarm: { perceivedSeverity: "MAJOR" } }),
      400,
      "INVALID",
      "/data/perceivedSeverity",
    ],
    [
      "__proto__",
      textOf().replace('"state"', '"__proto__":{"a":1},"state"'),
      400,
      "INVALID",
      "/data/__proto__",
    ],
    ["a member twice", textOf().replace('"state"', '"state":"raised","state"'), 400, "INVALID", ""],
    ["half a character", textOf({ alarm: { alarmDetails: "\ud800" } }), 400, "INVALID", "/data/alarmDetails"],
    ["1e999", textOf().replace('"state"', '"n":1e999,"state"'), 400, "INVALID", "/data/n"],
    ["NaN", textOf().replace('"raised"', "NaN"), 400, "INVALID", ""],
    [
      "too deep",
      textOf().replace('"state"', `"deep":${"[".repeat(16)}${"]".repeat(16)},"state"`),
      400,
      "TOO_DEEP",
      `/data/deep${"/0".repeat(14)}`,
    ],
    ["deeper than any stack", "[".repeat(500_000), 400, "INVALID", ""],
    [
      "too long for an event",
      textOf({ alarm: { more: "x".repeat(limits.alarmBytesMax) } }),
      413,
      "TOO_LARGE",
      "",
    ],
  ])("%s is refused with code and field, and nothing is kept", async (_name, body, status, code, field) => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    expect(await intake.post(path, body)).toMatchObject({ status, body: { code, field } });
    expect(sink.kept).toEqual([]);
  });

  test("binary mode: attributes in headers, the alarm in the body; the same event as the structured one", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const { data, ...attributes } = eventOf({ id: "Ä 1" });
    await intake.post(path, { ...attributes, data });
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encodeURIComponent(value)]),
    );
    const said = await intake.post(path, data, headers);
    expect(said).toMatchObject({ status: 202, body: { results: [{ status: "duplicate", id: "Ä 1" }] } });
    const bad = await intake.post(path, data, { ...headers, "ce-id": "%" });
    expect(bad).toMatchObject({ status: 400, body: { code: "INVALID" } });
    const large = { ...(data as object), more: "x".repeat(limits.alarmBytesMax) };
    expect(await intake.post(path, large, headers)).toMatchObject({
      status: 413,
      body: { code: "TOO_LARGE" },
    });
    const missing = await intake.post(path, data, { "ce-specversion": "1.0" });
    expect(missing).toMatchObject({ status: 400, body: { code: "MISSING", field: "/id" } });
  });

  test("binary mode: a quoted header is its text, with what is escaped in it", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const { data, ...attributes } = eventOf({ id: 'Ä "1"' });
    const quoted = (value: string) => `"${value.replaceAll('"', '\\"').replaceAll("Ä", "%C3%84")}"`;
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, quoted(value)]),
    );
    const said = await intake.post(path, data, headers);
    expect(said).toMatchObject({ status: 202, body: { results: [{ status: "accepted", id: 'Ä "1"' }] } });
    expect(await intake.post(path, { ...attributes, data })).toMatchObject({
      body: { results: [{ status: "duplicate" }] },
    });
  });

  test("binary mode: an attribute that is there twice is refused", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const { data, ...attributes } = eventOf({ id: "1" });
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encodeURIComponent(value)]),
    );
    const twice = { ...headers, "ce-id": ["1", "2"] };
    expect(await intake.post(path, data, twice)).toMatchObject({ status: 400, body: { code: "INVALID" } });
    expect(sink.kept).toEqual([]);
  });

  test("an event or a batch whose attributes stand in headers as well is read from the body", async () => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    const { data, ...attributes } = eventOf({ id: "1" });
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encodeURIComponent(value)]),
    );
    const typed = (type: string) => ({ ...headers, "content-type": `Application/CloudEvents${type}` });
    const event = { ...attributes, data };
    expect(await intake.post(path, event, typed("+json; charset=UTF-8"))).toMatchObject({
      status: 202,
      body: { results: [{ status: "accepted", id: "1" }] },
    });
    expect(await intake.post(path, [event], typed("-batch+json"))).toMatchObject({
      status: 202,
      body: { results: [{ status: "duplicate", id: "1" }] },
    });
  });
});

describe("an array", () => {
  test("each item gets its own result, in order", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const texts = [
      textOf({ id: "1" }),
      "7",
      textOf({ id: "bad", alarm: { state: "x" } }),
      textOf({ id: "1" }),
      textOf({ id: "1", alarm: { state: "cleared" } }),
      textOf({ id: 'tricky "]},[{ \\ ' }),
      textOf({ id: "deep" }).replace('"state"', `"d":${"[".repeat(20)}${"]".repeat(20)},"state"`),
    ];
    const said = await intake.post(path, ` [ ${texts.join(" , ")} ] `);
    expect(said.status).toBe(202);
    expect(said.body.results).toMatchObject([
      { status: "accepted", id: "1", position: 1 },
      { status: "rejected", id: null, code: "INVALID", retryAfterMs: null },
      { status: "rejected", id: "bad", code: "INVALID", field: "/data/state" },
      { status: "duplicate", id: "1", position: 1 },
      { status: "rejected", id: "1", code: "CONFLICT" },
      { status: "accepted", position: 2 },
      { status: "rejected", id: "deep", code: "TOO_DEEP" },
    ]);
    expect(sink.kept.length).toBe(2);
  });

  test("S3: at the bound of items it is taken whole, one more is 413 and nothing is kept; none is 202", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const events = Array.from({ length: limits.alarmsPerRequestMax }, (_, id) => eventOf({ id: `${id}` }));
    expect(await intake.post(path, [...events, eventOf({ id: "more" })])).toMatchObject({
      status: 413,
      body: { code: "TOO_LARGE" },
    });
    expect(sink.kept).toEqual([]);
    expect((await intake.post(path, events)).body.results?.length).toBe(events.length);
    expect(ids(sink)).toEqual(events.map(({ id }) => id));
    expect(await intake.post(path, "[ ]")).toMatchObject({ status: 202, body: { results: [] } });
  });

  test("S3: the bound of one event counts bytes, not characters", async () => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    const many = Math.floor(limits.alarmBytesMax / 3);
    for (const [more, status] of [
      ["x".repeat(many), 202],
      ["\u20ac".repeat(many), 413],
    ] as const)
      expect((await intake.post(path, textOf({ event: { more } }))).status).toBe(status);
  });

  test("cloudevents-batch+json with a single event is refused", async () => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    const headers = { "content-type": "application/cloudevents-batch+json" };
    expect((await intake.post(path, textOf(), headers)).status).toBe(400);
    expect((await intake.post(path, [eventOf()], headers)).status).toBe(202);
  });
});

describe("A6: overload", () => {
  test("of one event is 503 with Retry-After", async () => {
    const sink = new MemoryAlarmSink();
    sink.overloadedFor = () => 2_500;
    const intake = await startHttpIntake(sink);
    const said = await intake.post(path, textOf());
    expect(said).toMatchObject({
      status: 503,
      type: "application/problem+json",
      headers: { "retry-after": "3" },
      body: { code: "OVERLOADED", results: [{ status: "rejected", retryAfterMs: 2_500 }] },
    });
  });

  test("in an array nothing of its source is tried after it; other sources go on", async () => {
    const sink = new MemoryAlarmSink();
    sink.overloadedFor = ({ id }) => (id === "2" ? 1_000 : null);
    const intake = await startHttpIntake(sink);
    const events = ["1", "2", "3"].map((id) => eventOf({ id }));
    const said = await intake.post(path, [...events, eventOf({ id: "4", source: "urn:other" })]);
    expect(said).toMatchObject({ status: 202, headers: { "retry-after": "1" } });
    expect(said.body.results).toMatchObject([
      { status: "accepted", id: "1" },
      { status: "rejected", id: "2", code: "OVERLOADED", retryAfterMs: 1_000 },
      { status: "notTried", id: "3", code: "OVERLOADED", retryAfterMs: 1_000 },
      { status: "accepted", id: "4" },
    ]);
    expect(ids(sink)).toEqual(["1", "4"]);
    sink.overloadedFor = () => null;
    expect((await intake.post(path, events)).body.results?.map(({ status }) => status)).toEqual([
      "duplicate",
      "accepted",
      "accepted",
    ]);
  });

  test("an array of which nothing was taken is 503", async () => {
    const sink = new MemoryAlarmSink();
    sink.overloadedFor = () => 1_000;
    const intake = await startHttpIntake(sink);
    const said = await intake.post(path, [eventOf({ id: "1" }), eventOf({ id: "2" })]);
    expect(said).toMatchObject({
      status: 503,
      body: { results: [{ status: "rejected" }, { status: "notTried" }] },
    });
  });

  test("senders that read no results are told 503 for the whole request, even beside a bad event", async () => {
    const sink = new MemoryAlarmSink();
    sink.overloadedFor = ({ id }) => (id.startsWith("b/") ? 1_000 : null);
    const intake = await startHttpIntake(sink);
    const alert = (fingerprint: string) => ({
      status: "firing",
      labels: { instance: "node-1" },
      startsAt: "2026-11-23T08:00:00Z",
      fingerprint,
    });
    const alerts = [alert("a"), { status: "?" }, alert("b"), alert("c")];
    const said = await intake.post("/v1/alarms/alertmanager", { version: "4", alerts });
    expect(said).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect(said.body.results?.map(({ status }) => status)).toEqual([
      "accepted",
      "rejected",
      "rejected",
      "notTried",
    ]);
  });
});

describe("before and around the body", () => {
  test.each(paths)("S1: %s without a good token is 401 before the body, with one it is read", async (one) => {
    const intake = await startHttpIntake(new MemoryAlarmSink(), {
      authorize: (authorization) => authorization === "Bearer secret",
    });
    // The body never comes: an answer proves that nobody waits for it.
    const socket = connect(intake.port, "127.0.0.1");
    socket.write(`POST ${one} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n`);
    const answer = await new Promise<string>((resolve) =>
      socket.once("data", (data) => resolve(data.toString())),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toContain('\r\nWWW-Authenticate: Bearer\r\nWWW-Authenticate: Basic realm="alarms"\r\n');
    socket.destroy();
    const basic = `Basic ${Buffer.from("anyone:secret").toString("base64")}`;
    for (const authorization of ["Bearer secret", basic])
      expect((await intake.post(one, "{}", { authorization })).status).toBe(400);
    const wrong = `Basic ${Buffer.from("secret:wrong").toString("base64")}`;
    expect((await intake.post(one, "{}", { authorization: wrong })).status).toBe(401);
  });

  test.each([
    ["text", { "content-type": "text/plain" }],
    ["a form, as a page could send it", { "content-type": "application/x-www-form-urlencoded" }],
    ["something compressed", { "content-encoding": "gzip" }],
  ])("%s is 415", async (_name, headers) => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    for (const one of paths) expect((await intake.post(one, textOf(), headers)).status).toBe(415);
  });

  test("a charset beside the type is fine", async () => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    const headers = { "content-type": "Application/CloudEvents+JSON; charset=UTF-8" };
    expect((await intake.post(path, textOf(), headers)).status).toBe(202);
  });

  test("S3: one byte over the bound is 413, announced or not; at the bound it is read", async () => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    const full = `[${textOf()}`.padEnd(limits.alarmRequestBytesMax - 1) + "]";
    expect((await intake.post(path, full)).status).toBe(202);
    expect(await intake.post(path, `${full} `)).toMatchObject({ status: 413, body: { code: "TOO_LARGE" } });
    const chunked = await intake.post(path, `${full} `, { "transfer-encoding": "chunked" });
    expect(chunked.status).toBe(413);
  });

  test("what is not UTF-8 is refused, not repaired", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const body = Buffer.from(textOf({ alarm: { alarmedObject: { id: "Gerät" } } }), "latin1");
    expect(await intake.post(path, body)).toMatchObject({ status: 400, body: { detail: "expected UTF-8" } });
    expect(sink.kept).toEqual([]);
  });

  test("a body that is torn off leaves nothing, and the next request is served", async () => {
    const sink = new MemoryAlarmSink();
    const intake = await startHttpIntake(sink);
    const heard = intake.heard("alarms.requestBrokenOff");
    const body = textOf();
    const socket = connect(intake.port, "127.0.0.1");
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length + 1}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
    await heard;
    expect(sink.kept).toEqual([]);
    expect((await intake.post(path, body)).body.results?.[0]?.status).toBe("accepted");
    expect(intake.logged).not.toContain("alarms.ledgerFailed");
  });

  test("S3: requests being read at the bound are waited for, one more is 503", async () => {
    const intake = await startHttpIntake(new MemoryAlarmSink());
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n`;
    const sockets = await Promise.all(
      Array.from(
        { length: limits.alarmRequestsMax },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(intake.port, "127.0.0.1", () => socket.write(head));
            // 100 Continue is written just before the route is called.
            socket.once("data", () => resolve(socket));
          }),
      ),
    );
    expect(await intake.post(path, textOf())).toMatchObject({
      status: 503,
      headers: { "retry-after": "1" },
      body: { code: "OVERLOADED" },
    });
    const heard = intake.heard("alarms.requestBrokenOff");
    sockets[0]?.destroy();
    await heard;
    expect((await intake.post(path, textOf())).status).toBe(202);
    for (const socket of sockets) socket.destroy();
  });

  test("STOPPING: what is with the sink is answered, what comes is 503, then stop is done", async () => {
    const sink = new HeldSink();
    const intake = await startHttpIntake(sink);
    const said = intake.post(path, textOf());
    await sink.arrived(1);
    let isDone = false;
    const stopped = intake.intake.stop().then(() => (isDone = true));
    for (const one of paths)
      expect(await intake.post(one, textOf())).toMatchObject({
        status: 503,
        headers: { "retry-after": "1" },
      });
    expect(isDone).toBe(false);
    sink.held[0]?.answer({ kind: "accepted", position: 1, duplicate: false });
    expect((await said).status).toBe(202);
    await stopped;
  });

  test("R3: a failed ledger is 503 without a promise, and the events before it are not called accepted", async () => {
    const sink = new HeldSink();
    const intake = await startHttpIntake(sink);
    const said = intake.post(path, [eventOf({ id: "1" }), eventOf({ id: "2" })]);
    await sink.arrived(2);
    sink.held[1]?.fail(new Error("sync"));
    sink.held[0]?.answer({ kind: "accepted", position: 1, duplicate: false });
    const { status, headers, body } = await said;
    expect([status, headers["retry-after"], body.results]).toEqual([503, undefined, []]);
    expect(intake.logged).toContain("alarms.ledgerFailed");
  });
});
