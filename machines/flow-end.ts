/**
 * How a flow ends that does not end itself: forced by an operator, out of time, or crashed.
 *   L4 the client is freed, not the key: a request not yet sending is cancelled in the same commit; one that
 *   is sending keeps the key waiting.  R6 after three crashes its alarms are set aside.
 */
import { entry, type Entry, type Expectation } from "./entry.ts";
import { limits } from "./limits.ts";
import { withStop } from "./sentence.ts";
import { cancelRequest, doubtDelay, outageDelay, park, settle, settleAlarms } from "./settlement.ts";
import { clientStream, keyStream, type KeyState, type RequestState, type State } from "./state.ts";
import type { Instant } from "./vocabulary.ts";

export type Ending =
  | { readonly how: "forced"; readonly by: string; readonly reason: string }
  | { readonly how: "expired" }
  | { readonly how: "crashed"; readonly cause: string };

/** What to append, under which conditions; null: nobody holds the client. */
export function endFlow(
  state: State,
  clientId: string,
  ending: Ending,
  at: Instant,
): { readonly entries: Entry[]; readonly expect: Expectation[] } | null {
  const client = state.clients.get(clientId);
  if (client === undefined || client.lock === null) return null;
  const { lockGuid, fence } = client.lock;
  const expect: Expectation[] = [{ stream: clientStream(clientId), revision: client.revision }];
  const entries: Entry[] = [released(clientId, lockGuid, fence, ending, at)];
  const name = client.key ?? keyOfHand(state, lockGuid);
  const key = name === null ? undefined : state.keys.get(name);
  if (key === undefined) return { entries, expect };

  expect.push({ stream: keyStream(key.key), revision: key.revision });
  const because = sentence(ending);
  const forced = ending.how === "forced";
  const { request } = key;
  if (request !== null) entries.push(...leaveRequest(key, request, at, because, forced));
  const flow = key.flow?.lockGuid === lockGuid ? key.flow : null;
  if (flow === null) return { entries, expect };

  const aside = { because, lockGuid, rule: null, ticketId: null, requestId: null };
  if (forced && request === null)
    entries.push(...settleAlarms(key, flow.alarms, at, { ...aside, outcome: "aborted", failure: null }));
  if (ending.how === "crashed" && key.crashes + 1 >= limits.flowCrashesMax && request?.status !== "sending") {
    const detail = `${because} It crashed ${key.crashes + 1} times and is set aside; look into its alarm, then send it again under another id.`;
    const failure = { code: "FLOW_CRASHED" as const, detail };
    // What rested on a cover keeps its outcome (A2): that it gets no third decision is told here.
    if (flow.again) entries.push(setAside(key, lockGuid, detail, at));
    if (request === null || request.status === "planned") {
      entries.push(
        ...settleAlarms(key, flow.alarms, at, { ...aside, because: detail, outcome: "unknown", failure }),
      );
    } else {
      entries.push(
        ...settle(key, request, at, { result: "unknown", ticketId: null, because: detail, failure }),
      );
    }
  }
  entries.push(entry(keyStream(key.key), at, "flow.ended", { key: key.key, lockGuid, result: ending.how }));
  return { entries, expect };
}

function setAside(key: KeyState, lockGuid: string, because: string, at: Instant): Entry {
  const record = { rule: "R6", decision: "fail", because, tickets: [], path: [] } as const;
  return entry(keyStream(key.key), at, "flow.decided", { ...record, key: key.key, lockGuid });
}

function sentence(ending: Ending): string {
  if (ending.how === "forced") return `An operator ended the flow: ${withStop(ending.reason)}`;
  return ending.how === "expired"
    ? "The flow outlived its lock."
    : `The flow crashed: ${withStop(ending.cause)}`;
}

/**
 * L4: what becomes of the key's request when its client is taken away. Not yet sent, or proven not applied: it is
 * cancelled; by an operator, its alarms are aborted, else decided again. In doubt: it rests before it is looked into.
 */
export function leaveRequest(
  key: KeyState,
  request: RequestState,
  at: Instant,
  because: string,
  forced: boolean,
): Entry[] {
  switch (request.status) {
    case "planned":
      return cancelRequest(key, request, at, because, forced);
    case "retry":
      return forced
        ? cancelRequest(key, request, at, because, true)
        : [park(key, at, "outage", outageDelay(key.parkings), because)];
    case "inDoubt":
    case "async":
      return [park(key, at, "inDoubt", doubtDelay(request), because)];
    case "sending":
      return [];
  }
}

/** Key of the request that a flow written by hand has under way by this lock; those it has left wait without it. */
export function keyOfHand(state: State, lockGuid: string): string | null {
  for (const name of state.requests.values()) {
    const request = state.keys.get(name)?.request ?? null;
    if (request?.lockGuid !== lockGuid) continue;
    if (request.status === "planned" || request.status === "sending") return name;
  }
  return null;
}

function released(clientId: string, lockGuid: string, fence: number, ending: Ending, at: Instant): Entry {
  const stream = clientStream(clientId);
  if (ending.how === "forced")
    return entry(stream, at, "client.lockForced", {
      clientId,
      lockGuid,
      fence,
      by: ending.by,
      reason: ending.reason,
    });
  if (ending.how === "expired") return entry(stream, at, "client.lockExpired", { clientId, lockGuid, fence });
  return entry(stream, at, "client.unlocked", { clientId, lockGuid, fence });
}
