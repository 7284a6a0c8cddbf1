/** Settled notifications as the ledger tells them: what a verdict or a late result may have to put right. */
import { limits } from "../machines/limits.ts";
import { byHand, type SettledRequest } from "../machines/state.ts";
import type { SettledAlarm } from "../machines/verdict.ts";
import type { Position } from "../machines/vocabulary.ts";
import type { Journal } from "./journal.ts";

/**
 * Those of the request's key since its own first one, oldest first, each with its current outcome. Where its own had
 * their outcome before it was made, which they kept: those that the newest `explainFactsMax` facts of the key tell of.
 */
export async function settledAlarmsOf(
  { ledger }: Pick<Journal, "ledger">,
  { key, rule, outcomes }: Pick<SettledRequest, "key" | "rule" | "outcomes">,
): Promise<SettledAlarm[]> {
  const isKept = outcomes.length === 0;
  if (isKept && rule === byHand) return [];

  const first = isKept ? 0 : Math.min(...outcomes.map(({ ref }) => ref.position));
  for (let limit: number = limits.explainFactsMax; ; limit *= 4) {
    const facts = await ledger.readKey(key, limit);
    const oldest = facts[0]?.position ?? 0;
    if (!isKept && facts.length >= limit && oldest > first) continue;
    const alarms = new Map<Position, SettledAlarm>();
    const accepted = new Map<Position, Pick<SettledAlarm, "ref" | "notification">>();
    for (const fact of facts) {
      if (fact.type === "alarm.accepted" && fact.position >= first) {
        const { notification } = fact.body;
        const { source, id } = notification;
        accepted.set(fact.position, { ref: { source, id, position: fact.position }, notification });
      } else if (fact.type === "alarm.settled") {
        const alarm = accepted.get(fact.body.alarm.position);
        if (alarm === undefined) continue;
        const current = { position: fact.position, outcome: fact.body.outcome };
        alarms.set(alarm.ref.position, { ...alarm, current });
      }
    }
    return [...alarms.values()].sort((a, b) => a.ref.position - b.ref.position);
  }
}
