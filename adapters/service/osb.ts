/**
 * The operator's ticketing service over SOAP 1.1 (TicketService.wsdl): one call, one exchange.
 *   G2 G3 an answer is what it proves, nothing more: "not sent", "not applied", or in doubt.
 *   S3 S4 S5 S8 bounded answers, no secret in a text, allowed hosts and no redirects, no DTD.
 */
import http from "node:http";
import type { LookupFunction } from "node:net";
import type { Call, Clock, Texts, TicketingService } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { Command, ServiceInfo } from "../../machines/vocabulary.ts";
import { classifyRequest, classifySearch, type Outcome } from "./classification.ts";
import { createClosingPeers } from "./closing-peers.ts";
import { post, startDeadline, type Deadline, type Exchange } from "./http-exchange.ts";
import { actionOf, operations, requestContent, requestName, searchContent } from "./messages.ts";
import { readPassword } from "./password-file.ts";
import { rowText } from "./row-texts.ts";
import { anonymousAddress, soapContentType, urnOfId, writeEnvelope } from "./soap.ts";
import type { XmlTree } from "./xml.ts";

export interface OsbOptions {
  /** Where the service posts async results; "" = nowhere (the anonymous address). Asked at every call. */
  readonly callbackUrl: () => string;
  /** S4: what `callbackUrl` holds that no row may. Default: nothing. */
  readonly callbackSecrets?: readonly string[];
  readonly clock: Pick<Clock, "now" | "setTimeout" | "clearTimeout">;
  /** `origin/dmaId` of every request: who this system is to the service. Default "ticket-client". */
  readonly systemId?: string;
  /** S5: false = never called, `failed` with BAD_CONFIGURATION. Default: every host of the table. */
  readonly hostAllowed?: (host: string) => boolean;
  /** S5: gives the addresses that a host may be called at (allowed-hosts.ts). Default: whatever it resolves to. */
  readonly lookup?: LookupFunction;
}

/** A POST per search at once; more wait for a socket, inside their deadline. */
const searchSocketsMax = 64;
/** One request at a time and service (G1); a few services. */
const requestSocketsMax = 16;
/**
 * A request on a socket that the peer is just closing is a create in doubt. Peers keep idle sockets 5 s
 * or more (Node 5 s, WebLogic 30 s), so ours are given up after 1 s idle, well before. A fresh connection
 * for every request would be safer still, but costs half the throughput, and at 1,500 a second
 * the 28,000 local ports are used up by TIME_WAIT within 20 s. So only peers that close earlier get one each
 * (closing-peers.ts).
 */
const idleSocketMs = 1_000;

export function createOsbService(options: OsbOptions): TicketingService {
  const { clock } = options;
  // Two agents: a burst of searches must not make a request wait for a socket.
  const searches = new http.Agent({
    keepAlive: true,
    maxSockets: searchSocketsMax,
    timeout: idleSocketMs,
    scheduling: "lifo",
  });
  const requests = new http.Agent({
    keepAlive: true,
    maxSockets: requestSocketsMax,
    timeout: idleSocketMs,
    scheduling: "lifo",
  });
  const closing = createClosingPeers();
  const { callbackSecrets = [] } = options;
  const systemId = options.systemId ?? "ticket-client";

  async function exchange(
    call: Call,
    command: Command,
    requestId: string,
    content: () => XmlTree,
  ): Promise<Said> {
    const { service } = call;
    const action = actionOf(operations[command]);
    const deadline = startDeadline(clock, service.timeoutSeconds * 1_000, call.signal);
    let body = "";
    let secrets = callbackSecrets;
    const finish = (outcome: Outcome): Said => ({
      outcome,
      secrets,
      texts: { request: rowText(body, secrets), answer: rowText(answerText(outcome), secrets) },
    });
    try {
      const callback = options.callbackUrl();
      try {
        body = writeEnvelope(requestName(command), content(), {
          messageId: urnOfId(requestId),
          action,
          to: `http://${bracketed(service.host)}:${service.port}${service.path}`,
          replyTo: callback === "" ? anonymousAddress : callback,
        });
      } catch (error) {
        // A time that is no date, say.
        return finish(impossible(`the request cannot be written: ${messageOf(error)}`));
      }
      // S5
      if (options.hostAllowed?.(service.host) === false) {
        return finish(impossible(`${service.host} is not among allowedServiceHosts`));
      }
      const credentials = await readCredentials(service);
      if (credentials.kind === "unreadable") return finish(impossible(credentials.cause));
      secrets = [...callbackSecrets, ...credentials.secrets];
      const posting = {
        host: service.host,
        port: service.port,
        path: service.path,
        headers: {
          "Content-Type": soapContentType,
          "Content-Length": String(Buffer.byteLength(body)),
          SOAPAction: `"${action}"`,
          ...credentials.headers,
        },
        body,
        answerBytesMax: limits.serviceAnswerBytesMax,
        named: requestId,
        lookup: options.lookup,
        onPeerEnded: () => closing.noticed(service),
      };
      const kept = command === "search" ? searches : closing.takes(service) ? false : requests;
      const first = await post(posting, kept, deadline);
      // A search changes nothing: one that met a closing socket is asked again on a fresh one.
      const again = command === "search" && first.kind === "broken" && first.onReusedSocket;
      return finish(explain(again ? await post(posting, false, deadline) : first, deadline));
    } finally {
      deadline.release();
    }
  }

  return {
    async search(call) {
      const origin = { dmaId: systemId, elementId: call.clientId, paramId: call.lockGuid };
      const content = () => searchContent(call.requestId, origin, call.criteria);
      try {
        const { outcome, texts, secrets } = await exchange(call, "search", call.requestId, content);
        return redacted(classifySearch(outcome, call, texts, clock.now()), secrets);
      } catch (error) {
        const { code, cause, texts } = unexpected(error);
        return { kind: "error", code, cause, permanent: false, texts };
      }
    },

    async send(call) {
      const { requestId, clientId, lockGuid, payload } = call.request;
      const { command } = payload;
      const origin = { dmaId: systemId, elementId: clientId, paramId: lockGuid };
      const content = () => requestContent(requestId, origin, payload);
      try {
        const { outcome, texts, secrets } = await exchange(call, command, requestId, content);
        return redacted(classifyRequest(outcome, { command, requestId }, texts, clock.now()), secrets);
      } catch (error) {
        return unexpected(error);
      }
    },

    close() {
      searches.destroy();
      requests.destroy();
      return Promise.resolve();
    },
  };
}

interface Said {
  readonly outcome: Outcome;
  readonly texts: Texts;
  readonly secrets: readonly string[];
}

const causeBytesMax = 512;

/** The port never rejects; what a mistake of ours leaves behind is in doubt, whenever it struck. */
function unexpected(error: unknown) {
  return {
    kind: "inDoubt",
    code: "UNREADABLE",
    cause: `the adapter failed: ${messageOf(error)}`,
    texts: { request: "", answer: "" },
  } as const;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function impossible(cause: string): Outcome {
  return { kind: "impossible", cause };
}

function explain(exchange: Exchange, deadline: Deadline): Outcome {
  // An attempt its caller gave up is in doubt even before the connect: nobody waits to learn more.
  if (exchange.kind === "notSent" && deadline.ended() === "givenUp") {
    return { kind: "broken", code: "TIMEOUT", cause: "given up", text: "", onReusedSocket: false };
  }
  return exchange;
}

function answerText(outcome: Outcome): string {
  if (outcome.kind === "broken") return outcome.text;
  if (outcome.kind !== "answered") return "";
  return outcome.status === 200
    ? outcome.text
    : `HTTP ${outcome.status} ${outcome.statusText}\n\n${outcome.text}`;
}

/** S4: a fault of the service may repeat what it was sent. */
function redacted<T extends { readonly kind: string; readonly cause?: string }>(
  answer: T,
  secrets: readonly string[],
): T {
  if (answer.cause === undefined) return answer;
  return { ...answer, cause: rowText(answer.cause, secrets, causeBytesMax) };
}

type Credentials =
  | {
      readonly kind: "ready";
      readonly headers: Readonly<Record<string, string>>;
      readonly secrets: readonly string[];
    }
  | { readonly kind: "unreadable"; readonly cause: string };

/** Read at every call: a changed password counts at once, and none is kept. */
async function readCredentials(service: ServiceInfo): Promise<Credentials> {
  if (service.user === undefined) return { kind: "ready", headers: {}, secrets: [] };
  let password = "";
  if (service.passwordFile !== undefined) {
    try {
      password = await readPassword(service.passwordFile);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
      const cause = `the password file of service ${service.name} cannot be read (${code}): check passwordFile`;
      return { kind: "unreadable", cause };
    }
  }
  const token = Buffer.from(`${service.user}:${password}`, "utf8").toString("base64");
  return {
    kind: "ready",
    headers: { Authorization: `Basic ${token}` },
    secrets: password === "" ? [token] : [password, token],
  };
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
