/** Requests that the API refuses, each with the status, the code and the places that its answer must have. */
import { limits } from "../../../machines/limits.ts";
import type { Asked } from "./rig.ts";

export interface Case {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly how: Asked;
  readonly status: number;
  readonly code: string;
  /** Places in `errors`. */
  readonly at?: readonly string[];
}

export const force = "/api/clients/client-01/force-unlock";
const body = { lockGuid: "9b2f0d6e-1111-4222-8333-444455556666", reason: "it hangs" };
const post = (how: Asked, path = force): Pick<Case, "method" | "path" | "how"> => ({
  method: "POST",
  path,
  how: { as: "operator", ...how },
});
const get = (path: string, how: Asked = {}): Pick<Case, "method" | "path" | "how"> => ({
  method: "GET",
  path,
  how: { as: "viewer", ...how },
});

export const cases: readonly Case[] = [
  {
    name: "S2: a command of a foreign page",
    ...post({ json: body, headers: { origin: "https://evil.example" } }),
    status: 403,
    code: "FOREIGN_ORIGIN",
  },
  {
    name: "S2: a command of a sandboxed page",
    ...post({ json: body, headers: { origin: "null" } }),
    status: 403,
    code: "FOREIGN_ORIGIN",
  },
  {
    name: "S2: a preflight of a foreign page",
    method: "OPTIONS",
    path: force,
    how: { headers: { origin: "https://evil.example" } },
    status: 403,
    code: "FOREIGN_ORIGIN",
  },
  {
    name: "S2: a foreign Host",
    ...get("/api/clients", { headers: { host: "evil.example" } }),
    status: 403,
    code: "FOREIGN_HOST",
  },
  {
    name: "S2: a command as text/plain, as a form of any page could send it",
    ...post({ json: body, type: "text/plain" }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    name: "S2: a command as a form",
    ...post({ text: "reason=x", type: "application/x-www-form-urlencoded" }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    name: "S2: a command that does not say what it is",
    ...post({ headers: { "content-length": "0" } }),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    name: "an import that is JSON",
    ...post({ json: {} }, "/api/services/import"),
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  { name: "S1: no token", method: "GET", path: "/api/clients", how: {}, status: 401, code: "UNAUTHORIZED" },
  {
    name: "S1: a token of nobody",
    method: "GET",
    path: "/api/clients",
    how: { headers: { authorization: "Bearer wrong" } },
    status: 401,
    code: "UNAUTHORIZED",
  },
  { name: "S1: a viewer who forces", ...post({ as: "viewer", json: body }), status: 403, code: "FORBIDDEN" },
  {
    name: "S1: a viewer who clears",
    method: "DELETE",
    path: "/api/responses",
    how: { as: "viewer" },
    status: 403,
    code: "FORBIDDEN",
  },
  {
    name: "S1: a source that reads",
    ...get("/api/clients", { as: "source" }),
    status: 403,
    code: "FORBIDDEN",
  },
  { name: "S1: a source that forces", ...post({ as: "source", json: body }), status: 403, code: "FORBIDDEN" },
  {
    name: "L6: a GUID that no longer holds the client",
    ...post({ json: body }),
    status: 409,
    code: "STALE_GUID",
  },
  {
    name: "L6: a client that nobody holds",
    ...post({ json: body }, "/api/clients/client-02/force-unlock"),
    status: 409,
    code: "NOT_LOCKED",
  },
  {
    name: "L4: a client that executes nothing",
    ...post({ json: { ...body, lockGuid: "held" } }, "/api/clients/client-01/force-not-busy"),
    status: 409,
    code: "NOT_BUSY",
  },
  {
    name: "L6: a client that there is not",
    ...post({ json: body }, "/api/clients/client-99/force-unlock"),
    status: 404,
    code: "UNKNOWN_CLIENT",
  },
  {
    name: "L6: no reason",
    ...post({ json: { lockGuid: body.lockGuid } }),
    status: 422,
    code: "INVALID",
    at: ["/reason"],
  },
  {
    name: "L6: a reason of blanks",
    ...post({ json: { ...body, reason: "  " } }),
    status: 422,
    code: "INVALID",
    at: ["/reason"],
  },
  {
    name: "L6: no GUID and no reason",
    ...post({ json: {} }),
    status: 422,
    code: "INVALID",
    at: ["/lockGuid", "/reason"],
  },
  {
    name: "L6: a reason one character too long",
    ...post({ json: { ...body, reason: "x".repeat(limits.reasonCharsMax + 1) } }),
    status: 422,
    code: "INVALID",
    at: ["/reason"],
  },
  {
    name: "who acts cannot be said in the body",
    ...post({ json: { ...body, by: "somebody else" } }),
    status: 422,
    code: "INVALID",
    at: ["/by"],
  },
  {
    name: "S7: a prototype in the body",
    ...post({ text: `{"lockGuid":"a","reason":"b","__proto__":{"by":"x"}}` }),
    status: 422,
    code: "INVALID",
    at: ["/__proto__"],
  },
  { name: "a body that is an array", ...post({ json: [] }), status: 422, code: "INVALID", at: [""] },
  { name: "a body that is not JSON", ...post({ text: "{lockGuid: 1}" }), status: 400, code: "NOT_JSON" },
  {
    name: "S3: a body one byte too large",
    ...post({ text: " ".repeat(limits.apiBodyBytesMax + 1) }),
    status: 413,
    code: "TOO_LARGE",
  },
  {
    name: "S3: a body as large as allowed is looked at",
    ...post({ text: " ".repeat(limits.apiBodyBytesMax) }),
    status: 400,
    code: "NOT_JSON",
  },
  { name: "a path that there is not", ...get("/api/nothing"), status: 404, code: "NOT_FOUND" },
  { name: "a path with a slash too many", ...get("/api/clients/"), status: 404, code: "NOT_FOUND" },
  { name: "a path that cannot be decoded", ...get("/api/clients/%ff"), status: 400, code: "BAD_REQUEST" },
  {
    name: "a method that there is not",
    method: "PUT",
    path: "/api/clients",
    how: { as: "operator", json: {} },
    status: 405,
    code: "METHOD_NOT_ALLOWED",
  },
  {
    name: "a parameter nobody knows",
    ...get("/api/responses?clent=client-01"),
    status: 400,
    code: "BAD_PARAMETER",
    at: ["clent"],
  },
  {
    name: "a parameter twice",
    ...get("/api/responses?client=a&client=b"),
    status: 400,
    code: "BAD_PARAMETER",
  },
  {
    name: "a query where none is taken",
    ...get("/api/clients?state=idle"),
    status: 400,
    code: "BAD_PARAMETER",
  },
  {
    name: "S3: a page of none",
    ...get("/api/responses?limit=0"),
    status: 400,
    code: "BAD_PARAMETER",
    at: ["limit"],
  },
  {
    name: "S3: a page too large",
    ...get(`/api/responses?limit=${limits.pageRowsMax + 1}`),
    status: 400,
    code: "BAD_PARAMETER",
    at: ["limit"],
  },
  {
    name: "a limit that is no number",
    ...get("/api/responses?limit=many"),
    status: 400,
    code: "BAD_PARAMETER",
    at: ["limit"],
  },
  {
    name: "a status that there is not",
    ...get("/api/responses?status=fine"),
    status: 400,
    code: "BAD_PARAMETER",
    at: ["status"],
  },
  { name: "explain without a question", ...get("/api/explain"), status: 400, code: "BAD_PARAMETER" },
  {
    name: "explain with two questions",
    ...get("/api/explain?key=a&source=b&id=c"),
    status: 400,
    code: "BAD_PARAMETER",
  },
  {
    name: "explain what is found and what has an id",
    ...get("/api/explain?find=a&source=b&id=c"),
    status: 400,
    code: "BAD_PARAMETER",
  },
  {
    name: "an alarm without its id",
    ...get("/api/explain?source=a&key=b"),
    status: 400,
    code: "BAD_PARAMETER",
  },
  { name: "what nobody knows", ...get("/api/explain?find=nothing"), status: 404, code: "UNKNOWN_ALARM" },
  {
    name: "an alarm that nobody sent",
    ...get("/api/explain?source=a&id=b"),
    status: 404,
    code: "UNKNOWN_ALARM",
  },
  { name: "a flow that there was not", ...get("/api/flows/nobody"), status: 404, code: "UNKNOWN_FLOW" },
  {
    name: "a client that there is not",
    ...get("/api/clients/client-99"),
    status: 404,
    code: "UNKNOWN_CLIENT",
  },
  {
    name: "rows of a client that there is not",
    method: "DELETE",
    path: "/api/responses?client=client-99",
    how: { as: "operator" },
    status: 404,
    code: "UNKNOWN_CLIENT",
  },
  {
    name: "a verdict on a request that there is not",
    ...post(
      { json: { verdict: "applied", ticketId: "T", reason: "x" } },
      "/api/gateway/requests/nobody/resolve",
    ),
    status: 404,
    code: "UNKNOWN_REQUEST",
  },
  {
    name: "a verdict that is none",
    ...post({ json: { verdict: "perhaps", reason: "x" } }, "/api/gateway/requests/nobody/resolve"),
    status: 422,
    code: "INVALID",
    at: ["/verdict"],
  },
  {
    name: "a maximum of rows below the lowest",
    method: "PATCH",
    path: "/api/configuration",
    how: { as: "operator", json: { maxResponseRows: 0 } },
    status: 422,
    code: "INVALID",
    at: ["/maxResponseRows"],
  },
  {
    name: "a setting nobody knows, inside",
    method: "PATCH",
    path: "/api/configuration",
    how: { as: "operator", json: { relatedElements: { gateway: "x" } } },
    status: 422,
    code: "INVALID",
    at: ["/relatedElements/gateway"],
  },
  {
    name: "a table that is none",
    ...post({ text: "nonsense", type: "text/csv" }, "/api/services/import"),
    status: 422,
    code: "SERVICES_INVALID",
  },
  {
    name: "a dry run that is neither true nor false",
    ...post({ text: "x", type: "text/csv" }, "/api/services/import?dryRun=yes"),
    status: 400,
    code: "BAD_PARAMETER",
    at: ["dryRun"],
  },
  {
    name: "an Idempotency-Key with blanks",
    ...post({ json: body, headers: { "idempotency-key": "a b" } }),
    status: 400,
    code: "BAD_PARAMETER",
  },
  {
    name: "an Idempotency-Key too long",
    ...post({ json: body, headers: { "idempotency-key": "x".repeat(limits.idempotencyKeyCharsMax + 1) } }),
    status: 400,
    code: "BAD_PARAMETER",
  },
];
