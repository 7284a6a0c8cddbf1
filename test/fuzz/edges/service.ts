/** The ticketing service: its answers, over a socket and as text, its callbacks, and what the desk is asked. */
import { once } from "node:events";
import net from "node:net";
import { parseCallback, callbackRefused } from "../../../adapters/service/osb-callback.ts";
import { classifyRequest, classifySearch } from "../../../adapters/service/classification.ts";
import {
  asyncContent,
  readRequest,
  requestContent,
  requestName,
  responseName,
  searchContent,
} from "../../../adapters/service/messages.ts";
import { createOsbService } from "../../../adapters/service/osb.ts";
import { readEnvelope, urnOfId, writeEnvelope, writeFault } from "../../../adapters/service/soap.ts";
import { limits } from "../../../machines/limits.ts";
import { systemClock } from "../../../adapters/clock/system.ts";
import { createPayload, sendCall, serviceRow } from "../../service/calls.ts";
import { acknowledged, enveloped, faulted, found } from "../../service/fake-osb-peer.ts";
import { demand, demandEqual, type Edge } from "../edge.ts";

const id = "6f1c2f6e-0000-4000-8000-000000000009";
const noTexts = { request: "", answer: "" };
const ticket =
  "<ticket><ticketId>T-1</ticketId><kind>MO</kind><status>acknowledged</status><severity>major</severity><owner>NOC</owner>" +
  "<clientReference>key-1</clientReference><networkElement>ne-1</networkElement><summary>down</summary>" +
  "<openedAt>2026-11-23T08:00:00Z</openedAt><lastUpdate>2026-11-23T08:00:00+01:00</lastUpdate></ticket>";
const bodies = [
  acknowledged(id, "<o:result>ACK</o:result><o:ticketId>T-1</o:ticketId>"),
  acknowledged(
    id,
    "<o:result>NACK</o:result><o:code>NOT_OWNER</o:code><o:reason>owned by &quot;x&quot; &#228;</o:reason>",
  ),
  acknowledged(id, "<!-- c --><o:result><![CDATA[ACK]]></o:result>"),
  writeEnvelope(
    responseName("create"),
    { requestId: id, result: "ACK", ticketId: "T-2" },
    { relatesTo: urnOfId(id) },
  ),
  found(id, ticket + ticket, 2),
  found(id, "", 0),
  faulted("Server", "backend error", "BEA-380000"),
  faulted("Client.Validation", "bad", "BEA-382505", "response-pipeline"),
  writeFault("Server", "late", "BEA-382000"),
  enveloped(""),
  "<html><body>Sign in</body></html>",
  writeEnvelope(
    requestName("create"),
    requestContent(id, { dmaId: "d", elementId: "e", paramId: "p" }, createPayload()),
  ),
  "",
];

/** First line: status and Retry-After. */
export const soapAnswer: Edge = {
  name: "soap-answer",
  reads: "a ticketing service's answer, as text",
  sources: [
    "adapters/service/classification.ts",
    "adapters/service/messages.ts",
    "adapters/service/soap.ts",
    "adapters/service/xml.ts",
    "adapters/service/element-reader.ts",
  ],
  seeds: bodies.flatMap((body, index) => [
    Buffer.from(`200 \n${body}`),
    ...(index < 2
      ? [
          Buffer.from(`500 \n${body}`),
          Buffer.from(`503 7\n${body}`),
          Buffer.from(`429 Wed, 25 Nov 2026 08:00:00 GMT\n${body}`),
        ]
      : []),
  ]),
  open: () => ({
    run(input) {
      const [head = "", ...lines] = input.toString("utf8").split("\n");
      const [status = "", ...after] = head.split(" ");
      const outcome = {
        kind: "answered",
        status: Number(status) || 0,
        statusText: "Said So",
        retryAfter: after.join(" ") || null,
        text: lines.join("\n"),
      } as const;
      const request = classifyRequest(outcome, { command: "create", requestId: id }, noTexts, 0);
      if (request.kind === "ack" || request.kind === "nack") {
        demand(outcome.status === 200, `${request.kind} by status ${status}`);
        demand(outcome.text.includes(id), `${request.kind} of an answer that does not name the request`);
      } else {
        demand(
          ["refused", "unreachable", "failed", "inDoubt"].includes(request.kind),
          `${request.kind} is no answer`,
        );
        demand(request.cause !== "", "no cause");
        if (request.kind === "refused" && request.retryAfterMs !== null)
          demand(
            request.retryAfterMs >= 0 && Number.isFinite(request.retryAfterMs),
            `wait ${request.retryAfterMs} ms`,
          );
        // G3: only what says that nothing was done may be taken for that.
        demand(request.kind !== "unreachable", "an answer, and unreachable");
      }
      const criteria = { clientReference: "key-1", status: ["acknowledged"] } as const;
      const search = classifySearch(outcome, { requestId: id, criteria }, noTexts, 0);
      if (search.kind === "found")
        for (const one of search.tickets)
          demand(
            one.clientReference === "key-1" && one.status === "acknowledged",
            "T1: somebody else's ticket",
          );
      return request.kind === "ack" || request.kind === "nack" || search.kind === "found"
        ? "accepted"
        : "refused";
    },
  }),
};

const answered = (status: string, headers: string, body: string) =>
  Buffer.from(`HTTP/1.1 ${status}\r\n${headers}\r\n${body}`);

export const serviceSocket: Edge = {
  name: "service-socket",
  reads: "the bytes that a ticketing service answers a request with",
  sources: ["adapters/service/http-exchange.ts", "adapters/service/osb.ts", "adapters/service/row-texts.ts"],
  seeds: [
    // Ended by the end of the connection, so that a changed answer is still a whole one.
    ...bodies.map((body) => answered("200 OK", "Connection: close\r\n", body)),
    answered("200 OK", `Content-Length: ${Buffer.byteLength(bodies[0] ?? "")}\r\n`, bodies[0] ?? ""),
    answered("200 OK", "Transfer-Encoding: chunked\r\n", `5\r\n<?xml\r\n0\r\n\r\n`),
    answered("307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n", ""),
    answered("503 Busy", "Retry-After: 3\r\nContent-Length: 0\r\n", ""),
    answered("100 Continue", "", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"),
    answered("101 Switching Protocols", "Upgrade: x\r\nConnection: Upgrade\r\n", "x"),
  ],
  lifeExecutions: 5_000,
  async open() {
    let answer: Buffer = Buffer.alloc(0);
    const sockets = new Set<net.Socket>();
    const peer = net.createServer((socket) => {
      sockets.add(socket);
      let read = "";
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
      socket.on("data", (chunk: Buffer) => {
        read += chunk.toString("latin1");
        if (/:Envelope>\s*$/.test(read)) socket.end(answer);
      });
    });
    peer.listen(0, "127.0.0.1");
    await once(peer, "listening");
    const address = peer.address();
    const service = createOsbService({ callbackUrl: () => "", clock: systemClock });
    const row = serviceRow(typeof address === "object" && address !== null ? address.port : 0);
    return {
      async run(input) {
        answer = input;
        const { kind, texts } = await service.send(sendCall(row, createPayload(), { requestId: id }));
        demand(
          ["ack", "nack", "refused", "failed", "inDoubt"].includes(kind),
          `${kind} after the request was read`,
        );
        for (const text of [texts.request, texts.answer])
          demand(
            Buffer.byteLength(text) <= limits.rowTextBytesMax,
            `a text of ${Buffer.byteLength(text)} bytes`,
          );
        return kind === "ack" || kind === "nack" ? "accepted" : "refused";
      },
      async close() {
        await service.close();
        for (const socket of sockets) socket.destroy();
        peer.close();
        await once(peer, "close");
      },
    };
  },
};

const result = (inside: string, header = "") =>
  enveloped(
    `<r:ticketAsyncResponse xmlns:r="urn:ticketclient:osb:v1">${inside}<r:processedAt>2026-01-01T00:00:00Z</r:processedAt></r:ticketAsyncResponse>`,
    header,
  );
const relates = `<w:RelatesTo xmlns:w="http://www.w3.org/2005/08/addressing">urn:uuid:${id}</w:RelatesTo>`;

export const callback: Edge = {
  name: "callback",
  reads: "an async result of the ticketing service",
  sources: [
    "adapters/service/osb-callback.ts",
    "adapters/service/soap.ts",
    "adapters/service/xml.ts",
    "adapters/service/element-reader.ts",
  ],
  seeds: [
    result(`<r:requestId>${id}</r:requestId><r:result>OK</r:result><r:ticketId>T-1</r:ticketId>`),
    result("<r:result>ERROR</r:result><r:code>X</r:code><r:reason>a &lt; b</r:reason>", relates),
    result(`<r:requestId/><r:result> OK </r:result>`, relates),
    faulted("Server", "no"),
  ].map((text) => Buffer.from(text)),
  open: () => ({
    run(input) {
      const read = parseCallback(input.toString("utf8"));
      if (!read.ok) {
        demand(["TOO_LARGE", "TOO_DEEP", "INVALID"].includes(read.failure.code), read.failure.code);
        const refusal = callbackRefused(read.failure);
        demand(
          readEnvelope(refusal.body, limits.serviceAnswerBytesMax).ok,
          "the Fault of the refusal cannot be read",
        );
        return "refused";
      }
      const { requestId, result: said, ticketId, code, cause } = read.value;
      demand(requestId !== "" && (said === "OK" || said === "ERROR"), "a result of nobody, or none");
      const again = parseCallback(
        writeEnvelope(
          "ticketAsyncResponse",
          asyncContent({ requestId, result: said, ticketId, code, reason: cause }, 0),
        ),
      );
      demandEqual(
        again.ok ? { ...again.value, text: "" } : again,
        { ...read.value, text: "" },
        "written anew it reads otherwise",
      );
      return "accepted";
    },
  }),
};

const origin = { dmaId: "ticket-client", elementId: "client-01", paramId: "p" };

export const deskRequest: Edge = {
  name: "desk-request",
  reads: "a request to the desk",
  sources: [
    "adapters/service/messages.ts",
    "adapters/service/soap.ts",
    "adapters/service/xml.ts",
    "adapters/service/element-reader.ts",
  ],
  seeds: [
    writeEnvelope(
      requestName("create"),
      requestContent(id, origin, createPayload({ description: "d", endAt: 1 })),
      { messageId: urnOfId(id), replyTo: "http://127.0.0.1/osb/callback" },
    ),
    writeEnvelope(
      requestName("update"),
      requestContent(id, origin, {
        command: "update",
        ticketId: "T",
        severity: "minor",
        status: "inProgress",
        comment: "c",
        alarmRefs: [{ source: "s", alarmId: "1" }],
      }),
    ),
    writeEnvelope(
      requestName("close"),
      requestContent(id, origin, {
        command: "close",
        ticketId: "T",
        endAt: 5,
        closeCode: "cleared",
        closeReason: "r",
        alarmRefs: [],
      }),
    ),
    writeEnvelope(
      requestName("editNinasCounters"),
      requestContent(id, origin, {
        command: "editNinasCounters",
        kind: "MO",
        networkElement: "n",
        counters: [
          { name: "a", delta: -1 },
          { name: "b", value: 2 },
        ],
      }),
    ),
    writeEnvelope(
      requestName("search"),
      searchContent(id, origin, {
        kind: "PLM",
        status: ["closed"],
        ticketId: "T",
        clientReference: "k",
        requestedBy: "r",
        networkElements: ["n"],
        from: 1,
        to: 2,
        maxResults: 5,
      }),
    ),
  ].map((text) => Buffer.from(text)),
  open: () => ({
    run(input) {
      const envelope = readEnvelope(input.toString("utf8"), limits.serviceAnswerBytesMax);
      const read = envelope.ok ? readRequest(envelope.value) : envelope;
      if (!read.ok) {
        demand(["TOO_LARGE", "TOO_DEEP", "INVALID"].includes(read.failure.code), read.failure.code);
        return "refused";
      }
      const { value: request } = read;
      const content =
        request.command === "search"
          ? searchContent(request.requestId, request.origin, request.criteria)
          : requestContent(request.requestId, request.origin, request.payload);
      const written = readEnvelope(
        writeEnvelope(requestName(request.command), content),
        limits.serviceAnswerBytesMax,
      );
      const again = written.ok ? readRequest(written.value) : written;
      demandEqual(again.ok ? again.value : again, request, "written anew it reads otherwise");
      return "accepted";
    },
  }),
};
