/** An operator's verdict on a request of unknown fate, and a late OK: what is written, word for word. */
import { expect, test } from "vitest";
import { entry } from "../../machines/entry.ts";
import { settle, settleAlarms } from "../../machines/settlement.ts";
import { keyStream, type SettledRequest } from "../../machines/state.ts";
import { afterLateOk, judgeVerdict, type SettledAlarm, type Verdict } from "../../machines/verdict.ts";
import type { Outcome, RequestPayload } from "../../machines/vocabulary.ts";
import {
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  service,
  updatePayload,
  withTicket,
} from "./given.ts";
import { RecordFile } from "./record-text.ts";

/** A request of unknown fate, planned for n1. */
function unknown(payload: RequestPayload): History {
  const history = payload.command === "create" ? new History() : withTicket();
  history.accept(
    "n1",
    payload.command === "close" ? { kind: "clear", clearedAt: history.now } : { alarm: "n1" },
  );
  history.plan(payload, service({ idempotency: "none" }));
  const how = { result: "unknown", ticketId: null, because: "" } as const;
  history.add(...settle(history.key(), history.send(), history.now, how));
  history.end("settled");
  return history;
}

/** The next in line is settled without a request. */
function settled(history: History, outcome: Outcome): History {
  const refs = history.key().waiting.map(({ ref }) => ref);
  history.add(...settleAlarms(history.key(), refs, history.now, ended(outcome)));
  return history;
}

function cleared(history: History, id: string, alarm: string, outcome: Outcome = "stopped"): History {
  history.accept(id, { kind: "clear", alarm, clearedAt: history.now });
  return settled(history, outcome);
}

function raised(history: History, id: string, outcome: Outcome): History {
  history.accept(id, { alarm: id });
  return settled(history, outcome);
}

function requestOf(history: History): SettledRequest {
  const [request] = history.key().unknown;
  if (request === undefined) throw new Error("Nothing is unknown.");
  return request;
}

/** Notifications since the request's first, with their current outcomes. */
function alarmsOf(history: History): SettledAlarm[] {
  const first = requestOf(history).outcomes[0]?.ref.position ?? 0;
  return history.facts.flatMap((fact) => {
    if (fact.type !== "alarm.accepted" || fact.position < first) return [];
    const outcome = history.facts.findLast(
      (one) => one.type === "alarm.settled" && one.body.alarm.position === fact.position,
    );
    if (outcome?.type !== "alarm.settled") return [];
    const current = { position: outcome.position, outcome: outcome.body.outcome };
    const { source, id } = fact.body.notification;
    return [{ ref: { source, id, position: fact.position }, notification: fact.body.notification, current }];
  });
}

const meanwhile: readonly (readonly [string, (history: History) => History])[] = [
  ["nothing happened since", (history) => history],
  ["its alarm was cleared since", (history) => cleared(history, "n2", "n1")],
  ["its alarm was cleared since, of unknown fate too", (history) => cleared(history, "n2", "n1", "unknown")],
  ["another was raised since, and is unknown too", (history) => raised(history, "n2", "unknown")],
  ["another was raised since and stopped", (history) => raised(history, "n2", "stopped")],
  [
    "the same alarm was raised again",
    (history) => {
      history.accept("n2", { alarm: "a1" });
      return settled(history, "stopped");
    },
  ],
  [
    "a clear waits in line",
    (history) => {
      history.accept("n2", { kind: "clear", alarm: "n1", clearedAt: history.now });
      return history;
    },
  ],
];

const verdicts: readonly Verdict[] = [
  { verdict: "applied", ticketId: "T1", by: "ann", reason: "seen it" },
  { verdict: "applied", ticketId: null, by: "ann", reason: "seen it" },
  { verdict: "applied", ticketId: "T2", by: "ann", reason: "seen it" },
  { verdict: "notApplied", ticketId: null, by: "ann", reason: "looked for it" },
  { verdict: "notApplied", ticketId: "T1", by: "ann", reason: "looked for it" },
];

const payloads = { create: createPayload, update: updatePayload, close: closePayload };

test("A2 A8 T1: a verdict, whatever has happened meanwhile", async () => {
  const file = new RecordFile();
  for (const [command, payload] of Object.entries(payloads))
    for (const [name, happen] of meanwhile) {
      file.title(`${command}; ${name}`);
      for (const verdict of verdicts) {
        const history = happen(unknown(payload));
        const request = requestOf(history);
        const judged = judgeVerdict(history.key(), request, verdict, alarmsOf(history), history.now);
        const what = `${verdict.verdict}, ticket ${verdict.ticketId}`;
        if (judged.ok) file.add(what, judged.value);
        else file.add(`${what} → ${judged.failure.code}: ${judged.failure.detail}`);
      }
      const history = happen(unknown(payload));
      file.add(
        "a late OK, beside the correction",
        afterLateOk(history.key(), requestOf(history), null, alarmsOf(history), history.now),
      );
    }
  await expect(file.text()).toMatchFileSnapshot("records/verdicts.txt");
});

test("A2: what another unknown request answers for is left to its own verdict", () => {
  const history = raised(unknown(createPayload), "n2", "unknown");
  const first = requestOf(history);
  const other: SettledRequest = {
    ...first,
    requestId: "another",
    outcomes: alarmsOf(history)
      .filter(({ ref }) => ref.id === "n2")
      .map(({ ref, current }) => ({ ref, ...current })),
  };
  history.key().unknown.push(other);
  const verdict: Verdict = { verdict: "notApplied", ticketId: null, by: "ann", reason: "looked" };
  const judged = judgeVerdict(history.key(), first, verdict, alarmsOf(history), history.now);
  const again = (judged.ok ? judged.value : []).flatMap(({ fact }) =>
    fact.type === "alarm.reconsidered" ? [fact.body.alarm.id] : [],
  );
  expect(again).toEqual(["n1"]);
});

test("A8: a close that was done after all under an alarm that came meanwhile: that alarm is decided again", () => {
  const history = unknown(closePayload);
  history.accept("n2", { alarm: "a1" });
  settled(history, "adopted");
  expect(history.key().active.get("a1")?.ref.id).toBe("n2");
  history.add(
    entry(keyStream(KEY), history.now, "ticket.linked", {
      key: KEY,
      ticketId: "T1",
      service: "OSB",
      status: "acknowledged",
      severity: "major",
      openedAt: null,
    }),
  );
  const verdict: Verdict = { verdict: "applied", ticketId: null, by: "ann", reason: "seen it closed" };
  const judged = judgeVerdict(history.key(), requestOf(history), verdict, alarmsOf(history), history.now);
  expect(judged.ok && judged.value.map(({ fact }) => fact.type)).toContain("alarm.reconsidered");
});
