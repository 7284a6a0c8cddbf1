/** Feed messages of a real engine: some flows, recorded from its first fact on, and read again from any point. */
import type { FeedMessage } from "../../actors/feed-messages.ts";
import { emptyScreen, type Screen, take } from "../../visualizations/console/model/screen.ts";
import { CollectingReader, type Engine, everything, startEngine } from "../feed/rig.ts";

export interface Recording {
  readonly engine: Engine;
  readonly messages: readonly FeedMessage[];
  /** What a reader gets who comes now. */
  opened(): Promise<FeedMessage[]>;
  /** What a reader gets who comes back with `<ledger>:<position>`. */
  resumed(after: string): Promise<FeedMessage[]>;
}

export async function record(alarms: number): Promise<Recording> {
  const engine = await startEngine({ clients: 3 });
  const reader = new CollectingReader();
  engine.feed.read(reader, everything);
  for (let raised = 0; raised < alarms; raised += 4) {
    await engine.run(Math.min(4, alarms - raised));
    engine.clock.advance(150);
    await engine.settle();
  }
  return {
    engine,
    messages: reader.messages,
    async opened() {
      const late = new CollectingReader();
      const reading = engine.feed.read(late, everything);
      await engine.settle();
      reading.end();
      return late.messages;
    },
    async resumed(after) {
      const again = new CollectingReader();
      const [ledger = "", position = ""] = after.split(/:(?=\d+$)/);
      const reading = engine.feed.read(again, {
        ...everything,
        after: { ledger, position: Number(position) },
      });
      await engine.settle();
      reading.end();
      return again.messages;
    },
  };
}

export function screenOf(messages: readonly FeedMessage[]): Screen {
  const screen = emptyScreen();
  for (const message of messages) take(screen, message);
  return screen;
}

/** All of a screen that facts make, and the latest states; not when states were seen to change. */
export function lasting(screen: Screen): unknown {
  const { ledger, position, counters, services, selectedService, alarms, flows, rows, series, events } =
    screen;
  const clients = [...screen.clients.values()].map(({ view, key, service, deadlineAt, heldBy, steps }) => ({
    view,
    key,
    service,
    deadlineAt,
    heldBy,
    steps,
  }));
  // `previous` belongs to the stream, and is the same where nothing is filtered.
  return structuredClone({
    ledger,
    position,
    counters,
    services,
    selectedService,
    alarms,
    flows,
    rows,
    series,
    events,
    clients,
  });
}
