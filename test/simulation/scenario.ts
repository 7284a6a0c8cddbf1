/**
 * One seed, one scenario: what there is, what goes wrong how often, and what happens when. Data only, so that a part
 * of it can be left out to see whether the rest still fails.
 */
import type { ConfigInput } from "../../actors/config.ts";
import type { ClientStateName, Idempotency, ServiceInfo, Severity } from "../../machines/vocabulary.ts";
import { severities } from "../../machines/vocabulary.ts";
import type { DiskMoment } from "./simulated-disk.ts";
import type { Random } from "./random.ts";

/** `child: parent`: where the alarmed elements hang. */
export const parents: Readonly<Record<string, string>> = {
  "node-a": "hub",
  "node-b": "hub",
  "modem-1": "node-a",
  "modem-2": "node-b",
};
export const elements = ["hub", ...Object.keys(parents)];

export type CrashMoment = "now" | "send" | DiskMoment;

export type Act =
  | {
      readonly act: "alarm";
      readonly kind: "raise" | "change" | "clear";
      readonly key: string;
      readonly alarm: string;
      readonly severity: Severity;
      readonly plannedOutage: boolean;
      /** Of a raise: how long before now it says that it was raised. */
      readonly agoMs: number;
    }
  /** A notification that was sent before, `back` ones ago; `changed`: with other content under its id. */
  | { readonly act: "repeat"; readonly back: number; readonly changed: boolean }
  | {
      readonly act: "crash";
      readonly moment: CrashMoment;
      readonly after: number;
      readonly downMs: number;
      readonly again: number;
    }
  | { readonly act: "restart"; readonly drainSeconds: number }
  | { readonly act: "pause"; readonly ms: number }
  | { readonly act: "jump"; readonly ms: number }
  | { readonly act: "syncFails"; readonly forMs: number }
  | { readonly act: "outage"; readonly how: "unreachable" | "refused" | "silent"; readonly ms: number }
  | {
      readonly act: "force";
      readonly what: "unlock" | "notBusy";
      readonly client: number;
      /** As soon as the client is in this state; `inLine`: as soon as any client's request waits for another's at the
       * gateway; null: now, in any state. */
      readonly state: ClientStateName | "inLine" | null;
      readonly guid: "seen" | "old";
      readonly times: number;
    }
  | { readonly act: "resolve" }
  | { readonly act: "select"; readonly service: number }
  | { readonly act: "import"; readonly what: "notes" | "without" | "bad" }
  | { readonly act: "rows"; readonly max: number }
  | { readonly act: "clearRows" }
  | { readonly act: "hand"; readonly holdMs: number; readonly searches: boolean; readonly key: string }
  | {
      readonly act: "stranger";
      readonly what: "close" | "remove" | "take" | "plan" | "outageTicket" | "sameKey";
      readonly key: string;
      readonly ms: number;
    }
  | {
      readonly act: "reader";
      readonly who: number;
      readonly what: "read" | "cut" | "return" | "stall" | "drain";
    };

export interface Step {
  readonly atMs: number;
  readonly act: Act;
}

/** Shares of calls: 0 = never, 1 = always. */
export interface FaultRates {
  readonly send: number;
  /** Of creates: refused for good. */
  readonly refuse: number;
  readonly search: number;
  readonly async: number;
  readonly topology: number;
  readonly decide: number;
  readonly clientCrash: number;
  readonly gatewayCrash: number;
  readonly slowSync: number;
}

export interface Scenario {
  readonly config: ConfigInput;
  readonly services: readonly ServiceInfo[];
  readonly hasTopology: boolean;
  readonly rates: FaultRates;
  readonly steps: readonly Step[];
  /** When the faults stop. */
  readonly endMs: number;
}

/** Some scenarios dwell on one kind of trouble. */
const troubles = [
  "any",
  "any",
  "crashes",
  "operators",
  "operators",
  "crowd",
  "alarms",
  "strangers",
  "covers",
  "covers",
  "covers",
] as const;
type Trouble = (typeof troubles)[number];

export function drawScenario(random: Random): Scenario {
  const trouble = random.stream("trouble").pick(troubles);
  const services = drawServices(random.stream("services"));
  const steps = drawSteps(random.stream("steps"), trouble);
  return {
    services,
    config: drawConfig(random.stream("config"), trouble),
    hasTopology: trouble === "covers" || random.stream("topology").chance(0.6),
    rates: drawRates(random.stream("rates"), trouble),
    steps,
    endMs: (steps.at(-1)?.atMs ?? 0) + random.stream("end").int(0, 60_000),
  };
}

function drawConfig(random: Random, trouble: Trouble): ConfigInput {
  const held = random.chance(0.3);
  return {
    clients: trouble === "crowd" ? 4 : random.pick([1, 1, 2, 3, 4]),
    coalesce: random.chance(0.7),
    lockSecondsMax: random.pick([20, 60, 300]),
    maxResponseRows: random.pick([1, 2, 5, 1_000]),
    maxOpenTickets: random.pick([1, 2, 500, 500]),
    reopenSeconds: random.pick([0, 0, 600, 7_200]),
    delays: held
      ? {
          createSeconds: random.pick([5, 30]),
          updateSeconds: random.pick([0, 10]),
          closeSeconds: random.pick([0, 15]),
        }
      : { createSeconds: 0, updateSeconds: 0, closeSeconds: 0 },
    gateway: { notOwnerRetrySeconds: random.pick([5, 60]) },
  };
}

/** Two rows with one promise: a key's ticket may live at either. */
function drawServices(random: Random): ServiceInfo[] {
  const idempotency = random.pick<Idempotency>([
    "requestId",
    "requestId",
    "settles",
    "settles",
    "none",
    "none",
  ]);
  const asyncSeconds = random.chance(0.35) ? random.pick([5, 30, 120]) : 0;
  const row = (name: string, port: number): ServiceInfo => ({
    name,
    host: "127.0.0.1",
    port,
    path: "/TicketService",
    protocol: "osb",
    idempotency,
    settleSeconds: random.pick([10, 60]),
    timeoutSeconds: random.pick([5, 30]),
    asyncSeconds,
  });
  return [row("OSB", 8_650), row("NORTH", 8_651)];
}

function drawRates(random: Random, trouble: Trouble): FaultRates {
  const share = (usual: number): number => (random.chance(0.25) ? 0 : usual * (0.2 + 1.8 * random.next()));
  return {
    send: share(0.35),
    search: share(0.15),
    async: share(0.4),
    topology: share(0.2),
    refuse: trouble === "covers" || random.chance(0.1) ? 0.8 : 0,
    decide: random.chance(0.2) ? 0.25 : 0,
    clientCrash: random.chance(0.2) ? random.pick([0.1, 0.2, 0.6]) : 0,
    gatewayCrash: random.chance(0.15) ? 0.15 : 0,
    slowSync: share(0.1),
  };
}

function drawSteps(random: Random, trouble: Trouble): Step[] {
  const steps: Step[] = [];
  const count = random.int(8, 45);
  if (trouble === "crowd")
    for (let waiting = 0; waiting < 3; waiting += 1) steps.push({ atMs: 0, act: inLine });
  let atMs = 0;
  while (steps.length < count) {
    atMs += random.pick([0, 0, 1, 30, random.int(0, 300), random.int(0, 5_000), random.int(0, 90_000)]);
    const act = drawAct(random, trouble);
    if (act.act === "alarm" && random.chance(trouble === "crowd" ? 0.2 : 0.06)) storm(random, steps, atMs);
    steps.push({ atMs, act });
  }
  return steps;
}

/** Somebody who waits for the moment when requests wait in line. */
const inLine: Act = { act: "force", what: "unlock", client: 0, state: "inLine", guid: "seen", times: 1 };

/** A burst over all elements, or one pair flapping. */
function storm(random: Random, steps: Step[], atMs: number): void {
  const one = random.chance(0.5) ? random.pick(elements) : null;
  const apartMs = random.pick([0, 0, 40]);
  for (let index = 0; index < random.int(4, 16); index += 1) {
    const kind =
      one === null ? ("raise" as const) : index % 2 === 0 ? ("raise" as const) : ("clear" as const);
    steps.push({
      atMs: atMs + index * apartMs,
      act: {
        act: "alarm",
        kind,
        key: one ?? random.pick(elements),
        alarm: one === null ? random.pick(["a", "b", "c"]) : "a",
        severity: random.pick(severities),
        plannedOutage: false,
        agoMs: 0,
      },
    });
  }
}

const weights: Readonly<Record<Trouble, Partial<Record<Act["act"], number>>>> = {
  any: {},
  crashes: { crash: 18, syncFails: 4, restart: 3 },
  operators: { force: 22, hand: 14, select: 3, rows: 4, resolve: 3 },
  // Requests wait in line at the gateway while somebody forces their clients.
  crowd: { alarm: 120, force: 20, hand: 6 },
  alarms: { alarm: 160, repeat: 10 },
  strangers: { stranger: 14, outage: 6 },
  // What lies over the alarmed elements comes and goes, and what is asked for then is refused.
  covers: { alarm: 80, stranger: 20 },
};

function drawAct(random: Random, trouble: Trouble): Act {
  const act = random.weighted<Act["act"]>({
    alarm: 60,
    repeat: 4,
    crash: 5,
    restart: 1,
    pause: 1,
    jump: 1,
    syncFails: 1,
    outage: 2,
    force: 6,
    resolve: 1,
    select: 1,
    import: 1,
    rows: 1,
    clearRows: 0.5,
    hand: 3,
    stranger: 3,
    reader: 9,
    ...weights[trouble],
  });
  switch (act) {
    case "alarm":
      return {
        act,
        kind: random.pick(["raise", "raise", "raise", "clear", "clear", "change"]),
        key: random.pick(elements),
        alarm: random.pick(["a", "a", "b"]),
        severity: random.pick(severities),
        plannedOutage: random.chance(0.04),
        agoMs: random.pick([0, 0, 0, 1_000, 120_000, 3_600_000]),
      };
    case "repeat":
      return { act, back: random.int(0, 6), changed: random.chance(0.3) };
    case "crash":
      return {
        act,
        moment: random.pick(["now", "send", "written", "synced", "answered"]),
        after: random.int(0, 5),
        downMs: random.pick([0, 10, 2_000, 70_000]),
        again: random.pick([0, 0, 1, 2]),
      };
    case "restart":
      return { act, drainSeconds: random.pick([0, 1, 10]) };
    case "pause":
      return { act, ms: random.pick([1_000, 25_000, 400_000]) };
    case "jump":
      return { act, ms: random.pick([-172_800_000, -60_000, 60_000, 172_800_000]) };
    case "syncFails":
      return { act, forMs: random.pick([0, 0, 5_000, 60_000]) };
    case "outage":
      return { act, how: random.pick(["unreachable", "refused", "silent"]), ms: random.int(1_000, 120_000) };
    case "force":
      return {
        act,
        what: random.pick(["unlock", "unlock", "notBusy"]),
        client: random.int(0, 3),
        state: random.pick([null, "locked", "searching", "forwarding", "inLine", "closing"]),
        guid: random.pick(["seen", "seen", "seen", "old"]),
        times: random.pick([1, 1, 2]),
      };
    case "resolve":
    case "clearRows":
      return { act };
    case "select":
      return { act, service: random.int(0, 1) };
    case "import":
      return { act, what: random.pick(["notes", "without", "bad"]) };
    case "rows":
      return { act, max: random.pick([1, 2, 3, 1_000]) };
    case "hand":
      return {
        act,
        holdMs: random.pick([0, 500, 400_000]),
        searches: random.chance(0.7),
        key: random.pick(elements),
      };
    case "stranger":
      return {
        act,
        what: random.pick(["close", "close", "remove", "take", "plan", "outageTicket", "sameKey", "sameKey"]),
        key: random.pick(elements),
        ms: random.pick([random.int(1_000, 30_000), random.int(1_000, 600_000)]),
      };
    case "reader":
      return {
        act,
        who: random.int(0, 2),
        what: random.pick(["read", "read", "cut", "return", "return", "stall", "drain"]),
      };
  }
}
