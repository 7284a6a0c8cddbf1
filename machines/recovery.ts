/**
 * What an opening of the ledger finds unfinished and what it makes of it.
 *   G2 what was being sent is in doubt, never simply sent again; what was planned and never sent is
 *   cancelled and decided again.  R2 may be cut off and repeated.  R4 after a restore everything unsettled is
 *   in doubt.
 */
import { entry, type Entry } from "./entry.ts";
import { cancelRequest, doubtDelay, park, row } from "./settlement.ts";
import { clientStream, keyStream, type KeyState, type RequestState, type State } from "./state.ts";
import type { Instant } from "./vocabulary.ts";

export function recover(state: State, restored: boolean, at: Instant): Entry[] {
  const entries: Entry[] = [];
  for (const [clientId, client] of state.clients) {
    if (client.lock === null) continue;
    const { lockGuid, fence } = client.lock;
    entries.push(entry(clientStream(clientId), at, "client.unlocked", { clientId, lockGuid, fence }));
  }
  for (const name of state.requests.values()) {
    const key = state.keys.get(name);
    if (key === undefined || key.request === null) continue;
    entries.push(...recoverRequest(key, key.request, restored, at));
  }
  return entries;
}

function recoverRequest(key: KeyState, request: RequestState, restored: boolean, at: Instant): Entry[] {
  if (request.status === "planned" && !restored) {
    return cancelRequest(key, request, at, "The engine stopped before it was sent.", false);
  }
  // What waits in doubt waits anew from here; what was just being looked up may have been sent again since.
  const waitsInDoubt = request.status === "inDoubt" && key.parked?.reason === "inDoubt";
  if (request.status === "sending" || (restored && !waitsInDoubt)) return inDoubt(key, request, restored, at);
  return [];
}

function inDoubt(key: KeyState, request: RequestState, restored: boolean, at: Instant): Entry[] {
  const because = restored
    ? "A backup was restored, or the ledger lost its end; the request may have been sent since."
    : "The engine stopped while it was being sent.";
  return leftInDoubt(key, request, at, { code: "ENGINE_STOPPED", cause: because, because });
}

/** Its answer is lost with whoever waited for it. In doubt from now: a settling time is counted from here. */
export function leftInDoubt(
  key: KeyState,
  request: RequestState,
  at: Instant,
  { code, cause, because }: { readonly code: string; readonly cause: string; readonly because: string },
): Entry[] {
  const { requestId, attempts } = request;
  const entries = [
    entry(keyStream(key.key), at, "request.answered", {
      requestId,
      key: key.key,
      attempt: attempts,
      answer: "inDoubt",
      code,
      cause,
      ticketId: null,
    }),
  ];
  if (attempts > 0)
    entries.push(row(key, request, attempts, at, { answeredAt: at, status: "inDoubt", code, cause }));
  entries.push(park(key, at, "inDoubt", doubtDelay(request), because));
  return entries;
}
