/** An engine of 10,000 clients that does nothing but change them: its page, its feed, and no flow behind them. */
import { setTimeout as passed } from "node:timers/promises";
import type { FeedOptions } from "../../actors/feed.ts";
import { createFeed } from "../../actors/feed.ts";
import type { ClientView } from "../../actors/engine-views.ts";
import { resolveConfig } from "../../actors/config.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { attachFeed } from "../../adapters/feed/feed.ts";
import { consoleRoutes } from "../../adapters/http/console.ts";
import { startHttpServer } from "../../adapters/http/server.ts";
import type { Fact } from "../../machines/facts.ts";
import { ScriptedSource, viewOf } from "../feed/scripted-source.ts";

type Source = FeedOptions["supervisor"];

class BusyPool extends ScriptedSource {
  readonly #views: ClientView[];
  readonly #facts = new Set<(facts: readonly Fact[]) => void>();
  readonly #clients = new Set<(view: ClientView) => void>();
  #position = 0;
  #next = 0;

  constructor(count: number) {
    super();
    this.#views = Array.from({ length: count }, (_, index) =>
      viewOf(`client-${String(index + 1).padStart(5, "0")}`),
    );
  }

  /** So many clients, one after the other, are locked or set free. */
  change(count: number): void {
    const facts: Fact[] = [];
    for (let done = 0; done < count; done++) {
      // A stride that meets every client before it comes back, and hardly two neighbours.
      this.#next = (this.#next + 3_571) % this.#views.length;
      facts.push(this.#turn(this.#next));
    }
    for (const listener of this.#facts) listener(facts);
  }

  #turn(index: number): Fact {
    const view = this.#views[index] ?? viewOf("client-00001");
    const { clientId } = view;
    const position = ++this.#position;
    const at = Date.now();
    const place = { position, epoch: "epoch-1", stream: `client/${clientId}` as const, at };
    const lock = { clientId, lockGuid: view.lockGuid ?? systemIds.uuid(), fence: position };
    const changed: ClientView =
      view.lockGuid === null
        ? {
            ...viewOf(clientId, "searching", `searching tickets, ${position}`),
            ...lock,
            lockStatus: "locked",
            lockTime: at,
            busyStatus: "busy",
          }
        : viewOf(clientId);
    this.#views[index] = changed;
    for (const listener of this.#clients) listener(changed);
    return view.lockGuid === null
      ? {
          ...place,
          type: "client.locked",
          body: { ...lock, lockTime: at, deadlineAt: at + 300_000, by: "flow" },
        }
      : { ...place, type: "client.unlocked", body: lock };
  }

  override onFacts(listener: (facts: readonly Fact[]) => void): () => void {
    this.#facts.add(listener);
    return () => this.#facts.delete(listener);
  }
  override onClient(listener: (view: ClientView) => void): () => void {
    this.#clients.add(listener);
    return () => this.#clients.delete(listener);
  }
  /** Nothing is kept but what the feed keeps: whoever would be read to from a ledger gets nothing. */
  override readFacts(): ReturnType<ScriptedSource["readFacts"]> {
    throw new Error("There is no ledger here.");
  }
  get position(): number {
    return this.#position;
  }
  get views(): readonly ClientView[] {
    return this.#views;
  }
  override snapshot(): ReturnType<ScriptedSource["snapshot"]> & ReturnType<Source["snapshot"]> {
    return { ...super.snapshot(), position: this.#position, clients: [...this.#views] };
  }
}

export interface BusyEngine {
  readonly url: string;
  /** So many more changes, at once. */
  change(count: number): void;
  position(): number;
  views(): readonly ClientView[];
  stop(): Promise<void>;
}

/** So many changes go to the feed before it has a turn. */
const burstStep = 500;

/** `GET /burst?1000` answers when a thousand more changes are made. */
export async function startBusyEngine(
  clients: number,
  changesPerSecond: number,
  kept: Pick<FeedOptions, "factsKept"> = {},
): Promise<BusyEngine> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const config = resolveConfig({ listen: { port: 0 } });
  if (!config.ok) throw new Error(config.failure.detail);
  const pool = new BusyPool(clients);
  const feed = createFeed({ supervisor: pool, clock: systemClock, ...kept });
  const server = await startHttpServer(config.value.listen, { clock: systemClock, log });
  const settings = { allowedOrigins: server.access.origins, allowedHosts: server.access.hosts };
  const edge = attachFeed({ feed, clock: systemClock, ids: systemIds, log, settings });
  server.addRoutes(consoleRoutes());
  server.addRoutes([
    {
      method: "GET",
      path: "/burst",
      async answer(request, response) {
        const count = Number(request.url?.split("?")[1]);
        for (let made = 0; made < count; made += burstStep) {
          pool.change(burstStep);
          await passed(1);
        }
        response.end();
      },
    },
  ]);
  server.addUpgrade((request, socket, head) => edge.handleUpgrade(request, socket, head));
  server.allAdded();

  let before = performance.now();
  let owed = 0;
  const timer = setInterval(() => {
    const present = performance.now();
    owed += ((present - before) * changesPerSecond) / 1_000;
    before = present;
    const whole = Math.floor(owed);
    owed -= whole;
    pool.change(whole);
  }, 10);
  return {
    url: server.url,
    change: (count) => pool.change(count),
    position: () => pool.position,
    views: () => pool.views,
    async stop() {
      clearInterval(timer);
      feed.close();
      await edge.close();
      await server.close();
    },
  };
}
