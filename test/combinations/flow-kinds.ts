/**
 * Every kind of flow of domain.md, as the shortest story in which it happens: how the engine is set up, what comes
 * when, and from when on faults may strike. Steps that build on one another lie hours apart, so that what was before
 * them has come to rest, whatever went wrong in it.
 */
import type { ConfigInput } from "../../actors/config.ts";
import type { Idempotency, Severity } from "../../machines/vocabulary.ts";
import type { FaultName, PointKind } from "./faults.ts";

export const promises: readonly Idempotency[] = ["requestId", "settles", "none"];

export type FlowAct =
  | {
      readonly act: "alarm";
      readonly kind: "raise" | "change" | "clear";
      readonly key: string;
      readonly alarm?: string;
      readonly severity?: Severity;
      readonly plannedOutage?: boolean;
      readonly agoMs?: number;
    }
  /** The last notification once more; `changed`: with other content under its id. */
  | { readonly act: "repeat"; readonly changed: boolean }
  /** Somebody works at the service by hand. */
  | {
      readonly act: "stranger";
      readonly what: "close" | "plan" | "sameKey";
      readonly key: string;
      readonly ms: number;
    }
  /** A flow written by hand. */
  | { readonly act: "hand"; readonly key: string; readonly command: "create" | "editNinasCounters" }
  | { readonly act: "select"; readonly service: string }
  /** An operator says of every unknown request what is true. */
  | { readonly act: "resolve" };

/** What the service says at the n-th point of a kind, and is no fault of the combination. */
export interface Given {
  readonly kind: PointKind;
  readonly nth: number;
  readonly fault: FaultName;
}

export interface FlowKind {
  readonly name: string;
  /** What domain.md calls it. */
  readonly what: string;
  readonly config?: ConfigInput;
  readonly asyncSeconds?: number;
  readonly hasTopology?: boolean;
  readonly hasHeartbeat?: boolean;
  /** What comes at the same time comes in one turn. */
  readonly steps: readonly { readonly atMs: number; readonly act: FlowAct }[];
  /** Faults strike from this step on; default 0. What is before is there already. */
  readonly from?: number;
  readonly given?: readonly Given[];
  /** Where it happens under some promises only. */
  readonly promises?: readonly Idempotency[];
}

const second = 1_000;
const hours = (count: number): number => count * 3_600 * second;

const raise = (key: string, more: Partial<Extract<FlowAct, { act: "alarm" }>> = {}): FlowAct => ({
  act: "alarm",
  kind: "raise",
  key,
  ...more,
});
const change = (key: string, severity: Severity): FlowAct => ({
  act: "alarm",
  kind: "change",
  key,
  severity,
});
const clear = (key: string, alarm = "a"): FlowAct => ({ act: "alarm", kind: "clear", key, alarm });
const stranger = (what: Extract<FlowAct, { act: "stranger" }>["what"], key: string, ms = 0): FlowAct => ({
  act: "stranger",
  what,
  key,
  ms,
});

const key = "hub";

export const flowKinds: readonly FlowKind[] = [
  {
    name: "create",
    what: "D8: a raise becomes a ticket",
    steps: [{ atMs: 10, act: raise(key) }],
  },
  {
    name: "create-and-close",
    what: "D8, D11: a raise becomes a ticket, its clear closes it; faults in both",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: clear(key) },
    ],
  },
  {
    name: "close",
    what: "D11: the last clear closes the ticket",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: clear(key) },
    ],
    from: 1,
  },
  {
    name: "update",
    what: "D9: a change raises the ticket's severity",
    steps: [
      { atMs: 10, act: raise(key, { severity: "minor" }) },
      { atMs: hours(3), act: change(key, "critical") },
    ],
    from: 1,
  },
  {
    name: "update-by-raise",
    what: "D3: another alarm of the key is more severe",
    steps: [
      { atMs: 10, act: raise(key, { severity: "minor" }) },
      { atMs: hours(3), act: raise(key, { alarm: "b", severity: "critical" }) },
    ],
    from: 1,
  },
  {
    name: "change-below",
    what: "D9: a change that is no rise stops",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: change(key, "minor") },
    ],
    from: 1,
  },
  {
    name: "change-alone",
    what: "D13: a change without a ticket is as a raise",
    steps: [{ atMs: 10, act: change(key, "major") }],
  },
  {
    name: "reopen",
    what: "D6: the ticket closed a minute ago is opened again",
    config: { reopenSeconds: 600 },
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: clear(key) },
      { atMs: hours(3) + 60 * second, act: raise(key) },
    ],
    from: 2,
  },
  {
    name: "adopt",
    what: "D4: a second alarm of a key with a ticket of ours",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: raise(key, { alarm: "b" }) },
    ],
    from: 1,
  },
  {
    name: "adopt-by-hand",
    what: "D4: somebody has made the ticket by hand",
    steps: [
      { atMs: 10, act: stranger("sameKey", key) },
      { atMs: 20, act: raise(key) },
    ],
    from: 1,
  },
  {
    name: "others-active",
    what: "D10: a clear while another alarm of the key is active",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: raise(key, { alarm: "b" }) },
      { atMs: hours(6), act: clear(key, "b") },
    ],
    from: 2,
  },
  {
    name: "nothing-to-close",
    what: "D12, and D0 when its raise comes: a clear before its raise",
    steps: [
      { atMs: 10, act: clear(key) },
      { atMs: 40 * second, act: raise(key, { agoMs: 60 * second }) },
    ],
  },
  {
    name: "planned-outage",
    what: "D2: the alarm itself is flagged",
    steps: [{ atMs: 10, act: raise(key, { plannedOutage: true }) }],
  },
  {
    name: "maintenance",
    what: "D2: planned maintenance stops the raise, which is decided again when its window ends",
    hasTopology: true,
    steps: [
      { atMs: 10, act: stranger("plan", "hub", 300 * second) },
      { atMs: 20, act: raise("node-a") },
    ],
    from: 1,
  },
  {
    name: "cover",
    what: "D5: the parent's ticket covers the alarm",
    config: { clients: 2 },
    hasTopology: true,
    steps: [
      { atMs: 10, act: raise("hub") },
      { atMs: hours(3), act: raise("node-a") },
    ],
    from: 1,
  },
  {
    name: "cover-ends",
    what: "D5: the parent's ticket is closed, and what it covered is decided again",
    config: { clients: 2 },
    hasTopology: true,
    steps: [
      { atMs: 10, act: raise("hub") },
      { atMs: hours(3), act: raise("node-a") },
      { atMs: hours(6), act: clear("hub") },
    ],
    from: 2,
  },
  {
    name: "storm",
    what: "D7: no room for a ticket, until one is closed",
    config: { clients: 2, maxOpenTickets: 1 },
    steps: [
      { atMs: 10, act: raise("node-a") },
      { atMs: hours(3), act: raise("node-b") },
      { atMs: hours(6), act: clear("node-a") },
    ],
    from: 1,
  },
  {
    name: "hold-down",
    what: "a delay before the create",
    config: { delays: { createSeconds: 30 } },
    steps: [{ atMs: 10, act: raise(key) }],
  },
  {
    name: "held-and-cleared",
    what: "a clear within the delay cancels the create",
    config: { delays: { createSeconds: 30 } },
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: 10 * second, act: clear(key) },
    ],
  },
  {
    name: "pair",
    what: "raise and clear in one moment cancel out",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: 10, act: clear(key) },
    ],
  },
  {
    name: "group",
    what: "two raises of a key in one flow",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: 10, act: raise(key, { alarm: "b", severity: "critical" }) },
    ],
  },
  {
    name: "overtaking",
    what: "A5: the clear comes while the raise is at the service",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: 13, act: clear(key) },
    ],
  },
  {
    name: "two-keys",
    what: "two keys and one client; one request in flight",
    config: { clients: 1 },
    steps: [
      { atMs: 10, act: raise("node-a") },
      { atMs: 10, act: raise("node-b") },
    ],
  },
  {
    name: "repeat",
    what: "A4: the same alarm again, and other content under its id",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: { act: "repeat", changed: false } },
      { atMs: hours(3) + 10, act: { act: "repeat", changed: true } },
    ],
    from: 1,
  },
  {
    name: "not-owner",
    what: "NOT_OWNER: somebody has the ticket when the close comes, and gives it back",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: clear(key) },
    ],
    from: 1,
    given: [{ kind: "send", nth: 2, fault: "notOwner" }],
  },
  {
    name: "busy",
    what: "BUSY: the service has no time for the first attempt",
    steps: [{ atMs: 10, act: raise(key) }],
    given: [{ kind: "send", nth: 1, fault: "busy" }],
  },
  {
    name: "lost-ticket",
    what: "T2: somebody has closed the ticket; a change finds none",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3) - 1_000, act: stranger("close", key) },
      { atMs: hours(3), act: change(key, "critical") },
    ],
    from: 2,
  },
  {
    name: "already-closed",
    what: "somebody has closed the ticket; so has the clear",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3) - 1_000, act: stranger("close", key) },
      { atMs: hours(3), act: clear(key) },
    ],
    from: 2,
  },
  {
    name: "verdict",
    what: "an operator's verdict on a create that nobody knows the fate of (`none`)",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: { act: "resolve" } },
    ],
    from: 1,
    promises: ["none"],
    given: [{ kind: "send", nth: 1, fault: "resetBefore" }],
  },
  {
    name: "async-create",
    what: "D8 at a service with async results",
    asyncSeconds: 30,
    steps: [{ atMs: 10, act: raise(key) }],
  },
  {
    name: "async-update",
    what: "D9 at a service with async results",
    asyncSeconds: 30,
    steps: [
      { atMs: 10, act: raise(key, { severity: "minor" }) },
      { atMs: hours(3), act: change(key, "critical") },
    ],
    from: 1,
  },
  {
    name: "async-close",
    what: "D11 at a service with async results",
    asyncSeconds: 30,
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: clear(key) },
    ],
    from: 1,
  },
  {
    name: "switched",
    what: "another service is selected while the ticket lives at the first: the close goes where it lives",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: hours(3), act: { act: "select", service: "NORTH" } },
      { atMs: hours(6), act: clear(key) },
    ],
    from: 1,
  },
  {
    name: "switched-meanwhile",
    what: "another service is selected while the create is on its way",
    steps: [
      { atMs: 10, act: raise(key) },
      { atMs: 13, act: { act: "select", service: "NORTH" } },
    ],
  },
  {
    name: "by-hand",
    what: "a flow written by hand: lock, search, create, close",
    steps: [{ atMs: 10, act: { act: "hand", key, command: "create" } }],
  },
  {
    name: "counters",
    what: "a flow written by hand that edits counters",
    steps: [{ atMs: 10, act: { act: "hand", key, command: "editNinasCounters" } }],
  },
  {
    name: "heartbeat",
    what: "H1: a probe through the chain, and its beats",
    hasHeartbeat: true,
    steps: [],
  },
];
