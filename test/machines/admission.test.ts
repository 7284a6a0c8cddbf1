import { describe, expect, test } from "vitest";
import { lanes, nextGroup, parkingOf, readiness } from "../../machines/admission.ts";
import { entry } from "../../machines/entry.ts";
import { judgeAsync } from "../../machines/async-result.ts";
import { limits } from "../../machines/limits.ts";
import { linked, park, settleAlarms } from "../../machines/settlement.ts";
import { keyStream, type KeyState } from "../../machines/state.ts";
import {
  answer,
  closePayload,
  createPayload,
  History,
  KEY,
  noon,
  service,
  ended,
  settings,
  ticket,
  updatePayload,
  withTicket,
} from "./given.ts";
import { judgeAnswer } from "../../machines/request.ts";
import { answered, lose, send } from "./steps.ts";

function ids(key: KeyState, coalesce = true): { cancelled: string[]; flow: string[] } {
  const { cancelled, flow } = nextGroup(key, coalesce);
  return { cancelled: cancelled.map(({ ref }) => ref.id), flow: flow.map(({ ref }) => ref.id) };
}

/** `+a` raise, `~a` change, `-a` clear of alarm a, `!a` raise flagged as planned outage; ids are n1, n2 … */
function line(history: History, words: string): KeyState {
  const kinds = { "+": "raise", "!": "raise", "~": "change", "-": "clear" } as const;
  words.split(" ").forEach((word, index) => {
    const sign = word[0] as keyof typeof kinds;
    history.accept(`n${index + 1}`, {
      kind: kinds[sign],
      alarm: word.slice(1),
      plannedOutage: sign === "!",
      ...(sign === "-" ? { clearedAt: noon } : {}),
    });
  });
  return history.key();
}

/** The alarm is active already. */
function active(alarm: string): History {
  const history = new History();
  history.accept("before", { alarm });
  const how = ended("stopped", "D4");
  history.add(
    ...settleAlarms(
      history.key(),
      [history.key().waiting[0]?.ref].filter((ref) => ref !== undefined),
      noon,
      how,
    ),
  );
  return history;
}

describe("A5: what the next flow of a key decides", () => {
  const groups: [string, { cancelled: string[]; flow: string[] }][] = [
    ["+a", { cancelled: [], flow: ["n1"] }],
    ["+a +b ~a", { cancelled: [], flow: ["n1", "n2", "n3"] }],
    ["+a -b +c", { cancelled: [], flow: ["n1"] }],
    ["-a -b +c", { cancelled: [], flow: ["n1", "n2"] }],
    ["+a -a", { cancelled: ["n1", "n2"], flow: [] }],
    ["+a ~a -a", { cancelled: ["n1", "n2", "n3"], flow: [] }],
    ["+a +b -a", { cancelled: ["n1", "n3"], flow: ["n2"] }],
    ["+a -a +a", { cancelled: ["n1", "n2"], flow: ["n3"] }],
    ["+a -a +a -a", { cancelled: ["n1", "n2", "n3", "n4"], flow: [] }],
    ["-a +a", { cancelled: [], flow: ["n1"] }],
    ["-a +a -a", { cancelled: [], flow: ["n1"] }],
    ["+a -a -a", { cancelled: ["n1", "n2"], flow: ["n3"] }],
    ["!a -a", { cancelled: [], flow: ["n1"] }],
    ["+a !b +c", { cancelled: [], flow: ["n1"] }],
    ["!a +b", { cancelled: [], flow: ["n1"] }],
  ];
  test.each(groups)("%s", (words, expected) => {
    expect(ids(line(new History(), words))).toEqual(expected);
  });

  test("an alarm that was active before its raise does not cancel out: its ticket must close", () => {
    expect(ids(line(active("a"), "+a -a"))).toEqual({ cancelled: [], flow: ["n1"] });
  });

  test("a raise that a flow has begun for does not cancel out", () => {
    const history = new History();
    line(history, "+a");
    history.start();
    history.end("parked");
    history.accept("n2", { kind: "clear", alarm: "a", clearedAt: noon });
    expect(ids(history.key())).toEqual({ cancelled: [], flow: ["n1"] });
  });

  test("D0: a raise whose clear came first goes alone", () => {
    const history = new History();
    history.accept("clear", { kind: "clear", alarm: "a", clearedAt: noon });
    const { waiting } = history.key();
    const how = ended("stopped", "D12");
    history.add(
      ...settleAlarms(
        history.key(),
        waiting.map(({ ref }) => ref),
        noon,
        how,
      ),
    );
    expect(ids(line(history, "+b +a +c"))).toEqual({ cancelled: [], flow: ["n1"] });
    expect(ids(line(new History(), "+a +b"))).toEqual({ cancelled: [], flow: ["n1", "n2"] });
  });

  test("D0: a change of an alarm whose clear came first has no rule of its own: it goes with the others", () => {
    const history = new History();
    const { ref } = history.accept("clear", { kind: "clear", alarm: "a", clearedAt: noon });
    history.add(...settleAlarms(history.key(), [ref], noon, ended("stopped", "D12")));
    expect(ids(line(history, "+b ~a +c"))).toEqual({ cancelled: [], flow: ["n1", "n2", "n3"] });
  });

  test("without coalescing each notification has its own flow, and nothing cancels out", () => {
    expect(ids(line(new History(), "+a -a +b"), false)).toEqual({ cancelled: [], flow: ["n1"] });
  });

  test("a clear flagged as planned outage goes with the other clears", () => {
    const history = new History();
    history.accept("n1", { kind: "clear", alarm: "a", plannedOutage: true });
    history.accept("n2", { kind: "clear", alarm: "b" });
    expect(ids(history.key())).toEqual({ cancelled: [], flow: ["n1", "n2"] });
  });

  test("nothing in line and nothing covered: nothing to decide, held or not", () => {
    const history = active("a");
    for (const held of [true, false])
      expect(nextGroup(history.key(), true, held)).toEqual({ cancelled: [], flow: [] });
  });

  test("S3: one flow decides at most coalescedAlarmsMax, and a clear beyond them cancels nothing", () => {
    const max = limits.coalescedAlarmsMax;
    const words = Array.from({ length: max }, (_, index) => `+a${index}`);
    expect(nextGroup(line(new History(), [...words, "+more"].join(" ")), true).flow).toHaveLength(max);
    expect(ids(line(new History(), [...words, "-a0"].join(" "))).cancelled).toEqual([]);
    const held = { createSeconds: 30, updateSeconds: 0, closeSeconds: 0 };
    expect(readiness(line(new History(), [...words, "-a0"].join(" ")), false, held)).toBeNull();
    expect(readiness(line(new History(), [...words.slice(1), "-a1"].join(" ")), false, held)).not.toBeNull();
  });

  test("S3: of a cover with more alarms than one flow decides the first go, and with them the first of the most severe", () => {
    const max = limits.coalescedAlarmsMax;
    const resting = (count: number, severe: readonly number[]): KeyState => {
      const history = new History();
      for (let index = 0; index < count; index += 1)
        history.accept(`n${index}`, {
          alarm: `a${index}`,
          severity: severe.includes(index) ? "critical" : "minor",
        });
      const key = history.key();
      const parking = { reason: "covered", since: noon, until: null, because: "" } as const;
      const cover = { parking, tickets: [], alarms: key.waiting, endedAt: null, position: 1, checks: 0 };
      return { ...key, waiting: [], cover };
    };
    const led = (count: number, severe: readonly number[]) => ids(resting(count, severe)).flow;
    const first = Array.from({ length: max }, (_, index) => `n${index}`);
    expect(led(max, [])).toEqual(first);
    expect(led(max + 5, [])).toEqual(first);
    expect(led(max + 5, [3, max + 2])).toEqual(first);
    expect(led(max + 5, [max + 2, max + 4])).toEqual([...first.slice(0, -1), `n${max + 2}`]);
  });

  test("A2: raise and clear that cancel out leave the alarm inactive, one outcome each", () => {
    const history = new History();
    const key = line(history, "+a -a");
    const how = ended("coalesced");
    for (const { ref } of nextGroup(key, true).cancelled) history.add(...settleAlarms(key, [ref], noon, how));
    expect(history.outcomes()).toEqual({ n1: "coalesced", n2: "coalesced" });
    expect(key.active.size).toBe(0);
    expect(key.waiting).toEqual([]);
  });
});

describe("when a key may start a flow", () => {
  test("creates before updates before closes; the age is that of the first in line", () => {
    for (const [words, lane] of [
      ["+a", lanes.create],
      ["~a", lanes.update],
      ["-a", lanes.close],
    ] as const) {
      const key = line(new History(), words);
      expect(readiness(key, true)).toEqual({ lane, age: key.waiting[0]?.ref.position });
    }
    expect(lanes.create < lanes.update && lanes.update < lanes.close).toBe(true);
  });

  test("A5: not while a flow of the key runs, nor with nothing in line", () => {
    const history = new History();
    line(history, "+a");
    history.start();
    expect(readiness(history.key(), true)).toBeNull();
    history.end("settled");
    expect(readiness(history.key(), true)).not.toBeNull();
  });

  test("a parked key waits until it is due", () => {
    const history = new History();
    const key = line(history, "+a");
    history.add(park(key, noon, "outage", 1000, ""));
    expect(readiness(key, false)).toBeNull();
    expect(readiness(key, true)).not.toBeNull();
  });

  test("a key that has a flow, an unsettled request or nothing in line waits for nothing by itself", () => {
    const delays = { createSeconds: 30, updateSeconds: 30, closeSeconds: 30 };
    expect(parkingOf(active("a").key(), delays)).toBeNull();
    const history = new History();
    line(history, "+a +b");
    expect(parkingOf(history.key(), delays)).toMatchObject({ reason: "holdDown" });
    history.start();
    expect(parkingOf(history.key(), delays)).toBeNull();
    history.end("parked");
    history.plan(createPayload, service());
    expect(parkingOf(history.key(), delays)).toBeNull();
    history.end("expired");
    expect(parkingOf(history.key(), delays)).toBeNull();
  });

  test("D7: what a clear that leads its line waits for is no storm", () => {
    const history = new History();
    const key = line(history, "-a");
    history.add(park(key, noon, "storm", null, ""));
    expect(parkingOf(history.key())).toBeNull();
    history.add(park(key, noon, "outage", 1000, ""));
    expect(parkingOf(history.key())).toMatchObject({ reason: "outage" });
  });

  /** What is next was decided and needs a ticket, for which there is no room. */
  function inStorm(history: History): History {
    history.start();
    history.add(park(history.key(), noon, "storm", null, ""));
    history.end("parked");
    expect(readiness(history.key(), false)).toBeNull();
    return history;
  }

  test("D7 A8: a key in a storm that turns out to have a ticket needs no room; and a clear ends that ticket, none of its alarms cancels out", () => {
    const history = new History();
    line(history, "+a");
    inStorm(history);
    history.add(linked(history.key(), "OSB", ticket("T1"), noon));
    expect(readiness(history.key(), false)).not.toBeNull();
    history.accept("n2", { kind: "clear", alarm: "a" });
    expect(ids(history.key())).toEqual({ cancelled: [], flow: ["n1"] });
  });

  test("D7 A8: alarms whose ticket has gone wait for room, too", () => {
    const history = withTicket();
    lose(history);
    expect(readiness(history.key(), false)).not.toBeNull();
    expect(parkingOf(inStorm(history).key())).toMatchObject({ reason: "storm" });
  });

  test("D7 D2: planned work that comes in a storm has its own rule still, and does not cancel out", () => {
    const history = new History();
    line(history, "+a");
    inStorm(history);
    history.accept("n2", { alarm: "b", plannedOutage: true });
    history.accept("n3", { kind: "clear", alarm: "b" });
    expect(ids(history.key())).toEqual({ cancelled: [], flow: ["n1"] });
  });

  test("a raise and its clear in line do not end a wait for the service", () => {
    const history = new History();
    const key = line(history, "+a -a");
    history.add(park(key, noon, "outage", 1000, ""));
    expect(readiness(key, false)).toBeNull();
  });

  test("G5: a result that is there ends the wait for it, whatever its time", () => {
    const history = new History();
    line(history, "+a");
    history.plan(createPayload, service({ asyncSeconds: 30 }));
    const { requestId } = history.send();
    history.add(...judgeAnswer(history.key(), history.request(), answer("ack"), settings).entries);
    history.end("parked");
    const told = { requestId, key: KEY, result: "OK", ticketId: "T1", code: null, cause: null } as const;
    history.add(entry(keyStream(KEY), noon, "request.async", told));
    expect(readiness(history.key(), false)).toMatchObject({ lane: lanes.create });
  });

  test("G2: nothing else of the key goes while its request is planned or being sent", () => {
    const history = new History();
    line(history, "+a -b");
    history.plan(createPayload, service());
    history.end("expired");
    expect(readiness(history.key(), true)).toBeNull();
    history.send();
    expect(readiness(history.key(), true)).toBeNull();
  });

  test.each([
    { what: "to be sent again", kind: "refused" as const, code: "UNAVAILABLE" },
    { what: "in doubt", kind: "inDoubt" as const, code: "TIMEOUT" },
  ])("a request $what takes the lane of its command, when its parking has run out", ({ kind, code }) => {
    const history = new History();
    line(history, "+a");
    history.plan(closePayload, service());
    const request = history.send();
    history.add(...judgeAnswer(history.key(), request, answer(kind, { code }), settings).entries);
    history.end("parked");
    expect(readiness(history.key(), false)).toBeNull();
    expect(readiness(history.key(), true)).toEqual({ lane: lanes.close, age: history.key().revision });
  });

  test("a request whose flow went down with the process is as old as its first alarm", () => {
    const history = new History();
    line(history, "+a +b");
    send(history, createPayload, service());
    answered(history, "inDoubt", "TIMEOUT");
    history.start();
    history.open();
    const age = history.key().waiting[0]?.ref.position;
    expect(readiness(history.key(), true)).toEqual({ lane: lanes.create, age });
  });

  test("a request by hand, which no alarm asked for, has its turn as well", () => {
    const history = active("a");
    send(history, updatePayload, service());
    answered(history, "inDoubt", "TIMEOUT");
    expect(readiness(history.key(), true)).toEqual({ lane: lanes.update, age: history.key().revision });
  });

  test.each(["outage", "notOwner", "covered"] as const)(
    "R6: a key that was parked for %s and is tried again stands behind who came before that",
    (reason) => {
      const history = new History();
      line(history, "+a");
      history.add(park(history.key(), noon, reason, 1000, ""));
      const { revision } = history.key();
      expect(readiness(history.key(), true)).toEqual({ lane: lanes.create, age: revision });
    },
  );

  test("D7: in a storm the oldest goes first, whenever it was parked", () => {
    const history = new History();
    line(history, "+a");
    history.add(park(history.key(), noon, "storm", null, ""));
    expect(readiness(history.key(), true)?.age).toBe(history.key().waiting[0]?.ref.position);
  });

  test("an acknowledged request waits for its result or its time, whichever comes first", () => {
    const history = new History();
    line(history, "+a");
    history.plan(createPayload, service({ asyncSeconds: 30 }));
    const request = history.send();
    history.add(...judgeAnswer(history.key(), request, answer("ack"), settings).entries);
    history.end("parked");
    expect(readiness(history.key(), false)).toBeNull();
    expect(readiness(history.key(), true)).not.toBeNull();
    const told = {
      requestId: request.requestId,
      result: "OK",
      ticketId: "T1",
      code: null,
      cause: null,
      text: "",
    } as const;
    history.add(...judgeAsync(history.key(), null, told, noon, history.state.tables));
    expect(history.key().request).toBeNull();
  });

  test("newer notifications wait behind a request, in their order", () => {
    const history = new History();
    line(history, "+a");
    history.plan(createPayload, service());
    history.end("expired");
    history.accept("later", { kind: "clear", alarm: "a", clearedAt: noon });
    history.add(
      entry(keyStream(KEY), noon, "operator.acted", { by: "ann", action: "look", target: KEY, reason: "" }),
    );
    expect(readiness(history.key(), true)).toBeNull();
    expect(history.key().waiting.map(({ ref }) => ref.id)).toEqual(["n1", "later"]);
  });
});
