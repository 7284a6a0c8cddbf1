/** S3: who sends alarms, over WebSocket or HTTP, takes none of the connections that are kept for operators. */
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { configSchema } from "../../actors/config.ts";
import { createHttpAlarmIntake } from "../../adapters/alarms/http-intake.ts";
import { healthRoutes } from "../../adapters/http/health.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { type HttpServer, type Route, startHttpServer } from "../../adapters/http/server.ts";
import { correlationKey } from "../alarms/rig.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const shares = { senders: 2, passing: 1, operators: 1 };
let server: HttpServer;
/** Until then the alarms of requests with `Later` are not durable. */
let durable: PromiseWithResolvers<void>;
let whenAsked: () => void;
const held: Socket[] = [];

beforeEach(async () => {
  server = await startHttpServer(
    configSchema.parse({ listen: { port: 0 } }).listen,
    { clock: systemClock, log: quiet },
    shares,
  );
  durable = Promise.withResolvers();
  whenAsked = () => undefined;
  const answer: Route["answer"] = async ({ headers }, response) => {
    whenAsked();
    if (headers["later"] !== undefined) await durable.promise;
    response.writeHead(202).end();
  };
  server.addRoutes(healthRoutes(() => "ready"));
  server.addRoutes(
    ["/v1/alarms", "/v1/alarms/ves"].map((path) => ({ method: "POST" as const, path, answer })),
  );
  server.addUpgrade((_request, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end()).resume();
    return true;
  });
  server.allAdded();
});
afterEach(() => {
  durable.resolve();
  for (const socket of held.splice(0)) socket.destroy();
  return server.close();
});

/** A program with one connection, which it keeps as long as it may. */
function program() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  /** Status, and whether the connection is kept; rejects where none is to be had. */
  async function ask(method: "GET" | "POST", path: string, headers: Readonly<Record<string, string>> = {}) {
    const outgoing = request(new URL(path, server.url), { method, agent, headers }).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
    return `${response.statusCode} ${response.headers.connection}`;
  }
  return {
    send: (headers?: Readonly<Record<string, string>>) => ask("POST", "/v1/alarms/ves", headers),
    look: () => ask("GET", "/healthz"),
  };
}

function later(send: ReturnType<typeof program>["send"]) {
  const asked = new Promise<void>((resolve) => (whenAsked = resolve));
  return { asked, answered: send({ later: "yes" }) };
}

async function upgraded() {
  const socket: Socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  held.push(socket);
  socket.write(
    "GET /v1/alarms HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  const [said] = (await once(socket, "data")) as [Buffer];
  return { status: said.toString().split(" ")[1], socket };
}

test("S3: HTTP senders beyond those whose connections are kept are answered on one that ends, and operators get in", async () => {
  const senders = Array.from({ length: 8 }, program);
  const answers: string[] = [];
  for (const { send } of senders) answers.push(await send()); // one after the other
  expect(answers).toEqual([
    "202 keep-alive",
    "202 keep-alive",
    ...Array.from({ length: 6 }, () => "202 close"),
  ]);
  expect(await program().look()).toBe("200 keep-alive");
  // Who has one has it still.
  for (const { send } of senders.slice(0, 2)) expect(await send()).toBe("202 keep-alive");
});

test("S3: WebSockets and HTTP senders are counted together", async () => {
  const first = await upgraded();
  expect(first.status).toBe("101");
  expect(await program().send()).toBe("202 keep-alive");
  expect((await upgraded()).status).toBe("503");
  expect(await program().send()).toBe("202 close");
  first.socket.destroy();
  await expect.poll(async () => (await upgraded()).status).toBe("101");
});

test("S3: of requests on connections of their own so many are answered at once, and one more is asked to come again", async () => {
  const slow = [program(), program(), program()].map(({ send }) => send);
  const answers: Promise<string>[] = [];
  for (const send of slow) {
    const { asked, answered } = later(send);
    answers.push(answered);
    await asked;
  }
  expect(await program().send()).toBe("503 close");
  expect(await program().look()).toBe("200 keep-alive");
  durable.resolve();
  expect(await Promise.all(answers)).toEqual(["202 keep-alive", "202 keep-alive", "202 close"]);
  await expect.poll(() => program().send()).toBe("202 close");
});

test("S3: an operator's connection is a sender's as soon as alarms come over it", async () => {
  const both = program();
  expect(await both.look()).toBe("200 keep-alive");
  expect(await both.send()).toBe("202 keep-alive");
  expect(await program().send()).toBe("202 keep-alive");
  expect(await program().send()).toBe("202 close");
});

test("S3: all that takes alarms over HTTP lies where a connection becomes a sender's", () => {
  const sink = { accept: () => Promise.reject(new Error("asked")) };
  const settings = {
    correlationKey: correlationKey(),
    isCleared: () => false,
    wasAccepted: () => Promise.resolve(false),
    activeSince: () => null,
    clock: systemClock,
  };
  const paths = createHttpAlarmIntake({ sink, log: quiet, ...settings }).routes.map(({ path }) => path);
  expect(paths).toContain("/v1/alarms/alertmanager");
  expect(paths.filter((path) => !/^\/v1\/alarms(\/|$)/.test(path))).toEqual([]);
});
