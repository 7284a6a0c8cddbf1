/** What is written about a request, whatever becomes of it: word for word, for everyone who asks why. */
import { describe, expect, test } from "vitest";
import { judgeAsync } from "../../machines/async-result.ts";
import { stepInDoubt, type DoubtFindings } from "../../machines/doubt.ts";
import { endFlow, type Ending } from "../../machines/flow-end.ts";
import { limits } from "../../machines/limits.ts";
import { recover } from "../../machines/recovery.ts";
import { judgeAnswer, type Answer } from "../../machines/request.ts";
import { settle } from "../../machines/settlement.ts";
import { unknownRequest } from "../../machines/state.ts";
import type { Idempotency, RequestPayload, ServiceInfo } from "../../machines/vocabulary.ts";
import {
  answer,
  closePayload,
  createPayload,
  History,
  KEY,
  service,
  settings,
  ticket,
  updatePayload,
  withTicket,
} from "./given.ts";
import { RecordFile } from "./record-text.ts";

const asynchronous = service({ asyncSeconds: 90 });
const promises = ["requestId", "settles", "none"] as const satisfies readonly Idempotency[];
/** Counting up twice does harm; setting twice does not. */
const counting: RequestPayload = {
  command: "editNinasCounters",
  kind: "MO",
  networkElement: "NE-1",
  counters: [{ name: "alarms", delta: 1 }],
};
const setting: RequestPayload = { ...counting, counters: [{ name: "alarms", value: 0 }] };

/** Sends attempts up to `attempt`; the ones before it stay without an answer or are answered BUSY. */
function sent(history: History, attempt = 1, before: "busy" | "lost" = "busy"): History {
  history.send();
  for (let earlier = 1; earlier < attempt; earlier += 1) {
    judge(
      history,
      before === "busy" ? answer("nack", { code: "BUSY" }) : answer("inDoubt", { code: "TIMEOUT" }),
    );
    history.send();
  }
  return history;
}

function planned(payload: RequestPayload = createPayload, at: ServiceInfo = service()): History {
  const hasTicket = payload.command === "update" || payload.command === "close";
  const history = hasTicket ? withTicket() : new History();
  history.accept(
    "n1",
    payload.command === "close" ? { kind: "clear", clearedAt: history.now } : { alarm: "a2" },
  );
  history.plan(payload, at);
  return history;
}

function judge(history: History, told: Answer): void {
  history.add(...judgeAnswer(history.key(), history.request(), told, settings).entries);
}

function result(history: History, what: "OK" | "ERROR"): void {
  const { requestId } = history.request();
  const told = {
    requestId,
    result: what,
    ticketId: what === "OK" ? "T7" : null,
    code: null,
    cause: null,
    text: "",
  };
  history.add(...judgeAsync(history.key(), null, told, history.now, history.state.tables));
}

/** Told once that it was not applied: its alarms were decided again, and this is the second request. */
function decidedAgain(payload: RequestPayload): History {
  const history = sent(planned(payload));
  judge(history, answer("nack", { code: "UNKNOWN_TICKET" }));
  history.end("settled");
  history.plan(payload, service());
  return sent(history);
}

function byHand(): History {
  const history = new History();
  history.accept("n1");
  const { lockGuid, clientId, requestId } = history.start();
  history.end("settled");
  const request = { requestId, key: KEY, clientId, lockGuid, service: service(), payload: createPayload };
  history.add({
    stream: `key/${KEY}`,
    fact: {
      type: "request.planned",
      at: history.now,
      body: { ...request, intent: "created", alarms: [], rule: "hand", plannedAt: history.now },
    },
  });
  return sent(history);
}

const situations: readonly (readonly [string, () => History])[] = [
  ["a create, first attempt", () => sent(planned())],
  ["a create, last attempt", () => sent(planned(), limits.attemptsMax)],
  ["a create, an earlier attempt in doubt", () => sent(planned(), 2, "lost")],
  ["a create, last attempt, the earlier ones in doubt", () => sent(planned(), limits.attemptsMax, "lost")],
  ["a create planned by hand", byHand],
  ["an update", () => sent(planned(updatePayload))],
  ["an update that was decided again", () => decidedAgain(updatePayload)],
  ["a close", () => sent(planned(closePayload))],
  ["a create at a service with async results", () => sent(planned(createPayload, asynchronous))],
  [
    "a create whose async OK came before",
    () => {
      const history = sent(planned(createPayload, asynchronous));
      result(history, "OK");
      return history;
    },
  ],
  [
    "a create whose async ERROR came before",
    () => {
      const history = sent(planned(createPayload, asynchronous));
      result(history, "ERROR");
      return history;
    },
  ],
];

const answers: readonly Answer[] = [
  answer("ack", { ticketId: "T1", request: "<create>", text: "<ack>" }),
  answer("ack"),
  answer("nack", { code: "NACK", cause: "no such element" }),
  answer("nack", { code: "DUPLICATE" }),
  answer("nack", { cause: "" }),
  answer("nack", { code: "NOT_OWNER" }),
  answer("nack", { code: "BUSY" }),
  answer("nack", { code: "ALREADY_CLOSED" }),
  answer("nack", { code: "UNKNOWN_TICKET" }),
  answer("refused", { code: "UNAVAILABLE", cause: "503", retryAfterMs: 5_000 }),
  answer("refused", { code: "UNAVAILABLE" }),
  answer("unreachable", { code: "UNREACHABLE", cause: "connection refused" }),
  answer("unreachable", { code: "UNREACHABLE" }),
  answer("failed", { code: "BAD_CONFIGURATION", cause: "no password" }),
  answer("failed", { code: "SOMETHING_NEW" }),
  answer("inDoubt", { code: "TIMEOUT", cause: "no answer in 30 s" }),
  answer("inDoubt", { code: "RESET" }),
];

function answerText({ kind, code, cause, ticketId }: Answer): string {
  return [kind, code, ticketId, cause === null ? null : JSON.stringify(cause)]
    .filter((one) => one !== null)
    .join(" ");
}

describe("what is written, word for word", () => {
  test("G3 G4 A2: about every answer, at every stage of a request", async () => {
    const file = new RecordFile();
    for (const [name, make] of situations) {
      file.title(name);
      for (const told of answers) {
        const history = make();
        const {
          result: how,
          outcome,
          because,
          entries,
        } = judgeAnswer(history.key(), history.request(), told, settings);
        const verdict = `${how}${outcome === null ? "" : `, ${outcome}`}: ${because}`;
        file.add(`${answerText(told)} → ${verdict}`, entries);
      }
    }
    await expect(file.text()).toMatchFileSnapshot("records/answers.txt");
  });

  test("G4 T1: about every step of a request in doubt", async () => {
    /** A create's is the first; an update and a close are about T1. */
    const ownTickets = ["T5", "T1"].map((ticketId) => ticket(ticketId, { status: "inProgress" }));
    const nothing: DoubtFindings = { byRequest: null, byTicket: null, byKey: null };
    const findings: readonly (readonly [string, DoubtFindings])[] = [
      ["nothing asked yet", nothing],
      ["not found by its request id", { ...nothing, byRequest: [] }],
      ["found by its request id", { ...nothing, byRequest: ownTickets }],
      [
        "another's, by its request id",
        { ...nothing, byRequest: [ticket("T6", { clientReference: "NE-2" }), ticket("T7", { kind: "PLM" })] },
      ],
      ["found by its key", { byRequest: [], byTicket: null, byKey: [ticket("T6", { severity: "minor" })] }],
      [
        "another's ticket",
        { byRequest: [], byTicket: [], byKey: [ticket("T6", { clientReference: "NE-2" })] },
      ],
      [
        "its ticket is as asked",
        {
          byRequest: [],
          byTicket: [ticket("T1", { severity: "critical", status: "closed" })],
          byKey: [],
        },
      ],
      ["its ticket is as it was", { byRequest: [], byTicket: [ticket("T1")], byKey: [] }],
      ["found nowhere", { byRequest: [], byTicket: [], byKey: [] }],
    ];
    const payloads = {
      create: createPayload,
      update: updatePayload,
      close: closePayload,
      "counting up": counting,
      "setting counters": setting,
    };
    const file = new RecordFile();
    for (const [command, payload] of Object.entries(payloads))
      for (const idempotency of promises)
        for (const attempts of [1, limits.attemptsMax])
          for (const lookups of [0, 1]) {
            const history = sent(planned(payload, service({ idempotency })), attempts, "lost");
            judge(history, answer("inDoubt", { code: "TIMEOUT" }));
            history.request().lookups = lookups;
            file.title(`${command}, ${idempotency}, ${attempts} attempts, ${lookups} look-ups`);
            for (const [found, what] of findings) tell(file, found, history, what);
          }
    for (const [name, make] of [
      ["answered BUSY", () => answered(answer("nack", { code: "BUSY" }), createPayload)],
      ["acknowledged, and no result came", () => answered(answer("ack"), createPayload, asynchronous)],
      [
        "acknowledged, and then OK",
        () => {
          const history = answered(answer("inDoubt", { code: "TIMEOUT" }), createPayload, asynchronous);
          history.request().asyncResult = { result: "OK", ticketId: "T7", code: null, cause: null };
          return history;
        },
      ],
    ] as const) {
      file.title(name);
      tell(file, "nothing asked yet", make(), nothing);
    }
    await expect(file.text()).toMatchFileSnapshot("records/doubts.txt");

    function answered(told: Answer, payload: RequestPayload, at = service()): History {
      const history = sent(planned(payload, at));
      judge(history, told);
      return history;
    }
    function tell(to: RecordFile, found: string, history: History, what: DoubtFindings): void {
      const step = stepInDoubt(history.key(), history.request(), what, history.now);
      if (step.step === "search") to.add(`${found} → search by ${step.by}`);
      else if (step.step === "resend") to.add(`${found} → resend: ${step.because}`);
      else to.add(`${found} → ${step.decision}: ${step.because}`, step.entries);
    }
  });

  test("G5 A2: about every async result, whenever it comes", async () => {
    const stages: readonly (readonly [string, () => History])[] = [
      ["while it is planned", () => planned(createPayload, asynchronous)],
      ["while it is being sent", () => sent(planned(createPayload, asynchronous))],
      ["after its ACK", () => told(sent(planned(createPayload, asynchronous)), answer("ack"))],
      [
        "after the ACK of its second attempt",
        () => told(sent(planned(createPayload, asynchronous), 2, "lost"), answer("ack")),
      ],
      [
        "after its ACK, decided again",
        () => {
          const history = told(sent(planned(createPayload, asynchronous)), answer("ack"));
          result(history, "ERROR");
          history.end("settled");
          history.plan(createPayload, asynchronous);
          return told(sent(history), answer("ack"));
        },
      ],
      [
        "while it is in doubt",
        () => told(sent(planned(createPayload, asynchronous)), answer("inDoubt", { code: "TIMEOUT" })),
      ],
      [
        "in doubt after an ERROR",
        () => {
          const history = told(sent(planned(createPayload, asynchronous), 2, "lost"), answer("ack"));
          result(history, "ERROR");
          return history;
        },
      ],
    ];
    const settled: readonly (readonly [string, RequestPayload, "ok" | "failed" | "unknown"])[] = [
      ["a create that was done", createPayload, "ok"],
      ["a create that had failed", createPayload, "failed"],
      ["a create of unknown fate", createPayload, "unknown"],
      ["an update that had failed", updatePayload, "failed"],
      ["a close of unknown fate", closePayload, "unknown"],
    ];
    const results = [
      { result: "OK", ticketId: "T7", code: null, cause: null },
      { result: "OK", ticketId: null, code: null, cause: null },
      { result: "ERROR", ticketId: null, code: "E42", cause: "the element is unknown" },
      { result: "ERROR", ticketId: null, code: null, cause: null },
    ] as const;
    const file = new RecordFile();
    for (const [name, make] of stages) {
      file.title(name);
      for (const one of results) {
        const history = make();
        const { requestId } = history.request();
        const entries = judgeAsync(
          history.key(),
          null,
          { ...one, requestId, text: "<result>" },
          history.now,
          history.state.tables,
        );
        file.add(resultText(one), entries);
      }
    }
    for (const [name, payload, fate] of settled) {
      file.title(`late: ${name}`);
      for (const one of results) {
        const history = sent(planned(payload, asynchronous));
        const { requestId } = history.request();
        const how = { result: fate, ticketId: null, because: "so it was" };
        history.add(...settle(history.key(), history.request(), history.now, how));
        history.end("settled");
        const before =
          history.state.settledRequests.get(requestId) ?? unknownRequest(history.state, requestId);
        const entries = judgeAsync(
          history.key(),
          before,
          { ...one, requestId, text: "<result>" },
          history.now,
          history.state.tables,
        );
        file.add(resultText(one), entries);
      }
    }
    file.title("for nobody");
    for (const one of results) {
      const entries = judgeAsync(
        null,
        null,
        { ...one, requestId: "nobody", text: "<result>" },
        new History().now,
        new Map(),
      );
      file.add(resultText(one), entries);
    }
    await expect(file.text()).toMatchFileSnapshot("records/async-results.txt");

    function told(history: History, what: Answer): History {
      judge(history, what);
      return history;
    }
    function resultText({ result: what, ticketId, code, cause }: (typeof results)[number]): string {
      return [what, ticketId, code, cause].filter((one) => one !== null).join(" ");
    }
  });

  const stages: readonly (readonly [string, () => History])[] = [
    [
      "searching",
      () => {
        const history = new History();
        history.accept("n1");
        history.start();
        return history;
      },
    ],
    ["planned", () => planned()],
    ["being sent", () => sent(planned())],
    ["to be sent again", () => stage(answer("nack", { code: "BUSY" }))],
    ["in doubt", () => stage(answer("inDoubt", { code: "TIMEOUT" }))],
    [
      "in doubt at a service that repeats its answers",
      () => stage(answer("inDoubt", { code: "TIMEOUT" }), service({ idempotency: "requestId" })),
    ],
    ["acknowledged", () => stage(answer("ack"), asynchronous)],
  ];
  function stage(told: Answer, at = service()): History {
    const history = sent(planned(createPayload, at));
    judge(history, told);
    history.end("parked");
    history.start();
    return history;
  }

  test("L4 L6 R6: about every end of a flow that does not end itself, at every stage", async () => {
    const endings: readonly Ending[] = [
      { how: "forced", by: "ann", reason: "stuck" },
      { how: "expired" },
      { how: "crashed", cause: "thrown" },
    ];
    const file = new RecordFile();
    for (const [name, make] of stages)
      for (const crashes of [0, limits.flowCrashesMax - 1]) {
        file.title(`${name}, ${crashes} crashes before`);
        for (const ending of endings) {
          const history = make();
          history.key().crashes = crashes;
          const plan = endFlow(history.state, "client-01", ending, history.now);
          file.add(ending.how, plan?.entries);
        }
      }
    await expect(file.text()).toMatchFileSnapshot("records/endings.txt");
  });

  test("G2 R4 L5: about everything that an opening finds unfinished", async () => {
    const file = new RecordFile();
    for (const [name, make] of stages)
      for (const restored of [false, true]) {
        const history = make();
        file.title(`${name}${restored ? ", in a restored backup" : ""}`);
        file.add("the opening", recover(history.state, restored, history.now));
      }
    await expect(file.text()).toMatchFileSnapshot("records/openings.txt");
  });
});
