import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entry, type Entry } from "../../machines/entry.ts";
import { flowOf, keyOf, type FactBodies, type FactType, type NotificationRef } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import { settleAlarms } from "../../machines/settlement.ts";
import { applyFact } from "../../machines/fold.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { emptyState, keyStream, openTicketsOf, unsettledAlarms } from "../../machines/state.ts";
import type { Outcome } from "../../machines/vocabulary.ts";
import {
  createPayload,
  History,
  KEY,
  noon,
  notification,
  responseRow,
  service,
  withTicket,
  ended,
} from "./given.ts";

const alarm: NotificationRef = { source: "urn:test", id: "n1", position: 3 };
const holder = { clientId: "client-01", lockGuid: "guid-1", fence: 1 };
const request = { requestId: "r1", key: KEY, clientId: "client-01", lockGuid: "guid-1" };
const settledAlarm: FactBodies["alarm.settled"] = {
  alarm,
  key: KEY,
  outcome: "created",
  because: "",
  lockGuid: "guid-1",
  rule: "D8",
  ticketId: "T1",
  failure: null,
  requestId: "r1",
  supersedes: null,
};

const heartbeat: FactBodies["heartbeat.sent"] = {
  check: "chain",
  beat: "success",
  rid: "11111111-2222-4333-8444-555555555555",
  because: "",
  lockGuid: "guid-1",
  durationMs: 12,
};

/** One body of every type of fact; a type that is missing here does not compile. */
const bodies: FactBodies = {
  "ledger.opened": { engine: "test", clients: 2 },
  "settings.changed": { maxResponseRows: 2, reopenSeconds: 60, clockSkewSeconds: 300, dedupDays: 7 },
  "services.imported": { services: [service()], by: "ann" },
  "service.selected": { name: "OSB", by: "ann" },
  "alarm.accepted": { notification: notification("n1"), digest: "d" },
  "alarm.settled": settledAlarm,
  "alarm.reconsidered": {
    alarm,
    key: KEY,
    notification: notification("n1"),
    replaces: { position: 9, outcome: "unknown" },
    because: "",
  },
  "flow.started": { ...holder, key: KEY, alarms: [alarm] },
  "flow.decided": {
    key: KEY,
    lockGuid: "guid-1",
    rule: "D8",
    decision: "park",
    because: "",
    tickets: [],
    path: [],
  },
  "flow.ended": { key: KEY, lockGuid: "guid-1", result: "crashed" },
  "key.parked": { key: KEY, parking: { reason: "inDoubt", since: noon, until: noon + 1, because: "" } },
  "request.planned": {
    ...request,
    service: service({ asyncSeconds: 30 }),
    payload: createPayload,
    intent: "created",
    alarms: [alarm],
    rule: "D8",
    plannedAt: noon,
  },
  "request.sending": { ...request, attempt: 1 },
  "request.answered": {
    requestId: "r1",
    key: KEY,
    attempt: 1,
    answer: "inDoubt",
    code: "TIMEOUT",
    cause: null,
    ticketId: null,
  },
  "request.async": { requestId: "r1", key: KEY, result: "OK", ticketId: "T1", code: null, cause: null },
  "request.settled": {
    requestId: "r1",
    key: KEY,
    result: "ok",
    command: "create",
    ticketId: "T1",
    service: "OSB",
    ticket: { status: "acknowledged", severity: "major", openedAt: noon },
    because: "",
    again: false,
  },
  "ticket.linked": {
    key: KEY,
    ticketId: "T2",
    service: "OSB",
    status: "pending",
    severity: null,
    openedAt: null,
  },
  "ticket.lost": { key: KEY, ticketId: "T1", status: null, claimKept: false, idempotency: "settles" },
  "response.row": { change: false, row: responseRow("r1") },
  "responses.cleared": { clientId: null, by: "ann" },
  "topology.loaded": {
    by: "ann",
    loadedAt: noon,
    elements: 1,
    roots: 1,
    addresses: 0,
    hops: 0,
    files: ["a.csv"],
  },
  "client.locked": { ...holder, lockTime: noon, deadlineAt: noon + 300_000, by: "flow" },
  "client.unlocked": holder,
  "client.lockForced": { ...holder, by: "ann", reason: "stuck" },
  "client.lockExpired": holder,
  "client.notBusyForced": { ...holder, by: "ann", reason: "stuck" },
  "client.quarantined": { clientId: "client-01", crashes: 6, cause: "thrown" },
  "heartbeat.sent": heartbeat,
  "heartbeat.failed": { ...heartbeat, failure: { code: "BEAT_UNANSWERED", detail: "no answer in 5 s" } },
  "operator.acted": { by: "ann", action: "note", target: "x", reason: "y" },
};

function written<T extends FactType>(type: T, at = noon, body: FactBodies[T] = bodies[type]): Entry {
  const key = "key" in body && typeof body.key === "string" ? keyStream(body.key) : null;
  const client = "clientId" in body ? (`client/${body.clientId}` as const) : null;
  return entry(key ?? client ?? "audit", at, type, body);
}

/** Facts that the fold only keeps the place of. */
const notFolded: readonly FactType[] = [
  "client.notBusyForced",
  "client.quarantined",
  "topology.loaded",
  "operator.acted",
];

function withoutPlace(history: History): string {
  const state = stateFromText(stateText(history.state));
  state.position = 0;
  state.audited = [];
  for (const one of [...state.keys.values(), ...state.clients.values()]) one.revision = 0;
  for (const key of state.keys.values()) key.lastAt = 0;
  return stateText(state);
}

describe("R1: the fold", () => {
  /** A state in which each fact has something to change. */
  const before: Partial<Record<FactType, readonly FactType[]>> = {
    "ledger.opened": ["client.locked"],
    "alarm.settled": ["alarm.accepted"],
    "flow.decided": ["request.planned", "request.sending", "request.answered"],
    "flow.ended": ["flow.started"],
    "request.sending": ["request.planned"],
    "request.answered": ["request.planned", "request.sending"],
    "request.async": ["request.planned", "request.sending"],
    "request.settled": ["request.planned", "request.sending"],
    "ticket.lost": ["request.settled"],
    "client.unlocked": ["client.locked"],
    "client.lockForced": ["client.locked"],
    "client.lockExpired": ["client.locked"],
    "client.notBusyForced": ["client.locked"],
    "client.quarantined": ["client.locked"],
  };
  test.each(Object.keys(bodies) as FactType[])(
    "R1: %s is folded, and the state comes back from its text",
    (type) => {
      const history = new History({ maxResponseRows: 5 });
      for (const earlier of before[type] ?? []) history.add(written(earlier));
      const was = withoutPlace(history);
      if (type === "ledger.opened") history.open();
      else history.add(written(type));
      expect(withoutPlace(history) !== was, "changes what is known").toBe(!notFolded.includes(type));
      expect(stateText(stateFromText(stateText(history.state)))).toBe(stateText(history.state));
      expect(history.state.position).toBe(history.facts.length);
    },
  );

  const randomFacts = fc.array(
    fc.record({
      type: fc.constantFrom(
        ...(Object.keys(bodies) as FactType[]).filter((type) => type !== "ledger.opened"),
        "ledger.opened" as const,
      ),
      key: fc.constantFrom("NE-1", "NE-2", "__proto__", "constructor"),
      requestId: fc.constantFrom("r1", "r2"),
      clientId: fc.constantFrom("client-01", "client-02", "__proto__"),
      result: fc.constantFrom("ok", "unknown", "failed", "notApplied"),
      later: fc.integer({ min: 0, max: 200_000 }),
      position: fc.integer({ min: 1, max: 20 }),
    }),
    { maxLength: 40 },
  );

  test("R1: whatever the facts, folding on from a snapshot gives the state that folding all of them gives", () => {
    fc.assert(
      fc.property(randomFacts, fc.nat(40), (drawn, cut) => {
        const history = new History();
        for (const { type, later, position, ...names } of drawn) {
          history.now += later;
          if (type === "ledger.opened") {
            history.open();
            continue;
          }
          const body = {
            ...bodies[type],
            ...names,
            alarm: { ...alarm, position },
            alarms: [{ ...alarm, position }],
          };
          const told = { notification: notification(`n${position}`, { key: names.key }), digest: "" };
          const row = {
            change: false,
            row: responseRow(names.requestId, { clientId: names.clientId, key: names.key }),
          } as const;
          const real = type === "alarm.accepted" ? told : type === "response.row" ? row : body;
          history.add(written(type, history.now, real as FactBodies[typeof type]));
        }
        const facts = history.facts;
        let state = emptyState();
        for (const [index, fact] of facts.entries()) {
          if (index === cut) state = stateFromText(stateText(state));
          applyFact(state, fact);
        }
        expect(stateText(state)).toBe(stateText(history.state));
      }),
      { numRuns: 300 },
    );
  });

  test("R1: facts that no key or client is of leave no empty key behind", () => {
    const history = new History();
    history.add(written("services.imported"), written("operator.acted"));
    expect([history.state.keys.size, history.state.clients.size]).toEqual([0, 0]);
  });

  test("a fact of a type this version does not know stops the fold with a sentence", () => {
    const strange = {
      ...written("operator.acted").fact,
      type: "moon.landed",
      position: 1,
      epoch: "e",
      stream: "audit",
    };
    expect(() => applyFact(emptyState(), strange as never)).toThrow(/does not know/);
  });
});

describe("A2: outcomes", () => {
  test("A2: an alarm is settled once; a correction replaces its outcome and is no second settling", () => {
    const history = new History();
    history.accept("n1");
    const [waiting] = history.key().waiting;
    const ref = waiting?.ref ?? alarm;
    history.add(written("alarm.settled", noon, { ...settledAlarm, alarm: ref, outcome: "unknown" }));
    expect(unsettledAlarms(history.state)).toBe(0);
    const supersedes = { position: history.state.position, outcome: "unknown" as const };
    history.add(written("key.parked"));
    history.add(written("alarm.settled", noon, { ...settledAlarm, alarm: ref, supersedes }));
    expect(history.state.counters).toMatchObject({
      accepted: 1,
      settled: 1,
      outcomes: { unknown: 0, created: 1 },
    });
    expect(history.key().parkings, "a correction does not touch what the key waits for").toBe(1);
  });

  test.each(["created", "stopped", "rejected", "failed", "unknown", "aborted", "coalesced"] as Outcome[])(
    "an alarm is active from its raise to its clear, its outcome being %s",
    (outcome) => {
      const history = new History();
      const settle = (): void => {
        const how = ended(outcome);
        history.add(
          ...settleAlarms(
            history.key(),
            history.key().waiting.map(({ ref }) => ref),
            noon,
            how,
          ),
        );
      };
      history.accept("raise", { severity: "minor" });
      expect(history.key().active.size).toBe(0);
      settle();
      expect(history.key().active.get("a1")?.notification).toMatchObject({
        severity: "minor",
        raisedAt: noon,
      });
      history.accept("change", { kind: "change", severity: "critical" });
      settle();
      expect(history.key().active.get("a1")?.notification.severity).toBe("critical");
      history.accept("clear", { kind: "clear" });
      settle();
      expect(history.key().active.size).toBe(0);
    },
  );

  test("A2: settling what is settled already adds nothing", () => {
    const history = withTicket();
    const how = ended("failed");
    expect(settleAlarms(history.key(), [alarm], noon, how)).toEqual([]);
  });
});

describe("locks in the fold", () => {
  test("L1 L2 L5: a new epoch ends every lock and flow; a fence goes on rising from where it was", () => {
    const history = new History();
    history.accept("n1");
    history.start();
    expect(history.state.clients.get("client-01")).toMatchObject({
      key: KEY,
      fence: 1,
      lock: { lockGuid: "guid-1", fence: 1 },
    });
    const { epoch } = history.state;
    history.open();
    expect(history.state.epoch).not.toBe(epoch);
    expect(history.state.clients.get("client-01")).toMatchObject({ key: null, lock: null, fence: 1 });
    expect(history.key().flow).toBeNull();
    history.start();
    expect(history.state.clients.get("client-01")?.lock?.fence).toBe(2);
  });

  test.each(["client.unlocked", "client.lockForced", "client.lockExpired"] as const)(
    "L3: %s of an older fence leaves the lock alone",
    (type) => {
      const history = new History();
      history.add(written("client.locked", noon, { ...bodies["client.locked"], fence: 2 }));
      history.add(written(type));
      expect(history.state.clients.get("client-01")?.lock?.fence).toBe(2);
    },
  );
});

describe("what is kept, and for how long", () => {
  test("keys of which nothing is known any more leave at the sweep, after dedupDays of quiet, not a millisecond before", () => {
    for (const [quietMs, kept] of [
      [7 * 86_400_000, true],
      [7 * 86_400_000 + 1, false],
    ] as const) {
      const history = new History();
      history.add(
        written("ticket.linked"),
        written("ticket.lost", noon, { ...bodies["ticket.lost"], ticketId: "T2" }),
      );
      const busy = withTicket(history);
      busy.accept("n9", { key: "NE-9" });
      history.add(
        written("ticket.linked", noon, { ...bodies["ticket.linked"], key: "NE-0" }),
        written("ticket.lost", noon, { ...bodies["ticket.lost"], key: "NE-0", ticketId: "T2" }),
      );
      while (history.facts.length < limits.sweepEveryFacts - 1) history.add(written("operator.acted", noon));
      expect(history.state.keys.has("NE-0")).toBe(true);
      history.add(written("operator.acted", noon + quietMs));
      expect(history.state.keys.has("NE-0")).toBe(kept);
      expect(
        history.state.keys.has(KEY) && history.state.keys.has("NE-9"),
        "keys with tickets or alarms stay",
      ).toBe(true);
    }
  });

  test("D0: clears remembered for a key are bounded; the oldest is forgotten", () => {
    const history = new History();
    for (let index = 0; index <= limits.clearedAlarmsPerKeyMax; index += 1) {
      history.accept(`n${index}`, { kind: "clear", alarm: `a${index}` });
      const how = ended("stopped", "D12");
      history.add(...settleAlarms(history.key(), [history.key().waiting[0]?.ref ?? alarm], noon, how));
    }
    expect(history.key().cleared.size).toBe(limits.clearedAlarmsPerKeyMax);
    expect(history.key().cleared.has("a0")).toBe(false);
    expect(history.key().cleared.has("a1")).toBe(true);
  });

  test("a closed ticket leaves the open ones and is remembered while the search may show it open", () => {
    const history = withTicket();
    expect(openTicketsOf(history.state)).toBe(1);
    history.add(
      written("request.settled", noon, {
        ...bodies["request.settled"],
        command: "close",
        ticket: { status: "closed", severity: null, openedAt: null },
      }),
    );
    expect(openTicketsOf(history.state)).toBe(0);
    expect(history.key().closed.get("T1")).toMatchObject({ closedAt: noon, service: "OSB" });
  });

  test("T2: a claim that did not hold is counted", () => {
    const history = withTicket();
    history.add(written("ticket.lost"));
    expect(history.state.counters.claimsNotKept).toBe(1);
    history.add(written("ticket.lost", noon, { ...bodies["ticket.lost"], claimKept: true }));
    expect(history.state.counters.claimsNotKept).toBe(1);
  });
});

test("A3: every fact of a key or flow can be filed under it", () => {
  for (const type of Object.keys(bodies) as FactType[]) {
    const { fact } = written(type);
    const text = JSON.stringify(fact.body);
    expect(keyOf(fact) !== null, `${type} has a key`).toBe(text.includes(`"key":"${KEY}"`));
    if (flowOf(fact) !== null) expect(text).toContain("guid-1");
  }
});
