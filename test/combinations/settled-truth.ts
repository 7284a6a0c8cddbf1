/** What must be true at the services when everything was cleared and has come to rest. Each breach is a sentence. */
import type { LedgerLaws } from "../simulation/ledger-laws.ts";
import type { TicketTruth } from "../simulation/ticket-truth.ts";
import type { State } from "../../machines/state.ts";

/** Somebody was told that a ticket may be left: by an outcome. */
const excuses: ReadonlySet<string> = new Set(["rejected", "failed", "aborted", "unknown"]);

/** A8 the other way round; T1, T2 as far as the services know. */
export function settledTruth(state: State, laws: LedgerLaws, truth: TicketTruth): string[] {
  const broken: string[] = [];
  const isExcused = [...laws.outcomes.values()].some(({ outcome }) => excuses.has(outcome));
  for (const key of state.keys.values()) {
    if (key.waiting.length > 0 && key.parked?.reason !== "storm")
      broken.push(`A2: ${key.key} waits though everything is cleared`);
    if (key.active.size > 0) broken.push(`A8: ${key.key} has active alarms though everything is cleared`);
    if (isExcused || truth.liedAbout.has(key.key) || laws.accepted.size === 0) continue;
    if (key.open.size > 0)
      broken.push(`A8: ${key.key} is cleared, and ${[...key.open.keys()].join(", ")} is linked as open`);
    // After its settling time the search wins; where nothing is promised an index may lag behind that.
    const open = truth.openOf(key.key).filter(({ ticketId }) => !laws.isClaimTold(ticketId));
    if (open.length > 0)
      broken.push(
        `A8: ${key.key} is cleared, and the service has ${open.map((one) => one.ticketId).join(", ")} open`,
      );
  }
  return broken;
}
