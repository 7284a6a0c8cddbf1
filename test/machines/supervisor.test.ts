/** What the supervisor answers to every event, who is begun anew after a crash, and how it stops. Quarantines stand in quarantine.test.ts. */
import { getShortestPaths } from "xstate/graph";
import { describe, expect, test } from "vitest";
import { heartbeatChecks } from "../../machines/heartbeat.ts";
import { limits } from "../../machines/limits.ts";
import {
  clientNames,
  heartbeatCheckOf,
  heartbeatChild,
  supervisorMachine,
  type SupervisorEvent,
} from "../../machines/supervisor.machine.ts";
import { createPayload, service } from "./given.ts";
import { checkChart, checkTable } from "./transition-table.ts";
import { beating, quarantine, rigIn, throwIn } from "./supervisor-rig.ts";

/* A state's name: goes there (its own name: stays and does something). `–`: nothing happens. `crash`: given up upward. */
const table = `
state   | supervisor.start | gateway.open/new | gateway.open/again | child.recover/crashed | child.recover/alive | quarantine.over | heartbeat.stop | * fails | supervisor.stop
waiting | running          | –                | –                  | –                     | –                   | –               | –              | crash   | –
running | –                | running          | –                  | running               | –                   | running         | running        | running | stopped
stopped | –                | –                | –                  | –                     | –                   | –               | –              | crash   | –
`;

function probe(state: string, event: string): string {
  const rig = rigIn(state, event === "heartbeat.stop" ? beating : []);
  if (rig.actor.getSnapshot().status === "done") return "–"; // a final state takes nothing more
  const [type = "", kind] = event.split("/");
  if (state === "running" && event === "gateway.open/again")
    rig.actor.send({ type: "gateway.open", service: "OSB" });
  if (state === "running" && event === "child.recover/crashed") rig.crash("client-01");
  if (state === "running" && type === "quarantine.over") quarantine(rig, "client-01");
  const before = [rig.children(), rig.reports.length];
  if (type === "* fails") {
    if (state === "running") rig.crash("client-01");
    else
      rig.actor.send({
        type: "xstate.error.actor.client-01",
        error: new Error("thrown"),
      } as unknown as SupervisorEvent);
  } else {
    const child = kind === "alive" ? "client-02" : "client-01";
    rig.actor.send({ type, service: "OSB", child } as unknown as SupervisorEvent);
  }
  if (rig.crashes.length > 0) return "crash";
  const after = [rig.children(), rig.reports.length];
  return rig.state() === state && JSON.stringify(before) === JSON.stringify(after) ? "–" : rig.state();
}

describe("supervisor", () => {
  test("every state answers every event as its table says", () => {
    checkTable(supervisorMachine, table, probe);
  });

  test("the chart keeps the laws of all charts", () => {
    checkChart(supervisorMachine);
  });

  test("every reachable state of the chart is reached, and no path leaves `stopped`", () => {
    const types = ["supervisor.start", "supervisor.stop", "gateway.open", "child.recover", "quarantine.over"];
    // Its actions ask the running actor for its children; xstate/graph runs none.
    const chart = supervisorMachine.provide({
      actions: { stopChildren: () => {}, spawnGateway: () => {}, respawn: () => {} },
    });
    const paths = getShortestPaths(chart, {
      input: { clients: 1, monotonicMs: () => 0 },
      events: types.map((type) => ({
        type,
        service: "OSB",
        child: "client-01",
      })) as unknown as SupervisorEvent[],
      serializeState: ({ value }) => value,
      serializeEvent: ({ type }) => type,
    });
    expect(new Set(paths.map(({ state }) => state.value))).toEqual(
      new Set(["waiting", "running", "stopped"]),
    );
    for (const { steps } of paths) {
      const stopped = steps.findIndex(({ state }) => state.value === "stopped");
      if (stopped >= 0) expect(stopped).toBe(steps.length - 1);
    }
  });

  test("clients are named with as many digits as the pool needs, two at least", () => {
    expect(clientNames(2)).toEqual(["client-01", "client-02"]);
    expect(clientNames(100)[0]).toBe("client-001");
    expect(clientNames(100)[99]).toBe("client-100");
  });

  test("R6: a client that throws is replaced when its crash is durable, and its neighbour goes on", () => {
    const rig = rigIn("running");
    const neighbour = rig.actor.getSnapshot().children["client-02"];
    rig.crash("client-01");
    expect(rig.crashes).toEqual([]);
    expect(rig.children(), "nothing runs before the crash is durable").toEqual(["client-02"]);
    expect(rig.actor.getSnapshot().context.restarting).toEqual(["client-01"]);
    expect(rig.reports).toEqual([{ child: "client-01", cause: "thrown", crashes: 1, quarantined: false }]);
    rig.actor.send({ type: "child.recover", child: "client-01" });
    expect(rig.children()).toEqual(["client-01", "client-02"]);
    expect(rig.actor.getSnapshot().children["client-02"]).toBe(neighbour);
  });

  test("R6: a gateway that throws is replaced and remembers its service", () => {
    const rig = rigIn("running");
    rig.actor.send({ type: "gateway.open", service: "OSB" });
    const [first] = [rig.actor.getSnapshot().children["gateway:OSB"]];
    first?.send({ type: "xstate.error.actor.x", error: new Error("thrown") } as never);
    expect(rig.children()).toEqual(["client-01", "client-02"]);
    rig.actor.send({ type: "child.recover", child: "gateway:OSB" });
    const second = rig.actor.getSnapshot().children["gateway:OSB"];
    expect(second).not.toBe(first);
    const request = {
      requestId: "r1",
      key: "NE-1",
      clientId: "client-01",
      lockGuid: "g",
      service: service(),
      payload: createPayload,
    };
    second?.send({
      type: "gateway.enqueue",
      item: {
        request,
        age: 1,
        attempt: 1,
        claim: 1,
        isPlanned: () => true,
        openBefore: new Set(),
        reply: () => {},
      },
    } as never);
    expect(second?.getSnapshot()).toMatchObject({ value: "claiming" });
  });

  test("R6: a check of the heartbeat that throws is begun anew with its period, and clients and the other check go on", () => {
    const rig = rigIn("running", beating);
    const all = ["client-01", "client-02", "heartbeat:chain", "heartbeat:engine"];
    expect(rig.children()).toEqual(all);
    const others = all.filter((child) => child !== "heartbeat:engine");
    const refs = others.map((child) => rig.actor.getSnapshot().children[child]);
    throwIn(rig, "heartbeat:engine");
    expect(rig.crashes).toEqual([]);
    expect(rig.children()).toEqual(others);
    expect(rig.reports).toMatchObject([{ child: "heartbeat:engine", cause: "thrown", quarantined: false }]);
    rig.actor.send({ type: "child.recover", child: "heartbeat:engine" });
    expect(rig.children()).toEqual(all);
    expect(rig.actor.getSnapshot().children["heartbeat:engine"]?.getSnapshot()).toMatchObject({
      value: "reporting",
      context: { check: "engine", periodMs: 60_000 },
    });
    expect(others.map((child) => rig.actor.getSnapshot().children[child])).toEqual(refs);
  });

  test("G1: a gateway that is opened again is the one there is", () => {
    const rig = rigIn("running");
    rig.actor.send({ type: "gateway.open", service: "OSB" });
    const first = rig.actor.getSnapshot().children["gateway:OSB"];
    rig.actor.send({ type: "gateway.open", service: "OSB" });
    expect(rig.actor.getSnapshot().children["gateway:OSB"]).toBe(first);
    rig.actor.send({ type: "gateway.open", service: "OTHER" });
    expect(rig.children()).toEqual(["client-01", "client-02", "gateway:OSB", "gateway:OTHER"]);
  });

  test("which check of the heartbeat a child is", () => {
    expect(heartbeatChecks.map((check) => heartbeatCheckOf(heartbeatChild(check)))).toEqual([
      "chain",
      "engine",
    ]);
    expect([heartbeatCheckOf("client-01"), heartbeatCheckOf("chain")]).toEqual([null, null]);
  });

  test("stopping ends children in the reverse order of their beginning", () => {
    const rig = rigIn("running", beating);
    rig.actor.send({ type: "gateway.open", service: "OSB" });
    const ended: string[] = [];
    for (const [name, ref] of Object.entries(rig.actor.getSnapshot().children))
      ref?.subscribe({ complete: () => ended.push(name) });
    rig.actor.send({ type: "supervisor.stop" });
    expect(ended).toEqual(["gateway:OSB", "heartbeat:engine", "heartbeat:chain"]);
  });

  test("L5 R6: of several that crashed each comes back as itself, when its own crash is durable", () => {
    const rig = rigIn("running");
    rig.actor.send({ type: "gateway.open", service: "OSB" });
    const restarting = () => rig.actor.getSnapshot().context.restarting;
    const contexts = () =>
      rig.children().map((name) => [name, rig.actor.getSnapshot().children[name]?.getSnapshot().context]);
    const all = [
      ["client-01", { clientId: "client-01" }],
      ["client-02", { clientId: "client-02" }],
      ["gateway:OSB", { service: "OSB" }],
    ];
    expect(contexts()).toMatchObject(all);
    rig.crash("client-01");
    rig.crash("client-02");
    expect(restarting()).toEqual(["client-01", "client-02"]);
    rig.actor.send({ type: "child.recover", child: "client-02" });
    expect([restarting(), rig.children()]).toEqual([["client-01"], ["client-02", "gateway:OSB"]]);
    for (let crashed = 1; crashed <= limits.restartIntensity; crashed += 1) {
      rig.crash("client-02");
      rig.actor.send({ type: "child.recover", child: "client-02" });
    }
    expect(restarting(), "who is in quarantine is not restarting").toEqual(["client-01"]);
    rig.actor.send({ type: "child.recover", child: "client-01" });
    rig.clock.advance(limits.quarantineSeconds * 1000);
    expect(restarting()).toEqual([]);
    expect(contexts()).toMatchObject(all);
  });

  test("stopping ends every child but idle clients, which have nothing to end", () => {
    const rig = rigIn("running");
    rig.actor.send({ type: "gateway.open", service: "OSB" });
    const refs = rig.actor.getSnapshot().children;
    const held = refs["client-02"];
    const lock = { lockGuid: "guid-1", fence: 1, lockTime: 0 };
    held?.send({ type: "client.lock", lock, claim: 1, dueMs: 1_000, flow: null });
    rig.actor.send({ type: "supervisor.stop" });
    const status = Object.entries(refs).map(([name, ref]) => `${name} ${ref?.getSnapshot().status}`);
    expect(status.sort()).toEqual(["client-01 active", "client-02 stopped", "gateway:OSB stopped"]);
  });
});
