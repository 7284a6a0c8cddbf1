/**
 * One check at a heartbeat receiver, over HTTP in the manner of healthchecks: `POST {url}[/start|/fail]?rid=…`.
 *   S3 at most `heartbeatsPerMinuteMax` a minute, each within `heartbeatTimeoutMs`, its answer read to 256 bytes.
 *   S4 the address is a secret: it stands in no detail and in no body.  S5 no redirect is followed.
 * Source: wire.md, "Heartbeat"; healthchecks.io, "Pinging API".
 */
import http from "node:http";
import https from "node:https";
import type { Beat, Clock, HeartbeatReceiver } from "../../actors/ports.ts";
import { fail, ok, type Result } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { startDeadline, type Deadline } from "../service/http-exchange.ts";
import { createMinuteWindow } from "./minute-window.ts";
import { beatText, secretsOf } from "./beat-text.ts";

export interface HttpReceiverOptions {
  /** http: or https:, without query and fragment; user and password in it are sent as Basic. */
  readonly url: string;
  readonly clock: Pick<Clock, "monotonicMs" | "setTimeout" | "clearTimeout">;
}

export function createHttpReceiver({ url, clock }: HttpReceiverOptions): HeartbeatReceiver {
  const base = new URL(url);
  const secrets = secretsOf(base);
  const window = createMinuteWindow(limits.heartbeatsPerMinuteMax, clock);
  return {
    async beat(beat, signal) {
      if (!window.take())
        return fail("BEAT_DROPPED", `not sent: ${limits.heartbeatsPerMinuteMax} a minute is the most`);
      const deadline = startDeadline(clock, limits.heartbeatTimeoutMs, signal);
      try {
        return judge(await post(base, beat, beatText(beat.text, secrets), deadline));
      } finally {
        deadline.release();
      }
    },
    dropped: () => window.refused(),
  };
}

type Said = { readonly status: number; readonly text: string } | { readonly broken: string };

/** healthchecks tells in words, with status 200, that it knows no such check or has had too many of it. */
function judge(said: Said): Result<null> {
  if ("broken" in said) return fail("BEAT_UNANSWERED", said.broken);
  const { status, text } = said;
  const refused = /\((not found|rate limited)\)/.exec(text)?.[1];
  if (status >= 200 && status < 300 && refused === undefined) return ok(null);
  if (status >= 300 && status < 400)
    return fail("BEAT_REFUSED", `answered ${status}: redirects are not followed; configure where it leads`);
  return fail("BEAT_REFUSED", `answered ${status}${refused === undefined ? "" : ` (${refused})`}`);
}

/** A connection of its own each time: two or three a minute are not worth keeping one. Never rejects. */
function post(base: URL, { kind, rid }: Beat, body: string, deadline: Deadline): Promise<Said> {
  return new Promise((resolve) => {
    let request: http.ClientRequest | null = null;
    const end = (said: Said): void => {
      resolve(said);
      request?.destroy();
    };
    const stop = (): void => end({ broken: endOf(deadline) });
    if (deadline.ended() !== null) return stop();
    const { request: open } = base.protocol === "https:" ? https : http;
    const path = `${base.pathname.replace(/\/+$/, "")}${kind === "success" ? "" : `/${kind}`}`;
    try {
      request = open({
        hostname: base.hostname.replace(/^\[(.*)\]$/, "$1"),
        port: base.port === "" ? undefined : Number(base.port),
        path: `${path === "" ? "/" : path}?rid=${rid}`,
        method: "POST",
        agent: false,
        headers: {
          "Content-Type": "text/plain; charset=utf-8",
          "Content-Length": String(Buffer.byteLength(body)),
          "User-Agent": "ticket-client",
          ...authorization(base),
        },
      });
    } catch (error) {
      return end({ broken: `cannot be called: ${codeOf(error)}` });
    }
    request.on("error", (error) => end({ broken: `no answer: ${codeOf(error)}` }));
    request.on("close", () => end({ broken: "the connection ended without a whole answer" }));
    request.on("response", (response) => {
      let text = "";
      const status = response.statusCode ?? 0;
      response.setEncoding("latin1");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length >= limits.heartbeatAnswerBytesMax)
          end({ status, text: text.slice(0, limits.heartbeatAnswerBytesMax) });
      });
      response.on("end", () => end({ status, text }));
      // Its errors are those of the request; unheard, they would end the process.
      response.on("error", () => {});
    });
    deadline.onEnd(stop);
    request.end(body);
  });
}

function endOf(deadline: Deadline): string {
  return deadline.ended() === "givenUp"
    ? "given up: the engine stops"
    : `no answer within ${limits.heartbeatTimeoutMs} ms`;
}

function authorization({ username, password }: URL): { readonly Authorization?: string } {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** S4: the message of an error may name the address, its code does not. */
function codeOf(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return first instanceof Error && "code" in first && typeof first.code === "string"
    ? first.code
    : "the connection failed";
}
