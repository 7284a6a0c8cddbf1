/**
 * What a service claimed and does not hold, told fact by fact.
 *   T2 the key's next search, once the index must show the ticket, finds the claim out: no decision rests on it.
 */
import type { Fact } from "../../machines/facts.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";

/** Tickets of which a service says that it made them, and did not. */
export const nowhere = "NOWHERE-";

interface Claim {
  readonly service: string;
  ms: number;
}

export class ClaimLaws {
  readonly #nowMs: () => number;
  readonly #breach: (sentence: string) => void;
  /** Key → ticket → claim. */
  readonly #claims = new Map<string, Map<string, Claim>>();
  /** Flow → claims that its searches must find out. */
  readonly #due = new Map<string, ReadonlySet<string>>();
  readonly #unsettled = new Map<string, string>();
  /** Ticket → when it was confirmed last. */
  readonly #confirmed = new Map<string, Claim>();
  /** Tickets of services that promise nothing, lost after their settling time because no search showed them. */
  readonly told = new Set<string>();
  #services: readonly ServiceInfo[] = [];
  #selected = "";

  constructor(nowMs: () => number, breach: (sentence: string) => void) {
    this.#nowMs = nowMs;
    this.#breach = breach;
  }

  observe(fact: Fact): void {
    switch (fact.type) {
      case "ledger.opened":
        // Nobody knows how long the engine was away.
        for (const claims of this.#claims.values())
          for (const claim of claims.values()) claim.ms = this.#nowMs();
        return;
      case "services.imported":
        this.#services = fact.body.services;
        return;
      case "service.selected":
        this.#selected = fact.body.name;
        return;
      case "request.planned":
        this.#unsettled.set(fact.body.key, fact.body.requestId);
        return;
      case "request.settled": {
        const { requestId, key, ticketId, ticket, command, service } = fact.body;
        // A verdict may be about an older one.
        if (this.#unsettled.get(key) === requestId) this.#unsettled.delete(key);
        if (ticketId !== null && ticket !== null)
          this.#confirmed.set(ticketId, { service, ms: this.#nowMs() });
        if (ticketId === null || ticket === null || !ticketId.startsWith(nowhere)) return;
        if (command === "close") this.#claims.get(key)?.delete(ticketId);
        else this.#of(key).set(ticketId, { service, ms: this.#nowMs() });
        return;
      }
      case "ticket.lost":
        if (fact.body.ticketId.startsWith(nowhere) && fact.body.claimKept && fact.body.status !== null)
          this.#breach(`T2: ${fact.body.ticketId} was never made, and its claim is said to be kept`);
        this.#claims.get(fact.body.key)?.delete(fact.body.ticketId);
        if (fact.body.idempotency === "none" && !fact.body.claimKept && this.#isOld(fact.body.ticketId))
          this.told.add(fact.body.ticketId);
        return;
      case "flow.started": {
        const { key, lockGuid } = fact.body;
        if (!this.#unsettled.has(key)) this.#due.set(lockGuid, this.#dueOf(key));
        return;
      }
      case "flow.decided": {
        const { key, lockGuid, rule, decision } = fact.body;
        if (rule === "D1" || decision === "fail") return;
        for (const ticketId of this.#due.get(lockGuid) ?? [])
          if (this.#claims.get(key)?.has(ticketId) === true)
            this.#breach(
              `T2: ${rule} of ${key} is decided while ${ticketId}, which was never made, counts as open`,
            );
        return;
      }
      case "flow.ended":
        this.#due.delete(fact.body.lockGuid);
        return;
      default:
    }
  }

  #of(key: string): Map<string, Claim> {
    let claims = this.#claims.get(key);
    if (claims === undefined) this.#claims.set(key, (claims = new Map()));
    return claims;
  }

  #isOld(ticketId: string): boolean {
    const claim = this.#confirmed.get(ticketId);
    return claim !== undefined && this.#nowMs() - claim.ms >= this.#settleMs(claim.service);
  }

  #settleMs(service: string): number {
    return (this.#services.find(({ name }) => name === service)?.settleSeconds ?? Infinity) * 1_000;
  }

  /** Claims at the selected service whose settling time is over. */
  #dueOf(key: string): Set<string> {
    const settleMs = this.#settleMs(this.#selected);
    const due = new Set<string>();
    for (const [ticketId, { service, ms }] of this.#claims.get(key) ?? [])
      if (service === this.#selected && this.#nowMs() - ms >= settleMs) due.add(ticketId);
    return due;
  }
}
