/** Alarms as their facts tell them: accepted, taken up by a flow, settled with an outcome and its reason. */
import { bounds } from "./bounds.ts";
import type { FeedFact, FeedFactOf } from "./feed.ts";
import type { Flows } from "./flows.ts";

type Accepted = FeedFactOf<"alarm.accepted">["data"]["notification"];
export type Outcome = FeedFactOf<"alarm.settled">["data"]["outcome"];

/** Never changed: what changes is a new one. */
export interface Alarm {
  /** Where it was accepted: its name among all alarms. */
  readonly position: number;
  readonly source: string;
  readonly id: string;
  readonly key: string;
  readonly element: string;
  readonly kind: Accepted["kind"];
  readonly severity: Accepted["severity"];
  readonly acceptedAt: number;
  /** null: not settled. */
  readonly outcome: Outcome | null;
  readonly because: string;
  readonly ticketId: string | null;
  readonly settledAt: number | null;
  readonly rule: string | null;
}

/** What the service was asked for, and did. */
const asked: ReadonlySet<Outcome> = new Set(["created", "updated", "reopened", "closed"]);

/** By position, the newest last, at most `alarmsMax`. */
export type Alarms = Map<number, Alarm>;

/** `flows`: with this fact taken. */
export function takeAlarmFact(alarms: Alarms, flows: Flows, fact: FeedFact): void {
  switch (fact.type) {
    case "ticketclient.alarm.accepted":
      return accept(alarms, fact);
    case "ticketclient.flow.started":
      for (const { position } of fact.data.alarms)
        change(alarms, position, { because: `${fact.data.clientId} works for it.` });
      return;
    case "ticketclient.key.parked":
      return park(alarms, fact.data);
    case "ticketclient.alarm.reconsidered":
      change(alarms, fact.data.alarm.position, {
        outcome: null,
        settledAt: null,
        because: "Decided once more.",
      });
      return;
    case "ticketclient.alarm.settled": {
      const { alarm, outcome, ticketId, rule, lockGuid } = fact.data;
      // That the service confirmed it says nothing of why it was asked.
      const decision = asked.has(outcome) ? flows.byGuid.get(lockGuid ?? "")?.decision : null;
      const because = decision?.because ?? fact.data.because;
      change(alarms, alarm.position, { outcome, because, ticketId, rule, settledAt: Date.parse(fact.time) });
      return;
    }
    default:
  }
}

function accept(alarms: Alarms, { data, time }: FeedFactOf<"alarm.accepted">): void {
  const { source, id, key, alarmedObject, kind, severity } = data.notification;
  alarms.set(data.position, {
    position: data.position,
    source,
    id,
    key,
    element: alarmedObject,
    kind,
    severity,
    acceptedAt: Date.parse(time),
    outcome: null,
    because: "No client works for it yet.", // in line, or held down: of that there is no fact
    ticketId: null,
    settledAt: null,
    rule: null,
  });
  if (alarms.size <= bounds.alarmsMax) return;
  const [oldest] = alarms.keys();
  if (oldest !== undefined) alarms.delete(oldest);
}

/** What waits with its key waits for the same; under a cover what comes in goes on. */
function park(alarms: Alarms, { key, parking }: FeedFactOf<"key.parked">["data"]): void {
  if (parking.reason === "covered") return;
  for (const alarm of alarms.values())
    if (alarm.key === key && alarm.outcome === null)
      change(alarms, alarm.position, { because: parking.because });
}

function change(alarms: Alarms, position: number, told: Partial<Alarm>): void {
  const alarm = alarms.get(position);
  if (alarm !== undefined) alarms.set(position, { ...alarm, ...told });
}

/** Position of the newest event that says what became of an alarm; null: none is here. */
export function lastToldOf(
  events: readonly FeedFact[],
  { source, id, key }: Pick<Alarm, "source" | "id" | "key">,
): number | null {
  const told = events.findLast((fact) => {
    if (fact.type === "ticketclient.key.parked") return fact.data.key === key;
    if (fact.type !== "ticketclient.alarm.settled" && fact.type !== "ticketclient.alarm.reconsidered")
      return false;
    return fact.data.alarm.id === id && fact.data.alarm.source === source;
  });
  return told?.data.position ?? null;
}

/** Newest first, those that `text` occurs in, at most `countMax`. */
export function selectAlarms(alarms: Alarms, text: string, countMax: number): Alarm[] {
  const wanted = text.trim().toLowerCase();
  const found: Alarm[] = [];
  for (const alarm of [...alarms.values()].reverse()) {
    if (found.length === countMax) break;
    const { source, id, key, element, severity, kind, outcome, ticketId, because, rule } = alarm;
    const words = [id, key, element, ticketId, outcome ?? "under way", severity, kind, rule, source, because];
    if (words.some((word) => word?.toLowerCase().includes(wanted) === true)) found.push(alarm);
  }
  return found;
}
