/**
 * This side of the thread that writes the ledger: starts it, hands it groups without waiting for the ones before,
 * and hears what became of them.
 *   R3 a thread that dies is a failed write.
 */
import { Worker } from "node:worker_threads";
import type { LedgerHead } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { closedFailure, type BatchToWrite, type GroupWriter, type WriterListener } from "./fact-store.ts";
import { asLedgerFailure } from "./sqlite-verification.ts";
import {
  type FromThread,
  packGroup,
  type ThreadOpening,
  type ToThread,
  unpackJudgements,
} from "./thread-messages.ts";

/** Beside this file, as source or as built. */
const threadFile = import.meta.url.endsWith(".ts")
  ? new URL("./sqlite-thread.ts", import.meta.url)
  : new URL("./sqlite-thread.js", import.meta.url);

export interface OpenedThread extends Omit<LedgerHead, "epoch"> {
  readonly writer: GroupWriter;
}

/** Rejects, after the thread has ended, with the FailureErrors of `openSqliteLedger`. */
export function openThread(opening: ThreadOpening): Promise<OpenedThread> {
  // No flags of the process: some (--input-type) stop a thread from starting. Its warnings the process gives itself.
  const execArgv = ["--disable-warning=ExperimentalWarning"];
  const worker = new Worker(threadFile, { workerData: opening, name: "ledger", execArgv });
  return new Promise((resolve, reject) => {
    let failure: unknown = new Error("its thread ended");
    const onError = (error: unknown): void => {
      failure = error;
    };
    const onExit = (): void => reject(asLedgerFailure(failure, `open the ledger in ${opening.dir}`));
    worker.once("error", onError);
    worker.once("exit", onExit);
    worker.once("message", (first: FromThread) => {
      if (first.kind !== "opened") {
        if (first.kind === "refused") failure = failureError(first);
        return;
      }
      worker.off("error", onError);
      worker.off("exit", onExit);
      const { ledger, restored, position } = first;
      resolve({ writer: new ThreadWriter(worker), ledger, restored, position });
    });
  });
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class ThreadWriter implements GroupWriter {
  readonly #worker: Worker;
  #listener: WriterListener | null = null;
  /** Batches and pieces of snapshots the thread has not answered for. */
  #unanswered = 0;
  #snapshots: Waiting[] = [];
  #failure: unknown = null;
  #refusal: FailureError | null = null;
  #ended = false;
  #onEnd: (() => void) | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
    worker.on("message", (message: FromThread) => this.#hear(message));
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", (code) => {
      this.#ended = true;
      if (this.#onEnd === null) this.#fail(new Error(`the thread that writes ended with ${code}`));
      else {
        this.#endSnapshots(closedFailure());
        this.#onEnd();
      }
    });
  }

  listen(listener: WriterListener): void {
    this.#listener = listener;
  }

  write(batches: readonly BatchToWrite[]): void {
    this.#expect(batches.length);
    this.#tell({ kind: "write", group: packGroup(batches) });
  }

  addToSnapshot(text: string): Promise<void> {
    return this.#snapshot({ kind: "snapshotPart", text });
  }

  endSnapshot(position: Position): Promise<void> {
    return this.#snapshot({ kind: "snapshotEnd", position });
  }

  #snapshot(message: ToThread): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null || this.#onEnd !== null) {
        reject(this.#failure ?? closedFailure());
        return;
      }
      this.#snapshots.push({ resolve, reject });
      this.#expect(1);
      this.#tell(message);
    });
  }

  async close(): Promise<void> {
    if (!this.#ended) {
      const end = new Promise<void>((resolve) => {
        this.#onEnd = resolve;
      });
      this.#worker.ref();
      this.#tell({ kind: "close" });
      await end;
    }
    if (this.#refusal !== null) throw this.#refusal;
  }

  #tell(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(message);
  }

  #hear(message: FromThread): void {
    if (message.kind === "judged") {
      const judgements = unpackJudgements(message.judgements);
      this.#answered(judgements.length);
      this.#listener?.judged(judgements);
    } else if (message.kind === "snapshotWritten") {
      this.#answered(1);
      this.#snapshots.shift()?.resolve();
    } else if (message.kind === "failed") {
      this.#fail(new Error(message.message), message.isDamage);
    } else if (message.kind === "refused") {
      this.#refusal = failureError(message);
    }
  }

  /** The process stays for what it was promised an answer to, and not for a ledger that was left open. */
  #expect(answers: number): void {
    if (this.#unanswered === 0) this.#worker.ref();
    this.#unanswered += answers;
  }

  #answered(answers: number): void {
    this.#unanswered -= answers;
    if (this.#unanswered === 0 && this.#onEnd === null) this.#worker.unref();
  }

  #fail(error: unknown, isDamage = false): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#answered(this.#unanswered);
    this.#listener?.failed(error, isDamage);
    this.#endSnapshots(error);
  }

  #endSnapshots(error: unknown): void {
    for (const { reject } of this.#snapshots) reject(error);
    this.#snapshots = [];
  }
}

function failureError({ failure: { code, detail } }: { failure: FailureError["failure"] }): FailureError {
  return new FailureError(code, detail);
}
