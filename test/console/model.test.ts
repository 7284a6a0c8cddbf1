/** The page's model: real messages of a real engine → what is on the screen. */
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { FeedMessage } from "../../actors/feed-messages.ts";
import { bounds } from "../../visualizations/console/model/bounds.ts";
import { sinceOf } from "../../visualizations/console/model/clients.ts";
import { kindOf } from "../../visualizations/console/model/feed.ts";
import { selectAlarms } from "../../visualizations/console/model/alarms.ts";
import { rowsOf } from "../../visualizations/console/model/rows.ts";
import { emptyScreen, resumePoint, rewind, take } from "../../visualizations/console/model/screen.ts";
import { exceptionsOf } from "../../visualizations/console/model/overview.ts";
import { sequenceOf } from "../../visualizations/console/model/sequence.ts";
import { CollectingReader, everything, startEngine } from "../feed/rig.ts";
import { lasting, record, type Recording, screenOf } from "./recording.ts";

let recording: Recording;
let facts: readonly Extract<FeedMessage, { data: { previous: number } }>[];

beforeAll(async () => {
  recording = await record(12);
  facts = recording.messages.filter(
    (message): message is (typeof facts)[number] => "previous" in message.data,
  );
});

test("what the feed told of flows, rows, clients and counters is on the screen", () => {
  const screen = screenOf(recording.messages);
  expect(screen.counters).toMatchObject({ accepted: 12, settled: 12, outcomes: { created: 12 } });
  expect(screen.flows.byGuid.size).toBe(12);
  for (const flow of screen.flows.byGuid.values()) {
    expect(flow).toMatchObject({
      result: "settled",
      outcomes: ["created"],
      decision: { rule: "D8" },
      alarms: 1,
    });
    expect(flow.endedAt).not.toBeNull();
  }
  expect([...screen.rows.values()].map(({ command, status }) => `${command} ${status}`).sort()).toEqual(
    Array.from({ length: 24 }, (_, index) => (index < 12 ? "create ack" : "search ok")),
  );
  expect(screen.clients.size).toBe(3);
  for (const { view } of screen.clients.values()) expect(view.state).toBe("idle");
  expect(screen.series.reduce((sum, { outcomes }) => sum + (outcomes["created"] ?? 0), 0)).toBe(12);
});

test("a client goes through its five states, exactly, even where the feed's states leave some out", () => {
  const screen = screenOf(recording.messages);
  const steps = [...screen.clients.values()].flatMap((client) => client.steps);
  const [first] = [...screen.flows.byGuid.keys()];
  expect(
    steps
      .filter(({ lockGuid, by }) => lockGuid === first || by === "request.answered")
      .map(({ state }) => state),
  ).toEqual(expect.arrayContaining(["locked", "searching", "forwarding", "closing", "idle"]));
  const one = screen.clients.get("client-01")?.steps.slice(0, 7) ?? [];
  expect(one.map(({ state }) => state)).toEqual([
    "locked",
    "searching",
    "locked",
    "forwarding",
    "locked",
    "closing",
    "idle",
  ]);
});

test("every alarm says what became of it, and why; the newest come first", () => {
  const screen = screenOf(recording.messages);
  const alarms = selectAlarms(screen.alarms, "", 100);
  expect(alarms).toHaveLength(12);
  for (const { outcome, because, key, ticketId, rule } of alarms)
    expect({ outcome, because, rule, ticketId }).toEqual({
      outcome: "created",
      because: `No open ticket covers ${key}.`,
      rule: "D8",
      ticketId: expect.stringMatching(/^MEM-\d+$/) as string,
    });
  const positions = alarms.map(({ position }) => position);
  expect(positions).toEqual(positions.toSorted((one, other) => other - one));
  const [newest] = alarms;
  expect(selectAlarms(screen.alarms, ` ${newest?.ticketId ?? ""} `, 100)).toContain(newest);
  expect(selectAlarms(screen.alarms, "nothing like it", 100)).toEqual([]);
  const settled = facts.findIndex(({ type }) => type === "ticketclient.alarm.settled");
  const before = screenOf(
    recording.messages.slice(0, recording.messages.indexOf(facts[settled] as FeedMessage)),
  );
  expect([...before.alarms.values()][0]).toMatchObject({ outcome: null, because: "client-01 works for it." });
});

test("a client that has left its state and come back between two states of the feed is in it since then", async () => {
  const engine = await startEngine({ clients: 1 });
  const { supervisor, clock } = engine;
  const reader = new CollectingReader();
  engine.feed.read(reader, everything);
  const tick = async () => {
    await engine.settle();
    clock.advance(150);
    await engine.settle();
  };
  const msInState = () => {
    const client = screenOf(reader.messages).clients.get("client-01");
    return client?.view.state === "locked" ? clock.now() - (sinceOf(client) ?? 0) : null;
  };
  const first = await supervisor.lock();
  await tick();
  expect(msInState()).toBeLessThan(1_000);
  clock.advance(60_000);
  await first.close();
  await supervisor.lock();
  await tick();
  expect(msInState()).toBeLessThan(1_000);
});

test("an alarm whose key is parked says what it waits for, until a client works for it", async () => {
  const engine = await startEngine({ clients: 1, config: { maxOpenTickets: 1 } });
  const reader = new CollectingReader();
  engine.feed.read(reader, everything);
  await engine.run(2);
  const why = (messages: readonly FeedMessage[]) =>
    [...screenOf(messages).alarms.values()].map(({ because }) => because);
  const begun = reader.messages.findIndex(({ type }) => type === "ticketclient.flow.started");
  expect(why(reader.messages.slice(0, begun))[0]).toBe("No client works for it yet.");
  expect(why(reader.messages)).toEqual([
    "No open ticket covers node-1.",
    expect.stringContaining("storm") as string,
  ]);
});

describe("F2: a page that is opened late", () => {
  const late = async () => {
    const screen = emptyScreen();
    const [opening] = await recording.opened();
    take(screen, opening as FeedMessage);
    return screen;
  };

  test("reads the newest of what happened before, as if it had been there", async () => {
    const screen = await late();
    expect(screen.events).toEqual([]);
    expect(rewind(screen)).toBe(true);
    for (const message of await recording.resumed(resumePoint(screen) ?? ""))
      expect(take(screen, message).kind).toBe("taken");
    const whole = screenOf(recording.messages);
    expect(screen.alarms).toEqual(whole.alarms);
    expect(screen.events.length).toBeGreaterThanOrEqual(whole.events.length);
    expect(screen.lost).toBeNull();
  });

  test("calls nothing lost that the engine no longer keeps and the page never showed", async () => {
    const screen = await late();
    const { position } = screen;
    rewind(screen);
    const [snapshot] = recording.messages;
    if (snapshot?.type !== "ticketclient.feed.snapshot") throw new Error("no snapshot");
    take(screen, { ...snapshot, data: { ...snapshot.data, reset: true, position } });
    expect(screen.lost).toBeNull();
    take(screen, { ...snapshot, data: { ...snapshot.data, reset: true, position: position + 7 } });
    expect(screen.lost?.facts).toBe(7);
  });

  test("leaves the past alone where so many clients fill the page at once", async () => {
    const screen = await late();
    const [client] = screen.clients.values();
    for (let number = 0; number <= bounds.historyClientsMax; number++)
      if (client !== undefined) screen.clients.set(`client-${number}`, client);
    expect(rewind(screen)).toBe(false);
  });
});

test("a flow reads as a sequence from lock to outcome", () => {
  const screen = screenOf(recording.messages);
  const [flow] = screen.flows.byGuid.values();
  const lines = sequenceOf(flow?.facts ?? []).map(({ from, to, text }) => `${from} → ${to}: ${text}`);
  expect(lines).toEqual([
    "supervisor → client: flow for node-1",
    "client → service: search",
    "service → client: no ticket",
    "client → client: D8: create",
    "client → gateway: create",
    "gateway → service: attempt 1",
    "service → gateway: ack: MEM-1",
    "gateway → client: request ok",
    "supervisor → alarm: created: MEM-1",
    "client → supervisor: flow settled",
    "client → supervisor: unlocked",
  ]);
});

describe("F2", () => {
  test("cut anywhere and resumed, the screen is the one that was never cut", async () => {
    const whole = lasting(screenOf(recording.messages));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: recording.messages.length }), { minLength: 1, maxLength: 3 }),
        async (cuts) => {
          const screen = emptyScreen();
          let messages: readonly FeedMessage[] = recording.messages;
          for (const cut of cuts) {
            for (const message of messages.slice(0, cut)) expect(take(screen, message).kind).toBe("taken");
            messages = await recording.resumed(resumePoint(screen) ?? "");
          }
          for (const message of messages) expect(take(screen, message).kind).toBe("taken");
          expect(lasting(screen)).toEqual(whole);
          expect(screen.lost).toBeNull();
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a fact that comes twice changes nothing", () => {
    fc.assert(
      fc.property(fc.nat(facts.length - 1), fc.nat(facts.length - 1), (until, again) => {
        const last = facts[until];
        const screen = screenOf(
          recording.messages.slice(0, recording.messages.indexOf(last as FeedMessage) + 1),
        );
        const before = lasting(screen);
        expect(take(screen, facts[Math.min(until, again)] as FeedMessage).kind).toBe("repeated");
        expect(lasting(screen)).toEqual(before);
      }),
    );
  });

  test("a reset drops every fact, those that were fetched back too, and says how many are lost", () => {
    const screen = screenOf(recording.messages.slice(0, 20));
    screen.older = facts.slice(0, 3);
    const [snapshot] = recording.messages;
    if (snapshot?.type !== "ticketclient.feed.snapshot") throw new Error("no snapshot");
    const position = screen.position + 1_000;
    take(screen, { ...snapshot, data: { ...snapshot.data, reset: true, position } });
    expect(screen.lost?.facts).toBe(1_000);
    expect(screen.events).toEqual([]);
    expect(screen.older).toEqual([]);
    expect(screen.flows.byGuid.size).toBe(0);
    expect(screen.position).toBe(position);
    take(screen, { ...snapshot, data: { ...snapshot.data, reset: true, ledger: "restored", position: 3 } });
    expect(screen.lost?.facts).toBeNull();
  });
});

test("F2: after a reset a client has key, holder and deadline of no lock but the one that holds it", () => {
  const begun = recording.messages.findIndex(
    (message) => message.type === "ticketclient.flow.started" && message.data.clientId === "client-01",
  );
  const started = recording.messages[begun];
  const [snapshot] = recording.messages;
  if (snapshot?.type !== "ticketclient.feed.snapshot" || started?.type !== "ticketclient.flow.started")
    throw new Error("no flow");
  const held = (lockGuid: string) => {
    const screen = screenOf(recording.messages.slice(0, begun + 1));
    const clients = snapshot.data.clients.map((view) =>
      view.clientId === "client-01"
        ? { ...view, state: "searching" as const, lockStatus: "locked" as const, lockGuid, lockTime: 1 }
        : view,
    );
    const position = screen.position + 1_000;
    take(screen, { ...snapshot, data: { ...snapshot.data, clients, position, reset: true } });
    return screen.clients.get("client-01");
  };
  const { lockGuid, key } = started.data;
  expect(held(lockGuid)).toMatchObject({ key, heldBy: "flow", deadlineAt: expect.any(Number) as number });
  expect(held("another")).toMatchObject({ key: null, heldBy: null, deadlineAt: null });
});

test("F1: a fact that is missing is a gap: the next is not taken, and the reader resumes from where it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: facts.length - 2 }), async (missing) => {
      const screen = emptyScreen();
      const left = recording.messages.filter((message) => message !== facts[missing]);
      for (const message of left) {
        const taken = take(screen, message);
        if (taken.kind !== "gap") continue;
        expect(taken).toEqual({
          kind: "gap",
          expected: facts[missing]?.data.previous,
          got: facts[missing]?.data.position,
        });
        break;
      }
      expect(resumePoint(screen)).toBe(`memory:${facts[missing]?.data.previous}`);
      for (const message of await recording.resumed(resumePoint(screen) ?? "")) take(screen, message);
      expect(lasting(screen)).toEqual(lasting(screenOf(recording.messages)));
    }),
    { numRuns: 30 },
  );
});

test("L5: opened anew, the engine holds no lock of before, and no flow of before still runs", () => {
  const started = facts.find((fact) => fact.type === "ticketclient.flow.started");
  if (started === undefined) throw new Error("no flow");
  const { clientId } = started.data;
  const until = facts.indexOf(started) + 1;
  const screen = screenOf([...recording.messages.slice(0, 1), ...facts.slice(0, until)]);
  expect(screen.clients.get(clientId)).toMatchObject({ key: expect.any(String) as string });
  const { position } = screen;
  const data = { engine: "again", clients: 3, position: position + 1, previous: position };
  take(screen, { ...started, type: "ticketclient.ledger.opened", data });
  expect([...screen.flows.byGuid.values()].map(({ result }) => result)).toEqual(["abandoned"]);
  expect(screen.clients.get(clientId)).toMatchObject({ lock: null, key: null, deadlineAt: null });
  expect(screen.clients.get(clientId)?.steps.at(-1)).toMatchObject({ state: "idle", by: "ledger.opened" });
});

test("a failed search stays an exception for its time, however many searches follow", () => {
  const screen = screenOf(recording.messages);
  const found = facts.find((fact) => fact.type === "ticketclient.response.row" && !fact.data.change);
  if (found?.type !== "ticketclient.response.row" || found.data.change) throw new Error("no row");
  const { row } = found.data;
  const add = (change: Partial<typeof row>): void => {
    const { position } = screen;
    const data = { change: false, row: { ...row, ...change }, position: position + 1, previous: position };
    take(screen, { ...found, data });
  };
  const failed = () =>
    exceptionsOf(screen, null, row.sentAt + 60_000).map(({ name, title }) => [name, title]);
  add({ requestId: "failed", command: "search", status: "timeout", code: "TIMEOUT" });
  const told = ["failed-searches", "1 failed search in the last 15 minutes"];
  expect(failed()).toContainEqual(told);
  for (let count = 0; count < bounds.rowsMax; count++)
    add({ requestId: String(count), command: "search", status: "ok" });
  expect(failed()).toContainEqual(told);
});

test("a row from before the page, fetched by a client's own, goes on with its async result", () => {
  const found = facts.find((fact) => fact.type === "ticketclient.response.row" && !fact.data.change);
  if (found?.type !== "ticketclient.response.row" || found.data.change) throw new Error("no row");
  const { row } = found.data;
  const { requestId, attempt, clientId, key } = row;
  const screen = screenOf(recording.messages.slice(0, 1));
  const { position } = screen;
  const change = { requestId, attempt, clientId, key, asyncStatus: "ok" };
  const data = { change: true, row: change, position: position + 1, previous: position };
  take(screen, { ...found, data } as FeedMessage);
  const fetched = [{ ...row, asyncStatus: "awaited" as const }];
  expect(rowsOf(screen, clientId, fetched).map(({ asyncStatus }) => asyncStatus)).toEqual(["ok"]);
});

test("what is kept is bounded, however long the shift", () => {
  const screen = screenOf(recording.messages);
  const template = recording.messages.find(({ type }) => kindOf({ type }) === "client.locked");
  if (template?.type !== "ticketclient.client.locked") throw new Error("no lock");
  for (let count = 0; count < bounds.eventsMax * 3; count++) {
    const { position } = screen;
    take(screen, { ...template, data: { ...template.data, position: position + 1, previous: position } });
  }
  expect(screen.events.length).toBeLessThanOrEqual(bounds.eventsMax * 1.25);
  expect(screen.clients.get("client-01")?.steps.length).toBe(bounds.stepsPerClientMax);
});
