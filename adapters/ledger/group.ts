/**
 * Writes one group of batches: judges each against what was written before it, the earlier ones of its group
 * included, and makes all of them durable at once.
 *   A1 nothing is judged before its commit.  A4 L3 a stream that moved on refuses the batch.
 */
import type { Stream } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import { setBounded } from "./bounded-map.ts";
import type { BatchToWrite, FactStore, Judgement } from "./fact-store.ts";

/** A throw means that nothing of the group counts and the store is to be abandoned (R3). */
export type WriteGroup = (batches: readonly BatchToWrite[]) => Judgement[];

export function createGroupWrite(store: FactStore): WriteGroup {
  // Repeats are known within one opening, the last `batchIdsKept` of them: a repeat comes from a caller that
  // did not see the answer, and a caller does not outlive the process. What must be recognised after a restart
  // (A4) has a stream of its own to expect empty. Kept is the range of the facts, not the facts.
  const remembered = new Map<string, Judgement>();

  function movedOn({ expect }: BatchToWrite): Stream[] {
    const streams: Stream[] = [];
    for (const { stream, revision } of expect) {
      if (store.streamHead(stream) > revision) streams.push(stream);
    }
    return streams;
  }

  function judge(batch: BatchToWrite, beforeWrite: () => void): Judgement {
    const first = remembered.get(batch.id);
    if (first !== undefined) return first;
    const streams = movedOn(batch);
    if (streams.length > 0) {
      const conflict: Judgement = { kind: "conflict", streams };
      setBounded(remembered, batch.id, conflict, limits.batchIdsKept);
      return conflict;
    }
    if (batch.rows.length > 0) beforeWrite();
    const after = store.position();
    for (const row of batch.rows) store.insert(row);
    const position = store.position();
    setBounded(remembered, batch.id, { kind: "repeated", after, position }, limits.batchIdsKept);
    return { kind: "written", after, position };
  }

  return (batches) => {
    let begun = false;
    const begin = (): void => {
      if (!begun) store.begin();
      begun = true;
    };
    const judgements = batches.map((batch) => judge(batch, begin));
    if (begun) store.commit(); // A1
    return judgements;
  };
}
