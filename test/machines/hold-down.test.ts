import { describe, expect, test } from "vitest";
import { nextGroup, parkingOf, readiness } from "../../machines/admission.ts";
import { park, settleAlarms } from "../../machines/settlement.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { ended, History, KEY, noon, withTicket } from "./given.ts";

const delays = { createSeconds: 30, updateSeconds: 20, closeSeconds: 10 };

function waits(history: History): number | null {
  const parking = parkingOf(history.key(), delays);
  return parking?.reason === "holdDown" && parking.until !== null ? parking.until - parking.since : null;
}

describe("how long what is next in line is held down", () => {
  const cases: [string, () => History, Partial<Notification>, number | null][] = [
    ["a raise without a ticket: a create", () => new History(), {}, 30_000],
    ["a change without a ticket: a create (D13)", () => new History(), { kind: "change" }, 30_000],
    ["a raise beside a ticket: an update", () => withTicket(), { alarm: "a2" }, 20_000],
    ["a change beside a ticket: an update", () => withTicket(), { kind: "change" }, 20_000],
    ["the last clear: a close", () => withTicket(), { kind: "clear" }, 10_000],
    ["a clear with nothing to close", () => new History(), { kind: "clear" }, null],
    ["a clear beside another active alarm (D10)", () => twoActive(), { kind: "clear" }, null],
  ];
  test.each(cases)("%s", (_what, given, change, ms) => {
    const history = given();
    history.now += 1_000;
    history.accept("n", change);
    expect(waits(history)).toBe(ms);
    expect(readiness(history.key(), false, delays) === null).toBe(ms !== null);
    expect(readiness(history.key(), true, delays)).not.toBeNull();
  });

  test("counted from its acceptance", () => {
    const history = new History();
    history.now += 5_000;
    history.accept("n");
    history.now += 90_000;
    expect(parkingOf(history.key(), delays)).toMatchObject({ since: noon + 5_000, until: noon + 35_000 });
  });

  test.each([
    [{}, "Held down for 30 s before a create."],
    [{ kind: "change" }, "Held down for 30 s before a create."],
  ] as [Partial<Notification>, string][])("it says what for: %j", (change, because) => {
    const history = new History();
    history.accept("n", change);
    expect(parkingOf(history.key(), delays)).toMatchObject({ reason: "holdDown", because });
  });

  test("it says what for, beside a ticket", () => {
    const texts = [{ kind: "change" }, { kind: "clear" }].map((change) => {
      const history = withTicket();
      history.accept("n", change as Partial<Notification>);
      return parkingOf(history.key(), delays)?.because;
    });
    expect(texts).toEqual(["Held down for 20 s before an update.", "Held down for 10 s before a close."]);
  });

  test("a part of a millisecond counts as one", () => {
    const history = new History();
    history.accept("n");
    expect(parkingOf(history.key(), { ...delays, createSeconds: 0.0011 })?.until).toBe(noon + 2);
  });

  test("a delay of zero is none", () => {
    const history = new History();
    history.accept("n");
    expect(parkingOf(history.key(), { ...delays, createSeconds: 0 })).toBeNull();
  });
});

/** T1 of alarm a1; a2 is active too. */
function twoActive(): History {
  const history = withTicket();
  const { ref } = history.accept("second", { alarm: "a2" });
  history.add(...settleAlarms(history.key(), [ref], history.now, ended("adopted", "D4")));
  return history;
}

describe("what a clear cancels while its raise is held up", () => {
  const held = (history: History) => ({
    isReady: readiness(history.key(), false, delays) !== null,
    cancelled: nextGroup(history.key(), false, true).cancelled.map(({ ref }) => ref.id),
    flow: nextGroup(history.key(), false, true).flow.length,
  });

  test("the raise, its changes and itself; the rest stays in line", () => {
    const history = new History();
    history.accept("up");
    history.accept("other", { alarm: "a2" });
    history.accept("worse", { kind: "change" });
    expect(held(history)).toEqual({ isReady: false, cancelled: [], flow: 0 });
    history.accept("down", { kind: "clear" });
    expect(held(history)).toEqual({ isReady: true, cancelled: ["up", "worse", "down"], flow: 0 });
  });

  test("not the raise of an alarm that was active before", () => {
    const history = withTicket();
    history.accept("again");
    history.accept("down", { kind: "clear" });
    expect(held(history)).toEqual({ isReady: false, cancelled: [], flow: 0 });
  });

  test("D7: in a storm also a raise that a flow has begun for; parked otherwise not", () => {
    for (const reason of ["storm", "outage"] as const) {
      const history = new History();
      history.accept("up");
      history.start(KEY);
      history.add(park(history.key(), history.now, reason, null, ""));
      history.end("parked");
      history.accept("down", { kind: "clear" });
      expect(held(history).isReady, reason).toBe(reason === "storm");
      expect(held(history).cancelled, reason).toEqual(reason === "storm" ? ["up", "down"] : []);
    }
  });

  test("D7: a storm holds up no clear that leads its line", () => {
    const history = new History();
    history.accept("up");
    history.start(KEY);
    history.add(park(history.key(), history.now, "storm", null, ""));
    history.end("parked");
    expect(readiness(history.key(), false)).toBeNull();
    expect(history.key().parkings, "no trouble of the service's: the back-off starts anew").toBe(0);
  });
});
