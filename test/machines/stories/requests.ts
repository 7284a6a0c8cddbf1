/** Requests: attempts, answers and async results, what nobody knows the fate of, and what tells it in the end. */
import { judgeAsync } from "../../../machines/async-result.ts";
import { nextStep } from "../../../machines/flow-plan.ts";
import { judgeAnswer, type Answer } from "../../../machines/request.ts";
import { unknownRequest } from "../../../machines/state.ts";
import { judgeVerdict } from "../../../machines/verdict.ts";
import {
  answer,
  closePayload,
  createPayload,
  History,
  service,
  settings,
  ticket,
  updatePayload,
  withTicket,
} from "../given.ts";
import { carryOut, done, searched, send, settleUnknown, unknownCreate } from "../steps.ts";
import { replay, type Story } from "./story.ts";

const asynchronous = service({ asyncSeconds: 90 });
const late = { requestId: "", result: "OK", ticketId: "T7", code: null, cause: null, text: "" } as const;

function told(history: History, what: Answer): void {
  history.now += 1_000;
  const now = { ...what, answeredAt: history.now };
  history.add(...judgeAnswer(history.key(), history.request(), now, settings).entries);
}

function asyncResult(history: History, result: "OK" | "ERROR"): void {
  const { requestId } = history.request();
  const what = { ...late, requestId, result, ticketId: result === "OK" ? "T7" : null };
  history.add(...judgeAsync(history.key(), null, what, history.now, history.state.tables));
}

/** A create that nobody can say the fate of, and an alarm that was settled because of it. */
function unknownAndBehind(): History {
  const history = unknownCreate();
  history.accept("n2", { alarm: "a2" });
  const [requestId = ""] = history.state.unknown.keys();
  const input = history.start();
  const unknown = new Map([[requestId, []]]);
  carryOut(history, nextStep(input, { ...searched(), unknown }, null, history.now));
  history.end("settled");
  return history;
}

export const requestStories: readonly Story[] = [
  [
    "a ticket's whole life: created, updated, closed",
    () => new History({ reopenSeconds: 600 }),
    (history) => {
      history.accept("up");
      send(history, createPayload, service());
      done(history, "T1");
      history.now += 1_000;
      history.accept("worse", { kind: "change", severity: "critical" });
      send(history, updatePayload, service());
      done(history);
      history.now += 1_000;
      history.accept("down", { kind: "clear", clearedAt: history.now });
      send(history, closePayload, service());
      done(history);
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
      done(history, "T1");
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
      history.add(
        ...judgeAsync(history.key(), before, { ...late, requestId }, history.now, history.state.tables),
      );
      history.add(
        ...judgeAsync(
          null,
          null,
          { ...late, requestId: "nobody", result: "ERROR" },
          history.now,
          history.state.tables,
        ),
      );
    },
  ],
  [
    "a create of unknown fate, and an alarm settled behind it",
    () => new History(),
    (history) => replay(history, unknownAndBehind()),
  ],
  [
    "the create is found after all",
    unknownAndBehind,
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
    unknownAndBehind,
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
      done(history);
    },
  ],
];
