/** What must hold once faults have stopped and everything has come to rest. Each breach is a sentence. */
import { parkingOf } from "../../machines/admission.ts";
import { delaysOf, type KeyState, type State } from "../../machines/state.ts";
import { roomForTickets } from "../../machines/surroundings.ts";
import { withoutEffect, type LedgerLaws } from "./ledger-laws.ts";
import type { TicketTruth } from "./ticket-truth.ts";

/** Why the engine is not at rest; null: it is. */
export function unrest(state: State): string | null {
  for (const [clientId, { lock }] of state.clients)
    if (lock !== null) return `${clientId} is held by ${lock.lockGuid}`;
  for (const key of state.keys.values()) {
    if (key.flow !== null) return `${key.key} has a flow`;
    if (key.request !== null)
      return `${key.key} has the request ${key.request.requestId}, ${key.request.status}`;
    if (key.waiting.length > 0 && !isHeldByStorm(state, key))
      return `${key.key} has ${key.waiting.length} waiting, ${parkingOf(key, delaysOf(state))?.because ?? "for a client"}`;
    if (key.cover !== null && key.cover.endedAt !== null && !isHeldByStorm(state, key))
      return `${key.key} has lost what covered it`;
  }
  return null;
}

/** A2 ◇, A8 ◇ for a state at rest. */
export function settledLaws(state: State, laws: LedgerLaws, truth: TicketTruth): string[] {
  const broken: string[] = [];
  for (const key of state.keys.values()) {
    for (const { ref } of key.waiting)
      if (!isHeldByStorm(state, key)) broken.push(`A2: ${ref.id} has no outcome`);
    if (key.open.size > 0 || truth.liedAbout.has(key.key)) continue;
    const covered = new Set(key.cover?.alarms.map(({ notification }) => notification.alarm));
    const inLine = new Set(key.waiting.map(({ notification }) => notification.alarm));
    for (const [alarm, { ref }] of key.active) {
      if (covered.has(alarm) || inLine.has(alarm)) continue;
      const current = laws.outcomes.get(ref.position);
      const outcome = current === undefined ? undefined : laws.ledBy(current);
      const isFlagged = current?.rule === "D2" && laws.isFlagged(ref.position);
      if (outcome === undefined || !(withoutEffect.has(outcome) || isFlagged))
        broken.push(
          `A8: ${alarm} is active, ${key.key} has no ticket, and ${ref.id} ended as ${outcome}: ${current?.rule} ${current?.because}`,
        );
    }
  }
  if (state.requests.size > 0) broken.push(`G4: ${state.requests.size} requests are unsettled`);
  return broken;
}

function isHeldByStorm(state: State, key: KeyState): boolean {
  return key.parked?.reason === "storm" && roomForTickets(state) <= 0;
}
