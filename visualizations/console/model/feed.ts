/** The feed's messages as this page uses them: the one place that names the engine's types. */
import type {
  ClientStateMessage,
  CountersMessage,
  FeedFact,
  FeedFactOf,
  FeedSnapshot,
} from "../../../actors/feed-messages.ts";

export type { FeedFact, FeedFactOf, FeedMessage, FeedSnapshot } from "../../../actors/feed-messages.ts";

export type ClientView = ClientStateMessage["data"];
export type ClientCondition = ClientView["state"];
export type Counters = CountersMessage["data"];
export type ServiceInfo = FeedSnapshot["data"]["services"]["rows"][number];
export type Mismatch = NonNullable<FeedSnapshot["data"]["services"]["mismatch"]>;
export type Heartbeat = FeedSnapshot["data"]["heartbeat"];
export type ResponseRow = Extract<FeedFactOf<"response.row">["data"], { change: false }>["row"];
export type FlowResult = FeedFactOf<"flow.ended">["data"]["result"] | "abandoned";

const prefix = "ticketclient.";

/** `client.locked` of `ticketclient.client.locked`. */
export function kindOf({ type }: { readonly type: string }): string {
  return type.startsWith(prefix) ? type.slice(prefix.length) : type;
}

/** Every fact has a place; states and snapshots have none, or no place before it. */
export function isFact(message: { readonly data: object }): message is FeedFact {
  return "previous" in message.data;
}
