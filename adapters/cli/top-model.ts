/**
 * What `top` knows of an engine, as a fold of what it hears: the feed, and the two answers it asks for. Pure: the present is passed in.
 *   F1 a fact whose `previous` is not the last one taken is a gap: it is not taken, and the reader resumes.
 */
import type { ClientMessage } from "../../actors/api-messages.ts";
import type { GatewayMessage } from "../../actors/api-records.ts";
import type { ClientView, EngineCounters, HeartbeatView } from "../../actors/engine-views.ts";
import type { FeedMessage, FeedType } from "../../actors/feed-messages.ts";
import type { HeartbeatCheck } from "../../machines/heartbeat.ts";
import type { Instant, Position } from "../../machines/vocabulary.ts";

/** All that is asked of the feed. */
export const topTypes: readonly FeedType[] = [
  "client.state",
  "counters",
  "client.locked",
  "flow.started",
  "heartbeat.sent",
  "heartbeat.failed",
];

export interface TopClient {
  readonly view: ClientView;
  /** Of the lock that it has; null: it has none, or not known. */
  readonly key: string | null;
  readonly deadlineAt: Instant | null;
}

export interface TopModel {
  readonly ledger: string | null;
  readonly position: Position;
  readonly clients: ReadonlyMap<string, TopClient>;
  readonly counters: EngineCounters | null;
  readonly heartbeat: HeartbeatView | null;
  /** As last asked for. */
  readonly gateway: GatewayMessage | null;
  /** When something was last heard, by the clock of whoever looks; null: nothing yet. */
  readonly heardAt: Instant | null;
}

export const nothingHeard: TopModel = {
  ledger: null,
  position: 0,
  clients: new Map(),
  counters: null,
  heartbeat: null,
  gateway: null,
  heardAt: null,
};

/** Null: something is missing before this message; resume after `position`. */
export function takeFeed(model: TopModel, messages: readonly FeedMessage[], now: Instant): TopModel | null {
  const taken = { ...model, clients: new Map(model.clients), heardAt: now };
  for (const message of messages) {
    if ("previous" in message.data) {
      if (message.data.position <= taken.position) continue;
      if (message.data.previous !== taken.position) return null;
      taken.position = message.data.position;
    }
    take(taken, message);
  }
  return taken;
}

type Taken = { -readonly [K in keyof TopModel]: TopModel[K] } & { clients: Map<string, TopClient> };

function take(model: Taken, message: FeedMessage): void {
  const { clients } = model;
  switch (message.type) {
    case "ticketclient.feed.snapshot": {
      const { ledger, position, counters, heartbeat } = message.data;
      Object.assign(model, { ledger, position, counters, heartbeat });
      const known = new Map(clients);
      clients.clear();
      for (const view of message.data.clients)
        clients.set(view.clientId, seen(known.get(view.clientId), view));
      break;
    }
    case "ticketclient.client.state":
      clients.set(message.data.clientId, seen(clients.get(message.data.clientId), message.data));
      break;
    case "ticketclient.counters":
      model.counters = message.data;
      break;
    case "ticketclient.client.locked": {
      const { clientId, deadlineAt } = message.data;
      const client = clients.get(clientId);
      if (client !== undefined) clients.set(clientId, { ...client, key: null, deadlineAt });
      break;
    }
    case "ticketclient.flow.started": {
      const { clientId, key } = message.data;
      const client = clients.get(clientId);
      if (client !== undefined) clients.set(clientId, { ...client, key });
      break;
    }
    case "ticketclient.heartbeat.sent":
    case "ticketclient.heartbeat.failed":
      takeBeat(
        model,
        message.type === "ticketclient.heartbeat.sent",
        message.data.check,
        Date.parse(message.time),
      );
      break;
    default:
  }
}

function seen(before: TopClient | undefined, view: ClientView): TopClient {
  const isFree = view.lockGuid === null || before === undefined;
  return { view, key: isFree ? null : before.key, deadlineAt: isFree ? null : before.deadlineAt };
}

function takeBeat(model: Taken, isSent: boolean, check: HeartbeatCheck, at: Instant): void {
  const view = model.heartbeat?.[check];
  if (model.heartbeat === null || view === null || view === undefined) return;
  const changed = isSent ? { ...view, lastSentAt: at, missed: 0 } : { ...view, missed: view.missed + 1 };
  model.heartbeat = { ...model.heartbeat, [check]: changed };
}

/** Key and deadline of locks from before; where the feed has moved on it is right. */
export function takeClients(model: TopModel, answer: readonly ClientMessage[]): TopModel {
  const clients = new Map(model.clients);
  for (const { clientId, lockGuid, key, deadlineAt } of answer) {
    const client = clients.get(clientId);
    if (client === undefined || lockGuid === null || client.view.lockGuid !== lockGuid) continue;
    clients.set(clientId, {
      ...client,
      key: client.key ?? key,
      deadlineAt: client.deadlineAt ?? deadlineAt,
    });
  }
  return { ...model, clients };
}
