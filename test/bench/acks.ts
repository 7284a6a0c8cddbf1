/** Acknowledgements over a real WebSocket; the sender is a process of its own, so that its work is not the engine's. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { AlarmSink } from "../../actors/ports.ts";
import { attachAlarmIntake } from "../../adapters/alarms/intake.ts";
import { MemoryAlarmSink } from "../../adapters/alarms/memory.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { type AlarmLoad, correlationKey } from "./alarms.ts";
import { instantService, silentService, startEngineRig, strictLog } from "./engine-rig.ts";

export interface AckLoad {
  /** Where the ledger goes. */
  readonly parent: string;
  readonly count: number;
  readonly keys: number;
  readonly inFlight: number;
  /** `busy`: four clients, flows run. `held`: the four clients wait for a silent service. `memory`: no engine, no ledger. */
  readonly sink: "busy" | "held" | "memory";
}

export interface AckFigures {
  readonly acksPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Alarms settled when the last one was acknowledged. */
  readonly settled: number;
}

/** What a sender is told, and what it tells. */
export interface SendOrder extends AlarmLoad {
  readonly url: string;
  readonly inFlight: number;
}
export interface SendReport {
  readonly accepted: number;
  readonly ratePerSecond: number;
  readonly ackMs: { readonly p50: number; readonly p99: number };
  readonly wrong: string | null;
}

const warmUpAlarms = 3_000;

export async function acks({ parent, sink, ...load }: AckLoad): Promise<AckFigures> {
  if (sink === "memory") return sendTo(new MemoryAlarmSink(), load, () => 0);
  const dir = mkdtempSync(join(parent, "bench-acks-"));
  const service = sink === "busy" ? instantService() : silentService();
  const supervisor = await startEngineRig({ dir, clients: 4, service });
  try {
    return await sendTo(supervisor, load, () => supervisor.counters().settled);
  } finally {
    await supervisor.stop({ drainSeconds: sink === "busy" ? 10 : 0 });
    rmSync(dir, { recursive: true, force: true });
  }
}

async function sendTo(
  sink: AlarmSink,
  { count, keys, inFlight }: Omit<AckLoad, "parent" | "sink">,
  settled: () => number,
): Promise<AckFigures> {
  const intake = attachAlarmIntake({
    sink,
    clock: systemClock,
    ids: systemIds,
    log: strictLog,
    settings: { correlationKey: correlationKey(), allowedOrigins: [], allowedHosts: ["127.0.0.1"] },
  });
  const server = createServer();
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!intake.handleUpgrade(request, socket, head)) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = `ws://127.0.0.1:${port}/v1/alarms`;
  try {
    await send({ url, inFlight, name: "warm-up", count: warmUpAlarms, keys });
    const before = settled();
    const { ratePerSecond, ackMs } = await send({ url, inFlight, name: "acks", count, keys });
    return {
      acksPerSecond: ratePerSecond,
      p50Ms: ackMs.p50,
      p99Ms: ackMs.p99,
      settled: settled() - before,
    };
  } finally {
    await intake.stop();
    server.close();
    await once(server, "close");
  }
}

async function send(order: SendOrder): Promise<SendReport> {
  const sender = fork(new URL("alarm-sender.ts", import.meta.url), [JSON.stringify(order)], { execArgv: [] });
  const [message] = (await once(sender, "message")) as [SendReport];
  if (sender.exitCode === null) await once(sender, "exit");
  if (message.wrong !== null || message.accepted !== order.count) {
    throw new Error(`${message.accepted} of ${order.count} alarms were accepted: ${message.wrong}`);
  }
  return message;
}
