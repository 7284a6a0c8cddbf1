import { describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { callbackAccepted, callbackRefused, parseCallback } from "../../adapters/service/osb-callback.ts";
import { enveloped } from "./fake-osb-peer.ts";

const result = (inside: string) =>
  `<r:ticketAsyncResponse xmlns:r="urn:ticketclient:osb:v1">${inside}<r:processedAt>2026-01-01T00:00:00Z</r:processedAt></r:ticketAsyncResponse>`;
const relates = (id: string) =>
  `<w:RelatesTo xmlns:w="http://www.w3.org/2005/08/addressing">${id}</w:RelatesTo>`;

describe("G5: whose result it is", () => {
  test("RelatesTo with space and line ends around its id", () => {
    const text = enveloped(result("<r:result>OK</r:result>"), relates("\n urn:uuid:\nb "));
    expect(parseCallback(text)).toMatchObject({ value: { requestId: "b" } });
  });

  test("RelatesTo, whatever <requestId> says", () => {
    const text = enveloped(
      result("<r:requestId>a</r:requestId><r:result>OK</r:result><r:ticketId>T-1</r:ticketId>"),
      relates("urn:uuid:b"),
    );
    expect(parseCallback(text)).toEqual({
      ok: true,
      value: { requestId: "b", result: "OK", ticketId: "T-1", code: null, cause: null, text },
    });
  });

  test("else <requestId>", () => {
    const inside =
      "<r:requestId>a</r:requestId><r:result>ERROR</r:result><r:code>E1</r:code><r:reason>no</r:reason>";
    expect(parseCallback(enveloped(result(inside)))).toMatchObject({
      ok: true,
      value: { requestId: "a", result: "ERROR", ticketId: null, code: "E1", cause: "no" },
    });
  });

  test("neither → refused, 400", () => {
    const read = parseCallback(enveloped(result("<r:result>OK</r:result>")));
    expect(read).toMatchObject({ ok: false, failure: { code: "INVALID" } });
    if (!read.ok) expect(callbackRefused(read.failure)).toMatchObject({ status: 400 });
  });
});

describe("what is no result is refused, with a Fault the sender can read", () => {
  test.each([
    ["not XML", "hello", 400],
    ["HTML", "<html/>", 400],
    ["another message", enveloped("<x/>"), 400],
    ["a Fault", enveloped("<s:Fault><faultcode>s:Server</faultcode></s:Fault>"), 400],
    [
      "contradiction",
      enveloped(result("<r:requestId>a</r:requestId><r:result>OK</r:result><r:result>ERROR</r:result>")),
      400,
    ],
    ["an unknown result", enveloped(result("<r:requestId>a</r:requestId><r:result>SOON</r:result>")), 400],
    ["a DOCTYPE", `<!DOCTYPE a>${enveloped(result(""))}`, 400],
    ["too much (S3)", " ".repeat(limits.callbackBytesMax + 1), 413],
  ])("%s", (_title, text, status) => {
    const read = parseCallback(text);
    expect(read.ok).toBe(false);
    if (read.ok) return;
    const reply = callbackRefused(read.failure);
    expect(reply.status).toBe(status);
    expect(reply.body).toContain("Client");
  });

  test("accepted is 202 and nothing", () => {
    expect(callbackAccepted).toEqual({ status: 202, contentType: null, body: "" });
  });
});
