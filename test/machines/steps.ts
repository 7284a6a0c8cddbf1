/** What tests of flows do with a history, step by step. */
import { expect } from "vitest";
import { nextGroup, readiness } from "../../machines/admission.ts";
import { entry } from "../../machines/entry.ts";
import { noFindings, type FlowFindings } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { settle } from "../../machines/settlement.ts";
import { keyStream } from "../../machines/state.ts";
import type { RequestPayload, Ticket } from "../../machines/vocabulary.ts";
import { KEY, service, ticket, withTicket, type History } from "./given.ts";

export const none = service({ idempotency: "none" });

export function searched(...tickets: readonly Ticket[]): FlowFindings {
  return { ...noFindings, doubt: { ...noFindings.doubt, byKey: tickets } };
}

export function carryOut(history: History, step: ReturnType<typeof nextStep>): void {
  if (step.step === "search") throw new Error("The flow searches still.");
  history.add(...step.entries);
}

export function send(history: History, payload: RequestPayload, at = none): void {
  history.plan(payload, at);
  history.send();
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

export function lose(history: History): void {
  history.add(
    entry(keyStream(KEY), history.now, "ticket.lost", {
      key: KEY,
      ticketId: "T1",
      status: "closed",
      claimKept: true,
      idempotency: "settles",
    }),
  );
}
