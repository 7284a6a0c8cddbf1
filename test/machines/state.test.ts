import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { flowOf, keyOf, type FactType } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import { correct } from "../../machines/async-result.ts";
import { settle, settleAlarms } from "../../machines/settlement.ts";
import {
  delaysOf,
  emptyKey,
  isClearedEarly,
  isWaiting,
  noDelays,
  openTicketsOf,
  unknownRequest,
  unsettledAlarms,
  waitingIndex,
  waitingOf,
} from "../../machines/state.ts";
import type { Notification, Outcome } from "../../machines/vocabulary.ts";
import { createPayload, History, KEY, noon, notification, service, withTicket, ended } from "./given.ts";

import { alarm, bodies, settledAlarm, written } from "./fact-bodies.ts";
import { unknownCreate } from "./steps.ts";

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
      const settleAll = (): void => {
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
      settleAll();
      expect(history.key().active.get("a1")?.notification).toMatchObject({
        severity: "minor",
        raisedAt: noon,
      });
      history.accept("change", { kind: "change", severity: "critical" });
      settleAll();
      expect(history.key().active.get("a1")?.notification.severity).toBe("critical");
      history.accept("clear", { kind: "clear" });
      settleAll();
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

describe("A5: a key's line", () => {
  const positions = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 30 });

  test("whoever stands in it is found at their place, whoever does not is not", () => {
    fc.assert(
      fc.property(positions, (drawn) => {
        const key = emptyKey(KEY);
        const refs = drawn.toSorted((a, b) => a - b).map((position) => ({ ...alarm, position }));
        key.waiting = refs.map((ref) => ({ ref, notification: notification(ref.id), at: noon }));
        for (let position = 0; position <= 61; position += 1) {
          const place = refs.findIndex((ref) => ref.position === position);
          const asked = { ...alarm, position };
          expect(waitingIndex(key, asked)).toBe(place);
          expect(isWaiting(key, asked)).toBe(place >= 0);
          expect(waitingOf(key, [asked])).toEqual(place < 0 ? [] : [key.waiting[place]]);
        }
        expect(waitingOf(key, refs)).toEqual(key.waiting);
      }),
    );
  });
});

test("hold-down is what the settings say, or none", () => {
  expect(delaysOf(new History().state)).toEqual(noDelays);
  const delays = { createSeconds: 1, updateSeconds: 2, closeSeconds: 3 };
  expect(delaysOf(new History({ delays }).state)).toEqual(delays);
});

describe("what is known of a request of unknown fate", () => {
  test("is found whichever key it is of, until somebody knows", () => {
    const history = new History();
    for (const name of [KEY, "NE-2"]) {
      history.accept(`of ${name}`, { key: name });
      history.plan(createPayload, service({ idempotency: "none" }), name);
      const how = { result: "unknown", ticketId: null, because: "" } as const;
      history.add(...settle(history.key(name), history.send(name), noon, how));
      history.end("settled", name);
    }
    const ids = [...history.state.unknown.keys()];
    expect(ids.map((id) => unknownRequest(history.state, id)?.key)).toEqual([KEY, "NE-2"]);
    expect(unknownRequest(history.state, "another")).toBeNull();
    const more = history.key("NE-2").unknown[0];
    if (more !== undefined) history.key("NE-2").unknown.unshift({ ...more, requestId: "older" });
    expect(ids.map((id) => unknownRequest(history.state, id)?.requestId)).toEqual(ids);
    const [first = "", second = ""] = ids;
    const known = unknownRequest(history.state, first);
    if (known === null) throw new Error("It is not known.");
    history.add(...correct(history.key(), known, noon, "T1", ""));
    expect([unknownRequest(history.state, first), unknownRequest(history.state, second)?.key]).toEqual([
      null,
      "NE-2",
    ]);
  });
});

test.each([
  { ms: 0, early: true },
  { ms: 300_000, early: true },
  { ms: 300_001, early: false },
])("D0: a raise $ms ms after its alarm's early clear counts as cleared: $early", ({ ms, early }) => {
  const key = emptyKey(KEY);
  const raised = notification("n", { raisedAt: noon + ms });
  expect(isClearedEarly(key, raised, 300), "no clear came").toBe(false);
  key.cleared.set("a1", noon);
  expect(isClearedEarly(key, raised, 300)).toBe(early);
  expect(isClearedEarly(key, { ...raised, kind: "change" }, 300), "a change is no raise").toBe(false);
  key.cleared.set("a1", null);
  expect(isClearedEarly(key, raised, 300), "it had been raised").toBe(false);
  expect(isClearedEarly(key, { ...raised, raisedAt: 0 }, 300), "and by a device without a clock").toBe(false);
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
      const told: string[] = [];
      history.state.capture = {
        before: ({ key }) => told.push(`${key} ${String(history.state.keys.has(key))}`),
      };
      history.add(written("operator.acted", noon + quietMs));
      expect(told, "a snapshot that is being taken is told of it first").toEqual(kept ? [] : ["NE-0 true"]);
      expect(history.state.keys.has("NE-0")).toBe(kept);
      expect(
        history.state.keys.has(KEY) && history.state.keys.has("NE-9"),
        "keys with tickets or alarms stay",
      ).toBe(true);
    }
  });

  test("keys with a flow, a request, or a request of unknown fate stay, however quiet; others until the next sweep", () => {
    const history = unknownCreate();
    const later = noon + 8 * 86_400_000;
    history.add(
      written("flow.started", noon, { ...bodies["flow.started"], key: "flow", alarms: [] }),
      written("request.planned", noon, { ...bodies["request.planned"], key: "request" }),
      written("ticket.lost", noon, { ...bodies["ticket.lost"], key: "nothing" }),
    );
    const names = () => [...history.state.keys.keys()];
    while (history.facts.length < limits.sweepEveryFacts - 1) history.add(written("operator.acted", later));
    expect(names()).toEqual([KEY, "flow", "request", "nothing"]);
    history.add(written("operator.acted", later));
    expect(names()).toEqual([KEY, "flow", "request"]);
  });

  test("places of what operators did: the newest", () => {
    const history = new History();
    const first = history.facts.length + 1;
    for (let count = 0; count <= limits.auditedKept; count += 1) history.add(written("operator.acted"));
    expect(history.state.audited).toHaveLength(limits.auditedKept);
    expect(history.state.audited[0]).toBe(first + 1);
  });

  test("D0: alarms remembered for a key: the one that was heard of longest ago is forgotten, raised or cleared", () => {
    const history = new History();
    const tell = (id: string, change: Partial<Notification>) => {
      const { ref } = history.accept(id, change);
      history.add(...settleAlarms(history.key(), [ref], noon, ended("stopped")));
    };
    for (let index = 0; index < limits.clearedAlarmsPerKeyMax; index += 1)
      tell(`n${index}`, { alarm: `a${index}` });
    tell("clear", { kind: "clear", alarm: "a0" });
    tell("last", { alarm: "last" });
    expect(history.key().cleared.size).toBe(limits.clearedAlarmsPerKeyMax);
    expect(["a0", "a1", "last"].map((name) => history.key().cleared.has(name))).toEqual([true, false, true]);
  });

  test("D0: an alarm raised too late for its early clear to count has been raised", () => {
    const history = new History();
    for (const [id, change] of [
      ["clear", { kind: "clear", clearedAt: noon }],
      ["late", { raisedAt: noon + 300_001 }],
      ["again", { raisedAt: noon }],
    ] as const) {
      const { ref } = history.accept(id, change);
      history.add(...settleAlarms(history.key(), [ref], noon, ended("stopped")));
    }
    expect(history.key().active.get("a1")?.ref.id).toBe("again");
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
    expect(flowOf(fact), `${type} has a flow`).toBe(text.includes('"lockGuid":"guid-1"') ? "guid-1" : null);
  }
});
