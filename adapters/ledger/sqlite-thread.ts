/**
 * The thread that writes the ledger: what to do arrives as messages, in order. Groups that arrived while another was
 * being synced share the next transaction and its sync.
 *   A1 a group is answered after its commit.  R3 after the first failed write nothing is written any more.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { createGroupWrite } from "./group.ts";
import { openSqliteStore, type SqliteStore } from "./sqlite-store.ts";
import { asLedgerFailure, isDamage } from "./sqlite-verification.ts";
import {
  type FromThread,
  packJudgements,
  type ThreadOpening,
  type ToThread,
  unpackGroup,
} from "./thread-messages.ts";

if (parentPort === null) throw new Error("This file is the start of a thread: see thread-writer.ts.");
const port = parentPort;
const opening: ThreadOpening = workerData;
try {
  const store = openSqliteStore(opening);
  const { ledger, restored } = store;
  tell({ kind: "opened", ledger, restored, position: store.position() });
  serve(store);
} catch (error) {
  refuse(error, "open");
}

function serve(store: SqliteStore): void {
  const writeGroup = createGroupWrite(store);
  let failed = false;

  function writing(write: () => void): void {
    if (failed) return;
    try {
      write();
    } catch (error) {
      failed = true;
      store.abandon();
      const message = error instanceof Error ? error.message : String(error);
      tell({ kind: "failed", message, isDamage: isDamage(error) });
    }
  }

  port.on("message", (first: ToThread) => {
    let message: ToThread | null = first;
    while (message !== null) {
      const now: ToThread = message;
      message = received();
      if (now.kind === "write") {
        const batches = unpackGroup(now.group);
        while (message?.kind === "write") {
          for (const batch of unpackGroup(message.group)) batches.push(batch);
          message = received();
        }
        writing(() => {
          tell({ kind: "judged", judgements: packJudgements(writeGroup(batches)) });
          store.tidy();
        });
      } else if (now.kind === "close") {
        close(store);
      } else {
        writing(() => {
          if (now.kind === "snapshotPart") store.addToSnapshot(now.text);
          else store.endSnapshot(now.position);
          tell({ kind: "snapshotWritten" });
        });
      }
    }
  });
}

function close(store: SqliteStore): void {
  try {
    store.close();
  } catch (error) {
    refuse(error, "close");
  }
  port.close();
}

function received(): ToThread | null {
  const next: { message: ToThread } | undefined = receiveMessageOnPort(port);
  return next === undefined ? null : next.message;
}

function refuse(error: unknown, doing: "open" | "close"): void {
  const { code, detail } = asLedgerFailure(error, `${doing} the ledger in ${opening.dir}`).failure;
  tell({ kind: "refused", failure: { code, detail } });
}

function tell(message: FromThread): void {
  port.postMessage(message);
}
