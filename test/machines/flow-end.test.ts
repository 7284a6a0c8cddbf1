import { describe, expect, test } from "vitest";
import { entry } from "../../machines/entry.ts";
import { endFlow, keyOfHand, type Ending } from "../../machines/flow-end.ts";
import { limits } from "../../machines/limits.ts";
import { recover } from "../../machines/recovery.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { clientStream, keyStream } from "../../machines/state.ts";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import { answer, createPayload, History, KEY, noon, service, settings, types } from "./given.ts";
import { answered, send } from "./steps.ts";

const endings: Ending[] = [
  { how: "forced", by: "ann", reason: "stuck" },
  { how: "expired" },
  { how: "crashed", cause: "thrown" },
];

/** How far the flow of one raise has come. */
type Stage = "searching" | "planned" | "sending" | "inDoubt";

function at(stage: Stage, change = {}): History {
  const history = new History();
  history.accept("n1");
  if (stage === "searching") history.start();
  else {
    history.plan(createPayload, service(change));
    if (stage !== "planned") history.send();
    if (stage === "inDoubt") {
      history.add(
        ...judgeAnswer(history.key(), history.request(), answer("inDoubt", { code: "TIMEOUT" }), settings)
          .entries,
      );
      history.end("parked");
      history.start();
    }
  }
  return history;
}

function end(history: History, ending: Ending): string[] {
  const plan = endFlow(history.state, "client-01", ending, history.now);
  const entries = plan?.entries ?? [];
  history.add(...entries);
  return types(entries);
}

describe("L4: what ends a flow frees the client, not the key", () => {
  type Row = readonly [stage: Stage, how: Ending["how"], outcome: string | undefined, request: string | null];
  const rows: readonly Row[] = [
    ["searching", "forced", "aborted", null],
    ["searching", "expired", undefined, null],
    ["searching", "crashed", undefined, null],
    ["planned", "forced", "aborted", null],
    ["planned", "expired", undefined, null],
    ["planned", "crashed", undefined, null],
    ["sending", "forced", undefined, "sending"],
    ["sending", "expired", undefined, "sending"],
    ["sending", "crashed", undefined, "sending"],
    ["inDoubt", "forced", undefined, "inDoubt"],
    ["inDoubt", "expired", undefined, "inDoubt"],
    ["inDoubt", "crashed", undefined, "inDoubt"],
  ];
  test.each(rows)("L4: %s, %s: its alarm is %s, its request %s", (stage, how, outcome, request) => {
    const history = at(stage);
    const ending = endings.find((one) => one.how === how);
    if (ending !== undefined) end(history, ending);
    expect(history.outcomes()["n1"]).toBe(outcome);
    expect(history.key().request?.status ?? null).toBe(request);
    expect(history.key().flow).toBeNull();
    expect(history.key().waiting.map(({ ref }) => ref.id)).toEqual(outcome === undefined ? ["n1"] : []);
    expect(history.state.clients.get("client-01")).toMatchObject({ lock: null, key: null });
  });

  test("L3: the end is conditional on the client's lock and on the key's last fact", () => {
    const history = at("planned");
    const plan = endFlow(history.state, "client-01", { how: "expired" }, noon);
    expect(plan?.expect).toEqual([
      { stream: clientStream("client-01"), revision: history.state.clients.get("client-01")?.revision },
      { stream: keyStream(KEY), revision: history.key().revision },
    ]);
  });

  test("L6: a forced end names the GUID, who and why", () => {
    const history = at("searching");
    end(history, { how: "forced", by: "ann", reason: "stuck" });
    const forced = history.facts.find((fact) => fact.type === "client.lockForced");
    expect(forced?.body).toEqual({
      clientId: "client-01",
      lockGuid: "guid-1",
      fence: 1,
      by: "ann",
      reason: "stuck",
    });
  });

  /** A client that somebody holds without a flow. */
  function heldByHand(history = new History()): History {
    const { clientId, lockGuid, fence } = { clientId: "client-01", lockGuid: "by hand", fence: 1 };
    const lock = {
      clientId,
      lockGuid,
      fence,
      lockTime: noon,
      deadlineAt: noon + 300_000,
      by: "hand",
    } as const;
    history.add(entry(clientStream(clientId), noon, "client.locked", lock));
    return history;
  }
  function planByHand(history: History, key: string, lockGuid: string): void {
    const payload = { ...createPayload, clientReference: key } as RequestPayload;
    const planned = {
      requestId: `of ${key}`,
      key,
      clientId: "client-01",
      lockGuid,
      service: service(),
      payload,
    };
    history.add(
      entry(keyStream(key), noon, "request.planned", {
        ...planned,
        intent: "created",
        alarms: [],
        rule: "by hand",
        plannedAt: noon,
      }),
    );
  }

  test.each(endings)("held by hand, $how: the client alone is freed", (ending) => {
    const history = heldByHand();
    const plan = endFlow(history.state, "client-01", ending, noon);
    expect(plan?.entries.map(({ stream }) => stream)).toEqual([clientStream("client-01")]);
    expect(plan?.expect).toEqual([
      { stream: clientStream("client-01"), revision: history.state.clients.get("client-01")?.revision },
    ]);
    history.add(...(plan?.entries ?? []));
    expect(history.state.clients.get("client-01")?.lock).toBeNull();
  });

  test("held by hand: what it has planned is cancelled, whatever others have; no flow ends", () => {
    const history = heldByHand();
    planByHand(history, "another's", "another hand");
    planByHand(history, KEY, "by hand");
    expect(end(history, { how: "forced", by: "ann", reason: "stuck" })).not.toContain("flow.ended");
    expect([...history.state.requests.values()]).toEqual(["another's"]);
    expect(history.key().request).toBeNull();
  });

  test("L6: held by hand: another's flow on the same key goes on", () => {
    const history = new History();
    history.accept("n1");
    const { lockGuid } = history.start(KEY, { clientId: "client-02" });
    planByHand(heldByHand(history), KEY, "by hand");
    expect(end(history, { how: "expired" })).not.toContain("flow.ended");
    expect(history.key().flow?.lockGuid).toBe(lockGuid);
  });

  test("nobody holds the client: there is nothing to end", () => {
    const history = at("searching");
    end(history, { how: "expired" });
    expect(endFlow(history.state, "client-01", { how: "expired" }, noon)).toBeNull();
    expect(endFlow(history.state, "client-99", { how: "expired" }, noon)).toBeNull();
  });

  test("L4: an answer that comes after its flow was ended settles the key's request", () => {
    const history = at("sending");
    end(history, { how: "expired" });
    history.add(
      ...judgeAnswer(history.key(), history.request(), answer("ack", { ticketId: "T1" }), settings).entries,
    );
    expect(history.outcomes()).toEqual({ n1: "created" });
  });
});

describe("R6: an alarm whose flow keeps crashing", () => {
  const crash: Ending = { how: "crashed", cause: "thrown" };

  function crashes(times: number, history: History, between = (): void => {}): void {
    for (let crashed = 0; crashed < times; crashed += 1) {
      history.start();
      end(history, crash);
      between();
    }
  }

  test.each([
    { times: limits.flowCrashesMax - 1, outcome: undefined },
    { times: limits.flowCrashesMax, outcome: "unknown" },
  ])("R6: after $times crashes its outcome is $outcome", ({ times, outcome }) => {
    const history = new History();
    history.accept("n1");
    crashes(times, history);
    expect(history.outcomes()["n1"]).toBe(outcome);
    if (outcome === undefined) return;
    const settled = history.facts.find((fact) => fact.type === "alarm.settled");
    expect(settled?.body).toMatchObject({
      because: expect.stringMatching(/^The flow crashed: thrown\. It crashed 3 times/) as string,
      failure: { code: "FLOW_CRASHED" },
    });
    expect(history.key().crashes).toBe(0);
  });

  test("R6: the death of the process is not counted", () => {
    const history = new History();
    history.accept("n1");
    for (let died = 0; died < 5; died += 1) {
      history.start();
      history.open();
      history.add(...recover(history.state, false, noon));
    }
    expect(history.outcomes()).toEqual({});
    expect(history.key().crashes).toBe(0);
  });

  test("R6: only crashes in a row count", () => {
    const history = new History();
    history.accept("n1");
    crashes(limits.flowCrashesMax - 1, history);
    history.start();
    history.end("parked");
    crashes(limits.flowCrashesMax - 1, history);
    expect(history.outcomes()).toEqual({});
  });

  test("R6: crashes of one alarm are not held against the next of its key", () => {
    const history = new History();
    history.accept("n1");
    crashes(limits.flowCrashesMax - 1, history);
    history.start();
    end(history, { how: "forced", by: "ann", reason: "poison" });
    history.accept("n2", { alarm: "a2" });
    crashes(1, history);
    expect(history.outcomes()).toEqual({ n1: "aborted" });
  });

  test("R6 T1: set aside while its create is in doubt: the request ends as unknown and blocks the next create", () => {
    const history = at("inDoubt");
    end(history, crash);
    crashes(limits.flowCrashesMax - 1, history);
    expect(history.outcomes()).toEqual({ n1: "unknown" });
    expect(history.key().unknown.map(({ command }) => command)).toEqual(["create"]);
    expect(history.key().request).toBeNull();
  });

  test("G2: while its request is being sent nothing is set aside", () => {
    const history = new History();
    history.accept("n1");
    crashes(limits.flowCrashesMax - 1, history);
    history.plan(createPayload, service());
    history.send();
    end(history, crash);
    expect(history.outcomes()).toEqual({});
    expect(history.request().status).toBe("sending");
  });
});

describe("recovery", () => {
  function reopened(history: History, restored = false): string[] {
    history.open();
    const entries = recover(history.state, restored, history.now);
    history.add(...entries);
    return types(entries);
  }

  test("G2: planned and never sent: cancelled, and its alarms stay in line to be decided again", () => {
    const history = at("planned");
    expect(reopened(history)).toEqual(["request.settled"]);
    expect(history.key().request).toBeNull();
    expect(history.key().waiting.map(({ ref }) => ref.id)).toEqual(["n1"]);
    expect(history.outcomes()).toEqual({});
  });

  test.each([
    ["requestId", limits.retryDelayMs],
    ["settles", 60_000],
    ["none", 60_000],
  ] as const)(
    "G2: %s: being sent: in doubt, and its waiting time of %i ms counts from the restart",
    (idempotency, wait) => {
      const history = at("sending", { idempotency });
      history.now += 3_600_000;
      expect(reopened(history)).toEqual(["request.answered", "response.row", "key.parked"]);
      expect(history.request()).toMatchObject({
        status: "inDoubt",
        spent: 1,
        openAttempts: [{ attempt: 1 }],
      });
      expect(history.key().parked).toMatchObject({ reason: "inDoubt", until: history.now + wait });
    },
  );

  test("G3: retries are counted across restarts", () => {
    const history = at("sending");
    for (let died = 1; died < limits.attemptsMax; died += 1) {
      reopened(history);
      history.start();
      history.send();
    }
    reopened(history);
    expect(history.request()).toMatchObject({ spent: limits.attemptsMax, attempts: limits.attemptsMax });
  });

  test.each(["searching", "planned", "sending", "inDoubt"] as const)(
    "R2: recovered at %s, cut off and recovered again: nothing more is said",
    (stage) => {
      const history = at(stage);
      reopened(history);
      expect(recover(history.state, false, history.now)).toEqual([]);
      expect(reopened(history)).toEqual([]);
    },
  );

  test("R2: cut off before its facts were written, it says the same again", () => {
    const history = at("sending");
    history.open();
    const first = recover(history.state, false, history.now);
    expect(recover(history.state, false, history.now)).toEqual(first);
  });

  test("R4: a backup is restored: what was being sent or awaited is in doubt", () => {
    for (const history of [at("sending"), at("inDoubt")]) {
      reopened(history, true);
      expect(history.request().status).toBe("inDoubt");
    }
  });

  test("R4: and what a flow had left that waited for its async result too long", () => {
    const history = new History();
    history.accept("n1");
    send(history, createPayload, service({ asyncSeconds: 30 }));
    answered(history, "ack");
    history.start();
    end(history, { how: "expired" });
    expect([history.request().status, history.key().parked?.reason]).toEqual(["async", "inDoubt"]);
    reopened(history, true);
    expect(history.request().status).toBe("inDoubt");
  });

  test("L5: no lock outlives a restart", () => {
    const history = at("sending");
    reopened(history);
    for (const client of history.state.clients.values())
      expect(client).toMatchObject({ lock: null, key: null });
  });
});

describe("the key of a hand", () => {
  test.each<[Stage, string | null]>([
    ["planned", KEY],
    ["sending", KEY],
    ["inDoubt", null],
  ])("is that of its request while it is under way: %s", (stage, name) => {
    const history = at(stage);
    const { lockGuid } = history.request();
    expect(keyOfHand(history.state, lockGuid)).toBe(name);
    expect(keyOfHand(history.state, "another")).toBeNull();
  });

  test("that waits for nothing is none", () => {
    expect(keyOfHand(new History().state, "guid-1")).toBeNull();
  });
});
