/**
 * The newest flows, running and ended, read from the ledger when somebody asks.
 *   F4 a question reads a bounded number of facts (recent-facts.ts).
 * Source: console.md, "Flows".
 */
import { flowOf, type Fact } from "../machines/facts.ts";
import { limits } from "../machines/limits.ts";
import type { State } from "../machines/state.ts";
import type { Position } from "../machines/vocabulary.ts";
import type { FlowDetailMessage, FlowMessage } from "./api-records.ts";
import type { Ledger } from "./ports.ts";
import { RecentFacts } from "./recent-facts.ts";

type Kept = { -readonly [Name in keyof FlowMessage]: FlowMessage[Name] };

export class FlowHistory {
  readonly #ledger: Pick<Ledger, "read" | "readKey" | "head">;
  readonly #state: () => State;
  /** By lock GUID, in the order they started. */
  readonly #flows = new Map<string, Kept>();
  readonly #recent: RecentFacts;

  constructor(ledger: Pick<Ledger, "read" | "readKey" | "head">, state: () => State) {
    this.#ledger = ledger;
    this.#state = state;
    this.#recent = new RecentFacts(
      ledger,
      (fact) => learn(this.#flows, fact, state().epoch),
      () => this.#forgetEnded(),
    );
  }

  /** Newest first, those that started before `before`. */
  async page(
    limit: number,
    before: Position = Infinity,
  ): Promise<{ flows: FlowMessage[]; next: Position | null }> {
    await this.#catchUp();
    const older = [...this.#flows.values()].reverse().filter((one) => one.position < before);
    const flows = older.slice(0, limit);
    return { flows, next: older.length > limit ? (flows.at(-1)?.position ?? null) : null };
  }

  /** null: not among the newest, nor among the newest facts of `key` where it is given. */
  async one(lockGuid: string, key: string | null): Promise<FlowDetailMessage | null> {
    await this.#catchUp();
    const known = this.#flows.get(lockGuid);
    const name = known?.key ?? key;
    if (name === null) return null;
    const facts = await this.#ledger.readKey(name, limits.explainFactsMax);
    const started = facts.findIndex(
      (fact) => fact.type === "flow.started" && fact.body.lockGuid === lockGuid,
    );
    if (started < 0) return null;
    const own = factsOf(facts.slice(started), lockGuid);
    const flows = new Map<string, Kept>();
    for (const fact of own) learn(flows, fact, this.#state().epoch);
    const flow = flows.get(lockGuid);
    if (flow === undefined) return null;
    return {
      ...flow,
      facts: own.map(({ position, at, type, body }) => ({ position, at, type, body: { ...body } })),
    };
  }

  /** What has ended among facts that are passed over has an end that nobody learns. */
  #forgetEnded(): void {
    const { keys } = this.#state();
    for (const { lockGuid, key, result } of this.#flows.values())
      if (result === null && keys.get(key)?.flow?.lockGuid !== lockGuid) this.#flows.delete(lockGuid);
  }

  async #catchUp(): Promise<void> {
    await this.#recent.catchUp();
    for (const lockGuid of this.#flows.keys()) {
      if (this.#flows.size <= limits.flowsKept) return;
      this.#flows.delete(lockGuid);
    }
  }
}

/** `epoch`: of this opening. A flow of an earlier one that never ended was cut off by that engine's end. */
function learn(flows: Map<string, Kept>, fact: Fact, epoch: string): void {
  switch (fact.type) {
    case "flow.started": {
      const { lockGuid, key, clientId, alarms } = fact.body;
      flows.set(lockGuid, {
        lockGuid,
        key,
        clientId,
        startedAt: fact.at,
        endedAt: null,
        result: fact.epoch === epoch ? null : "abandoned",
        alarms: alarms.length,
        decision: null,
        position: fact.position,
      });
      return;
    }
    case "flow.decided": {
      const flow = flows.get(fact.body.lockGuid);
      const { rule, decision, because } = fact.body;
      if (flow !== undefined) flow.decision = { rule, decision, because };
      return;
    }
    case "flow.ended": {
      const flow = flows.get(fact.body.lockGuid);
      if (flow !== undefined) Object.assign(flow, { endedAt: fact.at, result: fact.body.result });
      return;
    }
    default:
  }
}

/** Of the flow itself, and of the requests it planned or took up: their later facts name the request only. */
function factsOf(facts: readonly Fact[], lockGuid: string): Fact[] {
  const requests = new Set<string>();
  return facts.filter((fact) => {
    if (flowOf(fact) === lockGuid) {
      if ("requestId" in fact.body && typeof fact.body.requestId === "string")
        requests.add(fact.body.requestId);
      return true;
    }
    if (fact.type === "response.row") return requests.has(fact.body.row.requestId);
    return "requestId" in fact.body && fact.body.requestId !== null && requests.has(fact.body.requestId);
  });
}
