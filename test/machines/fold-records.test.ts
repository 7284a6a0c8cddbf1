/** What each fact makes of the state, in stories as the engine writes them: the fold, word for word. */
import { expect, test } from "vitest";
import { judgeAsync } from "../../machines/async-result.ts";
import { coverAlarms } from "../../machines/cover.ts";
import { entry } from "../../machines/entry.ts";
import type { FactBodies } from "../../machines/facts.ts";
import { endFlow } from "../../machines/flow-end.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { recover } from "../../machines/recovery.ts";
import { judgeAnswer, type Answer } from "../../machines/request.ts";
import { park, settle, settleAlarms } from "../../machines/settlement.ts";
import { clientStream, keyStream, unknownRequest } from "../../machines/state.ts";
import { judgeVerdict } from "../../machines/verdict.ts";
import type { RequestPayload } from "../../machines/vocabulary.ts";
import {
  answer,
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  noon,
  responseRow,
  service,
  settings,
  ticket,
  updatePayload,
  withTicket,
} from "./given.ts";
import { changesText, emptyText } from "./fold-record-text.ts";
import { carryOut, findGone, searched, send, settleUnknown } from "./steps.ts";

const asynchronous = service({ asyncSeconds: 90 });
const late = { requestId: "", result: "OK", ticketId: "T7", code: null, cause: null, text: "" } as const;

function told(history: History, what: Answer): void {
  history.now += 1_000;
  const now = { ...what, answeredAt: history.now };
  history.add(...judgeAnswer(history.key(), history.request(), now, settings).entries);
}

function done(history: History, ticketId: string | null = "T1", key = KEY): void {
  const how = { result: "ok", ticketId, because: "" } as const;
  history.add(...settle(history.key(key), history.request(key), history.now, how));
  history.end("settled", key);
}

function asyncResult(history: History, result: "OK" | "ERROR"): void {
  const { requestId } = history.request();
  const what = { ...late, requestId, result, ticketId: result === "OK" ? "T7" : null };
  history.add(...judgeAsync(history.key(), null, what, history.now));
}

/** The outcome of whatever is in line, without a request. */
function settled(history: History, ...how: Parameters<typeof ended>): void {
  const { group } = history.start();
  const refs = group.map(({ ref }) => ref);
  history.add(...settleAlarms(history.key(), refs, history.now, ended(...how)));
  history.end("settled");
}

function clientFact<
  T extends "client.locked" | "client.unlocked" | "client.lockForced" | "client.lockExpired",
>(history: History, type: T, body: FactBodies[T]): void {
  history.add(entry(clientStream(body.clientId), history.now, type, body));
}

function row(history: History, requestId: string, change: Parameters<typeof responseRow>[1] = {}): void {
  const inserted = responseRow(requestId, change);
  history.add(entry(keyStream(KEY), history.now, "response.row", { change: false, row: inserted }));
}

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

/** A create that nobody can say the fate of, and an alarm that was settled because of it. */
function unknownCreate(): History {
  const history = new History();
  history.accept("n1");
  send(history, createPayload);
  settleUnknown(history);
  history.accept("n2", { alarm: "a2" });
  const [requestId = ""] = history.state.unknown.keys();
  const input = history.start();
  const unknown = new Map([[requestId, []]]);
  carryOut(history, nextStep(input, { ...searched(), unknown }, null, history.now));
  history.end("settled");
  return history;
}

/** Name, what came before and is not written here, what is. */
type Story = readonly [name: string, before: () => History, goOn: (history: History) => void];

const stories: readonly Story[] = [
  [
    "a ticket's whole life: created, updated, closed",
    () => new History({ reopenSeconds: 600 }),
    (history) => {
      history.accept("up");
      send(history, createPayload, service());
      done(history);
      history.now += 1_000;
      history.accept("worse", { kind: "change", severity: "critical" });
      send(history, updatePayload, service());
      done(history, null);
      history.now += 1_000;
      history.accept("down", { kind: "clear", clearedAt: history.now });
      send(history, closePayload, service());
      done(history, null);
    },
  ],
  [
    "three notifications, one create",
    () => new History(),
    (history) => {
      history.accept("n1");
      history.accept("n2", { alarm: "a2" });
      history.accept("n3", { kind: "change", severity: "critical" });
      send(history, createPayload, service());
      done(history);
    },
  ],
  [
    "attempts: BUSY, in doubt, unreachable, BUSY; found by its id",
    () => {
      const history = new History();
      history.accept("n1");
      history.plan(createPayload, service());
      return history;
    },
    (history) => {
      let input = null;
      for (const what of [
        answer("nack", { code: "BUSY" }),
        answer("inDoubt", { code: "TIMEOUT" }),
        answer("unreachable", { code: "UNREACHABLE" }),
        answer("nack", { code: "BUSY" }),
      ]) {
        history.send();
        told(history, what);
        history.end("parked");
        input = history.start();
      }
      if (input === null) throw new Error("No flow has begun.");
      const doubt = { byRequest: [ticket("T5")], byTicket: null, byKey: null };
      carryOut(history, nextStep(input, { ...searched(), doubt }, null, history.now));
      history.end("settled");
    },
  ],
  [
    "in doubt, searched twice in vain, unknown",
    () => {
      const history = new History();
      history.accept("n1");
      send(history, createPayload);
      return history;
    },
    (history) => {
      told(history, answer("inDoubt", { code: "TIMEOUT" }));
      history.end("parked");
      const doubt = { byRequest: [], byTicket: [], byKey: [] };
      for (let search = 0; search < 2; search += 1) {
        history.now += 60_000;
        const step = nextStep(history.start(), { ...searched(), doubt }, null, history.now);
        carryOut(history, step);
        if (step.step !== "end") throw new Error("It goes on.");
        history.end(step.result);
      }
    },
  ],
  [
    "refused: rejected",
    () => {
      const history = new History();
      history.accept("n1");
      send(history, createPayload, service());
      return history;
    },
    (history) => {
      told(history, answer("nack", { code: "NACK" }));
      history.end("settled");
    },
  ],
  [
    "its ticket is unknown to the service: decided again",
    () => {
      const history = withTicket();
      history.accept("worse", { kind: "change", severity: "critical" });
      send(history, updatePayload, service());
      return history;
    },
    (history) => {
      told(history, answer("nack", { code: "UNKNOWN_TICKET" }));
      history.end("settled");
    },
  ],
  [
    "an async result: OK",
    () => new History(),
    (history) => {
      history.accept("n1");
      send(history, createPayload, asynchronous);
      told(history, answer("ack"));
      history.end("parked");
      asyncResult(history, "OK");
    },
  ],
  [
    "an async result that comes before the ACK",
    () => {
      const history = new History();
      history.accept("n1");
      send(history, createPayload, asynchronous);
      return history;
    },
    (history) => {
      asyncResult(history, "OK");
      told(history, answer("ack"));
      history.end("settled");
    },
  ],
  [
    "an async result: ERROR, decided once more, failed, and then OK after all",
    () => {
      const history = new History();
      history.accept("n1");
      send(history, createPayload, asynchronous);
      told(history, answer("ack"));
      history.end("parked");
      return history;
    },
    (history) => {
      asyncResult(history, "ERROR");
      send(history, createPayload, asynchronous);
      told(history, answer("ack"));
      history.end("parked");
      const { requestId } = history.request();
      asyncResult(history, "ERROR");
      history.now += 5_000;
      const before = history.state.settledRequests.get(requestId) ?? null;
      history.add(...judgeAsync(history.key(), before, { ...late, requestId }, history.now));
      history.add(...judgeAsync(null, null, { ...late, requestId: "nobody", result: "ERROR" }, history.now));
    },
  ],
  [
    "a create of unknown fate, and an alarm settled behind it",
    () => new History(),
    (history) => replay(history, unknownCreate()),
  ],
  [
    "the create is found after all",
    unknownCreate,
    (history) => {
      history.now += 60_000;
      history.accept("n3", { alarm: "a3" });
      const [requestId = ""] = history.state.unknown.keys();
      const unknown = new Map([[requestId, [ticket("T5")]]]);
      carryOut(history, nextStep(history.start(), { ...searched(), unknown }, null, history.now));
      history.end("settled");
    },
  ],
  ...(["applied", "notApplied"] as const).map((verdict): Story => [
    `an operator's verdict: ${verdict}`,
    unknownCreate,
    (history) => {
      const [requestId = ""] = history.state.unknown.keys();
      const request = unknownRequest(history.state, requestId);
      if (request === null) throw new Error("Nothing is unknown.");
      const alarms = history.facts.flatMap((fact) => {
        if (fact.type !== "alarm.settled") return [];
        const { alarm, outcome } = fact.body;
        const { notification } = history.key().active.get(alarm.id === "n1" ? "a1" : "a2") ?? {};
        if (notification === undefined) return [];
        return [{ ref: alarm, notification, current: { position: fact.position, outcome } }];
      });
      const said = { verdict, ticketId: verdict === "applied" ? "T8" : null, by: "ann", reason: "looked" };
      const judged = judgeVerdict(history.key(), request, said, alarms, history.now);
      if (!judged.ok) throw new Error(judged.failure.detail);
      history.add(...judged.value);
    },
  ]),
  [
    "an update of unknown fate, whose ticket is closed",
    () => {
      const history = withTicket();
      history.accept("worse", { kind: "change", severity: "critical" });
      send(history, updatePayload);
      return history;
    },
    (history) => {
      settleUnknown(history);
      history.accept("down", { kind: "clear" });
      send(history, closePayload, service());
      done(history, null);
    },
  ],
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
  ["a parent's ticket covers", () => new History(), (history) => replay(history, covered())],
  [
    "the parent's ticket is closed, and what it covered gets one of its own",
    covered,
    (history) => {
      history.accept("down", { kind: "clear" });
      send(history, closePayload, service());
      done(history, null);
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
  [
    "response rows: more than there is room for, fewer allowed, cleared",
    () => new History({ maxResponseRows: 2 }),
    (history) => {
      const search = { command: "search", status: "ok", asyncStatus: null } as const;
      row(history, "s1", search);
      row(history, "s2", { ...search, status: "error" });
      row(history, "r1");
      const settledRow = {
        requestId: "r1",
        attempt: 1,
        clientId: "client-01",
        key: KEY,
        status: "ok",
      } as const;
      history.add(entry(keyStream(KEY), noon, "response.row", { change: true, row: settledRow }));
      row(history, "s3", { ...search, clientId: "client-02" });
      row(history, "s4", { ...search, clientId: "client-02" });
      const fewer = { maxResponseRows: 1, reopenSeconds: 0, clockSkewSeconds: 300, dedupDays: 7 };
      history.add(entry("settings", noon, "settings.changed", { ...fewer, by: "ann" }));
      history.add(
        entry("audit", noon, "responses.cleared", { clientId: "client-01", by: "ann" }),
        entry("audit", noon, "responses.cleared", { clientId: null, by: "ann" }),
      );
    },
  ],
  [
    "what people and the engine do beside it",
    () => new History(),
    (history) => {
      const known = { maxResponseRows: 5, reopenSeconds: 1, clockSkewSeconds: 2, dedupDays: 3 };
      const holder = { clientId: "client-01", lockGuid: "hand-1", fence: 1, by: "ann", reason: "stuck" };
      const loaded = { by: "ann", loadedAt: noon, elements: 1, roots: 1, addresses: 0, hops: 0, files: [] };
      history.add(
        entry("settings", noon, "settings.changed", { ...known, configured: { ...known, dedupDays: 4 } }),
        entry("settings", noon, "settings.changed", { ...known, by: "ann" }),
        entry("services", noon, "services.imported", { services: [service()], by: "ann" }),
        entry("services", noon, "service.selected", { name: "OSB", by: "ann" }),
        entry("client/client-01", noon, "client.notBusyForced", holder),
        entry("client/client-01", noon, "client.quarantined", {
          clientId: "client-01",
          crashes: 6,
          cause: "",
        }),
        entry("audit", noon, "topology.loaded", loaded),
        entry("audit", noon, "operator.acted", { by: "ann", action: "note", target: "x", reason: "y" }),
      );
    },
  ],
  [
    "the heartbeat: taken, saying fail, not taken",
    () => new History(),
    (history) => {
      const beat = { rid: "r", because: "all is well", lockGuid: null, durationMs: null } as const;
      const failure = { code: "BEAT_UNANSWERED", detail: "no answer in 5 s" } as const;
      for (const check of ["chain", "engine"] as const) {
        history.now += 1_000;
        history.add(
          entry("heartbeat", history.now, "heartbeat.sent", { ...beat, check, beat: "success" }),
          entry("heartbeat", history.now, "heartbeat.failed", { ...beat, check, beat: "success", failure }),
          entry("heartbeat", history.now, "heartbeat.failed", { ...beat, check, beat: null, failure }),
          entry("heartbeat", history.now + 1, "heartbeat.sent", { ...beat, check, beat: "fail" }),
        );
      }
    },
  ],
];

/** The facts of another history, written into this one. */
function replay(history: History, other: History): void {
  for (const { stream, position, ...fact } of other.facts) if (position > 2) history.add({ stream, fact });
}

test("R1: what each fact makes of the state, word for word", async () => {
  const lines = stories.flatMap(([name, before, goOn], index) => {
    const history = before();
    const from = history.facts.length;
    goOn(history);
    const isWhole = index === 0 || /^locks|^response/.test(name);
    return [`# ${name}`, "", ...changesText(history.facts, from, isWhole), ""];
  });
  const text = ["# before any fact", "", ...emptyText(), "", ...lines].join("\n");
  await expect(text).toMatchFileSnapshot("records/fold.txt");
});
