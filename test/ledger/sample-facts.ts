/** Facts and batches for the tests of ledgers. Pure: ids are counted, time stands still. */
import type { Batch, Expectation } from "../../actors/ports.ts";
import { alarmStream, type Fact, type NewFact, type Stream } from "../../machines/facts.ts";

export const noon = Date.UTC(2026, 10, 23, 12);

export function note(text: string): NewFact {
  return {
    type: "operator.acted",
    at: noon,
    body: { by: "ann", action: "note", target: text, reason: "to have said it" },
  };
}

/** What the note says; to compare what was read with what was written. */
export function textOf(fact: Fact): string {
  return fact.type === "operator.acted" ? fact.body.target : fact.type;
}

function accepted(id: string, key = "NE-1"): NewFact {
  return {
    type: "alarm.accepted",
    at: noon,
    body: {
      digest: "0".repeat(64),
      notification: {
        source: "urn:test",
        id,
        kind: "raise",
        key,
        alarm: id,
        alarmedObject: key,
        alarmType: "equipmentAlarm",
        probableCause: "Löschung – ünïcode 🙂",
        sourceSystemId: "test",
        severity: "major",
        raisedAt: noon,
        plannedOutage: false,
      },
    },
  };
}

/** One notification, expected to be new (A4). */
export function acceptance(batchId: string, id: string, key?: string): Batch {
  const stream = alarmStream("urn:test", id);
  return { id: batchId, expect: [{ stream, revision: 0 }], facts: [{ stream, fact: accepted(id, key) }] };
}

/** A batch of notes on one stream. */
export function notes(
  batchId: string,
  stream: Stream,
  texts: readonly string[],
  expect?: readonly Expectation[],
): Batch {
  const facts = texts.map((text) => ({ stream, fact: note(text) }));
  return expect === undefined ? { id: batchId, facts } : { id: batchId, expect, facts };
}

export async function all(facts: AsyncIterable<Fact>): Promise<Fact[]> {
  const read: Fact[] = [];
  for await (const fact of facts) read.push(fact);
  return read;
}
