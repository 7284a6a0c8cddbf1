/** Crashes, restarts, the heartbeat. */
import type { Defect } from "./defect.ts";

export const supervisionDefects: readonly Defect[] = [
  {
    name: "heartbeat from its own timer",
    law: "H1",
    file: "actors/heartbeat.ts",
    was: `probe: fromPromise<ProbeVerdict>(({ signal }) => probe(ports, signal)),`,
    becomes: `probe: fromPromise<ProbeVerdict>(() =>
        Promise.resolve({ ok: true, because: "", lockGuid: null, durationMs: 0 }),
      ),`,
    tests: ["test/heartbeat/chain.test.ts"],
  },
  {
    name: "a beat of the chain whatever its probe found",
    law: "H1",
    file: "actors/heartbeat.ts",
    was: `const beat = verdict === null || verdict.ok ? "success" : "fail";`,
    becomes: `const beat = verdict === null || verdict.durationMs >= 0 ? "success" : "fail";`,
    tests: ["test/heartbeat/chain.test.ts"],
  },
  {
    name: "restarts without limit",
    law: "L5 R6",
    file: "machines/supervisor.machine.ts",
    was: `recentCrashes(context, crashedChild(event)).length >= limits.restartIntensity,`,
    becomes: `recentCrashes(context, crashedChild(event)).length < 0,`,
    tests: ["test/machines/quarantine.test.ts"],
  },
  {
    name: "quarantines are counted for life",
    law: "R6",
    file: "machines/supervisor.machine.ts",
    was: `return calmMs >= limits.quarantineForgottenSeconds * 1000 ? 0 : (quarantined[child] ?? 0);`,
    becomes: `return calmMs < 0 ? 0 : (quarantined[child] ?? 0);`,
    tests: ["test/machines/quarantine.test.ts"],
  },
  {
    name: "crashes counted by the wall clock",
    law: "R5",
    file: "actors/supervisor.ts",
    was: `monotonicMs: () => clock.monotonicMs(),`,
    becomes: `monotonicMs: () => clock.now(),`,
    tests: ["test/engine/failures.test.ts#R5: crashes"],
  },
  {
    name: "child error kills the parent",
    law: "R6",
    file: "machines/supervisor.machine.ts",
    was: `"xstate.error.actor.*": [`,
    becomes: `"xstate.error.actor.nobody": [`,
    tests: ["test/machines/supervisor.test.ts", "test/engine/failures.test.ts"],
  },
  {
    name: "an alarm may crash its flow for ever",
    law: "R6",
    file: "machines/flow-end.ts",
    was: `key.crashes + 1 >= limits.flowCrashesMax &&`,
    becomes: `key.crashes < 0 &&`,
    tests: ["test/engine/failures.test.ts", "test/machines/flow-end.test.ts"],
  },
  {
    name: "the death of the process counts against an alarm",
    law: "R6",
    file: "machines/fold.ts",
    was: `state.capture?.before(key);
    key.flow = null;`,
    becomes: `state.capture?.before(key);
    if (key.flow !== null) key.crashes += 1;
    key.flow = null;`,
    tests: ["test/engine/failures.test.ts#R6: the death", "test/machines/flow-end.test.ts"],
  },
  {
    name: "a crashed client lives again before its crash is durable",
    law: "R6 L5",
    file: "actors/crash-recovery.ts",
    was: `await endForcibly({ journal: this.#ports.journal, clock }, child, { how: "crashed", cause }, null);`,
    becomes: `void endForcibly({ journal: this.#ports.journal, clock }, child, { how: "crashed", cause }, null);`,
    tests: ["test/engine/failures.test.ts#R6 L5: a client that crashed"],
  },
  {
    name: "what a crashed gateway was exchanging goes on",
    law: "G1",
    file: "machines/supervisor.machine.ts",
    was: `if (isActive(ref)) enqueue(() => ref.send({ type: "xstate.stop" }));`,
    becomes: `isActive(ref);`,
    tests: ["test/engine/broken-off.test.ts"],
  },
  {
    name: "what a crashed gateway had claimed stays as being sent",
    law: "G2",
    file: "actors/gateway.ts",
    was: `await Promise.all(claimed.map((item) => endClaimed(ports, item)));`,
    becomes: ``,
    tests: ["test/engine/failures.test.ts#G2 A2: a gateway that crashes"],
  },
  {
    name: "two gateways after a double start",
    law: "G1",
    file: "machines/supervisor.machine.ts",
    was: `if (self.getSnapshot().children[child] !== undefined) return { restarting }; // G1: opened meanwhile`,
    becomes: ``,
    tests: ["test/machines/supervisor.test.ts", "test/machines/hard-cases.test.ts"],
  },
  {
    name: "a gateway is opened beside the one there is",
    law: "G1",
    file: "machines/supervisor.machine.ts",
    was: `event.type !== "gateway.open" ||
        self.getSnapshot().children[gatewayChild(event.service)] !== undefined`,
    becomes: `event.type !== "gateway.open"`,
    tests: ["test/machines/supervisor.test.ts"],
  },
  {
    name: "stopping leaves locked clients at work",
    law: "L5",
    file: "machines/supervisor.machine.ts",
    was: `if (!isIdleClient(children[child])) enqueue.stopChild(child);`,
    becomes: `if (isIdleClient(children[child])) enqueue.stopChild(child);`,
    tests: ["test/machines/supervisor.test.ts", "test/engine/locks.test.ts"],
  },
];
