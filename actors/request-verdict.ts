/**
 * `supervisor.resolve`: an operator's verdict on a request that was settled as `unknown`.
 *   A2 the outcome is replaced by a fact that names the old one.
 * Source: wire.md, "HTTP API".
 */
import { fail, ok, type Result } from "../machines/failure.ts";
import { keyStream, unknownRequest, type State } from "../machines/state.ts";
import { judgeVerdict, type Verdict } from "../machines/verdict.ts";
import type { Journal } from "./journal.ts";
import type { Clock } from "./ports.ts";
import { settledAlarmsOf } from "./settled-alarms.ts";

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
    const alarms = await settledAlarmsOf(journal, request);
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
