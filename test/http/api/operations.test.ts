/** Every operation of the API on a real engine, asked over real HTTP; each answer is checked against the document. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type {
  ClientMessage,
  ResponsesMessage,
  SearchResultsMessage,
  SettingsMessage,
} from "../../../actors/api-messages.ts";
import type {
  ActMessage,
  FlowDetailMessage,
  FlowMessage,
  GatewayMessage,
} from "../../../actors/api-records.ts";
import type { Explanation } from "../../../actors/explain.ts";
import { asked, startApi, type ApiUnderTest } from "./rig.ts";

const settled = (id: string) => (fact: { readonly type: string; readonly body: object }) =>
  fact.type === "alarm.settled" && (fact.body as { alarm: { id: string } }).alarm.id === id;

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly object[];
}

async function responses(api: ApiUnderTest, query = ""): Promise<ResponsesMessage> {
  return (await api.ask<ResponsesMessage>("GET", `/api/responses${query}`)).body;
}

test("L4 L6: an operator sees a held client, frees it by the GUID he saw, and the audit says who, when and why", async () => {
  const api = await startApi({ config: { clients: 2 } });
  const held = await api.engine.supervisor.lock();
  const all = await api.ask<{ clients: ClientMessage[] }>("GET", "/api/clients");
  expect(all.body.clients.map(({ clientId }) => clientId)).toEqual(["client-01", "client-02"]);
  const one = await api.ask<ClientMessage>("GET", `/api/clients/${held.clientId}`);
  expect(one.body).toMatchObject({ state: "locked", lockGuid: held.lockGuid, heldBy: "hand", key: null });
  expect(one.body.deadlineAt).toBe((one.body.lockTime ?? 0) + 300_000);

  const freed = await api.ask<ClientMessage>("POST", `/api/clients/${held.clientId}/force-unlock`, {
    json: { lockGuid: held.lockGuid, reason: "it hangs" },
  });
  expect(freed).toMatchObject({
    status: 200,
    body: { state: "idle", lockStatus: "unlocked", lockGuid: null },
  });
  const audit = await api.ask<{ acts: ActMessage[] }>("GET", "/api/audit");
  expect(audit.body.acts).toMatchObject([
    {
      by: "local",
      action: "client.lockForced",
      target: held.clientId,
      lockGuid: held.lockGuid,
      reason: "it hangs",
    },
  ]);
});

test("L4: force not busy ends the search and not the lock", async () => {
  const api = await startApi({
    config: { clients: 1 },
    desk: { faults: [{ match: { command: "search" }, fault: "silent", times: 1 }] },
  });
  const held = await api.engine.supervisor.lock();
  const searching = held.search({ clientReference: "node-1" });
  const busy = await api.ask<ClientMessage>("GET", "/api/clients/client-01");
  expect(busy.body).toMatchObject({ state: "searching", busyStatus: "busy" });
  const freed = await api.ask<ClientMessage>("POST", "/api/clients/client-01/force-not-busy", {
    json: { lockGuid: held.lockGuid, reason: "the service is silent" },
  });
  expect(freed).toMatchObject({ status: 200, body: { state: "locked", busyStatus: "notBusy" } });
  expect((await searching).ok).toBe(false);
  await held.close();
});

test("an alarm's way can be followed: rows, flow, decision record, search results", async () => {
  const api = await startApi({ config: { clients: 1 } });
  await api.raise("1");
  await api.fact(settled("1"));
  await api.fact(({ type }) => type === "client.unlocked");

  const { rows, next } = await responses(api);
  expect(rows.map(({ command, status }) => [command, status])).toEqual([
    ["create", "ack"],
    ["search", "ok"],
  ]);
  expect(next).toBeNull();
  const [create] = rows;
  expect(create?.request).toContain("createTicket");
  expect(create?.ticketIds).toHaveLength(1);

  const flows = await api.ask<{ flows: FlowMessage[] }>("GET", "/api/flows");
  expect(flows.body.flows).toMatchObject([
    { key: "node-1", clientId: "client-01", result: "settled", alarms: 1, decision: { rule: "D8" } },
  ]);
  const lockGuid = flows.body.flows[0]?.lockGuid ?? "";
  const flow = await api.ask<FlowDetailMessage>("GET", `/api/flows/${lockGuid}`);
  expect(flow.body.facts.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["flow.started", "response.row", "flow.decided", "request.settled", "flow.ended"]),
  );

  const ticketId = create?.ticketIds[0] ?? "none";
  for (const query of ["source=urn:test&id=1", "key=node-1", "find=1", "find=node-1", `find=${ticketId}`]) {
    const told = await api.ask<{ explanations: Explanation[] }>("GET", `/api/explain?${query}`);
    expect(told.body.explanations).toMatchObject([
      { id: "1", outcome: "created", ticketId, flows: [lockGuid] },
    ]);
  }
  const found = await api.ask<SearchResultsMessage>("GET", "/api/clients/client-01/search-results");
  expect(found.body).toMatchObject({ clientId: "client-01", results: { lockGuid, tickets: [] } });
});

test("G6: pages of the response table follow each other without a gap; filters; settled rows are cleared and counted", async () => {
  const api = await startApi({ config: { clients: 2 } });
  for (const id of ["1", "2", "3", "4"]) await api.raise(id, { key: `node-${id}` });
  for (const id of ["1", "2", "3", "4"]) await api.fact(settled(id));
  const whole = await responses(api);
  expect(whole.rows).toHaveLength(8);

  const paged: ResponsesMessage["rows"] = [];
  for (let query = "?limit=3"; ;) {
    const { rows, next } = await responses(api, query);
    paged.push(...rows);
    if (next === null) break;
    query = `?limit=3&before=${next}`;
  }
  expect(paged).toEqual(whole.rows);

  expect((await responses(api, "?key=node-2")).rows).toHaveLength(2);
  expect((await responses(api, "?command=create")).rows).toHaveLength(4);
  expect((await responses(api, "?status=error")).rows).toHaveLength(0);
  const ofOne = (await responses(api, "?client=client-01")).rows;
  expect(new Set(ofOne.map(({ clientId }) => clientId))).toEqual(new Set(["client-01"]));

  const one = await api.ask<{ cleared: number }>("DELETE", "/api/responses?client=client-01");
  expect(one.body.cleared).toBe(ofOne.length);
  const rest = await api.ask<{ cleared: number }>("DELETE", "/api/responses");
  expect(rest.body.cleared).toBe(8 - ofOne.length);
  expect((await responses(api)).rows).toEqual([]);
  const clients = await api.ask<{ clients: ClientMessage[] }>("GET", "/api/clients");
  for (const { rows } of clients.body.clients)
    expect(rows.inserted).toBe(rows.present + rows.evicted + rows.cleared);
});

test("R1 G6: settings change live, and outlast the engine until the configuration says something new", async () => {
  const api = await startApi({ config: { maxResponseRows: 50 } });
  for (const id of ["1", "2"]) await api.raise(id, { key: `node-${id}` });
  for (const id of ["1", "2"]) await api.fact(settled(id));
  const names = { ticketGateway: "Gateway A", topologyDatabase: "", heartbeatReceiver: "" };
  const changed = await api.ask<SettingsMessage>("PATCH", "/api/configuration", {
    json: {
      maxResponseRows: 1,
      relatedElements: { ticketGateway: "Gateway A" },
      delays: { createSeconds: 60 },
    },
  });
  const delays = { createSeconds: 60, updateSeconds: 0, closeSeconds: 0 };
  expect(changed.body).toEqual({ maxResponseRows: 1, relatedElements: names, delays });
  expect((await api.ask<SettingsMessage>("GET", "/api/configuration")).body).toEqual(changed.body);
  for (const table of api.engine.supervisor.state.tables.values()) expect(table.settled.length).toBe(1);
  const { position } = api.engine.supervisor.state;
  await api.ask("PATCH", "/api/configuration", { json: { maxResponseRows: 1 } });
  expect(api.engine.supervisor.state.position).toBe(position);
  const audit = await api.ask<{ acts: ActMessage[] }>("GET", "/api/audit");
  expect(audit.body.acts).toMatchObject([{ by: "local", action: "settings.changed" }]);
  // Held down from now on: no flow begins for it within the minute.
  await api.raise("3", { key: "node-3" });
  const gateway = await api.ask<GatewayMessage>("GET", "/api/gateway");
  expect(gateway.body.waiting).toMatchObject({ create: 0, parked: 1, parkedFor: { holdDown: 1 } });
});

test("the Service Info Table is exported, previewed, imported and selected", async () => {
  const api = await startApi();
  const csv = (await api.ask("GET", "/api/services/export")).text;
  expect(csv).toMatch(/^name,host,port/);
  const more = `${csv.trimEnd()}\r\n${csv.trim().split(/\r?\n/)[1]?.replace("OSB", "OSB-2")}\r\n`;
  const dry = await api.ask("POST", "/api/services/import?dryRun=true", { text: more, type: "text/csv" });
  expect(dry).toMatchObject({ status: 200, body: { added: ["OSB-2"], unchanged: ["OSB"], applied: false } });
  const done = await api.ask("POST", "/api/services/import", { text: more, type: "text/csv; charset=utf-8" });
  expect(done.body).toMatchObject({ added: ["OSB-2"], applied: true });
  const selected = await api.ask("PUT", "/api/services/selected", { json: { name: "OSB-2" } });
  expect(selected.body).toMatchObject({ selected: "OSB-2" });
  expect((await api.ask("GET", "/api/services")).body).toEqual(selected.body);

  const wrong = await api.ask<Problem>("POST", "/api/services/import", {
    text: csv.replace(/,\d+,/, ",70000,"),
    type: "text/csv",
  });
  expect(wrong).toMatchObject({ status: 422, body: { code: "SERVICES_INVALID" } });
  expect(wrong.body.errors).toEqual(
    expect.arrayContaining([expect.objectContaining({ line: 2, column: "port", got: "70000" })]),
  );
  expect(await api.ask("PUT", "/api/services/selected", { json: { name: "nobody" } })).toMatchObject({
    status: 404,
    body: { code: "UNKNOWN_SERVICE" },
  });
});

/** A create that the desk loses without an answer, whose service promises nothing. */
async function withUnknown(): Promise<{ readonly api: ApiUnderTest; readonly requestId: string }> {
  const api = await startApi({
    config: { clients: 1 },
    row: { idempotency: "none", settleSeconds: 0.01, timeoutSeconds: 1 },
    desk: {
      idempotency: "none",
      faults: [{ match: { command: "create" }, fault: "reset-before", times: 1 }],
    },
  });
  await api.raise("1");
  await api.fact(settled("1"));
  const gateway = await api.ask<GatewayMessage>("GET", "/api/gateway");
  expect(gateway.body).toMatchObject({
    counts: { unknown: 1 },
    unknown: [{ key: "node-1", command: "create", alarms: [{ id: "1", outcome: "unknown" }] }],
  });
  return { api, requestId: gateway.body.unknown[0]?.requestId ?? "" };
}

const explained = async (api: ApiUnderTest, id: string) =>
  (await api.ask<{ explanations: Explanation[] }>("GET", `/api/explain?source=urn:test&id=${id}`)).body
    .explanations[0];

test("a service is selected by the name that it has, blanks at its ends included", async () => {
  const api = await startApi();
  const csv = (await api.ask("GET", "/api/services/export")).text;
  const [header, row = ""] = csv.split("\n");
  const text = [header, row, row.replace(/^OSB/, '" OSB 2 "')].join("\n");
  expect((await api.ask("POST", "/api/services/import", { text, type: "text/csv" })).status).toBe(200);
  const name = " OSB 2 ";
  const selected = await api.ask<{ selected: string }>("PUT", "/api/services/selected", { json: { name } });
  expect(selected).toMatchObject({ status: 200, body: { selected: name } });
  const json = { name: "OSB 2" };
  expect(await api.ask("PUT", "/api/services/selected", { json })).toMatchObject({ status: 404 });
});

test("A2 A8: an unknown create that was not applied is decided again, and makes its ticket", async () => {
  const { api, requestId } = await withUnknown();
  const resolved = await api.ask("POST", `/api/gateway/requests/${requestId}/resolve`, {
    json: { verdict: "notApplied", reason: "not in the service's list" },
  });
  expect(resolved).toMatchObject({ status: 200, body: { requestId, key: "node-1" } });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.outcome === "created");
  expect(await explained(api, "1")).toMatchObject({ outcome: "created" });
  expect(api.desk.truth()).toMatchObject({ tickets: 1, duplicateOpen: 0 });
  expect((await api.ask<GatewayMessage>("GET", "/api/gateway")).body.unknown).toEqual([]);
  expect(
    await api.ask("POST", `/api/gateway/requests/${requestId}/resolve`, {
      json: { verdict: "notApplied", reason: "again" },
    }),
  ).toMatchObject({ status: 409, body: { code: "NOT_UNKNOWN" } });
});

test("A2 L6: an unknown create that was applied is created, by whom and why", async () => {
  const { api, requestId } = await withUnknown();
  const path = `/api/gateway/requests/${requestId}/resolve`;
  expect(await api.ask("POST", path, { json: { verdict: "applied", reason: "seen" } })).toMatchObject({
    status: 422,
    body: { code: "INVALID" },
  });
  await api.ask("POST", path, {
    json: { verdict: "applied", ticketId: "T-77", reason: "seen at the service" },
  });
  expect(await explained(api, "1")).toMatchObject({ outcome: "created", ticketId: "T-77" });
  const audit = await api.ask<{ acts: ActMessage[] }>("GET", "/api/audit?limit=1");
  expect(audit.body.acts).toMatchObject([
    { by: "local", action: "request.resolvedApplied", target: requestId, reason: "seen at the service" },
  ]);
});

test("S6: a topology is loaded from files of its folder only, and a path is looked up in it", async () => {
  const api = await startApi();
  const folder = join(api.engine.config.dataDir, "topology");
  mkdirSync(folder);
  writeFileSync(join(folder, "link.csv"), "ne_a;ne_b\nroot;hub\nhub;node/1\n");
  writeFileSync(join(api.engine.config.dataDir, "outside.csv"), "ne_a;ne_b\nroot;hub\n");
  symlinkSync(join(api.engine.config.dataDir, "outside.csv"), join(folder, "linked.csv"));
  const load = (...files: string[]) => api.ask<Problem>("POST", "/api/topology/load", { json: { files } });
  for (const name of ["../outside.csv", "linked.csv", "nothing.csv", "..", folder])
    expect(await load(name)).toMatchObject({ status: 422, body: { code: "TOPOLOGY_INVALID" } });
  expect((await api.ask<Problem>("GET", "/api/topology/path/hub")).body).toMatchObject({
    code: "UNKNOWN_ELEMENT",
    detail: expect.stringContaining("No topology was ever loaded") as string,
  });
  expect(await load("link.csv")).toMatchObject({
    status: 200,
    body: { applied: true, elements: 3, roots: 1 },
  });
  const path = await api.ask<{ path: { hops: { elementId: string }[] }; ageSeconds: number }>(
    "GET",
    `/api/topology/path/${encodeURIComponent("node/1")}`,
  );
  expect(path.body.path.hops[0]?.elementId).toBe("node/1");
  const audit = await api.ask<{ acts: ActMessage[] }>("GET", "/api/audit");
  expect(audit.body.acts).toMatchObject([{ by: "local", action: "topology.loaded", target: "link.csv" }]);

  writeFileSync(join(folder, "bad.csv"), "ne_a;ne_b\nroot\n");
  const bad = await load("bad.csv");
  expect(bad).toMatchObject({ status: 422, body: { code: "TOPOLOGY_INVALID" } });
  expect(bad.body.errors?.length).toBeGreaterThan(0);
});

test("G6: a debug search is a row of the gateway, has a rate of its own, and goes after requests", async () => {
  const api = await startApi({
    config: { gateway: { debugSearchPerSecond: 0.001 } },
    desk: { faults: [{ match: { command: "create", key: "node-2" }, fault: "silent", times: 1 }] },
  });
  await api.raise("1");
  await api.fact(settled("1"));
  const search = (json: object) =>
    api.ask<{ tickets: object[]; requestId: string; code: string }>("POST", "/api/search", { json });
  const found = await search({ clientReference: "node-1" });
  expect(found).toMatchObject({
    status: 200,
    body: { truncated: false, tickets: [{ clientReference: "node-1" }] },
  });
  const rows = await responses(api, "?client=gateway");
  expect(rows.rows).toMatchObject([{ command: "search", requestId: found.body.requestId, status: "ok" }]);
  expect(await search({ clientReference: "node-1" })).toMatchObject({
    status: 503,
    body: { code: "OVERLOADED" },
  });
  await api.raise("2", { key: "node-2" });
  await api.fact(
    ({ type, body }) => type === "request.sending" && (body as { key: string }).key === "node-2",
  );
  expect(await search({ clientReference: "node-1" })).toMatchObject({
    status: 409,
    body: { code: "BUSY_CLIENT" },
  });
});

test("HEAD and OPTIONS answer as GET and the table of routes say", async () => {
  const api = await startApi();
  const head = await api.ask("HEAD", "/api/clients");
  expect(head).toMatchObject({ status: 200, text: "" });
  expect(Number(head.headers["content-length"])).toBeGreaterThan(0);
  const options = await api.ask("OPTIONS", "/api/clients/client-01/force-unlock");
  expect(options).toMatchObject({ status: 204, headers: { allow: "POST, OPTIONS" } });
});

test("every operation of the document was done above", async () => {
  const { paths } = await (await startApi()).document();
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.length).toBeGreaterThan(10);
  expect([...asked].sort()).toEqual(documented.sort());
});
