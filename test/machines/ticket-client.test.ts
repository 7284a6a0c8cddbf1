import type { SnapshotFrom } from "xstate";
import { getShortestPaths, getSimplePaths } from "xstate/graph";
import { describe, expect, test } from "vitest";
import type { TicketClientEvent } from "../../machines/client-events.ts";
import { ticketClientMachine } from "../../machines/ticket-client.machine.ts";
import {
  clientEvent,
  clientMachine,
  clientRig,
  found,
  holder,
  lockMs,
  ofOwnWork,
  rigIn,
  type ClientRig,
} from "./client-rig.ts";
import type { SearchReply } from "../../machines/client-commands.ts";
import { History, noon, ticket } from "./given.ts";
import { checkChart, checkTable } from "./transition-table.ts";

/*
 * A state's name: goes there (its own name: stays and does something). `refused CODE`: answered, nothing else.
 * `–`: nothing happens. `crash`: the supervisor restarts the client. `.`: cannot occur there.
 * Commands and forces are the holder's, `lock.expired` is of the lock held.
 */
const table = `
state      | client.lock | client.search       | client.forward      | client.close        | client.forceNotBusy | client.forceUnlock | lock.expired | search.ended | search.ended/older | forward.ended | forward.ended/older | release.ended | release.ended/older | work.failed | work.failed/older | flow fails
idle       | locked      | refused NOT_LOCKED  | refused NOT_LOCKED  | refused NOT_LOCKED  | –                   | –                  | –            | .            | –                  | .             | –                   | .             | –                   | .           | –                 | .
locked     | –           | searching           | forwarding          | closing             | locked              | idle               | closing      | .            | –                  | .             | –                   | .             | –                   | .           | –                 | closing
searching  | –           | refused BUSY_CLIENT | refused BUSY_CLIENT | refused BUSY_CLIENT | locked              | idle               | closing      | locked       | –                  | .             | –                   | .             | –                   | crash       | –                 | closing
forwarding | –           | refused BUSY_CLIENT | refused BUSY_CLIENT | refused BUSY_CLIENT | locked              | idle               | closing      | .            | –                  | locked        | –                   | .             | –                   | crash       | –                 | closing
closing    | –           | refused BUSY_CLIENT | refused BUSY_CLIENT | refused BUSY_CLIENT | –                   | idle               | –            | .            | –                  | .             | –                   | idle          | –                   | crash       | –                 | .
`;

/** Where what ends with the event can have been begun. */
const begunIn: Record<string, readonly string[]> = {
  "search.ended": ["searching"],
  "forward.ended": ["forwarding"],
  "release.ended": ["closing"],
  "work.failed": ["searching", "forwarding", "closing"],
};

function probe(state: string, event: string): string {
  const rig = rigIn(state);
  const before = rig.actor.getSnapshot();
  expect(before.value).toBe(state);
  if (event === "flow fails") {
    // Its flow has ended before the client closes, and an idle client has none.
    if (state === "idle" || state === "closing") return ".";
    rig.actor.send({
      type: "xstate.error.actor.flow",
      error: new Error("thrown"),
    } as unknown as TicketClientEvent);
  } else {
    const [type = "", which] = event.split("/");
    const said = clientEvent(type, rig.answers);
    const begun = begunIn[type];
    if (begun !== undefined && which === undefined && !begun.includes(state)) return ".";
    rig.actor.send(begun === undefined || which === "older" ? said : ofOwnWork(said, before.context));
  }
  if (rig.crashes.length > 0) return "crash";
  const after = rig.actor.getSnapshot();
  const [answer] = rig.answers;
  if (after.value === state && answer !== undefined) return `refused ${answer}`;
  const { refused: _before, ...had } = before.context;
  const { refused: _after, ...has } = after.context;
  if (after.value === state && JSON.stringify(had) === JSON.stringify(has)) return "–";
  return after.value;
}

function endSearch({ actor }: ClientRig, reply: SearchReply): void {
  const { command } = actor.getSnapshot().context;
  if (command?.type === "client.search") actor.send({ type: "search.ended", work: command, reply });
}

describe("Ticket Client", () => {
  test("every state answers every event as its table says", () => {
    checkTable(ticketClientMachine, table, probe);
  });

  test("the chart keeps the laws of all charts: no wildcard, both ends of every actor, a bound on its steps", () => {
    checkChart(ticketClientMachine);
  });

  const strangers = [
    { who: "another GUID", by: { lockGuid: "guid-9", fence: 7 }, code: "STALE_GUID" },
    { who: "an old fence", by: { lockGuid: "guid-1", fence: 6 }, code: "STALE_FENCE" },
  ];
  test.each(
    ["locked", "searching", "forwarding", "closing"].flatMap((state) =>
      strangers.map((one) => ({ state, ...one })),
    ),
  )(
    "L3: in $state, commands and forces of $who change nothing; commands get $code",
    ({ state, by, code }) => {
      for (const type of [
        "client.search",
        "client.forward",
        "client.close",
        "client.forceNotBusy",
        "client.forceUnlock",
      ]) {
        const rig = rigIn(state);
        const { refused: had, ...before } = rig.actor.getSnapshot().context;
        rig.actor.send(clientEvent(type, rig.answers, by));
        const { refused, ...after } = rig.actor.getSnapshot().context;
        expect(rig.state(), type).toBe(state);
        expect(after, type).toEqual(before);
        const isCommand = !type.startsWith("client.force");
        expect(rig.answers, type).toEqual(isCommand ? [code] : []);
        expect(refused - had, `${type} is counted`).toBe(isCommand ? 1 : 0);
      }
    },
  );

  test("L3: a deadline of an older fence leaves the new holder alone", () => {
    const rig = rigIn("searching");
    rig.actor.send({ type: "lock.expired", fence: holder.fence - 1 });
    expect(rig.state()).toBe("searching");
  });

  test.each(["locked", "searching", "forwarding"])(
    "L5: in %s the lock ends at its deadline, not a millisecond before",
    (state) => {
      const rig = rigIn(state);
      rig.clock.advance(lockMs - 1);
      expect(rig.state()).toBe(state);
      rig.clock.advance(1);
      expect(rig.state()).toBe("closing");
      expect(rig.released.map(({ release }) => release.how)).toEqual(["expired"]);
    },
  );

  test.each([
    { what: "force not busy", event: clientEvent("client.forceNotBusy", []) },
    { what: "force unlock", event: clientEvent("client.forceUnlock", []) },
    { what: "the deadline", event: clientEvent("lock.expired", []) },
    {
      what: "the flow's crash",
      event: { type: "xstate.error.actor.flow", error: new Error("thrown") } as unknown as TicketClientEvent,
    },
  ])("L4: a search that $what takes from its client is given up; a request never is", ({ event }) => {
    for (const [state, abandoned] of [
      ["searching", 1],
      ["forwarding", 0],
    ] as const) {
      const rig = rigIn(state);
      rig.actor.send(event);
      expect(rig.state(), state).not.toBe(state);
      expect(rig.abandoned(), state).toBe(abandoned);
    }
  });

  test("L5: the deadline of a lock that ended does not reach the next one", () => {
    const rig = rigIn("locked");
    rig.clock.advance(lockMs - 1);
    rig.actor.send(clientEvent("client.forceUnlock", []));
    const next = clientEvent("client.lock", [], { lockGuid: "guid-2", fence: 8 });
    rig.actor.send({ ...next, dueMs: 2 * lockMs } as TicketClientEvent);
    rig.clock.advance(1);
    expect(rig.state()).toBe("locked");
  });

  test("L4: force not busy answers the search as failed, the forward as cancelled or left", () => {
    for (const [state, request, expected] of [
      ["searching", "cancelled", "FORCED"],
      ["forwarding", "settled", "settled"],
      ["forwarding", "cancelled", "cancelled"],
      ["forwarding", "left", "left"],
    ] as const) {
      const rig = clientRig();
      const told: unknown[] = [];
      rig.actor.send(clientEvent("client.lock", []));
      const command = clientEvent(state === "searching" ? "client.search" : "client.forward", []);
      rig.actor.send({ ...command, reply: (answer: unknown) => void told.push(answer) } as TicketClientEvent);
      rig.actor.send({ type: "client.forceNotBusy", ...holder, request, claim: 9, at: noon });
      expect(rig.state()).toBe("locked");
      expect(rig.actor.getSnapshot().context.claim, "what was queued under the old claim is not sent").toBe(
        9,
      );
      expect(JSON.stringify(told)).toContain(`"${expected}"`);
    }
  });

  test("search results stay on show until the next flow takes the client", () => {
    const rig = rigIn("searching");
    endSearch(rig, { ...found(ticket("T1")), truncated: true });
    rig.actor.send(clientEvent("client.forceUnlock", []));
    expect(rig.actor.getSnapshot().context.results).toMatchObject({
      tickets: [{ ticketId: "T1" }],
      truncated: true,
      lockGuid: "guid-1",
    });
    rig.actor.send(clientEvent("client.lock", [], { lockGuid: "guid-2", fence: 8 }));
    expect(rig.actor.getSnapshot().context.results).toBeNull();
  });

  test("R6: a flow that throws ends itself, not its client, and the crash is recorded", () => {
    const history = new History();
    history.accept("n1");
    const decide = (): never => {
      throw new Error("poison");
    };
    const rig = clientRig();
    rig.actor.send(clientEvent("client.lock", [], holder, { ...history.start(), decide, ...holder }));
    expect(rig.state()).toBe("searching");
    endSearch(rig, found());
    expect(rig.crashes).toEqual([]);
    expect(rig.state()).toBe("closing");
    expect(rig.released.map(({ release }) => release)).toEqual([{ how: "crashed", cause: "poison" }]);
  });
});

describe("paths of a Ticket Client", () => {
  const types = [
    "client.lock",
    "client.search",
    "client.forward",
    "client.close",
    "client.forceNotBusy",
    "client.forceUnlock",
    "lock.expired",
  ];
  const endOfWork = ["search.ended", "forward.ended", "release.ended"];
  const old = { lockGuid: "guid-9", fence: 1 };
  const commands = [
    ...types.map((type) => clientEvent(type, [])),
    ...types.filter((type) => type !== "client.lock").map((type) => clientEvent(type, [], old)),
  ];
  const options = {
    input: { clientId: "client-01" },
    // The end of what was begun, and of something older, wherever a path has led.
    events: ({ context }: SnapshotFrom<typeof ticketClientMachine>) => [
      ...commands,
      ...endOfWork.flatMap((type) => {
        const event = clientEvent(type, []);
        return [event, ofOwnWork(event, context)];
      }),
    ],
    serializeState: (snapshot: {
      readonly value: unknown;
      readonly context: { readonly lock: unknown; readonly results: unknown };
    }) => JSON.stringify([snapshot.value, snapshot.context.lock, snapshot.context.results !== null]),
    serializeEvent: (event: TicketClientEvent) => JSON.stringify(event),
  };
  const paths = [...getShortestPaths(clientMachine(), options), ...getSimplePaths(clientMachine(), options)];

  test("L1: on every path a client is locked exactly when GUID, fence and lock time are all set", () => {
    let steps = 0;
    for (const path of paths) {
      for (const { state } of path.steps) {
        steps += 1;
        const { lock } = state.context;
        if (state.value === "idle") expect(lock).toBeNull();
        else expect(lock).toEqual({ ...holder, lockTime: noon });
      }
    }
    expect(steps).toBeGreaterThan(100);
  });

  test("the five states of the product's owner are reached, and no other", () => {
    const reached = new Set(paths.flatMap(({ steps }) => steps.map(({ state }) => state.value)));
    expect([...reached].sort()).toEqual(["closing", "forwarding", "idle", "locked", "searching"]);
  });

  test("L4: from wherever a path leads, the operator's force unlock makes the client idle", () => {
    for (const { state } of paths) {
      if (state.value !== "idle") expect(rigAfterForce(state.value)).toBe("idle");
    }
  });
});

function rigAfterForce(state: string): string {
  const rig = rigIn(state);
  rig.actor.send(clientEvent("client.forceUnlock", []));
  return rig.state();
}
