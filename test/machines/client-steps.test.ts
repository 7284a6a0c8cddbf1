/** What a Ticket Client begins, shows and answers at each step of its way: one journal of all of it. */
import { createActor } from "xstate";
import { describe, expect, test } from "vitest";
import type { TicketClientEvent } from "../../machines/client-events.ts";
import type { FlowInput } from "../../machines/flow-input.ts";
import { busyStatus, ticketClientMachine } from "../../machines/ticket-client.machine.ts";
import { clientEvent, found, holder, lockMs, ofOwnWork } from "./client-rig.ts";
import { History, KEY, noon, settledReply, ticket } from "./given.ts";

/** A client whose every deed is written down, with its answers in between. */
function journalled() {
  const said: unknown[] = [];
  const note =
    (name: string) =>
    (_: unknown, params?: unknown): void =>
      void said.push(params === undefined ? name : { [name]: params });
  const machine = ticketClientMachine.provide({
    actions: {
      armDeadline: note("arm"),
      disarmDeadline: note("disarm"),
      startSearch: note("search"),
      abandonSearch: note("abandon"),
      startForward: note("forward"),
      startRelease: note("release"),
      announceIdle: note("idle"),
      announceState: note("state"),
    },
  });
  const actor = createActor(machine, { input: { clientId: "client-01" } }).start();
  const reply = (answer: unknown): void => void said.push({ answer });
  return {
    actor,
    /** What it did because of the event. */
    after(event: TicketClientEvent): unknown[] {
      said.length = 0;
      actor.send(
        "reply" in event && event.type.startsWith("client.")
          ? ({ ...event, reply } as TicketClientEvent)
          : event,
      );
      return [...said];
    },
    /** The end of what it has begun, as told. */
    own: (event: TicketClientEvent): TicketClientEvent => ofOwnWork(event, actor.getSnapshot().context),
    doing: () => actor.getSnapshot().context.processingData,
    first: [...said],
  };
}

const of = (type: string, change = {}): TicketClientEvent => ({ ...clientEvent(type, []), ...change });
const state = (name: string) => ({ state: { state: name } });
const lock = { ...holder, lockTime: noon };

describe("a Ticket Client on its way", () => {
  test("held by hand: lock, search, forward, close", () => {
    const rig = journalled();
    expect(rig.first).toEqual(["disarm", state("idle"), "idle"]);
    expect(rig.doing()).toBe("");

    expect(rig.after(of("client.lock"))).toEqual([
      { arm: { fence: holder.fence, dueMs: lockMs } },
      state("locked"),
    ]);
    expect(rig.doing()).toBe("held by hand");

    const searching = rig.after(of("client.search"));
    const { command: search } = rig.actor.getSnapshot().context;
    expect(searching).toEqual([state("searching"), { search: { command: search, clientId: "client-01" } }]);
    expect(rig.doing()).toBe(`searching clientReference ${KEY} (try 1)`);

    const reply = found(ticket("T1"));
    expect(rig.after(rig.own(of("search.ended", { reply })))).toEqual([
      "abandon",
      { answer: reply },
      state("locked"),
    ]);
    expect(rig.doing()).toBe("waiting for the flow");
    expect(rig.actor.getSnapshot().context).toMatchObject({
      command: null,
      results: { tickets: [ticket("T1")], lockGuid: holder.lockGuid },
    });

    const forwarding = rig.after(of("client.forward"));
    const { command: forward } = rig.actor.getSnapshot().context;
    expect(forwarding).toEqual([
      state("forwarding"),
      { forward: { command: forward, clientId: "client-01", claim: 3 } },
    ]);
    expect(rig.doing()).toBe("forwarding create r1");

    expect(rig.after(rig.own(of("forward.ended", { reply: settledReply })))).toEqual([
      { answer: settledReply },
      state("locked"),
    ]);
    expect(rig.actor.getSnapshot().context.command).toBeNull();
    expect(rig.doing()).toBe("waiting for the flow");

    expect(rig.after(of("client.close"))).toEqual([
      "disarm",
      state("closing"),
      {
        release: {
          clientId: "client-01",
          lock,
          claim: 3,
          release: { how: "closed", entries: [], result: "settled" },
        },
      },
    ]);
    expect(rig.doing()).toBe("ending the flow");

    const result = { ok: true, value: null };
    expect(rig.after(rig.own(of("release.ended", { result })))).toEqual([
      { answer: result },
      "disarm",
      state("idle"),
      "idle",
    ]);
    expect(rig.actor.getSnapshot().context).toMatchObject({ lock: null, release: null, closeReply: null });
    expect(rig.doing()).toBe("");
  });

  test("L4: forced to not busy it goes on under the claim that moved, locked or busy", () => {
    const rig = journalled();
    rig.after(of("client.lock"));
    expect(rig.after(of("client.forceNotBusy"))).toEqual([]);
    expect(rig.after(of("client.forward"))[1]).toMatchObject({ forward: { claim: 4 } });
    const [answer] = rig.after(of("client.forceNotBusy", { claim: 5 }));
    expect(answer).toMatchObject({ answer: { ok: true, result: "settled", outcome: "cancelled" } });
    expect(rig.after(of("client.close"))[2]).toMatchObject({ release: { claim: 5 } });
  });

  test("a search for nothing in particular is one for everything", () => {
    const rig = journalled();
    rig.after(of("client.lock"));
    rig.after(of("client.search", { criteria: {}, attempt: 2 }));
    expect(rig.doing()).toBe("searching everything (try 2)");
  });

  test("a search that failed brings no results, and its asker hears of it", () => {
    const rig = journalled();
    rig.after(of("client.lock"));
    rig.after(of("client.search"));
    const reply = { ok: false, failure: { code: "TIMEOUT", cause: "", permanent: false }, at: noon };
    expect(rig.after(rig.own(of("search.ended", { reply })))).toContainEqual({ answer: reply });
    expect(rig.actor.getSnapshot().context.results).toBeNull();
  });

  test.each([
    ["client.search", "client.forceUnlock"],
    ["client.search", "lock.expired"],
    ["client.forward", "client.forceUnlock"],
    ["client.forward", "lock.expired"],
  ])("L4 L5: what waits for %s hears that the lock has ended: %s", (command, event) => {
    const rig = journalled();
    rig.after(of("client.lock"));
    rig.after(of(command));
    expect(rig.after(of(event))).toContainEqual({
      answer: expect.objectContaining({
        ok: false,
        failure: expect.objectContaining({ code: "LOCK_EXPIRED" }) as unknown,
      }) as unknown,
    });
  });

  test("L5: at its deadline the end is made durable as one, and nobody is answered twice", () => {
    for (const before of [[], ["client.search"]]) {
      const rig = journalled();
      rig.after(of("client.lock"));
      for (const type of before) rig.after(of(type));
      expect(rig.after(of("lock.expired")).at(-1)).toMatchObject({
        release: { release: { how: "expired" } },
      });
      expect(rig.doing()).toBe("the lock has expired");
      expect(rig.after(rig.own(of("release.ended")))).toEqual(["disarm", state("idle"), "idle"]);
    }
  });

  test("L6: forced while it ends, whoever asked for the end is told by whom", () => {
    const rig = journalled();
    rig.after(of("client.lock"));
    rig.after(of("client.close"));
    expect(rig.after(of("client.forceUnlock"))[0]).toEqual({
      answer: {
        ok: false,
        failure: { code: "FORCED", detail: "An operator took the client while the flow was ending." },
      },
    });
  });

  test("L3: a refused command is answered in its own words, and counted; other events are not", () => {
    const rig = journalled();
    expect(rig.after(of("client.search"))[0]).toMatchObject({ answer: { failure: { code: "NOT_LOCKED" } } });
    rig.after(of("client.forceUnlock"));
    expect(rig.actor.getSnapshot().context.refused).toBe(1);
  });
});

describe("a Ticket Client with a flow", () => {
  function withFlow() {
    const history = new History();
    history.accept("n1");
    const flow: FlowInput = { ...history.start(), lockGuid: holder.lockGuid, fence: holder.fence };
    const rig = journalled();
    rig.after(of("client.lock", { flow }));
    return rig;
  }
  const children = (rig: ReturnType<typeof journalled>): string[] =>
    Object.keys(rig.actor.getSnapshot().children);

  test("R6: the flow begins with the lock and ends with it", () => {
    const rig = withFlow();
    expect([rig.actor.getSnapshot().value, children(rig)]).toEqual(["searching", ["flow"]]);
    rig.after(of("client.forceUnlock"));
    expect([rig.actor.getSnapshot().value, children(rig)]).toEqual(["idle", []]);
  });

  test("L5: nor does it outlive the deadline", () => {
    for (const busy of [true, false]) {
      const rig = withFlow();
      if (!busy) rig.after(of("client.forceNotBusy"));
      rig.after(of("lock.expired"));
      expect([busy, rig.actor.getSnapshot().value, children(rig)]).toEqual([busy, "closing", []]);
    }
  });

  test("R6: its crash is told to the end of the flow", () => {
    const rig = withFlow();
    const error = new Error("thrown");
    const after = rig.after({ type: "xstate.error.actor.flow", error } as unknown as TicketClientEvent);
    expect(after.at(-1)).toMatchObject({ release: { release: { how: "crashed", cause: "thrown" } } });
    expect(rig.doing()).toBe("the flow crashed");
  });
});

test("L5: a deadline of another fence changes nothing in any state", () => {
  for (const types of [[], ["client.lock"], ["client.lock", "client.forward"]]) {
    const rig = journalled();
    for (const type of types) rig.after(of(type));
    const before = rig.actor.getSnapshot().value;
    expect(rig.after(of("lock.expired", { fence: 6 }))).toEqual([]);
    expect(rig.actor.getSnapshot().value).toBe(before);
  }
});

test.each([
  ["idle", "notBusy"],
  ["locked", "notBusy"],
  ["searching", "busy"],
  ["forwarding", "busy"],
  ["closing", "notBusy"],
])("on the Communication page a client that is %s is %s", (name, status) => {
  expect(busyStatus(name)).toBe(status);
});
