/**
 * What whoever asked a Ticket Client is told when nothing came of the command.
 *   L3 a stale GUID or fence changes nothing.  L4 a force answers what it cuts off.
 * Source: domain.md, "The Ticket Client's states".
 */
import type { CloseCommand, ForwardCommand, Holder, SearchCommand } from "./client-commands.ts";
import { fail, type Failure } from "./failure.ts";
import type { Instant, Lock } from "./vocabulary.ts";

/** null: the client has none under way. */
type Command = SearchCommand | ForwardCommand | null;

export interface AskedClient {
  readonly clientId: string;
  readonly lock: Lock | null;
}

export function isHolder(lock: Lock | null, asking: Holder): boolean {
  return lock !== null && lock.lockGuid === asking.lockGuid && lock.fence === asking.fence;
}

/** The client does not take it: it is not the asker's, or does something else. */
export function tellRefused(
  client: AskedClient,
  command: SearchCommand | ForwardCommand | CloseCommand,
  state: string,
): void {
  const { code, detail } = refusal(client, command, state);
  if (command.type === "client.close") command.reply?.(fail(code, detail));
  else tellFailed(command, { code, detail });
}

/** Its lock ended before the answer came. */
export function tellLost({ clientId }: AskedClient, command: Command): void {
  tellFailed(command, {
    code: "LOCK_EXPIRED",
    detail: `${clientId}: the lock ended before the answer came.`,
  });
}

/** An operator took it off the client, which stays locked. `left`: the request is being sent, and the key waits for it. */
export function tellForced(command: Command, request: "left" | "settled" | "cancelled", at: Instant): void {
  const because = "An operator forced the client to not busy.";
  if (command?.type === "client.search")
    command.reply({ ok: false, failure: { code: "FORCED", cause: because, permanent: false }, at });
  if (command?.type !== "client.forward") return;
  const outcome = request === "left" ? null : "cancelled";
  command.reply({ ok: true, result: request, outcome, ticketId: null, because, at });
}

function tellFailed(command: Command, failure: Failure): void {
  const { code, detail } = failure;
  if (command?.type === "client.search")
    command.reply({ ok: false, failure: { code, cause: detail, permanent: true }, at: 0 });
  if (command?.type === "client.forward") command.reply({ ok: false, failure, at: 0 });
}

function refusal({ clientId, lock }: AskedClient, asking: Holder, state: string): Failure {
  if (lock === null) return { code: "NOT_LOCKED", detail: `${clientId} is not locked; lock a client first.` };
  if (lock.lockGuid !== asking.lockGuid)
    return {
      code: "STALE_GUID",
      detail: `${clientId} is held by ${lock.lockGuid}, not by ${asking.lockGuid}; the lock has moved on.`,
    };
  if (lock.fence !== asking.fence)
    return {
      code: "STALE_FENCE",
      detail: `${clientId} was granted again (fence ${lock.fence}, yours is ${asking.fence}); the lock has moved on.`,
    };
  return { code: "BUSY_CLIENT", detail: `${clientId} is ${state}; wait for the answer of its last command.` };
}
