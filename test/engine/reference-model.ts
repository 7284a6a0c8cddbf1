/**
 * What should come of a list of notifications, taken one after another, key by key, with a service that does
 * as it is told: rules D0, D4, D8, D10, D11 and D12 in a few lines that share nothing with the engine.
 */
import { limits } from "../../machines/limits.ts";
import type { Notification, Outcome } from "../../machines/vocabulary.ts";

interface Reference {
  readonly outcomes: Record<string, Outcome>;
  /** How often each rule decided. */
  readonly rules: Record<string, number>;
  /** Open tickets at the end. */
  readonly open: number;
}

export function referenceOutcomes(notifications: readonly Notification[]): Reference {
  const active = new Map<string, Set<string>>();
  const ticketed = new Set<string>();
  /** Clears that came before any raise, by alarm; consumed by the raise. */
  const early = new Map<string, number>();
  const raised = new Set<string>();
  const outcomes: Record<string, Outcome> = {};
  const rules: Record<string, number> = {};
  for (const one of notifications) {
    const [rule, outcome] = step(one);
    rules[rule] = (rules[rule] ?? 0) + 1;
    outcomes[one.id] = outcome;
  }
  return { outcomes, rules, open: ticketed.size };

  function step({ key, alarm, kind, raisedAt, clearedAt }: Notification): [string, Outcome] {
    const name = `${key} ${alarm}`;
    const others = active.get(key) ?? new Set<string>();
    active.set(key, others);
    if (kind === "clear") {
      others.delete(alarm);
      if (!raised.has(name) && !early.has(name)) early.set(name, clearedAt ?? raisedAt);
      if (others.size > 0) return ["D10", "stopped"];
      if (!ticketed.delete(key)) return ["D12", "stopped"];
      return ["D11", "closed"];
    }
    const clearedBefore = early.get(name);
    early.delete(name);
    raised.add(name);
    if (clearedBefore !== undefined && raisedAt <= clearedBefore + limits.clockSkewSecondsDefault * 1000) {
      return ["D0", "stopped"];
    }
    others.add(alarm);
    if (ticketed.has(key)) return ["D4", "adopted"];
    ticketed.add(key);
    return ["D8", "created"];
  }
}
