/** What a flow asks, decides and writes, word for word: the decision records that people read afterwards. */
import { expect, test } from "vitest";
import {
  noFindings,
  type FlowFindings,
  type FlowInput,
  type SearchFailure,
} from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { limits } from "../../machines/limits.ts";
import type { PathReading } from "../../machines/upstream.ts";
import type { NetworkPath, Ticket } from "../../machines/vocabulary.ts";
import {
  createPayload,
  History,
  KEY,
  noon,
  service,
  settings,
  ticket,
  updatePayload,
  withTicket,
} from "./given.ts";
import { membersText, RecordFile } from "./record-text.ts";
import { accepted, answered, closed, searched, send, stopped, unknownCreate } from "./steps.ts";

function path(end: NetworkPath["end"] = "root"): PathReading {
  const hop = { name: "", type: "", interface: "", networkService: "" };
  const hops = ["CAB-1", "HUB-1"].map((elementId, index) => ({ ...hop, elementId, hopNo: index + 1 }));
  return { elementId: KEY, path: { elementId: KEY, hops, end, loadedAt: noon }, failure: null, at: noon };
}

function upstream(...elements: readonly Ticket[]): FlowFindings {
  return { ...searched(), path: path(), elements };
}

const topology: Partial<FlowInput> = { hasTopology: true };
const later = noon + 3_600_000;
const maintenance = ticket("P9", {
  kind: "PLM",
  networkElements: ["HUB-1"],
  clientReference: "plan",
  endAt: later,
});
const parent = ticket("T9", { networkElements: ["HUB-1"], clientReference: "HUB-1" });

/** An hour after its confirmation the search does not show T1 any more. */
function linkedLongAgo(): History {
  const history = withTicket();
  history.now += 3_600_000;
  return accepted({ alarm: "a2" }, history);
}

type Case = readonly [
  name: string,
  history: () => History,
  findings: FlowFindings,
  change?: Partial<FlowInput>,
];

const cases: readonly Case[] = [
  ["a raise, nothing searched yet", () => accepted(), noFindings],
  ["the same with a topology", () => accepted(), noFindings, topology],
  [
    "a clear with a topology: nothing upstream matters",
    () => accepted({ kind: "clear" }),
    noFindings,
    topology,
  ],
  ["a planned outage with a topology", () => accepted({ plannedOutage: true }), noFindings, topology],
  ["the path is known, tickets on it are not", () => accepted(), { ...searched(), path: path() }, topology],
  ["the key has an unknown create", () => accepted({ alarm: "a2" }, unknownCreate("n0")), noFindings],
  [
    "D0",
    () => {
      const history = accepted({ kind: "clear", clearedAt: noon });
      history.start();
      stopped(history, "D12");
      history.end("settled");
      history.accept("n2");
      return history;
    },
    searched(),
  ],
  ["D2 by the alarm itself", () => accepted({ plannedOutage: true }), searched()],
  ["D2 by a ticket", () => accepted(), upstream(maintenance), topology],
  [
    "D2 by a ticket without end",
    () => accepted(),
    upstream(ticket("P9", { ...maintenance, endAt: undefined as never })),
    topology,
  ],
  ["D3", () => accepted({ severity: "critical" }), searched(ticket("T1", { severity: "minor" }))],
  ["D4", () => accepted({ details: "on fire" }), searched(ticket("T1"))],
  ["D4, of two open tickets", () => accepted(), searched(ticket("T2", { openedAt: noon - 1 }), ticket("T1"))],
  ["D4, linked and not yet shown", () => accepted({ alarm: "a2" }, withTicket()), searched()],
  ["D5", () => accepted(), upstream(parent), topology],
  [
    "D5, at the end of a path in a circle",
    () => accepted(),
    { ...upstream(parent), path: path("loop") },
    topology,
  ],
  [
    "D5, where a parent is missing",
    () => accepted(),
    { ...upstream(parent), path: path("dangling") },
    topology,
  ],
  ["D5, at the end of a long path", () => accepted(), { ...upstream(parent), path: path("limit") }, topology],
  [
    "D6",
    () => accepted({ alarm: "a2" }, closed(99, 100)),
    searched(),
    { settings: { ...settings, reopenSeconds: 100 } },
  ],
  ["D7", () => accepted(), searched(), { settings: { ...settings, maxOpenTickets: 0 } }],
  ["D8", () => accepted({ details: "on fire" }), searched()],
  [
    "D8, for three alarms",
    () => {
      const history = accepted();
      history.accept("n2", { alarm: "a2", alarmedObject: "NE-1/port-2", severity: "critical" });
      history.accept("n3", { alarm: "a3", kind: "change", severity: "minor" });
      return history;
    },
    searched(),
  ],
  [
    "D8, where nobody could look at the path",
    () => accepted(),
    {
      ...searched(),
      path: { elementId: KEY, path: null, failure: "The topology did not answer in 2 s.", at: noon },
      elements: [],
    },
    topology,
  ],
  [
    "D8, the key's create is unknown and was not found",
    () => accepted({ alarm: "a2" }, unknownCreate("n0")),
    {
      ...searched(),
      unknown: new Map([["request-2", []]]),
    },
  ],
  [
    "D8, the key's unknown create is found after all",
    () => accepted({ alarm: "a2" }, unknownCreate("n0")),
    {
      ...searched(),
      unknown: new Map([["request-2", [ticket("T5")]]]),
    },
  ],
  ["D9, upward", () => accepted({ kind: "change", severity: "critical" }), searched(ticket("T1"))],
  ["D9, not upward", () => accepted({ kind: "change", severity: "minor" }), searched(ticket("T1"))],
  ["D10", () => accepted({ alarm: "a2", kind: "clear" }, withTicket()), searched(ticket("T1"))],
  [
    "D11",
    () => accepted({ alarm: "a1", kind: "clear", clearedAt: noon + 5 }, withTicket()),
    searched(ticket("T1")),
  ],
  ["D12", () => accepted({ kind: "clear" }), searched()],
  ["D13", () => accepted({ kind: "change" }), searched()],
  ["T2: a linked ticket that the search should show", linkedLongAgo, searched()],
  [
    "T2: a linked ticket that nobody knows",
    linkedLongAgo,
    { ...searched(), verified: new Map([["T1", null]]) },
  ],
  [
    "T2: a linked ticket that was closed by others",
    linkedLongAgo,
    {
      ...searched(),
      verified: new Map([["T1", ticket("T1", { status: "closed" })]]),
    },
  ],
  [
    "T2: a linked ticket that is open after all",
    linkedLongAgo,
    {
      ...searched(),
      verified: new Map([["T1", ticket("T1", { severity: "minor" })]]),
    },
  ],
];

const temporary: SearchFailure = { code: "UNREACHABLE", cause: "connection refused", permanent: false };
const permanent: SearchFailure = { code: "BAD_CONFIGURATION", cause: "no password", permanent: true };
const strange: SearchFailure = { code: "SOMETHING_NEW", cause: "a surprise", permanent: true };

function doubtful(): History {
  const history = accepted();
  send(history, createPayload, service());
  answered(history, "inDoubt", "TIMEOUT");
  return history;
}

/** What the flow does next, as lines. */
function tell(file: RecordFile, name: string, history: History, step: ReturnType<typeof nextStep>): void {
  file.title(name);
  if (step.step === "search") {
    const { purpose, criteria, service: at, look } = step;
    file.add(`search ${membersText({ purpose, at: at.name, look, criteria })}`);
  } else if (step.step === "forward") {
    const { request, entries } = step;
    file.add(`forward to ${request.service.name}: ${membersText(request.payload)}`, entries);
  } else file.add(step.result, step.entries);
  if (step.step !== "search") history.add(...step.entries);
}

test("A8 D0 to D13: what a flow does, and what it writes of it, word for word", async () => {
  const file = new RecordFile();
  for (const [name, make, findings, change] of cases) {
    const history = make();
    tell(file, name, history, nextStep(history.start(KEY, change), findings, null, history.now));
  }
  for (const [name, failure] of Object.entries({ temporary, permanent, strange })) {
    const history = accepted();
    tell(file, `D1, ${name}`, history, nextStep(history.start(), noFindings, failure, history.now));
    const behind = doubtful();
    const step = nextStep(behind.start(), noFindings, failure, behind.now);
    tell(file, `D1, ${name}, a request in doubt`, behind, step);
  }
  await expect(file.text()).toMatchFileSnapshot("records/decisions.txt");
});

test("G3 G4: how a flow goes on with a request in doubt, word for word", async () => {
  const file = new RecordFile();
  for (const [command, payload] of Object.entries({ create: createPayload, update: updatePayload })) {
    const findings: Readonly<Record<string, FlowFindings["doubt"]>> = {
      "nothing asked yet": noFindings.doubt,
      "not found by its request id": { ...noFindings.doubt, byRequest: [] },
      "found by its request id": { ...noFindings.doubt, byRequest: [ticket("T5"), ticket("T1")] },
      "found nowhere": { byRequest: [], byKey: [], byTicket: [] },
    };
    for (const attempts of [1, limits.attemptsMax])
      for (const [name, doubt] of Object.entries(findings)) {
        const history = payload === updatePayload ? accepted({ alarm: "a2" }, withTicket()) : accepted();
        history.plan(payload, service());
        for (let attempt = 1; attempt <= attempts; attempt += 1) {
          history.send();
          answered(history, "inDoubt", "TIMEOUT");
        }
        const step = nextStep(history.start(), { ...noFindings, doubt }, null, history.now);
        tell(file, `${command}, ${attempts} attempts, ${name}`, history, step);
      }
  }
  await expect(file.text()).toMatchFileSnapshot("records/flows-in-doubt.txt");
});
