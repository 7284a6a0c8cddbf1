import { describe, expect, test } from "vitest";
import { nextGroup, parkingOf, readiness } from "../../machines/admission.ts";
import { correct } from "../../machines/async-result.ts";
import { coverAlarms, recheckDelay } from "../../machines/cover.ts";
import { byTheWall } from "../../machines/decision.ts";
import { entry } from "../../machines/entry.ts";
import { noDelays } from "../../machines/state.ts";
import { limits } from "../../machines/limits.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { decideAgain, decidedOnce, settle, settleAlarms } from "../../machines/settlement.ts";
import { keyStream } from "../../machines/state.ts";
import { surroundings } from "../../machines/surroundings.ts";
import {
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  noon,
  notification,
  service,
  withTicket,
} from "./given.ts";
import { done, send } from "./steps.ts";

const parent = { ticketId: "T1", service: "OSB", key: KEY, endAt: null };

/** NE-2, covered by T1 of NE-1, which is open. */
function covered(history = withTicket(), ids = ["child"]): History {
  for (const id of ids) history.accept(id, { key: "NE-2", alarm: id });
  coverNow(history);
  return history;
}

function coverNow(
  history: History,
  by: Parameters<typeof coverAlarms>[2] = parent,
  meanwhile: () => void = () => undefined,
): void {
  const { group } = history.start("NE-2", { clientId: "client-02" });
  meanwhile();
  const key = history.key("NE-2");
  const alarms = group.map((one) => one.ref);
  history.add(
    coverAlarms(key, alarms, by, "T1 covers it", history.now),
    ...settleAlarms(key, alarms, history.now, ended("adopted", "D5")),
  );
  history.end("settled", "NE-2");
}

function closeParent(history: History): void {
  history.accept("clear", { kind: "clear", clearedAt: noon });
  send(history, closePayload, service());
  done(history);
}

const child = (history: History) => history.key("NE-2");

const resting = (history: History) => child(history).cover?.alarms.map(({ ref }) => ref.id) ?? [];

/** All of NE-2 in line; without a flow, unless there is one. */
function settleLine(history: History, ...how: Parameters<typeof ended>): void {
  const refs = child(history).waiting.map(({ ref }) => ref);
  history.add(...settleAlarms(child(history), refs, history.now, ended(...how)));
}

function loseTicket(history: History): void {
  const lost = {
    key: "NE-2",
    ticketId: "T2",
    status: null,
    claimKept: true,
    idempotency: "settles",
  } as const;
  history.add(entry(keyStream("NE-2"), history.now, "ticket.lost", lost));
}

function linkTicket(history: History): void {
  const ticket = { ticketId: "T2", service: "OSB", status: "acknowledged", severity: null } as const;
  const linked = { ...ticket, key: "NE-2", openedAt: null };
  history.add(entry(keyStream("NE-2"), history.now, "ticket.linked", linked));
}

describe("A8: a cover", () => {
  test("is seen as a parking, and holds up nothing that comes in", () => {
    const history = covered();
    expect(parkingOf(child(history))).toMatchObject({ reason: "covered", because: "T1 covers it" });
    expect(readiness(child(history), false)).toBeNull();
    history.accept("second", { key: "NE-2", alarm: "other" });
    expect(readiness(child(history), false)).not.toBeNull();
    expect(nextGroup(child(history), true).flow.map(({ ref }) => ref.id)).toEqual(["second"]);
  });

  test("ends with its ticket: the alarms are decided again, as old as they are", () => {
    const history = covered();
    closeParent(history);
    const position = child(history).cover?.alarms[0]?.ref.position;
    expect(readiness(child(history), false)).toEqual({ lane: 0, age: position });
    expect(nextGroup(child(history), true).flow.map(({ ref }) => ref.id)).toEqual(["child"]);
  });

  test("ends when its ticket is lost, even to a stranger", () => {
    const history = covered();
    history.add(
      entry(keyStream(KEY), history.now, "ticket.lost", {
        key: KEY,
        ticketId: "T1",
        status: null,
        claimKept: true,
        idempotency: "settles",
      }),
    );
    expect(readiness(child(history), false)).not.toBeNull();
  });

  test("is over before it began when its ticket was closed while the flow was still deciding", () => {
    const history = withTicket();
    history.accept("child", { key: "NE-2", alarm: "child" });
    const { group } = history.start("NE-2", { clientId: "client-02" });
    history.now += 5;
    closeParent(history);
    const refs = group.map((one) => one.ref);
    history.add(
      coverAlarms(child(history), refs, parent, "T1 covers it", history.now),
      ...settleAlarms(child(history), refs, history.now, ended("adopted", "D5")),
    );
    history.end("settled", "NE-2");
    expect(readiness(child(history), false)).not.toBeNull();
    // Closed before the flow began and shown open again: the service has opened it; that is no end.
    history.now += 1;
    coverNow(history);
    expect(readiness(child(history), false)).toBeNull();
  });

  test("of a ticket with the same id at another service goes on", () => {
    const history = withTicket();
    history.accept("child", { key: "NE-2" });
    coverNow(history, { ...parent, service: "OTHER" });
    closeParent(history);
    expect(readiness(child(history), false)).toBeNull();
  });

  test("of a ticket with the same id at another service goes on, that one being closed while the flow was deciding", () => {
    const history = withTicket();
    history.accept("child", { key: "NE-2" });
    coverNow(history, { ...parent, service: "OTHER" }, () => closeParent(history));
    expect(readiness(child(history), false)).toBeNull();
  });

  test("is over when the alarm is cleared, and only then for the others", () => {
    const history = covered(withTicket(), ["a", "b"]);
    const clear = (id: string) => {
      history.accept(`${id} down`, { key: "NE-2", alarm: id, kind: "clear", clearedAt: noon });
      const { group } = history.start("NE-2", { clientId: "client-02" });
      const refs = group.map(({ ref }) => ref);
      history.add(...settleAlarms(child(history), refs, history.now, ended("stopped")));
      history.end("settled", "NE-2");
    };
    clear("a");
    expect(child(history).cover?.alarms.map(({ ref }) => ref.id)).toEqual(["b"]);
    clear("b");
    expect(child(history).cover).toBeNull();
    closeParent(history);
    expect(readiness(child(history), true)).toBeNull();
  });

  test("is over when the key has a ticket of its own", () => {
    const history = covered();
    linkTicket(history);
    expect(child(history).cover).toBeNull();
    expect(history.state.index.covered.size).toBe(0);
  });

  test("of another alarm joins it: whichever ends first, all are decided again", () => {
    const history = covered();
    history.now += 1_000;
    history.accept("second", { key: "NE-2", alarm: "other" });
    coverNow(history, { ticketId: "P1", service: "OSB", key: null, endAt: history.now + 5_000 });
    expect(child(history).cover).toMatchObject({ tickets: ["OSB T1", "OSB P1"] });
    expect(parkingOf(child(history))?.until).toBe(history.now + 5_000);
    closeParent(history);
    expect(nextGroup(child(history), true).flow.map(({ ref }) => ref.id)).toEqual(["child", "second"]);
  });

  test("of another alarm joins it: it is looked at again as early as it was to be", () => {
    const history = covered();
    const until = parkingOf(child(history))?.until;
    history.now += 1_000;
    history.accept("second", { key: "NE-2", alarm: "other" });
    coverNow(history, { ...parent, ticketId: "P1" });
    expect(parkingOf(child(history))?.until).toBe(until);
  });

  test("of another alarm joins one that has ended: what rested on that is decided again nevertheless", () => {
    const history = covered();
    closeParent(history);
    history.accept("second", { key: "NE-2", alarm: "other" });
    coverNow(history, { ...parent, ticketId: "P1" });
    expect(readiness(child(history), false)).not.toBeNull();
  });

  test("gives way to another one that covers all of its alarms now", () => {
    const history = covered();
    coverNow(history, { ...parent, ticketId: "P1" });
    expect(child(history).cover?.tickets).toEqual(["OSB P1"]);
  });

  test("holds an alarm no longer of which something newer was settled otherwise", () => {
    const history = covered();
    history.accept("worse", { key: "NE-2", alarm: "child", kind: "change" });
    history.start("NE-2");
    settleLine(history, "failed");
    expect(child(history).cover).toBeNull();
  });

  test("holds what it held while others cancel out without a flow", () => {
    const history = covered();
    history.accept("other", { key: "NE-2", alarm: "other" });
    history.accept("other down", { key: "NE-2", alarm: "other", kind: "clear", clearedAt: noon });
    settleLine(history, "coalesced");
    expect(resting(history)).toEqual(["child"]);
  });

  test("made anew while a clear was being decided lets go of the alarm all the same", () => {
    const history = covered();
    history.accept("other", { key: "NE-2", alarm: "other" });
    settleLine(history, "failed");
    history.accept("child down", { key: "NE-2", alarm: "child", kind: "clear", clearedAt: noon });
    history.start("NE-2");
    loseTicket(history);
    expect(resting(history)).toEqual(["child", "other"]);
    settleLine(history, "stopped", "D12");
    expect(resting(history)).toEqual(["other"]);
  });

  test("A2: what an alarm has said since stays when what it had said before is decided once more", () => {
    const history = withTicket();
    history.accept("a", { key: "NE-2", alarm: "a" });
    history.accept("a worse", { key: "NE-2", alarm: "a", kind: "change" });
    covered(history, ["b", "c"]);
    const members = child(history).cover?.alarms ?? [];
    for (const { ref, notification: told, replaces } of members)
      if (replaces !== undefined && ["a", "b"].includes(ref.id)) {
        const again = { alarm: ref, key: "NE-2", notification: told, replaces, because: "" };
        history.add(entry(keyStream("NE-2"), history.now, "alarm.reconsidered", again));
      }
    expect(resting(history)).toEqual(["a worse", "c"]);
    coverNow(history);
    expect(resting(history)).toEqual(["c", "a", "a worse", "b"]);
  });

  test("is none of a flow that looks after a request made by hand: it decides no alarm", () => {
    const history = covered();
    history.start("NE-2", { group: [] });
    expect(child(history).flow).toMatchObject({ alarms: [], again: false });
    history.end("crashed", "NE-2");
    expect(child(history)).toMatchObject({ flow: null, crashes: 0 });
  });

  test("R1: a snapshot keeps it, and the indexes are made anew", () => {
    const history = covered();
    history.state = stateFromText(stateText(history.state));
    expect(surroundings(history.state, "NE-2", byTheWall(history.now)).linkedOn(["NE-1"])).toMatchObject([
      { key: KEY, elementId: "NE-1", ticket: { ticketId: "T1" } },
    ]);
    closeParent(history);
    expect(readiness(child(history), false)).not.toBeNull();
    expect(surroundings(history.state, "NE-2", byTheWall(history.now)).linkedOn(["NE-1"])).toEqual([]);
    expect(history.state.index.onElement.size, "nothing is kept of what is closed").toBe(0);
  });
});

describe("S3: a cover of more alarms than one flow decides", () => {
  const max = limits.coalescedAlarmsMax;
  const many = max + 2;
  const groupOf = (history: History) => nextGroup(child(history), true).flow;

  /** All of `many` rest under T1. */
  function crowded(): History {
    const history = covered(
      withTicket(),
      Array.from({ length: many }, (_, index) => `c${index}`),
    );
    coverNow(history);
    expect(child(history).cover?.alarms).toHaveLength(many);
    return history;
  }

  test("A8: when it ends they are decided again in as many flows as it takes, each once", () => {
    const history = crowded();
    closeParent(history);
    const decided: string[] = [];
    for (const length of [max, 2]) {
      expect(readiness(child(history), false)).not.toBeNull();
      expect(groupOf(history)).toHaveLength(length);
      decided.push(...groupOf(history).map(({ ref }) => ref.id));
      history.start("NE-2");
      history.end("settled", "NE-2");
    }
    expect(new Set(decided).size).toBe(many);
    expect(readiness(child(history), true)).toBeNull();
  });

  test.each([
    ["the same ticket covers them still", parent, false, ["OSB T1"]],
    ["another one covers them now", { ...parent, ticketId: "P1", key: null }, true, ["OSB P1"]],
    ["another one covers these", { ...parent, ticketId: "P1", key: null }, false, ["OSB T1", "OSB P1"]],
  ])(
    "A8: one flow looks at it when its time has come: %s, the others rest too, and go first next time",
    (_, by, ends, tickets) => {
      const history = crowded();
      if (ends) closeParent(history);
      history.now += limits.coverRecheckSeconds * 1_000;
      const first = groupOf(history).map(({ ref }) => ref.id);
      coverNow(history, by);
      expect(child(history).cover?.alarms).toHaveLength(many);
      expect(child(history).cover?.tickets).toEqual(tickets);
      expect(parkingOf(child(history))).toMatchObject({ reason: "covered" });
      expect(parkingOf(child(history))?.until).toBeGreaterThan(history.now);
      const next = groupOf(history).map(({ ref }) => ref.id);
      expect(next.slice(0, 2).filter((id) => first.includes(id))).toEqual([]);
    },
  );
});

describe("when a cover is looked at again", () => {
  test.each([
    [0, limits.coverRecheckSeconds],
    [1, 2 * limits.coverRecheckSeconds],
    [3, 8 * limits.coverRecheckSeconds],
    [4, limits.coverRecheckSecondsMax],
    [400, limits.coverRecheckSecondsMax],
  ])("after %i times: %i s", (checks, seconds) => {
    expect(recheckDelay(checks)).toBe(seconds * 1000);
  });

  test.each([
    { endAt: noon + 1, until: noon + 1 },
    { endAt: noon + limits.coverRecheckSeconds * 1000 + 1, until: noon + limits.coverRecheckSeconds * 1000 },
    { endAt: null, until: noon + limits.coverRecheckSeconds * 1000 },
    // A ticket that was closed and opened again keeps the end of its closing: no window, and no reason to ask at once.
    { endAt: noon, until: noon + limits.coverRecheckSeconds * 1000 },
    { endAt: noon - 1, until: noon + limits.coverRecheckSeconds * 1000 },
  ])("a window that ends at $endAt: $until", ({ endAt, until }) => {
    const history = withTicket();
    history.accept("child", { key: "NE-2" });
    coverNow(history, { ...parent, endAt });
    expect(parkingOf(child(history))?.until).toBe(until);
  });
});

describe("alarms decided again", () => {
  function again(): History {
    const history = covered();
    closeParent(history);
    return history;
  }
  const plan = (history: History) => {
    history.plan({ ...createPayload, clientReference: "NE-2" } as typeof createPayload, service(), "NE-2");
    return history.send("NE-2");
  };

  test("A2: a ticket they get is linked; their outcome stays", () => {
    const history = again();
    const request = plan(history);
    history.add(
      ...settle(child(history), request, history.now, { result: "ok", ticketId: "T2", because: "" }),
    );
    history.end("settled", "NE-2");
    expect([...child(history).open.keys()]).toEqual(["T2"]);
    expect(history.outcomes()["child"]).toBe("adopted");
    expect(
      history.facts.filter((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "child"),
    ).toHaveLength(1);
    expect(readiness(child(history), true)).toBeNull();
  });

  test.each(["rejected", "failed", "unknown"] as const)(
    "a request that ends as %s is not made a third time",
    (result) => {
      const history = again();
      const request = plan(history);
      history.add(...settle(child(history), request, history.now, { result, ticketId: null, because: "" }));
      history.end("settled", "NE-2");
      expect(readiness(child(history), true)).toBeNull();
    },
  );

  test("nor is one that fails after its flow has gone: a missing async result, a doubt", () => {
    const history = again();
    const request = plan(history);
    history.end("parked", "NE-2");
    history.add(
      ...settle(child(history), request, history.now, { result: "failed", ticketId: null, because: "" }),
    );
    expect(readiness(child(history), true)).toBeNull();
    expect(child(history).cover).toBeNull();
  });

  test.each(["cancelled", "notApplied"] as const)("a request that was %s is made again", (result) => {
    const history = again();
    const request = plan(history);
    const how = { result, ticketId: null, because: "", keepAlarms: true };
    history.add(...settle(child(history), request, history.now, how));
    history.end("parked", "NE-2");
    expect(readiness(child(history), true)).not.toBeNull();
  });

  test("an update of a ticket that has gone: they are decided once more, and then no more", () => {
    const history = again();
    for (const left of [true, false]) {
      const request = plan(history);
      const how = decidedOnce(child(history), request)
        ? decideAgain(child(history), request, history.now, "its ticket has gone", true)
        : settle(child(history), request, history.now, { result: "failed", ticketId: null, because: "" });
      history.add(...how);
      history.end("settled", "NE-2");
      expect(readiness(child(history), true) !== null).toBe(left);
    }
  });

  test.each([
    { result: "settled", left: false },
    { result: "forced", left: false },
    { result: "parked", left: true },
    { result: "expired", left: true },
  ] as const)("a flow that ends $result without a new cover: they wait $left", ({ result, left }) => {
    const history = again();
    history.start("NE-2");
    history.end(result, "NE-2");
    expect(readiness(child(history), true) !== null).toBe(left);
    expect(child(history).cover !== null).toBe(left);
  });

  test("R6: after three crashes they are left alone", () => {
    const history = again();
    for (let crash = 1; crash <= limits.flowCrashesMax; crash += 1) {
      expect(readiness(child(history), true), `before crash ${crash}`).not.toBeNull();
      history.start("NE-2");
      history.end("crashed", "NE-2");
    }
    expect(readiness(child(history), true)).toBeNull();
    expect(child(history).crashes, "whatever comes next starts from none").toBe(0);
  });

  test("a request for another alarm, proven not applied, is none of theirs", () => {
    const history = covered();
    history.accept("worse", { key: "NE-2", alarm: "child", kind: "change" });
    history.add(...decideAgain(child(history), plan(history), history.now, "", false));
    settleLine(history, "failed");
    expect(child(history).cover, "what it rested on before the flow no longer matters").toBeNull();
  });

  test("their request proven not applied when they have a ticket already: they rest on nothing else", () => {
    const history = again();
    const request = plan(history);
    linkTicket(history);
    history.add(...decideAgain(child(history), request, history.now, "", false));
    expect(child(history).cover).toBeNull();
  });

  test("others that lose their ticket meanwhile are not covered with them: nobody has asked about those", () => {
    const history = again();
    history.accept("other", { key: "NE-2", alarm: "other" });
    settleLine(history, "failed");
    coverNow(history, { ...parent, ticketId: "P1" }, () => {
      linkTicket(history);
      loseTicket(history);
    });
    expect(resting(history)).toEqual(["other", "child"]);
    expect(readiness(child(history), false)).not.toBeNull();
  });

  test("a new opening finds them where they were", () => {
    const history = again();
    history.start("NE-2");
    history.open();
    expect(readiness(child(history), true)).not.toBeNull();
  });

  test("an alarm that by now says itself that it is planned rests on nothing else", () => {
    const history = covered();
    history.accept("flagged", {
      ...notification("flagged"),
      key: "NE-2",
      alarm: "child",
      kind: "change",
      plannedOutage: true,
    });
    const { group } = history.start("NE-2");
    const refs = group.map(({ ref }) => ref);
    history.add(...settleAlarms(child(history), refs, history.now, ended("stopped", "D2")));
    history.end("settled", "NE-2");
    expect(child(history).cover).toBeNull();
  });

  test("held down like a new create, from the end of the cover on", () => {
    const history = covered();
    history.now += 7_000;
    closeParent(history);
    const delays = { ...noDelays, createSeconds: 30 };
    expect(parkingOf(child(history), delays)).toMatchObject({
      reason: "holdDown",
      since: history.now,
      until: history.now + 30_000,
      because: "Held down for 30 s before a create.",
    });
  });
});

test("D2: planned maintenance made by hand is no ticket of its key, confirmed at once or late", () => {
  for (const asyncSeconds of [0, 30]) {
    const history = new History();
    history.accept("n1");
    history.plan({ ...createPayload, kind: "PLM" } as typeof createPayload, service({ asyncSeconds }));
    const request = history.send();
    if (asyncSeconds > 0) {
      history.add(
        ...settle(history.key(), request, history.now, { result: "failed", ticketId: null, because: "" }),
      );
      const [before] = history.state.settledRequests.values();
      if (before === undefined) throw new Error("It was forgotten.");
      history.add(...correct(history.key(), before, history.now, "P1", "late"));
    } else {
      history.add(
        ...settle(history.key(), request, history.now, { result: "ok", ticketId: "P1", because: "" }),
      );
    }
    expect(history.key().open.size).toBe(0);
    expect(surroundings(history.state, "NE-2", byTheWall(history.now)).linkedOn(["NE-1"])).toEqual([]);
    expect(history.outcomes()["n1"]).toBe("created");
  }
});
