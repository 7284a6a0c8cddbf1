/** Automatic flows as their facts tell them: who held which client for what, what was decided, how it ended. */
import { bounds } from "./bounds.ts";
import type { FeedFact, FlowResult } from "./feed.ts";

export interface Flow {
  readonly lockGuid: string;
  readonly key: string;
  readonly clientId: string;
  readonly startedAt: number;
  endedAt: number | null;
  result: FlowResult | null;
  readonly alarms: number;
  /** Its last one. */
  decision: { readonly rule: string; readonly decision: string; readonly because: string } | null;
  /** Of the alarms it settled, each once. */
  outcomes: string[];
  /** Where it started. */
  readonly position: number;
  /** What was seen of it, in order; not all where it began before this page, or has more than is kept. */
  readonly facts: FeedFact[];
}

export interface Flows {
  /** The newest last, at most `flowsMax`. */
  readonly byGuid: Map<string, Flow>;
  /** Lock GUID of each request of a flow that is kept. */
  readonly byRequest: Map<string, string>;
}

export function noFlows(): Flows {
  return { byGuid: new Map(), byRequest: new Map() };
}

export function takeFlowFact(flows: Flows, fact: FeedFact): void {
  if (fact.type === "ticketclient.flow.started") begin(flows, fact);
  const flow = flows.byGuid.get(flowOf(flows, fact) ?? "");
  if (flow === undefined) return;
  if (
    flow.facts.length < bounds.factsPerFlowMax &&
    fact.data.position > (flow.facts.at(-1)?.data.position ?? 0)
  )
    flow.facts.push(fact);
  switch (fact.type) {
    case "ticketclient.request.planned":
      flows.byRequest.set(fact.data.requestId, fact.data.lockGuid);
      break;
    case "ticketclient.flow.decided": {
      const { rule, decision, because } = fact.data;
      flow.decision = { rule, decision, because };
      break;
    }
    case "ticketclient.alarm.settled":
      if (!flow.outcomes.includes(fact.data.outcome)) flow.outcomes = [...flow.outcomes, fact.data.outcome];
      break;
    case "ticketclient.flow.ended":
      flow.endedAt = Date.parse(fact.time);
      flow.result = fact.data.result;
      break;
    default:
  }
}

function begin(flows: Flows, { data, time }: Extract<FeedFact, { type: "ticketclient.flow.started" }>): void {
  const { lockGuid, key, clientId, position } = data;
  if (flows.byGuid.get(lockGuid)?.position === position) return;
  keepFlow(flows, {
    lockGuid,
    key,
    clientId,
    startedAt: Date.parse(time),
    endedAt: null,
    result: null,
    alarms: data.alarms.length,
    decision: null,
    outcomes: [],
    position,
    facts: [],
  });
}

/** The oldest leaves. */
export function keepFlow(flows: Flows, flow: Flow): void {
  flows.byGuid.set(flow.lockGuid, flow);
  if (flows.byGuid.size <= bounds.flowsMax) return;
  const [oldest] = flows.byGuid.values();
  if (oldest === undefined) return;
  flows.byGuid.delete(oldest.lockGuid);
  for (const { data } of oldest.facts) if ("requestId" in data) flows.byRequest.delete(data.requestId ?? "");
}

/** Lock GUID of the flow that a fact belongs to; null: to none, or to none that is kept. */
export function flowOf({ byRequest }: Flows, fact: FeedFact): string | null {
  switch (fact.type) {
    case "ticketclient.response.row":
      return fact.data.change ? (byRequest.get(fact.data.row.requestId) ?? null) : fact.data.row.lockGuid;
    case "ticketclient.request.answered":
    case "ticketclient.request.async":
    case "ticketclient.request.settled":
      return byRequest.get(fact.data.requestId) ?? null;
    default:
      return "lockGuid" in fact.data ? fact.data.lockGuid : null;
  }
}
