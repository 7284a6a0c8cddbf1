/**
 * An async result of the service, judged and made durable; judged again while its key moves on underneath.
 *   G5 it settles at most one request, whether early, late, twice, contradictory or for nobody.
 */
import { judgeAsync } from "../machines/async-result.ts";
import type { Expectation } from "../machines/entry.ts";
import { keyStream, unknownRequest } from "../machines/state.ts";
import type { Journal } from "./journal.ts";
import type { AsyncResult, Clock } from "./ports.ts";

/** Resolves when durable. */
export async function deliverAsync(
  journal: Journal,
  result: AsyncResult,
  clock: Pick<Clock, "now">,
): Promise<void> {
  const { state } = journal;
  for (;;) {
    const before = state.settledRequests.get(result.requestId) ?? unknownRequest(state, result.requestId);
    const name = state.requests.get(result.requestId) ?? before?.key;
    const key = name === undefined ? null : (state.keys.get(name) ?? null);
    const entries = judgeAsync(key, before, result, clock.now());
    const expect: Expectation[] =
      key === null ? [] : [{ stream: keyStream(key.key), revision: key.revision }];
    const done = await journal.append(entries, expect);
    if (done.kind === "committed") return;
  }
}
