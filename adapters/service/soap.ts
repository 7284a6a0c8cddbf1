/**
 * SOAP 1.1 envelopes with WS-Addressing 2005/08 headers, as TicketService.wsdl binds them.
 * What is inside the body stands in messages.ts.
 */
import { fail, ok, type Result } from "../../machines/failure.ts";
import { readXml, writeXml, type XmlElement, type XmlTree } from "./xml.ts";

const soapNamespace = "http://schemas.xmlsoap.org/soap/envelope/";
const addressingNamespace = "http://www.w3.org/2005/08/addressing";
export const ticketNamespace = "urn:ticketclient:osb:v1";
/** A ReplyTo that names no place to post to. */
export const anonymousAddress = `${addressingNamespace}/anonymous`;
export const soapContentType = "text/xml; charset=utf-8";

export interface AddressingOut {
  readonly messageId?: string;
  readonly relatesTo?: string;
  readonly action?: string;
  readonly to?: string;
  readonly replyTo?: string;
}

export interface Fault {
  /** Local part of faultcode: Client, Server … */
  readonly code: string;
  readonly text: string;
  /** `errorCode` of the OSB's fault detail (BEA-38xxxx), where there is one. */
  readonly errorCode: string | null;
  /** Where the OSB's pipeline failed: `request-pipeline`, `response-pipeline` … */
  readonly pipeline: string | null;
}

export interface Envelope {
  readonly messageId: string | null;
  readonly relatesTo: string | null;
  readonly replyTo: string | null;
  /** The one element of the body; null = the body is empty. */
  readonly body: XmlElement | null;
  readonly fault: Fault | null;
}

/** The id inside `urn:uuid:…`; the text itself where it has another form. Space around an id is none of it. */
export function idOfUrn(urn: string): string {
  return (urn.startsWith("urn:uuid:") ? urn.slice("urn:uuid:".length) : urn).trim();
}

export function urnOfId(id: string): string {
  return `urn:uuid:${id}`;
}

/** Members of `content` are elements of the contract's namespace, in the order of the contract. */
export function writeEnvelope(name: string, content: XmlTree, addressing: AddressingOut = {}): string {
  const header: XmlTree = {
    "wsa:MessageID": addressing.messageId,
    "wsa:RelatesTo": addressing.relatesTo,
    "wsa:Action": addressing.action,
    "wsa:To": addressing.to,
    "wsa:ReplyTo": addressing.replyTo === undefined ? undefined : { "wsa:Address": addressing.replyTo },
  };
  const addressed = Object.values(header).some((value) => value !== undefined);
  return writeXml({
    "soapenv:Envelope": {
      "@xmlns:soapenv": soapNamespace,
      ...(addressed && { "@xmlns:wsa": addressingNamespace, "soapenv:Header": header }),
      "soapenv:Body": { [name]: { "@xmlns": ticketNamespace, ...content } },
    },
  });
}

/** A fault as the OSB writes it. */
export function writeFault(code: "Client" | "Server", text: string, errorCode?: string): string {
  return writeXml({
    "soapenv:Envelope": {
      "@xmlns:soapenv": soapNamespace,
      "soapenv:Body": {
        "soapenv:Fault": {
          faultcode: `soapenv:${code}`,
          faultstring: text,
          ...(errorCode !== undefined && {
            detail: {
              "con:fault": {
                "@xmlns:con": "http://www.bea.com/wli/sb/context",
                "con:errorCode": errorCode,
                "con:reason": text,
                "con:location": { "con:path": "request-pipeline" },
              },
            },
          }),
        },
      },
    },
  });
}

/** Failure codes: TOO_LARGE, TOO_DEEP, INVALID. */
export function readEnvelope(text: string, bytesMax: number): Result<Envelope> {
  const read = readXml(text, bytesMax);
  if (!read.ok) return read;
  const root = read.value;
  if (root.name !== "Envelope" || root.namespace !== soapNamespace) {
    return fail("INVALID", `expected a SOAP 1.1 Envelope, found <${root.name}>`);
  }
  const bodies = root.children.filter((child) => isElement(child, soapNamespace, "Body"));
  const parts = bodies[0]?.children ?? [];
  if (bodies.length !== 1) return fail("INVALID", `expected one Body, found ${bodies.length}`);
  if (parts.length > 1) return fail("INVALID", `expected one element in the Body, found ${parts.length}`);
  const part = parts[0] ?? null;
  const headers = root.children.find((child) => isElement(child, soapNamespace, "Header"))?.children ?? [];
  const header = (name: string) => headers.find((child) => isElement(child, addressingNamespace, name));
  const isFault = part !== null && isElement(part, soapNamespace, "Fault");
  return ok({
    messageId: textOrNull(header("MessageID")),
    relatesTo: textOrNull(header("RelatesTo")),
    replyTo: textOrNull(
      header("ReplyTo")?.children.find((c) => isElement(c, addressingNamespace, "Address")),
    ),
    body: isFault ? null : part,
    fault: isFault ? readFault(part) : null,
  });
}

function readFault(fault: XmlElement): Fault {
  const child = (name: string) => fault.children.find((element) => element.name === name)?.text.trim() ?? "";
  const detail = fault.children.find((element) => element.name === "detail");
  const code = child("faultcode");
  return {
    code: code.slice(code.indexOf(":") + 1),
    text: child("faultstring"),
    errorCode: textOrNull(detail && findDeep(detail, "errorCode")),
    pipeline: textOrNull(detail && findDeep(detail, "path")),
  };
}

function findDeep(element: XmlElement, name: string): XmlElement | undefined {
  for (const child of element.children) {
    const found = child.name === name ? child : findDeep(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isElement(element: XmlElement, namespace: string, name: string): boolean {
  return element.name === name && element.namespace === namespace;
}

function textOrNull(element: XmlElement | undefined): string | null {
  const text = element?.text.trim() ?? "";
  return text === "" ? null : text;
}
