/**
 * The heartbeat's machine wired to a client of the pool, the ledger and the receivers.
 *   H1 the chain worked when a client was locked, its search answered, and its unlock is durable.
 *   L6 a client that a probe cannot give back is taken back by its lock, with a reason.
 * A receiver is told before a client is locked and after it is unlocked: however slow, it holds up no flow.
 * Source: domain.md, "The heartbeat"; wire.md, "Heartbeat".
 */
import { fromPromise } from "xstate";
import { entry } from "../machines/entry.ts";
import { FailureError, type Failure, type Result } from "../machines/failure.ts";
import {
  heartbeatMachine,
  type HeartbeatInput,
  type ProbeVerdict,
  type ReportInput,
} from "../machines/heartbeat.machine.ts";
import { heartbeatChecks, type HeartbeatCheck, type HeartbeatReport } from "../machines/heartbeat.ts";
import { limits } from "../machines/limits.ts";
import type { Config } from "./config.ts";
import type { HeartbeatView } from "./engine-views.ts";
import type { HeldClient } from "./held-client.ts";
import type { Journal } from "./journal.ts";
import type { ForceOptions } from "./operator-commands.ts";
import type { Clock, HeartbeatReceiver, Ids, Log } from "./ports.ts";

/** What the probe searches for: no ticket has it, so that the answer is short and right when it is empty. */
export const heartbeatReference = "ticket-client/heartbeat";

export type HeartbeatReceivers = Readonly<Partial<Record<HeartbeatCheck, HeartbeatReceiver>>>;

export interface HeartbeatPorts {
  readonly receivers: HeartbeatReceivers;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** As a flow by hand: before waiting automatic flows. Throws FailureError. */
  readonly lock: (how: { readonly timeoutSeconds: number }) => Promise<HeldClient>;
  readonly forceUnlock: (clientId: string, force: ForceOptions) => Promise<Result<null>>;
}

/** The receivers of the checks that have an address. Throws CONFIGURATION_INVALID where nothing can reach it. */
export function openReceivers(
  { url, engineUrl }: Config["heartbeat"],
  open: ((url: string) => HeartbeatReceiver) | undefined,
): HeartbeatReceivers {
  const receivers: Partial<Record<HeartbeatCheck, HeartbeatReceiver>> = {};
  const addresses = { chain: url, engine: engineUrl };
  for (const check of heartbeatChecks) {
    const address = addresses[check];
    if (address === null) continue;
    if (open === undefined)
      throw new FailureError(
        "CONFIGURATION_INVALID",
        `heartbeat.${check === "chain" ? "url" : "engineUrl"} is set and nothing can send there; give \`heartbeatReceiver\` to createSupervisor.`,
      );
    receivers[check] = open(address);
  }
  return receivers;
}

/** What the supervisor spawns. */
export function heartbeatInputs(
  receivers: HeartbeatReceivers,
  { everySeconds, probeSeconds }: Config["heartbeat"],
): HeartbeatInput[] {
  const seconds = { chain: probeSeconds, engine: everySeconds };
  return heartbeatChecks
    .filter((check) => receivers[check] !== undefined)
    .map((check) => ({ check, periodMs: seconds[check] * 1000 }));
}

/** null: the check is switched off. */
export function heartbeatView(journal: Journal, receivers: HeartbeatReceivers): HeartbeatView {
  const view = (check: HeartbeatCheck) => {
    const receiver = receivers[check];
    return receiver === undefined ? null : { ...journal.state.heartbeat[check], dropped: receiver.dropped() };
  };
  return { chain: view("chain"), engine: view("engine") };
}

export function heartbeatLogic(ports: HeartbeatPorts): typeof heartbeatMachine {
  return heartbeatMachine.provide({
    actors: {
      announce: fromPromise<{ readonly rid: string }, { readonly check: HeartbeatCheck }>(
        async ({ input, signal }) => {
          const rid = ports.ids.uuid();
          // Whether it was taken does not matter: the beat that ends the run is what counts.
          await receiverOf(ports, input.check).beat({ kind: "start", rid, text: "" }, signal);
          return { rid };
        },
      ),
      probe: fromPromise<ProbeVerdict>(({ signal }) => probe(ports, signal)),
      report: fromPromise<void, ReportInput>(({ input, signal }) => report(ports, input, signal)),
    },
  });
}

function receiverOf({ receivers }: HeartbeatPorts, check: HeartbeatCheck): HeartbeatReceiver {
  const receiver = receivers[check];
  if (receiver === undefined) throw new Error(`The check ${check} of the heartbeat has no receiver.`);
  return receiver;
}

/** One run through the chain, as far as it has come. */
interface Walk {
  held: HeldClient | null;
  /** Why it was given up; its result no longer matters. */
  over: string | null;
}

/** H1. Ends at the latest after `heartbeatProbeSecondsMax` or at the signal, and takes back what it still holds. */
function probe(ports: HeartbeatPorts, signal: AbortSignal): Promise<ProbeVerdict> {
  const { clock } = ports;
  const began = clock.monotonicMs();
  const walk: Walk = { held: null, over: null };
  return new Promise((resolve, reject) => {
    const quit = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    };
    const end = (failure: string | null): void => {
      quit();
      const durationMs = Math.round(clock.monotonicMs() - began);
      const { held } = walk;
      const because = failure ?? `${held?.clientId} locked, searched and unlocked in ${durationMs} ms`;
      resolve({ ok: failure === null, because, lockGuid: held?.lockGuid ?? null, durationMs });
    };
    const giveUp = (why: string): void => {
      if (walk.over !== null) return;
      walk.over = why;
      takeBack(ports, walk);
      end(`${progressOf(walk)}: ${why}`);
    };
    const stop = (): void => giveUp("the engine stops");
    const tooLong = `no end within ${limits.heartbeatProbeSecondsMax} s`;
    const timer = clock.setTimeout(() => giveUp(tooLong), limits.heartbeatProbeSecondsMax * 1000);
    signal.addEventListener("abort", stop, { once: true });
    walkChain(ports, walk).then(
      (failure) => {
        if (walk.over === null) end(failure);
      },
      (error: unknown) => {
        quit();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** Resolves with what went wrong, in plain words; null: it worked. */
async function walkChain(ports: HeartbeatPorts, walk: Walk): Promise<string | null> {
  try {
    walk.held = await ports.lock({ timeoutSeconds: limits.heartbeatLockWaitSeconds });
  } catch (error) {
    if (error instanceof FailureError) return `No client could be locked: ${plain(error.failure)}`;
    throw error;
  }
  const { held } = walk;
  if (walk.over !== null) {
    await held.close(); // it came too late
    return walk.over;
  }
  const found = await held.search({ clientReference: heartbeatReference, maxResults: 1 });
  const closed = await held.close();
  if (!found.ok) return `The search through ${held.clientId} failed: ${plain(found.failure)}`;
  return closed.ok ? null : `${held.clientId} could not be unlocked: ${plain(closed.failure)}`;
}

function progressOf({ held }: Walk): string {
  return held === null ? "No client was locked" : `The search through ${held.clientId} was not over`;
}

/** Whatever the client is doing. Refused where the lock has ended already, which is as good. */
function takeBack(ports: HeartbeatPorts, { held, over }: Walk): void {
  if (held === null) return;
  const force = { lockGuid: held.lockGuid, by: "heartbeat", reason: `The probe was given up: ${over}.` };
  ports.forceUnlock(held.clientId, force).catch(() => {
    // The journal has told that the ledger is broken.
  });
}

function plain({ code, detail }: Failure): string {
  return `${detail} (${code})`;
}

async function report(
  ports: HeartbeatPorts,
  { check, rid: runId, verdict }: ReportInput,
  signal: AbortSignal,
): Promise<void> {
  const { journal, clock, ids } = ports;
  if (check === "chain" && verdict === null) throw new Error("A beat of the chain without a probe (H1).");
  const rid = runId ?? ids.uuid();
  const beat = verdict === null || verdict.ok ? "success" : "fail";
  const because = cut(verdict?.because ?? "the process is alive");
  const answer = await receiverOf(ports, check).beat({ kind: beat, rid, text: because }, signal);
  if (signal.aborted) return; // stopped: whether it arrived nobody knows, and nothing is written any more
  const { lockGuid = null, durationMs = null } = verdict ?? {};
  const body: HeartbeatReport = { check, beat, rid, because, lockGuid, durationMs };
  tell(ports, check, answer);
  const at = clock.now();
  journal.note([
    answer.ok
      ? entry("heartbeat", at, "heartbeat.sent", body)
      : entry("heartbeat", at, "heartbeat.failed", { ...body, failure: answer.failure }),
  ]);
}

/** A log line when the receiver is lost and when it is back, not one a beat. */
function tell({ journal, log }: HeartbeatPorts, check: HeartbeatCheck, answer: Result<null>): void {
  const { missed } = journal.state.heartbeat[check];
  if (!answer.ok && missed === 0) log.warn("heartbeat.lost", { check, ...answer.failure });
  if (answer.ok && missed > 0) log.info("heartbeat.back", { check, missed });
}

/** Never half a character. */
function cut(text: string): string {
  const max = limits.heartbeatTextBytesMax;
  return text.length <= max ? text : text.slice(0, max).replace(/[\uD800-\uDBFF]$/, "");
}
