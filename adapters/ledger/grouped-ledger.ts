/**
 * The Ledger port over a synchronous store: groups the appends of one turn of the event loop into one
 * transaction and one sync, judges expectations, remembers batch ids, wakes followers.
 *   A1 nothing resolves before its commit.  R3 after the first failed write nothing is accepted any more.
 *   F1 followers see only what is durable, in order.
 */
import type { AppendResult, Batch, Ledger, LedgerHead } from "../../actors/ports.ts";
import type { Fact, Stream } from "../../machines/facts.ts";
import { flowOf, keyOf } from "../../machines/facts.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { setBounded } from "./bounded-map.ts";
import type { FactStore, RowToWrite } from "./fact-store.ts";

interface PendingBatch {
  readonly id: string;
  readonly expect: Batch["expect"];
  readonly rows: readonly RowToWrite[];
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (failure: FailureError) => void;
}

/** First result of a batch id: the range of its facts, not the facts, so that remembering costs no memory. */
type Remembered =
  | { readonly after: Position; readonly position: Position }
  | { readonly streams: readonly Stream[] };

export function createGroupedLedger(store: FactStore): Ledger {
  // Repeats are known within one opening, the last `batchIdsKept` of them: a repeat comes from a caller that
  // did not see the answer, and a caller does not outlive the process. What must be recognised after a restart
  // (A4) has a stream of its own to expect empty.
  const remembered = new Map<string, Remembered>();
  const wakers = new Set<() => void>();
  let pending: PendingBatch[] = [];
  let failure: FailureError | null = null;
  let closed = false;
  let durable = store.position();
  /** Facts of the newest group, so that a follower that keeps up reads nothing from the disk. */
  let newest: readonly Fact[] = [];

  function flush(): void {
    const group = pending;
    if (group.length === 0) return;
    pending = [];
    const settle: (() => void)[] = [];
    const written: Fact[] = [];
    let begun = false;
    try {
      for (const batch of group) {
        const first = remembered.get(batch.id);
        if (first !== undefined) {
          const result = repeat(first);
          settle.push(() => batch.resolve(result));
          continue;
        }
        const streams = movedOn(batch.expect);
        if (streams.length > 0) {
          remember(batch.id, { streams });
          settle.push(() => batch.resolve({ kind: "conflict", streams }));
          continue;
        }
        if (!begun && batch.rows.length > 0) {
          store.begin();
          begun = true;
        }
        const after = store.position();
        const facts = batch.rows.map((row) => store.insert(row));
        for (const fact of facts) written.push(fact);
        const position = store.position();
        remember(batch.id, { after, position });
        settle.push(() => batch.resolve({ kind: "committed", position, facts }));
      }
      if (begun) store.commit(); // A1
    } catch (error) {
      store.abandon();
      const failed = stop(error);
      for (const batch of group) batch.reject(failed);
      return;
    }
    if (written.length > 0) {
      durable = store.position();
      newest = written;
    }
    for (const resolve of settle) resolve();
    wake();
  }

  function movedOn(expect: Batch["expect"]): Stream[] {
    const streams: Stream[] = [];
    for (const { stream, revision } of expect ?? []) {
      if (store.streamHead(stream) !== revision) streams.push(stream);
    }
    return streams;
  }

  function repeat(first: Remembered): AppendResult {
    if ("streams" in first) return { kind: "conflict", streams: first.streams };
    return {
      kind: "committed",
      position: first.position,
      facts: store.page(first.after, first.position - first.after),
    };
  }

  function remember(id: string, result: Remembered): void {
    setBounded(remembered, id, result, limits.batchIdsKept);
  }

  /** R3: the kernel drops what it could not write, so a second try could seem to work and lose facts. */
  function stop(error: unknown): FailureError {
    failure ??= new FailureError(
      "LEDGER_SYNC_FAILED",
      `Writing to the ledger failed after position ${durable}: ${error instanceof Error ? error.message : String(error)}. ` +
        "Nothing after it was acknowledged and nothing more is accepted. Check the disk (space, permissions, " +
        "errors in the system log), then start again: the ledger goes on from its last durable position.",
      { cause: error },
    );
    return failure;
  }

  function wake(): void {
    for (const waker of wakers) waker();
  }

  /** Why nothing can be written now, if so. */
  function refusal(): FailureError | null {
    return failure ?? (closed ? closedFailure() : null);
  }

  /** Reading goes on after a failed write (R3), but not after close. */
  function readable(): FactStore {
    if (closed) throw closedFailure();
    return store;
  }

  async function* readPages(after: Position, limit: number): AsyncGenerator<Fact> {
    let left = limit;
    let from = after;
    while (left > 0) {
      const page = readable().page(from, Math.min(left, limits.ledgerReadRows));
      for (const fact of page) {
        yield fact;
        from = fact.position;
      }
      left -= page.length;
      if (page.length < limits.ledgerReadRows) return;
    }
  }

  /** Empty at the end, and when the rest can no longer be read because the ledger is closed. */
  function pageAfter(from: Position): readonly Fact[] {
    if (from >= durable) return [];
    if (newest[0]?.position === from + 1) return newest;
    return closed ? [] : store.page(from, limits.ledgerReadRows);
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

  return {
    append(batch: Batch): Promise<AppendResult> {
      return new Promise((resolve, reject) => {
        const refused = refusal();
        if (refused !== null) {
          reject(refused);
          return;
        }
        // Turned to text here: a body that is not JSON fails alone, not with the batches it would share a commit with.
        const rows = batch.facts.map(({ stream, fact }): RowToWrite => {
          const body: string | undefined = JSON.stringify(fact.body);
          if (body === undefined) throw new TypeError(`The body of ${fact.type} is not JSON.`);
          return { stream, fact, key: keyOf(fact), flow: flowOf(fact), body };
        });
        if (pending.length === 0) setImmediate(flush);
        pending.push({ id: batch.id, expect: batch.expect, rows, resolve, reject });
      });
    },
    read: readPages,
    follow: followPages,
    async readStream(stream: Stream): Promise<readonly Fact[]> {
      return readable().ofStream(stream);
    },
    async readKey(key: string, limit: number): Promise<readonly Fact[]> {
      return readable().ofKey(key, limit);
    },
    head(): LedgerHead {
      return { ledger: store.ledger, epoch: store.epoch, position: durable, restored: store.restored };
    },
    async loadSnapshot() {
      return readable().loadSnapshot();
    },
    async saveSnapshot(snapshot) {
      const refused = refusal();
      if (refused !== null) throw refused;
      if (snapshot.position > durable) {
        throw new RangeError(`A snapshot at ${snapshot.position} is ahead of the ledger at ${durable}.`);
      }
      try {
        store.saveSnapshot(snapshot);
      } catch (error) {
        store.abandon();
        throw stop(error);
      }
    },
    async close() {
      if (closed) return;
      flush();
      closed = true;
      wake();
      store.close();
    },
  };
}

function closedFailure(): FailureError {
  return new FailureError("STOPPING", "The ledger is closed; open it again to read or write.");
}
