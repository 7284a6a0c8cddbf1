/** Locks, fences, deadlines, and what operators force. */
import type { Defect } from "./defect.ts";

export const lockDefects: readonly Defect[] = [
  {
    name: "fence checked only in the client",
    law: "L3",
    file: "actors/gateway.ts",
    was: `const expect: Expectation[] = [{ stream: clientStream(clientId), revision: item.claim }]; // L3`,
    becomes: `const expect: Expectation[] = [];`,
    tests: ["test/engine/races.test.ts", "test/engine/force.test.ts"],
  },
  {
    name: "fence not checked in the client",
    law: "L3",
    file: "machines/client-replies.ts",
    was: `return lock !== null && lock.lockGuid === asking.lockGuid && lock.fence === asking.fence;`,
    becomes: `return lock !== null && lock.lockGuid === asking.lockGuid;`,
    tests: ["test/machines/ticket-client.test.ts"],
  },
  {
    name: "the end of a flow commits without its claim",
    law: "L3",
    file: "actors/ticket-client.ts",
    was: `const done = await journal.append(entries, [held, ...judged]);`,
    becomes: `const done = await journal.append(entries, judged);`,
    tests: ["test/engine/force.test.ts#L3: a close"],
  },
  {
    name: "fence reset by restart",
    law: "L2",
    file: "machines/fold.ts",
    was: `for (const client of state.clients.values()) {
    client.lock = null;`,
    becomes: `for (const client of state.clients.values()) {
    client.fence = 0;
    client.lock = null;`,
    tests: ["test/engine/locks.test.ts", "test/machines/state.test.ts"],
  },
  {
    name: "fence not raised by force unlock",
    law: "L2",
    file: "machines/fold.ts",
    was: `if (client.lock?.fence === fact.body.fence) {`,
    becomes: `if (client.lock?.fence === fact.body.fence) {
        if (fact.type === "client.lockForced") client.fence -= 1;`,
    tests: ["test/engine/locks.test.ts", "test/machines/state.test.ts"],
  },
  {
    name: "an older lock's end frees the client of the newer",
    law: "L1 L2",
    file: "machines/fold.ts",
    was: `if (client.lock?.fence === fact.body.fence) {`,
    becomes: `if (client.lock !== null) {`,
    tests: ["test/machines/state.test.ts", "test/engine/locks.test.ts"],
  },
  {
    name: "lock without GUID",
    law: "L1",
    file: "actors/dispatcher.ts",
    was: `const lockGuid = ids.uuid();`,
    becomes: `const lockGuid = "";`,
    tests: ["test/engine/locks.test.ts#L1"],
  },
  {
    name: "one client given to two flows",
    law: "L1",
    file: "actors/dispatcher.ts",
    was: `const [clientId = ""] = this.#idle;
    this.#idle.delete(clientId);`,
    becomes: `const [clientId = ""] = this.#idle;
    if (this.#idle.size > 1) this.#idle.delete(clientId);`,
    tests: ["test/engine/locks.test.ts", "test/engine/admission.test.ts#A4"],
  },
  {
    name: "force unlock frees the key",
    law: "L4",
    file: "machines/flow-end.ts",
    was: `    case "sending":
      return [];`,
    becomes: `    case "sending":
      return cancelRequest(key, request, at, because, forced);`,
    tests: ["test/engine/force.test.ts", "test/machines/flow-end.test.ts"],
  },
  {
    name: "force unlock leaves a planned request to be sent",
    law: "L4",
    file: "machines/flow-end.ts",
    was: `    case "planned":
      return cancelRequest(key, request, at, because, forced);`,
    becomes: `    case "planned":
      return [];`,
    tests: ["test/engine/force.test.ts", "test/machines/flow-end.test.ts"],
  },
  {
    name: "force unlock releases a newer lock",
    law: "L6",
    file: "actors/operator-commands.ts",
    was: `if (view.lockGuid !== force.lockGuid) return this.#moved(clientId);`,
    becomes: `if (view.lockGuid === "") return this.#moved(clientId);`,
    tests: ["test/engine/force.test.ts"],
  },
  {
    name: "a force takes effect before its record is durable",
    law: "L6",
    file: "actors/operator-commands.ts",
    was: `const { lockGuid, fence } = seen.value;
    // The lock`,
    becomes: `const { lockGuid, fence } = seen.value;
    this.#ports.client(clientId)?.send({ type: "client.forceUnlock", lockGuid, fence });
    // The lock`,
    tests: ["test/engine/force.test.ts", "test/engine/races.test.ts"],
  },
  {
    name: "a force is recorded without its reason",
    law: "L6",
    file: "machines/flow-end.ts",
    was: `by: ending.by,
      reason: ending.reason,`,
    becomes: `by: ending.by,
      reason: "",`,
    tests: ["test/engine/force.test.ts", "test/machines/flow-end.test.ts"],
  },
  {
    name: "no deadline for a lock",
    law: "L5",
    file: "actors/lock-deadlines.ts",
    was: `const id = this.#clock.setTimeout(() => this.#fire(clientId, lockGuid), ms);`,
    becomes: `const id = ms < 0 ? this.#clock.setTimeout(() => this.#fire(clientId, lockGuid), ms) : null;`,
    tests: ["test/engine/locks.test.ts"],
  },
  {
    name: "the deadline of an earlier lock ends the newer",
    law: "L5 L3",
    file: "machines/ticket-client.machine.ts",
    was: `event.type === "lock.expired" && context.lock?.fence === event.fence,`,
    becomes: `event.type === "lock.expired" && context.lock !== null,`,
    tests: ["test/machines/ticket-client.test.ts"],
  },
  {
    name: "wall clock for lock age",
    law: "R5",
    file: "actors/ticket-client.ts",
    was: `          self.send({ type: "lock.expired", fence }),
        ),`,
    becomes: `{
          if (ports.clock.now() >= (context.lock?.lockTime ?? 0) + 300_000)
            self.send({ type: "lock.expired", fence });
        }),`,
    tests: ["test/engine/clock-jumps.test.ts#R5 L5"],
  },
  {
    name: "an answer that comes after a pause goes before the deadline",
    law: "L3",
    file: "actors/lock-deadlines.ts",
    was: `if (deadline?.lockGuid !== lockGuid || this.#clock.monotonicMs() < deadline.dueMs) return false;`,
    becomes: `if (deadline?.lockGuid !== lockGuid || this.#clock.monotonicMs() < deadline.dueMs || deadline.timer !== null)
      return false;`,
    tests: ["test/engine/late-deadlines.test.ts"],
  },
  {
    name: "deadline lost on restart",
    law: "R5 A2",
    file: "actors/dispatcher.ts",
    was: `for (const key of this.#ports.journal.state.keys.values()) this.#touch(key.key);`,
    becomes: `for (const key of this.#ports.journal.state.keys.values())
      if (key.parked === null) this.#touch(key.key);`,
    tests: ["test/engine/recovery.test.ts#R5|L5"],
  },
  {
    name: "deadline restarted in full",
    law: "R5",
    file: "actors/parked-keys.ts",
    was: `if (reason === "inDoubt") return whole;`,
    becomes: `if (reason !== "holdDown") return whole;`,
    tests: ["test/engine/recovery.test.ts#R5|L5"],
  },
  {
    name: "a settling time counted by the wall clock",
    law: "T1 R5",
    file: "actors/parked-keys.ts",
    was: `if (reason === "inDoubt") return whole;`,
    becomes: ``,
    tests: ["test/engine/recovery.test.ts#R5|L5"],
  },
  {
    name: "a set clock stretches a wait",
    law: "R5",
    file: "actors/parked-keys.ts",
    was: `return Math.min(Math.max(left, 0), whole);`,
    becomes: `return Math.max(left, 0);`,
    tests: ["test/engine/recovery.test.ts#R5|L5"],
  },
  {
    name: "a restart leaves the locks of the dead process",
    law: "L5",
    file: "machines/recovery.ts",
    was: `if (client.lock === null) continue;`,
    becomes: `if (client.lock !== null) continue;`,
    tests: ["test/engine/locks.test.ts", "test/engine/recovery.test.ts#R5|L5"],
  },
];
