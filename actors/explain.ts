/**
 * The decision record of an alarm: why there is (no) ticket. Read from the ledger, newest outcome first.
 * Source: domain.md, "Every settled alarm has a decision record".
 */
import { alarmStream, type Fact, type FactOf, type Parking } from "../machines/facts.ts";
import { parkingOf } from "../machines/admission.ts";
import { limits } from "../machines/limits.ts";
import { delaysOf, type State } from "../machines/state.ts";
import type { Instant, Notification, Outcome, Position } from "../machines/vocabulary.ts";
import type { Ledger } from "./ports.ts";

export interface Explanation {
  readonly source: string;
  readonly id: string;
  readonly key: string;
  readonly notification: Notification;
  readonly acceptedAt: Instant;
  readonly position: Position;
  /** null: not settled yet; `because` then says what it waits for. */
  readonly outcome: Outcome | null;
  readonly because: string;
  readonly ticketId: string | null;
  readonly settledAt: Instant | null;
  /** Lock GUIDs of the flows that decided on it, oldest first. */
  readonly flows: readonly string[];
  readonly decisions: readonly Pick<
    FactOf<"flow.decided">["body"],
    "rule" | "decision" | "because" | "tickets" | "path"
  >[];
  readonly requests: readonly {
    readonly requestId: string;
    readonly command: string;
    readonly service: string;
    readonly attempts: readonly {
      readonly attempt: number;
      readonly answer: string;
      readonly code: string | null;
      readonly cause: string | null;
      readonly at: Instant;
    }[];
    readonly result: string | null;
  }[];
}

/** The record of one alarm, or null where no such alarm was accepted. */
export async function explainAlarm(
  ledger: Pick<Ledger, "readStream" | "readKey">,
  source: string,
  id: string,
  state: State | null = null,
): Promise<Explanation | null> {
  const [accepted] = await ledger.readStream(alarmStream(source, id));
  if (accepted?.type !== "alarm.accepted") return null;
  const [found] = await explainAlarms(ledger, accepted.body.notification.key, [accepted.position], state);
  return found ?? null;
}

/** The records of a key's alarms that were accepted at `positions` (at least one), oldest first. */
export async function explainAlarms(
  ledger: Pick<Ledger, "readKey">,
  key: string,
  positions: readonly Position[],
  state: State | null = null,
): Promise<Explanation[]> {
  const oldest = Math.min(...positions);
  // The newest facts of the key usually reach back to the alarm; of an old alarm on a busy key they may not.
  for (let limit: number = limits.explainFactsMax; ; limit *= 4) {
    const facts = await ledger.readKey(key, limit);
    const [first] = facts;
    if (first !== undefined && facts.length >= limit && first.position > oldest) continue;
    return facts
      .filter((fact) => fact.type === "alarm.accepted" && positions.includes(fact.position))
      .map((fact) => explain(fact as FactOf<"alarm.accepted">, facts, state));
  }
}

/** The records of a key's newest alarms, newest first, at most `count`; empty where none was accepted. */
export async function explainKey(
  ledger: Pick<Ledger, "readKey">,
  key: string,
  count: number,
  state: State | null = null,
): Promise<Explanation[]> {
  const known = state?.keys.get(key);
  const hasAlarms = known !== undefined && known.waiting.length + known.active.size > 0;
  // Of a key that has been tried for days the newest facts may tell of no alarm. S3: of one that has none they do not.
  const mayBeOlder = state === null || hasAlarms;
  for (let limit: number = limits.explainFactsMax; ; limit *= 4) {
    const facts = await ledger.readKey(key, limit);
    const accepted = facts.filter((fact) => fact.type === "alarm.accepted").slice(-count);
    if (accepted.length === 0 && facts.length >= limit && mayBeOlder) continue;
    return accepted.reverse().map((fact) => explain(fact, facts, state));
  }
}

/** `state`, of a running engine: knows of waits that are not written, because they follow from the facts. */
function explain(
  accepted: FactOf<"alarm.accepted">,
  facts: readonly Fact[],
  state: State | null,
): Explanation {
  const { notification } = accepted.body;
  const guids = new Set<string>();
  let settled: FactOf<"alarm.settled"> | null = null;
  let parked: Parking | null = null;
  const waiting = new Set<Position>();
  for (const fact of facts) {
    // What the key waits for may have begun before this alarm came.
    if (fact.type === "key.parked" && fact.body.parking.cover === undefined) parked = fact.body.parking;
    if (fact.type === "flow.started" || fact.type === "request.settled") parked = null;
    if (fact.type === "alarm.accepted") waiting.add(fact.position);
    if (fact.type === "alarm.reconsidered") waiting.add(fact.body.alarm.position);
    // D7: where all that waited in a storm has cancelled out, what comes next does not wait for it.
    const isLast =
      fact.type === "alarm.settled" && waiting.delete(fact.body.alarm.position) && waiting.size === 0;
    if (isLast && parked?.reason === "storm") parked = null;
    if (fact.position <= accepted.position) continue;
    if (fact.type === "flow.started" && fact.body.alarms.some((one) => one.position === accepted.position))
      guids.add(fact.body.lockGuid);
    if (fact.type === "alarm.settled" && fact.body.alarm.position === accepted.position) settled = fact;
  }
  const decisions = facts
    .filter((fact) => fact.type === "flow.decided" && guids.has(fact.body.lockGuid))
    .map((fact) => (fact as FactOf<"flow.decided">).body);
  const planned = facts.filter(
    (fact): fact is FactOf<"request.planned"> =>
      fact.type === "request.planned" && guids.has(fact.body.lockGuid),
  );
  return {
    source: notification.source,
    id: notification.id,
    key: notification.key,
    notification,
    acceptedAt: accepted.at,
    position: accepted.position,
    outcome: settled?.body.outcome ?? null,
    because:
      settled?.body.because ??
      parked?.because ??
      heldBecause(state, notification.key) ??
      (guids.size > 0 ? "Its flow is under way." : "It waits in line for a Ticket Client."),
    ticketId: settled?.body.ticketId ?? null,
    settledAt: settled?.at ?? null,
    flows: [...guids],
    decisions: decisions.map(({ rule, decision, because, tickets, path }) => ({
      rule,
      decision,
      because,
      tickets,
      path,
    })),
    requests: planned.map(({ body }) => ({
      requestId: body.requestId,
      command: body.payload.command,
      service: body.service.name,
      attempts: facts
        .filter(
          (fact): fact is FactOf<"request.answered"> =>
            fact.type === "request.answered" && fact.body.requestId === body.requestId,
        )
        .map((fact) => ({
          attempt: fact.body.attempt,
          answer: fact.body.answer,
          code: fact.body.code,
          cause: fact.body.cause,
          at: fact.at,
        })),
      result:
        facts.findLast(
          (fact): fact is FactOf<"request.settled"> =>
            fact.type === "request.settled" && fact.body.requestId === body.requestId,
        )?.body.result ?? null,
    })),
  };
}

function heldBecause(state: State | null, name: string): string | null {
  const key = state?.keys.get(name);
  return state === null || key === undefined ? null : (parkingOf(key, delaysOf(state))?.because ?? null);
}
