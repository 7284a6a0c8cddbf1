/** Starts and asks the desk that the demo runs beside its engine. */
import { Worker } from "node:worker_threads";
import { ListenError } from "../http/server.ts";
import type { Truth } from "../service/ticket-rules.ts";
import type { DeskThreadInput, DeskThreadMessage, DeskThreadOrder } from "./desk-thread.ts";

export interface DemoDesk {
  readonly port: number;
  readonly url: string;
  /** Rejects where the desk has died. */
  truth(): Promise<Truth>;
  /** Rejects when the desk ends without being asked to. */
  readonly died: Promise<never>;
  close(): Promise<void>;
}

/** Rejects with ListenError where the port cannot be had. */
export async function startDemoDesk(input: DeskThreadInput): Promise<DemoDesk> {
  // The compiler rewrites the names of imports, not this one.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./desk-thread.${extension}`, import.meta.url), { workerData: input });

  // Listeners stay: a Worker that lost its last one hears nothing any more.
  let asked = Promise.withResolvers<DeskThreadMessage>();
  worker.on("message", (message: DeskThreadMessage) => asked.resolve(message));
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => undefined); // nobody may be waiting
  let isDead = false;
  function die(error: unknown): void {
    isDead = true;
    died.reject(error);
    asked.reject(error);
  }
  worker.on("error", die);
  worker.on("exit", (code) => die(new Error(`The desk ended by itself, with code ${code}.`)));

  /** One question at a time. */
  function ask(order: DeskThreadOrder): Promise<DeskThreadMessage> {
    if (isDead) return died.promise;
    asked = Promise.withResolvers();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(order);
    return asked.promise;
  }

  const first = await asked.promise;
  if (first.kind === "refused") throw new ListenError(explain(first.code, first.message, input.port));
  if (first.kind !== "ready") throw new Error(`The desk said ${first.kind} first.`);
  return {
    port: first.port,
    url: first.url,
    async truth() {
      const said = await ask("truth");
      if (said.kind !== "truth") throw new Error(`The desk was asked for its truth and said ${said.kind}.`);
      return said.truth;
    },
    died: died.promise,
    async close() {
      if (!isDead) await ask("close");
    },
  };
}

function explain(code: string, message: string, port: number): string {
  if (code === "EADDRINUSE") {
    return `Port ${port} of 127.0.0.1, the desk's, is taken. Stop the program that has it, or choose another with --desk-port (0 = any).`;
  }
  return `The desk cannot start: ${message}.`;
}
