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

/** Members that say what a fact is about, in the order in which they are read. */
const telling = [
  "key",
  "kind",
  "severity",
  "command",
  "attempt",
  "status",
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
] as const;

/** What a fact is about, in a line; its client has a column of its own. */
export function factSummary(fact: FeedFact): string {
  const { data } = fact;
  const from: Record<string, unknown> = "row" in data ? { ...data.row } : { ...data };
  if ("notification" in data) Object.assign(from, data.notification);
  if ("payload" in data) from["command"] = data.payload.command;
  if ("answer" in data) from["status"] = data.answer;
  if (typeof from["attempt"] === "number") from["attempt"] = `attempt ${from["attempt"]}`;
  return telling
    .map((name) => from[name])
    .filter((value) => typeof value === "string" && value !== "")
    .join(" · ");
}
