/** A desk, an OSB adapter towards it, a callback receiver, and one clock for all of them. */
import http from "node:http";
import { afterEach } from "vitest";
import type { AsyncResult } from "../../actors/ports.ts";
import { startDesk, type Desk, type DeskOptions } from "../../adapters/desk/desk.ts";
import { parseCallback } from "../../adapters/service/osb-callback.ts";
import { createOsbService } from "../../adapters/service/osb.ts";
import { serviceRow } from "../service/calls.ts";
import { manualClock } from "../service/manual-clock.ts";

const cleanups: (() => Promise<void>)[] = [];

export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const clean of cleanups.splice(0)) await clean();
  });
}

export async function startRig(options: Partial<DeskOptions> = {}, callbackUrl = "") {
  const clock = manualClock();
  const desk: Desk = await startDesk({
    port: 0,
    dataDir: null,
    idempotency: "requestId",
    settleSeconds: 60,
    clock,
    ...options,
  });
  const service = createOsbService({ callbackUrl: () => callbackUrl, clock });
  cleanups.push(
    () => service.close(),
    () => desk.close(),
  );
  return { clock, desk, service, row: serviceRow(desk.port) };
}

export interface Receiver {
  readonly url: string;
  readonly results: AsyncResult[];
  /** Resolves when the n-th result (counted from 1) was answered. */
  received(n: number): Promise<AsyncResult>;
}

/** `statuses`: what the first results are answered; then 202. */
export async function startReceiver(statuses: number[] = []): Promise<Receiver> {
  const results: AsyncResult[] = [];
  const waiting: { readonly n: number; readonly resolve: (result: AsyncResult) => void }[] = [];
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const read = parseCallback(body);
      if (!read.ok) throw new Error(read.failure.detail);
      results.push(read.value);
      response.writeHead(statuses.shift() ?? 202).end(() => {
        for (const wait of waiting) if (wait.n === results.length) wait.resolve(read.value);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}/osb/callback`,
    results,
    received: (n) =>
      new Promise((resolve) => {
        const there = results[n - 1];
        if (there === undefined) waiting.push({ n, resolve });
        else resolve(there);
      }),
  };
}

/** Resolves when `condition` holds, asked at every turn of the event loop; the test's time-out is its bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
