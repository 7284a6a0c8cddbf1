/** A real engine that asks for tokens, in TLS where that is wanted, and peers that may misbehave on real sockets. */
import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import tls from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { ConfigInput } from "../../actors/config.ts";
import type { Clock } from "../../actors/ports.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { type Engine, startEngine } from "../../adapters/engine.ts";
import { type Certificate, makeCertificate } from "./certificate.ts";

export const tokens = {
  viewer: "viewer-token-1",
  operator: "operator-token-1",
  source: "source-token-1",
} as const;
export type RoleName = keyof typeof tokens;

export interface Guarded {
  readonly engine: Engine;
  readonly dir: string;
  readonly tokensFile: string;
  /** What was logged, each as one line of JSON. */
  readonly logged: string[];
  /** PEM of the engine's certificate; null without TLS. */
  readonly certificate: Certificate | null;
  readonly port: number;
}

export function tokenLines(held: Readonly<Record<string, string>> = tokens): string {
  return Object.entries(held)
    .map(([role, token]) => `${role}:${role}-1:${hash("sha256", token)}\n`)
    .join("");
}

export async function startGuarded(
  options: {
    readonly tls?: boolean;
    readonly clock?: Clock;
    readonly config?: ConfigInput;
  } = {},
): Promise<Guarded> {
  const dir = mkdtempSync(join(tmpdir(), "ticket-client-security-"));
  const tokensFile = join(dir, "tokens");
  writeFileSync(tokensFile, tokenLines());
  const certificate = options.tls === true ? makeCertificate() : null;
  if (certificate !== null) {
    writeFileSync(join(dir, "cert.pem"), certificate.cert);
    writeFileSync(join(dir, "key.pem"), certificate.key);
  }
  const pair = certificate === null ? undefined : { cert: join(dir, "cert.pem"), key: join(dir, "key.pem") };
  const logged: string[] = [];
  const note = (event: string, fields?: object) => void logged.push(JSON.stringify({ event, ...fields }));
  const engine = await startEngine({
    config: {
      auth: { tokensFile },
      // Nobody listens there: what is tried here is who gets in, not what becomes of an alarm.
      ...options.config,
      listen: { port: 0, ...options.config?.listen, ...(pair === undefined ? undefined : { tls: pair }) },
      dataDir: join(dir, "data"),
    },
    clock: options.clock ?? systemClock,
    ids: systemIds,
    log: { info: note, warn: note, error: note },
  });
  onTestFinished(async () => {
    await engine.stop({ drainSeconds: 0 });
    rmSync(dir, { recursive: true, force: true });
  });
  return { engine, dir, tokensFile, logged, certificate, port: Number(new URL(engine.url).port) };
}

export interface Said {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

export interface AskOptions {
  readonly as?: RoleName;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Over HTTP, or HTTPS with the engine's certificate as the only one trusted. */
export function ask({ engine, certificate }: Guarded, path: string, how: AskOptions = {}): Promise<Said> {
  const { as, method = "GET", headers = {}, body = "" } = how;
  const authorization = as === undefined ? undefined : { authorization: `Bearer ${tokens[as]}` };
  const settings = { method, agent: false as const, headers: { ...authorization, ...headers } };
  return new Promise((resolve, reject) => {
    const url = new URL(path, engine.url);
    const request =
      certificate === null
        ? http.request(url, settings)
        : https.request(url, {
            ...settings,
            ca: certificate.cert,
            // Whatever the Host header says.
            checkServerIdentity: (_host, peer) => tls.checkServerIdentity("127.0.0.1", peer),
          });
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

export interface SocketOptions {
  readonly as?: RoleName | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  readonly autoPong?: boolean;
}

/** One WebSocket; `text()` gives its messages one after the other. */
export class Peer {
  readonly webSocket: WebSocket;
  /** 101, or the status of the refusal. */
  readonly status: Promise<number>;
  readonly refusal: Promise<http.IncomingMessage>;
  readonly closed: Promise<number>;
  readonly #texts: string[] = [];
  readonly #waiting: ((text: string) => void)[] = [];

  constructor(at: Guarded, path: string, options: SocketOptions = {}) {
    const { as = null, headers = {}, protocols = ["cloudevents.json"], autoPong = true } = options;
    this.webSocket = new WebSocket(at.engine.url.replace(/^http/, "ws") + path, [...protocols], {
      autoPong,
      headers: { ...(as === null ? undefined : { authorization: `Bearer ${tokens[as]}` }), ...headers },
      ...(at.certificate === null ? undefined : { ca: at.certificate.cert }),
    });
    this.refusal = new Promise((resolve) =>
      this.webSocket.on("unexpected-response", (_request, response) => {
        response.resume();
        resolve(response);
      }),
    );
    this.status = Promise.race([
      this.refusal.then(({ statusCode }) => statusCode ?? 0),
      new Promise<number>((resolve) => this.webSocket.on("open", () => resolve(101))),
    ]);
    this.closed = new Promise((resolve) => this.webSocket.on("close", (code) => resolve(code)));
    this.webSocket.on("error", () => undefined);
    this.webSocket.on("message", (data: Buffer) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#texts.push(data.toString("utf8"));
      else waiting(data.toString("utf8"));
    });
    onTestFinished(() => this.webSocket.terminate());
  }

  text(): Promise<string> {
    const there = this.#texts.shift();
    return there === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(there);
  }

  /** The first message that says so. */
  async until(is: (text: string) => boolean): Promise<string> {
    for (;;) {
      const text = await this.text(); // oxlint-disable-line no-await-in-loop -- one after the other
      if (is(text)) return text;
    }
  }
}

/** Status of an upgrade, which is ended again. */
export async function upgrade(at: Guarded, path: string, options: SocketOptions = {}): Promise<number> {
  const peer = new Peer(at, path, options);
  const status = await peer.status;
  peer.webSocket.terminate();
  return status;
}
