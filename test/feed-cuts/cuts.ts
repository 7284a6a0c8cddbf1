/**
 * A real engine under load, and readers of its feed through a proxy that cuts them at random bytes, mid-frame and
 * mid-handshake: F1 F2. In between the engine is killed with -9 as often as asked.
 */
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { WebSocket } from "ws";
import type { ClientView } from "../../actors/engine-views.ts";
import { closeHouse, figures, openHouse } from "../acceptance/house.ts";
import { Random } from "../simulation/random.ts";
import type { Findings } from "../storm/findings.ts";
import { PacedSource } from "../storm/paced-source.ts";
import { planStorm } from "../storm/storm-alarms.ts";
import { startCuttingProxy, type Cut } from "./cutting-proxy.ts";
import { FoldingReader, type Filter, type Moment } from "./folding-reader.ts";
import { LedgerFacts } from "./ledger-facts.ts";

export interface CutSettings {
  /** Folder of everything the run writes. */
  readonly scratch: string;
  readonly seed: string;
  /** Of all readers together. */
  readonly cuts: number;
  /** Of the engine. */
  readonly kills: number;
  readonly perSecond: number;
  readonly onProgress: (line: string) => void;
}

const filters: Readonly<Record<string, Filter>> = {
  "everything, from the first fact": {},
  "everything, from now": {},
  "one client": { only: "client-01" },
  "rows and states": { types: ["response.row", "client.state"] },
  alarms: { types: ["alarm.accepted", "alarm.settled"] },
  "locks of one client": { only: "client-02", types: ["client.locked", "client.unlocked", "client.state"] },
  "states alone": { types: ["client.state", "counters"] },
  "what never comes": { types: ["heartbeat.sent"] },
};

export async function feedCuts(settings: CutSettings, findings: Findings): Promise<void> {
  const { scratch, seed, cuts, kills, perSecond, onProgress } = settings;
  const random = new Random(seed);
  const house = await openHouse({ scratch, clients: 4 });
  const ledger = new LedgerFacts(house.dataDir);
  const identity = String((await snapshotOf(house.port)).ledger);
  let isCutting = true;
  const proxy = await startCuttingProxy(house.port, () => (isCutting ? drawCut(random) : null));
  const readers = Object.entries(filters).map(
    ([name, filter], n) =>
      new FoldingReader(name, filter, ledger, n === 0 ? { ledger: identity, position: 0 } : null),
  );

  const load = new AbortController();
  const loading = keepSending(house.port, perSecond, load.signal);
  const moments: Record<Moment, number> = { handshake: 0, beforeSnapshot: 0, stream: 0 };
  let done = 0;
  let killed = 0;
  let isDown = false;
  const untilCut = async (reader: FoldingReader): Promise<void> => {
    while (done < cuts) {
      const lie = reader.name !== "everything, from the first fact" && random.chance(0.05);
      // oxlint-disable-next-line no-await-in-loop -- one connection after the other
      const moment = await reader.connect(
        proxy.port,
        lie ? { lie: random.chance(0.5) ? "ledger" : "position" } : {},
      );
      // oxlint-disable-next-line no-await-in-loop -- nobody is there to be cut from
      if (isDown) await wait(50);
      else {
        done += 1;
        moments[moment] += 1;
      }
      if (done % 50 === 0) onProgress(`${done} cuts, ${ledger.head()} facts`);
    }
  };
  const killing = async (): Promise<void> => {
    for (; killed < kills; killed += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one kill after the other
      while (done < (cuts * (killed + 1)) / (kills + 1)) await wait(20);
      isDown = true;
      // oxlint-disable-next-line no-await-in-loop
      await house.engine.kill("SIGKILL");
      // oxlint-disable-next-line no-await-in-loop
      house.engine = await house.startEngine();
      isDown = false;
    }
  };
  await Promise.all([...readers.map(untilCut), killing()]);
  load.abort();
  const loadWrong = await loading;

  // Nothing moves any more: each reader comes to the end, uncut, and is compared with the engine itself.
  isCutting = false;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until it is so
    const { accepted, settled } = await figures(house);
    if (accepted === settled) break;
    // oxlint-disable-next-line no-await-in-loop
    await wait(100);
  }
  const now = await snapshotOf(house.port);
  const differs: string[] = [];
  for (const reader of readers) {
    const deadline = performance.now() + 20_000;
    const isSame = (): boolean => reader.isAtHead() && statesOf(reader, now).length === 0;
    // oxlint-disable-next-line no-await-in-loop -- one reader after the other
    await reader.connect(proxy.port, { until: () => isSame() || performance.now() > deadline });
    if (!reader.isAtHead())
      differs.push(`${reader.name}: did not come to the head, it is at ${reader.position}`);
    differs.push(...statesOf(reader, now));
    const folded = reader.stateDiffers();
    if (folded !== null) differs.push(folded);
  }
  await proxy.close();
  const heldAgainst = readers.filter(({ isWhole }) => isWhole).length;
  findings.figure("cuts", done, { least: cuts });
  findings.figure("… in the handshake", moments.handshake, { least: Math.floor(cuts / 50) });
  findings.figure("… before the snapshot had come", moments.beforeSnapshot, { least: Math.floor(cuts / 50) });
  findings.figure("… in the stream", moments.stream, { least: Math.floor(cuts / 4) });
  findings.figure("kills of the engine with -9", killed, { exactly: kills });
  findings.figure("facts in the ledger", ledger.head());
  findings.figure(
    "facts read, by all readers",
    readers.reduce((sum, { facts }) => sum + facts, 0),
  );
  findings.figure(
    "resets, each asked for and announced",
    readers.reduce((sum, { resets }) => sum + resets, 0),
    { least: Math.floor(cuts / 100) },
  );
  findings.none(
    "messages that were not what they must be (F1 F2)",
    readers.flatMap(({ wrong }) => wrong),
  );
  findings.none("readers whose fold differs from the engine's", differs);
  findings.figure("whole states compared (R1)", heldAgainst, { least: 1 });
  findings.figure("clients compared", now.clients.length, { exactly: 4 });
  findings.none("what the intake may not say", kills === 0 ? loadWrong : []);
  ledger.close();
  await closeHouse(house);
}

function drawCut(random: Random): Cut {
  const kind = random.weighted({ start: 0.15, asking: 0.1, early: 0.2, later: 0.55 });
  const ms = random.int(20, 600);
  const far = Number.POSITIVE_INFINITY;
  if (kind === "asking") return { up: random.int(0, 350), down: far, ms };
  if (kind === "start") return { up: far, down: random.int(0, 400), ms };
  if (kind === "early") return { up: far, down: random.int(200, 8_000), ms };
  return { up: far, down: Math.ceil(-Math.log(1 - random.next()) * 60_000), ms };
}

/** One plan after the other; what was begun is not ended: its alarms stay as they are. */
async function keepSending(port: number, perSecond: number, signal: AbortSignal): Promise<string[]> {
  const wrong: string[] = [];
  for (let round = 1; !signal.aborted; round += 1) {
    const plan = {
      name: `cuts-${round}`,
      sources: 1,
      objects: 100,
      burstSeconds: 0.5,
      perSecond,
      seconds: 3,
    };
    for (const one of planStorm(plan)) {
      const source = new PacedSource(one);
      try {
        // oxlint-disable-next-line no-await-in-loop -- one round after the other
        await source.connect(`ws://127.0.0.1:${port}/v1/alarms`);
        // oxlint-disable-next-line no-await-in-loop
        wrong.push(...(await source.run()).wrong);
      } catch {
        // oxlint-disable-next-line no-await-in-loop -- the engine is being started again
        await wait(100);
      }
    }
  }
  return wrong;
}

interface Now {
  readonly ledger: string;
  readonly clients: readonly ClientView[];
  readonly counters: unknown;
}

/** What a reader has of states, against a snapshot of an engine in which nothing moves. */
function statesOf(reader: FoldingReader, { clients, counters }: Now): string[] {
  const wrong: string[] = [];
  if (reader.wantsStates("client.state"))
    for (const [clientId, view] of reader.clients)
      if (
        !isDeepStrictEqual(
          view,
          clients.find((one) => one.clientId === clientId),
        )
      )
        wrong.push(`${reader.name}: ${clientId} is ${view.state} there`);
  if (reader.wantsStates("counters") && !isDeepStrictEqual(reader.counters, counters))
    wrong.push(`${reader.name}: other counters`);
  return wrong;
}

async function snapshotOf(port: number): Promise<Now> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/v1/feed`, "cloudevents.json");
  const message = await new Promise<{ readonly data: Now }>((resolve, reject) => {
    webSocket.once("message", (data) => resolve(JSON.parse(String(data)) as { readonly data: Now }));
    webSocket.once("error", reject);
  });
  webSocket.terminate();
  return message.data;
}
