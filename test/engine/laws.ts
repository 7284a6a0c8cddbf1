/** What the facts of a ledger must satisfy at any moment, whatever happened; each breach is a sentence. */
import type { Fact } from "../../machines/facts.ts";
import { applyFact } from "../../machines/fold.ts";
import { stateText } from "../../machines/fold-snapshot.ts";
import { rowName } from "../../machines/response-table.ts";
import { emptyState, type State } from "../../machines/state.ts";
import type { Outcome } from "../../machines/vocabulary.ts";

/** Current outcome by alarm id. */
export function outcomesOf(history: readonly Fact[]): Record<string, Outcome> {
  const outcomes: Record<string, Outcome> = {};
  for (const fact of history)
    if (fact.type === "alarm.settled") outcomes[fact.body.alarm.id] = fact.body.outcome;
  return outcomes;
}

export function lawsBroken(history: readonly Fact[], live: State): string[] {
  return [
    ...foldDiffers(history, live),
    ...outcomesTwice(history),
    ...locksTwice(history),
    ...attempts(history),
    ...rowsForgotten(live),
  ];
}

/** G6: a row that is not settled is of an attempt that still waits, in the table of the client that sent it. */
export function rowsForgotten({ tables, requests, keys }: State): string[] {
  const broken: string[] = [];
  for (const [clientId, { unsettled }] of tables)
    for (const name of Object.keys(unsettled)) {
      const requestId = name.slice(0, name.lastIndexOf("#"));
      const request = keys.get(requests.get(requestId) ?? "")?.request;
      const isOpen = request?.openAttempts.some(
        (one) => one.clientId === clientId && rowName({ requestId, attempt: one.attempt }) === name,
      );
      if (isOpen !== true) broken.push(`G6: the row ${name} of ${clientId} waits for nothing`);
    }
  return broken;
}

/** R1: the live state is the fold from zero. */
function foldDiffers(history: readonly Fact[], live: State): string[] {
  const folded = emptyState();
  for (const fact of history) applyFact(folded, fact);
  return stateText(folded) === stateText(live) ? [] : ["R1: the live state differs from the fold from zero"];
}

/** A2, A3: one current outcome, of an accepted alarm; a second names the one it replaces. */
function outcomesTwice(history: readonly Fact[]): string[] {
  const broken: string[] = [];
  const accepted = new Set<number>();
  const current = new Map<number, number>();
  for (const fact of history) {
    if (fact.type === "alarm.accepted") accepted.add(fact.position);
    if (fact.type !== "alarm.settled") continue;
    const { alarm, supersedes } = fact.body;
    if (!accepted.has(alarm.position))
      broken.push(`A3: an outcome for ${alarm.id}, which was never accepted`);
    if ((supersedes?.position ?? undefined) !== current.get(alarm.position)) {
      broken.push(`A2: outcome ${fact.body.outcome} of ${alarm.id} does not name the one it replaces`);
    }
    current.set(alarm.position, fact.position);
  }
  return broken;
}

/** L1, L2: one holder at a time, under a GUID of its own; fences of a client rise within an epoch and are never granted twice. */
function locksTwice(history: readonly Fact[]): string[] {
  const broken: string[] = [];
  const held = new Map<string, string>();
  const fences = new Map<string, number>();
  const guids = new Set<string>();
  for (const fact of history) {
    switch (fact.type) {
      case "ledger.opened":
        held.clear();
        break;
      case "client.locked": {
        const { clientId, lockGuid, fence, lockTime } = fact.body;
        if (lockGuid === "" || guids.has(lockGuid) || !(lockTime > 0))
          broken.push(`L1: ${clientId} is locked with GUID "${lockGuid}" at ${lockTime}`);
        guids.add(lockGuid);
        if (held.has(clientId)) broken.push(`L1: ${clientId} is granted to ${lockGuid} while it is held`);
        if (fence <= (fences.get(clientId) ?? 0))
          broken.push(`L2: fence ${fence} of ${clientId} does not rise`);
        held.set(clientId, lockGuid);
        fences.set(clientId, fence);
        break;
      }
      case "client.unlocked":
      case "client.lockExpired":
      case "client.lockForced":
        held.delete(fact.body.clientId);
        break;
      default:
    }
  }
  return broken;
}

/** G3: at most 1 + 3 attempts that may have reached the service. */
function attempts(history: readonly Fact[]): string[] {
  const spent = new Map<string, number>();
  for (const fact of history) {
    if (fact.type === "request.sending") {
      spent.set(fact.body.requestId, (spent.get(fact.body.requestId) ?? 0) + 1);
    }
    if (fact.type === "request.answered" && fact.body.answer === "unreachable") {
      spent.set(fact.body.requestId, (spent.get(fact.body.requestId) ?? 0) - 1);
    }
  }
  return [...spent].filter(([, count]) => count > 4).map(([id, count]) => `G3: ${count} attempts of ${id}`);
}
