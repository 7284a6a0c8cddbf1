/** What tests of flows do with a history, step by step. */
import { expect } from "vitest";
import { nextGroup, readiness } from "../../machines/admission.ts";
import { decide, type Decision, type DecisionInput, type Findings } from "../../machines/decision.ts";
import { entry, type Entry } from "../../machines/entry.ts";
import type { FactBodies } from "../../machines/facts.ts";
import { noFindings, type FlowFindings } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { judgeAnswer, type Answer } from "../../machines/request.ts";
import { settle } from "../../machines/settlement.ts";
import { keyStream } from "../../machines/state.ts";
import type { Notification, RequestPayload, Ticket } from "../../machines/vocabulary.ts";
import {
  answer,
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  noon,
  service,
  settings,
  ticket,
  withTicket,
} from "./given.ts";

export const none = service({ idempotency: "none" });
export const north = service({ name: "NORTH" });

/** n1 is in line, and nothing else has happened yet unless the history says so. */
export function accepted(change: Partial<Notification> = {}, history = new History()): History {
  history.accept("n1", change);
  return history;
}

/** What a decision knows of tickets. */
export function findings(...tickets: readonly Ticket[]): Findings {
  return { tickets, verified: new Map() };
}

/** What the next notifications of the key get; nothing is known of what lies above, unless the test says so. */
export function decided(history: History, change: Partial<DecisionInput> = {}): Decision {
  const key = history.key();
  return decide({
    key,
    group: nextGroup(key, true).flow,
    findings: findings(),
    path: null,
    pathFailure: null,
    above: [],
    openTicketsTotal: 0,
    service: service(),
    settings,
    now: history.now,
    ...change,
  });
}

/** What a flow knows when the search for its key has shown these. */
export function searched(...tickets: readonly Ticket[]): FlowFindings {
  return { ...noFindings, doubt: { ...noFindings.doubt, byKey: tickets } };
}

export function entriesOf(step: ReturnType<typeof nextStep>): readonly Entry[] {
  return step.step === "search" ? [] : step.entries;
}

export function carryOut(history: History, step: ReturnType<typeof nextStep>): void {
  if (step.step === "search") throw new Error("The flow searches still.");
  history.add(...step.entries);
}

export function send(history: History, payload: RequestPayload, at = none): void {
  history.plan(payload, at);
  history.send();
}

/** An answer that settles nothing yet; the flow parks its key. */
export function answered(history: History, kind: Answer["kind"], code: string | null = null): void {
  const told = answer(kind, { code, answeredAt: history.now });
  history.add(...judgeAnswer(history.key(), history.request(), told, settings).entries);
  history.end("parked");
}

/** The next in line is settled without a ticket. */
export function stopped(history: History, rule: string): void {
  const [next] = history.key().waiting;
  if (next === undefined) throw new Error("Nothing waits.");
  const settled = { ...ended("stopped", rule), alarm: next.ref, key: KEY, supersedes: null };
  history.add(entry(keyStream(KEY), history.now, "alarm.settled", settled));
}

/** The request of the key has worked. */
export function done(history: History, ticketId: string | null = null, key = KEY): void {
  const how = { result: "ok", ticketId, because: "" } as const;
  history.add(...settle(history.key(key), history.request(key), history.now, how));
  history.end("settled", key);
}

/** T1, made by us, was closed `secondsAgo`. */
export function closed(secondsAgo: number, reopenSeconds = 0): History {
  const history = withTicket(new History({ reopenSeconds }));
  history.accept("clear", { kind: "clear", clearedAt: noon });
  send(history, closePayload, service());
  done(history);
  history.now += secondsAgo * 1000;
  return history;
}

export function settleUnknown(history: History): void {
  history.add(
    ...settle(history.key(), history.request(), history.now, {
      result: "unknown",
      ticketId: null,
      because: "nobody knows",
    }),
  );
  history.end("settled");
}

/** The create of `id` is something nobody can say the fate of. */
export function unknownCreate(id = "n1"): History {
  const history = new History();
  history.accept(id);
  send(history, createPayload);
  settleUnknown(history);
  return history;
}

/** An update or a close of T1 that nobody can say the fate of. */
export function unknownOf(payload: RequestPayload): History {
  const history = withTicket();
  if (payload.command === "close") history.accept("next", { kind: "clear" });
  else history.accept("next", { kind: "change", severity: "critical" });
  send(history, payload);
  settleUnknown(history);
  expect(history.state.unknown.size).toBe(1);
  return history;
}

export function decidedAgain(history: History): string[] {
  expect(readiness(history.key(), false)).not.toBeNull();
  return nextGroup(history.key(), true).flow.map(({ ref }) => ref.id);
}

/** A flow of the key that finds T1 gone; ends it with what it decides. */
export function findGone(
  history: History,
  status: Ticket["status"] | null = "closed",
): ReturnType<typeof nextStep> {
  history.now += 3_600_000;
  const input = history.start();
  const verified = new Map([["T1", status === null ? null : ticket("T1", { status })]]);
  return nextStep(input, { ...searched(), verified }, null, history.now);
}

export function lose(history: History, change: Partial<FactBodies["ticket.lost"]> = {}): void {
  history.add(
    entry(keyStream(KEY), history.now, "ticket.lost", {
      key: KEY,
      ticketId: "T1",
      status: "closed",
      claimKept: true,
      idempotency: "settles",
      ...change,
    }),
  );
}
