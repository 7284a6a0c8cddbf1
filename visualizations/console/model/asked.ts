/** What the engine said when it was asked, put beside what the feed tells: for what lies before this page's first fact. */
import type { ClientAnswer, FlowAnswer, GatewayAnswer } from "./api-messages.ts";
import { type Flow, keepFlow } from "./flows.ts";
import type { Screen } from "./screen.ts";
import { takeWaiting } from "./series.ts";

/** Key, holder and deadline of locks that were there before. What the feed has moved on from is left alone. */
export function putClients(screen: Screen, clients: readonly ClientAnswer[]): void {
  for (const { clientId, lockGuid, key, heldBy, deadlineAt } of clients) {
    const client = screen.clients.get(clientId);
    if (client === undefined || lockGuid === null || client.view.lockGuid !== lockGuid) continue;
    if (client.lock !== null && client.lock !== lockGuid) continue;
    screen.clients.set(clientId, {
      ...client,
      lock: lockGuid,
      key: client.key ?? key,
      heldBy: client.heldBy ?? heldBy,
      deadlineAt: client.deadlineAt ?? deadlineAt,
    });
  }
  screen.version += 1;
}

/** Flows from before, newest first as they come; those that the feed knows are left alone. */
export function putFlows(screen: Screen, flows: readonly FlowAnswer[]): void {
  const { byGuid } = screen.flows;
  const known = [...byGuid.values()];
  const older = flows.filter(({ lockGuid }) => !byGuid.has(lockGuid)).map(flowOfAnswer);
  byGuid.clear();
  for (const flow of [...older, ...known].sort((one, other) => one.position - other.position))
    keepFlow(screen.flows, flow);
  screen.version += 1;
}

export function flowOfAnswer(answer: FlowAnswer): Flow {
  const { lockGuid, key, clientId, startedAt, endedAt, result, alarms, decision, position } = answer;
  return {
    lockGuid,
    key,
    clientId,
    startedAt,
    endedAt,
    result,
    alarms,
    decision,
    position,
    outcomes: [],
    facts: [],
  };
}

export function putGateway(screen: Screen, { waiting, mismatch }: GatewayAnswer, at: number): void {
  screen.waiting = waiting;
  screen.mismatch = mismatch;
  takeWaiting(screen.series, waiting.create + waiting.update + waiting.close, at);
  screen.version += 1;
}
