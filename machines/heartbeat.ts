/**
 * What is known of the heartbeat: its two checks, what a beat reports, and how beats fold into a small view.
 *   H1 a beat of the chain carries the lock of the probe that it speaks for.
 * Source: domain.md, "The heartbeat"; wire.md, "Heartbeat".
 */
import type { Failure } from "./failure.ts";
import type { Instant } from "./vocabulary.ts";

/** `chain`: a client was locked, the service searched, the client unlocked. `engine`: the process is alive. */
export const heartbeatChecks = ["chain", "engine"] as const;
export type HeartbeatCheck = (typeof heartbeatChecks)[number];

/** One beat that ends a run: what it says, and what entitles it to say so. */
export interface HeartbeatReport {
  readonly check: HeartbeatCheck;
  /** null: none came about, its actor crashed first. */
  readonly beat: "success" | "fail" | null;
  /** Id of the run: UUID v4, the same in its start and its end. */
  readonly rid: string | null;
  /** In plain words, at most `heartbeatTextBytesMax` characters. */
  readonly because: string;
  /** Lock of the probe: its other facts are found by it (H1). null: no client was locked, or none was needed. */
  readonly lockGuid: string | null;
  /** Of the probe; null without one. */
  readonly durationMs: number | null;
}

/** The last beat that said `fail`, or that the receiver did not take. */
export interface HeartbeatFailure {
  readonly at: Instant;
  readonly beat: HeartbeatReport["beat"];
  readonly because: string;
  /** Why it was not taken; null: it was. */
  readonly failure: Failure | null;
}

/** One check, from the facts of the ledger; counts since its first fact. */
export interface HeartbeatState {
  /** When the receiver last took a beat, whatever it said. */
  lastSentAt: Instant | null;
  /** When it last took a success. */
  lastOkAt: Instant | null;
  lastFailure: HeartbeatFailure | null;
  /** Taken, by what they said. */
  success: number;
  fail: number;
  /** Not taken: refused, unanswered or dropped. */
  notTaken: number;
  /** Not taken in a row; 0: the last one was. */
  missed: number;
}

export type HeartbeatStates = Readonly<Record<HeartbeatCheck, HeartbeatState>>;

function emptyCheck(): HeartbeatState {
  return { lastSentAt: null, lastOkAt: null, lastFailure: null, success: 0, fail: 0, notTaken: 0, missed: 0 };
}

export function emptyHeartbeat(): HeartbeatStates {
  return { chain: emptyCheck(), engine: emptyCheck() };
}

/** `failure` null: the receiver took it. */
export function foldHeartbeat(
  states: HeartbeatStates,
  report: HeartbeatReport,
  failure: Failure | null,
  at: Instant,
): void {
  const check = states[report.check];
  const { beat, because } = report;
  if (failure !== null || beat === "fail") check.lastFailure = { at, beat, because, failure };
  if (failure !== null) {
    check.notTaken += 1;
    check.missed += 1;
    return;
  }
  check.missed = 0;
  check.lastSentAt = at;
  if (beat === "success") check.lastOkAt = at;
  if (beat !== null) check[beat] += 1;
}
