/** A8: which alarms are decided again when the last ticket of their key has gone; and how long a cover is believed. */
import { describe, expect, test } from "vitest";
import { coverAlarms, recheckDelay } from "../../machines/cover.ts";
import { entry } from "../../machines/entry.ts";
import { settleAlarms } from "../../machines/settlement.ts";
import { keyStream } from "../../machines/state.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { body, ended, History, KEY, noon, withTicket } from "./given.ts";
import { lose } from "./steps.ts";

/** Settled without a ticket of its own, and active. */
function adopted(history: History, id: string, change: Partial<Notification> = {}): void {
  const { ref } = history.accept(id, { alarm: id, ...change });
  const settled = { ...ended("adopted", "D4"), alarm: ref, key: KEY, supersedes: null };
  history.add(entry(keyStream(KEY), history.now, "alarm.settled", settled));
}

const orphans = (history: History): readonly string[] =>
  history.key().cover?.alarms.map(({ ref }) => ref.id) ?? [];

describe("A8: the last ticket of a key has gone", () => {
  test("one alarm is active still", () => {
    const history = withTicket();
    lose(history);
    expect(orphans(history)).toEqual(["raise-a1"]);
    expect(history.key().cover?.parking.because).toBe(
      `The ticket of ${KEY} has gone, and an alarm is still active.`,
    );
  });

  test("of several those that nobody else answers for, as old as they are", () => {
    const history = withTicket();
    adopted(history, "a2");
    adopted(history, "planned", { plannedOutage: true });
    history.accept("in line", { alarm: "in line" });
    history.accept("a2 worse", { alarm: "worse", kind: "change" });
    lose(history);
    expect(orphans(history)).toEqual(["raise-a1", "a2"]);
    expect(history.key().cover?.parking.because).toBe(
      `The ticket of ${KEY} has gone, and alarms are still active.`,
    );
  });

  test("none whose clear or change is in line: it is decided with that", () => {
    for (const kind of ["clear", "change"] as const) {
      const history = withTicket();
      history.accept("next", { kind });
      lose(history);
      expect(history.key().cover, kind).toBeNull();
    }
  });

  test("beside those that rest on a cover, in the order accepted", () => {
    const history = new History();
    adopted(history, "older");
    const { ref } = history.accept("newer", { alarm: "newer" });
    const by = { ticketId: "P1", service: "OSB", key: null, endAt: null };
    history.start();
    history.add(coverAlarms(history.key(), [ref], by, "P1 covers it", noon));
    history.add(...settleAlarms(history.key(), [ref], noon, ended("adopted", "D5")));
    history.end("settled");
    expect(orphans(history)).toEqual(["newer"]);
    lose(history);
    expect(orphans(history)).toEqual(["older", "newer"]);
  });

  test("none while the key has another ticket", () => {
    const history = withTicket();
    const other = { key: KEY, ticketId: "T2", service: "OSB", severity: "major", openedAt: noon } as const;
    history.add(entry(keyStream(KEY), noon, "ticket.linked", { ...other, status: "acknowledged" }));
    lose(history);
    expect(history.key().cover).toBeNull();
  });
});

describe("how long a cover is believed", () => {
  const by = { ticketId: "MO-1", service: "OSB", key: null, endAt: null };
  function parking(
    history: History,
    change: { readonly endAt?: number | null; readonly ticketId?: string } = {},
  ) {
    const made = coverAlarms(history.key(), [], { ...by, ...change }, "it covers", noon);
    return { made, ...body([made], "key.parked").parking };
  }

  test.each([
    ["without an end", null, noon + recheckDelay(0)],
    ["until its window ends", noon + 1, noon + 1],
    ["not until an end that has passed", noon, noon + recheckDelay(0)],
    ["not until an end that is far", noon + 86_400_000, noon + recheckDelay(0)],
  ])("%s", (_what, endAt, until) => {
    const history = new History();
    history.accept("n1");
    expect(parking(history, { endAt })).toMatchObject({ until, cover: { checks: 0 } });
  });

  test("longer each time that the same one is found to stand, and from the start for another", () => {
    const history = new History();
    const { ref } = history.accept("n1");
    for (const checks of [0, 1, 2]) {
      const told = coverAlarms(history.key(), [ref], by, "it covers", noon);
      expect(body([told], "key.parked").parking).toMatchObject({
        until: noon + recheckDelay(checks),
        cover: { checks },
      });
      history.add(told);
    }
    expect(parking(history, { ticketId: "MO-2" })).toMatchObject({ cover: { checks: 0 } });
  });
});
