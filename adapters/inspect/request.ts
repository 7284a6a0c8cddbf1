/** Which actors a reader asks for: the query of the inspector's URL. Refused as a whole, with what was expected. */
import type { InspectionRequest } from "../../actors/inspection.ts";
import { limits } from "../../machines/limits.ts";

/** `gateway:` and the longest name of a service. */
const actorCharsMax = "gateway:".length + limits.serviceNameCharsMax;

/** `url`: path and query as in the request line. A refusal is one line of ASCII. */
export function readInspectRequest(
  url: string,
):
  | { readonly ok: true; readonly request: InspectionRequest }
  | { readonly ok: false; readonly reason: string } {
  const parameters = [...new URLSearchParams(url.split("?").slice(1).join("?"))];
  const [first, second] = parameters;
  if (first === undefined) return { ok: true, request: { actor: null } };
  const [name, actor] = first;
  if (name !== "actor" || second !== undefined)
    return { ok: false, reason: "expected nothing or one actor, as in /inspect?actor=client-07" };
  if (actor === "" || actor.length > actorCharsMax)
    return { ok: false, reason: `actor: expected an id of 1 to ${actorCharsMax} characters, as client-07` };
  return { ok: true, request: { actor } };
}
