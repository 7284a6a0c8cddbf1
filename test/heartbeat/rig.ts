/** An engine with a heartbeat, on a clock of the test; receivers in memory. */
import type { ConfigInput } from "../../actors/config.ts";
import type { Beat, HeartbeatReceiver } from "../../actors/ports.ts";
import { createMemoryReceiver, type MemoryReceiver } from "../../adapters/heartbeat/memory.ts";
import type { Fact, FactOf } from "../../machines/facts.ts";
import type { Failure } from "../../machines/failure.ts";
import type { HeartbeatCheck } from "../../machines/heartbeat.ts";
import { World, type EngineUnderTest, type WorldOptions } from "../engine/engine-under-test.ts";

export interface Beating {
  readonly world: World;
  readonly engine: EngineUnderTest;
  readonly chain: MemoryReceiver;
  readonly process: MemoryReceiver;
  /** What a test changes as it goes; asked at every beat. */
  answer: (check: HeartbeatCheck, beat: Beat) => Failure | "silence" | null;
  /** Opens the engine once more on what is durable. */
  reopen(): Promise<EngineUnderTest>;
  kinds(check: HeartbeatCheck): string[];
  facts(check: HeartbeatCheck): Promise<FactOf<"heartbeat.sent" | "heartbeat.failed">[]>;
  /** Sentences about broken laws. */
  broken(): Promise<string[]>;
}

const urls = { chain: "http://receiver/chain", engine: "http://receiver/engine" } as const;

export async function beating(
  checks: readonly HeartbeatCheck[] = ["chain"],
  options: WorldOptions & {
    /** Instead of a receiver in memory. */
    readonly receiver?: (url: string, memory: HeartbeatReceiver) => HeartbeatReceiver;
  } = {},
): Promise<Beating> {
  const heartbeat: ConfigInput["heartbeat"] = {
    url: checks.includes("chain") ? urls.chain : null,
    engineUrl: checks.includes("engine") ? urls.engine : null,
  };
  const world = new World({ ...options, config: { clients: 2, ...options.config, heartbeat } });
  const rig = { answer: (): Failure | "silence" | null => null } as Pick<Beating, "answer">;
  const { clock } = world;
  const chain = createMemoryReceiver({ clock, onBeat: (beat) => rig.answer("chain", beat) });
  const process = createMemoryReceiver({ clock, onBeat: (beat) => rig.answer("engine", beat) });
  const open = () =>
    world.open({
      more: {
        heartbeatReceiver: (url) => {
          const memory = url === urls.chain ? chain : process;
          return options.receiver?.(url, memory) ?? memory;
        },
      },
    });
  const engine = await open();
  await engine.quiet();
  return Object.assign(rig, {
    world,
    engine,
    chain,
    process,
    reopen: open,
    kinds: (check: HeartbeatCheck) => (check === "chain" ? chain : process).beats.map(({ kind }) => kind),
    async facts(check: HeartbeatCheck) {
      const sent = (await engine.history()).filter(isBeat);
      return sent.filter(({ body }) => body.check === check);
    },
    broken: async () => [...(await engine.broken()), ...unproven(await engine.history())],
  });
}

function isBeat(fact: Fact): fact is FactOf<"heartbeat.sent" | "heartbeat.failed"> {
  return fact.type === "heartbeat.sent" || fact.type === "heartbeat.failed";
}

/** H1, read from the ledger alone: each success of the chain has its lock, its answered search and its unlock since the one before. */
export function unproven(history: readonly Fact[]): string[] {
  const broken: string[] = [];
  let locked = new Set<string>();
  let searched = new Set<string>();
  let unlocked = new Set<string>();
  for (const fact of history) {
    if (fact.type === "client.locked") locked.add(fact.body.lockGuid);
    else if (fact.type === "client.unlocked") unlocked.add(fact.body.lockGuid);
    else if (fact.type === "response.row" && !fact.body.change) {
      const { row } = fact.body;
      if (row.command === "search" && row.status === "ok") searched.add(row.lockGuid);
    } else if (isBeat(fact) && fact.body.check === "chain") {
      const { beat, lockGuid } = fact.body;
      const proven = [locked, searched, unlocked].every((set) => set.has(lockGuid ?? ""));
      if (beat === "success" && !proven) broken.push(`H1: the beat at ${fact.position} speaks for nothing`);
      [locked, searched, unlocked] = [new Set(), new Set(), new Set()];
    }
  }
  return broken;
}
