/** Which facts the Events page shows. Pure. */
import { type FeedFact, kindOf } from "./feed.ts";

export interface EventFilter {
  /** Beginning of the kind, `request` or `client.lock`; empty = all. */
  readonly type: string;
  /** Anywhere in the payload, case ignored; empty = all. */
  readonly text: string;
}

/** Newest first, at most `countMax`. `facts`: oldest first. */
export function selectEvents(
  facts: readonly FeedFact[],
  { type, text }: EventFilter,
  countMax: number,
): FeedFact[] {
  const wanted = text.toLowerCase();
  const found: FeedFact[] = [];
  for (let index = facts.length - 1; index >= 0 && found.length < countMax; index--) {
    const fact = facts[index];
    if (fact === undefined || !kindOf(fact).startsWith(type)) continue;
    if (wanted === "" || JSON.stringify(fact.data).toLowerCase().includes(wanted)) found.push(fact);
  }
  return found;
}

/** What a fact is about, in a line. */
export function factSummary({ data }: FeedFact): string {
  const from: Record<string, unknown> = "row" in data ? { ...data.row } : { ...data };
  if ("notification" in data) Object.assign(from, data.notification);
  const parts = [
    "clientId",
    "key",
    "kind",
    "severity",
    "command",
    "attempt",
    "status",
    "answer",
    "rule",
    "decision",
    "outcome",
    "result",
    "ticketId",
    "code",
    "action",
    "target",
    "by",
    "because",
    "reason",
  ]
    .map((name) => from[name])
    .filter((value) => typeof value === "string" || typeof value === "number");
  return parts.join(" · ");
}
