/** Failure shapes of a service, one row each: what it does, and what that proves. */
import { limits } from "../../machines/limits.ts";
import { acknowledged, enveloped, faulted, found, type PeerRequest } from "./fake-osb-peer.ts";

interface Shape {
  readonly title: string;
  readonly does: (request: PeerRequest) => void;
  readonly request: { readonly kind: string; readonly code: string };
  readonly search: { readonly code: string; readonly permanent: boolean };
}

const inDoubt = (code: string) => ({
  request: { kind: "inDoubt", code },
  search: { code, permanent: false },
});
const refused = {
  request: { kind: "refused", code: "UNAVAILABLE" },
  search: { code: "UNAVAILABLE", permanent: false },
};
const failed = (code: string) => ({ request: { kind: "failed", code }, search: { code, permanent: true } });
export const ack = "<o:result>ACK</o:result><o:ticketId>T-1</o:ticketId>";
export const nack = "<o:result>NACK</o:result>";
const deep = (levels: number) => "<a>".repeat(levels) + "</a>".repeat(levels);

export const failureShapes: readonly Shape[] = [
  {
    title: "a reset after the request was read",
    does: ({ socket }) => socket.resetAndDestroy(),
    ...inDoubt("RESET"),
  },
  { title: "a close without an answer", does: ({ socket }) => socket.end(), ...inDoubt("RESET") },
  {
    title: "half an answer by Content-Length",
    does: ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<?xml"),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "half an answer in chunks",
    does: ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<?xml\r\n"),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "half an envelope with the right length",
    does: (r) => r.answer(200, acknowledged(r.requestId, ack).slice(0, -30)),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "something that is not HTTP",
    does: ({ socket }) => socket.end("SSH-2.0-OpenSSH_9\r\n"),
    ...inDoubt("UNREADABLE"),
  },
  { title: "503", does: (r) => r.answer(503, "busy"), ...refused },
  { title: "429", does: (r) => r.answer(429, "slow down", { "Retry-After": "7" }), ...refused },
  { title: "401", does: (r) => r.answer(401, "who?"), ...failed("BAD_CONFIGURATION") },
  { title: "403", does: (r) => r.answer(403, "no"), ...failed("BAD_CONFIGURATION") },
  { title: "404", does: (r) => r.answer(404, "where?"), ...failed("BAD_CONFIGURATION") },
  {
    title: "a Client fault",
    does: (r) => r.answer(500, faulted("Client", "bad message")),
    ...failed("FAULT_INVALID"),
  },
  {
    title: "a Client fault with a subcode",
    does: (r) => r.answer(500, faulted("Client.Validation", "bad message")),
    ...failed("FAULT_INVALID"),
  },
  {
    title: "the OSB's validation fault",
    does: (r) => r.answer(500, faulted("Server", "validation failed", "BEA-382505")),
    ...failed("FAULT_INVALID"),
  },
  {
    title: "the OSB's validation fault on the way back (the backend did it)",
    does: (r) => r.answer(500, faulted("Server", "validation failed", "BEA-382505", "response-pipeline")),
    ...inDoubt("FAULT"),
  },
  {
    title: "another fault of the OSB",
    does: (r) => r.answer(500, faulted("Server", "backend error", "BEA-380000")),
    ...inDoubt("FAULT"),
  },
  {
    title: "a fault with 200",
    does: (r) => r.answer(200, faulted("Server", "backend error")),
    ...inDoubt("FAULT"),
  },
  { title: "the request echoed with 500", does: (r) => r.answer(500, r.body), ...inDoubt("UNREADABLE") },
  { title: "the request echoed with 200", does: (r) => r.answer(200, r.body), ...inDoubt("UNREADABLE") },
  {
    title: "HTML with 200",
    does: (r) => r.answer(200, "<html><body>Sign in</body></html>", { "Content-Type": "text/html" }),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "HTML that calls itself XML",
    does: (r) =>
      r.answer(200, "<html><body>Sign in</body></html>", { "Content-Type": "text/xml; charset=utf-8" }),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "a good answer but for its encoding, ISO-8859-1, which it says",
    does: (r) => {
      const text = acknowledged(r.requestId, `${ack}<o:reason>gest\u00f6rt</o:reason>`);
      const bytes = Buffer.from(text.replace("?>", ' encoding="ISO-8859-1"?>'), "latin1");
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=iso-8859-1\r\nContent-Length: ${bytes.length}\r\n\r\n`;
      r.socket.write(Buffer.concat([Buffer.from(head), bytes]));
    },
    ...inDoubt("UNREADABLE"),
  },
  { title: "202 and nothing", does: (r) => r.answer(202, ""), ...inDoubt("UNREADABLE") },
  { title: "200 and nothing", does: (r) => r.answer(200, ""), ...inDoubt("UNREADABLE") },
  {
    title: "a redirect, which is not followed (S5)",
    does: (r) => r.answer(307, "", { Location: "/elsewhere" }),
    ...inDoubt("UNREADABLE"),
  },
  { title: "a status nobody knows", does: (r) => r.answer(299, "ok"), ...inDoubt("UNREADABLE") },
  {
    title: "ACK and NACK both",
    does: (r) => r.answer(200, acknowledged(r.requestId, ack + nack)),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "two bodies",
    does: (r) => r.answer(200, enveloped("<a/><b/>")),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "an empty body",
    does: (r) => r.answer(200, enveloped("")),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "another request's id",
    does: (r) =>
      r.answer(200, r.body.includes("createTicket") ? acknowledged("other", ack) : found("other", "", 0)),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "RelatesTo another request",
    does: (r) =>
      r.answer(
        200,
        (r.body.includes("createTicket")
          ? acknowledged(r.requestId, ack)
          : found(r.requestId, "", 0)
        ).replace(
          "<s:Header>",
          '<s:Header><w:RelatesTo xmlns:w="http://www.w3.org/2005/08/addressing">urn:uuid:x</w:RelatesTo>',
        ),
      ),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "a ticket id longer than any (S3)",
    does: (r) => {
      const id = "T".repeat(limits.serviceIdCharsMax + 1);
      const ticket = `<ticket><ticketId>${id}</ticketId><kind>MO</kind><status>pending</status></ticket>`;
      const isCreate = r.body.includes("createTicket");
      r.answer(
        200,
        isCreate ? acknowledged(r.requestId, ack.replace("T-1", id)) : found(r.requestId, ticket),
      );
    },
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "an unknown result",
    does: (r) => r.answer(200, acknowledged(r.requestId, "<o:result>MAYBE</o:result>")),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "a good answer in a foreign namespace",
    does: (r) => r.answer(200, acknowledged(r.requestId, ack).replaceAll(":osb:v1", ":osb:v2")),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "a good answer with 500",
    does: (r) =>
      r.answer(
        500,
        r.body.includes("createTicket") ? acknowledged(r.requestId, ack) : found(r.requestId, "", 0),
      ),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "a DOCTYPE (S8)",
    does: (r) => r.answer(200, `<!DOCTYPE x>${acknowledged(r.requestId, ack).replace(/^<\?.*?\?>/, "")}`),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "an entity (S8)",
    does: (r) => r.answer(200, acknowledged(r.requestId, `${ack}<o:reason>&lol;</o:reason>`)),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "depth over the limit (S3)",
    does: (r) => r.answer(200, enveloped(deep(limits.xmlDepthMax))),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "an answer that never ends, at its first byte over the limit (S3)",
    does: ({ socket }) =>
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n${" ".repeat(limits.serviceAnswerBytesMax + 1)}`,
      ),
    ...inDoubt("UNREADABLE"),
  },
  {
    title: "bytes that are not UTF-8",
    does: ({ socket }) =>
      socket.end(
        Buffer.concat([
          Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
          Buffer.from([0xc3, 0x28]),
        ]),
      ),
    ...inDoubt("UNREADABLE"),
  },
];
