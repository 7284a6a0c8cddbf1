/** The demo's desk in a thread of its own: it plays somebody else's machine, and must not cost the engine its core. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../clock/system.ts";
import { type Desk, startDesk } from "../desk/desk.ts";
import type { Truth } from "../service/ticket-rules.ts";

export interface DeskThreadInput {
  readonly port: number;
  readonly dataDir: string;
  readonly settleSeconds: number;
}

export type DeskThreadMessage =
  | { readonly kind: "ready"; readonly port: number; readonly url: string }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: "truth"; readonly truth: Truth }
  | { readonly kind: "closed" };

export type DeskThreadOrder = "truth" | "close";

function tell(message: DeskThreadMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

function obey(desk: Desk, order: DeskThreadOrder): void {
  if (order === "truth") return tell({ kind: "truth", truth: desk.truth() });
  void desk.close().then(() => {
    tell({ kind: "closed" });
    parentPort?.close();
  });
}

try {
  const { port, dataDir, settleSeconds } = workerData as DeskThreadInput;
  const desk = await startDesk({
    port,
    dataDir,
    idempotency: "requestId",
    settleSeconds,
    clock: systemClock,
  });
  parentPort?.on("message", (order: DeskThreadOrder) => obey(desk, order));
  tell({ kind: "ready", port: desk.port, url: desk.url });
} catch (error) {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  tell({ kind: "refused", code, message: error instanceof Error ? error.message : String(error) });
}
