/** Which rare situations the facts of a ledger tell of. */
import type { Fact } from "../../machines/facts.ts";
import { withoutEffect } from "./ledger-laws.ts";
import type { Counters, Situation } from "./situations.ts";

const rules: Readonly<Record<string, Situation>> = {
  D0: "early clear",
  D2: "planned outage",
  D6: "reopened",
  D10: "others active",
};

/** Told of every fact, in order. */
export class FactSituations {
  readonly #counters: Counters;
  /** Lock GUIDs of requests that are planned or on their way to the service. */
  readonly #requests = new Map<
    string,
    { readonly lockGuid: string; status: "planned" | "sending" | "else" }
  >();
  readonly #forced = new Set<string>();
  /** Places of notifications that have an outcome and are not in line. */
  readonly #atRest = new Set<number>();

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  observe(fact: Fact): void {
    const { body } = fact;
    switch (fact.type) {
      case "alarm.settled": {
        const { outcome, failure, supersedes } = fact.body;
        const wasInLine = !this.#atRest.has(fact.body.alarm.position);
        this.#atRest.add(fact.body.alarm.position);
        if (supersedes !== null) this.#counters.count("outcome replaced");
        if (
          supersedes !== null &&
          !wasInLine &&
          supersedes.outcome !== "unknown" &&
          withoutEffect.has(outcome)
        )
          this.#counters.count("covered no more");
        if (outcome === "coalesced") this.#counters.count("coalesced");
        if (failure?.code === "FLOW_CRASHED") this.#counters.count("set aside");
        return;
      }
      case "flow.started":
        if (fact.body.alarms.some(({ position }) => this.#atRest.has(position)))
          this.#counters.count("decided again");
        return;
      case "alarm.reconsidered":
        this.#atRest.delete(fact.body.alarm.position);
        return this.#counters.count("alarm reconsidered");
      case "flow.decided":
        return this.#decided(fact.body);
      case "key.parked":
        return this.#parked(fact.body.parking.reason);
      case "request.planned":
        this.#requests.set(fact.body.requestId, { lockGuid: fact.body.lockGuid, status: "planned" });
        return;
      case "request.sending":
        this.#set(fact.body.requestId, "sending");
        if (fact.body.attempt > 1) this.#counters.count("sent again");
        if (fact.body.attempt === 4) this.#counters.count("attempts used up");
        return;
      case "request.answered":
        this.#set(fact.body.requestId, "else");
        if (fact.body.answer === "inDoubt") this.#counters.count("in doubt");
        if (fact.body.code === "ALREADY_CLOSED") this.#counters.count("already closed");
        if (fact.body.code === "ASYNC_MISSING") this.#counters.count("async missing");
        return;
      case "request.settled":
        return this.#settled(fact.body);
      case "response.row":
        if (!fact.body.change && fact.body.row.asyncStatus === "late") this.#counters.count("async late");
        return;
      case "ticket.lost":
        this.#counters.count("ticket lost");
        if (!fact.body.claimKept) this.#counters.count("claim not kept");
        return;
      case "client.lockForced":
        this.#counters.count("forced unlock");
        this.#forced.add(fact.body.lockGuid);
        for (const { lockGuid, status } of this.#requests.values()) {
          if (lockGuid !== fact.body.lockGuid) continue;
          if (status === "sending") this.#counters.count("forced unlock while sending");
          if (status === "planned") this.#counters.count("forced unlock of a planned request");
        }
        return;
      case "client.notBusyForced":
        return this.#counters.count("forced not busy");
      case "client.lockExpired":
        return this.#counters.count("lock expired");
      case "client.locked":
        if (fact.body.by === "hand") this.#counters.count("locked by hand");
        return;
      case "client.quarantined":
        return this.#counters.count("quarantined");
      case "responses.cleared":
        return this.#counters.count("rows cleared");
      case "service.selected":
        if (fact.body.by !== "first start") this.#counters.count("service selected");
        return;
      case "services.imported":
        if (fact.body.by !== "first start") this.#counters.count("table imported");
        return;
      default:
        void body;
    }
  }

  #set(requestId: string, status: "sending" | "else"): void {
    const known = this.#requests.get(requestId);
    if (known !== undefined) known.status = status;
  }

  #decided({ rule, decision, because }: Extract<Fact, { type: "flow.decided" }>["body"]): void {
    const situation = rules[rule];
    if (situation !== undefined) this.#counters.count(situation);
    if (because.includes("Duplicates, also open")) this.#counters.count("duplicate found");
    if ((rule === "D3" || rule === "D9") && decision === "update") this.#counters.count("severity raised");
  }

  #parked(reason: string): void {
    if (reason === "storm") this.#counters.count("storm");
    if (reason === "covered") this.#counters.count("covered");
    if (reason === "outage") this.#counters.count("parked as outage");
  }

  #settled({ requestId, result, because }: Extract<Fact, { type: "request.settled" }>["body"]): void {
    this.#set(requestId, "else");
    if (result === "unknown") this.#counters.count("outcome unknown");
    if (because.includes("found by its request id")) this.#counters.count("found by its own id");
    if (because.includes("not by the request's own id")) this.#counters.count("adopted by key");
  }
}
