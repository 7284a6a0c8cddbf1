import { createActor, fromPromise, type ActorRefFrom } from "xstate";
import { getSimplePaths } from "xstate/graph";
import { describe, expect, test } from "vitest";
import { emptyHeartbeat, foldHeartbeat, type HeartbeatCheck } from "../../machines/heartbeat.ts";
import {
  heartbeatMachine,
  type HeartbeatEvent,
  type ProbeVerdict,
  type ReportInput,
} from "../../machines/heartbeat.machine.ts";
import { limits } from "../../machines/limits.ts";
import { manualClock, type ManualClock } from "../service/manual-clock.ts";
import { noon } from "./given.ts";
import { checkChart, checkTable, endOfActor, statesOf } from "./transition-table.ts";

/*
 * Of the chain; `due` is left before anybody sees it. `engine` goes from due to reporting at once.
 * `crash`: the supervisor starts it anew. `.`: cannot occur there.
 */
const table = `
state     | announce done | probe done/worked | probe done/failed | report done | after    | announce fails | probe fails | report fails
due       | .             | .                 | .                 | .           | .        | .              | .           | .
starting  | probing       | .                 | .                 | .           | –        | crash          | .           | .
probing   | .             | reporting         | reporting         | .           | –        | .              | crash       | .
reporting | .             | .                 | .                 | resting     | –        | .              | .           | crash
resting   | .             | .                 | .                 | .           | starting | .              | .           | .
`;

const worked: ProbeVerdict = { ok: true, because: "worked", lockGuid: "guid-1", durationMs: 3 };
const failed: ProbeVerdict = { ok: false, because: "no client", lockGuid: null, durationMs: 30_000 };

interface HeartbeatRig {
  readonly actor: ActorRefFrom<typeof heartbeatMachine>;
  readonly clock: ManualClock;
  readonly reports: ReportInput[];
  readonly probes: AbortSignal[];
  readonly crashes: unknown[];
  state(): string;
  /** The end of the actor that now runs. */
  end(event: string): void;
}

const never = new Promise<never>(() => {});

function heartbeatRig(check: HeartbeatCheck, periodMs = 300_000): HeartbeatRig {
  const clock = manualClock(noon);
  const reports: ReportInput[] = [];
  const probes: AbortSignal[] = [];
  const crashes: unknown[] = [];
  const logic = heartbeatMachine.provide({
    actors: {
      announce: fromPromise<{ readonly rid: string }, { readonly check: HeartbeatCheck }>(() => never),
      probe: fromPromise<ProbeVerdict>(({ signal }) => {
        probes.push(signal);
        return never;
      }),
      report: fromPromise<void, ReportInput>(({ input }) => {
        reports.push(input);
        return never;
      }),
    },
  });
  const actor = createActor(logic, {
    clock,
    input: { check, periodMs, monotonicMs: () => clock.monotonicMs() },
  });
  actor.subscribe({ error: (error) => crashes.push(error) });
  actor.start();
  const state = (): string => actor.getSnapshot().value;
  return {
    actor,
    clock,
    reports,
    probes,
    crashes,
    state,
    end(event) {
      const type = endOfActor(heartbeatMachine, state(), event.split("/")[0] ?? "");
      const output = event.startsWith("announce") ? { rid: "run-1" } : verdictOf(event);
      actor.send({ type, output, error: new Error("thrown") } as unknown as HeartbeatEvent);
    },
  };
}

function verdictOf(event: string): ProbeVerdict {
  return event.endsWith("worked") ? worked : failed;
}

const way = ["announce done", "probe done/worked", "report done"];
const stations = ["starting", "probing", "reporting", "resting"];

function rigIn(state: string): HeartbeatRig {
  const rig = heartbeatRig("chain");
  for (const event of way.slice(0, stations.indexOf(state))) rig.end(event);
  expect(rig.state()).toBe(state);
  return rig;
}

function probe(state: string, event: string): string {
  if (state === "due") return "."; // transient
  const rig = rigIn(state);
  if (event === "after") rig.clock.advance(300_000);
  else if (endOfActor(heartbeatMachine, state, event.split("/")[0] ?? "") === null) return ".";
  else rig.end(event);
  if (rig.crashes.length > 0) return "crash";
  return rig.state() === state ? "–" : rig.state();
}

describe("heartbeat", () => {
  test("every state answers every event as its table says", () => {
    checkTable(heartbeatMachine, table, probe);
  });

  test("the chart keeps the laws of all charts", () => {
    checkChart(heartbeatMachine);
  });

  test("H1: on every path a beat of the chain speaks for the probe of its own run", () => {
    const idOf = (src: string): string =>
      statesOf(heartbeatMachine)
        .flatMap((node) => node.invoke)
        .find((one) => one.src === src)?.id ?? "";
    const done = (src: string, output: unknown) => ({ type: `xstate.done.actor.${idOf(src)}`, output });
    const rest = statesOf(heartbeatMachine)
      .flatMap((node) => node.ownEvents)
      .find((type) => type.startsWith("xstate.after."));
    const ends = [
      done("announce", { rid: "run" }),
      done("probe", worked),
      done("probe", failed),
      done("report", undefined),
      { type: rest },
    ] as unknown as HeartbeatEvent[];
    const paths = getSimplePaths(heartbeatMachine, {
      input: { check: "chain", periodMs: 1, monotonicMs: () => 0 },
      events: ends,
      // A run that begins as the first one did is the first one again: paths end there.
      serializeState: ({ value, context }) => `${value} ${context.verdict?.because} ${context.rid}`,
      serializeEvent: (event) => JSON.stringify(event),
    });
    const reporting = paths.filter(({ state }) => state.value === "reporting");
    expect(new Set(reporting.map(({ state }) => state.context.verdict?.because))).toEqual(
      new Set(["worked", "no client"]),
    );
    for (const { state, steps } of paths) {
      const last = steps.at(-1)?.event as { type: string; output?: unknown } | undefined;
      if (state.value === "reporting") expect(state.context.verdict).toBe(last?.output);
      else if (state.value !== "resting") expect(state.context.verdict).toBeNull();
    }
  });

  test("H1: time alone makes no beat of the chain, however much of it passes", () => {
    const rig = heartbeatRig("chain");
    rig.clock.advance(86_400_000);
    rig.end("announce done");
    rig.clock.advance(86_400_000);
    expect([rig.state(), rig.reports]).toEqual(["probing", []]);
    rig.end("probe done/failed");
    expect(rig.reports).toEqual([{ check: "chain", rid: "run-1", verdict: failed }]);
  });

  test("H1: the verdict of one run is not left for the next", () => {
    const rig = rigIn("resting");
    rig.clock.advance(300_000);
    expect(rig.actor.getSnapshot().context).toMatchObject({ rid: null, verdict: null });
  });

  test("the engine's check beats at once, and each period again, without a probe", () => {
    const rig = heartbeatRig("engine", 60_000);
    expect([rig.state(), rig.reports]).toEqual([
      "reporting",
      [{ check: "engine", rid: null, verdict: null }],
    ]);
    rig.end("report done");
    rig.clock.advance(59_999);
    expect(rig.state()).toBe("resting");
    rig.clock.advance(1);
    expect(rig.state()).toBe("reporting");
    expect([rig.reports.length, rig.probes.length]).toEqual([2, 0]);
  });

  test.each([
    { took: 20_000, rests: 280_000 },
    { took: 299_000, rests: limits.heartbeatRestMsMin },
    { took: 400_000, rests: limits.heartbeatRestMsMin },
  ])("R5: a run that took $took ms is followed after $rests ms: the period counts from its begin", (one) => {
    const rig = heartbeatRig("chain");
    rig.clock.advance(one.took);
    for (const event of way) rig.end(event);
    rig.clock.advance(one.rests - 1);
    expect(rig.state()).toBe("resting");
    rig.clock.advance(1);
    expect(rig.state()).toBe("starting");
  });

  test("stopped in the midst of a probe it tells the probe, and nothing comes of it", () => {
    const rig = rigIn("probing");
    rig.actor.stop();
    expect(rig.probes.map(({ aborted }) => aborted)).toEqual([true]);
    rig.clock.advance(600_000);
    expect(rig.reports).toEqual([]);
  });
});

describe("what is known of a check", () => {
  const report = {
    check: "chain",
    beat: "success",
    rid: "r",
    because: "",
    lockGuid: null,
    durationMs: 1,
  } as const;
  const lost = { code: "BEAT_UNANSWERED", detail: "no answer within 5000 ms" } as const;

  test("a success taken, a fail taken and a beat not taken are told apart", () => {
    const states = emptyHeartbeat();
    foldHeartbeat(states, report, null, 1);
    foldHeartbeat(states, { ...report, beat: "fail", because: "no client" }, null, 2);
    expect(states.chain).toMatchObject({ lastSentAt: 2, lastOkAt: 1, success: 1, fail: 1, missed: 0 });
    expect(states.chain.lastFailure).toEqual({ at: 2, beat: "fail", because: "no client", failure: null });
    foldHeartbeat(states, report, lost, 3);
    foldHeartbeat(states, report, lost, 4);
    expect(states.chain).toMatchObject({ lastSentAt: 2, lastOkAt: 1, success: 1, notTaken: 2, missed: 2 });
    expect(states.chain.lastFailure).toMatchObject({ at: 4, failure: lost });
    foldHeartbeat(states, report, null, 5);
    expect(states.chain).toMatchObject({ lastOkAt: 5, notTaken: 2, missed: 0 });
    expect(states.engine).toEqual(emptyHeartbeat().engine);
    foldHeartbeat(states, { ...report, check: "engine", beat: null }, null, 6);
    expect(states.engine).toEqual({ ...emptyHeartbeat().engine, lastSentAt: 6 });
  });
});
