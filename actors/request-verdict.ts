/**
 * `supervisor.resolve`: an operator's verdict on a request that was settled as `unknown`.
 *   A2 the outcome is replaced by a fact that names the old one.
 * Source: wire.md, "HTTP API".
 */
import { fail, ok, type Result } from "../machines/failure.ts";
import { limits } from "../machines/limits.ts";
import { keyStream, unknownRequest, type State } from "../machines/state.ts";
import { judgeVerdict, type SettledAlarm, type Verdict } from "../machines/verdict.ts";
import type { Position } from "../machines/vocabulary.ts";
import type { Journal } from "./journal.ts";
import type { Clock } from "./ports.ts";

/** Resolves when it is durable, with the key it concerns. Fails UNKNOWN_REQUEST, NOT_UNKNOWN, INVALID. */
export async function resolveRequest(
  { journal, clock }: { readonly journal: Journal; readonly clock: Clock },
  requestId: string,
  verdict: Verdict,
): Promise<Result<{ readonly key: string }>> {
  for (;;) {
    const { state } = journal;
    const request = unknownRequest(state, requestId);
    const key = request === null ? undefined : state.keys.get(request.key);
    if (request === null || key === undefined) return refuse(state, requestId);
    const { revision } = key;
    const first = Math.min(...request.outcomes.map(({ ref }) => ref.position));
    const alarms = await settledSince(journal, key.key, first);
    // A flow, a result or another verdict may have come in between: then it is judged anew.
    if (key.revision !== revision) continue;
    const judged = judgeVerdict(key, request, verdict, alarms, clock.now());
    if (!judged.ok) return judged;
    const done = await journal.append(judged.value, [{ stream: keyStream(key.key), revision }]);
    if (done.kind === "committed") return ok({ key: key.key });
  }
}

function refuse(state: State, requestId: string): Result<never> {
  const known = state.requests.has(requestId) || state.settledRequests.has(requestId);
  return known
    ? fail(
        "NOT_UNKNOWN",
        `Request ${requestId} is not unknown: the engine knows, or is still finding out, what became of it.`,
      )
    : fail(
        "UNKNOWN_REQUEST",
        `There is no request ${requestId} that waits for a verdict; GET /api/gateway lists those that do.`,
      );
}

/** The settled notifications of a key from a place on, oldest first, each with its current outcome. */
async function settledSince(
  { ledger }: Pick<Journal, "ledger">,
  key: string,
  first: Position,
): Promise<SettledAlarm[]> {
  for (let limit: number = limits.explainFactsMax; ; limit *= 4) {
    const facts = await ledger.readKey(key, limit);
    const oldest = facts[0]?.position ?? 0;
    if (facts.length >= limit && oldest > first) continue;
    const alarms = new Map<Position, SettledAlarm>();
    const accepted = new Map<Position, Pick<SettledAlarm, "ref" | "notification">>();
    for (const fact of facts) {
      if (fact.type === "alarm.accepted" && fact.position >= first) {
        const { notification } = fact.body;
        const { source, id } = notification;
        accepted.set(fact.position, { ref: { source, id, position: fact.position }, notification });
      } else if (fact.type === "alarm.settled") {
        const alarm = accepted.get(fact.body.alarm.position);
        if (alarm === undefined) continue;
        const current = { position: fact.position, outcome: fact.body.outcome };
        alarms.set(alarm.ref.position, { ...alarm, current });
      }
    }
    return [...alarms.values()].sort((a, b) => a.ref.position - b.ref.position);
  }
}
