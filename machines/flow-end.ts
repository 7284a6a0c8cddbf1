/**
 * How a flow ends that does not end itself: forced by an operator, out of time, or crashed.
 *   L4 the client is freed, not the key: a request not yet sending is cancelled in the same commit; one that
 *   is sending keeps the key waiting.  R6 after three crashes its alarms are set aside.
 */
import { entry, type Entry, type Expectation } from "./entry.ts";
import { cancelRequest } from "./flow-plan.ts";
import { limits } from "./limits.ts";
import { settle, settleAlarms } from "./request.ts";
import { clientStream, keyStream, type State } from "./state.ts";
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
  const key = client.key === null ? undefined : state.keys.get(client.key);
  if (key?.flow?.lockGuid !== lockGuid) return { entries, expect };

  expect.push({ stream: keyStream(key.key), revision: key.revision });
  const because =
    ending.how === "forced"
      ? `An operator ended the flow: ${ending.reason}`
      : ending.how === "expired"
        ? "The flow outlived its lock."
        : `The flow crashed: ${ending.cause}`;
  const { flow, request } = key;
  const neverSent = request === null || request.status === "planned";
  const forced = ending.how === "forced";
  if (request?.status === "planned") entries.push(...cancelRequest(key, request, at, because, forced));
  else if (request === null && forced) {
    entries.push(
      ...settleAlarms(key, flow.alarms, at, {
        outcome: "aborted",
        because,
        lockGuid,
        rule: null,
        ticketId: null,
        failure: null,
        requestId: null,
      }),
    );
  }
  if (ending.how === "crashed" && key.crashes + 1 >= limits.flowCrashesMax && request?.status !== "sending") {
    const failure = {
      code: "FLOW_CRASHED" as const,
      detail: `${because} It crashed ${key.crashes + 1} times and is set aside; look into its alarm, then send it again under another id.`,
    };
    if (neverSent)
      entries.push(
        ...settleAlarms(key, flow.alarms, at, {
          outcome: "unknown",
          because: failure.detail,
          lockGuid,
          rule: null,
          ticketId: null,
          failure,
          requestId: null,
        }),
      );
    else
      entries.push(
        ...settle(key, request, at, { result: "unknown", ticketId: null, because: failure.detail, failure }),
      );
  }
  entries.push(entry(keyStream(key.key), at, "flow.ended", { key: key.key, lockGuid, result: ending.how }));
  return { entries, expect };
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
