/** What the API refuses, with which status and code, and that nothing has happened then: laws S1, S2, S3 and L6. */
import http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../../../machines/limits.ts";
import { cases, force } from "./refusal-cases.ts";
import { startApi, tokens, type ApiUnderTest } from "./rig.ts";

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
