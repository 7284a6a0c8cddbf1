/** What one flow did, step by step: as the engine tells it, and as the feed went on. */
import { shown } from "../live.ts";
import type { ExplanationAnswer, FlowDetailAnswer } from "../model/api-messages.ts";
import { flowOfAnswer } from "../model/asked.ts";
import type { FeedFact } from "../model/feed.ts";
import type { Flow } from "../model/flows.ts";
import { type Message, sequenceOf } from "../model/sequence.ts";
import { useAnswer } from "./answer.ts";
import { Sequence } from "./sequence.tsx";

export interface FlowSeen {
  /** null: not known, or not yet. */
  readonly flow: Flow | null;
  readonly refusal: string | null;
}

/** `key`: helps to find a flow of long ago. */
export function useFlow(lockGuid: string | null, key: string | null = null): FlowSeen {
  const live = lockGuid === null ? undefined : shown().flows.byGuid.get(lockGuid);
  const query = key === null ? "" : `?key=${encodeURIComponent(key)}`;
  // Asked when it is opened, and once more when it has ended.
  const { value, refusal } = useAnswer<FlowDetailAnswer>(
    lockGuid === null ? null : `/flows/${encodeURIComponent(lockGuid)}${query}`,
    live?.result ?? null,
  );
  if (value === null || value.lockGuid !== lockGuid) return { flow: live ?? null, refusal };
  const { facts, ...rest } = value;
  const told = facts.map(asMessage);
  const flow = live ?? flowOfAnswer(rest);
  return { flow: { ...flow, facts: joined(told, live?.facts ?? []) }, refusal: null };
}

/** As the feed says it; the API has the same body under another roof. */
function asMessage({ position, at, type, body }: FlowDetailAnswer["facts"][number]): FeedFact {
  const data = { ...body, position, previous: position - 1 };
  return { type: `ticketclient.${type}`, time: new Date(at).toISOString(), data } as unknown as FeedFact;
}

function joined(asked: readonly FeedFact[], live: readonly FeedFact[]): FeedFact[] {
  const all = new Map([...live, ...asked].map((fact) => [fact.data.position, fact]));
  return [...all.values()].sort((one, other) => one.data.position - other.data.position);
}

interface StepsProps {
  readonly flow: Flow;
  /** Of the alarms it was for. */
  readonly records: readonly ExplanationAnswer[];
}

export function FlowSteps({ flow, records }: StepsProps) {
  return <Sequence messages={[...records.map(alarmCame), ...sequenceOf(flow.facts)]} from={flow.startedAt} />;
}

/** Before the flow began. */
function alarmCame({ acceptedAt, position, source, id }: ExplanationAnswer): Message {
  return {
    at: acceptedAt,
    position,
    from: "alarm",
    to: "supervisor",
    text: "alarm accepted",
    detail: `${source}, ${id}`,
    isBad: false,
  };
}
