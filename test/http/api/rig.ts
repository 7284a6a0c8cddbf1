/**
 * The API of a real engine over real HTTP, with the desk as its ticketing service. Every answer is checked against
 * the OpenAPI document that the engine itself serves, and which operations were asked is remembered.
 */
import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { onTestFinished } from "vitest";
import type { ConfigInput } from "../../../actors/config.ts";
import { systemClock, systemIds } from "../../../adapters/clock/system.ts";
import { startDesk, type Desk, type DeskOptions } from "../../../adapters/desk/desk.ts";
import { type Engine, startEngine } from "../../../adapters/engine.ts";
import type { Fact } from "../../../machines/facts.ts";
import type { ServiceInfo } from "../../../machines/vocabulary.ts";
import { notification } from "../../engine/notifications.ts";
import { serviceRow } from "../../service/calls.ts";

export const tokens = { viewer: "see", operator: "do", source: "send" } as const;
export type RoleName = keyof typeof tokens;

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** `METHOD path` of every operation that was done, in this test file. */
export const asked: Set<string> = new Set();

export interface ApiOptions {
  readonly config?: ConfigInput;
  readonly desk?: Partial<DeskOptions>;
  readonly row?: Partial<ServiceInfo>;
  /** Tokens are asked for. */
  readonly guarded?: boolean;
  /** Of many tests: ended by `end`, not with this one. */
  readonly keep?: boolean;
}

export interface Asked {
  readonly as?: RoleName;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless `text` is. */
  readonly json?: unknown;
  readonly text?: string;
  readonly type?: string;
}

export interface Said<Body = Record<string, never>> {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly body: Body;
}

export interface ApiUnderTest {
  readonly engine: Engine;
  readonly desk: Desk;
  ask<Body = never>(method: string, path: string, how?: Asked): Promise<Said<Body>>;
  raise(id: string, change?: Parameters<typeof notification>[1]): Promise<void>;
  /** Resolves at the first fact, from the ledger's first on, that is so. */
  fact(is: (fact: Fact) => boolean): Promise<Fact>;
  document(): Promise<OpenApi>;
  end(): Promise<void>;
}

export interface OpenApi {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, object> }>>;
}

export async function startApi(options: ApiOptions = {}): Promise<ApiUnderTest> {
  const dir = mkdtempSync(join(tmpdir(), "ticket-client-api-"));
  const desk = await startDesk({
    port: 0,
    dataDir: null,
    idempotency: "requestId",
    settleSeconds: 0,
    clock: systemClock,
    ...options.desk,
  });
  const tokensFile = join(dir, "tokens");
  const lines = Object.entries(tokens).map(([role, token]) => `${role}:${role}-1:${hash("sha256", token)}`);
  writeFileSync(tokensFile, lines.join("\n"));
  const engine = await startEngine({
    config: {
      listen: { port: 0 },
      ...(options.guarded === true ? { auth: { tokensFile } } : undefined),
      ...options.config,
      dataDir: join(dir, "data"),
    },
    clock: systemClock,
    ids: systemIds,
    log: quiet,
    services: [{ ...serviceRow(desk.port), ...options.row }],
  });
  const end = async () => {
    await engine.stop({ drainSeconds: 0 });
    await desk.close();
    rmSync(dir, { recursive: true, force: true });
  };
  if (options.keep !== true) onTestFinished(end);
  return new Api(engine, desk, end);
}

class Api implements ApiUnderTest {
  readonly engine: Engine;
  readonly desk: Desk;
  readonly end: () => Promise<void>;
  #checked: Promise<{ readonly openApi: OpenApi; readonly ajv: Ajv2020 }> | null = null;

  constructor(engine: Engine, desk: Desk, end: () => Promise<void>) {
    this.engine = engine;
    this.desk = desk;
    this.end = end;
  }

  async ask<Body>(method: string, path: string, how: Asked = {}): Promise<Said<Body>> {
    const said = await send(this.engine.url, method, path, how);
    const body =
      said.text !== "" && said.headers["content-type"]?.includes("json") === true
        ? (JSON.parse(said.text) as Body)
        : (undefined as Body);
    await this.#check(method, path, said, body);
    return { ...said, body };
  }

  async raise(id: string, change: Parameters<typeof notification>[1] = {}): Promise<void> {
    await this.engine.supervisor.raise(notification(id, change));
  }

  async fact(is: (fact: Fact) => boolean): Promise<Fact> {
    const end = new AbortController();
    let found: Fact | null = null;
    await this.engine.supervisor.subscribe(
      (fact) => {
        if (found !== null || !is(fact)) return;
        found = fact;
        end.abort();
      },
      { after: 0, signal: end.signal },
    );
    if (found === null) throw new Error("The engine ended first.");
    return found;
  }

  async document(): Promise<OpenApi> {
    return (await this.#documents()).openApi;
  }

  #documents() {
    this.#checked ??= send(this.engine.url, "GET", "/api/openapi.json", {}).then(({ text }) => {
      const openApi = JSON.parse(text) as OpenApi;
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      ajv.addSchema(openApi, "openapi");
      return { openApi, ajv };
    });
    return this.#checked;
  }

  /** The answer is one that the document names, and its body is what the document says. */
  async #check(method: string, path: string, said: Omit<Said, "body">, body: unknown): Promise<void> {
    if (method === "HEAD" || method === "OPTIONS") return;
    const { openApi, ajv } = await this.#documents();
    const plain = path.split("?")[0] ?? "";
    const template = Object.keys(openApi.paths).find((one) => fits(one, plain));
    const operation = template === undefined ? undefined : openApi.paths[template]?.[method.toLowerCase()];
    if (template === undefined || operation === undefined) return;
    if (said.status === 200) asked.add(`${method} ${template}`);
    const response = operation.responses[String(said.status)];
    if (response === undefined)
      throw new Error(`${method} ${template} may not answer ${said.status}: ${said.text}`);
    if (body === undefined) return;
    const type = said.headers["content-type"]?.split(";")[0] ?? "";
    const at =
      "$ref" in response
        ? "openapi#/components/responses/Problem"
        : `openapi#/paths/${template.replaceAll("~", "~0").replaceAll("/", "~1")}/${method.toLowerCase()}/responses/${said.status}`;
    const validate = ajv.compile({ $ref: `${encodeURI(at)}/content/${type.replaceAll("/", "~1")}/schema` });
    if (!validate(body))
      throw new Error(`${method} ${path}: ${ajv.errorsText(validate.errors)} in ${said.text.slice(0, 500)}`);
  }
}

function fits(template: string, path: string): boolean {
  return new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`).test(path);
}

function send(
  url: string,
  method: string,
  path: string,
  { as, headers, json, text, type }: Asked,
): Promise<Omit<Said, "body">> {
  const payload = text ?? (json === undefined ? undefined : JSON.stringify(json));
  const sent = {
    ...(as === undefined ? undefined : { authorization: `Bearer ${tokens[as]}` }),
    ...(payload === undefined
      ? undefined
      : { "content-type": type ?? "application/json", "content-length": String(Buffer.byteLength(payload)) }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, url), { method, headers: sent, agent: false }, (response) => {
      let said = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (said += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: said }),
      );
    });
    request.on("error", reject);
    request.end(payload);
  });
}
