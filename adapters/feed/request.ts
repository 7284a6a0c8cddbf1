/** What a reader asks for: the query of the feed's URL. Refused as a whole, with what was expected. */
import { z } from "zod";

import type { FeedRequest } from "../../actors/feed.ts";
import { feedTypes } from "../../actors/feed-messages.ts";

const after = z
  .string()
  .regex(/^[^\s:]{1,64}:(0|[1-9]\d{0,14})$/, "expected <ledger>:<position>, as in the `id` of a fact")
  .transform((text) => {
    const colon = text.indexOf(":");
    return { ledger: text.slice(0, colon), position: Number(text.slice(colon + 1)) };
  });
const only = z.string().regex(/^client-\d{1,5}$/, "expected the name of one client, as client-07");
const types = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(z.enum(feedTypes, { error: ({ input }) => `there is no type ${printable(input)}` })))
  .transform((names) => new Set(names));

const query = z.strictObject({
  after: after.nullable().default(null),
  only: only.nullable().default(null),
  types: types.nullable().default(null),
  behind: z.enum(["read", "reset"], { error: "expected read or reset" }).default("read"),
});

/** `url`: path and query as in the request line. A refusal is one line of ASCII. */
export function readFeedRequest(
  url: string,
): { readonly ok: true; readonly request: FeedRequest } | { readonly ok: false; readonly reason: string } {
  const parameters = [...new URLSearchParams(url.split("?").slice(1).join("?"))];
  const names = parameters.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return { ok: false, reason: `${printable(twice)}: expected once` };
  const parsed = query.safeParse(Object.fromEntries(parameters));
  if (parsed.success) return { ok: true, request: parsed.data };
  const [issue] = parsed.error.issues;
  if (issue?.code === "unrecognized_keys")
    return { ok: false, reason: `${printable(issue.keys[0])}: expected only after, only, types, behind` };
  return { ok: false, reason: `${String(issue?.path[0])}: ${issue?.message}` };
}

/** Fits into the reason of a close frame (123 bytes). */
function printable(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 40)).replaceAll(/[^ -~]/g, "?");
}
