/** What a pool costs that does nothing: the time to start it, the memory it holds. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { instantService, startEngineRig } from "./engine-rig.ts";

export interface IdleLoad {
  readonly parent: string;
  readonly clients: number;
}

export interface IdleFigures {
  /** `createSupervisor` on an empty ledger, the opening of the ledger included. */
  readonly startSeconds: number;
  /** Heap in use after a collection, above that before the supervisor was made. */
  readonly heapMegabytes: number;
}

export async function idlePool({ parent, clients }: IdleLoad): Promise<IdleFigures> {
  const dir = mkdtempSync(join(parent, "bench-idle-"));
  const before = heapUsed();
  const from = performance.now();
  const supervisor = await startEngineRig({ dir, clients, service: instantService() });
  const startSeconds = (performance.now() - from) / 1_000;
  await new Promise((resolve) => setImmediate(resolve));
  const heapMegabytes = (heapUsed() - before) / 1e6;
  const { length } = supervisor.snapshot().clients.filter(({ state }) => state === "idle");
  await supervisor.stop();
  rmSync(dir, { recursive: true, force: true });
  if (length !== clients) throw new Error(`Expected ${clients} idle clients, found ${length}.`);
  return { startSeconds, heapMegabytes };
}

function heapUsed(): number {
  if (globalThis.gc === undefined) throw new Error("Start with `node --expose-gc`, as `npm run bench` does.");
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
