/**
 * The Ledger port over a writer and a reader: groups the appends of one turn of the event loop into one write,
 * answers them in order when they are durable, bounds reads to what was answered, wakes followers.
 *   A1 nothing resolves before its commit.  R3 after the first failed write nothing is accepted any more.
 *   F1 followers see only what is durable, in order.
 */
import type { AppendResult, Batch, Ledger, LedgerHead } from "../../actors/ports.ts";
import type { Fact, NewFact, Stream } from "../../machines/facts.ts";
import { flowOf, keyOf } from "../../machines/facts.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { Position } from "../../machines/vocabulary.ts";
import {
  closedFailure,
  type BatchToWrite,
  type FactReader,
  type GroupWriter,
  type Judgement,
  type RowToWrite,
} from "./fact-store.ts";

export interface LedgerParts {
  /** At the opening. */
  readonly head: LedgerHead;
  readonly writer: GroupWriter;
  readonly reader: FactReader;
  /** The facts of a batch as they stand now, the first of them after `after`. */
  readonly written: (facts: Batch["facts"], after: Position) => readonly Fact[];
}

interface PendingBatch extends BatchToWrite {
  readonly facts: Batch["facts"];
  readonly ahead: boolean;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

export function createGroupedLedger({ head, writer, reader, written }: LedgerParts): Ledger {
  const wakers = new Set<() => void>();
  /** Appended in this turn: those that go ahead, and the others. */
  let ahead: PendingBatch[] = [];
  let collected: PendingBatch[] = [];
  /** Given to the writer, oldest first. */
  let underWay: PendingBatch[] = [];
  let failure: FailureError | null = null;
  let closing: Promise<void> | null = null;
  let closed = false;
  let onIdle: (() => void) | null = null;
  /** Whether the end of this turn is awaited. */
  let turning = false;
  let durable = head.position;
  /** Judged, and answered when the turn of those that went ahead is over. */
  let unanswered: { readonly batch: PendingBatch; readonly judgement: Judgement }[] = [];
  /** Facts of the newest group, so that a follower that keeps up reads nothing from the disk. */
  let newest: Fact[] = [];

  writer.listen({ judged, failed });

  function flush(): void {
    const group = ahead.length === 0 ? collected : ahead.concat(collected);
    if (group.length === 0) return;
    ahead = [];
    collected = [];
    for (const batch of group) underWay.push(batch);
    if (failure !== null) return failed(failure);
    for (const part of inParts(group)) writer.write(part);
  }

  function endTurn(): void {
    if (turning) return;
    turning = true;
    setImmediate(() => {
      turning = false;
      flush();
    });
  }

  /** A writer without work gets some before the turn is over, so that it writes while the rest of the turn goes on. */
  function isWorthWriting(): boolean {
    return underWay.length === 0 && ahead.length + collected.length >= limits.ledgerGroupBatches;
  }

  function judged(judgements: readonly Judgement[]): void {
    answerRest(); // of the group before: in the order of positions
    const group = underWay.splice(0, judgements.length);
    for (const judgement of judgements) {
      if (judgement.kind === "written") durable = judgement.position;
    }
    newest = [];
    let inHaste = true;
    for (const [index, batch] of group.entries()) {
      const judgement = judgements[index];
      if (judgement === undefined) continue;
      inHaste &&= batch.ahead;
      if (inHaste) answer(batch, judgement);
      else unanswered.push({ batch, judgement });
    }
    // What went ahead is acted on before the others are heard: the thread writes on while they are.
    if (unanswered.length === group.length) answerRest();
    else if (unanswered.length > 0) setImmediate(answerRest);
    else wake();
    idle();
  }

  function answerRest(): void {
    const rest = unanswered;
    if (rest.length === 0) return;
    unanswered = [];
    for (const { batch, judgement } of rest) answer(batch, judgement);
    wake();
    idle();
  }

  function answer(batch: PendingBatch, judgement: Judgement): void {
    try {
      batch.resolve(resultOf(batch, judgement, newest));
    } catch (error) {
      batch.reject(error); // a repeat whose facts can no longer be read
    }
  }

  function resultOf(batch: PendingBatch, judgement: Judgement, group: Fact[]): AppendResult {
    if (judgement.kind === "conflict") return judgement;
    const { kind, after, position } = judgement;
    if (kind === "repeated") {
      return { kind: "committed", position, facts: reader.page(after, position - after) };
    }
    const facts = written(batch.facts, after);
    for (const fact of facts) group.push(fact);
    return { kind: "committed", position, facts };
  }

  /** R3: the kernel drops what it could not write, so a second try could seem to work and lose facts. */
  function failed(error: unknown, isDamage = false): void {
    const message = error instanceof Error ? error.message : String(error);
    failure ??= isDamage
      ? new FailureError(
          "LEDGER_DAMAGED",
          `The ledger is damaged: what is to be looked up before a commit cannot be read (${message}). Nothing after ` +
            `position ${durable} was acknowledged and nothing more is accepted. Keep the files for examination and ` +
            "bring back a backup with `ledger restore` into an empty directory.",
          { cause: error },
        )
      : new FailureError(
          "LEDGER_SYNC_FAILED",
          `Writing to the ledger failed after position ${durable}: ${message}. ` +
            "Nothing after it was acknowledged and nothing more is accepted. Check the disk (space, permissions, " +
            "errors in the system log), then start again: the ledger goes on from its last durable position.",
          { cause: error },
        );
    answerRest();
    for (const batch of [...underWay, ...ahead, ...collected]) batch.reject(failure);
    underWay = [];
    ahead = [];
    collected = [];
    idle();
  }

  function idle(): void {
    if (underWay.length === 0 && unanswered.length === 0) onIdle?.();
  }

  function wake(): void {
    for (const waker of wakers) waker();
  }

  /** Why nothing can be written now, if so. */
  function refusal(): FailureError | null {
    return failure ?? (closing === null ? null : closedFailure());
  }

  /** Reading goes on after a failed write (R3), but not after close. */
  function readable(): FactReader {
    if (closed) throw closedFailure();
    return reader;
  }

  /** What is durable, but not yet answered, is not read. */
  function pageOf(after: Position, limit: number): Fact[] {
    return readable().page(after, Math.max(0, Math.min(limit, limits.ledgerReadRows, durable - after)));
  }

  async function* readPages(after: Position, limit: number): AsyncGenerator<Fact> {
    let left = limit;
    let from = after;
    while (left > 0) {
      const page = pageOf(from, left);
      for (const fact of page) {
        yield fact;
        from = fact.position;
      }
      left -= page.length;
      if (page.length < limits.ledgerReadRows) return;
      // oxlint-disable-next-line no-await-in-loop -- F4: a long way is read a page a turn
      await nextTurn();
    }
  }

  /** Empty at the end, and when the rest can no longer be read because the ledger is closed. */
  function pageAfter(from: Position): readonly Fact[] {
    if (from >= durable) return [];
    if (newest[0]?.position === from + 1) return newest;
    return closed ? [] : pageOf(from, limits.ledgerReadRows);
  }

  async function* followPages(after: Position, signal: AbortSignal): AsyncGenerator<Fact> {
    let from = after;
    let wakeUp: (() => void) | null = null;
    const waker = (): void => wakeUp?.();
    wakers.add(waker);
    signal.addEventListener("abort", waker, { once: true });
    try {
      while (!signal.aborted) {
        const page = pageAfter(from);
        for (const fact of page) {
          if (signal.aborted) return;
          yield fact;
          from = fact.position;
        }
        // oxlint-disable-next-line no-await-in-loop -- F4: a long way is read a page a turn
        if (page.length >= limits.ledgerReadRows) await nextTurn();
        if (page.length > 0) continue;
        if (closed) return;
        // oxlint-disable-next-line no-await-in-loop -- one wait a group is what following means
        await new Promise<void>((resolve) => {
          wakeUp = resolve;
        });
      }
    } finally {
      wakers.delete(waker);
      signal.removeEventListener("abort", waker);
    }
  }

  async function end(): Promise<void> {
    flush();
    if (underWay.length > 0 || unanswered.length > 0) {
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    }
    closed = true;
    wake();
    // First: the last connection that SQLite sees close puts the files in order, and this one cannot write.
    reader.close();
    await writer.close();
  }

  return {
    append(batch: Batch): Promise<AppendResult> {
      return new Promise((resolve, reject) => {
        const refused = refusal();
        if (refused !== null) {
          reject(refused);
          return;
        }
        // Turned to text here: a body that is not JSON fails alone, not with the batches it would share a commit with.
        const rows = batch.facts.map(({ stream, fact }) => rowOf(stream, fact));
        const { id, expect = [], facts, urgent = false } = batch;
        const pending = {
          id,
          expect,
          rows,
          facts,
          ahead: batch.ahead === true,
          resolve,
          reject,
        };
        (pending.ahead ? ahead : collected).push(pending);
        if (urgent || isWorthWriting()) flush();
        else endTurn();
      });
    },
    read: readPages,
    follow: followPages,
    async readStream(stream) {
      return readable().ofStream(stream, durable);
    },
    async readKey(key, limit) {
      const facts = readable().ofKey(key, limit, durable);
      if (facts.length >= limits.ledgerReadRows) await nextTurn(); // S3: as after a page
      return facts;
    },
    head: (): LedgerHead => ({ ...head, position: durable }),
    async loadSnapshot() {
      return readable().loadSnapshot();
    },
    async saveSnapshot(position, parts) {
      const refused = refusal();
      if (refused !== null) throw refused;
      if (position > durable) {
        throw new RangeError(`A snapshot at ${position} is ahead of the ledger at ${durable}.`);
      }
      try {
        for await (const part of parts) await writer.addToSnapshot(part);
        await writer.endSnapshot(position);
      } catch (error) {
        if (closing !== null) throw error; // it came too late, and nothing is wrong with the ledger
        failed(error);
        throw failure ?? error;
      }
    },
    close() {
      closing ??= end();
      return closing;
    },
  };
}

function rowOf(stream: Stream, fact: NewFact): RowToWrite {
  const { type, at } = fact;
  try {
    const body: string | undefined = JSON.stringify(fact.body);
    if (body === undefined) throw new TypeError("it is no value of JSON");
    return { stream, type, at, key: keyOf(fact), flow: flowOf(fact), body };
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new FailureError("INVALID", `The body of ${type} cannot be written as JSON: ${because}`, {
      cause: error,
    });
  }
}

/** As they come, in as many parts as their text needs. */
function inParts(group: readonly PendingBatch[]): PendingBatch[][] {
  const parts: PendingBatch[][] = [];
  let part: PendingBatch[] = [];
  let chars = 0;
  for (const batch of group) {
    const length = batch.rows.reduce((sum, { body }) => sum + body.length, 0);
    if (part.length > 0 && chars + length > limits.ledgerGroupChars) {
      parts.push(part);
      part = [];
      chars = 0;
    }
    part.push(batch);
    chars += length;
  }
  parts.push(part);
  return parts;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
