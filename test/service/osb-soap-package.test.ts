/** The adapter against a server that somebody else's SOAP library made from the same WSDL. */
import { readFile } from "node:fs/promises";
import http from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import soap from "soap";
import { createOsbService } from "../../adapters/service/osb.ts";
import { createPayload, searchCall, sendCall, serviceRow } from "./calls.ts";
import { manualClock } from "./manual-clock.ts";

interface Asked {
  readonly requestId: string;
  readonly clientReference?: string;
}

const asked: { readonly operation: string; readonly arguments: Asked }[] = [];
const server = http.createServer();
const osb = createOsbService({ callbackUrl: () => "", clock: manualClock() });
let port = 0;

beforeAll(async () => {
  const wsdl = await readFile(new URL("../../adapters/service/TicketService.wsdl", import.meta.url), "utf8");
  const acknowledge = (operation: string) => (input: Asked) => {
    asked.push({ operation, arguments: input });
    if (input.clientReference === "fault") {
      throw Object.assign(new Error("fault"), {
        Fault: { faultcode: "soap:Client", faultstring: "no such element" },
      });
    }
    return { requestId: input.requestId, result: "ACK", ticketId: "T-1" };
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address !== null && typeof address === "object") port = address.port;
  soap.listen(
    server,
    "/TicketService",
    {
      TicketService: {
        TicketPort: {
          SearchTicket: (input: Asked) => ({
            requestId: input.requestId,
            total: 1,
            truncated: false,
            ticket: [
              {
                ticketId: "T-1",
                kind: "MO",
                status: "inProgress",
                clientReference: input.clientReference,
                networkElement: ["a", "b"],
                openedAt: "2026-01-01T00:00:00Z",
              },
            ],
          }),
          CreateTicket: acknowledge("create"),
          UpdateTicket: acknowledge("update"),
          CloseTicket: acknowledge("close"),
          EditNinasCounters: acknowledge("editNinasCounters"),
        },
      },
    },
    wsdl,
  );
});

afterAll(async () => {
  await osb.close();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test("every command is understood and its answer read", async () => {
  const row = serviceRow(port);
  const payloads = [
    createPayload({ clientReference: "k & <1>" }),
    { command: "update", ticketId: "T-1", severity: "minor", alarmRefs: [] },
    { command: "close", ticketId: "T-1", endAt: 0, closeCode: "cleared", alarmRefs: [] },
    { command: "editNinasCounters", kind: "MO", networkElement: "n", counters: [{ name: "c", delta: 1 }] },
  ] as const;
  for (const payload of payloads) {
    const call = sendCall(row, payload);
    expect(await osb.send(call)).toMatchObject({ kind: "ack", ticketId: "T-1" });
    expect(asked.at(-1)).toMatchObject({
      operation: payload.command,
      arguments: { requestId: call.request.requestId },
    });
  }
  expect(asked[0]?.arguments.clientReference).toBe("k & <1>");
});

test("its search result is read whatever its prefixes", async () => {
  expect(await osb.search(searchCall(serviceRow(port)))).toMatchObject({
    kind: "found",
    truncated: false,
    tickets: [
      { ticketId: "T-1", status: "inProgress", networkElements: ["a", "b"], openedAt: Date.UTC(2026, 0, 1) },
    ],
  });
});

test("its Client fault is permanent", async () => {
  const answer = await osb.send(sendCall(serviceRow(port), createPayload({ clientReference: "fault" })));
  expect(answer).toMatchObject({ kind: "failed", code: "FAULT_INVALID", cause: "no such element" });
});
