/** Automatic flows as their facts tell them: who held which client for what, what was decided, how it ended. */
import { bounds } from "./bounds.ts";
import type { FeedFact, FlowResult } from "./feed.ts";

/** Never changed: what changes is a new one. */
export interface Flow {
  readonly lockGuid: string;
  readonly key: string;
  readonly clientId: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly result: FlowResult | null;
  readonly alarms: number;
  /** Its last one. */
  readonly decision: { readonly rule: string; readonly decision: string; readonly because: string } | null;
  /** Of the alarms it settled, each once. */
  readonly outcomes: readonly string[];
  /** Where it started. */
  readonly position: number;
  /** What was seen of it, in order; not all where it began before this page, or has more than is kept. */
  readonly facts: readonly FeedFact[];
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
  if (fact.type === "ticketclient.ledger.opened") abandon(flows);
  if (fact.type === "ticketclient.flow.started") begin(flows, fact);
  const flow = flows.byGuid.get(flowOf(flows, fact) ?? "");
  if (flow === undefined) return;
  if (fact.type === "ticketclient.request.planned")
    flows.byRequest.set(fact.data.requestId, fact.data.lockGuid);
  const isKept = flow.facts.length < bounds.factsPerFlowMax;
  const facts = isKept ? [...flow.facts, fact] : flow.facts;
  flows.byGuid.set(flow.lockGuid, { ...flow, ...told(flow, fact), facts });
}

function told(flow: Flow, fact: FeedFact): Partial<Flow> {
  switch (fact.type) {
    case "ticketclient.flow.decided": {
      const { rule, decision, because } = fact.data;
      return { decision: { rule, decision, because } };
    }
    case "ticketclient.alarm.settled": {
      const { outcome } = fact.data;
      return flow.outcomes.includes(outcome) ? {} : { outcomes: [...flow.outcomes, outcome] };
    }
    case "ticketclient.flow.ended":
      return { endedAt: Date.parse(fact.time), result: fact.data.result };
    default:
      return {};
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

/** What ran has ended with the engine of before; nobody saw when. */
function abandon({ byGuid }: Flows): void {
  for (const flow of byGuid.values())
    if (flow.result === null) byGuid.set(flow.lockGuid, { ...flow, result: "abandoned" });
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
