/**
 * A real engine under load, and readers of its feed through a proxy that cuts them at random bytes, mid-frame and
 * mid-handshake: F1 F2. In between the engine is killed with -9 as often as asked.
 */
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { ClientView } from "../../actors/engine-views.ts";
import { closeHouse, figures, openHouse, type House } from "../acceptance/house.ts";
import { Random } from "../simulation/random.ts";
import type { Findings } from "../storm/findings.ts";
import { PacedSource } from "../storm/paced-source.ts";
import { planStorm } from "../storm/storm-alarms.ts";
import { startCuttingProxy, type Cut, type CuttingProxy } from "./cutting-proxy.ts";
import { FoldingReader, snapshotAt, type Filter, type Moment } from "./folding-reader.ts";
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

const fromFirst = "everything, from the first fact";
const filters: Readonly<Record<string, Filter>> = {
  [fromFirst]: {},
  "everything, from now": {},
  "one client": { only: "client-01" },
  "rows and states": { types: ["response.row", "client.state"] },
  alarms: { types: ["alarm.accepted", "alarm.settled"] },
  "locks of one client": { only: "client-02", types: ["client.locked", "client.unlocked", "client.state"] },
  "states alone": { types: ["client.state", "counters"] },
  "what never comes": { types: ["heartbeat.sent"] },
};
const clients = 4;
const lieShare = 0.05;
/** Nothing moved for so long: it will not. */
const patienceMs = 60_000;

export async function feedCuts(settings: CutSettings, findings: Findings): Promise<void> {
  const house = await openHouse({ scratch: settings.scratch, clients });
  const ledger = new LedgerFacts(house.dataDir);
  const run = new CutRun(settings, house, ledger);
  const { ledger: identity } = await snapshotAt(house.port);
  await run.cutAll(identity);
  await run.compare(findings);
  ledger.close();
  await closeHouse(house);
}

class CutRun {
  readonly #settings: CutSettings;
  readonly #house: House;
  readonly #ledger: LedgerFacts;
  readonly #random: Random;
  readonly #moments: Record<Moment, number> = { handshake: 0, beforeSnapshot: 0, stream: 0 };
  readonly #cutsBy = { frames: 0, batches: 0 };
  #readers: readonly FoldingReader[] = [];
  #done = 0;
  #killed = 0;
  #isDown = false;
  #isCutting = true;
  #proxy: CuttingProxy | null = null;
  #loadWrong: readonly string[] = [];

  constructor(settings: CutSettings, house: House, ledger: LedgerFacts) {
    this.#settings = settings;
    this.#house = house;
    this.#ledger = ledger;
    this.#random = new Random(settings.seed);
  }

  /** Until there were as many cuts and kills as asked for. */
  async cutAll(identity: string): Promise<void> {
    const { port } = this.#house;
    const cut = (): Cut | null => (this.#isCutting ? drawCut(this.#random) : null);
    this.#proxy = await startCuttingProxy(port, cut);
    this.#readers = Object.entries(filters).map(
      ([name, filter]) =>
        new FoldingReader(
          name,
          filter,
          this.#ledger,
          name === fromFirst ? { ledger: identity, position: 0 } : null,
        ),
    );
    const load = new AbortController();
    const loading = keepSending(port, this.#settings.perSecond, load.signal);
    await Promise.all([...this.#readers.map((reader) => this.#cutAgainAndAgain(reader)), this.#kill()]);
    load.abort();
    this.#loadWrong = await loading;
    this.#isCutting = false;
  }

  async #cutAgainAndAgain(reader: FoldingReader): Promise<void> {
    const { cuts, onProgress } = this.#settings;
    const { port } = this.#proxy as CuttingProxy;
    while (this.#done < cuts) {
      const inBatches = this.#random.chance(0.5);
      const mayLie = reader.name !== fromFirst && this.#random.chance(lieShare);
      const lie = this.#random.chance(0.5) ? "ledger" : "position";
      const moment = await reader.connect(port, { inBatches, ...(mayLie ? { lie } : {}) });
      // Nobody was there to be cut from.
      if (this.#isDown) await wait(50);
      else {
        this.#done += 1;
        this.#moments[moment] += 1;
        this.#cutsBy[inBatches ? "batches" : "frames"] += 1;
      }
      onProgress(`${this.#done} cuts, ${this.#ledger.head()} facts`);
    }
  }

  async #kill(): Promise<void> {
    const { cuts, kills } = this.#settings;
    for (; this.#killed < kills; this.#killed += 1) {
      while (this.#done < (cuts * (this.#killed + 1)) / (kills + 1)) await wait(20);
      this.#isDown = true;
      await this.#house.engine.kill("SIGKILL");
      this.#house.engine = await this.#house.startEngine();
      this.#isDown = false;
    }
  }

  /** Nothing moves any more: each reader comes to the end, uncut, and is compared with the engine itself. */
  async compare(findings: Findings): Promise<void> {
    await this.#untilSettled();
    const now = await snapshotAt(this.#house.port);
    const differs = await Promise.all(this.#readers.map((reader) => this.#differences(reader, now)));
    await this.#proxy?.close();
    this.#tell(findings, now.clients.length, differs.flat());
  }

  async #untilSettled(): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const { accepted, settled } = await figures(this.#house);
      if (accepted === settled) return;
      if (performance.now() > deadline)
        throw new Error(`Of ${accepted} alarms ${settled} were settled in ${patienceMs} ms.`);
      await wait(100);
    }
  }

  async #differences(reader: FoldingReader, now: Now): Promise<readonly string[]> {
    const deadline = performance.now() + patienceMs;
    const isSame = (): boolean => reader.isAtHead() && statesOf(reader, now).length === 0;
    await reader.connect((this.#proxy as CuttingProxy).port, {
      inBatches: false,
      until: () => isSame() || performance.now() > deadline,
    });
    const folded = reader.stateDiffers();
    return [
      ...(reader.isAtHead() ? [] : [`${reader.name}: did not come to the head, it is at ${reader.position}`]),
      ...statesOf(reader, now),
      ...(folded === null ? [] : [folded]),
    ];
  }

  #tell(findings: Findings, seenClients: number, differs: readonly string[]): void {
    const { cuts, kills } = this.#settings;
    const readers = this.#readers;
    const { handshake, beforeSnapshot, stream } = this.#moments;
    findings.figure("cuts", this.#done, { least: cuts });
    findings.figure("… in the handshake", handshake, { least: Math.floor(cuts / 50) });
    findings.figure("… before the snapshot had come", beforeSnapshot, { least: Math.floor(cuts / 50) });
    findings.figure("… in the stream", stream, { least: Math.floor(cuts / 4) });
    findings.figure("… with a message a frame", this.#cutsBy.frames, { least: Math.floor(cuts / 5) });
    findings.figure("… in batches", this.#cutsBy.batches, { least: Math.floor(cuts / 5) });
    findings.figure("kills of the engine with -9", this.#killed, { exactly: kills });
    findings.figure("facts in the ledger", this.#ledger.head());
    findings.figure("facts read, by all readers", sum(readers.map(({ facts }) => facts)), { least: cuts });
    findings.figure("resets, each asked for and announced", sum(readers.map(({ resets }) => resets)), {
      least: Math.floor(cuts / 100),
    });
    const wrong = readers.flatMap((reader) => reader.wrong);
    findings.none("messages that were not what they must be (F1 F2)", wrong);
    findings.none("readers whose fold differs from the engine's", differs);
    const whole = readers.filter(({ isWhole }) => isWhole).length;
    findings.figure("whole states compared (R1)", whole, { least: 1 });
    findings.figure("clients compared", seenClients, { exactly: clients });
    // Whoever is cut off by a kill may say so.
    findings.none("what the intake may not say", kills === 0 ? this.#loadWrong : []);
  }
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
        await source.connect(`ws://127.0.0.1:${port}/v1/alarms`);
        wrong.push(...(await source.run()).wrong);
      } catch {
        // The engine is being started again.
        await wait(100);
      }
    }
  }
  return wrong;
}

type Now = Awaited<ReturnType<typeof snapshotAt>>;

/** What a reader has of states, against a snapshot of an engine in which nothing moves. */
function statesOf(reader: FoldingReader, { clients: views, counters }: Now): string[] {
  const wrong: string[] = [];
  const seen = (clientId: string): ClientView | undefined => views.find((one) => one.clientId === clientId);
  if (reader.wantsStates("client.state"))
    for (const [clientId, view] of reader.clients)
      if (!isDeepStrictEqual(view, seen(clientId)))
        wrong.push(`${reader.name}: ${clientId} is ${view.state} there`);
  if (reader.wantsStates("counters") && !isDeepStrictEqual(reader.counters, counters))
    wrong.push(`${reader.name}: other counters`);
  return wrong;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
