/**
 * Any alarms of few keys, any faults of the service, the network and the engine for a while, then none: what
 * must hold at every moment and what must hold in the end. A failing run prints its seed and its script.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Fact } from "../../machines/facts.ts";
import { presentRows } from "../../machines/response-table.ts";
import { limits } from "../../machines/limits.ts";
import { applyFact } from "../../machines/fold.ts";
import { stateText } from "../../machines/fold-snapshot.ts";
import { roomForTickets } from "../../machines/surroundings.ts";
import { StateCapture } from "../../machines/state-capture.ts";
import { emptyState, type State } from "../../machines/state.ts";
import { severities, type Idempotency, type Notification } from "../../machines/vocabulary.ts";
import { FakeTicketing } from "./fake-ticketing.ts";
import { noon, notification, service, settings } from "./given.ts";
import { ModelRun } from "./model-run.ts";
import type { Behaviour, Script, Trouble } from "./model-script.ts";

const keys = ["NE-1", "NE-2"];

/** How far the scripts go. What stands at false is known not to hold yet; set it to true with its mending. */
const reach = {
  /** Async results that never come, come after `asyncSeconds`, or say ERROR; an ACK that takes effect late. */
  missingAsync: true,
  /** BUSY and NOT_OWNER as the last permitted answer while an earlier attempt is in doubt. */
  busyInDoubt: true,
  /** A change or a second raise of an alarm ahead of its raise and clear in the same line. */
  repeatedRaises: true,
  /** A clear before its raise, whose flow is then ended by force. */
  earlyClears: true,
};

const arrivals = fc
  .array(
    fc.record({
      afterMs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 0, max: 90_000 }),
      ),
      key: fc.constantFrom(...keys),
      alarm: fc.constantFrom("a", "b"),
      kind: fc.constantFrom("raise", "raise", "clear", "clear", "change"),
      severity: fc.constantFrom(...severities),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((drawn) => {
    let at = noon;
    const active = new Set<string>();
    const within = drawn.filter(({ key, alarm, kind }) => {
      const name = `${key}/${alarm}`;
      const isRepeated = kind === "change" || (kind === "raise" && active.has(name));
      const isEarly = kind === "clear" && !active.has(name);
      const kept = (reach.repeatedRaises || !isRepeated) && (reach.earlyClears || !isEarly);
      if (kept && kind === "clear") active.delete(name);
      else if (kept) active.add(name);
      return kept;
    });
    return within.map(({ afterMs, key, alarm, kind, severity }, index) => {
      at += afterMs;
      const told = notification(`n${index}`, {
        key,
        alarm: `${key}/${alarm}`,
        alarmedObject: key,
        kind,
        severity: kind === "clear" ? "indeterminate" : severity,
        raisedAt: at,
        ...(kind === "clear" ? { clearedAt: at } : {}),
      });
      return { afterMs, notification: told };
    });
  });

const asyncs: Behaviour["async"][] = ["ok", "early", "twice"];
if (reach.missingAsync) asyncs.push("never", "late", "error");

function behaviours(sends: readonly Behaviour["send"][]): fc.Arbitrary<Behaviour[]> {
  const one = fc.record({
    send: fc.constantFrom(...sends),
    async: fc.constantFrom<Behaviour["async"]>(...asyncs),
  });
  return fc.array(one, { maxLength: 14 });
}

/** Weighted to a flow that goes on. */
const troubles = fc.array(
  fc.constantFrom<Trouble>(
    "none",
    "none",
    "none",
    "none",
    "none",
    "searchFails",
    "crash",
    "expire",
    "force",
    "restart",
  ),
  { maxLength: 20 },
);

/** Faults after which the truth is known in the end. */
const passing: Behaviour["send"][] = [
  "ack",
  "ackWithoutId",
  "refused",
  "unreachable",
  "lostAnswer",
  "lostRequest",
  "lateEffect",
  "engineStops",
];
if (reach.missingAsync) passing.push("ackLateEffect");
if (reach.busyInDoubt) passing.push("busy", "notOwner");

const situations = fc.record({
  script: fc.record<Script>({
    arrivals,
    behaviours: fc.oneof(behaviours(passing), behaviours([...passing, "nack"])),
    troubles,
    reopenSeconds: fc.constantFrom(0, 100),
    delays: fc.constantFrom(
      { createSeconds: 0, updateSeconds: 0, closeSeconds: 0 },
      { createSeconds: 0, updateSeconds: 0, closeSeconds: 0 },
      { createSeconds: 30, updateSeconds: 20, closeSeconds: 10 },
    ),
    maxOpenTickets: fc.constantFrom(500, 500, 1),
    topology: fc.constantFrom("works", "works", "fails", null),
    strangers: fc.array(
      fc.record({
        afterMs: fc.integer({ min: 1, max: 200_000 }),
        key: fc.constantFrom(...keys),
        act: fc.constantFrom("close", "remove"),
      }),
      { maxLength: 1 },
    ),
  }),
  idempotency: fc.constantFrom<Idempotency>("requestId", "settles", "settles", "none"),
  asyncSeconds: fc.constantFrom(0, 0, 30, 90),
  indexLagMs: fc.constantFrom(0, 20_000),
});

/** Which alarms are active after their notifications, by the words of domain.md alone (D0 and "Admitted"). */
function activeByTheBook(told: readonly Notification[]): Set<string> {
  const active = new Set<string>();
  const known = new Set<string>();
  const early = new Map<string, number>();
  for (const { alarm, kind, raisedAt, clearedAt } of told) {
    const clearBefore = early.get(alarm);
    if (kind === "clear") {
      if (!active.delete(alarm) && !known.has(alarm))
        early.set(alarm, early.get(alarm) ?? clearedAt ?? raisedAt);
    } else {
      if (
        kind === "change" ||
        clearBefore === undefined ||
        raisedAt > clearBefore + settings.clockSkewSeconds * 1000
      )
        active.add(alarm);
      early.delete(alarm);
      known.add(alarm);
    }
  }
  return active;
}

function settlements(facts: readonly Fact[]): Extract<Fact, { type: "alarm.settled" }>[] {
  return facts.filter((fact) => fact.type === "alarm.settled");
}

/** A2: one outcome each, but for what a storm holds up; a later one names the one it replaces. */
function checkOutcomes(facts: readonly Fact[], told: readonly Notification[], heldUp: Set<string>): void {
  const current = new Map<string, { position: number; outcome: string }>();
  for (const { position, body } of settlements(facts)) {
    const before = current.get(body.alarm.id);
    if (before === undefined) expect(body.supersedes, `${body.alarm.id} replaces nothing`).toBeNull();
    else expect(body.supersedes, `${body.alarm.id} names its old outcome`).toEqual(before);
    current.set(body.alarm.id, { position, outcome: body.outcome });
  }
  expect([...current.keys()].sort(), "A2: every accepted notification has an outcome").toEqual(
    told.flatMap(({ id }) => (heldUp.has(id) ? [] : [id])).sort(),
  );
}

/** Notifications of keys that wait for room for a ticket, and rightly so. */
function heldUpByStorm(state: State): Set<string> {
  const parked = [...state.keys.values()].filter((key) => key.parked?.reason === "storm");
  if (parked.length > 0) expect(roomForTickets(state), "D7: nobody waits while there is room").toBe(0);
  return new Set(parked.flatMap((key) => key.waiting.map(({ ref }) => ref.id)));
}

function isCancelled({ body }: Extract<Fact, { type: "alarm.settled" }>): boolean {
  return body.outcome === "coalesced" && body.lockGuid === null;
}

/** A5: requests of a key are planned, and outcomes of an alarm come, in the order accepted. */
function checkOrder(facts: readonly Fact[]): void {
  const led = new Map<string, number>();
  const settledUpTo = new Map<string, number>();
  const alarmOf = new Map<string, string>();
  const again = new Set<string>();
  const settled = new Set<number>();
  for (const fact of facts) {
    if (fact.type === "alarm.settled") settled.add(fact.body.alarm.position);
    // Decided again: as old as it is, and after what came later.
    if (fact.type === "flow.started" && fact.body.alarms.every((one) => settled.has(one.position)))
      again.add(fact.body.lockGuid);
    if (fact.type === "alarm.accepted") alarmOf.set(fact.body.notification.id, fact.body.notification.alarm);
    if (fact.type === "request.planned" && !again.has(fact.body.lockGuid)) {
      const first = fact.body.alarms[0]?.position ?? 0;
      expect(first, `A5: ${fact.body.requestId} overtook`).toBeGreaterThanOrEqual(
        led.get(fact.body.key) ?? 0,
      );
      led.set(fact.body.key, first);
    }
    if (
      fact.type === "alarm.settled" &&
      fact.body.supersedes === null &&
      !(isCancelled(fact) && !reach.repeatedRaises)
    ) {
      const alarm = alarmOf.get(fact.body.alarm.id) ?? "";
      expect(
        fact.body.alarm.position,
        `A5: ${fact.body.alarm.id} settled before an older one`,
      ).toBeGreaterThan(settledUpTo.get(alarm) ?? 0);
      settledUpTo.set(alarm, fact.body.alarm.position);
    }
  }
}

/** Keys of which a request or flow ended otherwise than by doing what was decided, or whose ticket a stranger took. */
function disappointed(facts: readonly Fact[], script: Script): Set<string> {
  const found = new Set(script.strangers.map(({ key }) => key));
  for (const { body } of settlements(facts)) {
    if (["rejected", "failed", "unknown", "aborted"].includes(body.outcome)) found.add(body.key);
  }
  // What is decided again gets no new outcome (A2): its requests and flows tell.
  for (const { type, body } of facts) {
    if (type === "request.settled" && ["rejected", "failed", "unknown"].includes(body.result))
      found.add(body.key);
    if (type === "flow.ended" && body.result === "forced") found.add(body.key);
    if (type === "flow.decided" && body.rule === "R6") found.add(body.key);
  }
  return found;
}

/** G3: requests sent more often than allowed, or with a payload that changed. */
function attemptsTooMany(run: ModelRun): string[] {
  return [...run.sent]
    .filter(([, { times, payloads }]) => times > limits.attemptsMax || payloads.size > 1)
    .map(([requestId]) => requestId);
}

const seen = new Map<string, number>();
const situationsToMeet = [
  ...passing,
  "nack",
  "searchFails",
  "crash",
  "expire",
  "force",
  "restart",
  "restart in flight",
  "expire in flight",
  "answer after its flow",
  "ticket taken",
  "search key",
  "search requestedBy",
  "search ticketId",
  "search verify",
  "search unknown",
  "coalesced",
  "cancelled out",
  "async early",
  "async ok",
  "async twice",
  "search elements",
  "parked covered",
  "decided again",
  "storm",
  "parked holdDown",
  "cancelled out in holdDown",
  "cancelled out in storm",
];

/** R1: a text taken in pieces while the fold goes on is that of the moment it was begun. */
function foldedWhileCaptured(facts: readonly Fact[]): State {
  const state = emptyState();
  let expected = "";
  let text = "";
  let capture: StateCapture | null = null;
  for (const fact of facts) {
    applyFact(state, fact);
    if (capture === null) {
      text = "";
      expected = stateText(state);
      capture = state.capture = new StateCapture(state);
    }
    if (fact.position % 3 !== 0) continue;
    const part = capture.next(0);
    if (part !== null) text += part;
    else {
      expect(text, "R1").toBe(expected);
      capture = state.capture = null;
    }
  }
  state.capture = null;
  return state;
}

test("T1 A2 A5 A8 G3 G6 R1: whatever the service, the network and the engine do, each alarm ends once and no ticket is doubled", () => {
  fc.assert(
    fc.property(situations, ({ script, idempotency, asyncSeconds, indexLagMs }) => {
      const truth = new FakeTicketing(service({ idempotency, asyncSeconds }), indexLagMs);
      const run = new ModelRun(script, truth);
      run.run();
      for (const [what, times] of run.seen) seen.set(what, (seen.get(what) ?? 0) + times);
      const { facts, state } = run.history;
      const told = script.arrivals.map((one) => one.notification);

      expect(run.broken).toEqual([]);
      if (idempotency !== "none") expect(truth.doubled, "T1").toEqual([]);
      const heldUp = heldUpByStorm(state);
      checkOutcomes(facts, told, heldUp);
      checkOrder(facts);
      expect(attemptsTooMany(run), "G3").toEqual([]);

      for (const table of state.tables.values()) {
        expect(table.unsettled, "G6: every row is answered").toEqual({});
        expect(table.inserted).toBe(presentRows(table) + table.evicted + table.cleared);
      }
      expect(stateText(state), "R1").toBe(stateText(foldedWhileCaptured(facts)));

      const excused = disappointed(facts, script);
      for (const name of keys) {
        const key = state.keys.get(name);
        if (key === undefined || key.waiting.length > 0) continue;
        const active = [...activeByTheBook(told.filter((one) => one.key === name))].sort();
        expect([...key.active.keys()].sort(), `${name}: active alarms`).toEqual(active);
        if (excused.has(name)) continue;
        if (key.cover !== null && !excused.has("NE-1"))
          expect(truth.open("NE-1").length, `A8: what ${name} rests on`).toBe(1);
        if (key.cover !== null || key.parked?.reason === "storm") {
          expect(truth.open(name).length, `A8: ${name} rests on something else`).toBe(0);
          continue;
        }
        expect(truth.open(name).length, `A8: open tickets of ${name}`).toBe(active.length > 0 ? 1 : 0);
      }
    }),
    { numRuns: 1000 },
  );
  // A run that tried nothing proves nothing.
  const never = situationsToMeet.filter((what) => !seen.has(what));
  expect(never, "situations that never occurred").toEqual([]);
});
