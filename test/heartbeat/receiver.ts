/**
 * A receiver written from what healthchecks documents of its ping API, and from nothing of ours: checks are known by
 * UUID; success, start, fail, log and exit status; rid a UUID; 200 OK, 400, 404, 429; bodies kept to 100 kB.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";

export interface Ping {
  readonly check: string;
  readonly kind: "success" | "start" | "fail" | "log";
  readonly exitStatus: number | null;
  readonly rid: string | null;
  readonly body: string;
  readonly atMs: number;
  /** From the start with the same rid to this; null without one. */
  readonly durationMs: number | null;
}

/** What happens to the next pings, once each: answered so, or as said. */
export type Trouble = number | "silence" | "redirect" | "hang up" | "half" | "endless" | "not found in words";

export interface Receiver {
  /** Of a check that is known. */
  readonly url: string;
  readonly port: number;
  readonly pings: readonly Ping[];
  /** Requests that were answered with something else than OK, as `400 malformed rid`. */
  readonly refusals: readonly string[];
  readonly headers: readonly http.IncomingHttpHeaders[];
  readonly troubles: Trouble[];
  /** When so many requests have come, whatever became of them. */
  came(requests: number): Promise<void>;
  /** up, down or started, as its pages would say. */
  status(): "new" | "started" | "up" | "down";
  stop(): Promise<void>;
}

export const knownCheck = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278";
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const bodyBytesMax = 100_000;
const pingsPerMinute = 5;

export async function startReceiver(
  now: () => number = () => performance.now(),
  port = 0,
): Promise<Receiver> {
  const pings: Ping[] = [];
  const refusals: string[] = [];
  const headers: http.IncomingHttpHeaders[] = [];
  const troubles: Trouble[] = [];
  const waiting: { readonly requests: number; readonly resolve: () => void }[] = [];
  let requests = 0;

  /** A refusal, or the ping that it is. */
  function read(method: string, address: string, body: string): string | Ping {
    const { pathname, searchParams } = new URL(address, "http://receiver");
    const [root, check = "", action = "", ...more] = pathname.split("/").slice(1);
    const exit = /^\d{1,3}$/.test(action) && Number(action) <= 255 ? Number(action) : null;
    const isAction = ["", "start", "fail", "log"].includes(action) || exit !== null;
    if (root !== "ping" || !isAction || more.length > 0 || !uuid.test(check)) return "400 invalid url format";
    if (!["GET", "HEAD", "POST"].includes(method)) return "405 method not allowed";
    const rid = searchParams.get("rid");
    if (rid !== null && !uuid.test(rid)) return "400 malformed rid";
    if (check !== knownCheck) return "404 not found";
    const atMs = now();
    if (pings.filter((ping) => ping.atMs > atMs - 60_000).length >= pingsPerMinute) return "429 rate limited";
    const kind =
      exit !== null
        ? exit === 0
          ? "success"
          : "fail"
        : action === ""
          ? "success"
          : (action as Ping["kind"]);
    const start = kind === "start" ? undefined : pings.find((one) => one.kind === "start" && one.rid === rid);
    const durationMs = start === undefined || rid === null ? null : atMs - start.atMs;
    return { check, kind, exitStatus: exit, rid, body: body.slice(0, bodyBytesMax), atMs, durationMs };
  }

  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      headers.push(request.headers);
      const trouble = troubles.shift();
      const said = read(request.method ?? "", request.url ?? "", Buffer.concat(chunks).toString("utf8"));
      if (trouble !== undefined) cause(trouble, request, response);
      else if (typeof said === "string") {
        refusals.push(said);
        response.writeHead(Number(said.slice(0, 3))).end(said.slice(4));
      } else {
        pings.push(said);
        response.writeHead(200).end("OK");
      }
      requests += 1;
      for (const one of waiting) if (one.requests <= requests) one.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `http://127.0.0.1:${bound}/ping/${knownCheck}`,
    port: bound,
    pings,
    refusals,
    headers,
    troubles,
    came: (count) =>
      requests >= count
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.push({ requests: count, resolve })),
    status() {
      const last = pings.findLast(({ kind }) => kind !== "log");
      if (last === undefined) return "new";
      return last.kind === "start" ? "started" : last.kind === "fail" ? "down" : "up";
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function cause(trouble: Trouble, request: http.IncomingMessage, response: http.ServerResponse): void {
  if (typeof trouble === "number") response.writeHead(trouble).end("trouble");
  else if (trouble === "redirect")
    response.writeHead(302, { Location: `http://${request.headers.host}/ping/${knownCheck}` }).end();
  else if (trouble === "hang up") request.socket.destroy();
  else if (trouble === "half") response.writeHead(200, { "Content-Length": "10" }).write("OK");
  else if (trouble === "endless") {
    response.writeHead(200);
    const more = (): void => void response.write("O".repeat(4_096), (error) => error ?? setImmediate(more));
    response.on("error", () => undefined);
    more();
  } else if (trouble === "not found in words") response.writeHead(200).end("OK (not found)");
}
