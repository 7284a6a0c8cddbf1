/** Tickets that cover and tickets that have gone; alarms that need none, and requests that make none. */
import { coverAlarms } from "../../../machines/cover.ts";
import { settleAlarms } from "../../../machines/settlement.ts";
import type { RequestPayload } from "../../../machines/vocabulary.ts";
import { closePayload, createPayload, ended, History, KEY, noon, service, withTicket } from "../given.ts";
import { carryOut, done, findGone, send } from "../steps.ts";
import { replay, settled, type Story } from "./story.ts";

/** Begins with NE-1's ticket T1, which covers NE-2's alarm. */
function covered(): History {
  const history = withTicket();
  history.accept("child", { key: "NE-2", alarm: "b1" });
  const { group } = history.start("NE-2", { clientId: "client-02" });
  const refs = group.map(({ ref }) => ref);
  const by = { ticketId: "T1", service: "OSB", key: KEY, endAt: null };
  const key = history.key("NE-2");
  history.add(
    coverAlarms(key, refs, by, "T1 covers it", history.now),
    ...settleAlarms(key, refs, history.now, ended("adopted", "D5")),
  );
  history.end("settled", "NE-2");
  return history;
}

export const ticketStories: readonly Story[] = [
  ["a parent's ticket covers", () => new History(), (history) => replay(history, covered())],
  [
    "the parent's ticket is closed, and what it covered gets one of its own",
    covered,
    (history) => {
      history.accept("down", { kind: "clear" });
      send(history, closePayload, service());
      done(history);
      const payload = {
        ...createPayload,
        clientReference: "NE-2",
        networkElements: ["NE-2"],
      } as RequestPayload;
      history.plan(payload, service(), "NE-2");
      history.send("NE-2");
      done(history, "T2", "NE-2");
    },
  ],
  [
    "a covered alarm is cleared",
    covered,
    (history) => {
      history.accept("child down", { key: "NE-2", alarm: "b1", kind: "clear" });
      const { group } = history.start("NE-2");
      const refs = group.map(({ ref }) => ref);
      history.add(...settleAlarms(history.key("NE-2"), refs, history.now, ended("stopped", "D12")));
      history.end("settled", "NE-2");
    },
  ],
  [
    "somebody closed the ticket under an active alarm",
    () => {
      const history = withTicket();
      history.accept("n2", { alarm: "a2", kind: "clear" });
      return history;
    },
    (history) => {
      carryOut(history, findGone(history));
      history.end("settled");
    },
  ],
  [
    "the service does not know the ticket it made (T2)",
    () => {
      const history = withTicket();
      history.accept("n2", { alarm: "a2", kind: "clear" });
      return history;
    },
    (history) => {
      carryOut(history, findGone(history, null));
      history.end("settled");
    },
  ],
  [
    "a clear before its raise (D0)",
    () => new History(),
    (history) => {
      history.accept("down", { kind: "clear", clearedAt: noon + 5_000 });
      settled(history, "stopped", "D12");
      history.accept("up", { raisedAt: noon });
      settled(history, "stopped", "D0");
      history.accept("up again", { raisedAt: noon });
      settled(history, "stopped", "D2");
      history.accept("down again", { kind: "clear", clearedAt: noon + 5_000 });
      settled(history, "stopped", "D12");
    },
  ],
  [
    "planned maintenance is no ticket of its key",
    () => {
      const history = new History();
      history.accept("n1");
      send(history, { ...createPayload, kind: "PLM" } as RequestPayload, service());
      return history;
    },
    (history) => done(history, "P1"),
  ],
  [
    "counters that were edited are no ticket",
    () => {
      const history = new History();
      history.accept("n1");
      const counters = [{ name: "alarms", value: 0 }];
      const edit = { command: "editNinasCounters", kind: "MO", networkElement: "NE-1", counters } as const;
      send(history, edit, service());
      return history;
    },
    (history) => done(history, "T1"),
  ],
];
