/**
 * What the feed says: the types of its messages and the few constants a page needs. The only thing a page
 * imports from the engine; nothing here brings a library along.
 *   F1 a fact carries its `position` and the `previous` one of the same (filtered) stream.
 * Source: wire.md, "Feed"; CloudEvents 1.0, JSON format. Protocol: adapters/feed/README.md.
 */
import type { FactBodies, FactType } from "../machines/facts.ts";
import type { Position } from "../machines/vocabulary.ts";
import type { ClientView, EngineCounters, EngineSnapshot } from "./engine-views.ts";

export const feedPath = "/v1/feed";
export const feedSubprotocol = "cloudevents.json";
/** Offered beside it: every frame is a JSON array of what one turn of the feed says. A frame each costs a browser, and us, far more than what it holds. */
export const feedBatchSubprotocol = "cloudevents-batch.json";

/** Why the feed ends a connection; a reader may come back after every one but `asked` and `spoke`. */
export const feedCloseCodes = {
  /** The engine stops. */
  stopping: 1001,
  /** The reader sent a message, or too many pings. */
  spoke: 1008,
  /** The ledger could not be read. */
  failed: 1011,
  /** The reader is too slow, or there are too many. Resume after the last position seen. */
  overloaded: 1013,
  /** The query of the URL is wrong; the reason says where and what was expected. */
  asked: 4400,
  /** The token is no longer valid. */
  unauthorized: 4401,
} as const;

/** Every type of fact, as a record so that a new one that is missing here does not compile. */
const factTypes: Readonly<Record<FactType, true>> = {
  "ledger.opened": true,
  "settings.changed": true,
  "services.imported": true,
  "service.selected": true,
  "alarm.accepted": true,
  "alarm.settled": true,
  "alarm.reconsidered": true,
  "flow.started": true,
  "flow.decided": true,
  "flow.ended": true,
  "key.parked": true,
  "request.planned": true,
  "request.sending": true,
  "request.answered": true,
  "request.async": true,
  "request.settled": true,
  "ticket.linked": true,
  "ticket.lost": true,
  "response.row": true,
  "responses.cleared": true,
  "client.locked": true,
  "client.unlocked": true,
  "client.lockForced": true,
  "client.lockExpired": true,
  "client.notBusyForced": true,
  "client.quarantined": true,
  "heartbeat.sent": true,
  "heartbeat.failed": true,
  "topology.loaded": true,
  "operator.acted": true,
};

/** What latest-wins messages are about. */
export const feedStateTypes = ["client.state", "counters"] as const;
export type FeedStateType = (typeof feedStateTypes)[number];

/** What `types=` may name: facts and states, without `ticketclient.`. */
export type FeedType = FactType | FeedStateType;
export const feedTypes: readonly FeedType[] = [...(Object.keys(factTypes) as FactType[]), ...feedStateTypes];

/** One CloudEvents 1.0 object a text frame; (`source`, `id`) is never used twice. */
export interface FeedEvent<Type extends string, Data> {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: typeof feedPath;
  readonly type: `ticketclient.${Type}`;
  /** RFC 3339, UTC. Of a fact: when it happened. */
  readonly time: string;
  readonly data: Data;
}

export interface FactPlace {
  readonly position: Position;
  /** Position of the fact before it in this stream; of the first one: where the stream began. */
  readonly previous: Position;
}

/** `id` is `<ledger>:<position>`, which is what `after=` takes; `subject` the fact's stream in the ledger. */
export type FeedFactOf<T extends FactType> = FeedEvent<T, FactBodies[T] & FactPlace> & {
  readonly subject: string;
};
export type FeedFact = { [T in FactType]: FeedFactOf<T> }[FactType];

/**
 * First of every connection, and in its midst where the stream cannot be continued.
 * `position`: the facts that follow are exactly those after it. The rest is as of now, whatever `position` says.
 */
export type FeedSnapshot = FeedEvent<
  "feed.snapshot",
  EngineSnapshot & {
    /** True: what was asked for (`after=`) cannot be given; drop every fact kept so far. */
    readonly reset: boolean;
  }
>;

export type ClientStateMessage = FeedEvent<"client.state", ClientView>;
export type CountersMessage = FeedEvent<"counters", EngineCounters>;

export type FeedMessage = FeedSnapshot | FeedFact | ClientStateMessage | CountersMessage;
