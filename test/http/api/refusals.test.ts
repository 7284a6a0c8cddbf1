/** What the API refuses, with which status and code, and that nothing has happened then: laws S1, S2, S3 and L6. */
import http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../../../machines/limits.ts";
import { startApi, tokens, type ApiUnderTest, type Asked } from "./rig.ts";

interface Problem {
  readonly type: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly {
    readonly pointer?: string;
    readonly parameter?: string;
    readonly detail: string;
  }[];
}

interface Case {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly how: Asked;
  readonly status: number;
  readonly code: string;
  /** Places in `errors`. */
  readonly at?: readonly string[];
}

const force = "/api/clients/client-01/force-unlock";
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

const cases: readonly Case[] = [
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

let api: ApiUnderTest;
let lockGuid: string;

beforeAll(async () => {
  api = await startApi({ guarded: true, config: { clients: 2 }, keep: true });
  lockGuid = (await api.engine.supervisor.lock()).lockGuid;
});
afterAll(() => api.end());

describe("refused", () => {
  test.each(cases)(
    "$name: $status $code, and nothing has happened",
    async ({ method, path, how, status, code, at }) => {
      const before = api.engine.supervisor.state.position;
      const json = how.json as { lockGuid?: string } | undefined;
      const told = json?.lockGuid === "held" ? { ...how, json: { ...json, lockGuid } } : how;
      const said = await api.ask<Problem>(method, path, told);
      expect(said).toMatchObject({
        status,
        body: { status, code, type: `urn:ticketclient:problem:${code}` },
      });
      expect(said.headers["content-type"]).toBe("application/problem+json");
      expect(said.body.detail).toMatch(/^\S.*\.$/s);
      const places = said.body.errors?.map(({ pointer, parameter }) => pointer ?? parameter);
      if (at !== undefined) expect(places).toEqual(at);
      expect(api.engine.supervisor.state.position).toBe(before);
      expect(JSON.stringify(said.body)).not.toMatch(new RegExp(`"(${Object.values(tokens).join("|")})"`)); // S4
    },
  );

  test("401 says how to be known, 405 what can be done, 415 what is taken", async () => {
    expect((await api.ask("GET", "/api/clients")).headers["www-authenticate"]).toBe("Bearer");
    expect((await api.ask("PUT", "/api/clients", { as: "operator", json: {} })).headers["allow"]).toBe(
      "GET, HEAD, OPTIONS",
    );
    expect(
      (await api.ask("POST", force, { as: "operator", text: "x", type: "text/plain" })).headers["accept"],
    ).toBe("application/json");
  });

  test("a command without any body, and without saying so, is 411", async () => {
    const socket = net.connect(Number(new URL(api.engine.url).port), "127.0.0.1");
    socket.write(
      `POST ${force} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tokens.operator}\r\nContent-Type: application/json\r\n\r\n`,
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString("utf8")).toMatch(/^HTTP\/1\.1 411 /);
    socket.destroy();
  });

  test("S3: a body too large without a length is refused while it comes, and the connection ends", async () => {
    const request = http.request(new URL(force, api.engine.url), {
      method: "POST",
      agent: false,
      headers: { authorization: `Bearer ${tokens.operator}`, "content-type": "application/json" },
    });
    request.on("error", () => undefined);
    request.write(" ".repeat(limits.apiBodyBytesMax + 1));
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    expect([response.statusCode, response.headers["connection"]]).toEqual([413, "close"]);
    response.resume();
    request.destroy();
  });
});

describe("let in", () => {
  test("a command without an Origin, and one of our own page; headers keep other pages out", async () => {
    for (const headers of [{}, { origin: api.engine.url }]) {
      const said = await api.ask("GET", "/api/clients", { as: "viewer", headers });
      expect(said.status).toBe(200);
      expect(said.headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      });
    }
  });

  test("S1: an operator may read, and acts under his token's name", async () => {
    const said = await api.ask("PATCH", "/api/configuration", {
      as: "operator",
      json: { maxResponseRows: 999 },
    });
    expect(said.status).toBe(200);
    const audit = await api.ask<{ acts: { by: string }[] }>("GET", "/api/audit", { as: "operator" });
    expect(audit.body.acts[0]?.by).toBe("operator-1");
  });
});
