/** `desk`: the embedded ticketing service alone, until a signal. */
import { readFileSync } from "node:fs";
import { FailureError, orThrow } from "../../machines/failure.ts";
import type { Idempotency } from "../../machines/vocabulary.ts";
import { systemClock } from "../clock/system.ts";
import { type Desk, startDesk } from "../desk/desk.ts";
import { type FaultRule, parseFaultScript } from "../desk/fault-script.ts";
import { ListenError } from "../http/server.ts";
import { count, type Output } from "./output.ts";
import type { StopSignals } from "./signals.ts";

export interface DeskCommandOptions {
  readonly port: number;
  readonly dataDir?: string;
  readonly faults?: string;
  readonly idempotency: Idempotency;
  readonly settleSeconds: number;
  readonly asyncSeconds: number;
}

/** Resolves with the exit code. With `--json`: one line when ready, one with the truth at the end. */
export async function runDesk(
  options: DeskCommandOptions,
  output: Output,
  stop: StopSignals,
): Promise<number> {
  const { port, dataDir = null, idempotency, settleSeconds, asyncSeconds } = options;
  const faults = options.faults === undefined ? [] : readFaults(options.faults);
  const desk = await openDesk({ port, dataDir, idempotency, settleSeconds, asyncSeconds, faults });
  output.data({ ready: true, url: desk.url });
  output.line(
    `The desk serves ${desk.url}; the truth is at ${new URL("/truth", desk.url).href}. Ctrl-C ends it.`,
  );
  await stop.asked;
  const truth = desk.truth();
  await desk.close();
  output.data(truth);
  output.line(
    `${count(truth.requests)} requests, ${count(truth.tickets)} tickets, ${count(truth.open)} open, ${count(truth.duplicateOpen)} twice`,
  );
  return 0;
}

type OpenOptions = Omit<Parameters<typeof startDesk>[0], "clock">;

/** As startDesk, with a sentence where the system refuses the port or the folder. */
async function openDesk(options: OpenOptions): Promise<Desk> {
  try {
    return await startDesk({ ...options, clock: systemClock });
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    if (error.code !== "EADDRINUSE")
      throw new FailureError(
        "INVALID",
        `The desk cannot start: ${error.message}. Check --data-dir and --port.`,
      );
    throw new ListenError(
      `Port ${options.port} of 127.0.0.1 is taken. Stop the program that has it, or choose another with --port (0 = any).`,
    );
  }
}

function readFaults(file: string): readonly FaultRule[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new FailureError("CONFIGURATION_INVALID", `The fault script ${file} cannot be read (${code}).`);
  }
  return orThrow(parseFaultScript(text));
}
