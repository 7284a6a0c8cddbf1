/** A whole engine in memory, and readers without sockets that keep what they were sent. */
import { setImmediate as nextTurn } from "node:timers/promises";

import type { ConfigInput } from "../../actors/config.ts";
import { createFeed, type Feed, type FeedReader, type FeedRequest } from "../../actors/feed.ts";
import type { FeedFact, FeedMessage } from "../../actors/feed-messages.ts";
import type { Ids, Ledger, Log } from "../../actors/ports.ts";
import { createSupervisor, type Supervisor, type SupervisorOptions } from "../../actors/supervisor.ts";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { createMemoryService } from "../../adapters/service/memory.ts";
import type { Fact } from "../../machines/facts.ts";
import type { Notification, ServiceInfo } from "../../machines/vocabulary.ts";
import { ManualClock } from "../alarms/manual-clock.ts";

export const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const desk: ServiceInfo = {
  name: "OSB",
  host: "127.0.0.1",
  port: 8650,
  path: "/TicketService",
  protocol: "osb",
  idempotency: "requestId",
  settleSeconds: 60,
  timeoutSeconds: 30,
  asyncSeconds: 0,
};

export const everything: FeedRequest = { after: null, only: null, types: null, behind: "read" };

/** `wanted`: the reader's filter. */
export class CollectingReader implements FeedReader {
  readonly messages: FeedMessage[] = [];
  /** What the feed is told lies in the buffer; 0 = a reader that takes everything at once. */
  buffered = 0;
  closed: { readonly code: number; readonly reason: string } | null = null;

  send(text: string): void {
    if (this.closed !== null) throw new Error("sent after close");
    this.messages.push(JSON.parse(text) as FeedMessage);
  }
  bufferedBytes(): number {
    return this.buffered;
  }
  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  get facts(): FeedFact[] {
    return this.messages.filter(
      (message): message is FeedFact => "position" in message.data && "previous" in message.data,
    );
  }
  get positions(): number[] {
    return this.facts.map(({ data }) => data.position);
  }
  get snapshots() {
    return this.messages.filter((message) => message.type === "ticketclient.feed.snapshot");
  }
  ofType<T extends FeedMessage["type"]>(type: T): Extract<FeedMessage, { type: T }>[] {
    return this.messages.filter(
      (message): message is Extract<FeedMessage, { type: T }> => message.type === type,
    );
  }
  /** Where it would resume. */
  get last(): number {
    return this.facts.at(-1)?.data.position ?? this.snapshots.at(-1)?.data.position ?? 0;
  }
}

export interface Engine {
  readonly clock: ManualClock;
  readonly ledger: Ledger;
  readonly supervisor: Supervisor;
  readonly feed: Feed;
  /** Raises alarms on `count` objects and waits until all are settled. */
  run(count: number): Promise<void>;
  /** Lets everything go on that waits for no time but the present. */
  settle(): Promise<void>;
  facts(after?: number): Promise<Fact[]>;
}

export async function startEngine({
  clients = 2,
  ledger = createMemoryLedger(),
  factsKept,
  decide,
  config,
}: {
  readonly clients?: number;
  readonly ledger?: Ledger;
  readonly factsKept?: number;
  readonly decide?: NonNullable<SupervisorOptions["decide"]>;
  readonly config?: Omit<ConfigInput, "clients">;
} = {}): Promise<Engine> {
  const clock = new ManualClock();
  let raised = 0;
  let count = 0;
  const ids: Ids = { uuid: () => `id-${++count}`, random: () => 0 };
  const service = createMemoryService({ idempotency: "requestId", now: () => clock.now() });
  const supervisor = await createSupervisor({
    config: { ...config, clients },
    ledger,
    service,
    clock,
    ids,
    log: quiet,
    services: [desk],
    ...(decide === undefined ? undefined : { decide }),
  });
  const feed = createFeed({ supervisor, clock, ...(factsKept === undefined ? undefined : { factsKept }) });
  const settle = async (): Promise<void> => {
    for (let quietTurns = 0, position = -1; quietTurns < 5; quietTurns++) {
      clock.advance(0);
      await nextTurn();
      if (supervisor.state.position !== position) quietTurns = 0;
      ({ position } = supervisor.state);
    }
  };
  return {
    clock,
    ledger,
    supervisor,
    feed,
    settle,
    async run(alarms) {
      const accepted = Array.from({ length: alarms }, () => supervisor.raise(raiseOf(++raised, clock.now())));
      await Promise.all(accepted);
      await settle();
    },
    async facts(after = 0) {
      const facts: Fact[] = [];
      for await (const fact of ledger.read(after, Number.MAX_SAFE_INTEGER)) facts.push(fact);
      return facts;
    },
  };
}

export function raiseOf(number: number, raisedAt: number): Notification {
  return {
    source: "urn:test",
    id: `${number}/raise`,
    kind: "raise",
    key: `node-${number}`,
    alarm: `alarm-${number}`,
    alarmedObject: `node-${number}`,
    alarmType: "communicationsAlarm",
    probableCause: "lossOfSignal",
    sourceSystemId: "ems-1",
    severity: "major",
    raisedAt,
    plannedOutage: false,
  };
}
