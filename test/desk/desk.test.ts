import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import soap from "soap";
import { deskPath, startDesk } from "../../adapters/desk/desk.ts";
import { limits } from "../../machines/limits.ts";
import { createPayload, searchCall, sendCall } from "../service/calls.ts";
import { cleanUpAfterEach, startRig } from "./desk-rig.ts";

cleanUpAfterEach();

function ask(
  port: number,
  method: string,
  path: string,
  body = "",
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, method, path, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

test("a client that somebody else's SOAP library made from our WSDL creates, finds, changes and closes", async () => {
  const { desk } = await startRig();
  const client = await soap.createClientAsync(`${desk.url}?wsdl`);
  const call = async (operation: string, input: object): Promise<unknown> => {
    const method: unknown = Reflect.get(client, `${operation}Async`);
    if (typeof method !== "function") throw new Error(`the WSDL has no ${operation}`);
    const [result]: [unknown] = await Reflect.apply(method, client, [input]);
    return result;
  };
  const origin = { dmaId: "other-system", elementId: "e", paramId: "p" };
  const create = {
    requestId: "r-1",
    origin,
    kind: "MO",
    clientReference: "k & <1>",
    networkElement: ["a", "b"],
    severity: "major",
    summary: "S",
    startTime: "2026-01-01T00:00:00Z",
  };
  expect(await call("CreateTicket", create)).toMatchObject({ result: "ACK", ticketId: "TCK-000001" });
  expect(await call("SearchTicket", { requestId: "r-2", origin, clientReference: "k & <1>" })).toMatchObject({
    total: 1,
    truncated: false,
    ticket: [{ ticketId: "TCK-000001", owner: "other-system", networkElement: ["a", "b"] }],
  });
  const ticketId = "TCK-000001";
  expect(await call("UpdateTicket", { requestId: "r-3", origin, ticketId, severity: "minor" })).toMatchObject(
    {
      result: "ACK",
    },
  );
  const close = { requestId: "r-4", origin, ticketId, endTime: "2026-01-01T01:00:00Z", closeCode: "done" };
  expect(await call("CloseTicket", close)).toMatchObject({ result: "ACK" });
  expect(await call("CloseTicket", { ...close, requestId: "r-5" })).toMatchObject({ code: "ALREADY_CLOSED" });
  await expect(call("CreateTicket", { ...create, requestId: "r-6", severity: "bad" })).rejects.toThrow(
    /severity/,
  );
  expect(desk.truth()).toEqual({
    requests: 4,
    creates: 1,
    updates: 1,
    closes: 1,
    tickets: 1,
    open: 0,
    duplicateOpen: 0,
  });
});

describe("what is no request of the contract", () => {
  test.each([
    ["nothing", ""],
    ["not XML", "hello"],
    ["a DOCTYPE (S8)", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"],
    ["depth (S3)", "<a>".repeat(1_000)],
    [
      "another operation",
      '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x/></e:Body></e:Envelope>',
    ],
  ])("%s → a Client fault, nothing counted", async (_title, body) => {
    const { desk } = await startRig();
    const answer = await ask(desk.port, "POST", deskPath, body);
    expect(answer.status).toBe(500);
    expect(answer.text).toContain("soapenv:Client");
    expect(desk.truth().requests).toBe(0);
  });

  test("S3: a body over the limit → 413; another path or method → 404", async () => {
    const { desk } = await startRig();
    const large = "x".repeat(limits.serviceAnswerBytesMax + 1);
    expect((await ask(desk.port, "POST", deskPath, large)).status).toBe(413);
    expect((await ask(desk.port, "POST", "/elsewhere")).status).toBe(404);
    expect((await ask(desk.port, "GET", deskPath)).status).toBe(404);
  });

  test("S10: what looks like SQL is text", async () => {
    const { desk, service, row } = await startRig();
    const evil = "x'; DROP TABLE ticket; --";
    await service.send(sendCall(row, createPayload({ clientReference: evil })));
    expect(await service.search(searchCall(row, { clientReference: evil }))).toMatchObject({
      tickets: [{ clientReference: evil }],
    });
    expect(desk.truth().tickets).toBe(1);
  });
});

test("the truth over HTTP is the truth", async () => {
  const { desk, service, row } = await startRig({ idempotency: "none" });
  const call = sendCall(row);
  await service.send(call);
  await service.send(call);
  await service.send(sendCall(row, createPayload({ kind: "PLM", endAt: 1 })));
  const answer = await ask(desk.port, "GET", "/truth");
  expect(JSON.parse(answer.text)).toEqual(desk.truth());
  expect(desk.truth()).toEqual({
    requests: 3,
    creates: 3,
    updates: 0,
    closes: 0,
    tickets: 3,
    open: 3,
    // A planned maintenance beside a major outage is no duplicate.
    duplicateOpen: 1,
  });
});

test("T1: in a folder the desk keeps tickets, ids and first answers over a restart", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "desk-"));
  try {
    const first = await startRig({ dataDir });
    const call = sendCall(first.row);
    const answer = await first.service.send(call);
    await first.desk.close();
    const second = await startDesk({
      port: 0,
      dataDir,
      idempotency: "requestId",
      settleSeconds: 60,
      clock: first.clock,
    });
    const row = { ...first.row, port: second.port };
    expect(await first.service.send({ ...call, service: row })).toMatchObject({
      kind: "ack",
      ticketId: "TCK-000001",
    });
    expect(answer).toMatchObject({ ticketId: "TCK-000001" });
    expect(await first.service.send(sendCall(row))).toMatchObject({ ticketId: "TCK-000002" });
    expect(second.truth()).toMatchObject({ requests: 3, creates: 2, tickets: 2 });
    await second.close();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test("a port that is taken is an error of the start, not of the process", async () => {
  const { desk, clock } = await startRig();
  const again = startDesk({ port: desk.port, dataDir: null, idempotency: "none", settleSeconds: 1, clock });
  await expect(again).rejects.toThrow(/EADDRINUSE/);
});
