/** The same command again has no second effect: Idempotency-Key, and its bounds (S3). */
import { describe, expect, test } from "vitest";
import { IdempotencyKeys } from "../../../adapters/http/api/idempotency.ts";
import { limits } from "../../../machines/limits.ts";
import { startApi } from "./rig.ts";

const answer = { status: 200, type: "application/json", body: "{}" };

describe("over HTTP", () => {
  test("the same key and body get the same answer, once for each who asks; another body is 422", async () => {
    const api = await startApi({ guarded: true });
    const send = (rows: number, key: string) =>
      api.ask<{ code?: string }>("PATCH", "/api/configuration", {
        as: "operator",
        json: { maxResponseRows: rows },
        headers: { "idempotency-key": key },
      });
    const first = await send(10, "one");
    expect((await send(20, "two")).status).toBe(200);
    const { position } = api.engine.supervisor.state;
    const again = await send(10, "one");
    expect([again.status, again.text, again.headers["idempotency-replayed"]]).toEqual([
      200,
      first.text,
      "true",
    ]);
    expect(first.headers["idempotency-replayed"]).toBeUndefined();
    expect(await send(11, "one")).toMatchObject({ status: 422, body: { code: "KEY_REUSED" } });
    expect(api.engine.supervisor.state.position).toBe(position);
    expect(api.engine.supervisor.state.settings.maxResponseRows).toBe(20);
  });

  test("L6: a force sent twice at once is carried out once; the second hears of it or gets its answer", async () => {
    const api = await startApi();
    const held = await api.engine.supervisor.lock();
    const send = () =>
      api.ask<{ code?: string }>("POST", `/api/clients/${held.clientId}/force-unlock`, {
        json: { lockGuid: held.lockGuid, reason: "it hangs" },
        headers: { "idempotency-key": "force-1" },
      });
    const both = await Promise.all([send(), send()]);
    for (const one of both) expect([200, 409]).toContain(one.status);
    expect(both.filter(({ body }) => body.code !== undefined && body.code !== "IN_PROGRESS")).toEqual([]);
    expect((await send()).status).toBe(200);
    const audit = await api.ask<{ acts: unknown[] }>("GET", "/api/audit");
    expect(audit.body.acts).toHaveLength(1);
  });

  test("a refused command may be sent again with its key", async () => {
    const api = await startApi();
    const send = () =>
      api.ask("POST", "/api/clients/client-01/force-unlock", {
        json: { lockGuid: "held", reason: "it hangs" },
        headers: { "idempotency-key": "force-1" },
      });
    expect((await send()).status).toBe(409);
    const again = await send();
    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([409, undefined]);
  });
});

describe("the memory of answers", () => {
  function keysAt(): { readonly keys: IdempotencyKeys; readonly pass: (seconds: number) => void } {
    let now = 0;
    return { keys: new IdempotencyKeys(() => now), pass: (seconds) => void (now += seconds * 1000) };
  }
  const kind = (keys: IdempotencyKeys, key: string, who = "ann", digest = "d") => {
    const attempt = keys.begin(who, key, digest);
    if (attempt.kind === "first") attempt.done(answer);
    return attempt.kind;
  };

  test("in progress until it is done; forgotten where it failed on our side", () => {
    const { keys } = keysAt();
    const first = keys.begin("ann", "k", "d");
    expect(keys.begin("ann", "k", "d").kind).toBe("inProgress");
    expect(keys.begin("ann", "k", "other").kind).toBe("otherRequest");
    if (first.kind === "first") first.done(null);
    expect(kind(keys, "k")).toBe("first");
    expect(kind(keys, "k")).toBe("again");
    expect(kind(keys, "k", "bob")).toBe("first");
  });

  test("S3: for a day, not a millisecond longer", () => {
    const { keys, pass } = keysAt();
    kind(keys, "k");
    pass(limits.idempotencySeconds);
    expect(kind(keys, "k")).toBe("again");
    pass(0.001);
    expect(kind(keys, "k")).toBe("first");
  });

  test("S3: so many; the oldest leaves, but not one in progress", () => {
    const { keys } = keysAt();
    keys.begin("ann", "under way", "d");
    for (let n = 1; n < limits.idempotencyKeysKept; n += 1) kind(keys, `k${n}`);
    expect(kind(keys, "one more")).toBe("first");
    expect(kind(keys, "k2")).toBe("again");
    expect(keys.begin("ann", "under way", "d").kind).toBe("inProgress");
    expect(kind(keys, "k1")).toBe("first");
  });
});
