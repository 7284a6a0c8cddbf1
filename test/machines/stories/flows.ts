/** Flows: what parks them, what ends them, and the locks of their clients. */
import { entry } from "../../../machines/entry.ts";
import type { FactBodies } from "../../../machines/facts.ts";
import { endFlow } from "../../../machines/flow-end.ts";
import { recover } from "../../../machines/recovery.ts";
import { park, settleAlarms } from "../../../machines/settlement.ts";
import { clientStream } from "../../../machines/state.ts";
import { createPayload, ended, History, noon, service } from "../given.ts";
import { send } from "../steps.ts";
import { settled, type Story } from "./story.ts";

function clientFact<
  T extends "client.locked" | "client.unlocked" | "client.lockForced" | "client.lockExpired",
>(history: History, type: T, body: FactBodies[T]): void {
  history.add(entry(clientStream(body.clientId), history.now, type, body));
}

export const flowStories: readonly Story[] = [
  [
    "a storm: parked, cancelled by its clear",
    () => new History(),
    (history) => {
      history.accept("up");
      history.start();
      history.add(park(history.key(), history.now, "storm", null, "500 tickets are open"));
      history.end("parked");
      history.accept("down", { kind: "clear" });
      const waiting = history.key().waiting.map(({ ref }) => ref);
      history.add(...settleAlarms(history.key(), waiting, history.now, ended("coalesced")));
    },
  ],
  [
    "an outage: the waits are counted, a change of what it waits for counts anew",
    () => new History(),
    (history) => {
      history.accept("up");
      for (let parked = 0; parked < 2; parked += 1) {
        history.start();
        history.add(park(history.key(), history.now, "outage", 30_000, "no answer"));
        history.end("parked");
      }
      settled(history, "stopped", "D2");
    },
  ],
  [
    "a flow that crashes, ends by force and by its deadline",
    () => new History(),
    (history) => {
      history.accept("up");
      for (const ending of [
        { how: "crashed", cause: "thrown" },
        { how: "crashed", cause: "thrown" },
        { how: "expired" },
        { how: "crashed", cause: "thrown" },
        { how: "forced", by: "ann", reason: "stuck" },
      ] as const) {
        history.start();
        history.add(...(endFlow(history.state, "client-01", ending, history.now)?.entries ?? []));
      }
    },
  ],
  [
    "locks by hand: an older fence's end changes nothing",
    () => new History(),
    (history) => {
      const holder = { clientId: "client-01", lockGuid: "hand-1", fence: 1 };
      const lock = { ...holder, lockTime: noon, deadlineAt: noon + 300_000, by: "hand" } as const;
      clientFact(history, "client.locked", lock);
      clientFact(history, "client.lockExpired", holder);
      clientFact(history, "client.locked", { ...lock, lockGuid: "hand-2", fence: 2 });
      clientFact(history, "client.unlocked", holder);
      clientFact(history, "client.lockForced", { ...holder, fence: 2, by: "ann", reason: "stuck" });
    },
  ],
  [
    "a restart while a request was being sent",
    () => {
      const history = new History();
      history.accept("n1");
      send(history, createPayload, service());
      return history;
    },
    (history) => {
      history.add(...recover(history.state, false, history.now));
      history.open();
    },
  ],
];
