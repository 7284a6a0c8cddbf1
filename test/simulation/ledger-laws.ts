/**
 * What the facts of a ledger must satisfy at every position, told fact by fact as they become durable. Each breach is a
 * sentence that names its law.
 */
import type { Fact, FactOf } from "../../machines/facts.ts";
import type { NotificationKind, Outcome } from "../../machines/vocabulary.ts";
import { ClaimLaws } from "./claim-laws.ts";

interface Accepted {
  readonly key: string;
  readonly id: string;
  readonly source: string;
  readonly alarm: string;
  readonly kind: NotificationKind;
  readonly plannedOutage: boolean;
}

interface Current {
  readonly position: number;
  readonly outcome: Outcome;
  readonly because: string;
  readonly rule: string | null;
  readonly lockGuid: string | null;
}

interface KnownRequest {
  readonly key: string;
  readonly lockGuid: string;
  attempts: number;
  /** That may have reached the service. */
  spent: number;
  isRefused: boolean;
  /** Nobody has told yet what became of its last attempt. */
  isSending: boolean;
  isSettled: boolean;
  /** Settled, and the service did it. */
  isDone: boolean;
  /** T1: a create that nobody can say the fate of, and whose ticket nobody knows. */
  isUnknownCreate: boolean;
}

/** Outcomes that leave things as they were: a person or the service wanted it so, or nobody knows. */
export const withoutEffect: ReadonlySet<Outcome> = new Set(["rejected", "failed", "unknown", "aborted"]);

/** Facts after which a request may have an attempt more than it seems: no more than one original and three retries. */
const attemptsMax = 4;

export class LedgerLaws {
  readonly broken: string[] = [];
  /** By the place of the notification. */
  readonly outcomes = new Map<number, Current>();
  readonly accepted = new Map<number, Accepted>();
  readonly requests = new Map<string, KnownRequest>();
  /** Who holds which client. */
  readonly held = new Map<string, string>();
  asyncResults = 0;
  /** Requests that ended as anything but done, of which a result then said OK: to be corrected in the same commit. */
  readonly uncorrected = new Set<string>();
  readonly #places = new Map<string, number>();
  /** Of one alarm: not yet settled, in the order accepted. */
  readonly #waiting = new Map<string, number[]>();
  readonly #fences = new Map<string, number>();
  readonly #epochs = new Set<string>();
  readonly #leads = new Map<string, Outcome>();
  /** Key → what its last close said of tickets beside the one that it closes. */
  readonly #duplicates = new Map<string, string>();
  readonly #busy = new Map<string, string>();
  /** In line once more. */
  readonly #reconsidered = new Set<number>();
  /** The async result that the last fact told of. */
  #heard: string | null = null;
  readonly #claims: ClaimLaws;
  #position = 0;

  constructor(nowMs: () => number) {
    this.#claims = new ClaimLaws(nowMs, (sentence) => this.#breach(sentence));
  }

  observe(fact: Fact): void {
    if (fact.position !== this.#position + 1)
      this.#breach(`F1: position ${fact.position} follows ${this.#position}`);
    this.#position = fact.position;
    this.#claims.observe(fact);
    if (this.#heard !== null && (fact.type !== "response.row" || fact.body.row.requestId !== this.#heard))
      this.#breach(`G5: the async result of ${this.#heard} has no row`);
    this.#heard = null;
    switch (fact.type) {
      case "ledger.opened":
        this.held.clear();
        if (this.#epochs.has(fact.epoch)) this.#breach(`L2: the epoch ${fact.epoch} was used before`);
        this.#epochs.add(fact.epoch);
        return;
      case "alarm.accepted":
        return this.#accept(fact);
      case "alarm.settled":
        return this.#settle(fact);
      case "flow.decided":
        if (fact.body.decision === "close")
          this.#duplicates.set(fact.body.key, fact.body.because.split("Duplicates, also open: ")[1] ?? "");
        return;
      case "alarm.reconsidered":
        this.#reconsidered.add(fact.body.alarm.position);
        if (fact.body.replaces.position !== this.outcomes.get(fact.body.alarm.position)?.position)
          this.#breach(
            `A2: ${fact.body.alarm.id} is decided again in place of an outcome that is not current`,
          );
        return;
      case "flow.started":
        return this.#start(fact);
      case "client.locked":
        return this.#lock(fact);
      case "client.unlocked":
      case "client.lockExpired":
      case "client.lockForced":
        if (fact.type === "client.lockForced" && (fact.body.by === "" || fact.body.reason === ""))
          this.#breach(`L6: nobody says who forced ${fact.body.clientId}, or why`);
        return this.#unlock(fact);
      case "client.notBusyForced":
        if (this.held.get(fact.body.clientId) !== fact.body.lockGuid)
          this.#breach(`L6: ${fact.body.clientId} was forced not busy under a lock that had ended`);
        return;
      case "request.planned":
        return this.#plan(fact);
      case "request.sending":
        return this.#send(fact);
      case "request.answered":
        return this.#answer(fact);
      case "request.async":
        return this.#hear(fact);
      case "request.settled":
        return this.#end(fact);
      default:
    }
  }

  /** Where the notification was accepted, if it was. */
  placeOf(source: string, id: string): number | undefined {
    return this.#places.get(`${source} ${id}`);
  }

  /** D2: whether the alarm itself says that it is planned, or one that it was folded with. */
  isFlagged(position: number): boolean {
    const lockGuid = this.outcomes.get(position)?.lockGuid;
    for (const [other, current] of this.outcomes)
      if (current.lockGuid === lockGuid && this.accepted.get(other)?.plannedOutage === true) return true;
    return false;
  }

  /** A8: whether the last clear of the key that asked for a close ended so that the ticket stays open, for a reason. */
  isLeftOpen(key: string): boolean {
    let last: Current | null = null;
    for (const [position, current] of this.outcomes) {
      const accepted = this.accepted.get(position);
      if (accepted?.key !== key || accepted.kind !== "clear") continue;
      const isCancelled = current.outcome === "coalesced" && current.lockGuid === null;
      if (isCancelled || this.ledBy(current) === "stopped") continue;
      if (last === null || current.position > last.position) last = current;
    }
    return last !== null && withoutEffect.has(this.ledBy(last));
  }

  /** T2: whether it was told, once its settling time was over, that a service which promises nothing does not show it. */
  isClaimTold(ticketId: string): boolean {
    return this.#claims.told.has(ticketId);
  }

  /** Of several open tickets of a key the oldest is used, and the rest is told when it is closed. */
  isTold(key: string, ticketId: string): boolean {
    return (
      this.#duplicates
        .get(key)
        ?.match(/[\w-]+/g)
        ?.includes(ticketId) ?? false
    );
  }

  /** G2: whether the ledger says so. */
  isSending(requestId: string, attempt: number): boolean {
    const known = this.requests.get(requestId);
    return known !== undefined && !known.isSettled && known.attempts === attempt;
  }

  /** Outcome of the flow that the notification was settled by, whoever carried it. */
  ledBy({ outcome, lockGuid }: Current): Outcome {
    return outcome === "coalesced" && lockGuid !== null ? (this.#leads.get(lockGuid) ?? outcome) : outcome;
  }

  #breach(sentence: string): void {
    this.broken.push(`${sentence} (position ${this.#position})`);
  }

  #accept({ position, body: { notification } }: FactOf<"alarm.accepted">): void {
    const { source, id, key, alarm, kind, plannedOutage } = notification;
    const name = `${source} ${id}`;
    if (this.#places.has(name)) this.#breach(`A4: ${id} is accepted a second time`);
    this.#places.set(name, position);
    this.accepted.set(position, { key, source, id, alarm, kind, plannedOutage });
    const line = this.#waiting.get(`${key} ${alarm}`);
    if (line === undefined) this.#waiting.set(`${key} ${alarm}`, [position]);
    else line.push(position);
  }

  #settle(fact: FactOf<"alarm.settled">): void {
    const { position, body } = fact;
    const { alarm, supersedes, outcome, because, lockGuid, key, rule } = body;
    const accepted = this.accepted.get(alarm.position);
    if (accepted === undefined) this.#breach(`A3: an outcome for ${alarm.id}, which was never accepted`);
    const current = this.outcomes.get(alarm.position);
    if (supersedes?.position !== current?.position || supersedes?.outcome !== current?.outcome)
      this.#breach(`A2: outcome ${outcome} of ${alarm.id} does not name the one it replaces`);
    if (current !== undefined && !this.#mayReplace(fact, current))
      this.#breach(
        `A2: ${current.outcome} of ${alarm.id} is replaced by ${outcome}, and nothing calls for it`,
      );
    this.#reconsidered.delete(alarm.position);
    this.outcomes.set(alarm.position, { position, outcome, because, lockGuid, rule });
    if (lockGuid !== null && outcome !== "coalesced") this.#leads.set(lockGuid, outcome);
    if (supersedes !== null || accepted === undefined) return;
    const line = this.#waiting.get(`${key} ${accepted.alarm}`) ?? [];
    const at = line.indexOf(alarm.position);
    if (at > 0) {
      const before = this.accepted.get(line[0] ?? 0);
      this.#breach(
        `A5: ${alarm.id} (${accepted.kind}) overtakes ${before?.id} (${before?.kind}) of the same alarm`,
      );
    }
    line.splice(at, 1);
  }

  /**
   * A2: a late result or a verdict (the request is done, or the alarm is in line once more); what was unknown is told;
   * or what answered for the alarm has gone, and nothing has taken its place (A8).
   */
  #mayReplace({ body }: FactOf<"alarm.settled">, current: Current): boolean {
    if (this.#reconsidered.has(body.alarm.position) || this.ledBy(current) === "unknown") return true;
    if (body.requestId !== null && this.requests.get(body.requestId)?.isDone === true) return true;
    return withoutEffect.has(this.ledBy({ ...current, outcome: body.outcome, lockGuid: body.lockGuid }));
  }

  #start({ body: { key, alarms, clientId, lockGuid } }: FactOf<"flow.started">): void {
    if (this.held.get(clientId) !== lockGuid)
      this.#breach(`L1: a flow of ${key} begins under the lock ${lockGuid}, which does not stand`);
    for (const { id, position } of alarms)
      if (this.accepted.get(position)?.key !== key)
        this.#breach(`A3: a flow of ${key} decides ${id}, which was never accepted for it`);
    const request = this.requests.get(this.#busy.get(key) ?? "");
    if (request?.isSending === true)
      this.#breach(`L4: a flow of ${key} begins while its request is being sent`);
  }

  #lock({ body: { clientId, lockGuid, fence } }: FactOf<"client.locked">): void {
    if (this.held.has(clientId)) this.#breach(`L1: ${clientId} is granted to ${lockGuid} while it is held`);
    for (const other of this.held.values())
      if (other === lockGuid) this.#breach(`L1: ${lockGuid} holds a second client`);
    if (fence <= (this.#fences.get(clientId) ?? 0))
      this.#breach(`L2: fence ${fence} of ${clientId} does not rise`);
    this.held.set(clientId, lockGuid);
    this.#fences.set(clientId, fence);
  }

  #unlock({
    type,
    body: { clientId, lockGuid, fence },
  }: FactOf<"client.unlocked" | "client.lockExpired" | "client.lockForced">): void {
    // The recovery of an opening names the locks that the opening itself has ended.
    const held = this.held.get(clientId);
    if (held !== undefined && held !== lockGuid)
      this.#breach(`L6: ${type} of ${lockGuid} while ${held} holds ${clientId}`);
    if (fence !== this.#fences.get(clientId))
      this.#breach(`L3: ${type} of ${clientId} with the stale fence ${fence}`);
    this.held.delete(clientId);
  }

  #plan({ body: { requestId, key, lockGuid, clientId } }: FactOf<"request.planned">): void {
    const busy = this.#busy.get(key);
    if (busy !== undefined) this.#breach(`A5: ${requestId} is planned for ${key} while ${busy} is unsettled`);
    if (this.requests.has(requestId)) this.#breach(`G3: ${requestId} is planned twice`);
    if (this.held.get(clientId) !== lockGuid)
      this.#breach(`L3: ${requestId} is planned under the lock ${lockGuid}, which does not stand`);
    this.#busy.set(key, requestId);
    this.requests.set(requestId, {
      key,
      lockGuid,
      attempts: 0,
      spent: 0,
      isRefused: false,
      isSending: false,
      isSettled: false,
      isDone: false,
      isUnknownCreate: false,
    });
  }

  #send({ body: { requestId, attempt, clientId, lockGuid } }: FactOf<"request.sending">): void {
    const known = this.requests.get(requestId);
    if (known === undefined) return this.#breach(`A3: ${requestId} is sent and was never planned`);
    if (this.held.get(clientId) !== lockGuid)
      this.#breach(`L3: ${requestId} is sent under the lock ${lockGuid}, which does not stand`);
    if (known.isSettled) this.#breach(`G3: ${requestId} is sent after it was settled`);
    known.isSending = true;
    if (known.isRefused) this.#breach(`G3: ${requestId} is sent again after a NACK`);
    if (attempt !== known.attempts + 1)
      this.#breach(`G3: attempt ${attempt} of ${requestId} follows ${known.attempts}`);
    known.attempts = attempt;
    known.spent += 1;
    if (known.spent > attemptsMax) this.#breach(`G3: ${known.spent} attempts of ${requestId}`);
  }

  #answer({ body: { requestId, answer, code } }: FactOf<"request.answered">): void {
    const known = this.requests.get(requestId);
    if (known === undefined) return;
    known.isSending = false;
    if (answer === "unreachable") known.spent -= 1;
    known.isRefused = answer === "nack" && code !== "BUSY" && code !== "NOT_OWNER";
  }

  #hear({ body: { requestId, result, ticketId } }: FactOf<"request.async">): void {
    this.asyncResults += 1;
    this.#heard = requestId;
    const known = this.requests.get(requestId);
    if (result !== "OK" || known?.isSettled !== true || known.isDone) return;
    // T1: it stays unknown, for a person, until its ticket has a name.
    if (!known.isUnknownCreate || ticketId !== null) this.uncorrected.add(requestId);
  }

  #end({ body: { requestId, key, result, command } }: FactOf<"request.settled">): void {
    const known = this.requests.get(requestId);
    if (known === undefined) return this.#breach(`A3: ${requestId} is settled and was never planned`);
    if (result === "cancelled" && known.isSending)
      this.#breach(`L4: ${requestId} is cancelled while it is being sent`);
    known.isSettled = true;
    known.isDone = result === "ok";
    known.isUnknownCreate = result === "unknown" && command === "create";
    if (known.isDone) this.uncorrected.delete(requestId);
    if (this.#busy.get(key) === requestId) this.#busy.delete(key);
  }
}
