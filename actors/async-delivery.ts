/**
 * An async result of the service, judged and made durable; judged again while its key moves on underneath.
 *   G5 it settles at most one request, whether early, late, twice, contradictory or for nobody.
 *   A8 a ticket that only the late result tells of is closed when its alarms have gone.
 */
import { corrects, judgeAsync } from "../machines/async-result.ts";
import type { Expectation } from "../machines/entry.ts";
import { emptyKey, type KeyState, keyStream, type State, unknownRequest } from "../machines/state.ts";
import { afterLateOk } from "../machines/verdict.ts";
import type { Position } from "../machines/vocabulary.ts";
import type { Journal } from "./journal.ts";
import type { AsyncResult, Clock } from "./ports.ts";
import { settledAlarmsOf } from "./settled-alarms.ts";

/** Whether a request waits for the result that this id names, and none has come yet. */
export function isAwaited(state: State, requestId: string): boolean {
  const key = state.requests.get(requestId);
  const request = key === undefined ? undefined : state.keys.get(key)?.request;
  return request?.requestId === requestId && request.asyncResult === null;
}

/** Of a key that was forgotten, all that its stream holds has been seen. */
function knownKey(state: State, key: string): KeyState {
  return state.keys.get(key) ?? { ...emptyKey(key), revision: state.position };
}

/** A forgotten key stands still while others write: it has moved once something is known of it again. */
function hasMoved({ keys }: State, name: string, revision: Position, wasForgotten: boolean): boolean {
  const key = keys.get(name);
  return wasForgotten ? key !== undefined : key?.revision !== revision;
}

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
    const key = name === undefined ? null : knownKey(state, name);
    const revision = key?.revision ?? 0;
    const isForgotten = name !== undefined && !state.keys.has(name);
    const isCorrection = key?.request?.requestId !== result.requestId && corrects(before, result);
    const alarms = isCorrection && before !== null ? await settledAlarmsOf(journal, before) : [];
    if (key !== null && hasMoved(state, key.key, revision, isForgotten)) continue;
    const at = clock.now();
    const entries = judgeAsync(key, before, result, at, state.tables);
    if (isCorrection && key !== null && before !== null)
      entries.push(...afterLateOk(key, before, result.ticketId, alarms, at));
    const expect: Expectation[] = key === null ? [] : [{ stream: keyStream(key.key), revision }];
    const done = await journal.append(entries, expect);
    if (done.kind === "committed") return;
  }
}
