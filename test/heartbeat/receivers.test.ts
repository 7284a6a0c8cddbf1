/** What receivers and crashes may not do, the process's own check, and the end. */
import { describe, expect, test } from "vitest";
import { createSupervisor } from "../../actors/supervisor.ts";
import { resolveConfig } from "../../actors/config.ts";
import { createMemoryReceiver } from "../../adapters/heartbeat/memory.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { limits } from "../../machines/limits.ts";
import { acceptAll, notification } from "../engine/notifications.ts";
import { World } from "../engine/engine-under-test.ts";
import { beating } from "./rig.ts";

const lost = { code: "BEAT_UNANSWERED", detail: "no answer: ECONNREFUSED" } as const;

describe("a receiver", () => {
  test("that never answers holds up no flow and no client: alarms settle while each message waits its five seconds", async () => {
    const rig = await beating(["chain", "engine"], { config: { clients: 1 } });
    rig.answer = () => "silence";
    await rig.engine.pass(300);
    expect(rig.kinds("chain")).toEqual(["start", "success", "start"]);
    await acceptAll(rig.engine, notification("1"));
    await rig.engine.quiet();
    expect(await rig.engine.outcomes()).toEqual({ 1: "created" });
    await rig.engine.pass(limits.heartbeatTimeoutMs / 1000);
    expect(rig.kinds("chain").at(-1)).toBe("success");
    await acceptAll(rig.engine, notification("2", { key: "node-2" }));
    await rig.engine.quiet();
    expect(await rig.engine.outcomes()).toEqual({ 1: "created", 2: "created" });
    await rig.engine.pass(limits.heartbeatTimeoutMs / 1000);
    expect((await rig.facts("chain")).at(-1)).toMatchObject({
      type: "heartbeat.failed",
      body: { beat: "success", failure: { code: "BEAT_UNANSWERED" } },
    });
    expect(await rig.broken()).toEqual([]);
  });

  test("that is lost is said once in the log, counted in the view, and the next run goes its way", async () => {
    const rig = await beating(["engine"]);
    rig.answer = () => lost;
    await rig.engine.pass(180);
    expect(rig.engine.logged).toEqual(["heartbeat.lost"]);
    expect(rig.engine.supervisor.snapshot().heartbeat.engine).toMatchObject({
      success: 1,
      notTaken: 3,
      missed: 3,
      lastFailure: { failure: lost },
    });
    rig.answer = () => null;
    await rig.engine.pass(60);
    expect(rig.engine.supervisor.snapshot().heartbeat.engine).toMatchObject({ success: 2, missed: 0 });
    expect((await rig.facts("engine")).map(({ type }) => type)).toEqual([
      "heartbeat.sent",
      ...Array.from({ length: 3 }, () => "heartbeat.failed"),
      "heartbeat.sent",
    ]);
    expect(await rig.broken()).toEqual([]);
  });
});

describe("the process's check", () => {
  test("beats each minute while the chain's probe hangs: they are two", async () => {
    const rig = await beating(["chain", "engine"]);
    rig.world.onSearch = () => ({ hold: new Promise(() => {}) });
    await rig.engine.pass(300 + 100);
    expect(rig.kinds("chain")).toEqual(["start", "success", "start"]);
    expect(rig.process.beats.map(({ atMs }) => atMs)).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((run) => run * 60_000),
    );
    expect(new Set(rig.kinds("engine"))).toEqual(new Set(["success"]));
    expect(new Set(rig.process.beats.map(({ rid }) => rid)).size).toBe(7);
  });

  test("H1: it never goes to the chain's receiver, nor the other way round", async () => {
    const rig = await beating(["engine"]);
    await rig.engine.pass(600);
    expect([rig.chain.beats.length, rig.process.beats.length]).toEqual([0, 11]);
    expect(await rig.engine.facts("client.locked")).toEqual([]);
  });
});

describe("R6: a check whose actor throws", () => {
  test("leaves a fact, is begun anew, and clients, flows and the other check go on", async () => {
    let poison = 2;
    const rig = await beating(["chain", "engine"], {
      receiver: (url, memory) => ({
        ...memory,
        beat(beat, signal) {
          if (url.endsWith("engine") && poison-- > 0) throw new Error("the receiver threw");
          return memory.beat(beat, signal);
        },
      }),
    });
    await acceptAll(rig.engine, notification("1"));
    await rig.engine.settled();
    expect(await rig.engine.outcomes()).toEqual({ 1: "created" });
    expect(rig.engine.supervisor.snapshot().clients.map(({ state }) => state)).toEqual(["idle", "idle"]);
    expect((await rig.facts("engine")).map(({ body }) => body)).toMatchObject([
      { beat: null, failure: { code: "BEAT_CRASHED" } },
      { beat: null, failure: { code: "BEAT_CRASHED" } },
      { beat: "success" },
    ]);
    expect(rig.engine.logged).toEqual(["child.crashed", "child.crashed"]);
    expect(rig.kinds("chain")).toEqual(["start", "success"]);
    expect(await rig.broken()).toEqual([]);
  });

  test("again and again is quarantined, and the engine goes on", async () => {
    const rig = await beating(["engine"], {
      receiver: (_, memory) => ({ ...memory, beat: () => Promise.reject(new Error("the receiver threw")) }),
    });
    await rig.engine.pass(30);
    expect(rig.engine.logged).toHaveLength(limits.restartIntensity + 1);
    await acceptAll(rig.engine, notification("1"));
    await rig.engine.settled();
    expect(rig.engine.supervisor.snapshot().clients.map(({ clientId }) => clientId)).toEqual([
      "client-01",
      "client-02",
    ]);
    expect(rig.engine.failures).toEqual([]);
    expect(await rig.broken()).toEqual([]);
  });
});

describe("H1: once a stop has begun", () => {
  test("a probe under way is ended, its client unlocked, nothing is sent, and no timer is left", async () => {
    const rig = await beating(["chain", "engine"]);
    rig.world.onSearch = () => ({ hold: new Promise(() => {}) });
    await rig.engine.pass(300);
    const before = rig.chain.beats.length + rig.process.beats.length;
    const stopping = rig.engine.supervisor.stop();
    await rig.engine.quiet();
    await stopping;
    expect(rig.world.storage.facts.filter(({ type }) => type === "client.lockForced")).toMatchObject([
      { body: { by: "heartbeat", reason: "The probe was given up: the engine stops." } },
    ]);
    expect(rig.chain.beats.length + rig.process.beats.length).toBe(before);
    expect(rig.world.clock.nextInMs).toBeNull();
    expect(rig.engine.failures).toEqual([]);
  });

  test("a probe that waits for a client waits no longer", async () => {
    const rig = await beating(["chain"], { config: { clients: 1 } });
    await rig.engine.pass(299);
    const held = await rig.engine.supervisor.lock();
    await rig.engine.pass(1);
    const stopping = rig.engine.supervisor.stop();
    await rig.engine.quiet();
    await held.close();
    await stopping;
    expect(rig.kinds("chain")).toEqual(["start", "success", "start"]);
    expect(rig.world.clock.nextInMs).toBeNull();
  });

  test("while flows drain the process's check is silent too", async () => {
    const rig = await beating(["chain", "engine"]);
    const held = await rig.engine.supervisor.lock();
    const stopping = rig.engine.supervisor.stop({ drainSeconds: 200 });
    await rig.engine.pass(150);
    await held.close();
    await stopping;
    expect([rig.kinds("chain").length, rig.kinds("engine").length]).toEqual([2, 1]);
  });

  test.each(["start", "success"] as const)(
    "a %s that the receiver has not answered is given up",
    async (kind) => {
      const rig = await beating();
      rig.answer = (_, beat) => (beat.kind === kind ? "silence" : null);
      await rig.engine.pass(300);
      const facts = rig.world.storage.facts.length;
      await rig.engine.supervisor.stop();
      expect(rig.chain.beats.at(-1)?.kind).toBe(kind);
      expect(rig.world.storage.facts.length).toBe(facts);
      expect(rig.world.clock.nextInMs).toBeNull();
      expect(rig.engine.failures).toEqual([]);
    },
  );
});

describe("settings", () => {
  test("without an address there is no heartbeat: no actor, no fact, nothing asked of the service", async () => {
    const rig = await beating([]);
    await rig.engine.pass(3_600);
    expect(rig.engine.supervisor.snapshot().heartbeat).toEqual({ chain: null, engine: null });
    expect(rig.world.searches).toBe(0);
    expect((await rig.engine.history()).map(({ type }) => type)).not.toContain("heartbeat.sent");
    expect(rig.world.clock.nextInMs).toBeNull();
  });

  test("an address that nothing can send to is refused at the start", async () => {
    const { clock, service, row } = new World();
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const starting = createSupervisor({
      config: { heartbeat: { engineUrl: "http://receiver/x" } },
      ledger: createMemoryLedger(createMemoryStorage()),
      ids: { uuid: () => "id", random: () => 0 },
      log: silent,
      services: [row],
      clock,
      service,
    });
    await expect(starting).rejects.toThrow(/CONFIGURATION_INVALID: heartbeat\.engineUrl is set/);
  });

  test.each([
    [{ url: "https://u:secret@hc.example/ping/secret?x=1" }, /heartbeat\.url: expected http/],
    [{ url: "https://hc.example/ping/secret#x" }, /heartbeat\.url: expected http/],
    [{ url: "ftp://hc.example/secret" }, /heartbeat\.url: expected http/],
    [{ engineUrl: "secret" }, /heartbeat\.engineUrl: expected http/],
    [{ engineUrl: "" }, /heartbeat\.engineUrl: expected http/],
    [{ everySeconds: limits.heartbeatEverySecondsLowest - 1 }, /heartbeat\.everySeconds: /],
    [{ probeSeconds: limits.heartbeatProbeSecondsLowest - 1 }, /heartbeat\.probeSeconds: /],
    [{ probeSeconds: limits.heartbeatSecondsHighest + 1 }, /heartbeat\.probeSeconds: /],
    [
      { everySecond: 60 },
      /heartbeat\.everySecond is not a setting; did you mean heartbeat\.everySeconds|everySeconds\?/,
    ],
  ])("%j is refused with its place, and no message repeats an address (S4)", (heartbeat, message) => {
    const read = resolveConfig({ heartbeat });
    if (read.ok) throw new Error("accepted");
    expect(read.failure.detail).toMatch(message);
    expect(read.failure.detail).not.toContain("secret");
  });

  test("the shortest periods stay below the receiver's rate", async () => {
    const { heartbeatEverySecondsLowest: everySeconds, heartbeatProbeSecondsLowest: probeSeconds } = limits;
    const world = new World();
    const { clock } = world;
    const receivers = new Map(
      ["http://r/c", "http://r/e"].map((url) => [url, createMemoryReceiver({ clock })]),
    );
    const [url = "", engineUrl = ""] = receivers.keys();
    const engine = await world.open({
      config: { heartbeat: { url, engineUrl, everySeconds, probeSeconds } },
      more: { heartbeatReceiver: (one) => receivers.get(one) ?? createMemoryReceiver({ clock }) },
    });
    await engine.pass(600);
    expect([...receivers.values()].map((one) => [one.beats.length, one.dropped()])).toEqual([
      [42, 0],
      [41, 0],
    ]);
  });
});
