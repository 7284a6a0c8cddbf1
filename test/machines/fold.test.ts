/** R1: the fold, whatever the facts and wherever it is cut. What each fact means is in records/fold.txt. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FactBodies, FactType } from "../../machines/facts.ts";
import { applyFact } from "../../machines/fold.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { limits } from "../../machines/limits.ts";
import { settle, settleAlarms } from "../../machines/settlement.ts";
import { emptyState, type KeyState } from "../../machines/state.ts";
import { alarm, bodies, written } from "./fact-bodies.ts";
import {
  createPayload,
  ended,
  History,
  KEY,
  noon,
  notification,
  responseRow,
  service,
  updatePayload,
  withTicket,
} from "./given.ts";
import { closed, lose, north, send, settleUnknown, unknownOf } from "./steps.ts";

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
  const preceding: Partial<Record<FactType, readonly FactType[]>> = {
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
      for (const earlier of preceding[type] ?? []) history.add(written(earlier));
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

  /** Maps by their entries. */
  function textOf(key: KeyState): string {
    return JSON.stringify(key, (_, value: unknown) => (value instanceof Map ? [...value] : value));
  }

  type Drawn = (typeof randomFacts extends fc.Arbitrary<infer T> ? T : never)[number];

  function write(history: History, { type, later, position, ...names }: Drawn): void {
    history.now += later;
    if (type === "ledger.opened") return history.open();
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

  test("R1: whatever the facts, folding on from a snapshot gives the state that folding all of them gives", () => {
    fc.assert(
      fc.property(randomFacts, fc.nat(40), (drawn, cut) => {
        const history = new History();
        for (const one of drawn) write(history, one);
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

  test("R1: whatever the facts, a snapshot that is being taken is told of each key before it changes", () => {
    fc.assert(
      fc.property(randomFacts, (drawn) => {
        const history = new History();
        for (const one of drawn) {
          const before = new Map([...history.state.keys.values()].map((key) => [key, textOf(key)]));
          const told = new Map<KeyState, string>();
          history.state.capture = {
            before: (key) => void (told.has(key) || told.set(key, textOf(key))),
          };
          write(history, one);
          for (const [key, was] of before)
            if (textOf(key) !== was || !history.state.keys.has(key.key)) expect(told.get(key)).toBe(was);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("each fact of a key or client is its stream's newest; a key's also says when it was heard of last", () => {
    fc.assert(
      fc.property(randomFacts, (drawn) => {
        const history = new History();
        for (const one of drawn) write(history, one);
        const newest = new Map(history.facts.map((fact) => [fact.stream as string, fact]));
        expect(history.state.position).toBe(history.facts.length);
        for (const [name, key] of history.state.keys) {
          const accepted = history.facts.filter(
            (fact) => fact.type === "alarm.accepted" && fact.body.notification.key === name,
          );
          const own = newest.get(`key/${name}`);
          expect(key.revision).toBe(own?.position ?? accepted[0]?.position);
          expect(key.lastAt).toBe(Math.max(own?.at ?? 0, accepted.at(-1)?.at ?? 0));
        }
        for (const [name, client] of history.state.clients)
          expect(client.revision).toBe(newest.get(`client/${name}`)?.position ?? 0);
      }),
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

describe("tickets in the fold", () => {
  test("one that has gone is remembered as long as its own service may go on to show it", () => {
    const history = withTicket();
    const services = [{ ...north, settleSeconds: 10 }, service({ settleSeconds: 120 })];
    history.add(written("services.imported", noon, { services, by: "ann" }));
    lose(history, { status: null });
    expect(history.key().closed.get("T1")?.keepUntil).toBe(noon + 120_000);
  });

  test("T2: one that was not closed as was claimed is not remembered as closed", () => {
    const history = closed(0);
    lose(history, { claimKept: false });
    expect([...history.key().closed.keys()]).toEqual([]);
  });

  test("what one lies on stays known when a later search does not say", () => {
    const history = new History();
    const linked = (said: { readonly networkElements?: readonly string[] }) => {
      history.add(written("ticket.linked", noon, { ...bodies["ticket.linked"], ...said }));
      return history.key().open.get("T2")?.elements;
    };
    expect(linked({})).toEqual([]);
    expect(linked({ networkElements: ["NE-7"] })).toEqual(["NE-7"]);
    expect(linked({})).toEqual(["NE-7"]);
  });
});

describe("a key's line in the fold", () => {
  function settleLine(history: History, ...how: Parameters<typeof ended>): void {
    const refs = history.key().waiting.map(({ ref }) => ref);
    history.add(...settleAlarms(history.key(), refs, noon, ended(...how)));
  }

  test("A5: what is in line still is not put there once more", () => {
    const history = new History();
    const { ref, notification: told } = history.accept("n1");
    const again = { ...bodies["alarm.reconsidered"], alarm: ref, notification: told };
    history.add(written("alarm.reconsidered", noon, again));
    expect(history.key().waiting.map((one) => one.ref.id)).toEqual(["n1"]);
  });

  test("A8: a raise that is decided once more makes no alarm active that was cleared meanwhile", () => {
    const history = new History();
    const { ref, notification: told } = history.accept("n1");
    settleLine(history, "unknown");
    history.accept("clear", { kind: "clear" });
    settleLine(history, "stopped");
    const again = { ...bodies["alarm.reconsidered"], alarm: ref, notification: told };
    history.add(written("alarm.reconsidered", noon, again));
    settleLine(history, "stopped");
    expect([history.key().waiting.length, history.key().active.size]).toEqual([0, 0]);
  });

  test.each([
    ["storm", false],
    ["inDoubt", true],
  ] as const)("when it is empty, a key that was parked for %s stays so: %s", (reason, stays) => {
    const history = new History();
    history.accept("n1");
    const parking = { reason, since: noon, until: null, because: "" };
    history.add(written("key.parked", noon, { key: KEY, parking }));
    settleLine(history, "stopped");
    expect(history.key().parked !== null).toBe(stays);
  });

  test("R6: crashes of one alarm in a row are counted, and are not those of alarms decided again", () => {
    const history = new History();
    history.accept("n1");
    for (let crash = 1; crash <= limits.flowCrashesMax; crash += 1) {
      history.start();
      history.end("crashed");
      expect(history.key().crashes).toBe(crash);
    }
  });
});

describe("requests and their outcomes in the fold", () => {
  test("a look-up that found nothing counts, also of a request that waits for its async result", () => {
    const history = new History();
    history.add(written("request.planned"), written("request.sending"));
    history.add(written("request.answered", noon, { ...bodies["request.answered"], answer: "ack" }));
    history.add(written("flow.decided"));
    expect(history.request()).toMatchObject({ status: "async", lookups: 1 });
  });

  test("A2: a request has no more say about an alarm that got another outcome since", () => {
    const history = new History();
    history.accept("n1");
    history.plan(createPayload, service({ asyncSeconds: 30 }));
    const request = history.send();
    const how = { result: "failed", ticketId: null, because: "" } as const;
    history.add(...settle(history.key(), request, noon, how));
    const outcomes = () => history.state.settledRequests.get(request.requestId)?.outcomes ?? [];
    const [{ ref, position, outcome } = { ref: alarm, position: 0, outcome: "unknown" as const }] =
      outcomes();
    expect(outcome).toBe("failed");
    const supersedes = { position, outcome };
    history.add(written("alarm.settled", noon, { ...ended("stopped"), alarm: ref, key: KEY, supersedes }));
    expect(outcomes()).toEqual([]);
  });

  test("of two requests of unknown fate each knows its own alarms", () => {
    const history = unknownOf(updatePayload);
    history.accept("more", { kind: "change", severity: "critical" });
    send(history, updatePayload);
    settleUnknown(history);
    const known = history.key().unknown.map(({ outcomes }) => outcomes.map(({ ref }) => ref.id));
    expect(known).toEqual([["next"], ["more"]]);
  });
});
