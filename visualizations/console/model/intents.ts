/**
 * What an operator orders, as a request that is not yet sent; or why it cannot be ordered.
 *   L6 it names the lock that was seen, and why; so a newer lock is never released.
 */
import type { Client } from "./clients.ts";
import { lastFour } from "./text.ts";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  /** Below `/api`. */
  readonly path: string;
  readonly json?: unknown;
  readonly csv?: string | Uint8Array<ArrayBuffer>;
}

export type Intent =
  | { readonly ok: true; readonly call: Call }
  | { readonly ok: false; readonly because: string };

export type ForceVerb = "force-unlock" | "force-not-busy";

/** Why a force is of no use now; null: it is. */
export function whyNoForce(verb: ForceVerb, { view }: Pick<Client, "view">): string | null {
  if (view.lockGuid === null) return `${view.clientId} is not locked.`;
  if (verb === "force-not-busy" && view.busyStatus !== "busy") return `${view.clientId} is not busy.`;
  return null;
}

/** What will happen, for the dialog. */
export function forceEffect(verb: ForceVerb, { view }: Pick<Client, "view">): string {
  if (verb === "force-not-busy")
    return "The command being executed ends; a search counts as failed. The lock stays. A request that is being sent is settled on its own.";
  const sent =
    "what was not yet sent is cancelled; what is being sent keeps its key waiting until it is settled";
  return `The lock ends and ${view.clientId} becomes idle. Its flow is aborted: ${sent}.`;
}

export interface Typed {
  readonly reason: string;
  /** Last four characters of the GUID. */
  readonly lastFour: string;
}

/** `seen`: the lock GUID that the dialog was opened with. */
export function force(verb: ForceVerb, clientId: string, seen: string, typed: Typed): Intent {
  if (typed.reason.trim() === "") return { ok: false, because: "Say why: the reason stands in the audit." };
  if (typed.lastFour.trim().toLowerCase() !== lastFour(seen).toLowerCase())
    return {
      ok: false,
      because: `The last four characters of the lock GUID are ${lastFour(seen)}; type them to confirm.`,
    };
  return {
    ok: true,
    call: {
      method: "POST",
      path: `/clients/${encodeURIComponent(clientId)}/${verb}`,
      json: { lockGuid: seen, reason: typed.reason.trim() },
    },
  };
}

export interface Verdict {
  readonly verdict: "applied" | "notApplied";
  readonly ticketId: string;
  readonly reason: string;
}

export function resolve(
  request: { readonly requestId: string; readonly command: string },
  typed: Verdict,
): Intent {
  if (typed.reason.trim() === "")
    return { ok: false, because: "Say how you know: the reason stands in the audit." };
  const ticketId = typed.ticketId.trim();
  if (typed.verdict === "applied" && request.command === "create" && ticketId === "")
    return { ok: false, because: "Name the ticket that the request made." };
  return {
    ok: true,
    call: {
      method: "POST",
      path: `/gateway/requests/${encodeURIComponent(request.requestId)}/resolve`,
      json: {
        verdict: typed.verdict,
        reason: typed.reason.trim(),
        ...(typed.verdict === "applied" && ticketId !== "" ? { ticketId } : undefined),
      },
    },
  };
}

export function importServices(csv: string | Uint8Array<ArrayBuffer>, dryRun: boolean): Call {
  return { method: "POST", path: `/services/import${dryRun ? "?dryRun=true" : ""}`, csv };
}
