/** The whole of it, nothing stood in for: an engine on SQLite, the desk behind TCP, a receiver behind HTTP, real time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Log } from "../../actors/ports.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { startDesk } from "../../adapters/desk/desk.ts";
import { startEngine, type Engine } from "../../adapters/engine.ts";
import { serviceRow } from "../service/calls.ts";
import { knownCheck, startReceiver } from "./receiver.ts";
import { unproven } from "./rig.ts";

async function started(deskPort: number, url: string, lines: unknown[] = []): Promise<Engine> {
  const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-heartbeat-"));
  const write = (event: string, fields?: Record<string, unknown>) => void lines.push({ event, ...fields });
  const log: Log = { info: write, warn: write, error: write };
  const engine = await startEngine({
    config: { listen: { port: 0 }, clients: 1, heartbeat: { url }, dataDir },
    clock: systemClock,
    ids: systemIds,
    log,
    services: [serviceRow(deskPort)],
  });
  onTestFinished(async () => {
    await engine.stop({ drainSeconds: 0 });
    rmSync(dataDir, { recursive: true, force: true });
  });
  return engine;
}

/** When the engine has written what became of a beat. */
function beatWritten(engine: Engine): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const { chain } = engine.supervisor.snapshot().heartbeat;
      if (chain !== null && chain.success + chain.fail + chain.notTaken > 0) resolve();
    };
    engine.supervisor.onFacts(look);
    look();
  });
}

async function history(engine: Engine) {
  const facts = [];
  for await (const fact of engine.supervisor.readFacts(0, 10_000)) facts.push(fact);
  return facts;
}

test("H1: an engine whose desk answers beats once: start and success of one run, and the facts that prove it", async () => {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.stop());
  const desk = await startDesk({
    port: 0,
    dataDir: null,
    idempotency: "requestId",
    settleSeconds: 60,
    clock: systemClock,
  });
  onTestFinished(() => desk.close());
  const engine = await started(desk.port, receiver.url);
  await beatWritten(engine);
  expect(receiver.refusals).toEqual([]);
  expect(receiver.pings.map(({ kind }) => kind)).toEqual(["start", "success"]);
  expect(receiver.pings[1]?.rid).toBe(receiver.pings[0]?.rid);
  expect(receiver.pings[1]?.durationMs).toBeGreaterThan(0);
  expect(receiver.pings[1]?.body).toMatch(/^client-01 locked, searched and unlocked in \d+ ms$/);
  const facts = await history(engine);
  expect(unproven(facts)).toEqual([]);
  expect(facts.filter(({ type }) => type.startsWith("heartbeat."))).toHaveLength(1);
  expect(desk.truth()).toMatchObject({ creates: 0, tickets: 0 });
});

test("an engine whose desk is down says so, in words, and no log line, fact or body carries the address (S4)", async () => {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.stop());
  const desk = await startDesk({
    port: 0,
    dataDir: null,
    idempotency: "requestId",
    settleSeconds: 60,
    clock: systemClock,
  });
  await desk.close();
  const lines: unknown[] = [];
  const engine = await started(desk.port, receiver.url, lines);
  await beatWritten(engine);
  expect(receiver.status()).toBe("down");
  expect(receiver.pings[1]?.body).toMatch(/^The search through client-01 failed: .*\(UNREACHABLE\)$/);
  const seen = JSON.stringify([
    lines,
    await history(engine),
    engine.supervisor.snapshot(),
    receiver.pings.map(({ body }) => body),
  ]);
  expect(seen).not.toContain(knownCheck);
});
